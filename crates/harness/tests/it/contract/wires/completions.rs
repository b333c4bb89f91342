//! Text completions, which have neither tools nor reasoning.

use evalmark_core::record::FinishReason;
use evalmark_loopback::Reply;
use serde_json::{Value, json};

use super::{Wire, openai};

pub(super) const WIRE: Wire = Wire {
    provider: "completions",
    path: "/v1/completions",
    model_at: Some("/model"),
    prompt_at: "/prompt",
    schema_at: None,
    key: ("authorization", "Bearer "),
    ended: |text, reason| Reply::json(&body(text, reason.as_str())),
    refused: |text| Reply::json(&body(text, FinishReason::ContentFilter.as_str())),
    calls: |text| Reply::json(&body(text, "stop")),
    thought: |_, text| Reply::json(&body(text, "stop")),
    cached: |text| {
        let mut body = body(text, "stop");
        body["usage"]["prompt_tokens_details"] = json!({ "cached_tokens": 8 });
        Reply::json(&body)
    },
    error: openai::WIRE.error,
    odd: &[r#"{"choices":"x"}"#, r#"{"choices":[{"text":7}]}"#, r#"{"choices":[{"message":{}}]}"#],
    events: None,
    stream: "data: {\"choices\":[{\"text\":\"a\"}]}\n\n",
};

fn body(text: &str, finish_reason: &str) -> Value {
    let choice =
        json!({ "index": 0, "text": text, "logprobs": null, "finish_reason": finish_reason });
    json!({
        "id": "cmpl-1", "object": "text_completion", "model": "loopback", "choices": [choice],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 },
    })
}
