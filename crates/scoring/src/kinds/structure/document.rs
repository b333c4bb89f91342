//! The document in an answer and in its targets: what every kind of structure reads first.

use serde_json::Value;

use crate::{
    code_fence, exact_json,
    kind::{Measurement, UnusableTarget},
    subject::Subject,
};

/// What blocks of JSON are labelled with.
pub(super) const JSON: &[&str] = &["json", "jsonc", "json5", "jsonl", "ndjson", "geojson"];

/// The part of an answer that is the document: all of it or, on request, its block of code in one of
/// these languages.
pub(super) fn document<'a>(
    Subject { answer, record, .. }: Subject<'a>,
    fence: bool,
    languages: &[&str],
) -> Result<&'a str, String> {
    if !fence {
        return Ok(answer);
    }
    code_fence::document(answer, languages, record.is_cut_off())
}

/// The JSON that an answer is; otherwise the answer is invalid, and this says why.
pub(super) fn json(subject: Subject<'_>, fence: bool) -> Result<Value, Measurement> {
    let text = document(subject, fence, JSON).map_err(Measurement::Invalid)?;
    exact_json::from_str(text.trim())
        .map_err(|error| Measurement::Invalid(format!("the answer is not JSON: {error}")))
}

/// The targets that are JSON; where none is, there is nothing to compare with.
pub(super) fn json_targets(targets: &[String]) -> Result<Vec<Value>, Measurement> {
    let values: Vec<Value> =
        targets.iter().filter_map(|target| exact_json::from_str(target.trim()).ok()).collect();
    if !values.is_empty() {
        return Ok(values);
    }
    let reason =
        if targets.is_empty() { "the item has no target" } else { "the target is not JSON" };
    Err(Measurement::Missing(reason.to_owned()))
}

/// Why a target cannot be used, of the measurement that says so.
pub(super) fn unusable(measurement: Measurement) -> UnusableTarget {
    let problem = match measurement {
        Measurement::Missing(reason) | Measurement::Invalid(reason) => reason,
        _ => "the target cannot be used".to_owned(),
    };
    UnusableTarget { problem, is_mistake: false }
}

/// 1, or 0 and why.
pub(super) fn valid_or(reason: Option<String>) -> Measurement {
    Measurement::Value(if reason.is_none() { 1.0 } else { 0.0 }, reason)
}

/// The best of some values, each with its remark; there is at least one.
pub(super) fn best(values: impl Iterator<Item = (f64, Option<String>)>) -> Measurement {
    values.max_by(|a, b| a.0.total_cmp(&b.0)).map_or_else(
        || Measurement::Missing("the item has no target".to_owned()),
        |(value, reason)| Measurement::Value(value, reason),
    )
}

/// What a metric says of a comparison that would take too long.
pub(super) fn too_long() -> Measurement {
    Measurement::Missing("answer and target are too long to compare".to_owned())
}
