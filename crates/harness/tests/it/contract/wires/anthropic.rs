//! Anthropic's messages.

use evalmark_core::record::FinishReason;
use evalmark_loopback::{Reply, anthropic};
use serde_json::{Value, json};

use super::{Fault, Wire, as_text, halves};

pub(super) const WIRE: Wire = Wire {
    provider: "anthropic",
    path: "/v1/messages",
    model_at: Some("/model"),
    prompt_at: "/messages/0/content",
    schema_at: Some("/output_config/format/schema"),
    key: ("x-api-key", ""),
    ended: |text, reason| {
        let word = match reason {
            FinishReason::Stop => "end_turn",
            FinishReason::Length => "max_tokens",
            FinishReason::ToolCalls => "tool_use",
            FinishReason::ContentFilter => "refusal",
            FinishReason::Other(_) => "pause_turn",
        };
        anthropic::message(&json!([{ "type": "text", "text": text }]), word)
    },
    refused: |text| anthropic::message(&json!([{ "type": "text", "text": text }]), "refusal"),
    calls: |text| {
        let mut blocks =
            vec![json!({ "type": "tool_use", "id": "c", "name": "f", "input": { "a": 1 } })];
        if !text.is_empty() {
            blocks.insert(0, json!({ "type": "text", "text": text }));
        }
        anthropic::message(&blocks.into(), "tool_use")
    },
    thought: |thought, text| {
        let thought = json!({ "type": "thinking", "thinking": thought, "signature": "s" });
        anthropic::message(&json!([thought, { "type": "text", "text": text }]), "end_turn")
    },
    cached: |text| {
        let usage = json!({ "input_tokens": 2, "cache_read_input_tokens": 8, "output_tokens": 5 });
        let block = json!({ "type": "text", "text": text });
        Reply::json(&json!({ "content": [block], "stop_reason": "end_turn", "usage": usage }))
    },
    error: |status, fault| {
        let (kind, message) = match fault {
            Fault::Request | Fault::TooLarge => ("invalid_request_error", "as asked for"),
            Fault::Credit => (
                "invalid_request_error",
                "Your credit balance is too low to access the API. Please go to Plans & Billing",
            ),
            Fault::Key => ("authentication_error", "invalid x-api-key"),
            Fault::Permission => ("permission_error", "not allowed"),
            Fault::Model => ("not_found_error", "model: m"),
            Fault::Rate => ("rate_limit_error", "too fast"),
            Fault::Server => ("api_error", "Internal server error"),
            Fault::Overload => ("overloaded_error", "Overloaded"),
        };
        anthropic::error(status, kind, message)
    },
    odd: &[r#"{"content":"x"}"#, r#"{"content":[{"type":7}]}"#],
    events: Some(events),
    framed: as_text,
    logprobs: None,
    stream: "event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
};

/// The message's beginning, its blocks piece by piece, its end.
fn events(body: &Value) -> Vec<String> {
    let event = |name: &str, mut data: Value| {
        data["type"] = name.into();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let mut start = body.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = 1.into();
    let mut events =
        vec![event("message_start", json!({ "message": start })), event("ping", json!({}))];
    for (index, block) in body["content"].as_array().into_iter().flatten().enumerate() {
        let mut head = block.clone();
        let mut deltas = Vec::new();
        for (field, kind) in [("text", "text_delta"), ("thinking", "thinking_delta")] {
            if let Some(text) = block[field].as_str() {
                head[field] = "".into();
                deltas.extend(halves(text).map(|half| json!({ "type": kind, field: half })));
            }
        }
        if let Some(input) = block.get("input") {
            head["input"] = json!({});
            let input = input.to_string();
            deltas.extend(
                halves(&input)
                    .map(|half| json!({ "type": "input_json_delta", "partial_json": half })),
            );
        }
        events.push(event("content_block_start", json!({ "index": index, "content_block": head })));
        events.extend(
            deltas.into_iter().map(|delta| {
                event("content_block_delta", json!({ "index": index, "delta": delta }))
            }),
        );
        events.push(event("content_block_stop", json!({ "index": index })));
    }
    let delta = json!({ "stop_reason": body["stop_reason"], "stop_sequence": null });
    let usage = json!({ "output_tokens": body["usage"]["output_tokens"] });
    events.push(event("message_delta", json!({ "delta": delta, "usage": usage })));
    events.push(event("message_stop", json!({})));
    events
}
