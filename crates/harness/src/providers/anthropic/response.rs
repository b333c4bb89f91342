//! What a response says: blocks of text, of reasoning and of calls of tools, and why it ended.

use evalmark_core::{
    answer_details::AnswerDetails,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome, Usage},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    failure::{is_error, within_success},
    malformed::misshapen,
    providers::reported_body,
    providers::{called_tools, reported_tokens::TokensInParts},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "message";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Response<'a> {
    content: Option<Vec<Block>>,
    stop_reason: Option<Value>,
    stop_details: Option<Value>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<Value>,
    model: Option<Value>,
}

/// A part of the content; kinds that are not known say nothing.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
}

/// Numbers where servers are as they should be.
#[derive(Deserialize)]
struct Counts<'a> {
    #[serde(borrow, rename = "input_tokens")]
    input: Option<&'a RawValue>,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: Option<&'a RawValue>,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_creation: Option<&'a RawValue>,
    #[serde(rename = "output_tokens")]
    output: Option<&'a RawValue>,
}

/// Reads the body of a successful response of the model that is called `asked`.
///
/// The text is that of all blocks of text. Refused means: a stop reason of `refusal`. A model that
/// only calls tools answers with the calls' JSON, in the form that all protocols have in common.
pub(super) fn read(body: &str, asked: &str) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let response: Response<'_> = reported_body::whole(WHAT, body, &mut repaired)?;
    if let Some(error) = response.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let Some(blocks) = response.content else {
        return Err(AttemptError { retryable: Retryable::Yes, ..misshapen(WHAT, "no `content`") });
    };
    let word = response.stop_reason.as_ref().and_then(Value::as_str);
    if blocks.is_empty() && word.is_none() {
        let message =
            "the response holds no answer: `content` is empty, and no `stop_reason` says why";
        return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes));
    }
    let reason = word.map(reason);
    let calls = tool_calls(&blocks);
    let mut output = text(&blocks);
    let outcome = match reason {
        Some(FinishReason::ContentFilter) => Outcome::Refused,
        _ => Outcome::Answered,
    };
    if output.is_empty() && outcome == Outcome::Refused {
        let explained = response.stop_details.as_ref().and_then(|why| why["explanation"].as_str());
        explained.unwrap_or_default().clone_into(&mut output);
    } else if output.is_empty() && !calls.is_empty() {
        output = called_tools::as_json(&calls);
    }
    let (usage, figures) = usage(response.usage);
    let model = response.model.as_ref().and_then(Value::as_str).filter(|model| *model != asked);
    let own_word = word.filter(|word| reason.as_ref().is_some_and(|r| r.as_str() != *word));
    let thoughts: Vec<_> = blocks.iter().filter_map(|block| block.thinking.as_deref()).collect();
    let details = AnswerDetails {
        model: model.map(str::to_owned),
        finish_reason: own_word.map(str::to_owned),
        reasoning: Some(thoughts.concat()).filter(|thoughts| !thoughts.is_empty()),
        tool_calls: calls,
        ..figures
    };
    Ok(Answer { outcome, output, finish_reason: reason, usage, details: details.boxed() })
}

/// What a stop reason means.
fn reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

fn text(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter(|block| block.kind == "text");
    texts.filter_map(|block| block.text.as_deref()).collect()
}

fn tool_calls(blocks: &[Block]) -> Vec<ToolCall> {
    let call = |block: &Block| {
        let name = block.name.clone().filter(|_| block.kind == "tool_use")?;
        let arguments = block.input.as_ref().map_or_else(|| "{}".to_owned(), Value::to_string);
        Some(ToolCall { id: block.id.clone().unwrap_or_default(), name, arguments })
    };
    blocks.iter().filter_map(call).collect()
}

/// Tokens, of which those of the prompt are told in three parts.
fn usage(usage: Option<&RawValue>) -> (Usage, AnswerDetails) {
    let counts = usage.and_then(|usage| serde_json::from_str::<Counts<'_>>(usage.get()).ok());
    let Some(Counts { input, cache_read, cache_creation, output }) = counts else {
        return (Usage::default(), AnswerDetails::default());
    };
    TokensInParts { input, cache_read, cache_write: cache_creation, output }.read()
}

#[cfg(test)]
mod tests;
