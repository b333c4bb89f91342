//! Checking the `gate` section.

use std::collections::BTreeMap;

use super::{Checker, suggest};
use crate::metric::{Direction, Range};
use crate::suite::{
    Amount, GateSpec,
    document::escape,
    file_name,
    raw::{RawGate, RawGateMetric, RawMetric, RawModel},
};

impl Checker<'_> {
    pub(super) fn gate(
        &mut self,
        raw: &RawGate,
        metrics: &[RawMetric],
        evaluated: &[&RawModel],
    ) -> GateSpec {
        let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        if let Some(Err(message)) = raw.baseline.as_deref().map(file_name) {
            self.complain("/gate/baseline", format!("the baseline's name {message}"));
        }
        if let Some(Err(message)) = raw.baseline_suite.as_deref().map(file_name) {
            self.complain("/gate/baseline_suite", format!("the suite's earlier name {message}"));
        }
        self.stop_early(raw, metrics);
        if raw.baseline.is_none() && raw.baseline_optional {
            let message = "`baseline_optional` needs a `baseline`, and the gate names none";
            self.complain("/gate/baseline_optional", message);
        }
        if raw.metrics.as_ref().is_some_and(BTreeMap::is_empty) {
            self.complain("/gate/metrics", "a gate without metrics would always be green");
        }
        for (name, metric) in raw.metrics.iter().flatten() {
            let at = format!("/gate/metrics/{}", escape(name));
            match Amount::named(name) {
                Some(amount) => {
                    self.gated_amount(&at, amount, *metric);
                    self.needs_streams(&at, amount, evaluated);
                }
                None => self.gated_score(&at, name, *metric, metrics),
            }
        }
        GateSpec::new(raw, &names)
    }

    /// Complains of a run that could never stop early: what concerns some items alone is decided at the end.
    fn stop_early(&mut self, raw: &RawGate, metrics: &[RawMetric]) {
        let is_gated = |metric: &&RawMetric| {
            raw.metrics.as_ref().is_none_or(|gated| gated.contains_key(&metric.name))
        };
        let mut gated = metrics.iter().filter(is_gated).peekable();
        if !raw.stop_early || gated.peek().is_none() || gated.any(|metric| metric.when.is_none()) {
            return;
        }
        let message =
            "no run of it stops early: every gated metric has `when`, and is decided at the end";
        let hint = "remove `stop_early`, or gate a metric that concerns every item".to_owned();
        self.complain_with_hint("/gate/stop_early", message.to_owned(), hint);
    }

    fn gated_amount(&mut self, at: &str, amount: Amount, raw: RawGateMetric) {
        let name = amount.name();
        let more_is_better = amount.direction() == Direction::Higher;
        if raw.min.is_some() {
            let message = if more_is_better {
                format!("`{name}` is compared with a baseline, and takes no minimum")
            } else {
                format!("`{name}` has no minimum: less of it is better")
            };
            self.complain(&format!("{at}/min"), message);
        }
        if more_is_better && raw.margin.is_some_and(|margin| margin >= 1.0) {
            let message = format!("a margin of 1 or more lets `{name}` fall to nothing");
            let hint = "write a share, such as 0.1 for a tenth".to_owned();
            self.complain_with_hint(&format!("{at}/margin"), message, hint);
        }
        if raw.max.is_some() {
            let message = format!("`{name}` is compared with a baseline, and takes no maximum");
            self.complain(&format!("{at}/max"), message);
        }
    }

    /// Pieces of answers are timed only where a model that prompts are run against streams, or is a recording
    /// of one that may have.
    fn needs_streams(&mut self, at: &str, amount: Amount, evaluated: &[&RawModel]) {
        let is_recording = |model: &RawModel| {
            model.recorded.as_ref().is_some_and(|recorded| recorded.file.is_some())
        };
        let is_timed = evaluated.iter().any(|model| model.stream || is_recording(model));
        if amount.needs_streams() && !is_timed {
            let message = format!("`{}` is known of streamed answers only", amount.name());
            let hint = "write `stream: true` on the models".to_owned();
            self.complain_with_hint(at, message, hint);
        }
    }

    fn gated_score(&mut self, at: &str, name: &str, raw: RawGateMetric, metrics: &[RawMetric]) {
        let Some(metric) = metrics.iter().find(|metric| metric.name == name) else {
            let names = metrics.iter().map(|metric| metric.name.as_str());
            let known: Vec<_> = names.chain(Amount::ALL.map(Amount::name)).collect();
            let message = format!("the gate names a metric `{name}` that the suite does not have");
            let hint = suggest(name, &known, "the suite's metrics, and amounts");
            return self.complain_with_hint(at, message, hint);
        };
        let kinds = self.readers.kinds.iter();
        let mut kinds = kinds.filter(|kind| metric.kinds.contains_key(kind.name));
        // A metric of no kind has been complained of.
        let Some(kind) = kinds.next() else { return };
        let (range, direction) = if metric.binary {
            (Range::Binary, Direction::Higher)
        } else {
            (kind.range, kind.direction)
        };
        let widest = range.max().unwrap_or(f64::INFINITY);
        if raw.margin.is_some_and(|margin| margin > widest) {
            let message = format!("a margin of more than {widest} lets a score drop by any amount");
            self.complain(&format!("{at}/margin"), message);
        }
        self.bound(at, name, raw, direction, widest);
    }

    /// `min` is for metrics of which more is better, `max` for the others.
    fn bound(&mut self, at: &str, name: &str, raw: RawGateMetric, better: Direction, widest: f64) {
        let (wrong, right, given) = match better {
            Direction::Higher => ("max", "min", raw.max),
            Direction::Lower => ("min", "max", raw.min),
        };
        if given.is_some() {
            let message = format!("{better} values of `{name}` are better: it takes no `{wrong}`");
            self.complain_with_hint(&format!("{at}/{wrong}"), message, format!("use `{right}`"));
        }
        for (key, bound) in [("min", raw.min), ("max", raw.max)] {
            if bound.is_some_and(|bound| !(-1.0..=widest).contains(&bound)) {
                let message = format!("`{name}` has no value beyond {widest}");
                self.complain(&format!("{at}/{key}"), message);
            }
        }
    }
}
