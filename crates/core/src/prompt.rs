//! A named prompt variant: the messages it renders for an item, and what it asks for beside them.

use std::{path::Path, sync::Arc};

use crate::{
    examples::Examples,
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
    /// What it shows before it asks.
    pub(crate) examples: Option<Arc<Examples>>,
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
        let Some(examples) = &self.examples else { return self.rendered(item, None) };
        let chosen = examples.of(item)?;
        let rows: Vec<_> = chosen.iter().map(|row| row.fields.clone()).collect();
        let mut messages = self.rendered(item, Some(&rows))?;
        if let Some(at) = self.question() {
            messages.splice(at..at, examples.turns(&chosen, &self.messages[at])?);
        }
        Ok(messages)
    }

    fn rendered(
        &self,
        item: &Item,
        examples: Option<&[Fields]>,
    ) -> Result<Vec<Message>, TemplateError> {
        let messages = self.messages.iter();
        messages.map(|message| message.render(&item.fields, examples)).collect()
    }

    /// The place of its last user message.
    pub(crate) fn question(&self) -> Option<usize> {
        self.messages.iter().rposition(|message| message.role == "user")
    }

    /// The request to a model with this conversation.
    pub fn request(&self, model: &Model, messages: Arc<[Message]>, epoch: u32) -> Request {
        let (tools, response_schema) = (self.tools.clone(), self.response_schema.clone());
        Request { response_schema, tools, ..model.request(messages, epoch) }
    }

    /// Whether it shows a column.
    pub fn shows(&self, column: &str) -> bool {
        self.templates().any(|template| template.names(column))
    }

    /// The text of its templates, as they were written.
    pub fn own_text(&self) -> String {
        self.templates().map(Template::source).collect::<Vec<_>>().join("\n")
    }

    /// The rows of a file of examples that it may show: the file, the row in it, and its columns. None where
    /// examples are items of the dataset itself, which are never shown with themselves.
    pub fn example_rows(&self) -> Vec<(&Path, u64, &Fields)> {
        let examples = self.examples.iter().filter(|examples| !examples.is_dataset);
        let rows = examples.flat_map(|examples| {
            examples.rows.iter().map(|row| (examples.origin.as_path(), row.row, &row.fields))
        });
        rows.collect()
    }

    /// Every template in it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let own = self.messages.iter().flat_map(|message| &message.parts);
        let of_examples = self.examples.iter().flat_map(|examples| examples.templates());
        own.map(PartTemplate::template).chain(of_examples)
    }
}

impl MessageTemplate {
    /// The message for a row.
    pub(crate) fn render(
        &self,
        fields: &Fields,
        examples: Option<&[Fields]>,
    ) -> Result<Message, TemplateError> {
        let parts = self.parts.iter().map(|part| part.render(fields, examples));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Message::of_parts(&*self.role, parts))
    }
}

impl PartTemplate {
    /// The part for a row.
    pub(crate) fn render(
        &self,
        fields: &Fields,
        examples: Option<&[Fields]>,
    ) -> Result<Part, TemplateError> {
        match self {
            Self::Text(template) => {
                template.render_with(fields, examples).map(|text| Part::Text { text })
            }
            Self::Media(media) => media.render(fields, examples),
        }
    }

    pub(crate) fn template(&self) -> &Template {
        match self {
            Self::Text(template) => template,
            Self::Media(media) => &media.source,
        }
    }
}
