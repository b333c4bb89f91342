use serde_json::json;

use super::*;

fn answer(body: &Value) -> Answer {
    read(&body.to_string()).expect("an answer")
}

#[test]
fn each_stop_reason_has_its_meaning() {
    for (word, reason, outcome) in [
        ("end_turn", FinishReason::Stop, Outcome::Answered),
        ("stop_sequence", FinishReason::Stop, Outcome::Answered),
        ("max_tokens", FinishReason::Length, Outcome::Answered),
        ("model_context_window_exceeded", FinishReason::Length, Outcome::Answered),
        ("guardrail_intervened", FinishReason::ContentFilter, Outcome::Refused),
        ("content_filtered", FinishReason::ContentFilter, Outcome::Refused),
        ("malformed_tool_use", FinishReason::Other("malformed_tool_use".into()), Outcome::Answered),
    ] {
        let message = json!({ "role": "assistant", "content": [{ "text": "x" }] });
        let answer = answer(&json!({ "output": { "message": message }, "stopReason": word }));
        assert_eq!((answer.finish_reason, answer.outcome), (Some(reason), outcome), "{word}");
    }
}

#[test]
fn tokens_of_the_cache_are_tokens_of_the_prompt() {
    let usage = json!({
        "inputTokens": 2, "outputTokens": 5, "cacheReadInputTokens": 8, "cacheWriteInputTokens": 3,
    });
    let message = json!({ "content": [{ "text": "x" }] });
    let answer = answer(&json!({ "output": { "message": message }, "usage": usage }));
    assert_eq!(answer.usage, Usage { input_tokens: Some(13), output_tokens: Some(5) });
    let details = answer.details.expect("details");
    assert_eq!((details.cached_tokens, details.cache_write_tokens), (Some(8), Some(3)));
}

#[test]
fn an_error_in_a_success_has_its_own_kind() {
    for (body, kind, retryable) in [
        (
            r#"{"__type":"com.amazon#ThrottlingException","message":"Too many requests"}"#,
            ErrorKind::RateLimited,
            Retryable::Yes,
        ),
        (
            r#"{"__type":"ValidationException","message":"no"}"#,
            ErrorKind::BadRequest,
            Retryable::Never,
        ),
        (r#"{"message":"Too many tokens, rate limit"}"#, ErrorKind::RateLimited, Retryable::Yes),
        (r#"{"metrics":{}}"#, ErrorKind::Malformed, Retryable::Yes),
    ] {
        let error = read(body).expect_err("no answer");
        assert_eq!((error.failure.kind, error.retryable), (kind, retryable), "{body}");
    }
}
