//! A JSON Schema as tables in Markdown: one for each mapping, with its keys, types, defaults and meanings.

use std::fmt::Write;

use serde_json::{Map, Value};

/// A mapping of a schema.
pub(super) struct Section {
    /// Where it stands, as `models.limits`.
    pub(super) path: String,
    pub(super) description: String,
    pub(super) keys: Vec<Key>,
}

/// A key of a mapping.
pub(super) struct Key {
    pub(super) name: String,
    kind: String,
    default: String,
    meaning: String,
}

/// The mappings of a schema, each before those within it; `is_shown` says which.
pub(super) fn sections(schema: &Value, is_shown: &dyn Fn(&str) -> bool) -> Vec<Section> {
    let mut found = Vec::new();
    walk(schema, "", is_shown, &mut found);
    found
}

fn walk(schema: &Value, path: &str, is_shown: &dyn Fn(&str) -> bool, found: &mut Vec<Section>) {
    if let Some(properties) = schema["properties"].as_object() {
        let at = |name: &str| format!("{path}.{name}").trim_start_matches('.').to_owned();
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        let shown = properties.iter().filter(|(name, _)| is_shown(&at(name)));
        let keys: Vec<_> = shown
            .clone()
            .map(|(name, value)| key(name, value, required.contains(&&Value::from(name.as_str()))))
            .collect();
        if !keys.is_empty() {
            let description = text(&schema["description"]);
            found.push(Section { path: path.to_owned(), description, keys });
        }
        for (name, value) in shown {
            walk(value, &at(name), is_shown, found);
        }
    }
    for inner in [&schema["items"], &schema["additionalProperties"]] {
        if inner.is_object() {
            walk(inner, path, is_shown, found);
        }
    }
    for inner in alternatives(schema) {
        walk(inner, path, is_shown, found);
    }
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().flat_map(|form| schema[form].as_array().into_iter().flatten())
}

fn key(name: &str, schema: &Value, is_required: bool) -> Key {
    let default = match &schema["default"] {
        _ if is_required => "required".to_owned(),
        Value::Null | Value::Object(Map { .. }) => String::new(),
        default => format!("`{default}`"),
    };
    let mut meaning = text(&schema["description"]);
    for (value, description) in described_values(schema) {
        write!(meaning, " `{value}`: {description}").expect("a text");
    }
    Key { name: name.to_owned(), kind: kind(schema), default, meaning }
}

/// The values of a choice that say what they mean.
fn described_values(schema: &Value) -> Vec<(&str, String)> {
    let own = alternatives(schema).filter_map(|inner| {
        let description = text(&inner["description"]);
        Some((inner["const"].as_str()?, description)).filter(|(_, text)| !text.is_empty())
    });
    own.chain(alternatives(schema).flat_map(described_values)).collect()
}

/// What may stand there, in words.
fn kind(schema: &Value) -> String {
    if let Some(value) = schema["const"].as_str() {
        return format!("`{value}`");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        let list = values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        return if values.len() > 8 { format!("one of {} names", values.len()) } else { list };
    }
    let alternatives: Vec<_> =
        alternatives(schema).map(kind).filter(|kind| !kind.is_empty()).collect();
    if !alternatives.is_empty() {
        return alternatives.join(" or ");
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let named = types.into_iter().filter(|name| *name != "null").map(|name| match name {
        "object" => "mapping".to_owned(),
        "array" => match kind(&schema["items"]) {
            inner if inner.is_empty() => "list".to_owned(),
            inner if inner.starts_with('`') => format!("list of {inner}"),
            inner => format!("list of {inner}s"),
        },
        "integer" | "number" => format!("{name}{}", bounds(schema)),
        other => other.to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ")
}

fn bounds(schema: &Value) -> String {
    let bound = |name: &str| schema[name].as_f64().filter(|bound| *bound < 4.0e9);
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!(", {low} to {high}"),
        (Some(low), None) => format!(", at least {low}"),
        (None, Some(high)) => format!(", at most {high}"),
        (None, None) => String::new(),
    }
}

fn text(description: &Value) -> String {
    let text = description.as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The table of a mapping's keys.
pub(super) fn table(section: &Section) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let mut table = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for Key { name, kind, default, meaning } in &section.keys {
        let [kind, meaning] = [kind, meaning].map(|text| cell(text));
        writeln!(table, "| `{name}` | {kind} | {default} | {meaning} |").expect("a text");
    }
    table
}
