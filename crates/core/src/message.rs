//! Messages of a conversation: who speaks, and the parts of what is said.

use std::borrow::Cow;

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

impl Part {
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
