//! Text completions, which have neither tools nor reasoning.

use evalmark_core::record::FinishReason;
use evalmark_loopback::Reply;
use serde_json::{Value, json};

use super::{Wire, as_text, halves, openai};

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
    events: Some(events),
    framed: as_text,
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

/// The text in halves, then the reason, then the usage, then the end.
fn events(body: &Value) -> Vec<String> {
    let choice = &body["choices"][0];
    let chunk = |choices: Value, usage: &Value| {
        let chunk = json!({ "model": body["model"], "choices": choices, "usage": usage });
        format!("data: {chunk}\n\n")
    };
    let part = |text: &str, reason: &Value| {
        let choice = json!({ "index": 0, "text": text, "finish_reason": reason });
        chunk(json!([choice]), &Value::Null)
    };
    let halves = halves(choice["text"].as_str().unwrap_or_default());
    let texts = halves.map(|half| part(half, &Value::Null));
    let end = [part("", &choice["finish_reason"]), chunk(json!([]), &body["usage"])];
    texts.into_iter().chain(end).chain(["data: [DONE]\n\n".to_owned()]).collect()
}
