//! Users' templates for messages. What a template makes is JSON or text; values in it are escaped for that.

use evalmark_report::run_message::RunMessage;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

/// Work that a template may take.
const FUEL: u64 = 1_000_000;

/// Bytes that a template may make.
const MOST_BYTES: usize = 256 << 10;

/// A message as JSON: each `{{ value }}` becomes a JSON value, quotes included.
pub(super) fn json(template: &str, message: &Value) -> Result<Value, String> {
    let text = rendered(template, AutoEscape::Json, message)?;
    serde_json::from_str(&text)
        .map_err(|error| format!("what the template makes is no JSON: {error}"))
}

/// A message as text.
pub(super) fn text(template: &str, message: &Value) -> Result<String, String> {
    rendered(template, AutoEscape::None, message)
}

/// Checks a template whose messages are JSON by making one.
pub(super) fn check_json(template: &str) -> Result<(), String> {
    json(template, &sample()).map(drop)
}

/// Checks a template whose messages are text by making one.
pub(super) fn check_text(template: &str) -> Result<(), String> {
    text(template, &sample()).map(drop)
}

fn sample() -> Value {
    serde_json::to_value(RunMessage::default()).unwrap_or_default()
}

fn rendered(template: &str, escape: AutoEscape, message: &Value) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| escape.clone());
    let template = environment.template_from_str(template).map_err(|error| told(&error))?;
    let text = template.render(minijinja::value::Serde(message)).map_err(|error| told(&error))?;
    if text.len() > MOST_BYTES {
        return Err(format!("the template makes more than {} KiB", MOST_BYTES >> 10));
    }
    Ok(text)
}

fn told(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{line}{}{detail}", error.kind())
}

/// All texts of a message, changed.
pub(super) fn map_texts(value: Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text)),
        Value::Array(list) => list.into_iter().map(|one| map_texts(one, change)).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, one)| (key, map_texts(one, change))).collect()
        }
        other => other,
    }
}
