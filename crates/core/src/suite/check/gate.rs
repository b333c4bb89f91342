//! Checking the `gate` section.

use std::collections::BTreeMap;

use super::{Checker, suggest};
use crate::suite::{
    Amount, GateSpec,
    document::escape,
    file_name,
    raw::{RawGate, RawGateMetric, RawMetric},
};

impl Checker<'_> {
    pub(super) fn gate(&mut self, raw: &RawGate, metrics: &[RawMetric]) -> GateSpec {
        let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        if let Some(Err(message)) = raw.baseline.as_deref().map(file_name) {
            self.complain("/gate/baseline", format!("the baseline's name {message}"));
        }
        if raw.metrics.as_ref().is_some_and(BTreeMap::is_empty) {
            self.complain("/gate/metrics", "a gate without metrics would always be green");
        }
        for (name, metric) in raw.metrics.iter().flatten() {
            let at = format!("/gate/metrics/{}", escape(name));
            match Amount::named(name) {
                Some(_) => self.gated_amount(&at, name, *metric),
                None => self.gated_score(&at, name, *metric, &names),
            }
        }
        GateSpec::new(raw, &names)
    }

    fn gated_amount(&mut self, at: &str, name: &str, raw: RawGateMetric) {
        if raw.min.is_some() {
            let message = format!("`{name}` has no minimum: less of it is better");
            self.complain(&format!("{at}/min"), message);
        }
    }

    fn gated_score(&mut self, at: &str, name: &str, raw: RawGateMetric, names: &[&str]) {
        if !names.contains(&name) {
            let known: Vec<_> =
                names.iter().copied().chain(Amount::ALL.map(Amount::name)).collect();
            let message = format!("the gate names a metric `{name}` that the suite lacks");
            let hint = suggest(name, &known, "the suite's metrics, and amounts");
            self.complain_with_hint(at, message, hint);
        }
        if raw.margin.is_some_and(|margin| margin > 1.0) {
            let message = "a margin of more than 1 lets a score drop by any amount";
            self.complain(&format!("{at}/margin"), message);
        }
    }
}
