//! Messages as the protocol has them: what the system says apart, and content in blocks.

use evalmark_core::{
    message::{Media, MediaSource, Part, ToolCall},
    request::Message,
};
use serde_json::{Value, json};

/// What the protocol has no place for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("Bedrock fetches no media: `{0}` has to be a file")]
    Address(String),
    #[error("Bedrock has no format for `{0}`")]
    Format(String),
    #[error("the arguments of a call of `{0}` are not JSON")]
    Arguments(String),
    #[error("this model takes one text at a time")]
    OneText,
}

/// The blocks of what the system says, and the conversation. Whatever the system says, wherever it
/// says it, comes first.
pub(super) fn written(messages: &[Message]) -> Result<(Vec<Value>, Vec<Value>), BodyError> {
    let is_system = |message: &&Message| matches!(message.role.as_str(), "system" | "developer");
    let system = messages.iter().filter(is_system).map(|message| json!({ "text": message.text() }));
    let (mut contents, mut n_files) = (Vec::<(&str, Vec<Value>)>::new(), 0);
    for message in messages.iter().filter(|message| !is_system(message)) {
        let role = if message.role == "assistant" { "assistant" } else { "user" };
        let blocks = message.parts().iter().map(|part| block(part, &mut n_files));
        let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
        match contents.last_mut() {
            // Both sides take turns.
            Some((last, before)) if *last == role => before.extend(blocks),
            _ => contents.push((role, blocks)),
        }
    }
    let content = |(role, content)| json!({ "role": role, "content": content });
    Ok((system.collect(), contents.into_iter().map(content).collect()))
}

fn block(part: &Part, n_files: &mut u32) -> Result<Value, BodyError> {
    Ok(match part {
        Part::Text { text } => json!({ "text": text }),
        Part::Image(media) => json!({ "image": source(media, IMAGES)? }),
        Part::Audio(media) => json!({ "audio": source(media, AUDIO)? }),
        Part::File(media) => {
            *n_files += 1;
            let mut document = source(media, DOCUMENTS)?;
            document["name"] = document_name(media.name.as_deref(), *n_files).into();
            json!({ "document": document })
        }
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            let wrong = |_| BodyError::Arguments(name.clone());
            let input: Value = serde_json::from_str(arguments).map_err(wrong)?;
            json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } })
        }
        Part::ToolResult { id, content } => {
            json!({ "toolResult": { "toolUseId": id, "content": [{ "text": content }] } })
        }
    })
}

/// Types of media, and what the protocol calls them.
type Formats = &'static [(&'static str, &'static str)];

const IMAGES: Formats =
    &[("image/png", "png"), ("image/jpeg", "jpeg"), ("image/gif", "gif"), ("image/webp", "webp")];

const AUDIO: Formats = &[
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/ogg", "ogg"),
    ("audio/opus", "opus"),
    ("audio/flac", "flac"),
    ("audio/aac", "aac"),
    ("audio/mp4", "m4a"),
    ("audio/webm", "webm"),
];

const DOCUMENTS: Formats = &[
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
];

fn source(media: &Media, formats: Formats) -> Result<Value, BodyError> {
    let Media { media_type, source, .. } = media;
    let known = formats.iter().find(|(known, _)| known == media_type);
    let (_, format) = known.ok_or_else(|| BodyError::Format(media_type.clone()))?;
    match source {
        MediaSource::Base64(data) => Ok(json!({ "format": format, "source": { "bytes": data } })),
        MediaSource::Url(url) => Err(BodyError::Address(url.clone())),
    }
}

/// A name of letters, digits, single spaces, hyphens and brackets, as the protocol wants it; it has to
/// differ from those of other documents.
fn document_name(name: Option<&str>, n: u32) -> String {
    let stem = name.map(|name| name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' };
    let name: String = stem.unwrap_or("document").chars().map(plain).take(150).collect();
    let words: Vec<_> = name.split_whitespace().collect();
    format!("{} {n}", words.join(" ")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(media_type: &str, name: Option<&str>, source: MediaSource) -> Media {
        Media { media_type: media_type.into(), name: name.map(str::to_owned), source }
    }

    #[test]
    fn parts_become_blocks() {
        let data = || MediaSource::Base64("AAAA".into());
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"a":1}"#.into() };
        let result = |id: &str| {
            Message::of_parts("tool", vec![Part::ToolResult { id: id.into(), content: "7".into() }])
        };
        let messages = [
            Message::new("system", "be brief"),
            Message::of_parts(
                "user",
                vec![
                    Part::Text { text: "see".into() },
                    Part::Image(media("image/png", None, data())),
                    Part::File(media("application/pdf", Some("a_b.c/d.pdf"), data())),
                ],
            ),
            Message::of_parts("assistant", vec![Part::ToolCall(call)]),
            result("c"),
            result("d"),
        ];
        let source = json!({ "bytes": "AAAA" });
        let (system, conversation) = written(&messages).expect("all have a place");
        assert_eq!(system, [json!({ "text": "be brief" })]);
        let expected = [
            json!({ "role": "user", "content": [
                { "text": "see" },
                { "image": { "format": "png", "source": source } },
                { "document": { "format": "pdf", "source": source, "name": "a b c d 1" } },
            ] }),
            json!({ "role": "assistant", "content": [
                { "toolUse": { "toolUseId": "c", "name": "f", "input": { "a": 1 } } },
            ] }),
            json!({ "role": "user", "content": [
                { "toolResult": { "toolUseId": "c", "content": [{ "text": "7" }] } },
                { "toolResult": { "toolUseId": "d", "content": [{ "text": "7" }] } },
            ] }),
        ];
        assert_eq!(conversation, expected);
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        let address = MediaSource::Url("https://h/a.png".into());
        for (part, expected) in [
            (
                Part::Image(media("image/png", None, address)),
                BodyError::Address("https://h/a.png".into()),
            ),
            (
                Part::Image(media("image/tiff", None, MediaSource::Base64("AAAA".into()))),
                BodyError::Format("image/tiff".into()),
            ),
        ] {
            let message = Message::of_parts("user", vec![part]);
            assert_eq!(written(&[message]).map(drop), Err(expected));
        }
    }
}
