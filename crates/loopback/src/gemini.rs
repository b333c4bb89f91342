//! Replies as Google's Gemini API has them.

use serde_json::{Value, json};

use crate::Reply;

/// An answer with this text, ten tokens in and five out.
pub fn text(text: &str) -> Reply {
    candidate(&json!([{ "text": text }]), "STOP")
}

/// A candidate with these parts and finish reason, ten tokens in and five out.
pub fn candidate(parts: &Value, finish_reason: &str) -> Reply {
    let content = json!({ "role": "model", "parts": parts });
    Reply::json(&json!({
        "candidates": [{ "content": content, "finishReason": finish_reason, "index": 0 }],
        "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15 },
        "modelVersion": "loopback",
        "responseId": "loopback",
    }))
}

/// An error with this status, as the protocol describes it.
pub fn error(code: u16, status: &str, message: &str, details: &Value) -> Reply {
    let error = json!({ "code": code, "message": message, "status": status, "details": details });
    Reply::status(code).body(json!({ "error": error }).to_string())
}
