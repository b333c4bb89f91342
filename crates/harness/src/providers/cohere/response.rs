//! What a response says: parts of text and of thinking, calls of tools, and why it ended.

mod logprobs;

use evalmark_core::{
    answer_details::AnswerDetails,
    logprobs::Logprobs,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome, Usage},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    failure::{is_error, within_success},
    json_repair::shallow,
    malformed::misshapen,
    providers::reported_body,
    providers::{called_tools, reported_tokens::count},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "chat response";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Response<'a> {
    message: Option<OutputMessage>,
    finish_reason: Option<Value>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<Value>,
    logprobs: Option<&'a RawValue>,
}

/// What the model says; of an error, a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum OutputMessage {
    Error(String),
    Message(Message),
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
    /// What the model thinks before it calls tools.
    tool_plan: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

/// A list of parts, or a text, as some gateways have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of the content; kinds that are not known say nothing.
#[derive(Deserialize)]
struct Part {
    text: Option<String>,
    thinking: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<String>,
}

/// Tokens, told twice: those that are paid for, and those that the model saw.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    billed_units: Option<&'a RawValue>,
    tokens: Option<&'a RawValue>,
    cached_tokens: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Counts<'a> {
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    output_tokens: Option<&'a RawValue>,
}

/// Reads the body of a successful response.
///
/// The text is that of all parts. What the model plans before it calls tools is reasoning, and citations
/// are no part of the answer. A model that only calls tools answers with the calls' JSON, in the form
/// that all protocols have in common.
pub(super) fn read(body: &str) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let response: Response<'_> = reported_body::whole(WHAT, body, &mut repaired)?;
    if let Some(error) = response.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let word = response.finish_reason.as_ref().and_then(Value::as_str);
    if let Some(word @ ("ERROR" | "TIMEOUT")) = word {
        let message = format!("the provider failed (finish reason: {word})");
        return Err(AttemptError::of_status(500, message));
    }
    let message = match response.message {
        Some(OutputMessage::Message(message)) => message,
        Some(OutputMessage::Error(message)) => {
            return within_success(&json!({ "message": message }));
        }
        None => {
            let error = misshapen(WHAT, "no `message`");
            return Err(AttemptError { retryable: Retryable::Yes, ..error });
        }
    };
    let has_calls = message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
    if message.content.is_none() && !has_calls && word.is_none() {
        let why =
            "the response holds no answer: `content` is null, and no `finish_reason` says why";
        return Err(AttemptError::new(ErrorKind::Malformed, why.into(), Retryable::Yes));
    }
    let logprobs = response.logprobs.and_then(|raw| logprobs::read(&shallow(raw.get())?));
    Ok(answer(message, word, response.usage, logprobs))
}

fn answer(
    message: Message,
    word: Option<&str>,
    usage: Option<&RawValue>,
    logprobs: Option<Box<Logprobs>>,
) -> Answer {
    let mut reasoning = message.tool_plan.unwrap_or_default();
    let mut output = String::new();
    match message.content {
        Some(Content::Text(text)) => output = text,
        Some(Content::Parts(parts)) => {
            for Part { text, thinking } in parts {
                output.push_str(text.as_deref().unwrap_or_default());
                reasoning.push_str(thinking.as_deref().unwrap_or_default());
            }
        }
        None => {}
    }
    let call = |Call { id, function }| {
        let Function { name, arguments } = function?;
        let arguments = arguments.filter(|json| !json.is_empty()).unwrap_or_else(|| "{}".into());
        Some(ToolCall { id: id.unwrap_or_default(), name, arguments })
    };
    let tool_calls: Vec<_> = message.tool_calls.into_iter().flatten().filter_map(call).collect();
    let reason = word.map(reason);
    let is_refused = reason == Some(FinishReason::ContentFilter);
    if output.is_empty() && !is_refused && !tool_calls.is_empty() {
        output = called_tools::as_json(&tool_calls);
    }
    let (usage, cached_tokens) = tokens(usage);
    let own_word = word.filter(|word| reason.as_ref().is_some_and(|r| r.as_str() != *word));
    let details = AnswerDetails {
        finish_reason: own_word.map(str::to_owned),
        reasoning: Some(reasoning).filter(|thoughts| !thoughts.is_empty()),
        tool_calls,
        cached_tokens,
        logprobs,
        ..AnswerDetails::default()
    };
    let outcome = if is_refused { Outcome::Refused } else { Outcome::Answered };
    Answer { outcome, output, finish_reason: reason, usage, details: details.boxed() }
}

