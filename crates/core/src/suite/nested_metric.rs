//! A metric that stands elsewhere than under `metrics`: within another metric, or in a cell of the
//! dataset. It is written, read and checked as one there.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::{
    check::metrics::metric_spec,
    document::{Document, escape},
    misfits::{SchemaMistake, misfits_by, unknown_key},
    mistake::Mistake,
    raw::RawMetric,
    schema::entry_schema,
};
use crate::metric::{MetricKind, MetricSpec, ParamError};

/// Reads entries, e.g. `{"regex": {"pattern": "^A"}, "not": true}`. It remembers what it learns of
/// each kind, so one serves for many.
pub struct Entries<'k> {
    kinds: &'k [MetricKind],
    /// The keys that all kinds share.
    shared: Value,
    /// By kind: an entry's schema and what validates it.
    fit: Vec<OnceLock<(Value, Option<Validator>)>>,
}

impl<'k> Entries<'k> {
    /// Entries of these kinds.
    pub fn of(kinds: &'k [MetricKind]) -> Self {
        let fit = kinds.iter().map(|_| OnceLock::new()).collect();
        Self { kinds, shared: entry_schema(), fit }
    }

    /// Reads one. Its name is that of its kind where it has none. A complaint points from the
    /// entry. Whether the metric compiles is for whoever knows its kind to say.
    pub fn read(&self, value: &Value) -> Result<MetricSpec, ParamError> {
        let Some(keys) = value.as_object() else {
            return complain("", "a metric is a mapping, for example `exact: {}`");
        };
        let place = self.kind_of(keys)?;
        let kind = &self.kinds[place];
        if let Some(misfit) = self.misfit(place, value) {
            return Err(ParamError {
                pointer: misfit.pointer,
                message: in_one_line(misfit.mistake),
            });
        }
        let mut named = Map::from_iter([("name".to_owned(), kind.name.into())]);
        named.extend(keys.clone());
        let raw: RawMetric = serde_json::from_value(Value::Object(named))
            .map_err(|error| ParamError { pointer: String::new(), message: error.to_string() })?;
        metric_spec(&raw, kind, keys[kind.name].clone())
    }

    /// The place of the one kind that an entry names; every other key must be known.
    fn kind_of(&self, keys: &Map<String, Value>) -> Result<usize, ParamError> {
        let shared = self.shared["properties"].as_object();
        let mut found = None;
        for key in keys.keys() {
            let place = self.kinds.iter().position(|kind| kind.name == key);
            if place.is_some() && found.is_some() {
                return complain("", "a metric has exactly one kind");
            }
            found = found.or(place);
            if place.is_none() && !shared.is_some_and(|shared| shared.contains_key(key)) {
                let names = self.kinds.iter().map(|kind| kind.name.to_owned());
                let known: Vec<_> =
                    names.chain(shared.into_iter().flat_map(Map::keys).cloned()).collect();
                let message = in_one_line(unknown_key(key, &known));
                return complain(&format!("/{}", escape(key)), &message);
            }
        }
        found.map_or_else(|| complain("", "a metric needs a kind, for example `exact: {}`"), Ok)
    }

    /// The first place where an entry of a kind does not fit its schema.
    fn misfit(&self, place: usize, value: &Value) -> Option<SchemaMistake> {
        let kind = &self.kinds[place];
        let (schema, validator) = self.fit[place].get_or_init(|| {
            let mut schema = self.shared.clone();
            schema["properties"][kind.name] = (kind.schema)();
            schema["additionalProperties"] = false.into();
            let validator = jsonschema::validator_for(&schema).ok();
            (schema, validator)
        });
        misfits_by(validator.as_ref()?, value, schema).into_iter().next()
    }
}

/// Reads YAML (or JSON, which is YAML) as suites are read: a key may stand only once, and `no` is a
/// word.
pub fn yaml(text: &str) -> Result<Value, Mistake> {
    Document::parse(text).map(|document| document.value)
}

fn in_one_line(Mistake { message, hint, .. }: Mistake) -> String {
    hint.map_or_else(|| message.clone(), |hint| format!("{message}; {hint}"))
}

fn complain<T>(pointer: &str, message: &str) -> Result<T, ParamError> {
    Err(ParamError { pointer: pointer.to_owned(), message: message.to_owned() })
}
