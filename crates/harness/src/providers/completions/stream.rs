//! A stream of pieces of a text, put together into the completion that would have come whole.

use serde_json::{Map, Value, json};

use crate::{
    failure::is_error,
    providers::{
        broken_stream::{cut_off, unreadable_event, without_reason},
        reported_logprobs::go_on,
    },
    reply::AttemptError,
    server_sent_events::StreamEvent,
};

/// Whether an event holds a piece of the text.
pub(super) fn holds_text(event: &StreamEvent) -> bool {
    let json = event.json().unwrap_or_default();
    json["choices"][0]["text"].as_str().is_some_and(|text| !text.is_empty())
}

/// The completion that the events add up to, as JSON; an error among them as the protocol has it.
pub(super) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    let (mut response, mut choice) = (Map::new(), Map::new());
    let (mut text, mut is_over, mut is_done) = (None::<String>, false, false);
    for event in events {
        if event.is_done() {
            is_done = true;
            break;
        }
        let mut json = event.json().ok_or_else(|| unreadable_event(&event.data))?;
        let error = json.get("error").filter(|error| is_error(error));
        if let Some(error) = error.or_else(|| (event.name == "error").then_some(&json)) {
            return Ok(json!({ "error": error }).to_string());
        }
        if let Some(Value::Object(more)) = json.pointer_mut("/choices/0").map(Value::take) {
            for (field, value) in more {
                match (field.as_str(), value) {
                    (_, Value::Null) => {}
                    ("text", Value::String(more)) => text.get_or_insert_default().push_str(&more),
                    ("logprobs", value) => {
                        go_on(choice.entry(field).or_insert_with(|| json!({})), value);
                    }
                    (_, value) => drop(choice.insert(field, value)),
                }
            }
        }
        let ends = choice.get("finish_reason").and_then(Value::as_str);
        is_over |= ends.is_some_and(|reason| !reason.is_empty());
        let Value::Object(others) = json else { continue };
        let others =
            others.into_iter().filter(|(name, value)| name != "choices" && !value.is_null());
        response.extend(others);
    }
    if !is_over {
        return Err(if is_done { without_reason("finish_reason") } else { cut_off() });
    }
    if let Some(text) = text {
        choice.insert("text".into(), text.into());
    }
    response.insert("choices".into(), json!([choice]));
    Ok(Value::from(response).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_sent_events::events;

    #[test]
    fn pieces_add_up() {
        let body = "data: {\"model\":\"m\",\"choices\":[{\"text\":\"ye\",\"finish_reason\":null}]}\n\n\
                    data: {\"choices\":[{\"text\":\"s\",\"finish_reason\":\"stop\"}]}\n\n\
                    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
        assert_eq!(
            assemble(&events(body).0).ok().as_deref(),
            Some(
                r#"{"model":"m","usage":{"prompt_tokens":1},"choices":[{"finish_reason":"stop","text":"yes"}]}"#
            )
        );
    }

    #[test]
    fn what_does_not_end_is_no_completion() {
        let part = "data: {\"choices\":[{\"text\":\"ye\"}]}\n\n";
        for (body, expected) in [
            (part.to_owned(), "the connection broke: the stream ends before the answer does"),
            (
                format!("{part}data: [DONE]\n\n"),
                "the stream ends without a `finish_reason`, so that the answer may be cut off",
            ),
        ] {
            let error = assemble(&events(&body).0).expect_err(&body);
            assert_eq!(error.failure.message, expected);
        }
    }
}
