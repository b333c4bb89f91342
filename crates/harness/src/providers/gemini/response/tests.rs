use serde_json::json;

use super::*;

fn answer(body: &Value) -> Answer {
    read(&body.to_string(), "m").expect("an answer")
}

fn ended(word: &str) -> Answer {
    let content = json!({ "role": "model", "parts": [{ "text": "x" }] });
    answer(&json!({ "candidates": [{ "content": content, "finishReason": word }] }))
}

#[test]
fn each_finish_reason_has_its_meaning() {
    for (word, reason, outcome) in [
        ("STOP", FinishReason::Stop, Outcome::Answered),
        ("MAX_TOKENS", FinishReason::Length, Outcome::Answered),
        ("SAFETY", FinishReason::ContentFilter, Outcome::Refused),
        ("RECITATION", FinishReason::ContentFilter, Outcome::Refused),
        ("BLOCKLIST", FinishReason::ContentFilter, Outcome::Refused),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter, Outcome::Refused),
        ("SPII", FinishReason::ContentFilter, Outcome::Refused),
        (
            "MALFORMED_FUNCTION_CALL",
            FinishReason::Other("MALFORMED_FUNCTION_CALL".into()),
            Outcome::Answered,
        ),
    ] {
        let answer = ended(word);
        assert_eq!((answer.finish_reason, answer.outcome), (Some(reason), outcome), "{word}");
    }
    assert_eq!(ended("STOP").details, None);
    assert_eq!(ended("SPII").details.expect("details").finish_reason.as_deref(), Some("SPII"));
}

#[test]
fn thoughts_are_part_of_the_tokens_and_no_part_of_the_text() {
    let parts = json!([{ "text": "hm", "thought": true, "thoughtSignature": "s" }, { "text": "a" },
                       { "text": "b", "thought": false }, { "executableCode": {} }]);
    let usage = json!({
        "promptTokenCount": 10, "toolUsePromptTokenCount": 2, "cachedContentTokenCount": 4,
        "candidatesTokenCount": 3, "thoughtsTokenCount": 20, "totalTokenCount": 35,
    });
    let answer = answer(&json!({
        "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP" }],
        "usageMetadata": usage, "modelVersion": "m",
    }));
    assert_eq!(answer.output, "ab");
    let expected = Usage { input_tokens: Some(12), output_tokens: Some(23) };
    assert_eq!(answer.usage, expected);
    let details = answer.details.expect("details");
    assert_eq!((details.reasoning_tokens, details.cached_tokens), (Some(20), Some(4)));
    assert_eq!((details.reasoning.as_deref(), details.model), (Some("hm"), None));
}

#[test]
fn a_limit_that_thinking_used_up_leaves_an_empty_answer() {
    let usage = json!({ "promptTokenCount": 10, "thoughtsTokenCount": 16 });
    let answer = answer(&json!({
        "candidates": [{ "content": { "role": "model" }, "finishReason": "MAX_TOKENS" }],
        "usageMetadata": usage,
    }));
    assert_eq!((answer.output.as_str(), answer.outcome), ("", Outcome::Answered));
    assert_eq!(answer.usage.output_tokens, Some(16));
}

#[test]
fn a_prompt_that_was_blocked_is_a_refusal() {
    let answer = answer(&json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" } }));
    assert_eq!((answer.outcome, answer.output.as_str()), (Outcome::Refused, ""));
    let word = answer.details.expect("details").finish_reason;
    assert_eq!(word.as_deref(), Some("PROHIBITED_CONTENT"));
}

#[test]
fn what_holds_no_answer_says_so() {
    for (body, why) in [
        (json!({ "usageMetadata": {} }), "no `candidates`"),
        (json!({ "candidates": [] }), "no `candidates`"),
        (json!({ "candidates": [{}] }), "the candidate is empty"),
        (json!({ "candidates": [7] }), "not a list of candidates"),
    ] {
        let error = read(&body.to_string(), "m").expect_err("no answer");
        assert!(error.failure.message.contains(why), "{}", error.failure.message);
    }
}
