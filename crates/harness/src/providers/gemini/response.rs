//! What a response says: parts of text, of thought and of calls of functions, and why it ended.

mod logprobs;

use evalmark_core::{
    answer_details::AnswerDetails,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome, Usage},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    failure::{is_error, within_success},
    json_repair::shallow,
    malformed::misshapen,
    providers::reported_body,
    providers::{called_tools, reported_tokens::count},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "list of candidates";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Value>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
    model_version: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<Value>,
    finish_message: Option<Value>,
    logprobs_result: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<ResponsePart>>,
}

/// A part of the content; kinds that are not known say nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponsePart {
    text: Option<String>,
    thought: Option<Value>,
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    id: Option<String>,
    name: String,
    args: Option<Value>,
}

/// Numbers where servers are as they should be.
#[derive(Deserialize)]
struct Counts<'a> {
    #[serde(borrow, rename = "promptTokenCount")]
    prompt: Option<&'a RawValue>,
    #[serde(rename = "toolUsePromptTokenCount")]
    tool_use: Option<&'a RawValue>,
    #[serde(rename = "cachedContentTokenCount")]
    cached: Option<&'a RawValue>,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Option<&'a RawValue>,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Option<&'a RawValue>,
}

/// Reads the body of a successful response of the model that is called `asked`.
///
/// The text is that of all parts that are no thoughts. Refused means: a prompt that was blocked, or a
/// finish reason that a filter gives. A model that only calls functions answers with the calls' JSON,
/// in the form that all protocols have in common.
pub(in crate::providers) fn read(body: &str, asked: &str) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let response: Response<'_> = reported_body::whole(WHAT, body, &mut repaired)?;
    if let Some(error) = response.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let (usage, figures) = usage(response.usage_metadata);
    let version = response.model_version.as_ref().and_then(Value::as_str);
    let model = version.filter(|model| asked.rsplit('/').next() != Some(*model));
    let figures = AnswerDetails { model: model.map(str::to_owned), ..figures };
    match response.candidates.into_iter().flatten().next() {
        Some(candidate) => of_candidate(candidate, usage, figures),
        None => blocked(response.prompt_feedback.as_ref(), usage, figures),
    }
}

/// A response without candidates: its prompt was blocked, or it holds nothing at all.
fn blocked(
    feedback: Option<&Value>,
    usage: Usage,
    figures: AnswerDetails,
) -> Result<Answer, AttemptError> {
    let Some(reason) = feedback.and_then(|feedback| feedback["blockReason"].as_str()) else {
        let error = misshapen(WHAT, "no `candidates`, and no `blockReason` that says why");
        return Err(AttemptError { retryable: Retryable::Yes, ..error });
    };
    let said = feedback.and_then(|feedback| feedback["blockReasonMessage"].as_str());
    let details = AnswerDetails { finish_reason: Some(reason.to_owned()), ..figures };
    Ok(Answer {
        outcome: Outcome::Refused,
        output: said.unwrap_or_default().to_owned(),
        finish_reason: Some(FinishReason::ContentFilter),
        usage,
        details: details.boxed(),
    })
}

fn of_candidate(
    candidate: Candidate,
    usage: Usage,
    figures: AnswerDetails,
) -> Result<Answer, AttemptError> {
    let word = candidate.finish_reason.as_ref().and_then(Value::as_str);
    let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
    if parts.is_empty() && word.is_none() {
        let message = "the response holds no answer: the candidate is empty, and no \
                       `finishReason` says why";
        return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes));
    }
    let (mut output, mut thoughts, mut calls) = (String::new(), String::new(), Vec::new());
    for part in parts {
        if let Some(text) = part.text {
            let is_thought = part.thought == Some(Value::Bool(true));
            if is_thought { &mut thoughts } else { &mut output }.push_str(&text);
        }
        if let Some(FunctionCall { id, name, args }) = part.function_call {
            let arguments = args.map_or_else(|| "{}".to_owned(), |args| args.to_string());
            calls.push(ToolCall { id: id.unwrap_or_default(), name, arguments });
        }
    }
    let reason = word.map(|word| finish_reason(word, !calls.is_empty()));
    let is_refused = reason == Some(FinishReason::ContentFilter);
    if output.is_empty() && is_refused {
        let said = candidate.finish_message.as_ref().and_then(Value::as_str);
        said.unwrap_or_default().clone_into(&mut output);
    } else if output.is_empty() && !calls.is_empty() {
        output = called_tools::as_json(&calls);
    }
    // `STOP` and `stop` are the same word.
    let own_word =
        word.filter(|word| reason.as_ref().is_some_and(|r| !r.as_str().eq_ignore_ascii_case(word)));
    let details = AnswerDetails {
        finish_reason: own_word.map(str::to_owned),
        reasoning: Some(thoughts).filter(|thoughts| !thoughts.is_empty()),
        tool_calls: calls,
        logprobs: candidate.logprobs_result.and_then(|raw| logprobs::read(&shallow(raw.get())?)),
        ..figures
    };
    let outcome = if is_refused { Outcome::Refused } else { Outcome::Answered };
    Ok(Answer { outcome, output, finish_reason: reason, usage, details: details.boxed() })
}

/// What a finish reason means. Calls of functions have none of their own.
fn finish_reason(word: &str, has_calls: bool) -> FinishReason {
    match word {
        "STOP" if has_calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Tokens, as far as they can be right. Those of thoughts are told apart, and are part of an answer.
fn usage(usage: Option<&RawValue>) -> (Usage, AnswerDetails) {
    let counts = usage.and_then(|usage| serde_json::from_str::<Counts<'_>>(usage.get()).ok());
    let Some(counts) = counts else { return (Usage::default(), AnswerDetails::default()) };
    let tokens =
        |raw: Option<&RawValue>| raw.and_then(count).filter(|tokens| *tokens <= Usage::MOST_TOKENS);
    let thoughts = tokens(counts.thoughts);
    let prompt = tokens(counts.prompt);
    let of_tools = tokens(counts.tool_use).unwrap_or_default();
    let answer = tokens(counts.candidates);
    // An answer of no tokens has no count.
    let answer = answer.or(thoughts.map(|_| 0)).or(prompt.map(|_| 0));
    let all = Usage {
        input_tokens: prompt.map(|tokens| tokens + of_tools),
        output_tokens: answer.map(|tokens| tokens + thoughts.unwrap_or_default()),
    };
    let figures = AnswerDetails {
        cached_tokens: tokens(counts.cached).filter(|tokens| *tokens > 0),
        reasoning_tokens: thoughts.filter(|tokens| *tokens > 0),
        ..AnswerDetails::default()
    };
    (all.plausible(), figures)
}

#[cfg(test)]
mod tests;
