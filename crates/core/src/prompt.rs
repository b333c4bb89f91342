//! A named prompt variant: the messages it renders for an item, and what it asks for beside them.

use std::sync::Arc;

use crate::{
    fields::Fields,
    item::Item,
    media_template::MediaTemplate,
    message::Part,
    model::Model,
    request::{Message, Request, ResponseSchema},
    source_place::FilePlace,
    template::{Template, TemplateError},
    tools::Tools,
};

/// A prompt of the suite.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its name in the suite.
    pub name: Arc<str>,
    /// BLAKE3 of its roles and template sources, and of what else it asks for, 32 hexadecimal digits.
    pub hash: Arc<str>,
    /// Its file, or its line in the suite.
    pub place: FilePlace,
    /// One template per message, with its role.
    pub messages: Vec<MessageTemplate>,
    /// Tools that the model may call.
    pub tools: Option<Arc<Tools>>,
    /// The form that the answer must have.
    pub response_schema: Option<Arc<ResponseSchema>>,
}

/// One message of a prompt.
#[derive(Clone, Debug)]
pub struct MessageTemplate {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Its parts, at least one.
    pub parts: Vec<PartTemplate>,
}

/// A part of a message.
#[derive(Clone, Debug)]
pub enum PartTemplate {
    /// Text.
    Text(Template),
    /// What is no text.
    Media(MediaTemplate),
}

impl Prompt {
    /// The conversation for one item.
    pub fn render(&self, item: &Item) -> Result<Vec<Message>, TemplateError> {
        self.messages.iter().map(|message| message.render(item)).collect()
    }

    /// The request to a model with this conversation.
    pub fn request(&self, model: &Model, messages: Arc<[Message]>, epoch: u32) -> Request {
        let (tools, response_schema) = (self.tools.clone(), self.response_schema.clone());
        Request { response_schema, tools, ..model.request(messages, epoch) }
    }

    /// Every template in it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.messages.iter().flat_map(|message| &message.parts).map(PartTemplate::template)
    }
}

impl MessageTemplate {
    /// The message for one item.
    pub(crate) fn render(&self, item: &Item) -> Result<Message, TemplateError> {
        let parts = self.parts.iter().map(|part| part.render(&item.fields));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Message::of_parts(&*self.role, parts))
    }
}

impl PartTemplate {
    /// The part for a row.
    pub(crate) fn render(&self, fields: &Fields) -> Result<Part, TemplateError> {
        match self {
            Self::Text(template) => template.render(fields).map(|text| Part::Text { text }),
            Self::Media(media) => media.render(fields),
        }
    }

    pub(crate) fn template(&self) -> &Template {
        match self {
            Self::Text(template) => template,
            Self::Media(media) => &media.source,
        }
    }
}
