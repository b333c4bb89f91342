//! A named prompt variant: the messages it renders for an item.

use std::sync::Arc;

use crate::{
    item::Item,
    request::Message,
    source_place::FilePlace,
    template::{Template, TemplateError},
};

/// A prompt of the suite.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its name in the suite.
    pub name: Arc<str>,
    /// BLAKE3 of its roles and template sources, 32 hexadecimal digits.
    pub hash: Arc<str>,
    /// Its file, or its line in the suite.
    pub place: FilePlace,
    /// One template per message, with its role.
    pub messages: Vec<MessageTemplate>,
}

/// One message of a prompt.
#[derive(Clone, Debug)]
pub struct MessageTemplate {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: Template,
}

impl Prompt {
    /// The conversation for one item.
    pub fn render(&self, item: &Item) -> Result<Vec<Message>, TemplateError> {
        self.messages
            .iter()
            .map(|message| {
                let content = message.content.render(&item.fields)?;
                Ok(Message::new(&*message.role, content))
            })
            .collect()
    }
}
