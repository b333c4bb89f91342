//! OpenAI's chat completions: what a response says.

use evalmark_core::record::{ErrorKind, Outcome, Usage};
use serde::Deserialize;
use serde_json::{Value, error::Category, value::RawValue};

use crate::{
    reply::{Again, Answer, Blame, Trouble},
    text::one_line,
};

/// What the response should have been.
const WHAT: &str = "chat completion";

/// The parts of a response that are read. Only what an answer cannot do without is strict.
#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<&'a RawValue>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
    finish_reason: Option<Value>,
}

#[derive(Deserialize)]
struct Message<'a> {
    /// Text, or a list of parts.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    refusal: Option<Value>,
    tool_calls: Option<Value>,
}

/// Numbers where servers are as they should be.
#[derive(Deserialize)]
struct Tokens {
    prompt_tokens: Option<Value>,
    completion_tokens: Option<Value>,
}

/// A part of a message: text, a refusal, or something else that is no text.
#[derive(Deserialize)]
struct Part {
    text: Option<String>,
    refusal: Option<String>,
}

/// Reads the body of a successful response.
///
/// The text is the content, or its text parts joined. Refused means: a `refusal`, or a finish
/// reason of `content_filter`. A model that only calls tools answers with the calls' JSON.
pub(crate) fn read(body: &str) -> Result<Answer, Trouble> {
    let completion: Completion =
        serde_json::from_str(body).map_err(|e| unreadable(&e, body, WHAT))?;
    if let Some(error) = completion.error.filter(|error| !error.is_null()) {
        return Err(error_within(&error));
    }
    let choices = completion.choices.ok_or_else(|| misshapen(WHAT, "no `choices`"))?;
    let choice = choices.into_iter().next().ok_or_else(|| misshapen(WHAT, "`choices` is empty"))?;
    let finish_reason = choice.finish_reason.and_then(|reason| match reason {
        Value::String(reason) => Some(reason),
        _ => None,
    });
    let (outcome, output) = text(choice.message, finish_reason.as_deref())?;
    Ok(Answer { outcome, output, finish_reason, usage: usage(completion.usage) })
}

/// Outcome and text of a message.
fn text(message: Message<'_>, finish_reason: Option<&str>) -> Result<(Outcome, String), Trouble> {
    let (content, refused_part) = message.content.map_or(Ok((None, None)), said)?;
    let refusal = message.refusal.as_ref().and_then(Value::as_str).map(str::to_owned);
    if let Some(refusal) = refusal.or(refused_part).filter(|refusal| !refusal.is_empty()) {
        return Ok((Outcome::Refused, content.filter(|text| !text.is_empty()).unwrap_or(refusal)));
    }
    if finish_reason == Some("content_filter") {
        return Ok((Outcome::Refused, content.unwrap_or_default()));
    }
    let calls = message.tool_calls.filter(|calls| calls.as_array().is_some_and(|c| !c.is_empty()));
    match (content, calls) {
        (Some(text), None) => Ok((Outcome::Answered, text)),
        (Some(text), Some(_)) if !text.is_empty() => Ok((Outcome::Answered, text)),
        (_, Some(calls)) => Ok((Outcome::Answered, calls.to_string())),
        (None, None) => {
            let reason = finish_reason.unwrap_or("null");
            Err(misshapen(WHAT, &format!("`content` is null (finish reason: {reason})")))
        }
    }
}

/// The text of a content, and a refusal among its parts.
fn said(content: &RawValue) -> Result<(Option<String>, Option<String>), Trouble> {
    let content = content.get();
    let said = if content.starts_with('"') {
        serde_json::from_str(content).map(|text| (Some(text), None))
    } else {
        serde_json::from_str(content).map(joined)
    };
    said.map_err(|error| match error.classify() {
        Category::Data => misshapen(WHAT, "`content` is neither text nor a list of parts"),
        // Half a character: what stands there cannot be decoded.
        _ => unreadable(&error, content, WHAT),
    })
}

/// The text of all parts, and their refusal. Parts without any text are no content.
fn joined(parts: Vec<Part>) -> (Option<String>, Option<String>) {
    let mut refusal = None;
    let mut text: Option<String> = None;
    for part in parts {
        refusal = refusal.or(part.refusal);
        if let Some(part) = part.text {
            text.get_or_insert_default().push_str(&part);
        }
    }
    (text, refusal)
}