/// What a finish reason means.
fn reason(word: &str) -> FinishReason {
    match word {
        "COMPLETE" | "STOP_SEQUENCE" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// The tokens that are paid for, since costs come of them; where those are not told, the tokens that
/// the model saw, which are more. Of the latter, some came from a cache.
fn tokens(usage: Option<&RawValue>) -> (Usage, Option<u64>) {
    let told = usage.and_then(|usage| serde_json::from_str::<Told<'_>>(usage.get()).ok());
    let Some(told) = told else { return (Usage::default(), None) };
    let usage = told.billed_units.and_then(counts).or_else(|| counts(told.tokens?));
    let usage = usage.unwrap_or_default();
    let cached = told.cached_tokens.and_then(count).filter(|cached| *cached > 0);
    // No more than what is paid for.
    (usage, cached.map(|cached| cached.min(usage.input_tokens.unwrap_or(cached))))
}

/// Counts of tokens, as far as they can be right; `None` where there are none.
pub(super) fn counts(raw: &RawValue) -> Option<Usage> {
    let counts: Counts<'_> = serde_json::from_str(raw.get()).ok()?;
    let input_tokens = counts.input_tokens.and_then(count);
    let output_tokens = counts.output_tokens.and_then(count);
    input_tokens.or(output_tokens)?;
    Some(Usage { input_tokens, output_tokens }.plausible())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &Value, text: &str, reason: &str, reasoning: Option<&str>) {
        let answer = read(&body.to_string()).expect("an answer");
        let ended = answer.finish_reason.as_ref().map_or("", FinishReason::as_str);
        assert_eq!((answer.output.as_str(), ended), (text, reason), "{body}");
        let details = answer.details.unwrap_or_default();
        assert_eq!(details.reasoning.as_deref(), reasoning, "{body}");
    }

    #[test]
    fn parts_and_plans_are_told_apart() {
        let part = |text: &str| json!({ "type": "text", "text": text });
        let thought = json!({ "type": "thinking", "thinking": "hm" });
        let said = |content: Value, word: &str| json!({ "message": { "content": content }, "finish_reason": word });
        let thoughtful = json!([thought, part("a"), part("b")]);
        check(&said(thoughtful, "COMPLETE"), "ab", "stop", Some("hm"));
        check(&said(json!("a"), "STOP_SEQUENCE"), "a", "stop", None);
        check(&said(json!([part("a")]), "MAX_TOKENS"), "a", "length", None);
        check(&said(json!(null), "MAX_TOKENS"), "", "length", None);
        check(&said(json!([part("a")]), "NEW"), "a", "NEW", None);
        let call = json!({ "id": "c", "type": "function", "function": { "name": "f" } });
        let planned = json!({
            "message": { "tool_plan": "I will", "tool_calls": [call], "citations": [] },
            "finish_reason": "TOOL_CALL",
        });
        let calls = r#"[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
        check(&planned, calls, "tool_calls", Some("I will"));
    }

    #[test]
    fn the_tokens_that_are_paid_for_are_counted() {
        let usage = |usage: Value| {
            let body = json!({ "message": { "content": "a" }, "usage": usage }).to_string();
            let answer = read(&body).expect("an answer");
            let cached = answer.details.and_then(|details| details.cached_tokens);
            (answer.usage.input_tokens, answer.usage.output_tokens, cached)
        };
        let billed = json!({ "input_tokens": 5.0, "output_tokens": 2 });
        let all = json!({ "input_tokens": 71, "output_tokens": 4 });
        let both = json!({ "billed_units": billed, "tokens": all, "cached_tokens": 64 });
        assert_eq!(usage(both), (Some(5), Some(2), Some(5)));
        let tokens = json!({ "tokens": all, "cached_tokens": 64 });
        assert_eq!(usage(tokens), (Some(71), Some(4), Some(64)));
        let searched = json!({ "billed_units": { "search_units": 1 }, "cached_tokens": 0 });
        assert_eq!(usage(searched), (None, None, None));
        assert_eq!(usage(json!(null)), (None, None, None));
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (body, kind, why) in [
            (r#"{"finish_reason":"ERROR"}"#, ErrorKind::Server, "finish reason: ERROR"),
            (r#"{"message":"invalid api token"}"#, ErrorKind::Auth, "invalid api token"),
            (r#"{"message":{"content":null}}"#, ErrorKind::Malformed, "`content` is null"),
            (r#"{"finish_reason":"COMPLETE"}"#, ErrorKind::Malformed, "no `message`"),
        ] {
            let error = read(body).expect_err(body);
            assert_eq!(error.failure.kind, kind, "{body}");
            assert!(error.failure.message.contains(why), "{}", error.failure.message);
        }
    }
}
