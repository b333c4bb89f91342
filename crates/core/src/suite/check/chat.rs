//! Files of chat messages: YAML, or JSON.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::suite::{
    document::Document, misfits::misfits_by, mistake::Position, raw::RawMessage,
    schema::plain_schema,
};

/// What a file of a prompt holds.
pub(super) enum Kind {
    /// The template of one message.
    Text,
    /// A list of messages.
    Chat,
    /// JSON that is neither; this says what it is.
    Other(String),
}

/// What a chat file looks like.
pub(super) const FORM: &str = "a chat is a list of messages: `[{\"role\": \"user\", \"content\": \"{{ text }}\"}]`; the template of a single \
     message is a `.j2` or `.txt` file";

/// What a file holds, by its ending and its first words.
pub(super) fn kind_of(file: &str, text: &str) -> Kind {
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    let is_json = matches!(ending, Some("json" | "jsonl"));
    let start = text.trim_start();
    match ending {
        Some("yaml" | "yml") => Kind::Chat,
        Some("json") if start.starts_with('[') => Kind::Chat,
        _ if is_json && start.starts_with('{') && start.contains("\"messages\"") => {
            Kind::Other(format!("`{file}` is a whole request, not a list of chat messages"))
        }
        _ if is_json && start.starts_with('{') && start.contains("\"role\"") => {
            Kind::Other(format!("`{file}` holds chat messages, but not as one list"))
        }
        _ => Kind::Text,
    }
}

/// The messages of a file.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
struct Messages(#[schemars(length(min = 1))] Vec<RawMessage>);

/// What is wrong with a file, and where.
pub(super) struct FileMistake {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong, behind the place.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The messages, or everything that is wrong with them.
pub(super) fn messages(file: &str, text: &str) -> Result<Vec<RawMessage>, Vec<FileMistake>> {
    let told = |at: Position, message: &str, hint| {
        let message = format!("{file}:{}:{}: {message}", at.line, at.column);
        FileMistake { line: at.line.max(1), message, hint }
    };
    let document = Document::parse(text)
        .map_err(|mistake| vec![told(mistake.position, &mistake.message, mistake.hint)])?;
    let schema = plain_schema::<Messages>();
    let misfits = jsonschema::validator_for(&schema)
        .map(|validator| misfits_by(&validator, &document.value, &schema))
        .unwrap_or_default();
    if !misfits.is_empty() {
        let misfits = misfits.into_iter().map(|misfit| {
            let at = document.position(&misfit.pointer);
            let message = misfit.mistake.message.replace("the suite", "the chat");
            told(at, &message, misfit.mistake.hint)
        });
        return Err(misfits.collect());
    }
    let messages = serde_json::from_value::<Messages>(document.value);
    messages.map(|Messages(messages)| messages).map_err(|_| {
        let message = format!("{file} is not a list of chat messages");
        vec![FileMistake { line: 1, message, hint: Some(FORM.into()) }]
    })
}
