//! `json_schema`: the answer is JSON that fits a schema.

use std::sync::Arc;

use evalmark_core::metric::{Complaint, Direction, Range};
use jsonschema::{PatternOptions, ValidationError, Validator};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{json, valid_or};
use crate::{
    kind::{About, Define, Finding, Measure, Work},
    subject::Subject,
};

/// Parameters of `json_schema`: exactly one of `schema` and `column`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The schema: JSON Schema, draft 2020-12 unless it names another. It may refer to its own parts
    /// and to nothing outside. Patterns take linear time, so they have no look-around.
    #[serde(default)]
    schema: Option<Value>,
    /// The dataset column that holds each item's schema.
    #[serde(default)]
    column: Option<String>,
    /// Whether `format` is checked, which by the draft is but a remark.
    #[serde(default)]
    formats: bool,
    /// The JSON may stand in a block of code, with text around it, if there is but one block.
    #[serde(default)]
    fence: bool,
}

#[derive(Debug)]
pub(crate) struct JsonSchemaFit {
    schema: Source,
    formats: bool,
    fence: bool,
}

#[derive(Debug)]
enum Source {
    Fixed(Box<Validator>),
    Column(String),
}

impl Define for JsonSchemaFit {
    const ABOUT: About = About {
        name: "json_schema",
        summary: "The answer is JSON that fits a schema. An answer that is not JSON is invalid.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "JSON Schema, draft 2020-12, by crate `jsonschema`.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        let Params { schema, column, formats, fence } = params;
        let schema = match (schema, column) {
            (Some(schema), None) => {
                let validator = compile(&schema, formats).map_err(|error| complain(&error))?;
                Source::Fixed(Box::new(validator))
            }
            (None, Some(column)) => Source::Column(column),
            _ => {
                let message = "`json_schema` needs exactly one of `schema` and `column`".to_owned();
                return Err(Complaint { pointer: String::new(), message });
            }
        };
        Ok(Work::Text(Arc::new(Self { schema, formats, fence })))
    }
}

impl Measure for JsonSchemaFit {
    fn measure(&self, Subject { answer, fields, .. }: Subject<'_>) -> Finding {
        match &self.schema {
            Source::Fixed(validator) => self.fit(answer, validator),
            Source::Column(column) => match of_column(fields, column, self.formats) {
                Ok(validator) => self.fit(answer, &validator),
                Err(reason) => Finding::Missing(reason),
            },
        }
    }
}

impl JsonSchemaFit {
    fn fit(&self, answer: &str, validator: &Validator) -> Finding {
        match json(answer, self.fence) {
            Ok(value) => valid_or(validator.validate(&value).err().map(|error| misfit(&error))),
            Err(invalid) => invalid,
        }
    }
}

/// Never looks anything up outside the schema.
fn compile(schema: &Value, formats: bool) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(formats)
        .build(schema)
}

fn complain(error: &ValidationError<'_>) -> Complaint {
    let pointer = format!("/schema{}", error.instance_path().as_str());
    let error: String = error.to_string().chars().take(400).collect();
    Complaint { pointer, message: format!("the schema is not valid: {error}") }
}

/// An item's own schema: a JSON object, or text that is JSON.
fn of_column(
    fields: &Map<String, Value>,
    column: &str,
    formats: bool,
) -> Result<Validator, String> {
    let in_column = |what: &str| format!("the schema in column `{column}` {what}");
    let parsed;
    let schema = match fields.get(column) {
        None | Some(Value::Null) => return Err(format!("the item has no `{column}`")),
        Some(Value::String(text)) => {
            parsed = serde_json::from_str(text).map_err(|error| in_column(&error.to_string()))?;
            &parsed
        }
        Some(schema) => schema,
    };
    compile(schema, formats).map_err(|error| in_column(&format!("is not valid: {error}")))
}

/// Where and how an answer first fails to fit; what it says instead is not repeated.
fn misfit(error: &ValidationError<'_>) -> String {
    let place = match error.instance_path().as_str() {
        "" => "the answer".to_owned(),
        pointer => format!("`{pointer}`"),
    };
    let what: String = error.masked().to_string().chars().take(200).collect();
    format!("{place}: {what}")
}
