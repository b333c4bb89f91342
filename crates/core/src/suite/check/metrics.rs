//! Checking the `metrics` section.

use serde_json::Value;

use super::{Checker, suggest};
use crate::{
    metric::{Extract, InvalidPolicy, MetricKind, MetricSpec, Which},
    suite::{
        Amount,
        document::escape,
        raw::{RawExtract, RawInvalid, RawMetric, RawWhich},
    },
};

impl Checker<'_> {
    pub(super) fn metrics(
        &mut self,
        raw: &[RawMetric],
        models: &[String],
        has_target: bool,
    ) -> Vec<Option<MetricSpec>> {
        let one = |(i, metric): (usize, &RawMetric)| self.metric(i, metric, models, has_target);
        raw.iter().enumerate().map(one).collect()
    }

    fn metric(
        &mut self,
        i: usize,
        raw: &RawMetric,
        models: &[String],
        has_target: bool,
    ) -> Option<MetricSpec> {
        let at = format!("/metrics/{i}");
        let known = self.readers.kinds;
        let mut kinds = known.iter().filter(|kind| raw.kinds.contains_key(kind.name));
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            if raw.kinds.is_empty() && self.document.lost_a_key(&at) {
                return None; // An unknown key has been reported: most likely the kind.
            }
            let names: Vec<_> = known.iter().map(|kind| kind.name).collect();
            let message = format!("metric `{}` needs exactly one kind", raw.name);
            let hint = format!("for example `exact: {{}}`; kinds: {}", names.join(", "));
            self.complain_with_hint(&at, message, hint);
            return None;
        };
        if kind.needs_target && !has_target {
            let message =
                format!("`{}` compares with a target, and the dataset names none", kind.name);
            let hint = "add `target: COLUMN` under `dataset`".to_owned();
            self.complain_with_hint(&format!("{at}/{}", kind.name), message, hint);
        }
        if Amount::named(&raw.name).is_some() {
            let message = format!("`{}` is what a gate calls an amount of its own", raw.name);
            self.complain_with_hint(&format!("{at}/name"), message, "choose another name".into());
        }
        let params = raw.kinds.get(kind.name).cloned().unwrap_or_default();
        self.model_refs(&at, kind, &params, models);
        let spec = MetricSpec {
            name: raw.name.clone(),
            kind: kind.name,
            params,
            extract: match &raw.extract {
                None => None,
                Some(extract) => Some(self.extract(&at, extract)?),
            },
            negate: raw.not,
            threshold: raw.threshold,
            binary: raw.binary,
            invalid: match raw.invalid {
                RawInvalid::Zero => InvalidPolicy::Zero,
                RawInvalid::Missing => InvalidPolicy::Missing,
            },
            // They are looked at once it is known whose answers there are.
            labels: None,
        };
        if let Err(complaint) = (kind.check)(&spec) {
            self.complain(&format!("{at}{}", complaint.pointer), complaint.message);
        }
        Some(spec)
    }

    fn model_refs(&mut self, at: &str, kind: &MetricKind, params: &Value, models: &[String]) {
        for (pointer, name) in kind.models(params) {
            if models.contains(&name) {
                continue;
            }
            let known: Vec<_> = models.iter().map(String::as_str).collect();
            let message = format!("no model of the suite is called `{name}`");
            let hint = suggest(&name, &known, "the suite's models");
            let at = format!("{at}/{}{pointer}", escape(kind.name));
            self.complain_with_hint(&at, message, hint);
        }
    }

    fn extract(&mut self, at: &str, raw: &RawExtract) -> Option<Extract> {
        match (&raw.regex, &raw.json) {
            (Some(pattern), None) => Some(Extract::Regex {
                pattern: pattern.clone(),
                group: raw.group,
                which: match raw.which {
                    Some(RawWhich::Last) => Which::Last,
                    Some(RawWhich::First) | None => Which::First,
                },
            }),
            (None, Some(path)) if raw.group.is_none() && raw.which.is_none() => {
                Some(Extract::Json(path.clone()))
            }
            _ => {
                let message = "`extract` needs exactly one of `regex` (with `group` and `which`) \
                               and `json`";
                self.complain(&format!("{at}/extract"), message);
                None
            }
        }
    }
}

/// Names of the models that some metric asks.
pub(super) struct Asked {
    /// For an opinion.
    pub(super) judges: Vec<String>,
    /// For embeddings.
    pub(super) embedders: Vec<String>,
}

impl Asked {
    pub(super) fn by(kinds: &[MetricKind], metrics: &[Option<MetricSpec>]) -> Self {
        let mut asked = Self { judges: Vec::new(), embedders: Vec::new() };
        for metric in metrics.iter().flatten() {
            for kind in kinds.iter().filter(|kind| kind.name == metric.kind) {
                let names = kind.models(&metric.params).into_iter().map(|(_, name)| name);
                let list = if kind.embeds { &mut asked.embedders } else { &mut asked.judges };
                list.extend(names);
            }
        }
        asked
    }

    pub(super) fn contains(&self, name: &String) -> bool {
        self.judges.contains(name) || self.embedders.contains(name)
    }
}
