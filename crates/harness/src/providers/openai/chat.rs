//! Chat completions: what a response says.
//!
//! What holds an answer is read strictly, and once more in the ways that other clients read it where
//! that fails. What holds none is tried again, unless it names a reason that lasts: nothing was bought
//! yet. What holds one in a shape that nobody reads would be bought again in vain.

use std::borrow::Cow;

use evalmark_core::{
    answer_details::AnswerDetails,
    logprobs::Logprobs,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome},
};
use evalmark_net::one_line;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    stream::{StreamError, assembled},
    usage::Tokens,
};
use crate::{
    failure::{is_error, message, within_success},
    json_repair::{mended, shallow},
    malformed::{misshapen, unreadable},
    providers::{broken_stream::without_reason, is_event_stream, reported_logprobs},
    reply::{Answer, AttemptError, FaultScope, Retryable},
};

/// What the response should have been.
const WHAT: &str = "chat completion";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    model: Option<&'a RawValue>,
    system_fingerprint: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    /// In the place of a message, from servers that mistake a response for a stream.
    delta: Option<Message<'a>>,
    finish_reason: Option<&'a RawValue>,
    native_finish_reason: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    /// Of a text completion, which is another protocol.
    text: Option<&'a RawValue>,
    logprobs: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Message<'a> {
    /// Text, or a list of parts.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    refusal: Option<&'a RawValue>,
    tool_calls: Option<&'a RawValue>,
    function_call: Option<&'a RawValue>,
    /// What the model thought; never the answer.
    reasoning: Option<&'a RawValue>,
    reasoning_content: Option<&'a RawValue>,
    thinking: Option<&'a RawValue>,
}

/// Reads the body of a successful response of the model that is called `asked`.
///
/// The text is the content, or its text parts joined. Refused means: a `refusal`, or a finish
/// reason of `content_filter`. A model that only calls tools answers with the calls' JSON. One that says
/// nothing, and why it ended, gave an empty answer: so it is in every protocol.
pub(crate) fn read(body: &str, asked: &str) -> Result<Answer, AttemptError> {
    match read_strictly(body, asked) {
        Err(Unread::Json(error)) => read_loosely(body, asked, &error),
        Err(Unread::Error(error)) => Err(error),
        Ok(answer) => Ok(answer),
    }
}

/// Why there is no answer yet.
enum Unread {
    /// This is not JSON, or not of the right shape.
    Json(serde_json::Error),
    Error(AttemptError),
}

impl From<serde_json::Error> for Unread {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<AttemptError> for Unread {
    fn from(error: AttemptError) -> Self {
        Self::Error(error)
    }
}

/// An event stream, or JSON that is not quite JSON.
fn read_loosely(
    body: &str,
    asked: &str,
    error: &serde_json::Error,
) -> Result<Answer, AttemptError> {
    let loose = if is_event_stream(body) { Some(of_stream(body)?) } else { mended(body) };
    let Some(loose) = loose else { return Err(unreadable(error, body, WHAT)) };
    read_strictly(&loose, asked).or_else(|unread| match unread {
        Unread::Error(error) => Err(error),
        Unread::Json(error) => match serde_json::from_str::<Value>(&loose) {
            Ok(value) if value.get("choices").is_none() => without_choices(&value),
            _ => Err(unreadable(&error, &loose, WHAT)),
        },
    })
}

/// The response that a stream adds up to.
pub(crate) fn of_stream(body: &str) -> Result<String, AttemptError> {
    assembled(body).or_else(|error| match error {
        StreamError::CutOff => {
            let message = "the connection broke: the server streams although it was not asked to, \
                           and the stream breaks off";
            let error = AttemptError::new(ErrorKind::Connection, message.into(), Retryable::Yes);
            Err(error.with_fault_scope(FaultScope::Endpoint))
        }
        StreamError::WithoutReason => Err(without_reason("finish_reason")),
        StreamError::Failed(error) => match within_success(&error) {
            Err(error) => Err(error),
            // As if the stream had ended there.
            Ok(answer) => Ok(serde_json::json!({ "choices": [{
                "message": { "refusal": answer.output },
                "finish_reason": answer.finish_reason.as_ref().map(FinishReason::as_str),
            }] })
            .to_string()),
        },
        StreamError::Unreadable(_) => {
            let message = "the server streams although it was not asked to, and an event is not \
                           JSON";
            Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes))
        }
    })
}

