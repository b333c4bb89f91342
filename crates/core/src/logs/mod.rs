//! Production logs: what a suite says of them, and how one line becomes the values that it names. Files are
//! read elsewhere ([`LogInput`]); this is what their readers and their users share.

mod input;
mod judges;
mod long_numbers;
mod path;
mod pick;
mod sample;
mod watch;

use std::path::PathBuf;

use regex::Regex;

pub use self::{
    input::{LogChunk, LogDamage, LogInput, LogInputError, LogPosition, LogRead},
    judges::{BudgetPeriod, LogJudges},
    long_numbers::long_numbers_quoted,
    path::{JsonPath, JsonPathError},
    pick::{JsonPicker, PickError},
    sample::{LogSample, Stratum},
    watch::{ALARMED_STREAMS, LogWatch, WATCHED_STREAMS, WatchCycle, WatchedEmbedding},
};

/// What a suite says of its production logs, checked.
#[derive(Clone, Debug, Default)]
pub struct LogSpec {
    /// Files, folders and patterns, as paths from the working folder; may be empty.
    pub from: Vec<PathBuf>,
    /// Where a line holds what.
    pub fields: LogFields,
    /// Which records keep their texts; `None` is all of them.
    pub sample: Option<LogSample>,
    /// Which records models are asked about; `None` is none of them.
    pub judges: Option<LogJudges>,
    /// What is taken out of texts.
    pub redact: Vec<Redaction>,
    /// What is watched beside the metrics.
    pub watch: LogWatch,
}

/// Values of a line that are no variables of the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogField {
    /// Its id.
    Id,
    /// When it was answered.
    Time,
    /// The answer.
    Output,
    /// The prompt's name.
    Prompt,
    /// The prompt's hash.
    PromptHash,
    /// The model as served.
    Model,
    /// Tokens of the prompt.
    InputTokens,
    /// Tokens of the answer.
    OutputTokens,
    /// How long it took.
    LatencyMs,
    /// What it cost.
    CostUsd,
    /// Why it ended.
    FinishReason,
    /// Why there is no answer.
    Error,
    /// The right answers.
    Target,
    /// Whose record it is.
    Cluster,
    /// What samples are stratified by.
    Stratum,
}

impl LogField {
    /// Every field, in the order of their slots.
    pub const ALL: [Self; 15] = [
        Self::Id,
        Self::Time,
        Self::Output,
        Self::Prompt,
        Self::PromptHash,
        Self::Model,
        Self::InputTokens,
        Self::OutputTokens,
        Self::LatencyMs,
        Self::CostUsd,
        Self::FinishReason,
        Self::Error,
        Self::Target,
        Self::Cluster,
        Self::Stratum,
    ];

    /// Its key in a suite.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Time => "time",
            Self::Output => "output",
            Self::Prompt => "prompt",
            Self::PromptHash => "prompt_hash",
            Self::Model => "model",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::LatencyMs => "latency_ms",
            Self::CostUsd => "cost_usd",
            Self::FinishReason => "finish_reason",
            Self::Error => "error",
            Self::Target => "target",
            Self::Cluster => "cluster",
            Self::Stratum => "by",
        }
    }
}

/// Where a line holds what: a path for every field that the suite names, and for every variable.
#[derive(Clone, Debug, Default)]
pub struct LogFields {
    /// Parallel to [`LogField::ALL`].
    pub paths: [Option<JsonPath>; LogField::ALL.len()],
    /// Dataset columns with their paths.
    pub variables: Vec<(String, JsonPath)>,
    /// An object with more columns, by their names.
    pub columns: Option<JsonPath>,
    /// Categories that are watched, with their paths.
    pub categories: Vec<(String, JsonPath)>,
}

impl LogFields {
    /// The path to a field, where the suite names it.
    pub fn path(&self, field: LogField) -> Option<&JsonPath> {
        self.paths[field as usize].as_ref()
    }

    /// What picks these values out of a line: a slot for each of [`LogField::ALL`], one for the object of columns, then
    /// one for each variable and each category.
    pub fn picker(&self) -> JsonPicker {
        let own = self.variables.iter().chain(&self.categories).map(|(_, path)| Some(path));
        let fixed = self.paths.iter().map(Option::as_ref).chain([self.columns.as_ref()]);
        JsonPicker::new(fixed.chain(own))
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.paths.iter().all(Option::is_none)
            && self.variables.is_empty()
            && self.categories.is_empty()
    }

    /// These, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (path, other) in self.paths.iter_mut().zip(other.paths) {
            *path = path.take().or(other);
        }
        self.columns = self.columns.or(other.columns);
        let is_new = |column: &String| self.variables.iter().all(|(known, _)| known != column);
        let more: Vec<_> =
            other.variables.into_iter().filter(|(column, _)| is_new(column)).collect();
        self.variables.extend(more);
        self
    }
}

/// What is taken out of texts before they are stored.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// What stands in its place, in brackets.
    pub name: String,
    /// What is searched for.
    pub kind: RedactionKind,
}

/// What is searched for.
#[derive(Clone, Debug)]
pub enum RedactionKind {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// Card numbers.
    Card,
    /// IP addresses.
    Ip,
    /// Keys and tokens.
    Key,
    /// What a pattern matches.
    Pattern(Regex),
}
