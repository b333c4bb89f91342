//! Few-shot examples: rows that a prompt shows before it asks. Which of them it shows depends on the item
//! and on a seed, never on the order of a file, so that every pass over the items shows the same.

mod draw;
mod likeness;

use std::{collections::HashSet, path::PathBuf};

pub(crate) use self::likeness::{Likeness, Looks};
use self::{
    draw::{Draw, Shuffled},
    likeness::cells,
};
use crate::{
    fields::Fields,
    item::{Item, ItemHash},
    message::Message,
    prompt::MessageTemplate,
    template::{Template, TemplateError},
};

/// The examples of a prompt, and which of them it shows.
#[derive(Clone, Debug)]
pub(crate) struct Examples {
    /// What messages call the file.
    pub(crate) origin: PathBuf,
    /// Whether they are the items themselves.
    pub(crate) is_dataset: bool,
    /// The rows that may be shown, each once: in the file's order where the first are chosen, and else
    /// in the order of their hashes.
    pub(crate) rows: Vec<ExampleRow>,
    /// Indices into `rows` by label, where labels are balanced; else one group of all.
    pub(crate) groups: Vec<Vec<usize>>,
    /// How many are shown.
    pub(crate) count: usize,
    pub(crate) seed: u64,
    pub(crate) choose: Choose,
    /// How a row is recognised as the item itself.
    pub(crate) likeness: Likeness,
    /// How they become turns of the conversation, where they do.
    pub(crate) turns: Option<TurnTemplates>,
}

/// A row that may be shown.
#[derive(Clone, Debug)]
pub(crate) struct ExampleRow {
    /// Its place in the file, from 1.
    pub(crate) row: u64,
    pub(crate) id: Option<String>,
    pub(crate) hash: ItemHash,
    pub(crate) label: Option<String>,
    pub(crate) fields: Fields,
    pub(crate) looks: Looks,
    /// Question and answer, where they are texts.
    pub(crate) turn: Option<[Message; 2]>,
}

/// How examples are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choose {
    /// Drawn anew for each item.
    PerItem,
    /// Drawn once.
    Once,
    /// The first of the file.
    First,
}

/// The two messages of an example.
#[derive(Clone, Debug)]
pub(crate) struct TurnTemplates {
    /// The question, where it is not the prompt's own last user message.
    pub(crate) user: Option<Template>,
    pub(crate) assistant: AnswerTemplate,
}

/// What the model is shown to have answered.
#[derive(Clone, Debug)]
pub(crate) enum AnswerTemplate {
    Template(Template),
    /// The first text of these columns.
    Target(Vec<String>),
}

impl Examples {
    /// The rows that are shown before an item, in that order: none of them is the item itself.
    pub(crate) fn of(&self, item: &Item) -> Result<Vec<&ExampleRow>, TemplateError> {
        let own = self.likeness.looks(&item.fields);
        let is_own =
            |row: &ExampleRow| row.id.as_deref() == Some(&*item.id) || row.looks.is_of(&own);
        let chosen = match self.choose {
            Choose::First => self.rows.iter().filter(|row| !is_own(row)).take(self.count).collect(),
            Choose::Once => self.drawn(Draw::new(self.seed, &[]), is_own),
            Choose::PerItem => self.drawn(Draw::new(self.seed, &item.hash.0), is_own),
        };
        if chosen.len() < self.count {
            return Err(TemplateError { message: self.too_few(chosen.len()), line: None });
        }
        Ok(chosen)
    }

    /// Drawn group by group, in turns.
    fn drawn(&self, mut draw: Draw, is_own: impl Fn(&ExampleRow) -> bool) -> Vec<&ExampleRow> {
        let mut groups: Vec<_> = Shuffled::new(self.groups.len())
            .all(&mut draw)
            .map(|group| (&self.groups[group], Shuffled::new(self.groups[group].len())))
            .collect();
        let mut chosen = Vec::with_capacity(self.count);
        while chosen.len() < self.count && !groups.is_empty() {
            groups.retain_mut(|(group, order)| {
                while let Some(next) = order.next(&mut draw) {
                    let row = &self.rows[group[next]];
                    if !is_own(row) {
                        if chosen.len() < self.count {
                            chosen.push(row);
                        }
                        return true;
                    }
                }
                false
            });
        }
        chosen
    }

