//! Messages of a conversation with a model, in the shapes in which spans carry them: parts of text, calls of tools, and
//! plain content.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::span::Attributes;

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) text: String,
    /// Calls of tools that it asks for, each with `name` and `arguments`.
    pub(super) tool_calls: Vec<Value>,
    pub(super) finish_reason: Option<String>,
}

impl Message {
    /// One of this role with this content, where there is any.
    pub(super) fn new(role: &str, content: &Value) -> Self {
        let mut message = Self { role: role.to_owned(), ..Self::default() };
        message.add(content);
        message
    }

    /// What a model answered with: its text, or the calls of tools in its place.
    pub(super) fn answer(&self) -> Option<String> {
        if !self.text.is_empty() {
            return Some(self.text.clone());
        }
        let calls = || Value::Array(self.tool_calls.clone()).to_string();
        (!self.tool_calls.is_empty()).then(calls)
    }

    /// One as a JSON object has it: `role` with `parts`, `content` and `tool_calls`, or all that in `message`.
    pub(super) fn of_object(object: &Value) -> Self {
        let inner = match object.get("message") {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
            Some(inner) => inner.clone(),
            None => Value::Null,
        };
        let mut message = Self::default();
        for from in [object, &inner] {
            if let Some(role) = from["role"].as_str() {
                role.clone_into(&mut message.role);
            }
            let reason = from["finish_reason"].as_str().map(str::to_owned);
            message.finish_reason = reason.or(message.finish_reason);
            message.add(&from["parts"]);
            message.add(&from["content"]);
            for call in from["tool_calls"].as_array().into_iter().flatten() {
                message.add_call(call);
            }
        }
        message
    }

    fn add(&mut self, content: &Value) {
        match content {
            Value::String(text) => match parts_in(text) {
                Some(parts) => parts.iter().for_each(|part| self.add_part(part)),
                None => self.add_text(text),
            },
            Value::Array(parts) => parts.iter().for_each(|part| self.add_part(part)),
            Value::Object(_) => self.add_part(content),
            _ => {}
        }
    }

