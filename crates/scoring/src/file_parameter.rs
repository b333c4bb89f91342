//! The content of a file that a suite names, as whoever reads the suite puts it into the parameters.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use std::borrow::Cow;

/// A file's content. A suite writes the file's name, and its schema says text; a name that nobody
/// has read is an error, never a content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileParameter {
    pub(crate) text: String,
}

impl JsonSchema for FileParameter {
    fn schema_name() -> Cow<'static, str> {
        "FileParameter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
