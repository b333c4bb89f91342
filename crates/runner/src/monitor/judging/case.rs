//! A record that waits for models, in its file and as they are asked about it.

use std::{path::Path, sync::Arc};

use evalmark_core::{
    fields::Fields,
    item::{Item, ItemHash},
    logs::WatchedEmbedding,
    model::Model,
    prompt::Prompt,
    request::{Message, Request},
};
use evalmark_scoring::{Form, Metric, Question, QuestionError, Subject};
use evalmark_store::monitor::JournalEntries;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{
    reference::is_hash,
    stored::{JournalHead, StoredRecord},
};
use crate::error::{Hinted, Result, RunError};

/// A record that waits for models, and the file of logs that it came from.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct WaitingRecord {
    pub(in super::super) file: Arc<str>,
    pub(in super::super) record: StoredRecord,
}

/// What is asked about one record.
pub(super) struct Case {
    pub(super) answer: evalmark_core::record::Record,
    pub(super) fields: Fields,
    pub(super) targets: Vec<String>,
    pub(super) cost_usd: Option<f64>,
    /// By metric; `None` where there is nothing to ask.
    pub(super) questions: Vec<Option<Result<Vec<Question>, QuestionError>>>,
    /// For the vector that is watched.
    pub(super) embedding: Option<Question>,
}

/// The records of a file, and what the first line says of all of them.
pub(in super::super) fn waiting_records(path: &Path) -> Result<(JournalHead, Vec<WaitingRecord>)> {
    let cannot = || format!("{} cannot be read", path.display());
    let advice = "bring the file back, or remove the monitor's folder and read the logs again";
    let broken = || RunError::new(cannot()).with_hint(advice);
    let entries = JournalEntries::open(path).with_context(cannot).hint(advice)?;
    let mut entries = entries.ok_or_else(broken)?;
    let head = entries.read_entry::<JournalHead>().with_context(cannot)?.ok_or_else(broken)?;
    let mut records = Vec::new();
    while let Some(record) = entries.read_entry().with_context(cannot)? {
        records.push(record);
    }
    if records.len() as u64 != head.n_waiting {
        return Err(broken());
    }
    Ok((head, records))
}

impl Case {
    /// What these metrics ask about a record, as it was redacted.
    pub(super) fn new(
        record: &StoredRecord,
        metrics: &[Metric],
        embedding: Option<&WatchedEmbedding>,
        prompts: &[Prompt],
    ) -> Self {
        let (answer, fields, targets) = record.as_judged();
        let cost_usd = record.cost_usd;
        let subject = Subject::new(&answer, &targets, &fields, cost_usd);
        let task = task(record, &fields, prompts);
        let questions = metrics.iter().map(|metric| metric.questions(subject, &task)).collect();
        let embedding = embedding.and_then(|watched| embedding_of(watched, &fields));
        Self { answer, fields, targets, cost_usd, questions, embedding }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject::new(&self.answer, &self.targets, &self.fields, self.cost_usd)
    }

    /// Every question, as a request to the model at a place of the suite.
    pub(super) fn requests<'a>(
        &'a self,
        models: &'a [Model],
    ) -> impl Iterator<Item = (usize, Request)> + 'a {
        let asked = self.questions.iter().flatten().flatten().flatten().chain(&self.embedding);
        asked.filter_map(|question| {
            let place = models.iter().position(|model| *model.name == *question.model)?;
            Some((place, question.request(&models[place], 0)))
        })
    }
}

/// What is asked for the vector of a column; `None` where the record has no text there.
fn embedding_of(watched: &WatchedEmbedding, fields: &Fields) -> Option<Question> {
    let text = match fields.get(&watched.column)? {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let form = Form::Embedding(format!("{}{text}", watched.prefix));
    Some(Question { model: watched.model.clone(), form })
}

/// What the answer was asked for: the suite's prompt with the record's variables, where it is known which; else the
/// variables as they are.
fn task(record: &StoredRecord, fields: &Fields, prompts: &[Prompt]) -> Vec<Message> {
    let is_its = |prompt: &&Prompt| {
        let named = record.prompt.as_deref().is_some_and(|name| *name == *prompt.name);
        let hash = record.prompt_hash.as_deref();
        named || hash.is_some_and(|served| is_hash(&prompt.hash, served))
    };
    let only = if let [only] = prompts { Some(only) } else { None };
    let prompt = prompts.iter().find(is_its).or(only);
    let item = Item {
        index: 0,
        row: 1,
        id: record.id.as_str().into(),
        hash: ItemHash([0; 16]),
        fields: fields.clone(),
        targets: [].into(),
        cluster: None,
        slices: [].into(),
    };
    let rendered = prompt.and_then(|prompt| prompt.render(&item).ok());
    rendered.unwrap_or_else(|| {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let each: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
        vec![Message::new("user", each.join("\n"))]
    })
}
