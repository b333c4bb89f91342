//! Replies as Cohere's API, version 2, has them.

use serde_json::{Value, json};

use crate::Reply;

/// An answer with this text, ten tokens in and five out.
pub fn text(text: &str) -> Reply {
    message(&json!({ "content": [{ "type": "text", "text": text }] }), "COMPLETE")
}

/// A message with these fields and finish reason, ten tokens in and five out. The model saw more than
/// what is paid for.
pub fn message(fields: &Value, finish_reason: &str) -> Reply {
    let mut message = json!({ "role": "assistant" });
    for (name, value) in fields.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    Reply::json(&json!({
        "id": "loopback",
        "finish_reason": finish_reason,
        "message": message,
        "usage": {
            "billed_units": { "input_tokens": 10, "output_tokens": 5 },
            "tokens": { "input_tokens": 71, "output_tokens": 6 },
        },
    }))
}

/// An error with this status, as the API describes it.
pub fn error(status: u16, message: &str) -> Reply {
    Reply::status(status).body(json!({ "id": "loopback", "message": message }).to_string())
}
