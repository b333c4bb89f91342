//! Replies as AWS Bedrock's Converse has them.

use serde_json::{Value, json};

use crate::Reply;

/// An answer with this text, ten tokens in and five out.
pub fn text(text: &str) -> Reply {
    message(&json!([{ "text": text }]), "end_turn")
}

/// A message with these blocks and stop reason, ten tokens in and five out.
pub fn message(content: &Value, stop_reason: &str) -> Reply {
    Reply::json(&json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop_reason,
        "usage": { "inputTokens": 10, "outputTokens": 5, "totalTokens": 15 },
        "metrics": { "latencyMs": 1 },
        "trace": { "promptRouter": { "invokedModelId": "loopback" } },
    }))
}

/// An error with this status: its type stands in a header, and in the body of a success.
pub fn error(status: u16, kind: &str, message: &str) -> Reply {
    if status == 200 {
        return Reply::json(&json!({ "__type": kind, "message": message }));
    }
    let body = json!({ "message": message }).to_string();
    Reply::status(status).body(body).header("x-amzn-errortype", kind)
}
