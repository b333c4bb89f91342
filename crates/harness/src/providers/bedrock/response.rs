//! What a response says: blocks of text, of reasoning and of calls of tools, and why it ended.

use evalmark_core::{
    answer_details::AnswerDetails,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome, Usage},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::status_of;
use crate::{
    failure::within_success,
    malformed::misshapen,
    providers::reported_body,
    providers::{called_tools, reported_tokens::TokensInParts},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "message";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    output: Option<Output>,
    stop_reason: Option<Value>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    trace: Option<Value>,
    #[serde(rename = "__type")]
    error_type: Option<Value>,
    #[serde(alias = "Message")]
    message: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Output {
    message: Option<OutputMessage>,
}

#[derive(Deserialize)]
struct OutputMessage {
    content: Option<Vec<Block>>,
}

/// A part of the content; kinds that are not known say nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    text: Option<String>,
    reasoning_content: Option<Value>,
    tool_use: Option<ToolUse>,
}

#[derive(Deserialize)]
struct ToolUse {
    #[serde(rename = "toolUseId")]
    id: Option<String>,
    name: String,
    input: Option<Value>,
}

/// Numbers where servers are as they should be.
#[derive(Deserialize)]
struct Counts<'a> {
    #[serde(borrow, rename = "inputTokens")]
    input: Option<&'a RawValue>,
    #[serde(rename = "cacheReadInputTokens")]
    cache_read: Option<&'a RawValue>,
    #[serde(rename = "cacheWriteInputTokens")]
    cache_write: Option<&'a RawValue>,
    #[serde(rename = "outputTokens")]
    output: Option<&'a RawValue>,
}

/// Reads the body of a successful response.
///
/// The text is that of all blocks of text. Refused means: a guardrail or a filter stopped it. A model
/// that only calls tools answers with the calls' JSON, in the form that all protocols have in common.
pub(super) fn read(body: &str) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let response: Response<'_> = reported_body::whole(WHAT, body, &mut repaired)?;
    let Some(output) = response.output else { return Err(without_output(&response)) };
    let blocks = output.message.and_then(|message| message.content).unwrap_or_default();
    let word = response.stop_reason.as_ref().and_then(Value::as_str);
    if blocks.is_empty() && word.is_none() {
        let message =
            "the response holds no answer: `content` is empty, and no `stopReason` says why";
        return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes));
    }
    let (mut output, mut thoughts, mut calls) = (String::new(), String::new(), Vec::new());
    for block in blocks {
        output.push_str(block.text.as_deref().unwrap_or_default());
        let thought = block.reasoning_content.as_ref();
        let thought = thought.and_then(|thought| thought["reasoningText"]["text"].as_str());
        thoughts.push_str(thought.unwrap_or_default());
        if let Some(ToolUse { id, name, input }) = block.tool_use {
            let arguments = input.map_or_else(|| "{}".to_owned(), |input| input.to_string());
            calls.push(ToolCall { id: id.unwrap_or_default(), name, arguments });
        }
    }
    let reason = word.map(reason);
    let is_refused = reason == Some(FinishReason::ContentFilter);
    if output.is_empty() && !is_refused && !calls.is_empty() {
        output = called_tools::as_json(&calls);
    }
    let (usage, figures) = usage(response.usage);
    let routed = response.trace.as_ref();
    let routed = routed.and_then(|trace| trace["promptRouter"]["invokedModelId"].as_str());
    let own_word = word.filter(|word| reason.as_ref().is_some_and(|r| r.as_str() != *word));
    let details = AnswerDetails {
        model: routed.map(str::to_owned),
        finish_reason: own_word.map(str::to_owned),
        reasoning: Some(thoughts).filter(|thoughts| !thoughts.is_empty()),
        tool_calls: calls,
        ..figures
    };
    let outcome = if is_refused { Outcome::Refused } else { Outcome::Answered };
    Ok(Answer { outcome, output, finish_reason: reason, usage, details: details.boxed() })
}

/// A response without an answer: it describes a failure, or nothing.
fn without_output(response: &Response<'_>) -> AttemptError {
    let code = response.error_type.as_ref().and_then(Value::as_str);
    let said = response.message.as_ref().or(response.error.as_ref());
    if code.is_none() && said.is_none() {
        return AttemptError { retryable: Retryable::Yes, ..misshapen(WHAT, "no `output`") };
    }
    let error = serde_json::json!({ "type": code, "message": said });
    let error = match within_success(&error) {
        Err(error) => error,
        Ok(filtered) => AttemptError::of_status(400, filtered.output),
    };
    match code.and_then(status_of) {
        Some(status) => AttemptError::of_status(status, error.failure.message),
        None => error,
    }
}

/// What a stop reason means.
fn reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "guardrail_intervened" | "content_filtered" | "refusal" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Tokens, of which those of the prompt are told in three parts.
fn usage(usage: Option<&RawValue>) -> (Usage, AnswerDetails) {
    let counts = usage.and_then(|usage| serde_json::from_str::<Counts<'_>>(usage.get()).ok());
    let Some(Counts { input, cache_read, cache_write, output }) = counts else {
        return (Usage::default(), AnswerDetails::default());
    };
    TokensInParts { input, cache_read, cache_write, output }.read()
}

#[cfg(test)]
mod tests;
