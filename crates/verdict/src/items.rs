//! What goes into a comparison: scores by item, and the mistakes a side can hold.

use thiserror::Error;

use crate::rule::{RuleError, ScoreRange};
use crate::tallies::Tally;

/// One item's scores of one metric in one variant, epochs already summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemScore {
    /// Which item: a hash of its id.
    pub key: u128,
    /// What the item says: a hash of its content. Items whose content differs do not pair.
    pub content: u128,
    /// A hash of the cluster's name; items that share it are not independent.
    pub cluster: Option<u64>,
    /// Sum of the scores over the epochs that were scored.
    pub sum: f64,
    /// Epochs that were scored; an item with none is missing.
    pub n_scored: u32,
    /// Epochs that were planned.
    pub n_planned: u32,
}

impl ItemScore {
    /// Mean over the scored epochs; `None` when the item is missing.
    pub fn mean(&self, range: ScoreRange) -> Option<f64> {
        self.tally().mean(range)
    }

    /// Takes in one more epoch; `None` where it has no score.
    pub fn add(&mut self, score: Option<f64>) {
        self.n_planned += 1;
        self.n_scored += u32::from(score.is_some());
        self.sum += score.unwrap_or_default();
    }

    /// The scores alone.
    pub(crate) fn tally(&self) -> Tally {
        Tally { sum: self.sum, n_scored: self.n_scored, n_planned: self.n_planned }
    }

    /// Epochs without a score; an item that was never planned lacks one.
    pub(crate) fn n_missing(&self) -> u32 {
        self.tally().n_missing()
    }

    /// Mean over the planned epochs with every missing one put at `value`.
    pub(crate) fn mean_with(&self, value: f64, range: ScoreRange) -> f64 {
        self.tally().mean_with(value, range)
    }
}

/// Which metric of which prompt and model a comparison is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonSubject {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The metric's name.
    pub metric: String,
}

/// An item on which the two variants differ, by its places in the two slices that were compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlipAt {
    /// Index into the baseline's slice.
    pub baseline_index: usize,
    /// Index into the candidate's slice.
    pub candidate_index: usize,
    /// The baseline's mean score.
    pub baseline: f64,
    /// The candidate's mean score.
    pub candidate: f64,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is compared with.
    Baseline,
    /// What is judged.
    Candidate,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        })
    }
}

/// A number in a message, without a long line of noughts.
fn shown(value: f64) -> String {
    if value.abs() < 1e15 { value.to_string() } else { format!("{value:e}") }
}

/// Why two sides cannot be compared at all. Indices point into the side's slice.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CompareError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A score is NaN, infinite or beyond 1e14 in magnitude.
    #[error("the {side}'s item {index} has a score of {}, which is no number to compare", shown(*value))]
    NotANumber {
        /// Which side.
        side: Side,
        /// Which item.
        index: usize,
        /// Its mean score.
        value: f64,
    },
    /// A score lies outside the metric's range.
    #[error("the {side}'s item {index} has a score of {}, outside of {low} to {high}", shown(*value))]
    OutOfRange {
        /// Which side.
        side: Side,
        /// Which item.
        index: usize,
        /// Its mean score.
        value: f64,
        /// The range's lower end.
        low: f64,
        /// The range's upper end.
        high: f64,
    },
    /// A minimum lies outside of the metric's range.
    #[error("a minimum of {minimum} lies outside of {low} to {high}")]
    Minimum {
        /// The minimum.
        minimum: f64,
        /// The range's lower end.
        low: f64,
        /// The range's upper end.
        high: f64,
    },
    /// There is no such quantile.
    #[error("a quantile must lie between 0 and 1, not {0}")]
    Quantile(f64),
    /// More epochs were scored than planned.
    #[error("the {side}'s item {index} has more scored than planned epochs")]
    TooManyScored {
        /// Which side.
        side: Side,
        /// Which item.
        index: usize,
    },
    /// Two items of one variant have the same key.
    #[error("the {side}'s items {first} and {second} are the same item")]
    Duplicate {
        /// Which side.
        side: Side,
        /// The earlier one.
        first: usize,
        /// The later one.
        second: usize,
    },
}
