//! Checking the `metrics` section.

use serde_json::{Value, json};

use super::{Checker, suggest};
use crate::{
    metric::{
        Extract, InvalidPolicy, MetricKind, MetricSpec, Nested, ParamError, Reasoning, Which,
    },
    suite::{
        Amount,
        document::escape,
        raw::{RawExtract, RawInvalid, RawLogs, RawMetric, RawNames, RawReasoning, RawWhich},
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
            if raw.kinds.is_empty() && self.document.lost(&at) {
                return None; // An unknown key has been reported: most likely the kind.
            }
            let names: Vec<_> = known.iter().map(|kind| kind.name).collect();
            let message = format!("metric `{}` needs exactly one kind", raw.name);
            let hint = format!("for example `exact: {{}}`; kinds: {}", names.join(", "));
            self.complain_with_hint(&at, message, hint);
            return None;
        };
        if Amount::named(&raw.name).is_some() {
            let message = format!("`{}` is the name of an amount that gates know", raw.name);
            self.complain_with_hint(&format!("{at}/name"), message, "choose another name".into());
        }
        let mut params = raw.kinds.get(kind.name).cloned().unwrap_or_default();
        if !self.read_files(&at, kind, &mut params) {
            return None;
        }
        if !has_target && raw.target.is_none() {
            self.needs_target(&at, kind, &params);
        }
        self.model_refs(&at, kind, &params, models);
        let spec = metric_spec(raw, kind, params);
        let checked = spec.as_ref().map_err(Clone::clone).and_then(|spec| (kind.check)(spec));
        // What was taken out has been reported, and what lacks it is no second mistake.
        if let Err(complaint) = checked
            && !self.document.lost(&at)
        {
            self.complain(&format!("{at}{}", complaint.pointer), complaint.message);
        }
        spec.ok()
    }

    /// Complains where a metric, or one that stands within it, lacks a target to compare with.
    fn needs_target(&mut self, at: &str, kind: &MetricKind, params: &Value) {
        let outer = Nested { pointer: String::new(), kind: kind.name };
        for Nested { pointer, kind: name } in [outer].into_iter().chain((kind.nested)(params)) {
            if !self.readers.kinds.iter().any(|kind| kind.name == name && kind.needs_target) {
                continue;
            }
            if has_its_own(params, &pointer) {
                continue;
            }
            let message = format!("`{name}` compares with a target, and the dataset names none");
            let hint = "add `target: COLUMN` under `dataset`, or to the metric".to_owned();
            let at = format!("{at}/{}{pointer}", escape(kind.name));
            self.complain_with_hint(&at, message, hint);
        }
    }

    /// Puts the content of the files that parameters name in the place of their names.
    fn read_files(&mut self, at: &str, kind: &MetricKind, params: &mut Value) -> bool {
        let mut all_read = true;
        for pointer in kind.file_refs {
            let Some(param) = params.pointer_mut(pointer) else { continue };
            let Some(file) = param.as_str() else { continue };
            let path = self.folder.join(file);
            match self.access.read_text(&path) {
                Ok(text) => *param = json!({ "text": text }),
                Err(error) => {
                    let message = format!("the file {} {error}", path.display());
                    self.complain(&format!("{at}/{}{pointer}", escape(kind.name)), message);
                    all_read = false;
                }
            }
        }
        all_read
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
}

/// Whether the metric at `pointer` within another's parameters, or the other itself, names what is right:
/// values of its own, or a column.
fn has_its_own(params: &Value, pointer: &str) -> bool {
    let is_there = |value: Option<&Value>, key: &str| {
        value.and_then(|value| value.get(key)).is_some_and(|value| !value.is_null())
    };
    let entry = pointer.rfind('/').map(|end| &pointer[..end]);
    is_there(params.pointer(pointer), "values")
        || is_there(entry.and_then(|entry| params.pointer(entry)), "target")
}

/// What an entry says of its metric, wherever it stands.
pub(in crate::suite) fn metric_spec(
    raw: &RawMetric,
    kind: &MetricKind,
    params: Value,
) -> Result<MetricSpec, ParamError> {
    Ok(MetricSpec {
        name: raw.name.clone(),
        kind: kind.name,
        params,
        reasoning: raw.reasoning.map(|reasoning| match reasoning {
            RawReasoning::Cut => Reasoning::Cut,
            RawReasoning::Keep => Reasoning::Keep,
        }),
        when: raw.when.clone(),
        targets: raw.target.clone().map(RawNames::into_vec).unwrap_or_default(),
        extract: raw.extract.as_ref().map(extract).transpose()?,
        negate: raw.not,
        threshold: raw.threshold,
        binary: raw.binary,
        invalid: match raw.invalid {
            RawInvalid::Zero => InvalidPolicy::Zero,
            RawInvalid::Missing => InvalidPolicy::Missing,
        },
        // They are looked at once it is known whose answers there are.
        labels: None,
    })
}

fn extract(raw: &RawExtract) -> Result<Extract, ParamError> {
    let which = raw.which.map(|which| match which {
        RawWhich::First => Which::First,
        RawWhich::Last => Which::Last,
    });
    match (&raw.regex, &raw.json) {
        (Some(pattern), None) => Ok(Extract::Regex {
            pattern: pattern.clone(),
            group: raw.group,
            which: which.unwrap_or_default(),
        }),
        (None, Some(path)) if raw.group.is_none() => {
            Ok(Extract::Json { path: path.clone(), which })
        }
        _ => {
            let message = "`extract` needs exactly one of `regex` (with `group` and `which`) and \
                           `json` (with `which`)";
            Err(ParamError { pointer: "/extract".to_owned(), message: message.to_owned() })
        }
    }
}

/// Puts the files that metrics name into the effective suite, as read.
pub(super) fn inline_files(
    kinds: &[MetricKind],
    metrics: &[Option<MetricSpec>],
    effective: &mut Value,
) {
    for (i, metric) in metrics.iter().enumerate() {
        let Some(metric) = metric else { continue };
        let names_files =
            |kind: &MetricKind| kind.name == metric.kind && !kind.file_refs.is_empty();
        if kinds.iter().any(names_files) {
            effective["metrics"][i][metric.kind] = metric.params.clone();
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

    /// Takes in the model that gives vectors of production logs.
    pub(super) fn watched(&mut self, logs: Option<&RawLogs>) {
        let watch = logs.and_then(|logs| logs.watch.as_ref()?.embedding.as_ref());
        self.embedders.extend(watch.map(|watch| watch.model.clone()));
    }

    pub(super) fn contains(&self, name: &String) -> bool {
        self.judges.contains(name) || self.embedders.contains(name)
    }
}
