//! What a response says: the text that goes on, and why it ended.

use evalmark_core::{
    answer_details::AnswerDetails,
    record::{ErrorKind, FinishReason, Outcome},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    failure::{is_error, within_success},
    json_repair::shallow,
    malformed::misshapen,
    providers::openai::{Tokens, failed},
    providers::{reported_body, reported_logprobs},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "text completion";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Completion<'a> {
    choices: Option<Vec<Choice>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<Value>,
    model: Option<Value>,
    system_fingerprint: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    text: Option<String>,
    finish_reason: Option<Value>,
    logprobs: Option<Box<RawValue>>,
    error: Option<Value>,
    /// Of a chat completion, which is another protocol.
    message: Option<Value>,
}

/// Reads the body of a successful response of the model that is called `asked`. Refused means: a
/// finish reason of `content_filter`.
pub(super) fn read(body: &str, asked: &str) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let completion: Completion<'_> = reported_body::whole(WHAT, body, &mut repaired)?;
    let choices = completion.choices.unwrap_or_default();
    let choice = choices.into_iter().next();
    let within = choice.as_ref().and_then(|choice| choice.error.as_ref());
    if let Some(error) = completion.error.as_ref().or(within).filter(|error| is_error(error)) {
        return within_success(error);
    }
    let Some(choice) = choice else {
        return Err(AttemptError { retryable: Retryable::Yes, ..misshapen(WHAT, "no `choices`") });
    };
    let word = choice.finish_reason.as_ref().and_then(Value::as_str);
    if let Some(error) = failed(word, None) {
        return Err(error);
    }
    if choice.text.is_none() && choice.message.is_some() {
        return Err(misshapen(WHAT, "missing field `text`; it is a chat completion"));
    }
    if choice.text.is_none() && word.is_none() {
        let message =
            "the response holds no answer: `text` is null, and no `finish_reason` says why";
        return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes));
    }
    let output = choice.text.unwrap_or_default();
    let finish_reason = word.map(FinishReason::from);
    let outcome = match finish_reason {
        Some(FinishReason::ContentFilter) => Outcome::Refused,
        _ => Outcome::Answered,
    };
    let tokens = Tokens::read(completion.usage);
    let told = |value: &Option<Value>| {
        let text = value.as_ref().and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let details = AnswerDetails {
        model: told(&completion.model).filter(|model| model != asked),
        system_fingerprint: told(&completion.system_fingerprint),
        reasoning_tokens: tokens.reasoning,
        cached_tokens: tokens.cached,
        logprobs: choice.logprobs.and_then(|raw| reported_logprobs::read(&shallow(raw.get())?)),
        ..AnswerDetails::default()
    };
    let (usage, details) = (tokens.usage, details.boxed());
    Ok(Answer { outcome, output, finish_reason, usage, details })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_and_why_it_ended() {
        for (body, text, reason) in [
            (r#"{"choices":[{"text":" upon","finish_reason":"stop"}]}"#, " upon", Some("stop")),
            (r#"{"choices":[{"text":"","finish_reason":"length"}]}"#, "", Some("length")),
            (r#"{"choices":[{"text":"a","finish_reason":null}]}"#, "a", None),
        ] {
            let answer = read(body, "m").expect(body);
            let ended = answer.finish_reason.as_ref().map(FinishReason::as_str);
            assert_eq!((answer.output.as_str(), ended), (text, reason), "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (body, kind, why) in [
            (r#"{"choices":[]}"#, ErrorKind::Malformed, "no `choices`"),
            (r#"{"choices":[{"text":null}]}"#, ErrorKind::Malformed, "`text` is null"),
            (r#"{"choices":[{"message":{}}]}"#, ErrorKind::Malformed, "it is a chat completion"),
            (
                r#"{"choices":[{"text":"a","finish_reason":"abort"}]}"#,
                ErrorKind::Server,
                "finish reason: abort",
            ),
            (r#"{"choices":[{"text":"","error":{"message":"oh"}}]}"#, ErrorKind::Server, "oh"),
        ] {
            let error = read(body, "m").expect_err(body);
            assert_eq!(error.failure.kind, kind, "{body}");
            assert!(error.failure.message.contains(why), "{}", error.failure.message);
        }
    }
}