    fn add_part(&mut self, part: &Value) {
        match part["type"].as_str() {
            // What a model thinks is no answer, and what a tool says is no question.
            Some("reasoning" | "thinking") => {}
            Some("tool_call" | "tool_use" | "function") => self.add_call(part),
            Some("tool_call_response" | "tool_result") => {
                let said = ["result", "response", "content"].map(|key| &part[key]);
                if let Some(said) = said.into_iter().find(|said| !said.is_null()) {
                    self.add_text(&plain(said));
                }
            }
            _ => {
                let texts = [part, &part["text"], &part["content"]];
                if let Some(text) = texts.into_iter().find_map(Value::as_str) {
                    self.add_text(text);
                }
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        if !self.text.is_empty() && !text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    fn add_call(&mut self, call: &Value) {
        let of = if call["function"].is_object() { &call["function"] } else { call };
        let arguments = ["arguments", "input"].map(|key| &of[key]);
        let arguments = arguments.into_iter().find(|found| !found.is_null());
        let arguments = match arguments {
            Some(Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
            }
            other => other.cloned().unwrap_or_default(),
        };
        self.tool_calls.push(json!({"name": of["name"], "arguments": arguments}));
    }
}

/// The parts of a text that is a list of them in JSON. An answer that is JSON for other reasons stays a text.
fn parts_in(text: &str) -> Option<Vec<Value>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    let parts: Vec<Value> = serde_json::from_str(text).ok()?;
    let is_part = |part: &Value| {
        let is_known = |kind| {
            ["text", "image_url", "image", "tool_use", "tool_call", "tool_result", "reasoning"]
                .contains(&kind)
        };
        part["type"].as_str().is_some_and(is_known)
    };
    (!parts.is_empty() && parts.iter().all(is_part)).then_some(parts)
}

/// A value as text; JSON where it is a list or an object.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value, or the JSON that it holds as text.
pub(super) fn unpacked(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

/// The messages of a list, also where it is text.
pub(super) fn listed(value: &Value) -> Vec<Message> {
    match unpacked(value) {
        Value::Array(list) => list.iter().map(Message::of_object).collect(),
        object @ Value::Object(_) => vec![Message::of_object(&object)],
        Value::String(text) => vec![Message { text, ..Message::default() }],
        _ => Vec::new(),
    }
}

/// The messages of attributes such as `gen_ai.prompt.0.content`, in their order: by number, and then by what stands behind
/// it.
pub(super) fn numbered<'a>(
    attributes: &'a Attributes,
    prefix: &str,
) -> Vec<BTreeMap<&'a str, &'a Value>> {
    let mut found: BTreeMap<u32, BTreeMap<&str, &Value>> = BTreeMap::new();
    for (key, value) in attributes {
        let rest = key.strip_prefix(prefix).and_then(|rest| rest.split_once('.'));
        if let Some((number, rest)) = rest
            && let Ok(number) = number.parse()
        {
            found.entry(number).or_default().insert(rest, value);
        }
    }
    found.into_values().collect()
}

/// A message of [`numbered`] attributes, each behind this prefix.
pub(super) fn of_numbered(values: &BTreeMap<&str, &Value>, prefix: &str) -> Message {
    let named = |name: &str| {
        let found = values.iter().find(|(key, _)| key.strip_prefix(prefix) == Some(name));
        found.map(|(_, value)| *value)
    };
    let role = named("role").and_then(Value::as_str).unwrap_or_default();
    let mut message = Message::new(role, named("content").unwrap_or(&Value::Null));
    message.finish_reason = named("finish_reason").and_then(Value::as_str).map(str::to_owned);
    let own: Attributes = values
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), (*value).clone())))
        .collect();
    for part in numbered(&own, "contents.") {
        if let Some(text) = part.get("message_content.text") {
            message.add(text);
        }
    }
    for call in numbered(&own, "tool_calls.") {
        let named = |names: [&str; 3]| names.iter().find_map(|name| call.get(name).copied());
        let name = named(["name", "function.name", "tool_call.function.name"]);
        let arguments = named(["arguments", "function.arguments", "tool_call.function.arguments"]);
        message.add_call(&json!({"name": name, "arguments": arguments}));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_in_every_shape() {
        let check = |value: Value, expected: &[(&str, &str)]| {
            let found = listed(&value);
            let found: Vec<_> = found
                .iter()
                .map(|one| (one.role.as_str(), one.answer().unwrap_or_default()))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(role, text)| (*role, (*text).to_owned())).collect();
            assert_eq!(found, expected, "{value}");
        };
        let later = json!([
            {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "Hello"}],
             "finish_reason": "stop"},
        ]);
        check(later.clone(), &[("user", "Hi"), ("assistant", "Hello")]);
        check(json!(later.to_string()), &[("user", "Hi"), ("assistant", "Hello")]);
        check(json!([{"role": "user", "content": "Hi"}]), &[("user", "Hi")]);
        check(
            json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]}]),
            &[("user", "a\nb")],
        );
        check(
            json!([{"message": {"role": "assistant", "content": "x"}, "index": 0}]),
            &[("assistant", "x")],
        );
        check(
            json!([{"message": "{\"role\":\"assistant\",\"content\":\"x\"}"}]),
            &[("assistant", "x")],
        );
        let call = json!([{"name": "find", "arguments": {"id": 1}}]).to_string();
        check(
            json!([{"role": "assistant", "parts": [{"type": "tool_call", "name": "find", "arguments": {"id": 1}}]}]),
            &[("assistant", &call)],
        );
        check(
            json!([{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "find", "arguments": "{\"id\":1}"}}]}]),
            &[("assistant", &call)],
        );
        check(json!("only a text"), &[("", "only a text")]);
        check(json!("{\"label\": \"a\""), &[("", "{\"label\": \"a\"")]);
        check(json!(null), &[]);
        check(json!([1, null, {}]), &[("", ""), ("", ""), ("", "")]);
    }

    #[test]
    fn an_answer_in_json_stays_as_it_is() {
        for text in ["[{\"id\": 1}]", "[1, 2]", "{\"type\": \"text\"}", "[not json"] {
            assert_eq!(Message::new("assistant", &json!(text)).text, text);
        }
    }
}
