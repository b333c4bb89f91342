//! What a response of the chat says: parts of text and of thinking, calls of tools, and why it ended.

use evalmark_core::{
    answer_details::AnswerDetails,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome, Usage},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    failure::{is_error, within_success},
    json_repair::mended,
    malformed::{misshapen, unreadable},
    providers::{is_event_stream, reported_tokens::count, tool_calls::as_json},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "chat response";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Response<'a> {
    message: Option<Said>,
    finish_reason: Option<Value>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<Value>,
}

/// What the model says; the text alone is an error's message.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Message(Message),
    Error(String),
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
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
struct Tokens<'a> {
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
/// The text is that of all parts; what the model plans before it calls tools, and citations, are no
/// part of it. A model that only calls tools answers with the calls' JSON, in the form that all
/// protocols have in common.
pub(super) fn read(body: &str) -> Result<Answer, AttemptError> {
    if is_event_stream(body) {
        // Whatever it holds is bought, and would be bought again.
        return Err(misshapen(WHAT, "the server streams although it was not asked to"));
    }
    let loose;
    let response: Response<'_> = match serde_json::from_str(body) {
        Ok(response) => response,
        Err(error) => {
            loose = mended(body).ok_or_else(|| unreadable(&error, body, WHAT))?;
            serde_json::from_str(&loose).map_err(|error| unreadable(&error, &loose, WHAT))?
        }
    };
    if let Some(error) = response.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let word = response.finish_reason.as_ref().and_then(Value::as_str);
    if let Some(word @ ("ERROR" | "ERROR_TOXIC" | "TIMEOUT")) = word {
        if word == "ERROR_TOXIC" {
            return Ok(answer(Content::Text(String::new()), Vec::new(), Some(word), response.usage));
        }
        let message = format!("the provider failed (finish reason: {word})");
        return Err(AttemptError::of_status(500, message));
    }
    let message = match response.message {
        Some(Said::Message(message)) => message,
        Some(Said::Error(message)) => return within_success(&message.into()),
        None => {
            return Err(AttemptError {
                retryable: Retryable::Yes,
                ..misshapen(WHAT, "no `message`")
            });
        }
    };
    let calls = message.tool_calls.unwrap_or_default();
    let content = match message.content {
        Some(content) => content,
        None if !calls.is_empty() || word == Some("MAX_TOKENS") => Content::Text(String::new()),
        None => {
            let message = "the response holds no answer: `content` is null";
            return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes));
        }
    };
    Ok(answer(content, calls, word, response.usage))
}

