//! `report.html`: one page for people, that works without a network and runs no script.

mod page;
mod picture;

use evalmark_core::{record::Outcome, request::Message, verdict::Verdict};
use serde::{Deserialize, Serialize};

pub use page::{RenderError, html};

use crate::summary::SummaryRow;

/// Everything the page shows. Texts are given as they are: the page makes them safe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HtmlReport {
    /// The suite's name.
    pub suite: String,
    /// The run.
    pub run_id: String,
    /// When it began, for people, with the time zone.
    pub started_at: String,
    /// What else is worth saying of the run: name and value, e.g. `git revision`, `dataset`.
    pub facts: Vec<(String, String)>,
    /// What a reader should know before anything else, such as answers that were cut off.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The gate's answer, and comparisons between prompts or models.
    pub verdicts: Vec<Verdict>,
    /// Rows over all items, and those by slice.
    pub summary: Vec<SummaryRow>,
    /// How many samples ended in which way.
    pub outcomes: Vec<OutcomeCount>,
    /// Failures, grouped by kind.
    pub failures: Vec<FailureGroup>,
    /// Samples that did not pass, grouped by prompt and model.
    pub failing: Vec<FailingGroup>,
}

/// How many samples ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCount {
    /// The way.
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
}

/// Samples without an answer, for the same kind of reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// The `error_kind`.
    pub kind: String,
    /// How many samples.
    pub count: u64,
    /// One of the messages.
    pub example: String,
}

/// Samples of one prompt and model that did not pass: some of them, and how many there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailingGroup {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// How many there are; `samples` may hold fewer.
    pub total: u64,
    /// Those that are shown.
    pub samples: Vec<FailingSample>,
}

/// A sample that did not pass a metric, or has no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailingSample {
    /// The item's id.
    pub item_id: String,
    /// Repetition, from 0.
    pub epoch: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// What was asked.
    pub messages: Vec<Message>,
    /// The answer.
    pub output: Option<String>,
    /// The right answers.
    pub targets: Vec<String>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// Scores, by metric.
    pub scores: Vec<FailingScore>,
}

/// A metric's score of a sample that is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FailingScore {
    /// The metric's name.
    pub metric: String,
    /// The score; `None` is missing.
    pub value: Option<f64>,
    /// Whether it passes.
    pub passed: Option<bool>,
    /// Why, in a few words.
    pub reason: Option<String>,
}
