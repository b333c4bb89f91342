//! A metric that stands elsewhere than under `metrics`: within another metric, or in a cell of the
//! dataset. It is written, read and checked as one there.

use serde_json::{Map, Value};

use super::{
    check::metrics::metric_spec,
    document::{Document, escape},
    mistake::Mistake,
    raw::RawMetric,
    schema::{Misfit, entry_schema, misfits, unknown_key},
};
use crate::metric::{Complaint, MetricKind, MetricSpec};

/// Reads one entry, e.g. `{"regex": {"pattern": "^A"}, "not": true}`. Its name is that of its kind
/// where it has none. A complaint points from the entry. Whether the metric compiles is for whoever
/// knows its kind to say.
pub fn entry(value: &Value, kinds: &[MetricKind]) -> Result<MetricSpec, Complaint> {
    let Some(keys) = value.as_object() else {
        return complain("", "a metric is a mapping, for example `exact: {}`");
    };
    let kind = the_kind(keys, kinds)?;
    if let Some(misfit) = misfits(value, &entry_schema(Some(kind))).into_iter().next() {
        return Err(complaint_of(misfit));
    }
    if keys.contains_key("labels") {
        return complain("/labels", "labels are for a metric of the suite, not for one within it");
    }
    let mut named = Map::from_iter([("name".to_owned(), kind.name.into())]);
    named.extend(keys.clone());
    let raw: RawMetric = serde_json::from_value(Value::Object(named))
        .map_err(|error| Complaint { pointer: String::new(), message: error.to_string() })?;
    metric_spec(&raw, kind, keys[kind.name].clone())
}

/// Reads YAML (or JSON, which is YAML) as suites are read: a key may stand only once, and `no` is a
/// word.
pub fn yaml(text: &str) -> Result<Value, Mistake> {
    Document::parse(text).map(|document| document.value)
}

/// The one kind that an entry names; every other key must be known.
fn the_kind<'k>(
    keys: &Map<String, Value>,
    kinds: &'k [MetricKind],
) -> Result<&'k MetricKind, Complaint> {
    let shared = entry_schema(None);
    let shared = shared["properties"].as_object();
    let mut found = None;
    for key in keys.keys() {
        let kind = kinds.iter().find(|kind| kind.name == key);
        if kind.is_some() && found.is_some() {
            return complain("", "a metric has exactly one kind");
        }
        found = found.or(kind);
        if kind.is_none() && !shared.is_some_and(|shared| shared.contains_key(key)) {
            let names = kinds.iter().map(|kind| kind.name.to_owned());
            let known: Vec<_> =
                names.chain(shared.into_iter().flat_map(Map::keys).cloned()).collect();
            let mistake = unknown_key(key, &known);
            return complain(&format!("/{}", escape(key)), &in_one_line(mistake));
        }
    }
    found.map_or_else(|| complain("", "a metric needs a kind, for example `exact: {}`"), Ok)
}

fn complaint_of(misfit: Misfit) -> Complaint {
    Complaint { pointer: misfit.pointer, message: in_one_line(misfit.mistake) }
}

fn in_one_line(Mistake { message, hint, .. }: Mistake) -> String {
    hint.map_or_else(|| message.clone(), |hint| format!("{message}; {hint}"))
}

fn complain<T>(pointer: &str, message: &str) -> Result<T, Complaint> {
    Err(Complaint { pointer: pointer.to_owned(), message: message.to_owned() })
}
