//! A stream of events, put together into the response that would have come without streaming.

use serde_json::{Map, Value, json};

use crate::{
    providers::broken_stream::{cut_off, unreadable_event, without_reason},
    reply::AttemptError,
    server_sent_events::StreamEvent,
};

/// Parts of one message, at most, and calls of tools.
const MOST_PARTS: usize = 1_000;

/// Whether an event holds a piece of text, of reasoning, or of a tool call.
pub(super) fn holds_text(event: &StreamEvent) -> bool {
    let Some(json) = event.json() else { return false };
    let message = &json["delta"]["message"];
    let is_text = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
    match json["type"].as_str() {
        Some("content-start" | "content-delta") => {
            ["text", "thinking"].iter().any(|field| is_text(&message["content"][field]))
        }
        Some("tool-plan-delta") => is_text(&message["tool_plan"]),
        Some("tool-call-start") => true,
        _ => false,
    }
}

/// Whether nothing comes after an event.
pub(super) fn is_last(event: &StreamEvent) -> bool {
    let is_end = || event.json().is_some_and(|json| json["type"] == "message-end");
    event.is_done() || event.name == "error" || event.data.contains("message-end") && is_end()
}

/// The response that the events add up to, as JSON; an error among them as the API has it.
pub(super) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    let mut response = Response::default();
    for event in events.iter().filter(|event| !event.is_done()) {
        let json = event.json().ok_or_else(|| unreadable_event(&event.data))?;
        let is_error = json.get("type").is_none() && json["message"].is_string();
        if event.name == "error" || is_error {
            let error = if json.is_object() { json } else { json!({ "message": event.data }) };
            return Ok(json!({ "error": error }).to_string());
        }
        response.take(&json);
    }
    response.finish()
}

/// What the events so far add up to.
#[derive(Default)]
struct Response {
    /// Parts of the content by their place.
    parts: Vec<Map<String, Value>>,
    tool_plan: String,
    calls: Vec<Map<String, Value>>,
    logprobs: Vec<Value>,
    /// What the last event says: why the answer ended, and its tokens.
    end: Option<Map<String, Value>>,
}

impl Response {
    fn take(&mut self, event: &Value) {
        // One piece of the text; some servers have it in a list.
        match &event["logprobs"] {
            Value::Array(pieces) => self.logprobs.extend_from_slice(pieces),
            piece @ Value::Object(_) => self.logprobs.push(piece.clone()),
            _ => {}
        }
        let delta = &event["delta"];
        let message = &delta["message"];
        match event["type"].as_str() {
            Some("content-start" | "content-delta") => {
                if let (Some(part), Value::Object(more)) =
                    (place(&mut self.parts, event), &message["content"])
                {
                    add(part, more);
                }
            }
            Some("tool-plan-delta") => {
                self.tool_plan.push_str(message["tool_plan"].as_str().unwrap_or_default());
            }
            Some("tool-call-start" | "tool-call-delta") => {
                // One call; some servers have it in a list.
                let call = message["tool_calls"].get(0).unwrap_or(&message["tool_calls"]);
                if let (Some(place), Value::Object(more)) = (place(&mut self.calls, event), call) {
                    add(place, more);
                }
            }
            Some("message-end") => self.end = Some(delta.as_object().cloned().unwrap_or_default()),
            // Signs of life, the ends of parts, citations, and what a later version adds.
            _ => {}
        }
    }

    fn finish(self) -> Result<String, AttemptError> {
        let mut response = self.end.ok_or_else(cut_off)?;
        let says = |field: &str| response.get(field).is_some_and(Value::is_string);
        if !says("finish_reason") && !says("error") {
            return Err(without_reason("finish_reason"));
        }
        let mut message = json!({ "role": "assistant" });
        // A part that was never begun says nothing.
        let whole = |parts: Vec<Map<String, Value>>| -> Vec<Value> {
            parts.into_iter().filter(|part| !part.is_empty()).map(Value::from).collect()
        };
        let (parts, calls) = (whole(self.parts), whole(self.calls));
        if !parts.is_empty() {
            message["content"] = parts.into();
        }
        if !self.tool_plan.is_empty() {
            message["tool_plan"] = self.tool_plan.into();
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        if !self.logprobs.is_empty() {
            response.insert("logprobs".into(), self.logprobs.into());
        }
        response.insert("message".into(), message);
        Ok(Value::from(response).to_string())
    }
}

/// What an event goes on with, by its place.
fn place<'a>(
    parts: &'a mut Vec<Map<String, Value>>,
    event: &Value,
) -> Option<&'a mut Map<String, Value>> {
    let last = parts.len().saturating_sub(1);
    let index = event["index"].as_u64().map_or(Some(last), |index| usize::try_from(index).ok())?;
    if index >= MOST_PARTS {
        return None;
    }
    if parts.len() <= index {
        parts.resize_with(index + 1, Map::new);
    }
    parts.get_mut(index)
}

