//! Messages as the protocol has them: what the system says apart, and contents of parts.

use std::collections::HashMap;

use evalmark_core::{
    message::{Media, MediaSource, Part, ToolCall},
    request::Message,
};
use serde_json::{Value, json};

/// What the protocol has no place for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::providers) enum ContentError {
    #[error("the arguments of a call of `{0}` are not a JSON object")]
    Arguments(String),
    #[error("a tool's result answers no call: there is none with the id `{0}` before it")]
    Result(String),
}

/// The system prompt, and the conversation. Whatever the system says, wherever it says it, comes
/// first.
pub(super) fn written(messages: &[Message]) -> Result<(String, Vec<Value>), ContentError> {
    let is_system = |message: &&Message| matches!(message.role.as_str(), "system" | "developer");
    let system: Vec<_> = messages.iter().filter(is_system).map(Message::text).collect();
    let (mut contents, mut called) = (Vec::<(&str, Vec<Value>)>::new(), HashMap::new());
    for message in messages.iter().filter(|message| !is_system(message)) {
        for part in message.parts() {
            if let Part::ToolCall(call) = part {
                called.insert(call.id.as_str(), call.name.as_str());
            }
        }
        let parts = message.parts().iter().map(|part| written_part(part, &called));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        match contents.last_mut() {
            // Results of calls that were made together come together.
            Some(("tool", before)) if message.role == "tool" => before.extend(parts),
            _ => contents.push((&message.role, parts)),
        }
    }
    let content = |(role, parts)| {
        let role = if role == "assistant" { "model" } else { "user" };
        json!({ "role": role, "parts": parts })
    };
    Ok((system.join("\n\n"), contents.into_iter().map(content).collect()))
}

fn written_part(part: &Part, called: &HashMap<&str, &str>) -> Result<Value, ContentError> {
    Ok(match part {
        Part::Text { text } => json!({ "text": text }),
        Part::Image(media) | Part::Audio(media) | Part::File(media) => written_media(media),
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            let args = serde_json::from_str(arguments).ok().filter(Value::is_object);
            let args = args.ok_or_else(|| ContentError::Arguments(name.clone()))?;
            json!({ "functionCall": with_id(id, json!({ "name": name, "args": args })) })
        }
        Part::ToolResult { id, content } => {
            let name = called.get(id.as_str()).ok_or_else(|| ContentError::Result(id.clone()))?;
            // A result is an object; `output` is where the protocol wants any other.
            let object = serde_json::from_str(content).ok().filter(Value::is_object);
            let response = object.unwrap_or_else(|| json!({ "output": content }));
            json!({ "functionResponse": with_id(id, json!({ "name": name, "response": response })) })
        }
    })
}

/// The same with the id of a call, where it has one.
fn with_id(id: &str, mut call: Value) -> Value {
    if !id.is_empty() {
        call["id"] = id.into();
    }
    call
}

fn written_media(Media { media_type, source, .. }: &Media) -> Value {
    match source {
        MediaSource::Base64(data) => {
            json!({ "inlineData": { "mimeType": media_type, "data": data } })
        }
        MediaSource::Url(url) => json!({ "fileData": { "mimeType": media_type, "fileUri": url } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(media_type: &str, source: MediaSource) -> Media {
        Media { media_type: media_type.into(), name: None, source }
    }

    fn call(id: &str, arguments: &str) -> Part {
        Part::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into() })
    }

    fn result(id: &str, content: &str) -> Message {
        Message::of_parts("tool", vec![Part::ToolResult { id: id.into(), content: content.into() }])
    }

    #[test]
    fn messages_become_contents_of_parts() {
        let messages = [
            Message::new("system", "be brief"),
            Message::of_parts(
                "user",
                vec![
                    Part::Text { text: "see".into() },
                    Part::Image(media("image/png", MediaSource::Base64("AAAA".into()))),
                    Part::Audio(media("audio/mpeg", MediaSource::Base64("AAAA".into()))),
                    Part::File(media("application/pdf", MediaSource::Url("https://h/a".into()))),
                ],
            ),
            Message::of_parts("assistant", vec![call("c", r#"{"a":1}"#), call("d", "{}")]),
            result("c", "7"),
            result("d", r#"{"n":7}"#),
            Message::new("developer", "be kind"),
        ];
        let expected = [
            json!({ "role": "user", "parts": [
                { "text": "see" },
                { "inlineData": { "mimeType": "image/png", "data": "AAAA" } },
                { "inlineData": { "mimeType": "audio/mpeg", "data": "AAAA" } },
                { "fileData": { "mimeType": "application/pdf", "fileUri": "https://h/a" } },
            ] }),
            json!({ "role": "model", "parts": [
                { "functionCall": { "name": "f", "args": { "a": 1 }, "id": "c" } },
                { "functionCall": { "name": "f", "args": {}, "id": "d" } },
            ] }),
            json!({ "role": "user", "parts": [
                { "functionResponse": { "name": "f", "response": { "output": "7" }, "id": "c" } },
                { "functionResponse": { "name": "f", "response": { "n": 7 }, "id": "d" } },
            ] }),
        ];
        assert_eq!(written(&messages), Ok(("be brief\n\nbe kind".to_owned(), expected.to_vec())));
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        let odd = Message::of_parts("assistant", vec![call("c", "[1]")]);
        assert_eq!(written(&[odd]).map(drop), Err(ContentError::Arguments("f".into())));
        let stray = written(&[result("c", "7")]);
        assert_eq!(stray.map(drop), Err(ContentError::Result("c".into())));
    }
}
