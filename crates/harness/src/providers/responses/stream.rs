//! A stream of events, of which the last one holds the whole response.

mod pieces;

use serde_json::{Value, json};

use crate::{
    providers::broken_stream::{cut_off, unreadable_event},
    reply::AttemptError,
    server_sent_events::StreamEvent,
};

/// What the last event of a stream may be.
const ENDS: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

/// Whether an event holds a piece of text, of reasoning, of a refusal or of a call's arguments.
pub(super) fn holds_text(event: &StreamEvent) -> bool {
    let json = event.json().unwrap_or_default();
    let kind = json["type"].as_str().unwrap_or_default();
    let is_call = kind == "response.output_item.added" && json["item"]["type"] == "function_call";
    let is_delta = kind.rsplit('.').next() == Some("delta");
    is_call || is_delta && json["delta"].as_str().is_some_and(|text| !text.is_empty())
}

/// Whether nothing comes after an event.
pub(super) fn is_last(event: &StreamEvent) -> bool {
    let is_end = |kind: &str| ENDS.contains(&kind) || kind == "error";
    if event.name.is_empty() {
        return event.is_done()
            || event.json().is_some_and(|json| json["type"].as_str().is_some_and(is_end));
    }
    is_end(&event.name)
}

/// The response that the last event holds, as JSON; an error as the protocol has it.
pub(super) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    for event in events.iter().filter(|event| !event.is_done()) {
        let json = event.json().ok_or_else(|| unreadable_event(&event.data))?;
        if event.name == "error" || json["type"] == "error" {
            let error = json.get("error").filter(|error| !error.is_null()).unwrap_or(&json);
            return Ok(json!({ "error": error }).to_string());
        }
        let is_end = json["type"].as_str().is_some_and(|kind| ENDS.contains(&kind));
        if let Some(response) = json.get("response").filter(|of| is_end && of.is_object()) {
            return Ok(with_output(response.clone(), events).to_string());
        }
    }
    Err(cut_off())
}

/// Some servers leave out of the last event what others have sent.
fn with_output(mut response: Value, events: &[StreamEvent]) -> Value {
    let has_output = match &response["output"] {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    if !has_output && response["status"] != "failed" {
        let output = pieces::output(events);
        if !output.is_empty() {
            response["output"] = output.into();
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_sent_events::events;

    fn check(body: &str, expected: &str) {
        let told = assemble(&events(body).0).map_err(|error| error.failure.message);
        assert_eq!(told.unwrap_or_else(|message| message), expected);
    }

    #[test]
    fn the_last_event_is_the_response() {
        let start = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}\n\n";
        let end = "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{\"output\":[]}}\n\n";
        check(&format!("{start}{end}data: [DONE]\n\n"), r#"{"output":[]}"#);
        let text = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"a\"}\n\n";
        check(
            &format!("{start}{text}{text}{end}"),
            r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"aa"}]}]}"#,
        );
        let failed = end.replace("{\"output\"", "{\"status\":\"failed\",\"output\"");
        check(&format!("{start}{text}{failed}"), r#"{"status":"failed","output":[]}"#);
        check(start, "the connection broke: the stream ends before the answer does");
        check(
            "data: {\"type\":\"error\",\"code\":\"server_error\"}\n\n",
            r#"{"error":{"type":"error","code":"server_error"}}"#,
        );
        check("event: error\ndata: {\"error\":{\"code\":\"x\"}}\n\n", r#"{"error":{"code":"x"}}"#);
    }
}
