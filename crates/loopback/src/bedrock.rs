//! Replies as AWS Bedrock's Converse has them.

use flate2::Crc;
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

/// One frame of a stream, with an event of this name.
pub fn frame(event: &str, payload: &str) -> Vec<u8> {
    framed(&[(":message-type", "event"), (":event-type", event)], payload)
}

/// One frame of a stream, with a failure of this type.
pub fn exception(kind: &str, payload: &str) -> Vec<u8> {
    framed(&[(":message-type", "exception"), (":exception-type", kind)], payload)
}

fn framed(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let headers = [&[(":content-type", "application/json")], headers].concat();
    let mut fields = Vec::new();
    for (name, value) in headers {
        fields.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        fields.extend_from_slice(name.as_bytes());
        fields.push(7);
        fields.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        fields.extend_from_slice(value.as_bytes());
    }
    let mut frame = length(16 + fields.len() + payload.len()).to_vec();
    frame.extend_from_slice(&length(fields.len()));
    frame.extend_from_slice(&checksum(&frame));
    frame.extend_from_slice(&fields);
    frame.extend_from_slice(payload.as_bytes());
    frame.extend_from_slice(&checksum(&frame));
    frame
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}
