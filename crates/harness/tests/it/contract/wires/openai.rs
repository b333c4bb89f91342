//! OpenAI's chat completions.

use evalmark_loopback::Reply;
use serde_json::{Value, json};

use super::{Fault, Wire};

/// The same with the deployment in the path.
pub(super) const AZURE_DEPLOYMENTS: Wire = Wire {
    provider: "azure-deployments",
    path: "/v1/openai/deployments/m/chat/completions",
    key: ("api-key", ""),
    ..WIRE
};

pub(super) const WIRE: Wire = Wire {
    provider: "openai",
    path: "/v1/chat/completions",
    model_at: Some("/model"),
    prompt_at: "/messages/0/content",
    schema_at: Some("/response_format/json_schema/schema"),
    key: ("authorization", "Bearer "),
    ended: |text, reason| Reply::text(text).finish_reason(reason.as_str()),
    refused: |text| Reply::refusal(text),
    calls: |text| {
        let function = json!({ "name": "f", "arguments": "{\"a\":1}" });
        let call = json!({ "id": "c", "type": "function", "function": function });
        let text = Some(text).filter(|text| !text.is_empty());
        openai(&json!({ "content": text, "tool_calls": [call] }), "tool_calls")
    },
    thought: |thought, text| {
        openai(&json!({ "content": text, "reasoning_content": thought }), "stop")
    },
    cached: |text| {
        let choice = json!({ "message": { "content": text }, "finish_reason": "stop" });
        let details = json!({ "cached_tokens": 8 });
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": details });
        Reply::json(&json!({ "choices": [choice], "usage": usage }))
    },
    error: |status, fault| {
        let code = match fault {
            Fault::Request => "invalid_request_error",
            Fault::Credit => "insufficient_quota",
            Fault::Key => "invalid_api_key",
            Fault::Permission => "permission_denied",
            Fault::Model => "model_not_found",
            Fault::TooLarge => "context_length_exceeded",
            Fault::Rate => "rate_limit_exceeded",
            Fault::Server => "server_error",
            Fault::Overload => "engine_overloaded",
        };
        let error = json!({ "message": "as asked for", "code": code });
        Reply::status(status).body(json!({ "error": error }).to_string())
    },
    odd: &[r#"{"choices":"x"}"#, r#"{"choices":[{"message":{"content":7}}]}"#],
    stream: "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
};

fn openai(message: &Value, finish_reason: &str) -> Reply {
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason });
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5 });
    Reply::json(&json!({ "choices": [choice], "usage": usage }))
}
