//! YAML that is no suite, such as another tool's configuration, read as suites are: with the place of
//! every key and value.

use serde_json::Value;

use super::{
    document::Document,
    mistake::{Mistake, Position},
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

/// A key as a segment of a JSON pointer.
pub fn pointer_segment(key: &str) -> String {
    super::document::escape(key)
}