/// Tokens, as far as they are numbers: an odd usage never costs an answer.
pub(crate) fn usage(usage: Option<&RawValue>) -> Usage {
    let tokens = usage.and_then(|usage| serde_json::from_str::<Tokens>(usage.get()).ok());
    let Some(Tokens { prompt_tokens, completion_tokens }) = tokens else {
        return Usage::default();
    };
    let count = |tokens: Option<Value>| tokens.as_ref().and_then(Value::as_u64);
    Usage { input_tokens: count(prompt_tokens), output_tokens: count(completion_tokens) }
}

/// A complete response that is JSON, but not what it should be.
pub(crate) fn misshapen(what: &str, why: &str) -> Trouble {
    let message = one_line(&format!("the response is no {what}: {why}"));
    Trouble::new(ErrorKind::Malformed, message, Again::Never)
}

/// A body that does not parse. One that ends too early was cut off on the way, and is as good as a
/// broken connection. One that is no JSON at all came from something between here and the model,
/// and may not come again; one that is JSON of another shape would be bought again in vain.
pub(crate) fn unreadable(error: &serde_json::Error, body: &str, what: &str) -> Trouble {
    match error.classify() {
        Category::Data => misshapen(what, &error.to_string()),
        Category::Eof if !body.trim().is_empty() => {
            let message = "the connection broke: the response ends in its middle".into();
            Trouble::new(ErrorKind::Connection, message, Again::Yes).blaming(Blame::Endpoint)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            let message = match one_line(body) {
                start if start.is_empty() => "the response has an empty body".into(),
                start => format!("the response is no JSON ({error}): {start}"),
            };
            Trouble::new(ErrorKind::Malformed, one_line(&message), Again::Yes)
        }
    }
}

/// An error that came with a status of success, as gateways send it: its code counts.
pub(crate) fn error_within(error: &Value) -> Trouble {
    let message = format!("an error within a response of success: {}", error_message(error));
    let code = error.get("code").or_else(|| error.get("status"));
    let status = code.and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    match status.filter(|code| (400..=599).contains(code)) {
        Some(status) => Trouble::of_status(status, one_line(&message)),
        None => Trouble::new(ErrorKind::Malformed, one_line(&message), Again::Never),
    }
}

/// What a response that is no success says: a refusal by a content filter, or trouble.
pub(crate) fn read_error(status: u16, body: &str) -> Result<Answer, Trouble> {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let error = json.as_ref().and_then(|json| json.get("error")).or(json.as_ref());
    if let Some(error) = error
        && status == 400
        && error.get("code").and_then(Value::as_str) == Some("content_filter")
    {
        return Ok(Answer {
            outcome: Outcome::Refused,
            output: error_message(error),
            finish_reason: Some("content_filter".into()),
            usage: Usage::default(),
        });
    }
    let said = error.map_or_else(|| one_line(body), error_message);
    let name = reqwest::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    let message = match (name, said.as_str()) {
        (Some(name), "") => format!("HTTP {status} {name}"),
        (Some(name), said) => format!("HTTP {status} {name}: {said}"),
        (None, said) => format!("HTTP {status}: {said}"),
    };
    Err(Trouble::of_status(status, one_line(&message)))
}

