//! Messages as chat completions have them.

use evalmark_core::{
    message::{Media, MediaSource, Part, ToolCall},
    request::Message,
};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// The messages of a request. One that is a text is written as it is.
pub(in crate::providers) struct Messages<'a>(pub(in crate::providers) &'a [Message]);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.iter().all(|message| message.only_text().is_some()) {
            return self.0.serialize(serializer);
        }
        serializer.collect_seq(self.0.iter().flat_map(written))
    }
}

/// A message as the protocol has it: what tools answered are messages of their own.
fn written(message: &Message) -> Vec<Value> {
    if let Some(text) = message.only_text() {
        return vec![json!({ "role": message.role, "content": text })];
    }
    let (mut content, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for part in message.parts() {
        match part {
            Part::Text { text } => content.push(json!({ "type": "text", "text": text })),
            Part::Image(media) => {
                content.push(json!({ "type": "image_url", "image_url": { "url": url(media) } }));
            }
            Part::Audio(media) => content.push(audio(media)),
            Part::File(media) => content.push(file(media)),
            Part::ToolCall(ToolCall { id, name, arguments }) => {
                let function = json!({ "name": name, "arguments": arguments });
                calls.push(json!({ "id": id, "type": "function", "function": function }));
            }
            Part::ToolResult { id, content } => {
                results.push(json!({ "role": "tool", "tool_call_id": id, "content": content }));
            }
        }
    }
    let mut own = json!({ "role": message.role });
    if !content.is_empty() {
        own["content"] = content.into();
    }
    if !calls.is_empty() {
        own["tool_calls"] = calls.into();
    }
    let is_said = own.get("content").is_some() || own.get("tool_calls").is_some();
    is_said.then_some(own).into_iter().chain(results).collect()
}

/// Where a medium is; what is here is an address of its own.
fn url(Media { media_type, source, .. }: &Media) -> String {
    match source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Base64(data) => format!("data:{media_type};base64,{data}"),
    }
}

fn audio(media: &Media) -> Value {
    // `audio/mpeg` is called `mp3`, all others by their names.
    let format = match media.media_type.rsplit('/').next() {
        Some("mpeg") => "mp3",
        Some("x-wav") => "wav",
        format => format.unwrap_or_default(),
    };
    let data = match &media.source {
        MediaSource::Base64(data) | MediaSource::Url(data) => data,
    };
    json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } })
}

fn file(media: &Media) -> Value {
    let name = media.name.as_deref().unwrap_or("file");
    json!({ "type": "file", "file": { "filename": name, "file_data": url(media) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_as_the_protocol_has_them() {
        let media = |media_type: &str| Media {
            media_type: media_type.into(),
            name: None,
            source: MediaSource::Base64("AAAA".into()),
        };
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
        let messages = [
            Message::new("system", "be brief"),
            Message::of_parts(
                "user",
                vec![
                    Part::Text { text: "see".into() },
                    Part::Image(media("image/png")),
                    Part::Audio(media("audio/mpeg")),
                    Part::File(media("application/pdf")),
                ],
            ),
            Message::of_parts("assistant", vec![Part::ToolCall(call)]),
            Message::of_parts(
                "tool",
                vec![Part::ToolResult { id: "c".into(), content: "7".into() }],
            ),
        ];
        let function = json!({ "name": "f", "arguments": "{}" });
        let expected = json!([
            { "role": "system", "content": "be brief" },
            { "role": "user", "content": [
                { "type": "text", "text": "see" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                { "type": "input_audio", "input_audio": { "data": "AAAA", "format": "mp3" } },
                { "type": "file", "file": { "filename": "file", "file_data": "data:application/pdf;base64,AAAA" } },
            ] },
            { "role": "assistant", "tool_calls": [
                { "id": "c", "type": "function", "function": function },
            ] },
            { "role": "tool", "tool_call_id": "c", "content": "7" },
        ]);
        assert_eq!(serde_json::to_value(Messages(&messages)).ok(), Some(expected));
    }
}
