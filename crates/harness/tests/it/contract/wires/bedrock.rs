//! AWS Bedrock's Converse.

use evalmark_core::record::FinishReason;
use evalmark_loopback::{Reply, bedrock};
use serde_json::json;

use super::{Fault, Wire};

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
    events: None,
    stream: "data: {\"contentBlockDelta\":{}}\n\n",
};
