//! Messages as the protocol has them: what the system says apart, and content in blocks.

use evalmark_core::{
    message::{Media, MediaSource, Part, ToolCall},
    request::Message,
};
use serde_json::{Value, json};

/// What the protocol has no place for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MessageError {
    #[error("Anthropic's messages have no place for audio")]
    Audio,
    #[error("the arguments of a call of `{0}` are not JSON")]
    Arguments(String),
}

/// The system prompt, and the conversation. Whatever the system says, wherever it says it, comes
/// first.
pub(super) fn written(messages: &[Message]) -> Result<(String, Vec<Value>), MessageError> {
    let is_system = |message: &&Message| matches!(message.role.as_str(), "system" | "developer");
    let system: Vec<_> = messages.iter().filter(is_system).map(Message::text).collect();
    let others = messages.iter().filter(|message| !is_system(message)).map(|message| {
        // What a tool answers comes from the user's side.
        let role = if message.role == "tool" { "user" } else { message.role.as_str() };
        let content = match message.only_text() {
            Some(text) => Value::from(text),
            None => message.parts().iter().map(block).collect::<Result<Vec<_>, _>>()?.into(),
        };
        Ok(json!({ "role": role, "content": content }))
    });
    Ok((system.join("\n\n"), others.collect::<Result<_, MessageError>>()?))
}

fn block(part: &Part) -> Result<Value, MessageError> {
    Ok(match part {
        Part::Text { text } => json!({ "type": "text", "text": text }),
        Part::Image(media) => json!({ "type": "image", "source": source(media) }),
        Part::File(media) => {
            let mut block = json!({ "type": "document", "source": source(media) });
            if let Some(name) = &media.name {
                block["title"] = name.as_str().into();
            }
            block
        }
        Part::Audio(_) => return Err(MessageError::Audio),
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            let wrong = |_| MessageError::Arguments(name.clone());
            let input: Value = serde_json::from_str(arguments).map_err(wrong)?;
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
        Part::ToolResult { id, content } => {
            json!({ "type": "tool_result", "tool_use_id": id, "content": content })
        }
    })
}

fn source(Media { media_type, source, .. }: &Media) -> Value {
    match source {
        MediaSource::Url(url) => json!({ "type": "url", "url": url }),
        MediaSource::Base64(data) => {
            json!({ "type": "base64", "media_type": media_type, "data": data })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_blocks() {
        let media =
            |source| Media { media_type: "image/png".into(), name: Some("a".into()), source };
        let call = |arguments: &str| ToolCall {
            id: "c".into(),
            name: "f".into(),
            arguments: arguments.into(),
        };
        let messages = [
            Message::of_parts(
                "user",
                vec![
                    Part::Text { text: "see".into() },
                    Part::Image(media(MediaSource::Base64("AAAA".into()))),
                    Part::File(media(MediaSource::Url("https://h/a".into()))),
                ],
            ),
            Message::of_parts("assistant", vec![Part::ToolCall(call(r#"{"a":1}"#))]),
            Message::of_parts(
                "tool",
                vec![Part::ToolResult { id: "c".into(), content: "7".into() }],
            ),
        ];
        let expected = [
            json!({ "role": "user", "content": [
                { "type": "text", "text": "see" },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                { "type": "document", "source": { "type": "url", "url": "https://h/a" }, "title": "a" },
            ] }),
            json!({ "role": "assistant", "content": [
                { "type": "tool_use", "id": "c", "name": "f", "input": { "a": 1 } },
            ] }),
            json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "c", "content": "7" },
            ] }),
        ];
        assert_eq!(written(&messages), Ok((String::new(), expected.to_vec())));
        let audio =
            Message::of_parts("user", vec![Part::Audio(media(MediaSource::Url("u".into())))]);
        assert_eq!(written(&[audio]).map(drop), Err(MessageError::Audio));
        let odd = Message::of_parts("assistant", vec![Part::ToolCall(call("{"))]);
        assert_eq!(written(&[odd]).map(drop), Err(MessageError::Arguments("f".into())));
    }
}
