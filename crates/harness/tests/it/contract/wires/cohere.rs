//! Cohere's own API.

use evalmark_core::record::FinishReason;
use evalmark_loopback::{Reply, cohere};
use serde_json::{Value, json};

use super::{Fault, Tokens, Wire, as_text, halves, part_of};

pub(super) const WIRE: Wire = Wire {
    provider: "cohere",
    path: "/v1/v2/chat",
    model_at: Some("/model"),
    prompt_at: "/messages/0/content",
    schema_at: Some("/response_format/json_schema"),
    key: ("authorization", "Bearer "),
    ended: |text, reason| {
        let word = match reason {
            FinishReason::Stop => "COMPLETE",
            FinishReason::Length => "MAX_TOKENS",
            FinishReason::ToolCalls => "TOOL_CALL",
            FinishReason::ContentFilter => "ERROR_TOXIC",
            FinishReason::Other(_) => "USER_CANCEL",
        };
        cohere::message(&json!({ "content": [{ "type": "text", "text": text }] }), word)
    },
    refused: |text| {
        let content = json!([{ "type": "text", "text": text }]);
        cohere::message(&json!({ "content": content }), "ERROR_TOXIC")
    },
    calls: |text| {
        let function = json!({ "name": "f", "arguments": r#"{"a":1}"# });
        let call = json!({ "id": "c", "type": "function", "function": function });
        let mut message = json!({ "tool_plan": "I will call f.", "tool_calls": [call] });
        if !text.is_empty() {
            message["content"] = json!([{ "type": "text", "text": text }]);
        }
        cohere::message(&message, "TOOL_CALL")
    },
    thought: |thought, text| {
        let thought = json!({ "type": "thinking", "thinking": thought });
        let content = json!([thought, { "type": "text", "text": text }]);
        cohere::message(&json!({ "content": content }), "COMPLETE")
    },
    cached: |text| {
        let tokens = json!({ "input_tokens": 10, "output_tokens": 5 });
        let usage = json!({ "billed_units": tokens, "tokens": tokens, "cached_tokens": 8 });
        let message = json!({ "role": "assistant", "content": [{ "type": "text", "text": text }] });
        Reply::json(&json!({ "message": message, "finish_reason": "COMPLETE", "usage": usage }))
    },
    error: |status, fault| {
        let message = match fault {
            Fault::Request | Fault::TooLarge => "invalid request: as asked for",
            Fault::Credit => {
                "Please add or update your payment method at https://dashboard.cohere.com/billing"
            }
            Fault::Key => "invalid api token",
            Fault::Permission => "not allowed",
            Fault::Model => "model 'm' not found, make sure the correct model ID was used",
            Fault::Rate => "You are past the per minute request limit, please wait and try again",
            Fault::Server => "internal server error, this has been reported to our developers",
            Fault::Overload => "service unavailable, please try again later",
        };
        cohere::error(status, message)
    },
    odd: &[r#"{"message":{"content":7}}"#, r#"{"message":{"content":[{"text":7}]}}"#],
    events: Some(events),
    framed: as_text,
    logprobs: Some(Tokens {
        asks: || json!({ "/logprobs": true }),
        place: "/logprobs",
        // A piece of text, and the tokens in it.
        written: |tokens| {
            let text: String = tokens.iter().filter_map(|token| token["token"].as_str()).collect();
            let logprobs: Vec<_> = tokens.iter().map(|token| token["logprob"].clone()).collect();
            json!([{ "token_ids": [1, 2], "text": text, "logprobs": logprobs }])
        },
    }),
    stream: "event: message-start\ndata: {\"type\":\"message-start\"}\n\n",
};

/// A start and a piece for each half of a text, then what the model plans and calls, and the end.
fn events(body: &Value) -> Vec<String> {
    let event = |data: Value| {
        let name = data["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let message = &body["message"];
    let Some(fields) = message.as_object() else { return vec![format!("data: {body}\n\n")] };
    let delta = |kind: &str, index: usize, message: Value| {
        event(json!({ "type": kind, "index": index, "delta": { "message": message } }))
    };
    let mut events = vec![event(
        json!({ "type": "message-start", "id": body["id"], "delta": { "message": {} } }),
    )];
    for (i, part) in message["content"].as_array().into_iter().flatten().enumerate() {
        let kind = part["type"].as_str().unwrap_or_default();
        let start = json!({ "content": { "type": kind, kind: "" } });
        events.push(delta("content-start", i, start));
        for (k, half) in halves(part[kind].as_str().unwrap_or_default()).into_iter().enumerate() {
            let message = json!({ "content": { kind: half } });
            let mut delta =
                json!({ "type": "content-delta", "index": i, "delta": { "message": message } });
            if let Some(pieces) = body.get("logprobs") {
                let pieces = part_of(pieces, k, 2);
                delta["logprobs"] = pieces.get(0).cloned().unwrap_or(pieces);
            }
            events.push(event(delta));
        }
        events.push(event(json!({ "type": "content-end", "index": i })));
    }
    if let Some(plan) = fields.get("tool_plan") {
        events.push(delta("tool-plan-delta", 0, json!({ "tool_plan": plan })));
    }
    for (i, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let mut start = call.clone();
        start["function"]["arguments"] = "".into();
        events.push(delta("tool-call-start", i, json!({ "tool_calls": start })));
        for half in halves(call["function"]["arguments"].as_str().unwrap_or_default()) {
            let call = json!({ "function": { "arguments": half } });
            events.push(delta("tool-call-delta", i, json!({ "tool_calls": call })));
        }
        events.push(event(json!({ "type": "tool-call-end", "index": i })));
    }
    let end = json!({ "finish_reason": body["finish_reason"], "usage": body["usage"] });
    events.push(event(json!({ "type": "message-end", "delta": end })));
    events
}
