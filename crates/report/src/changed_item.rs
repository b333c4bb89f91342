//! An item that two runs score differently, with what was asked and answered.

use evalmark_core::{changes::DiffPart, metric::Range};
use serde::Serialize;

/// An item that two runs score differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedItem {
    /// The item's id.
    pub item_id: String,
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The metric that scores it differently.
    pub metric: String,
    /// Whether the later score is the worse one.
    pub is_worse: bool,
    /// The earlier run's score, the mean over the epochs.
    pub before_score: f64,
    /// The later run's score.
    pub after_score: f64,
    /// Where the scores lie.
    pub range: Range,
    /// The repetition that the texts are of, from 0.
    pub epoch: u32,
    /// The user's last message; `None` where neither run keeps what it asked.
    pub question: Option<String>,
    /// The right answers.
    pub targets: Vec<String>,
    /// The earlier answer; `None` where it is not kept, or the sample failed.
    pub before: Option<String>,
    /// The later answer.
    pub after: Option<String>,
    /// From the earlier answer to the later one, word by word; empty where one of them is missing.
    pub diff: Vec<DiffPart>,
}

/// Items that scored worse than in the run before, with their texts: the first few of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokenItems {
    /// The largest losses of the comparisons that came out worst.
    pub shown: Vec<ChangedItem>,
    /// Whether there are others.
    pub are_more: bool,
    /// Why there are no earlier answers to show, in a clause.
    pub left_out: Option<String>,
    /// The command that shows all of them, where there is one.
    pub command: Option<String>,
}
