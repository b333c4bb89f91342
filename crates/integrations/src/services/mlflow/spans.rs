//! Spans as OpenTelemetry's protocol buffers have them in JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Number, Value};

/// The first span of a trace: what was asked and answered, in full.
#[derive(Debug, Default)]
pub(crate) struct RootSpan {
    pub(crate) id: Option<String>,
    pub(crate) inputs: Option<Value>,
    pub(crate) outputs: Option<Value>,
    /// What went wrong.
    pub(crate) error: Option<String>,
}

/// A trace with all its spans.
#[derive(Deserialize)]
pub(super) struct WholeTrace {
    trace_info: TraceName,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct TraceName {
    trace_id: String,
}

#[derive(Deserialize)]
struct Span {
    #[serde(default, rename = "span_id")]
    id: String,
    #[serde(default, rename = "parent_span_id")]
    parent: Option<String>,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: AnyValue,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

/// A value as OpenTelemetry writes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AnyValue {
    #[serde(rename = "string_value")]
    string: Option<String>,
    #[serde(rename = "bool_value")]
    boolean: Option<bool>,
    #[serde(rename = "int_value")]
    integer: Option<Value>,
    #[serde(rename = "double_value")]
    double: Option<Value>,
    #[serde(rename = "array_value")]
    list: Option<Values>,
    #[serde(rename = "kvlist_value")]
    entries: Option<KeyedValues>,
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: Vec<AnyValue>,
}

#[derive(Deserialize)]
struct KeyedValues {
    #[serde(default)]
    values: Vec<Attribute>,
}

impl AnyValue {
    fn json(self) -> Value {
        let number = |value: Value| match value {
            // 64-bit integers are texts in JSON made of protocol buffers.
            Value::String(text) => text.parse::<i64>().map_or(Value::String(text), Into::into),
            value => value,
        };
        if let Some(text) = self.string {
            Value::String(text)
        } else if let Some(value) = self.boolean {
            value.into()
        } else if let Some(value) = self.integer {
            number(value)
        } else if let Some(value) = self.double {
            value.as_f64().and_then(Number::from_f64).map_or(value, Value::Number)
        } else if let Some(list) = self.list {
            list.values.into_iter().map(Self::json).collect()
        } else if let Some(list) = self.entries {
            let entries = list.values.into_iter().map(|entry| (entry.key, entry.value.json()));
            Value::Object(entries.collect())
        } else {
            Value::Null
        }
    }
}

impl WholeTrace {
    /// Its id, and what its first span says.
    pub(super) fn root(self) -> (String, RootSpan) {
        (self.trace_info.trace_id, root(self.spans))
    }
}

/// What the span without a parent says.
fn root(spans: Vec<Span>) -> RootSpan {
    let is_root = |span: &Span| span.parent.as_deref().is_none_or(str::is_empty);
    let Some(root) = spans.into_iter().find(is_root) else { return RootSpan::default() };
    let mut found = RootSpan {
        id: hexadecimal(&root.id),
        error: Some(root.status.message).filter(|message| !message.is_empty()),
        ..RootSpan::default()
    };
    for Attribute { key, value } in root.attributes {
        match &*key {
            "mlflow.spanInputs" => found.inputs = Some(unpacked(value.json())),
            "mlflow.spanOutputs" => found.outputs = Some(unpacked(value.json())),
            _ => {}
        }
    }
    found
}

/// Some servers write a structure as a text in JSON.
fn unpacked(value: Value) -> Value {
    match &value {
        Value::String(text) if text.starts_with(['{', '[', '"']) => {
            serde_json::from_str(text).unwrap_or(value)
        }
        _ => value,
    }
}

/// A span's id, in base64 as JSON made of protocol buffers has it, as assessments write it.
fn hexadecimal(base64: &str) -> Option<String> {
    use std::fmt::Write;
    let bytes = STANDARD.decode(base64).ok()?;
    bytes.iter().try_fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok()?;
        Some(text)
    })
}
