//! YAML that is no suite, such as another tool's configuration, read as suites are: with the place of
//! every key and value.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    document::Document,
    misfits::misfits_by,
    mistake::{Mistake, Position},
    schema::plain_schema,
};

/// A YAML or JSON document whose values know where they stand.
#[derive(Debug)]
pub struct LocatedYaml(Document);

impl LocatedYaml {
    /// Reads YAML, or JSON, which is YAML; a key may stand only once.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        Document::parse(text).map(Self)
    }

    /// The content.
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// Where the value at a JSON pointer stands, or the nearest thing above it.
    pub fn position(&self, pointer: &str) -> Position {
        self.0.position(pointer)
    }

    /// Where the key that leads to a JSON pointer stands, or the nearest thing above it.
    pub fn key_position(&self, pointer: &str) -> Position {
        self.0.key_position(pointer)
    }
}

/// A YAML document of another kind than a suite, checked against the schema of its type; `what` it is stands in
/// messages, such as "the policy". Every mistake is found at once.
pub fn located_yaml<T: JsonSchema + DeserializeOwned + Default>(
    text: &str,
    what: &str,
) -> Result<(T, Option<LocatedYaml>), Vec<Mistake>> {
    if text.trim().is_empty() {
        return Ok((T::default(), None));
    }
    let document = LocatedYaml::parse(text).map_err(|mistake| vec![mistake])?;
    if document.value().is_null() {
        return Ok((T::default(), None));
    }
    let schema = plain_schema::<T>();
    let misfits = jsonschema::validator_for(&schema)
        .map(|validator| misfits_by(&validator, document.value(), &schema))
        .unwrap_or_default();
    if !misfits.is_empty() {
        let misfits = misfits.into_iter().map(|misfit| {
            let message = misfit.mistake.message.replace("the suite", what);
            let at = if misfit.is_key {
                document.key_position(&misfit.pointer)
            } else {
                document.position(&misfit.pointer)
            };
            Mistake { message, ..misfit.mistake.moved(at) }
        });
        return Err(misfits.collect());
    }
    let read = serde_json::from_value(document.value().clone());
    let read = read.map_err(|error| vec![Mistake::new(error.to_string())])?;
    Ok((read, Some(document)))
}

/// A key as a segment of a JSON pointer.
pub fn pointer_segment(key: &str) -> String {
    super::document::escape(key)
}