    pub(crate) fn too_few(&self, n: usize) -> String {
        format!(
            "`examples` shows {}, and {} has {n} different ones besides the item itself",
            self.count,
            self.origin.display()
        )
    }

    /// The turns of the chosen rows: question and answer, one after the other.
    pub(crate) fn turns(
        &self,
        chosen: &[&ExampleRow],
        question: &MessageTemplate,
    ) -> Result<Vec<Message>, TemplateError> {
        let Some(templates) = &self.turns else { return Ok(Vec::new()) };
        let mut messages = Vec::with_capacity(2 * chosen.len());
        for row in chosen {
            match &row.turn {
                Some(turn) => messages.extend(turn.iter().cloned()),
                None => messages.extend(self.turn(templates, row, question)?),
            }
        }
        Ok(messages)
    }

    /// Question and answer of a row.
    pub(crate) fn turn(
        &self,
        templates: &TurnTemplates,
        row: &ExampleRow,
        question: &MessageTemplate,
    ) -> Result<[Message; 2], TemplateError> {
        let told = |error: TemplateError| {
            let (origin, row) = (self.origin.display(), row.row);
            TemplateError {
                message: format!("examples {origin}, row {row}: {}", error.message),
                ..error
            }
        };
        let user = match &templates.user {
            Some(template) => template.render(&row.fields).map(|text| Message::new("user", text)),
            None => question.render(&row.fields, Some(&[])),
        };
        let assistant = match &templates.assistant {
            AnswerTemplate::Template(template) => template.render(&row.fields),
            AnswerTemplate::Target(columns) => target(&row.fields, columns)
                .map_err(|message| TemplateError { message, line: None }),
        };
        Ok([user.map_err(told)?, Message::new("assistant", assistant.map_err(told)?)])
    }

    /// Every template of the turns.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.turns.iter().flat_map(|turns| {
            let assistant = match &turns.assistant {
                AnswerTemplate::Template(template) => Some(template),
                AnswerTemplate::Target(_) => None,
            };
            turns.user.iter().chain(assistant)
        })
    }
}

/// Leaves one row of those that read the same, in `columns` or where they are shown, and the order of
/// the file only where that counts.
pub(crate) fn each_once(
    mut rows: Vec<ExampleRow>,
    columns: &[String],
    choose: Choose,
) -> Vec<ExampleRow> {
    if choose != Choose::First {
        rows.sort_by_cached_key(|row| (row.hash, row.id.clone(), cells(&row.fields, columns)));
    }
    let (mut seen, mut shown) = (HashSet::new(), HashSet::new());
    rows.retain(|row| {
        let cells = cells(&row.fields, columns);
        seen.insert((cells, columns.is_empty().then_some(row.hash)))
            && row.looks.shown().is_none_or(|look| shown.insert(look))
    });
    rows
}

/// The rows of each label, or all of them.
pub(crate) fn groups(rows: &[ExampleRow], is_balanced: bool) -> Vec<Vec<usize>> {
    if !is_balanced {
        return vec![(0..rows.len()).collect()];
    }
    let mut groups = std::collections::BTreeMap::<_, Vec<usize>>::new();
    for (i, row) in rows.iter().enumerate() {
        groups.entry(row.label.as_deref()).or_default().push(i);
    }
    groups.into_values().collect()
}

/// The first text of the target columns.
fn target(fields: &Fields, columns: &[String]) -> Result<String, String> {
    for column in columns {
        for cell in fields.find(column).map_err(|error| error.to_string())? {
            let first = cell.elements().map(|mut elements| elements.next());
            let cell = match first {
                Some(Some(element)) => element,
                Some(None) => continue,
                None => cell,
            };
            if let Some(text) = cell.text()?.filter(|text| !text.is_empty()) {
                return Ok(text.into_owned());
            }
        }
    }
    Err(format!("the target (`{}`) is empty", columns.join("`, `")))
}
