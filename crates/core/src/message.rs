//! Messages of a conversation: who speaks, and the parts of what is said.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// What is said.
    pub content: Content,
}

/// What a message holds. As JSON it is a text where it is one, and else a list of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Vec<Part>);

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text {
        /// The rendered text.
        text: String,
    },
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A document.
    File(Media),
    /// A call of a tool, in a message of the model's.
    ToolCall(ToolCall),
    /// What a tool answered.
    ToolResult {
        /// The call's id.
        id: String,
        /// The answer.
        content: String,
    },
}

/// What is no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Its type, such as `image/png`.
    pub media_type: String,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
}

/// Where a medium is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// At an address that the provider fetches.
    Url(String),
    /// Here, in base64.
    Base64(String),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What its result refers to; empty where the server gave none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, as JSON.
    pub arguments: String,
}

impl Message {
    /// A message that is a text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self { role: role.into(), content: Content(vec![Part::Text { text: text.into() }]) }
    }

    /// A message of several parts.
    pub fn of_parts(role: impl Into<String>, parts: Vec<Part>) -> Self {
        Self { role: role.into(), content: Content(parts) }
    }

    /// Its text: that of its parts, one after the other.
    pub fn text(&self) -> Cow<'_, str> {
        match self.content.0.as_slice() {
            [Part::Text { text }] => Cow::Borrowed(text),
            parts => parts.iter().filter_map(Part::text).collect::<Vec<_>>().concat().into(),
        }
    }

    /// Its text where it is nothing else.
    pub fn only_text(&self) -> Option<&str> {
        match self.content.0.as_slice() {
            [Part::Text { text }] => Some(text),
            _ => None,
        }
    }

    /// Its parts.
    pub fn parts(&self) -> &[Part] {
        &self.content.0
    }

    /// Its text, with what is no text named in brackets.
    pub fn shown(&self) -> Cow<'_, str> {
        if self.parts().iter().all(|part| part.media().is_none()) {
            return self.text();
        }
        let shown = self.parts().iter().map(|part| match part.media() {
            Some((kind, media)) => Cow::Owned(format!("[{kind} {}]\n", media.label())),
            None => part.text().unwrap_or_default().into(),
        });
        shown.collect::<String>().into()
    }

    /// The same with the BLAKE3 and the size of each medium in the place of its bytes.
    pub fn addressed(&self) -> Cow<'_, Self> {
        let is_here = |part: &Part| {
            part.media().is_some_and(|(_, media)| matches!(media.source, MediaSource::Base64(_)))
        };
        if !self.parts().iter().any(is_here) {
            return Cow::Borrowed(self);
        }
        let part = |part: &Part| match part {
            Part::Image(media) => Part::Image(media.addressed()),
            Part::Audio(media) => Part::Audio(media.addressed()),
            Part::File(media) => Part::File(media.addressed()),
            other => other.clone(),
        };
        let parts = self.parts().iter().map(part).collect();
        Cow::Owned(Self::of_parts(&*self.role, parts))
    }

    /// Characters of text that cost about as many tokens as the message does.
    pub fn estimated_characters(&self) -> u64 {
        let of_media = |part: &Part| part.media().map_or(0, |(_, media)| media.characters(part));
        let text = self.text().chars().count() as u64;
        text + self.parts().iter().map(of_media).sum::<u64>()
    }

    /// Bytes of text in it.
    pub fn text_bytes(&self) -> usize {
        self.parts().iter().filter_map(Part::text).map(str::len).sum()
    }

    /// The same with every text passed through `change`.
    #[must_use]
    pub fn map_text(&self, change: impl Fn(&str) -> String) -> Self {
        let part = |part: &Part| match part {
            Part::Text { text } => Part::Text { text: change(text) },
            Part::ToolResult { id, content } => {
                Part::ToolResult { id: id.clone(), content: change(content) }
            }
            other => other.clone(),
        };
        Self::of_parts(&*self.role, self.parts().iter().map(part).collect())
    }
}

/// How an address begins that stands for what is left out: BLAKE3 in hexadecimal, and the size.
const CONTENT_ADDRESS: &str = "blake3:";
/// Characters of text that cost about as much as a picture of usual size.
const CHARACTERS_PER_IMAGE: u64 = 4000;
/// Bytes of sound, or of a document with pictures and fonts, for a character of text.
const BYTES_PER_CHARACTER: u64 = 64;

impl Media {
    /// The same with the BLAKE3 and the size of its bytes as its address.
    fn addressed(&self) -> Self {
        let MediaSource::Base64(data) = &self.source else { return self.clone() };
        // What is no base64 is content, too.
        let bytes = BASE64_STANDARD.decode(data).unwrap_or_else(|_| data.clone().into_bytes());
        let (hash, size) = (blake3::hash(&bytes).to_hex(), bytes.len());
        let source = MediaSource::Url(format!("{CONTENT_ADDRESS}{hash}?bytes={size}"));
        Self { source, ..self.clone() }
    }

