use std::sync::Arc;

use evalmark_core::request::Message;
use serde_json::json;

use super::*;

/// Reads a response to a request for at most 16 tokens.
fn answer_of(body: &str) -> Result<Answer, AttemptError> {
    let request = Request::chat("m".into(), [Message::new("user", "hi")], Arc::default(), 0);
    read(body, &Request { max_output_tokens: Some(16), ..request })
}

fn text(text: &str) -> Value {
    json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] })
}

/// Outcome, text and reason.
fn check(body: &Value, expected: (Outcome, &str, &str)) {
    let answer = answer_of(&body.to_string()).expect("an answer");
    let reason = answer.finish_reason.as_ref().map_or("", FinishReason::as_str);
    assert_eq!((answer.outcome, answer.output.as_str(), reason), expected, "{body}");
}

#[test]
fn how_a_response_ended_is_told_apart() {
    use Outcome::{Answered, Refused};
    let thought = json!({ "type": "reasoning", "summary": [] });
    let refusal = json!({ "type": "message", "content": [{ "type": "refusal", "refusal": "no" }] });
    let incomplete = |reason: &str, output: &Value| {
        json!({
            "status": "incomplete", "incomplete_details": { "reason": reason }, "output": output,
        })
    };
    let whole = |output: &Value| json!({ "status": "completed", "output": output });
    for (body, expected) in [
        (whole(&json!([thought, text("a"), text("b")])), (Answered, "ab", "stop")),
        (json!({ "output": [text("a")] }), (Answered, "a", "stop")),
        (
            json!({ "output": [{ "type": "message", "content": "a" }], "error": null }),
            (Answered, "a", "stop"),
        ),
        (whole(&json!([text("")])), (Answered, "", "stop")),
        (incomplete("max_output_tokens", &json!([text("a")])), (Answered, "a", "length")),
        (incomplete("max_output_tokens", &json!([thought])), (Answered, "", "length")),
        (incomplete("other", &json!([text("a")])), (Answered, "a", "other")),
        (incomplete("content_filter", &json!([text("a")])), (Refused, "a", "content_filter")),
        (incomplete("content_filter", &json!([])), (Refused, "", "content_filter")),
        (whole(&json!([refusal])), (Refused, "no", "stop")),
        (
            json!({ "status": "completed", "output": [text("a")], "usage": { "output_tokens": 16 } }),
            (Answered, "a", "length"),
        ),
        (
            json!({ "status": "completed", "output": [text("a")], "usage": { "output_tokens": 15 } }),
            (Answered, "a", "stop"),
        ),
        (
            json!({ "output": [], "usage": {
                "output_tokens": 9, "output_tokens_details": { "reasoning_tokens": 9 },
            } }),
            (Answered, "", "stop"),
        ),
    ] {
        check(&body, expected);
    }
}

#[test]
fn reasoning_is_the_model_s_own_or_a_summary() {
    let part = |text: &str| json!([{ "type": "reasoning_text", "text": text }]);
    for (item, expected) in [
        (json!({ "type": "reasoning", "content": part("own"), "summary": part("short") }), "own"),
        (json!({ "type": "reasoning", "content": [], "summary": part("short") }), "short"),
        (json!({ "type": "reasoning", "summary": part("short") }), "short"),
    ] {
        let body = json!({ "output": [item, text("a")] }).to_string();
        let details = answer_of(&body).expect("an answer").details.expect("details");
        assert_eq!(details.reasoning.as_deref(), Some(expected));
    }
}

#[test]
fn a_stream_ends_with_the_whole_response() {
    let response = json!({ "status": "completed", "output": [text("a")] });
    let event = json!({ "type": "response.completed", "response": response });
    let stream = format!("event: x\ndata: {{\"type\":\"response.created\"}}\n\ndata: {event}\n\n");
    assert_eq!(answer_of(&stream).expect("an answer").output, "a");
    let error = answer_of("data: {\"type\":\"response.created\"}\n\n").expect_err("no end");
    assert_eq!(error.failure.kind, ErrorKind::Connection);
    let told = r#"data: {"type":"error","code":"rate_limit_exceeded","message":"slow down"}"#;
    let error = answer_of(told).expect_err("an error");
    assert_eq!(error.failure.kind, ErrorKind::RateLimited);
}

#[test]
fn what_is_no_answer_says_why() {
    for (body, kind, why) in [
        (r#"{"output":[]}"#, ErrorKind::Malformed, "`output` is empty"),
        (r#"{"output":[{"type":"message","content":null}]}"#, ErrorKind::Malformed, "is empty"),
        (r#"{"status":"in_progress","output":[]}"#, ErrorKind::Malformed, "not finished"),
        (r#"{"status":"cancelled","output":[]}"#, ErrorKind::Server, "status: cancelled"),
        (
            r#"{"status":"failed","error":{"code":"server_error","message":"oh"},"output":[]}"#,
            ErrorKind::Server,
            "oh",
        ),
        (
            r#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"oh"}}"#,
            ErrorKind::RateLimited,
            "oh",
        ),
    ] {
        let error = answer_of(body).expect_err(body);
        assert_eq!(error.failure.kind, kind, "{body}");
        assert!(error.failure.message.contains(why), "{}", error.failure.message);
    }
}