fn read_strictly(body: &str, asked: &str) -> Result<Answer, Unread> {
    let completion: Completion<'_> = serde_json::from_str(body)?;
    if let Some(error) = error_in(completion.error)? {
        return Ok(within_success(&error)?);
    }
    let Some(choices) = completion.choices else {
        return Ok(without_choices(&serde_json::from_str(body)?)?);
    };
    let place = |choice: &Choice<'_>| {
        choice.index.and_then(|index| index.get().parse::<u64>().ok()).unwrap_or(0)
    };
    let Some(choice) = choices.into_iter().min_by_key(place) else {
        let message = "the response holds no answer: `choices` is empty";
        return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes).into());
    };
    if let Some(error) = error_in(choice.error)? {
        return Ok(within_success(&error)?);
    }
    let finish_reason = choice.finish_reason.map(string).transpose()?.flatten();
    if let Some(error) = failed(finish_reason.as_deref(), choice.native_finish_reason) {
        return Err(error.into());
    }
    let Some(message) = choice.message.or(choice.delta) else {
        if choice.text.is_some() {
            return Err(misshapen(WHAT, "missing field `message`; it is a text completion").into());
        }
        let message = "the response holds no answer: `message` is null";
        return Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes).into());
    };
    let tokens = Tokens::read(completion.usage);
    let (outcome, output) = text(&message, finish_reason.as_deref())?;
    let told = |raw: Option<&RawValue>| raw.and_then(text_of).filter(|text| !text.is_empty());
    let details = AnswerDetails {
        model: told(completion.model).filter(|model| model != asked),
        system_fingerprint: told(completion.system_fingerprint),
        logprobs: choice.logprobs.and_then(logprobs),
        ..message.details(&tokens)
    };
    let finish_reason = finish_reason.map(FinishReason::from);
    let details = details.boxed();
    Ok(Answer { outcome, output, finish_reason, usage: tokens.usage, details })
}

/// What stands in an `error` field, if that is an error.
fn error_in(field: Option<&RawValue>) -> Result<Option<Value>, serde_json::Error> {
    let error: Option<Value> = field.map(|error| serde_json::from_str(error.get())).transpose()?;
    Ok(error.filter(is_error))
}

/// The text of a JSON string; `None` for any other value.
fn string(value: &RawValue) -> Result<Option<String>, serde_json::Error> {
    value.get().starts_with('"').then(|| serde_json::from_str(value.get())).transpose()
}

/// A response without `choices`: it describes a failure, or nothing.
fn without_choices(response: &Value) -> Result<Answer, AttemptError> {
    // What a server says of itself is no message.
    const DESCRIBED: [&str; 10] = [
        "error",
        "errors",
        "detail",
        "message",
        "msg",
        "error_msg",
        "error_message",
        "base_resp",
        "Message",
        "status_msg",
    ];
    let error = response.as_array().and_then(|list| list.first()).unwrap_or(response);
    if DESCRIBED.iter().any(|field| error.get(*field).is_some_and(is_error)) {
        return within_success(error);
    }
    let message = one_line("the response is not a chat completion: no `choices`");
    let error = AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes);
    Err(error.with_fault_scope(FaultScope::Endpoint))
}

/// The error that a finish reason stands for: the provider's, not the model's.
pub(in crate::providers) fn failed(
    reason: Option<&str>,
    native: Option<&RawValue>,
) -> Option<AttemptError> {
    let native: Option<Cow<'_, str>> =
        native.and_then(|native| serde_json::from_str(native.get()).ok());
    let named = reason.filter(|reason| is_failure(reason));
    let named = named.or_else(|| native.as_deref().filter(|reason| is_failure(reason)))?;
    let message = format!("the provider failed (finish reason: {named})");
    Some(AttemptError::of_status(500, one_line(&message)))
}

fn is_failure(reason: &str) -> bool {
    const WORDS: [&str; 8] = [
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "failed",
        "timeout",
        "overloaded",
        "insufficient_system_resource",
    ];
    let ends_in_error = reason
        .len()
        .checked_sub("error".len())
        .and_then(|at| reason.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case("error"));
    ends_in_error || WORDS.iter().any(|word| reason.eq_ignore_ascii_case(word))
}

/// Whether a content policy ended the answer.
fn is_filtered(reason: &str) -> bool {
    const WORDS: [&str; 9] = [
        "content_filter",
        "content_filtered",
        "refusal",
        "sensitive",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
    ];
    WORDS.iter().any(|word| reason.eq_ignore_ascii_case(word))
}

/// Outcome and text of a message.
fn text(message: &Message<'_>, finish_reason: Option<&str>) -> Result<(Outcome, String), Unread> {
    let (content, refused_part) = message.content.map_or(Ok((None, None)), text_and_refusal)?;
    let refusal = message.refusal.map(string).transpose()?.flatten();
    if let Some(refusal) = refusal.or(refused_part).filter(|refusal| !refusal.is_empty()) {
        return Ok((Outcome::Refused, content.filter(|text| !text.is_empty()).unwrap_or(refusal)));
    }
    if finish_reason.is_some_and(|reason| reason != "stop" && is_filtered(reason)) {
        return Ok((Outcome::Refused, content.unwrap_or_default()));
    }
    match content {
        Some(text) if !text.is_empty() => Ok((Outcome::Answered, text)),
        content => match calls(message)? {
            Some(calls) => Ok((Outcome::Answered, calls)),
            None => {
                content.map_or_else(|| silent(finish_reason), |text| Ok((Outcome::Answered, text)))
            }
        },
    }
}

