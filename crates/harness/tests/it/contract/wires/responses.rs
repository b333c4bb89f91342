//! OpenAI's Responses API.

use evalmark_core::record::FinishReason;
use evalmark_loopback::Reply;
use serde_json::{Value, json};

use super::{Fault, Tokens, Wire, as_text, halves, part_of};

pub(super) const WIRE: Wire = Wire {
    provider: "responses",
    path: "/v1/responses",
    model_at: Some("/model"),
    prompt_at: "/input/0/content",
    schema_at: Some("/text/format/schema"),
    key: ("authorization", "Bearer "),
    ended: |text, reason| {
        let items = json!([message(text)]);
        match reason {
            FinishReason::Length => incomplete(&items, "max_output_tokens"),
            FinishReason::ContentFilter => incomplete(&items, "content_filter"),
            _ => response(&items),
        }
    },
    refused: |text| {
        let part = json!({ "type": "refusal", "refusal": text });
        response(
            &json!([{ "type": "message", "id": "msg_1", "role": "assistant", "content": [part] }]),
        )
    },
    calls: |text| {
        let call = json!({
            "type": "function_call", "id": "fc_1", "call_id": "c", "name": "f",
            "arguments": "{\"a\":1}", "status": "completed",
        });
        let said = Some(message(text)).filter(|_| !text.is_empty());
        response(&said.into_iter().chain([call]).collect())
    },
    thought: |thought, text| {
        let part = json!({ "type": "summary_text", "text": thought });
        let thought = json!({ "type": "reasoning", "id": "rs_1", "summary": [part] });
        response(&json!([thought, message(text)]))
    },
    cached: |text| {
        let mut body = body(&json!([message(text)]));
        body["usage"]["input_tokens_details"] = json!({ "cached_tokens": 8 });
        Reply::json(&body)
    },
    error: |status, fault| {
        let (code, message) = match fault {
            Fault::Request => ("invalid_prompt", "as asked for"),
            Fault::Credit => ("insufficient_quota", "You exceeded your current quota"),
            Fault::Key => ("invalid_api_key", "Incorrect API key provided"),
            Fault::Permission => ("permission_denied", "not allowed"),
            Fault::Model => ("model_not_found", "The model `m` does not exist"),
            Fault::TooLarge => ("context_length_exceeded", "as asked for"),
            Fault::Rate => ("rate_limit_exceeded", "too fast"),
            Fault::Server => ("server_error", "oh"),
            Fault::Overload => ("server_is_overloaded", "busy"),
        };
        let error = json!({ "code": code, "message": message });
        if status == 200 {
            let failed =
                json!({ "object": "response", "status": "failed", "error": error, "output": [] });
            return Reply::json(&failed);
        }
        Reply::status(status).body(json!({ "error": error }).to_string())
    },
    odd: &[
        r#"{"output":"x"}"#,
        r#"{"output":[{"type":"message","content":7}]}"#,
        r#"{"status":"queued","output":[]}"#,
    ],
    events: Some(events),
    framed: as_text,
    logprobs: Some(Tokens {
        asks: || json!({ "/include": ["message.output_text.logprobs"], "/top_logprobs": 2 }),
        place: "/output/0/content/0/logprobs",
        written: |tokens| tokens.into(),
    }),
    stream: "event: response.created\ndata: {\"type\":\"response.created\"}\n\n",
};

fn message(text: &str) -> Value {
    let part = json!({ "type": "output_text", "text": text, "annotations": [] });
    json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part] })
}

fn body(output: &Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "loopback",
        "error": null, "incomplete_details": null, "output": output,
        "usage": {
            "input_tokens": 10, "input_tokens_details": { "cached_tokens": 0 },
            "output_tokens": 5, "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": 15,
        },
    })
}

fn response(output: &Value) -> Reply {
    Reply::json(&body(output))
}

fn incomplete(output: &Value, reason: &str) -> Reply {
    let mut body = body(output);
    body["status"] = "incomplete".into();
    body["incomplete_details"] = json!({ "reason": reason });
    Reply::json(&body)
}

/// Deltas of all that the output holds, then the whole response.
fn events(body: &Value) -> Vec<String> {
    let event = |name: &str, mut data: Value| {
        data["type"] = name.into();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let started = json!({ "response": { "id": "resp_1", "status": "in_progress", "output": [] } });
    let mut events = vec![event("response.created", started)];
    for item in body["output"].as_array().into_iter().flatten() {
        events.push(event("response.output_item.added", json!({ "item": item })));
        let parts = [&item["content"], &item["summary"]].into_iter().filter_map(Value::as_array);
        for part in parts.flatten() {
            let text = part["text"].as_str().or(part["refusal"].as_str()).unwrap_or_default();
            let name = format!("response.{}.delta", part["type"].as_str().unwrap_or_default());
            for (i, half) in halves(text).into_iter().enumerate() {
                let logprobs = part_of(&part["logprobs"], i, 2);
                events.push(event(&name, json!({ "delta": half, "logprobs": logprobs })));
            }
        }
        let arguments = item["arguments"].as_str().unwrap_or_default();
        events.extend(
            halves(arguments).map(|half| {
                event("response.function_call_arguments.delta", json!({ "delta": half }))
            }),
        );
    }
    let status = body["status"].as_str().unwrap_or_default();
    events.push(event(&format!("response.{status}"), json!({ "response": body })));
    events
}