/// Texts go on, mappings add up, and what names a part stays as it was first.
fn add(part: &mut Map<String, Value>, more: &Map<String, Value>) {
    const NAMES: [&str; 3] = ["type", "id", "name"];
    for (field, value) in more.iter().filter(|(_, value)| !value.is_null()) {
        match (part.get_mut(field), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => add(inner, more),
            (Some(Value::String(_)), _) if NAMES.contains(&field.as_str()) => {}
            (Some(Value::String(text)), Value::String(more)) => text.push_str(more),
            (None | Some(Value::Null), value) => drop(part.insert(field.clone(), value.clone())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_sent_events::events;

    const START: &str = r#"{"type":"message-start","id":"x","delta":{"message":{"role":"assistant","content":[]}}}"#;

    fn check(data: &[&str], expected: &str) {
        let body: String = data.iter().map(|data| ["data: ", data, "\n\n"].concat()).collect();
        let told = assemble(&events(&body).0).map_err(|error| error.failure.message);
        assert_eq!(told.unwrap_or_else(|message| message), expected);
    }

    #[test]
    fn parts_add_up() {
        check(
            &[
                START,
                r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
                r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"hm"}}}}"#,
                r#"{"type":"content-end","index":0}"#,
                r#"{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
                r#"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"ye"}}}}"#,
                r#"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"s"}}}}"#,
                r#"{"type":"content-delta","index":4000000000,"delta":{"message":{"content":{"text":"x"}}}}"#,
                r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":1}}}}"#,
                "[DONE]",
            ],
            r#"{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":1}},"message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"yes"}]}}"#,
        );
        check(
            &[
                START,
                r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"I "}}}"#,
                r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"will"}}}"#,
                r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","type":"function","function":{"name":"f","arguments":""}}}}}"#,
                r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"a\":"}}}}}"#,
                r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"1}"}}}}}"#,
                r#"{"type":"tool-call-end","index":0}"#,
                r#"{"type":"tool-call-start","index":1,"delta":{"message":{"tool_calls":[{"id":"d","type":"function","function":{"name":"g"}}]}}}"#,
                r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}"#,
            ],
            r#"{"finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"I will","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"d","type":"function","function":{"name":"g"}}]}}"#,
        );
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        let broken = "the connection broke: the stream ends before the answer does";
        check(&[START], broken);
        check(&[START, "[DONE]"], broken);
        check(&[START, "7", "[]", r#"{"type":7}"#], broken);
        let without =
            "the stream ends without a `finish_reason`, so that the answer may be cut off";
        check(&[START, r#"{"type":"message-end","delta":{}}"#], without);
        check(&[START, r#"{"type":"message-end","delta":{"finish_reason":null}}"#], without);
        check(&[START, "what?"], "an event of the stream is not JSON: what?");
        check(&[START, r#"{"message":"no"}"#], r#"{"error":{"message":"no"}}"#);
        check(
            &[START, r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"no"}}"#],
            r#"{"finish_reason":"ERROR","error":"no","message":{"role":"assistant"}}"#,
        );
    }

    #[test]
    fn the_first_token_is_the_first_piece() {
        for (data, expected) in [
            (START, false),
            (r#"{"type":"content-start","delta":{"message":{"content":{"text":""}}}}"#, false),
            (r#"{"type":"content-delta","delta":{"message":{"content":{"text":"y"}}}}"#, true),
            (r#"{"type":"content-delta","delta":{"message":{"content":{"thinking":"y"}}}}"#, true),
            (r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"y"}}}"#, true),
            (r#"{"type":"tool-call-start","delta":{}}"#, true),
            (r#"{"type":"content-end"}"#, false),
            ("what?", false),
        ] {
            let event = StreamEvent { data: data.to_owned(), ..StreamEvent::default() };
            assert_eq!(holds_text(&event), expected, "{data}");
        }
        let said = StreamEvent {
            data:
                r#"{"type":"content-delta","delta":{"message":{"content":{"text":"message-end"}}}}"#
                    .into(),
            ..StreamEvent::default()
        };
        assert!(!is_last(&said));
    }
}
