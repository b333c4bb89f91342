//! Replies as Anthropic's messages have them.

use serde_json::{Value, json};

use crate::Reply;

/// A message with this text, ten tokens in and five out.
pub fn text(text: &str) -> Reply {
    message(&json!([{ "type": "text", "text": text }]), "end_turn")
}

/// A message with these blocks and stop reason, ten tokens in and five out.
pub fn message(content: &Value, stop_reason: &str) -> Reply {
    let usage = json!({
        "input_tokens": 10,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 5,
    });
    Reply::json(&json!({
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": "loopback",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage,
    }))
}

/// An error with this status, as the protocol describes it.
pub fn error(status: u16, kind: &str, message: &str) -> Reply {
    let error = json!({ "type": kind, "message": message });
    let body = json!({ "type": "error", "error": error, "request_id": "req_loopback" });
    Reply::status(status).body(body.to_string())
}
