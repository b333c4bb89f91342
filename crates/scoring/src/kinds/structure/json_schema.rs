//! `json_schema`: the answer is JSON that fits a schema.

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range},
};
use jsonschema::{PatternOptions, ValidationError, Validator};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    document::{json, valid_or},
    long_numbers::Known,
};
use crate::{
    exact_json,
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
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
    /// Whether `format` is checked, which the draft treats as an annotation.
    #[serde(default)]
    formats: bool,
    /// The JSON may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
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
    Fixed(Box<Fit>),
    Column(String),
}

/// A schema, compiled.
#[derive(Debug)]
struct Fit {
    validator: Validator,
    known: Known,
}

impl MetricDefinition for JsonSchemaFit {
    const ABOUT: About = About {
        name: "json_schema",
        summary: "The answer is JSON that fits a schema. An answer that is not JSON is invalid.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "JSON Schema, draft 2020-12, by crate `jsonschema`; `const`, `enum` and bounds compare numbers exactly in decimal, however long.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let Params { schema, column, formats, fence } = params;
        let schema = match (schema, column) {
            (Some(schema), None) => {
                if let Some(pointer) = rounded(&schema, "") {
                    let message = "a number in a suite has at most 64 bits, and this one is rounded; \
                                   put the schema into a column, as text";
                    let pointer = format!("/schema{pointer}");
                    return Err(ParamError { pointer, message: message.to_owned() });
                }
                let fit = Fit::compile(schema, formats).map_err(|error| complain(&error))?;
                Source::Fixed(Box::new(fit))
            }
            (None, Some(column)) => Source::Column(column),
            _ => {
                let message = "`json_schema` needs exactly one of `schema` and `column`".to_owned();
                return Err(ParamError { pointer: String::new(), message });
            }
        };
        Ok(Backend::Text(Arc::new(Self { schema, formats, fence })))
    }
}

impl Measure for JsonSchemaFit {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        match &self.schema {
            Source::Fixed(fit) => self.fit(subject, fit),
            Source::Column(column) => match of_column(subject.fields, column, self.formats) {
                Ok(fit) => self.fit(subject, &fit),
                Err(reason) => Measurement::Missing(reason),
            },
        }
    }
}

impl JsonSchemaFit {
    fn fit(&self, subject: Subject<'_>, Fit { validator, known }: &Fit) -> Measurement {
        match json(subject, self.fence) {
            Ok(mut value) => {
                known.settle(&mut value);
                valid_or(validator.validate(&value).err().map(|error| misfit(&error)))
            }
            Err(invalid) => invalid,
        }
    }
}

impl Fit {
    fn compile(mut schema: Value, formats: bool) -> Result<Self, ValidationError<'static>> {
        let known = Known::take(&mut schema);
        Ok(Self { validator: compile(&schema, formats)?, known })
    }
}

/// Bounds of a schema for an answer's numbers.
const BOUNDS: [&str; 5] =
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

/// The place of a `const`, of a choice of an `enum`, or of a bound, that was rounded when the suite was
/// read.
fn rounded(schema: &Value, pointer: &str) -> Option<String> {
    let is_rounded = |value: &Value| {
        value.is_f64()
            && value.as_f64().is_some_and(|float| float.abs() >= 18_446_744_073_709_551_616.0)
    };
    // A bound such as `1e20` says what it means.
    let is_odd = |value: &Value| {
        let digits = |float: f64| format!("{float:e}").bytes().take_while(|b| *b != b'e').count();
        value.as_f64().is_some_and(|float| digits(float.abs()) > 16)
    };
    let of = |(key, value): (String, &Value)| {
        let pointer = format!("{pointer}/{key}");
        let is_compared = match value {
            Value::Array(choices) if key == "enum" => choices.iter().any(is_rounded),
            value if BOUNDS.contains(&key.as_str()) => is_rounded(value) && is_odd(value),
            value => key == "const" && is_rounded(value),
        };
        if is_compared { Some(pointer) } else { rounded(value, &pointer) }
    };
    match schema {
        Value::Object(map) => map.iter().find_map(|(key, value)| of((key.clone(), value))),
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(i, value)| of((i.to_string(), value)))
        }
        _ => None,
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

fn complain(error: &ValidationError<'_>) -> ParamError {
    let pointer = format!("/schema{}", error.instance_path().as_str());
    let error: String = error.to_string().chars().take(400).collect();
    ParamError { pointer, message: format!("the schema is not valid: {error}") }
}

/// An item's own schema: a JSON object, or text that is JSON.
fn of_column(fields: &Fields, column: &str, formats: bool) -> Result<Fit, String> {
    let in_column = |what: &str| format!("the schema in column `{column}` {what}");
    let schema = match fields.get(column) {
        None | Some(Value::Null) => return Err(format!("the item has no `{column}`")),
        Some(Value::String(text)) => {
            exact_json::from_str(text).map_err(|error| in_column(&error.to_string()))?
        }
        Some(schema) => schema.clone(),
    };
    Fit::compile(schema, formats).map_err(|error| in_column(&format!("is not valid: {error}")))
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