/// A message without content: an empty answer where the server says why it ended, an error where nothing does.
fn silent(finish_reason: Option<&str>) -> Result<(Outcome, String), Unread> {
    if finish_reason.is_some() {
        return Ok((Outcome::Answered, String::new()));
    }
    let message =
        "the response holds no answer: `content` is null, and no `finish_reason` says why";
    Err(AttemptError::new(ErrorKind::Malformed, message.into(), Retryable::Yes).into())
}

impl Message<'_> {
    /// Reasoning and calls of tools, and figures beside them.
    fn details(&self, tokens: &Tokens) -> AnswerDetails {
        let thoughts = [self.reasoning_content, self.reasoning, self.thinking];
        let reasoning = thoughts.into_iter().flatten().find_map(text_of);
        AnswerDetails {
            reasoning: reasoning.filter(|text| !text.is_empty()),
            tool_calls: self.tool_calls.map(tool_calls).unwrap_or_default(),
            reasoning_tokens: tokens.reasoning,
            cached_tokens: tokens.cached,
            ..AnswerDetails::default()
        }
    }
}

/// The calls of tools in a message, as JSON.
fn calls(message: &Message<'_>) -> Result<Option<String>, Unread> {
    if let Some(calls) = message.tool_calls {
        let calls: Value = serde_json::from_str(calls.get())?;
        if calls.as_array().is_some_and(|calls| !calls.is_empty()) {
            return Ok(Some(calls.to_string()));
        }
    }
    let Some(call) = message.function_call else { return Ok(None) };
    let call: Value = serde_json::from_str(call.get())?;
    let call =
        call.is_object().then(|| serde_json::json!([{ "type": "function", "function": call }]));
    Ok(call.map(|call| call.to_string()))
}

/// The text of a content, and a refusal among its parts.
fn text_and_refusal(content: &RawValue) -> Result<(Option<String>, Option<String>), Unread> {
    if let Some(text) = string(content)? {
        return Ok((Some(text), None));
    }
    let parts: Value = serde_json::from_str(content.get())?;
    let mut found = (None, None);
    match &parts {
        Value::Array(parts) => parts.iter().for_each(|part| join(part, &mut found)),
        Value::Object(_) => join(&parts, &mut found),
        _ => {}
    }
    let is_list = parts
        .as_array()
        .is_some_and(|parts| parts.iter().all(|part| part.is_object() || part.is_string()));
    if is_list || found.0.is_some() || found.1.is_some() {
        return Ok(found);
    }
    Err(misshapen(WHAT, "`content` is neither text nor a list of parts").into())
}

/// Adds a part's text, or refusal. Thoughts are no part of the answer.
fn join(part: &Value, (text, refusal): &mut (Option<String>, Option<String>)) {
    let kind = part["type"].as_str().unwrap_or_default();
    let is_thought = ["think", "reason", "thought"].iter().any(|word| kind.contains(word));
    if is_thought || part["thought"] == true {
        return;
    }
    let more = [part, &part["text"], &part["text"]["value"]].into_iter().find_map(Value::as_str);
    if let Some(more) = more {
        text.get_or_insert_default().push_str(more);
    }
    if refusal.is_none() {
        *refusal = part["refusal"].as_str().map(str::to_owned);
    }
}

/// A value that is a text.
fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Logprobs, as far as anyone can read them.
fn logprobs(raw: &RawValue) -> Option<Box<Logprobs>> {
    // What is odd in one token is not known of that token alone.
    reported_logprobs::read(&shallow(raw.get())?)
}

/// The calls of tools in the form that all protocols have in common; what has another is left out.
fn tool_calls(calls: &RawValue) -> Vec<ToolCall> {
    let calls: Value = serde_json::from_str(calls.get()).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let call = |call: &Value| {
        let function = &call["function"];
        let arguments = match &function["arguments"] {
            Value::String(json) => json.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let id = text(&call["id"]).unwrap_or_default();
        Some(ToolCall { id, name: text(&function["name"])?, arguments })
    };
    calls.as_array().into_iter().flatten().filter_map(call).collect()
}

/// The message of an error value, for those who read other responses.
pub(crate) fn error_within(error: &Value) -> AttemptError {
    match within_success(error) {
        Err(error) => error,
        Ok(_) => AttemptError::of_status(400, one_line(&message(error))),
    }
}

#[cfg(test)]
mod tests;
