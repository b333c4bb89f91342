//! Messages as items of input. What the system says before anybody else stands apart, as instructions.

use evalmark_core::{
    message::{Media, MediaSource, Part, ToolCall},
    request::Message,
};
use serde_json::{Value, json};

/// What is asked.
#[derive(Debug, PartialEq)]
pub(super) struct Input {
    pub(super) instructions: String,
    pub(super) items: Vec<Value>,
}

/// What the protocol has no place for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InputError {
    #[error("the Responses API has no place for audio")]
    Audio,
}

/// The instructions, and the conversation.
pub(super) fn written(messages: &[Message]) -> Result<Input, InputError> {
    let is_system = |message: &Message| {
        matches!(message.role.as_str(), "system" | "developer") && message.only_text().is_some()
    };
    let n_first = messages.iter().take_while(|message| is_system(message)).count();
    // A request has input: where there is nothing else, the last message of the system's is it.
    let (first, others) = messages.split_at(n_first.min(messages.len().saturating_sub(1)));
    let instructions: Vec<_> = first.iter().map(Message::text).collect();
    let mut items = Vec::new();
    for message in others {
        add(message, &mut items)?;
    }
    Ok(Input { instructions: instructions.join("\n\n"), items })
}

/// Adds the items of a message: calls of tools and what they answered are items of their own.
fn add(message: &Message, items: &mut Vec<Value>) -> Result<(), InputError> {
    let role = message.role.as_str();
    let mut own = json!({ "role": role });
    if role == "assistant" {
        // Some servers know the model's own messages by it.
        own["type"] = "message".into();
    }
    if let Some(text) = message.only_text().filter(|_| role != "tool") {
        own["content"] = text.into();
        items.push(own);
        return Ok(());
    }
    let (mut content, mut others) = (Vec::new(), Vec::new());
    for part in message.parts() {
        match part {
            Part::Text { text } => {
                let kind = if role == "assistant" { "output_text" } else { "input_text" };
                content.push(json!({ "type": kind, "text": text }));
            }
            Part::Image(media) => {
                content.push(json!({ "type": "input_image", "image_url": url(media) }));
            }
            Part::File(media) => content.push(file(media)),
            Part::Audio(_) => return Err(InputError::Audio),
            Part::ToolCall(ToolCall { id, name, arguments }) => others.push(json!({
                "type": "function_call", "call_id": id, "name": name, "arguments": arguments,
            })),
            Part::ToolResult { id, content } => others.push(json!({
                "type": "function_call_output", "call_id": id, "output": content,
            })),
        }
    }
    if !content.is_empty() {
        if role == "tool" {
            own["role"] = "user".into();
        }
        own["content"] = content.into();
        items.push(own);
    }
    items.append(&mut others);
    Ok(())
}

/// Where a medium is; what is here is an address of its own.
fn url(Media { media_type, source, .. }: &Media) -> String {
    match source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Base64(data) => format!("data:{media_type};base64,{data}"),
    }
}

fn file(media: &Media) -> Value {
    match &media.source {
        MediaSource::Url(url) => json!({ "type": "input_file", "file_url": url }),
        MediaSource::Base64(_) => {
            let name = media.name.as_deref().unwrap_or("file");
            json!({ "type": "input_file", "filename": name, "file_data": url(media) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &[Message], instructions: &str, items: Value) {
        let read = written(messages).expect("input");
        assert_eq!((read.instructions.as_str(), Value::from(read.items)), (instructions, items));
    }

    fn text(text: &str) -> Part {
        Part::Text { text: text.to_owned() }
    }

    #[test]
    fn what_the_system_says_first_is_instructions() {
        let messages = [
            Message::new("system", "be brief"),
            Message::new("developer", "be kind"),
            Message::new("user", "hi"),
            Message::new("assistant", "yes?"),
            Message::new("system", "now be rude"),
            Message::new("user", "bye"),
        ];
        let items = json!([
            { "role": "user", "content": "hi" },
            { "role": "assistant", "type": "message", "content": "yes?" },
            { "role": "system", "content": "now be rude" },
            { "role": "user", "content": "bye" },
        ]);
        check(&messages, "be brief\n\nbe kind", items);
        check(&messages[..1], "", json!([{ "role": "system", "content": "be brief" }]));
        check(&[], "", json!([]));
    }

    #[test]
    fn media_calls_and_results_have_their_items() {
        let media = |media_type: &str, source| Media {
            media_type: media_type.to_owned(),
            name: None,
            source,
        };
        let here = || MediaSource::Base64("AAAA".to_owned());
        let there = || MediaSource::Url("https://h/a".to_owned());
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
        let messages = [
            Message::of_parts(
                "user",
                vec![
                    text("see"),
                    Part::Image(media("image/png", here())),
                    Part::Image(media("image/png", there())),
                    Part::File(media("application/pdf", here())),
                    Part::File(media("application/pdf", there())),
                ],
            ),
            Message::of_parts("assistant", vec![text("so"), Part::ToolCall(call)]),
            Message::of_parts(
                "tool",
                vec![Part::ToolResult { id: "c".into(), content: "7".into() }],
            ),
        ];
        let items = json!([
            { "role": "user", "content": [
                { "type": "input_text", "text": "see" },
                { "type": "input_image", "image_url": "data:image/png;base64,AAAA" },
                { "type": "input_image", "image_url": "https://h/a" },
                { "type": "input_file", "filename": "file", "file_data": "data:application/pdf;base64,AAAA" },
                { "type": "input_file", "file_url": "https://h/a" },
            ] },
            { "role": "assistant", "type": "message", "content": [{ "type": "output_text", "text": "so" }] },
            { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c", "output": "7" },
        ]);
        check(&messages, "", items);
        let audio = Message::of_parts("user", vec![Part::Audio(media("audio/wav", here()))]);
        assert_eq!(written(&[audio]), Err(InputError::Audio));
    }
}
