//! What a server says when it fails, in whichever vendor's words, and what that means for this request
//! and for others.
//!
//! A status that is no success decides, unless the words beside it say more: an account without
//! credit is told as 402, 429, 403 or 400. Where the status is a success, the words are all there is.

mod words;

use evalmark_core::record::{ErrorKind, FinishReason, Outcome, Usage};
use evalmark_net::{StatusCode, one_line};
use serde_json::Value;

use self::words::{CODE_FIELDS, CODES, CURRENT_QUOTA, Cause, MESSAGE_FIELDS, PHRASES};
use crate::reply::{Answer, AttemptError, FaultScope, Retryable};

/// How far into nested errors one looks.
const DEPTH: u32 = 4;

/// Whether a response's `error` says anything.
pub(crate) fn is_error(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Array(list) => list.iter().any(is_error),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// A failure that came with a status of success, as gateways send it. What names no lasting reason
/// may pass.
pub(crate) fn within_success(error: &Value) -> Result<Answer, AttemptError> {
    reported(error, "the server reports an error in a 200")
}

/// A failure that a program tells of, instead of an answer.
pub(crate) fn told_by_a_program(error: &Value) -> Result<Answer, AttemptError> {
    reported(error, "the program reports an error")
}

fn reported(error: &Value, by_whom: &str) -> Result<Answer, AttemptError> {
    let said = message(error);
    let message = one_line(&format!("{by_whom}: {said}"));
    let status = status_within(error);
    let cause = cause(error, &said).or_else(|| fields_are_wrong(error).then_some(Cause::Request));
    if cause == Some(Cause::Filtered) {
        return Ok(filtered(said));
    }
    let is_decided = matches!(cause, Some(Cause::NoCredit | Cause::Key));
    Err(match status.filter(|_| !is_decided) {
        Some(status) => AttemptError::of_status(status, message),
        None => cause.unwrap_or(Cause::Server).error(message),
    })
}

/// Reads a response with an error status: a refusal by a content filter, or an error.
pub(crate) fn read_error(status: u16, body: &str) -> Result<Answer, AttemptError> {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let said = json.as_ref().map_or_else(|| page_title(body), message);
    let cause = cause(json.as_ref().unwrap_or(&Value::Null), &said);
    if cause == Some(Cause::Filtered) && matches!(status, 400 | 403 | 422 | 451) {
        return Ok(filtered(said));
    }
    let name = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    let message = one_line(&match (name, said.as_str()) {
        (Some(name), "") => format!("HTTP {status} {name}"),
        (Some(name), said) => format!("HTTP {status} {name}: {said}"),
        (None, said) => format!("HTTP {status}: {said}"),
    });
    let words_count = match cause {
        Some(Cause::NoCredit) => true,
        Some(Cause::Key) => matches!(status, 400 | 403 | 404 | 422),
        Some(Cause::Everything) => matches!(status, 400 | 404 | 422),
        Some(Cause::RateLimited) => matches!(status, 400 | 403),
        _ => false,
    };
    let cause = if status == 402 { Some(Cause::NoCredit) } else { cause.filter(|_| words_count) };
    Err(match cause {
        Some(cause) => cause.error(message),
        None => AttemptError::of_status(status, message),
    })
}

impl Cause {
    /// As if it had come with the status that it should have come with.
    fn error(self, message: String) -> AttemptError {
        let status = match self {
            Self::NoCredit => {
                let message = format!("{message} (the account has no credit left)");
                let error = AttemptError::new(ErrorKind::NoCredit, message, Retryable::Never);
                return error.with_fault_scope(FaultScope::Account);
            }
            Self::Key => 401,
            Self::Everything => 404,
            Self::RateLimited => 429,
            Self::Overloaded => 503,
            Self::Filtered | Self::Request => 400,
            Self::Server => 500,
        };
        AttemptError::of_status(status, message)
    }
}

/// What the words of an error say, if they say anything.
fn cause(error: &Value, said: &str) -> Option<Cause> {
    let mut causes = Vec::new();
    coded(error, DEPTH, &mut causes);
    let said = said.to_lowercase();
    let phrases = PHRASES.iter().filter(|(_, phrases)| phrases.iter().any(|p| said.contains(p)));
    // A phrase may be about anything; of codes, only those that say little are outdone by it.
    let is_vague = causes.iter().all(|cause| matches!(cause, Cause::Request | Cause::Server));
    causes.extend(
        phrases.map(|(cause, _)| *cause).filter(|cause| is_vague || *cause == Cause::NoCredit),
    );
    if is_vague && is_missing_model(&said) {
        causes.push(Cause::Everything);
    }
    let is_googles = causes.contains(&Cause::RateLimited)
        || ["resource_exhausted", "ai.google.dev", "per minute"].iter().any(|w| said.contains(w));
    if said.contains(CURRENT_QUOTA) && !is_googles {
        causes.push(Cause::NoCredit);
    }
    causes.into_iter().min()
}

/// Whether a message, in lower case, says that there is no such model.
fn is_missing_model(said: &str) -> bool {
    let missing = ["not found", "does not exist", "not exist"];
    said.contains("model") && missing.iter().any(|words| said.contains(words))
}

/// The causes that codes and types name, nested ones included.
fn coded(error: &Value, depth: u32, causes: &mut Vec<Cause>) {
    match error {
        Value::Object(object) => {
            let codes = CODE_FIELDS.iter().filter_map(|field| object.get(*field)?.as_str());
            causes.extend(codes.filter_map(cause_of_code));
            if depth > 0 {
                object.values().for_each(|value| coded(value, depth - 1, causes));
            }
        }
        Value::Array(list) if depth > 0 => {
            list.iter().take(8).for_each(|value| coded(value, depth - 1, causes));
        }
        _ => {}
    }
}

fn cause_of_code(code: &str) -> Option<Cause> {
    if code.len() > 60 {
        return None;
    }
    let plain = code.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = plain.map(|c| c.to_ascii_lowercase()).collect();
    let named = CODES.iter().find(|(_, codes)| codes.contains(&plain.as_str()));
    // Alibaba's codes say which limit it was.
    let throttled = || plain.starts_with("throttling").then_some(Cause::RateLimited);
    named.map(|(cause, _)| *cause).or_else(throttled)
}

/// A status among the codes of an error: a number, or a text of one.
fn status_within(error: &Value) -> Option<u16> {
    let named = |object: &Value| {
        let codes = CODE_FIELDS.iter().filter_map(|field| object.get(*field));
        let mut numbers = codes.filter_map(|code| match code {
            Value::String(text) => text.trim().parse().ok(),
            code => code.as_u64(),
        });
        numbers.find(|code| (400..=599).contains(code))
    };
    let first = error.as_array().and_then(|list| list.first());
    let outer = first.unwrap_or(error);
    let within = ["error", "base_resp"].iter().find_map(|field| named(outer.get(*field)?));
    named(outer).or(within).and_then(|code: u64| u16::try_from(code).ok())
}

/// Whether it is a list of fields that are not as they should be, as `FastAPI` sends it.
fn fields_are_wrong(error: &Value) -> bool {
    let list = error.get("detail").unwrap_or(error);
    list.as_array().is_some_and(|list| list.iter().any(|entry| entry.get("loc").is_some()))
}

/// The message of an error, wherever servers put it.
pub(crate) fn message(error: &Value) -> String {
    find_message(error, DEPTH).unwrap_or_else(|| match error {
        Value::String(message) => message.clone(),
        other => other.to_string(),
    })
}

fn find_message(error: &Value, depth: u32) -> Option<String> {
    match error {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Object(object) if depth > 0 => {
            MESSAGE_FIELDS.iter().find_map(|field| find_message(object.get(*field)?, depth - 1))
        }
        Value::Array(list) if depth > 0 => {
            list.iter().find_map(|entry| find_message(entry, depth - 1))
        }
        _ => None,
    }
}

/// A text that is no JSON; of a web page, its title.
fn page_title(body: &str) -> String {
    let title = || {
        let start = body.find("<title>")? + "<title>".len();
        let title = &body[start..start + body[start..].find("</title>")?];
        (!title.trim().is_empty()).then(|| one_line(title))
    };
    title().unwrap_or_else(|| one_line(body))
}

/// A prompt or answer that a content policy stopped.
fn filtered(said: String) -> Answer {
    Answer {
        outcome: Outcome::Refused,
        output: said,
        finish_reason: Some(FinishReason::ContentFilter),
        usage: Usage::default(),
        details: None,
    }
}

#[cfg(test)]
mod tests;
