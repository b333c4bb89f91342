//! What `run.json` counts: samples by how they ended, and what the answers cost.

use std::collections::BTreeMap;

use evalmark_core::record::ErrorKind;
use serde::{Deserialize, Serialize};

/// Samples by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// All samples of the plan.
    pub planned: u64,
    /// Those with an answer that could be scored.
    pub answered: u64,
    /// Those that the model refused to answer.
    pub refused: u64,
    /// Those from whose answer nothing could be extracted.
    pub invalid: u64,
    /// Those without an answer.
    pub failed: u64,
    /// Answers that were there before the run began.
    pub cached: u64,
    /// Answers that ended at the token limit (`finish_reason` is `length`), by model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cut_off: BTreeMap<String, u64>,
    /// Failures by kind.
    pub errors: BTreeMap<String, u64>,
    /// One failure of each kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub error_examples: BTreeMap<String, FailureExample>,
    /// Samples with an answer but without a score, by metric.
    #[serde(default)]
    pub unscored: BTreeMap<String, Unscored>,
    /// Samples with a human label, by metric.
    #[serde(default)]
    pub labelled: BTreeMap<String, u64>,
    /// Answers that hold reasoning, such as `<think>…</think>`, which some metric did not score.
    #[serde(default)]
    pub reasoning_cut: u64,
}

impl SampleCounts {
    /// Whether asking again, as the run does when it is resumed, can give a failed sample its answer.
    pub fn may_succeed_later(&self) -> bool {
        let kinds = self.errors.keys().filter_map(|kind| ErrorKind::from_name(kind));
        let mut reasons = kinds.filter(|kind| *kind != ErrorKind::EndpointDown).peekable();
        reasons.peek().is_none() || reasons.any(ErrorKind::may_pass)
    }
}

/// One failure of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureExample {
    /// Name of the model.
    pub model: String,
    /// What went wrong.
    pub message: String,
}

/// Answers that a metric could not score.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unscored {
    /// How many.
    pub count: u64,
    /// One of the reasons.
    pub example: String,
}

/// What the answers cost; those of judges apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunTotals {
    /// Tokens of all requests.
    pub input_tokens: u64,
    /// Tokens of all answers.
    pub output_tokens: u64,
    /// What all the answers cost when they were bought, by whichever run.
    pub cost_usd: Option<f64>,
    /// What this run paid, judges included; answers that were there already cost nothing.
    #[serde(default)]
    pub spent_usd: f64,
    /// Tokens of the judges' requests and answers.
    pub judge_tokens: u64,
    /// What the judges' answers cost when they were bought.
    pub judge_cost_usd: Option<f64>,
}
