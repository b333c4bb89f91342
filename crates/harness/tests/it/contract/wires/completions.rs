//! Text completions, which have neither tools nor reasoning.

use evalmark_core::record::FinishReason;
use evalmark_loopback::Reply;
use serde_json::{Value, json};

use super::{Tokens, Wire, as_text, halves, openai, part_of};

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
    logprobs: Some(Tokens {
        asks: || json!({ "/logprobs": 2 }),
        place: "/choices/0/logprobs",
        written: |tokens| {
            let all = |field: &str| -> Value {
                tokens.iter().map(|token| token[field].clone()).collect()
            };
            let top = |token: &Value| -> Value {
                let all = token["top_logprobs"].as_array().into_iter().flatten();
                let pair =
                    |one: &Value| Some((one["token"].as_str()?.to_owned(), one["logprob"].clone()));
                all.filter_map(pair).collect::<serde_json::Map<_, _>>().into()
            };
            json!({
                "tokens": all("token"), "token_logprobs": all("logprob"),
                "top_logprobs": tokens.iter().map(top).collect::<Vec<_>>(), "text_offset": [0, 2],
            })
        },
    }),
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
    let with_tokens = |(i, half): (usize, &str)| {
        let mut logprobs = choice["logprobs"].clone();
        if let Some(logprobs) = logprobs.as_object_mut() {
            logprobs.values_mut().for_each(|list| *list = part_of(list, i, 2));
        }
        let choice =
            json!({ "index": 0, "text": half, "logprobs": logprobs, "finish_reason": null });
        chunk(json!([choice]), &Value::Null)
    };
    let texts: Vec<_> = halves.into_iter().enumerate().map(with_tokens).collect();
    let end = [part("", &choice["finish_reason"]), chunk(json!([]), &body["usage"])];
    texts.into_iter().chain(end).chain(["data: [DONE]\n\n".to_owned()]).collect()
}
