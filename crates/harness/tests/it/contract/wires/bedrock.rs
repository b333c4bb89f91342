//! AWS Bedrock's Converse.

use evalmark_core::record::FinishReason;
use evalmark_loopback::{Reply, bedrock};
use serde_json::{Value, json};

use super::{Fault, Wire, halves};

pub(super) const WIRE: Wire = Wire {
    provider: "bedrock",
    path: "/v1/model/m/converse",
    model_at: None,
    prompt_at: "/messages/0/content/0/text",
    // It is a text there, of which the protocol has a test of its own.
    schema_at: None,
    key: ("authorization", "Bearer "),
    ended: |text, reason| {
        let word = match reason {
            FinishReason::Stop => "end_turn",
            FinishReason::Length => "max_tokens",
            FinishReason::ToolCalls => "tool_use",
            FinishReason::ContentFilter => "content_filtered",
            FinishReason::Other(_) => "malformed_model_output",
        };
        bedrock::message(&json!([{ "text": text }]), word)
    },
    refused: |text| bedrock::message(&json!([{ "text": text }]), "guardrail_intervened"),
    calls: |text| {
        let call = json!({ "toolUseId": "c", "name": "f", "input": { "a": 1 } });
        let mut blocks = vec![json!({ "toolUse": call })];
        if !text.is_empty() {
            blocks.insert(0, json!({ "text": text }));
        }
        bedrock::message(&blocks.into(), "tool_use")
    },
    thought: |thought, text| {
        let thought = json!({ "reasoningText": { "text": thought, "signature": "s" } });
        bedrock::message(&json!([{ "reasoningContent": thought }, { "text": text }]), "end_turn")
    },
    cached: |text| {
        let usage = json!({ "inputTokens": 2, "cacheReadInputTokens": 8, "outputTokens": 5 });
        let message = json!({ "role": "assistant", "content": [{ "text": text }] });
        let output = json!({ "message": message });
        Reply::json(&json!({ "output": output, "stopReason": "end_turn", "usage": usage }))
    },
    error: |status, fault| {
        let (kind, message) = match fault {
            Fault::Request | Fault::TooLarge => ("ValidationException", "as asked for"),
            Fault::Credit => (
                "AccessDeniedException",
                "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: a valid payment \
                 instrument must be provided",
            ),
            Fault::Key => (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            Fault::Permission => ("AccessDeniedException", "not allowed"),
            Fault::Model => ("ResourceNotFoundException", "Model not found."),
            Fault::Rate => ("ThrottlingException", "Too many requests, please wait"),
            Fault::Server => ("InternalServerException", "as asked for"),
            Fault::Overload => ("ServiceUnavailableException", "as asked for"),
        };
        bedrock::error(status, kind, message)
    },
    odd: &[r#"{"output":"x"}"#, r#"{"output":{"message":{"content":[{"text":7}]}}}"#],
    events: Some(events),
    framed: |event| match event.split_once('\n') {
        Some(("event: error", data)) => {
            let json: Value =
                serde_json::from_str(data.trim_start_matches("data: ").trim()).expect("JSON");
            bedrock::exception("serviceUnavailableException", &json.to_string())
        }
        Some((name, payload)) => bedrock::frame(name, payload),
        None => bedrock::frame(event, "{}"),
    },
    logprobs: None,
    stream: "data: {\"contentBlockDelta\":{}}\n\n",
};

/// A start for each call, deltas of all blocks, then the reason, then what it took: the name of each
/// event and its payload on a line of their own.
fn events(body: &Value) -> Vec<String> {
    let event = |name: &str, payload: &Value| format!("{name}\n{payload}");
    let mut events = vec![event("messageStart", &json!({ "role": "assistant" }))];
    let blocks = body["output"]["message"]["content"].as_array();
    for (index, block) in blocks.into_iter().flatten().enumerate() {
        let delta = |delta: Value| {
            event(
                "contentBlockDelta",
                &json!({ "contentBlockIndex": index, "delta": delta, "p": "abc" }),
            )
        };
        if let Some(text) = block["text"].as_str() {
            events.extend(halves(text).map(|half| delta(json!({ "text": half }))));
        }
        let thought = &block["reasoningContent"]["reasoningText"];
        if let Some(text) = thought["text"].as_str() {
            let piece = |half| delta(json!({ "reasoningContent": { "text": half } }));
            events.extend(halves(text).map(piece));
            let signature = json!({ "reasoningContent": { "signature": thought["signature"] } });
            events.push(delta(signature));
        }
        if block["toolUse"].is_object() {
            let mut tool = block["toolUse"].clone();
            let input = tool["input"].take().to_string();
            tool.as_object_mut().expect("a call").remove("input");
            let start = json!({ "contentBlockIndex": index, "start": { "toolUse": tool } });
            events.push(event("contentBlockStart", &start));
            let piece = |half| delta(json!({ "toolUse": { "input": half } }));
            events.extend(halves(&input).map(piece));
        }
        events.push(event("contentBlockStop", &json!({ "contentBlockIndex": index })));
    }
    events.push(event("messageStop", &json!({ "stopReason": body["stopReason"] })));
    let took = ["usage", "metrics", "trace"].into_iter();
    let took: Value = took
        .map(|name| (name.to_owned(), body[name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    events.push(event("metadata", &took));
    events
}
