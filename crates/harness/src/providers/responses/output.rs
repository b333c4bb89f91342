//! What a response says: items of text, reasoning and calls of functions, and a status.

use evalmark_core::{
    answer_details::AnswerDetails,
    logprobs::Logprobs,
    message::ToolCall,
    record::{ErrorKind, FinishReason, Outcome},
    request::Request,
};
use evalmark_net::one_line;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::stream;
use crate::{
    failure::{is_error, within_success},
    malformed::misshapen,
    providers::{
        called_tools::as_json, is_event_stream, openai::Tokens, reported_body, reported_logprobs,
    },
    reply::{Answer, AttemptError, FaultScope, Retryable},
    server_sent_events::events,
};

/// What the response should have been.
const WHAT: &str = "response";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Response<'a> {
    output: Option<Vec<Item>>,
    status: Option<Value>,
    incomplete_details: Option<Value>,
    error: Option<Value>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    model: Option<Value>,
}

/// An item of the output; kinds that are not known say nothing.
#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    content: Option<Content>,
    summary: Option<Content>,
    call_id: Option<String>,
    id: Option<String>,
    name: Option<String>,
    arguments: Option<Value>,
}

/// A list of parts, or a text, as some servers have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
    refusal: Option<String>,
    logprobs: Option<Value>,
}

/// Reads the body of a successful response to `request`.
///
/// The text is that of all messages. Refused means: a part that is a refusal, or a content filter that
/// made the response incomplete. A model that only calls functions answers with the calls' JSON, in
/// the form that all protocols have in common.
pub(super) fn read(body: &str, request: &Request) -> Result<Answer, AttemptError> {
    if is_event_stream(body) {
        return read_json(&of_stream(body)?, request);
    }
    read_json(body, request)
}

fn read_json(body: &str, request: &Request) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let response: Response<'_> = reported_body::json(WHAT, body, &mut repaired)?;
    if let Some(error) = response.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let status = response.status.as_ref().and_then(Value::as_str).unwrap_or("completed");
    match status {
        "completed" | "incomplete" => {}
        "queued" | "in_progress" => {
            return Err(misshapen(WHAT, &format!("it is not finished (status: {status})")));
        }
        failed => {
            let message = format!("the provider failed (status: {failed})");
            return Err(AttemptError::of_status(500, one_line(&message)));
        }
    }
    let Some(output) = &response.output else {
        return Err(AttemptError { retryable: Retryable::Yes, ..misshapen(WHAT, "no `output`") });
    };
    answer(output, &response, request)
}

fn answer(
    items: &[Item],
    response: &Response<'_>,
    request: &Request,
) -> Result<Answer, AttemptError> {
    let (calls, reasoning) = (calls(items), reasoning(items));
    let (mut output, refusal) = (texts(items, |part| part.text.as_deref()), refusal(items));
    let tokens = Tokens::read(response.usage);
    let word = response.incomplete_details.as_ref().and_then(|why| why["reason"].as_str());
    let is_whole = response.status.as_ref().is_none_or(|status| status != "incomplete");
    let reached = |limit| tokens.usage.output_tokens.is_some_and(|used| used >= limit);
    let reason = match word {
        Some("max_output_tokens") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        Some(other) if !is_whole => FinishReason::Other(other.to_owned()),
        _ if !is_whole => FinishReason::Length,
        _ if !calls.is_empty() => FinishReason::ToolCalls,
        // Some servers call a response complete whose limit cut it off.
        _ if request.max_output_tokens.is_some_and(reached) => FinishReason::Length,
        _ => FinishReason::Stop,
    };
    let is_refused = refusal.is_some() || reason == FinishReason::ContentFilter;
    let has_thought = reasoning.is_some() || tokens.reasoning.is_some();
    if output.is_empty() && !is_refused && calls.is_empty() && is_whole {
        let is_explained = has_thought || reason != FinishReason::Stop || has_message(items);
        if !is_explained {
            let message = "the response holds no answer: `output` is empty, and nothing says why";
            let (kind, retryable) = (ErrorKind::Malformed, Retryable::Yes);
            return Err(AttemptError::new(kind, message.to_owned(), retryable));
        }
    }
    if let Some(refusal) = refusal.filter(|_| output.is_empty()) {
        output = refusal;
    } else if output.is_empty() && !is_refused && !calls.is_empty() {
        output = as_json(&calls);
    }
    let model = response.model.as_ref().and_then(Value::as_str);
    let details = AnswerDetails {
        model: model.filter(|model| *model != &*request.model).map(str::to_owned),
        finish_reason: word.filter(|word| *word != reason.as_str()).map(str::to_owned),
        reasoning,
        tool_calls: calls,
        reasoning_tokens: tokens.reasoning,
        cached_tokens: tokens.cached,
        logprobs: logprobs(items),
        ..AnswerDetails::default()
    };
    let outcome = if is_refused { Outcome::Refused } else { Outcome::Answered };
    let (usage, details) = (tokens.usage, details.boxed());
    Ok(Answer { outcome, output, finish_reason: Some(reason), usage, details })
}