    /// Bytes of it, where they are known.
    fn n_bytes(&self) -> Option<u64> {
        match &self.source {
            MediaSource::Base64(data) => Some(data.len() as u64 / 4 * 3),
            MediaSource::Url(url) => {
                let (_, size) = url.strip_prefix(CONTENT_ADDRESS)?.split_once("?bytes=")?;
                size.parse().ok()
            }
        }
    }

    /// Name, type and size, or its address.
    fn label(&self) -> String {
        let name = self.name.as_deref().map_or_else(String::new, |name| format!("{name}, "));
        match (self.n_bytes(), &self.source) {
            (Some(bytes), _) => format!("{name}{}, {bytes} bytes", self.media_type),
            (None, MediaSource::Url(url)) => url.clone(),
            (None, MediaSource::Base64(_)) => self.media_type.clone(),
        }
    }

    fn characters(&self, part: &Part) -> u64 {
        match (part, self.n_bytes()) {
            (Part::Image(_), _) | (_, None) => CHARACTERS_PER_IMAGE,
            (_, Some(bytes)) if self.media_type.starts_with("text/") => bytes,
            (_, Some(bytes)) => bytes / BYTES_PER_CHARACTER,
        }
    }
}

impl Part {
    /// What is no text, and its kind in words.
    fn media(&self) -> Option<(&'static str, &Media)> {
        match self {
            Self::Image(media) => Some(("image", media)),
            Self::Audio(media) => Some(("audio", media)),
            Self::File(media) => Some(("file", media)),
            Self::Text { .. } | Self::ToolCall(_) | Self::ToolResult { .. } => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::ToolResult { content, .. } => Some(content),
            Self::Image(_) | Self::Audio(_) | Self::File(_) | Self::ToolCall(_) => None,
        }
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [Part::Text { text }] => serializer.serialize_str(text),
            parts => parts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = match Value::deserialize(deserializer)? {
            Value::String(text) => vec![Part::Text { text }],
            parts => serde_json::from_value(parts).map_err(D::Error::custom)?,
        };
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &Message, json: &str) {
        assert_eq!(serde_json::to_string(message).ok().as_deref(), Some(json));
        let back: Message = serde_json::from_str(json).expect(json);
        assert_eq!(&back, message);
    }

    #[test]
    fn what_is_no_text_is_kept_by_its_content_address() {
        let media = Media {
            media_type: "image/png".to_owned(),
            name: Some("a.png".to_owned()),
            source: MediaSource::Base64("aGVsbG8=".to_owned()),
        };
        let text = Part::Text { text: "see ".to_owned() };
        let message = Message::of_parts("user", vec![text, Part::Image(media)]);
        let kept = message.addressed().into_owned();
        let hash = blake3::hash(b"hello").to_hex();
        check(
            &kept,
            &format!(
                r#"{{"role":"user","content":[{{"type":"text","text":"see "}},{{"type":"image","media_type":"image/png","name":"a.png","url":"blake3:{hash}?bytes=5"}}]}}"#
            ),
        );
        assert_eq!(kept.addressed().into_owned(), kept);
        assert_eq!(kept.shown(), "see [image a.png, image/png, 5 bytes]\n");
        assert_eq!(kept.estimated_characters(), 4 + CHARACTERS_PER_IMAGE);
        assert!(matches!(Message::new("user", "a").addressed(), Cow::Borrowed(_)));
    }

    #[test]
    fn a_text_is_written_as_a_text_and_parts_as_a_list() {
        check(&Message::new("user", "hi"), r#"{"role":"user","content":"hi"}"#);
        let text = |text: &str| Part::Text { text: text.to_owned() };
        let media = |source| Media { media_type: "image/png".to_owned(), name: None, source };
        let image = Part::Image(media(MediaSource::Base64("AAAA".to_owned())));
        let message = Message::of_parts("user", vec![text("see"), image, text(" this")]);
        check(
            &message,
            r#"{"role":"user","content":[{"type":"text","text":"see"},{"type":"image","media_type":"image/png","base64":"AAAA"},{"type":"text","text":" this"}]}"#,
        );
        assert_eq!((&*message.text(), message.only_text()), ("see this", None));
        assert_eq!(message.text_bytes(), 8);
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
        check(
            &Message::of_parts("assistant", vec![Part::ToolCall(call)]),
            r#"{"role":"assistant","content":[{"type":"tool_call","id":"c","name":"f","arguments":"{}"}]}"#,
        );
        let file = Media {
            media_type: "application/pdf".to_owned(),
            name: Some("a.pdf".to_owned()),
            source: MediaSource::Url("https://h/a.pdf".to_owned()),
        };
        check(
            &Message::of_parts("user", vec![Part::File(file)]),
            r#"{"role":"user","content":[{"type":"file","media_type":"application/pdf","name":"a.pdf","url":"https://h/a.pdf"}]}"#,
        );
        let result = Part::ToolResult { id: "c".into(), content: "7".into() };
        check(
            &Message::of_parts("tool", vec![result]),
            r#"{"role":"tool","content":[{"type":"tool_result","id":"c","content":"7"}]}"#,
        );
    }
}
