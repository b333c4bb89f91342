//! Anthropic's messages.

use evalmark_core::record::FinishReason;
use evalmark_loopback::{Reply, anthropic};
use serde_json::json;

use super::{Fault, Wire};

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
    stream: "event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
};
