//! What tells rows apart: what they hold, and how they read once templates have normalised them.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{fields::Fields, prompt::MessageTemplate, template::Template};

/// How rows and items are compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Likeness {
    /// The columns by which a row is recognised as the item itself.
    columns: Vec<String>,
    /// The prompt, where it can be rendered for an example.
    prompt: Option<Reading>,
    /// The user's turn, where it is not the prompt's own last user message.
    turn: Option<Turn>,
}

/// A turn with a template of its own.
#[derive(Clone, Debug)]
struct Turn {
    user: Reading,
    /// The question that it must not be the same as.
    question: Reading,
}

/// Templates, and the columns that count besides them.
#[derive(Clone, Debug)]
struct Reading {
    templates: Vec<Template>,
    rest: Vec<String>,
}

/// Hashes of what a row holds and of how it reads; `None` is like nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    columns: Option<u64>,
    prompt: Option<u64>,
    user: Option<u64>,
    /// The user's turn and the question, each with the columns that neither of them names.
    said: Option<u64>,
    asked: Option<u64>,
}

impl Likeness {
    /// Rows are alike in `columns`, or where the messages, or the turn of the `user`, read the same for
    /// them. `example` is one of them: a message that cannot be rendered for it tells nothing.
    pub(crate) fn new(
        columns: Vec<String>,
        (messages, question): (&[MessageTemplate], Option<&MessageTemplate>),
        user: Option<&Template>,
        example: Option<&Fields>,
    ) -> Self {
        let renders = |template: &Template| {
            example.is_some_and(|row| template.render_with(row, Some(&[])).is_ok())
        };
        let of = |message: &MessageTemplate| -> Vec<Template> {
            message.parts.iter().map(|part| part.template().clone()).collect()
        };
        let whole = messages.iter().map(of).filter(|templates| templates.iter().all(renders));
        let prompt = Reading::new(whole.flatten().collect(), &columns);
        let turn = user.zip(question).and_then(|(user, question)| {
            let user = Reading::new(vec![user.clone()], &columns)?;
            Some(Turn { user, question: Reading::any(of(question), &columns) })
        });
        Self { columns, prompt, turn }
    }

    pub(crate) fn looks(&self, fields: &Fields) -> Looks {
        let columns = (!self.columns.is_empty()).then(|| cells(fields, &self.columns));
        let prompt = self.prompt.as_ref().and_then(|prompt| prompt.hash(fields, &prompt.rest));
        let looks = Looks { columns, prompt, ..Looks::default() };
        let Some(Turn { user, question }) = &self.turn else { return looks };
        let rest: Vec<_> =
            user.rest.iter().filter(|column| question.rest.contains(column)).cloned().collect();
        Looks {
            user: user.hash(fields, &user.rest),
            said: user.hash(fields, &rest),
            asked: question.hash(fields, &rest),
            ..looks
        }
    }
}

impl Reading {
    /// `None` where the templates name none of the columns, and so read the same for all rows.
    fn new(templates: Vec<Template>, columns: &[String]) -> Option<Self> {
        Some(Self::any(templates, columns)).filter(|reading| reading.rest.len() < columns.len())
    }

    fn any(templates: Vec<Template>, columns: &[String]) -> Self {
        let named = |column: &&String| templates.iter().any(|template| template.names(column));
        let rest = columns.iter().filter(|column| !named(column)).cloned().collect();
        Self { templates, rest }
    }

    /// How a row reads, apart from spaces around it; `None` where it cannot be rendered.
    fn hash(&self, fields: &Fields, rest: &[String]) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        for template in &self.templates {
            template.render_with(fields, Some(&[])).ok()?.trim().hash(&mut hasher);
        }
        cells(fields, rest).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl Looks {
    /// Whether an example is the item itself, or says what is asked about it.
    pub(super) fn is_of(&self, item: &Self) -> bool {
        [
            (self.columns, item.columns),
            (self.prompt, item.prompt),
            (self.user, item.user),
            (self.said, item.asked),
        ]
        .iter()
        .any(|(own, other)| own.is_some() && own == other)
    }

    /// How it is shown, where that is known.
    pub(super) fn shown(&self) -> Option<u64> {
        self.user.or(self.prompt)
    }
}

/// What tells rows apart, as far as these columns do.
pub(super) fn cells(fields: &Fields, columns: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for column in columns {
        let cell = fields.cell(column);
        cell.and_then(|cell| cell.text().ok().flatten()).hash(&mut hasher);
    }
    hasher.finish()
}
