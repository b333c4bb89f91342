//! Metrics within metrics: entries as a suite writes them, compiled as one there would be.

use std::{borrow::Cow, sync::LazyLock};

use evalmark_core::{
    metric::{Nested, ParamError},
    score::Score,
    suite::{self, entry_schema},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    kinds::{catalog, kinds},
    metric::Metric,
    subject::Subject,
};

/// How deep metrics may stand within one another.
const MAX_DEPTH: usize = 8;

/// How much of a part's reason is told, in characters.
const MAX_REASON: usize = 200;

/// A list of metrics, each written as under a suite's `metrics`; names are optional.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Entries(pub(crate) Vec<Value>);

impl JsonSchema for Entries {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Entries".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        list_of(entry_schema())
    }
}

/// The schema of a list of such entries.
pub(crate) fn list_of(entry: Value) -> Schema {
    let description = "Metrics as under `metrics`: each names its kind and may have the settings that all \
         metrics have; names are optional.";
    let mut schema = Map::new();
    schema.insert("description".to_owned(), description.into());
    schema.insert("type".to_owned(), "array".into());
    schema.insert("minItems".to_owned(), json!(1));
    schema.insert("items".to_owned(), entry);
    schema.into()
}

/// One metric of a list.
#[derive(Debug)]
pub(crate) struct Part {
    label: String,
    pub(crate) metric: Metric,
}

/// What the parts of a list say of an answer.
#[derive(Default)]
pub(crate) struct PartScores<'p> {
    /// The first that it passes by, where that is enough.
    pub(crate) passed: Option<&'p Part>,
    /// Those that it fails by, and why.
    pub(crate) failed: Vec<String>,
    /// The first that it is invalid for, and why.
    pub(crate) invalid: Option<String>,
    /// The first that has no score, and why.
    pub(crate) missing: Option<String>,
}

impl<'p> PartScores<'p> {
    /// Asks all parts, or on request until one says that the answer passes.
    pub(crate) fn by(parts: &'p [Part], subject: Subject<'_>, one_is_enough: bool) -> Self {
        let mut scores = Self::default();
        for part in parts {
            let Score { value, passed, reason, invalid, .. } = part.metric.score(subject);
            let told = || part.told(reason.as_deref());
            match (value, passed) {
                (Some(_), _) if invalid => {
                    scores.invalid.get_or_insert_with(told);
                }
                (Some(_), Some(true)) if one_is_enough => {
                    scores.passed = Some(part);
                    break;
                }
                (Some(_), Some(true)) => {}
                (Some(_), Some(false)) => scores.failed.push(told()),
                (Some(_), None) => {
                    let told = || part.told(Some("it has no `threshold`"));
                    scores.missing.get_or_insert_with(told);
                }
                (None, _) => {
                    scores.missing.get_or_insert_with(told);
                }
            }
        }
        scores
    }
}

impl Part {
    /// The metric's name and place, and what there is to say of it.
    pub(crate) fn told(&self, reason: Option<&str>) -> String {
        match reason {
            None => self.label.clone(),
            Some(reason) => {
                let clipped: String = reason.chars().take(MAX_REASON).collect();
                format!("{}: {clipped}", self.label)
            }
        }
    }
}

/// Compiles a list of metrics that say whether an answer passes; `who` holds them.
pub(crate) fn deciding(who: &str, entries: &[Value]) -> Result<Vec<Part>, ParamError> {
    parts(entries, |metric| {
        let message = || format!("`{who}` asks whether an answer passes; add a `threshold`");
        metric.decides().then_some(()).ok_or_else(message)
    })
}

/// Compiles a list of metrics, each of which must please `check`.
pub(crate) fn parts(
    entries: &[Value],
    check: impl Fn(&Metric) -> Result<(), String>,
) -> Result<Vec<Part>, ParamError> {
    if let Some(deep) = within(entries).into_iter().find(|nested| depth(nested) > MAX_DEPTH) {
        let message = format!("metrics can be nested at most {MAX_DEPTH} deep");
        return Err(ParamError { pointer: deep.pointer, message });
    }
    let part = |(i, entry): (usize, &Value)| {
        let at = |complaint: ParamError| ParamError {
            pointer: format!("/{i}{}", complaint.pointer),
            message: complaint.message,
        };
        let metric = compile(entry).map_err(at)?;
        check(&metric).map_err(|message| at(ParamError { pointer: String::new(), message }))?;
        let label = format!("`{}` (entry {})", metric.name(), i + 1);
        Ok(Part { label, metric })
    };
    entries.iter().enumerate().map(part).collect()
}

/// Compiles an entry; its scores must come from the subject alone.
pub(crate) fn compile(value: &Value) -> Result<Metric, ParamError> {
    static READER: LazyLock<suite::Entries<'_>> = LazyLock::new(|| suite::Entries::of(catalog()));
    let spec = READER.read(value)?;
    if spec.when.is_some() {
        let message = "which items a metric concerns is said of the outermost one".to_owned();
        return Err(ParamError { pointer: "/when".to_owned(), message });
    }
    let metric = Metric::compile(&spec)?;
    if !metric.is_direct() {
        let message = format!(
            "`{}` asks a model or a program, which happens after the other metrics; it can only \
             be a metric of its own under `metrics`",
            spec.kind
        );
        return Err(ParamError { pointer: format!("/{}", spec.kind), message });
    }
    Ok(metric)
}

/// The kinds within a list of entries, at whatever depth.
pub(crate) fn within(entries: &[Value]) -> Vec<Nested> {
    let mut found = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        for kind in kinds().filter(|kind| entry.get(kind.about.name).is_some()) {
            let name = kind.about.name;
            let pointer = format!("/{i}/{name}");
            let inner = (kind.nested)(&entry[name])
                .into_iter()
                .map(|inner| Nested { pointer: format!("{pointer}{}", inner.pointer), ..inner });
            let inner: Vec<_> = inner.collect();
            found.push(Nested { pointer, kind: name });
            found.extend(inner);
        }
    }
    found
}

/// The kinds within parameters that are a list of entries.
pub(crate) fn in_params(params: &Value) -> Vec<Nested> {
    within(params.as_array().map(Vec::as_slice).unwrap_or_default())
}

/// A place and a kind for each level.
fn depth(nested: &Nested) -> usize {
    nested.pointer.matches('/').count() / 2
}
