//! A stream of responses, put together into the one that would have come without streaming.

use serde_json::{Map, Value, json};

use crate::{
    failure::is_error,
    providers::{
        broken_stream::{cut_off, unreadable_event},
        reported_logprobs::go_on,
    },
    reply::AttemptError,
    server_sent_events::StreamEvent,
};

/// The field of a candidate that holds lists of tokens.
const LOGPROBS: &str = "logprobsResult";

/// Whether an event holds a piece of text, of a thought, or a call of a function.
pub(super) fn holds_text(event: &StreamEvent) -> bool {
    let json = event.json().unwrap_or_default();
    let parts = json["candidates"][0]["content"]["parts"].as_array();
    parts.is_some_and(|parts| {
        parts.iter().any(|part| {
            part["text"].as_str().is_some_and(|text| !text.is_empty())
                || part["functionCall"].is_object()
        })
    })
}

/// Whether nothing comes after an event: it says why the answer ended.
pub(super) fn is_last(event: &StreamEvent) -> bool {
    const ENDS: [&str; 3] = ["\"finishReason\"", "\"blockReason\"", "\"error\""];
    // Most events hold none of the words, and need no second look.
    ENDS.iter().any(|word| event.data.contains(word))
        && event.json().is_some_and(|json| is_end(&json) || is_error(&json["error"]))
}

fn is_end(json: &Value) -> bool {
    json["candidates"][0]["finishReason"].is_string()
        || json["promptFeedback"]["blockReason"].is_string()
}

/// The response that the events add up to, as JSON; an error among them as the protocol has it.
pub(super) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    let (mut response, mut candidate) = (Map::new(), Map::new());
    let (mut parts, mut is_over) = (Vec::new(), false);
    for event in events {
        let mut json = event.json().ok_or_else(|| unreadable_event(&event.data))?;
        // Servers send a list of one error, too.
        let said = json.as_array().and_then(|list| list.first()).unwrap_or(&json);
        if let Some(error) = said.get("error").filter(|error| is_error(error)) {
            return Ok(json!({ "error": error }).to_string());
        }
        is_over |= is_end(&json);
        if let Some(Value::Object(mut more)) = json.pointer_mut("/candidates/0").map(Value::take) {
            if let Some(Value::Array(more)) = more
                .get_mut("content")
                .and_then(|content| content.get_mut("parts"))
                .map(Value::take)
            {
                parts.extend(more);
            }
            more.shift_remove("content");
            if let Some(more) = more.shift_remove(LOGPROBS) {
                go_on(candidate.entry(LOGPROBS).or_insert_with(|| json!({})), more);
            }
            candidate.extend(more);
        }
        if let Value::Object(mut others) = json {
            others.shift_remove("candidates");
            // Counts so far: the last ones are those of the answer.
            response.extend(others);
        }
    }
    if !is_over {
        return Err(cut_off());
    }
    if !candidate.is_empty() || !parts.is_empty() {
        candidate.insert("content".into(), json!({ "role": "model", "parts": parts }));
        response.insert("candidates".into(), json!([candidate]));
    }
    Ok(Value::from(response).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_sent_events::events;

    fn check(parts: &[&str], expected: &str) {
        let body: String = parts.iter().map(|part| ["data: ", part, "\r\n\r\n"].concat()).collect();
        let told = assemble(&events(&body).0).map_err(|error| error.failure.message);
        assert_eq!(told.unwrap_or_else(|message| message), expected);
    }

    #[test]
    fn parts_add_up() {
        check(
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]},"index":0}],"modelVersion":"g","usageMetadata":{"promptTokenCount":10}}"#,
                r#"{"candidates":[{"content":{"parts":[{"text":"ye"}]},"index":0}],"modelVersion":"g"}"#,
                r#"{"candidates":[{"content":{"parts":[{"text":"s"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5}}"#,
            ],
            r#"{"modelVersion":"g","usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5},"candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":[{"text":"hm","thought":true},{"text":"ye"},{"text":"s"}]}}]}"#,
        );
        check(
            &[r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#],
            r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
        );
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        let start = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
        let broken = "the connection broke: the stream ends before the answer does";
        check(&[start], broken);
        check(&[start, r#"{"candidates":"x"}"#, "[]", "7"], broken);
        check(&[start, r#"{"error":{"code":503}}"#], r#"{"error":{"code":503}}"#);
        check(&[start, r#"[{"error":{"code":503}}]"#], r#"{"error":{"code":503}}"#);
        check(&[start, "what?"], "an event of the stream is not JSON: what?");
    }

    #[test]
    fn words_in_an_answer_end_nothing() {
        let event = |text: &str| StreamEvent {
            data: json!({ "candidates": [{ "content": { "parts": [{ "text": text }] } }] })
                .to_string(),
            ..StreamEvent::default()
        };
        assert!(!is_last(&event("finishReason")) && !is_last(&event("error")));
        assert!(holds_text(&event("finishReason")) && !holds_text(&event("")));
    }
}
