//! OpenAI's chat completions.

use evalmark_loopback::Reply;
use serde_json::{Value, json};

use super::{Fault, Tokens, Wire, as_text, halves, part_of};

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
    events: Some(events),
    framed: as_text,
    logprobs: Some(Tokens {
        asks: || json!({ "/logprobs": true, "/top_logprobs": 2 }),
        place: "/choices/0/logprobs",
        written: |tokens| {
            let mut tokens = tokens.to_vec();
            for token in &mut tokens {
                token["bytes"] = Value::Null;
            }
            json!({ "content": tokens, "refusal": null })
        },
    }),
    stream: "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
};

fn openai(message: &Value, finish_reason: &str) -> Reply {
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason });
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5 });
    Reply::json(&json!({ "choices": [choice], "usage": usage }))
}

/// Deltas of text, reasoning, refusal and calls, then the reason, then the usage, then the end.
fn events(body: &Value) -> Vec<String> {
    let choice = &body["choices"][0];
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    for field in ["reasoning_content", "content", "refusal"] {
        if let Some(text) = choice["message"][field].as_str() {
            deltas.extend(halves(text).map(|half| json!({ field: half })));
        }
    }
    for (index, call) in
        choice["message"]["tool_calls"].as_array().into_iter().flatten().enumerate()
    {
        let mut head = call.clone();
        head["index"] = index.into();
        let arguments = head["function"]["arguments"].take();
        head["function"]["arguments"] = "".into();
        deltas.push(json!({ "tool_calls": [head] }));
        deltas.extend(halves(arguments.as_str().unwrap_or_default()).map(
            |half| json!({ "tool_calls": [{ "index": index, "function": { "arguments": half } }] }),
        ));
    }
    let chunk = |choices: Value, usage: &Value| {
        let mut chunk =
            json!({ "object": "chat.completion.chunk", "choices": choices, "usage": usage });
        if let Some(model) = body.get("model") {
            chunk["model"] = model.clone();
        }
        format!("data: {chunk}\n\n")
    };
    let part = |delta: &Value, reason: &Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
        chunk(json!([choice]), &Value::Null)
    };
    let mut events: Vec<_> = deltas.iter().map(|delta| part(delta, &Value::Null)).collect();
    // Each of the last two deltas brings half of the tokens.
    let logprobs = &choice["logprobs"];
    for (i, delta) in deltas.iter().rev().take(2).rev().enumerate().filter(|_| !logprobs.is_null())
    {
        let mut half = logprobs.clone();
        if let Some(half) = half.as_object_mut() {
            half.values_mut().for_each(|list| *list = part_of(list, i, 2));
        }
        let choice = json!({ "index": 0, "delta": delta, "logprobs": half, "finish_reason": null });
        let at = deltas.len() - 2 + i;
        events[at] = chunk(json!([choice]), &Value::Null);
    }
    events.insert(1, ": a remark that keeps the connection alive\n\n".to_owned());
    events.push(part(&json!({}), &choice["finish_reason"]));
    events.push(chunk(json!([]), &body["usage"]));
    events.push("data: [DONE]\n\n".to_owned());
    events
}
