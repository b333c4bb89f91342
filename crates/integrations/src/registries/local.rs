//! A prompt of the library on its way to a registry.

use std::collections::BTreeMap;

use evalmark_core::prompt_library::LibraryPrompt;

use super::{
    content::{Body, Content},
    template::inlined,
};

/// A prompt of the library, with its file as it stands there.
#[derive(Clone, Copy, Debug)]
pub struct LocalPrompt<'a> {
    /// The prompt.
    pub prompt: &'a LibraryPrompt,
    /// The text of its file.
    pub file: &'a str,
    /// The commit of the working tree; ends in `+changes` where it has changes.
    pub commit: Option<&'a str>,
}

impl LocalPrompt<'_> {
    /// What a registry gets: the messages with what they include in its place, and the configuration of the model as
    /// the registry writes it.
    pub(super) fn content(&self, config: serde_json::Map<String, serde_json::Value>) -> Content {
        Content { body: self.body(), config }
    }

    fn body(&self) -> Body {
        let included: &BTreeMap<String, String> = &self.prompt.content.included;
        match self.prompt.content.messages.as_slice() {
            [(role, text)] if role == "user" => Body::Text(inlined(text, included)),
            messages => {
                let messages = messages.iter();
                Body::Chat(messages.map(|(r, text)| (r.clone(), inlined(text, included))).collect())
            }
        }
    }
}