/// The parts of all messages.
fn parts(items: &[Item]) -> impl Iterator<Item = &Part> {
    let messages = items.iter().filter(|item| item.kind == "message");
    messages.flat_map(|item| match &item.content {
        Some(Content::Parts(parts)) => parts.as_slice(),
        _ => &[],
    })
}

/// The texts of all messages, one after the other.
fn texts(items: &[Item], text: impl Fn(&Part) -> Option<&str>) -> String {
    let whole = |item: &Item| match &item.content {
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => parts.iter().filter_map(&text).collect(),
        None => String::new(),
    };
    items.iter().filter(|item| item.kind == "message").map(whole).collect()
}

/// Whether there is a message with content, even an empty one.
fn has_message(items: &[Item]) -> bool {
    items.iter().any(|item| item.kind == "message" && item.content.is_some())
}

/// The tokens of all messages, one after the other.
fn logprobs(items: &[Item]) -> Option<Box<Logprobs>> {
    let lists = parts(items).filter_map(|part| part.logprobs.as_ref()?.as_array());
    reported_logprobs::of_lists(lists)
}

fn refusal(items: &[Item]) -> Option<String> {
    let refusals: Vec<_> = parts(items).filter_map(|part| part.refusal.as_deref()).collect();
    (!refusals.is_empty()).then(|| refusals.concat())
}

/// What the model thought: its own words, or a summary where those are not shown.
fn reasoning(items: &[Item]) -> Option<String> {
    let mut thoughts = Vec::new();
    for item in items.iter().filter(|item| item.kind == "reasoning") {
        let of = |content: &Option<Content>| match content {
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().filter_map(|part| part.text.as_deref());
                texts.collect::<Vec<_>>().join("\n\n")
            }
            None => String::new(),
        };
        let own = of(&item.content);
        thoughts.push(if own.is_empty() { of(&item.summary) } else { own });
    }
    thoughts.retain(|thought| !thought.is_empty());
    (!thoughts.is_empty()).then(|| thoughts.join("\n\n"))
}

fn calls(items: &[Item]) -> Vec<ToolCall> {
    let call = |item: &Item| {
        let name = item.name.clone().filter(|_| item.kind == "function_call")?;
        let arguments = match &item.arguments {
            Some(Value::String(json)) => json.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let id = item.call_id.clone().or_else(|| item.id.clone()).unwrap_or_default();
        Some(ToolCall { id, name, arguments })
    };
    items.iter().filter_map(call).collect()
}

/// The response that a stream adds up to. An event that is not JSON is no reason to buy the answer
/// again.
fn of_stream(body: &str) -> Result<String, AttemptError> {
    let (mut events, _) = events(body);
    events.retain(|event| event.json().is_some());
    if let Ok(response) = stream::assemble(&events) {
        return Ok(response);
    }
    let message = "the connection broke: the server streams although it was not asked to, and the \
                   stream breaks off";
    let error = AttemptError::new(ErrorKind::Connection, message.into(), Retryable::Yes);
    Err(error.with_fault_scope(FaultScope::Endpoint))
}

#[cfg(test)]
mod tests;
