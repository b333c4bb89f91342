//! Results that another tool made, as plain data: its items, prompts, models, answers and scores. Whoever reads the
//! tool's files fills it in; whoever writes run folders takes it from there.

use serde_json::{Map, Value};

use crate::{
    item::ItemHash,
    metric::{Direction, Range},
    record::{Outcome, Usage},
};

/// What another tool's files hold, and what was not taken over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolResults {
    /// The tool, by the name that it is imported under.
    pub tool: String,
    /// Its version, where its files tell.
    pub tool_version: Option<String>,
    /// The task, dataset or benchmark by the name that makes two results comparable in that tool.
    pub task: Option<String>,
    /// What people called the evaluation; it may change from one to the next.
    pub title: Option<String>,
    /// When the tool evaluated: RFC 3339, UTC.
    pub evaluated_at: Option<String>,
    /// The files that were read.
    pub files: Vec<ToolFile>,
    /// Every prompt that there are answers to.
    pub prompts: Vec<ToolPrompt>,
    /// Names of the models.
    pub models: Vec<String>,
    /// Every metric that some answer has a score by.
    pub metrics: Vec<ToolMetric>,
    /// Every item that there are answers to, in the order in which they first occur.
    pub items: Vec<ToolItem>,
    /// The answers.
    pub answers: Vec<ToolAnswer>,
    /// Results that the files hold, in the tool's own count.
    pub n_read: u64,
    /// Results that were taken over: each is an answer, or a part of one.
    pub n_kept: u64,
    /// What was not taken over, and why.
    pub left_out: Vec<LeftOutResults>,
    /// What else to know, in sentences.
    pub remarks: Vec<String>,
}

/// A file that results were read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolFile {
    /// Its path or address, without anything secret.
    pub name: String,
    /// BLAKE3 of its bytes, 64 hexadecimal digits.
    pub blake3: String,
}

/// A prompt by its name, with its text where the tool keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolPrompt {
    /// The name; unique.
    pub name: String,
    /// The text before it was filled in.
    pub text: Option<String>,
}

/// A metric of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolMetric {
    /// The tool's name of it; unique.
    pub name: String,
    /// Where its values lie; `None` where the tool does not tell, and the values do.
    pub range: Option<Range>,
    /// Which values are better.
    pub direction: Direction,
    /// Whether a model graded the answers.
    pub is_judged: bool,
}

/// An item: what was asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolItem {
    /// The id that the tool's user gave it; `None` where ids are positions, and its content tells it from others.
    pub id: Option<String>,
    /// What it holds.
    pub fields: Map<String, Value>,
    /// What is expected of an answer.
    pub targets: Vec<String>,
    /// Items that share it are not independent.
    pub cluster: Option<String>,
}

impl ToolItem {
    /// The content address: BLAKE3 over what it holds and what is expected.
    pub fn hash(&self) -> ItemHash {
        let mut hasher = blake3::Hasher::new_derive_key("evalmark imported item v1");
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by_key(|(name, _)| *name);
        for (name, value) in fields {
            part(name);
            part(&value.to_string());
        }
        part("targets");
        self.targets.iter().for_each(|target| part(target));
        let mut hash = [0; 16];
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        ItemHash(hash)
    }
}

/// An answer with its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolAnswer {
    /// Place of its item.
    pub item: usize,
    /// Place of its prompt.
    pub prompt: usize,
    /// Place of its model.
    pub model: usize,
    /// Repetition, from 0.
    pub epoch: u32,
    /// What the model was sent, by role; empty where the tool does not keep it.
    pub messages: Vec<(String, String)>,
    /// What the model answered.
    pub output: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong, where it failed.
    pub error: Option<String>,
    /// Scores by the place of their metric. A failed answer has none.
    pub scores: Vec<(usize, ToolScore)>,
    /// Service time.
    pub latency_ms: Option<f64>,
    /// Tokens.
    pub usage: Usage,
    /// US dollars.
    pub cost_usd: Option<f64>,
}

/// A score as the tool gave it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolScore {
    /// The value; `None` is missing, which is never 0.
    pub value: Option<f64>,
    /// Whether the tool says that the answer passed.
    pub passed: Option<bool>,
    /// The tool's explanation; why there is no value, where there is none.
    pub reason: Option<String>,
}

impl ToolScore {
    /// A value without a remark.
    pub fn of(value: f64) -> Self {
        Self { value: Some(value), ..Self::default() }
    }

    /// 1 where the answer passed, and 0 where it did not.
    pub fn passed(passed: bool) -> Self {
        Self { value: Some(f64::from(u8::from(passed))), passed: Some(passed), reason: None }
    }

    /// No value, and why.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }
}

/// What was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOutResults {
    /// What it is.
    pub kind: LeftOutKind,
    /// Why, in a clause.
    pub why: String,
    /// How often.
    pub count: u64,
    /// Where the first of them stands.
    pub first: String,
}

/// What something is that was not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutKind {
    /// A whole result.
    Result,
    /// A metric, or one of its scores.
    Score,
}

impl LeftOutKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Score => "score",
        }
    }
}