fn answer(
    content: Content,
    calls: Vec<Call>,
    word: Option<&str>,
    usage: Option<&RawValue>,
) -> Answer {
    let (mut output, reasoning) = match content {
        Content::Text(text) => (text, String::new()),
        Content::Parts(parts) => (
            parts.iter().filter_map(|part| part.text.as_deref()).collect(),
            parts.iter().filter_map(|part| part.thinking.as_deref()).collect(),
        ),
    };
    let call = |Call { id, function }| {
        let Function { name, arguments } = function?;
        Some(ToolCall {
            id: id.unwrap_or_default(),
            name,
            arguments: arguments.unwrap_or_default(),
        })
    };
    let tool_calls: Vec<_> = calls.into_iter().filter_map(call).collect();
    if output.is_empty() && !tool_calls.is_empty() {
        output = as_json(&tool_calls);
    }
    let finish_reason = word.map(reason);
    let outcome = match finish_reason {
        Some(FinishReason::ContentFilter) => Outcome::Refused,
        _ => Outcome::Answered,
    };
    let (usage, cached_tokens) = tokens(usage);
    let details = AnswerDetails {
        finish_reason: word.map(str::to_owned),
        reasoning: Some(reasoning).filter(|thoughts| !thoughts.is_empty()),
        tool_calls,
        cached_tokens,
        ..AnswerDetails::default()
    };
    Answer { outcome, output, finish_reason, usage, details: details.boxed() }
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
/// the model saw, which are more.
fn tokens(usage: Option<&RawValue>) -> (Usage, Option<u64>) {
    let tokens = usage.and_then(|usage| serde_json::from_str::<Tokens<'_>>(usage.get()).ok());
    let Some(tokens) = tokens else { return (Usage::default(), None) };
    let counts = |raw: Option<&RawValue>| {
        let counts: Counts<'_> = serde_json::from_str(raw?.get()).ok()?;
        let input_tokens = counts.input_tokens.and_then(count);
        let output_tokens = counts.output_tokens.and_then(count);
        input_tokens.or(output_tokens)?;
        Some(Usage { input_tokens, output_tokens }.plausible())
    };
    let usage = counts(tokens.billed_units).or_else(|| counts(tokens.tokens));
    let cached = tokens.cached_tokens.and_then(count);
    let cached = cached.filter(|cached| (1..=Usage::MOST_TOKENS).contains(cached));
    (usage.unwrap_or_default(), cached)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: &Value, text: &str, reason: &str) {
        let answer = read(&body.to_string()).expect("an answer");
        let ended = answer.finish_reason.as_ref().map_or("", FinishReason::as_str);
        assert_eq!((answer.output.as_str(), ended), (text, reason), "{body}");
    }

    #[test]
    fn parts_and_plans_are_told_apart() {
        let part = |text: &str| json!({ "type": "text", "text": text });
        let thought = json!({ "type": "thinking", "thinking": "hm" });
        let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
        let said = |content: Value, word: &str| {
            json!({ "message": { "content": content }, "finish_reason": word })
        };
        check(&said(json!([thought, part("a"), part("b")]), "COMPLETE"), "ab", "stop");
        check(&said(json!("a"), "STOP_SEQUENCE"), "a", "stop");
        check(&said(json!([part("a")]), "MAX_TOKENS"), "a", "length");
        check(&said(json!(null), "MAX_TOKENS"), "", "length");
        check(&said(json!([part("a")]), "NEW"), "a", "NEW");
        let planned = json!({
            "message": { "tool_plan": "I will", "tool_calls": [call], "citations": [] },
            "finish_reason": "TOOL_CALL",
        });
        let calls = r#"[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
        check(&planned, calls, "tool_calls");
    }

    #[test]
    fn the_tokens_that_are_paid_for_are_counted() {
        let usage = |usage: Value| {
            let body = json!({ "message": { "content": "a" }, "usage": usage }).to_string();
            let answer = read(&body).expect("an answer");
            (answer.usage.input_tokens, answer.usage.output_tokens)
        };
        let (billed, all) = (
            json!({ "input_tokens": 5, "output_tokens": 2 }),
            json!({ "input_tokens": 71, "output_tokens": 4 }),
        );
        assert_eq!(usage(json!({ "billed_units": billed, "tokens": all })), (Some(5), Some(2)));
        assert_eq!(usage(json!({ "tokens": all })), (Some(71), Some(4)));
        assert_eq!(usage(json!({ "billed_units": { "search_units": 1 } })), (None, None));
        assert_eq!(usage(json!(null)), (None, None));
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (body, kind, why) in [
            (r#"{"finish_reason":"ERROR"}"#, ErrorKind::Server, "finish reason: ERROR"),
            (r#"{"message":"invalid api token"}"#, ErrorKind::Server, "invalid api token"),
            (r#"{"message":{"content":null}}"#, ErrorKind::Malformed, "`content` is null"),
            (r#"{"finish_reason":"COMPLETE"}"#, ErrorKind::Malformed, "no `message`"),
        ] {
            let error = read(body).expect_err(body);
            assert_eq!(error.failure.kind, kind, "{body}");
            assert!(error.failure.message.contains(why), "{}", error.failure.message);
        }
    }
}