/// The message of an error object, wherever servers put it.
fn error_message(error: &Value) -> String {
    let named = ["message", "detail", "msg"].iter().find_map(|name| error.get(name));
    match named.unwrap_or(error) {
        Value::String(message) => message.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `outcome|output|finish_reason|tokens in|tokens out`, or `kind/again: message`.
    fn summary(read: Result<Answer, Trouble>) -> String {
        let number = |tokens: Option<u64>| tokens.map_or("-".into(), |n| n.to_string());
        match read {
            Ok(answer) => format!(
                "{}|{}|{}|{}|{}",
                answer.outcome,
                answer.output,
                answer.finish_reason.unwrap_or("-".into()),
                number(answer.usage.input_tokens),
                number(answer.usage.output_tokens)
            ),
            Err(Trouble { failure, again, .. }) => {
                format!("{}/{again:?}: {}", failure.kind.as_str(), failure.message)
            }
        }
    }

    fn check(body: &str, expected: &str) {
        assert_eq!(summary(read(body)), expected, "{body}");
    }

    #[test]
    fn reads_answers() {
        check(
            r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
            "answered|hi|length|3|1",
        );
        check(r#"{"choices":[{"message":{"content":""}}],"usage":7}"#, "answered||-|-|-");
        check(
            r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},"finish_reason":3}],"error":null}"#,
            "answered|ab|-|-|-",
        );
        check(
            r#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"x"}]},"finish_reason":"tool_calls"}]}"#,
            r#"answered|[{"id":"x"}]|tool_calls|-|-"#,
        );
    }

    #[test]
    fn reads_refusals() {
        check(
            r#"{"choices":[{"message":{"content":null,"refusal":"I won't"},"finish_reason":"stop"}]}"#,
            "refused|I won't|stop|-|-",
        );
        check(
            r#"{"choices":[{"message":{"content":[{"type":"refusal","refusal":"no"}]}}]}"#,
            "refused|no|-|-|-",
        );
        check(
            r#"{"choices":[{"message":{"content":null},"finish_reason":"content_filter"}]}"#,
            "refused||content_filter|-|-",
        );
    }

    #[test]
    fn describes_what_is_no_completion() {
        let shape = "malformed/Never: the response is no chat completion: ";
        check(r#"{"choices":[]}"#, &format!("{shape}`choices` is empty"));
        check("{}", &format!("{shape}no `choices`"));
        check(
            r#"{"choices":[{"message":{"content":null},"finish_reason":"length"}]}"#,
            &format!("{shape}`content` is null (finish reason: length)"),
        );
        check(
            r#"{"choices":[{"message":{"content":7}}]}"#,
            &format!("{shape}`content` is neither text nor a list of parts"),
        );
        check(
            r#"{"choices":"x"}"#,
            &format!(r#"{shape}invalid type: string "x", expected a sequence at line 1 column 14"#),
        );
        check(
            "7",
            &format!(
                "{shape}invalid type: integer `7`, expected struct Completion at line 1 column 1"
            ),
        );
    }

    #[test]
    fn describes_what_is_no_json() {
        check("", "malformed/Yes: the response has an empty body");
        check(
            "<html>\n<b>502",
            "malformed/Yes: the response is no JSON (expected value at line 1 column 1): <html> <b>502",
        );
        check(
            r#"{"choices":[{"mess"#,
            r"connection/Yes: the connection broke: the response ends in its middle",
        );
    }

    #[test]
    fn half_a_character_may_come_whole_the_next_time() {
        for content in [r#""\ud83d""#, r#"[{"text":"\ud83d"}]"#] {
            let body = format!(r#"{{"choices":[{{"message":{{"content":{content}}}}}]}}"#);
            let read = summary(read(&body));
            assert!(read.starts_with("malformed/Yes: the response is no JSON"), "{read}");
        }
    }

    #[test]
    fn an_error_in_a_success_is_no_answer() {
        check(
            r#"{"error":{"message":"upstream\ndied","code":502}}"#,
            "server/Yes: an error within a response of success: upstream died",
        );
        check(r#"{"error":"odd"}"#, "malformed/Never: an error within a response of success: odd");
    }

    fn check_error(status: u16, body: &str, expected: &str) {
        assert_eq!(summary(read_error(status, body)), expected, "{status} {body}");
    }

    #[test]
    fn says_what_an_error_status_means() {
        let body = r#"{"error":{"message":"bad key"}}"#;
        check_error(401, body, "auth/Never: HTTP 401 Unauthorized: bad key");
        check_error(403, body, "auth/Never: HTTP 403 Forbidden: bad key");
        check_error(400, r#"{"detail":"x"}"#, "bad_request/Never: HTTP 400 Bad Request: x");
        check_error(404, "", "bad_request/Never: HTTP 404 Not Found");
        check_error(408, "", "server/Yes: HTTP 408 Request Timeout");
        check_error(409, "", "server/Yes: HTTP 409 Conflict");
        check_error(429, "\"slow\"", "rate_limited/Yes: HTTP 429 Too Many Requests: slow");
        check_error(503, "<b>", "server/Yes: HTTP 503 Service Unavailable: <b>");
        check_error(529, "x", "server/Yes: HTTP 529: x");
        check_error(422, "[7]", "bad_request/Never: HTTP 422 Unprocessable Entity: [7]");
    }

    #[test]
    fn a_filtered_prompt_is_a_refusal() {
        let body = r#"{"error":{"message":"filtered","code":"content_filter"}}"#;
        check_error(400, body, "refused|filtered|content_filter|-|-");
    }
}
