//! What a metric said of one answer.

use serde::{Deserialize, Serialize};

/// One metric's score of one answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// In [0, 1] unless the metric says otherwise; `None` is missing, which is never 0.
    pub value: Option<f64>,
    /// Whether the score reaches the metric's threshold; `None` when it is missing, or the metric
    /// has no threshold.
    pub passed: Option<bool>,
    /// Why, in a few words, where the number alone does not tell.
    pub reason: Option<String>,
    /// The answer holds reasoning, such as `<think>…</think>`, that is no part of what was scored.
    #[serde(default)]
    pub reasoning_cut: bool,
    /// Nothing could be extracted from the answer; the value is the suite's policy (0 by default).
    pub invalid: bool,
    /// The metric does not concern the item: there is no score, and none is missing.
    #[serde(default)]
    pub not_applicable: bool,
    /// What the answer adds to a value of the whole run, where that is no mean of single values:
    /// counts such as matching n-grams, as the metric defines them.
    pub counts: Option<Vec<f64>>,
    /// What the judge said, for a model-graded metric.
    pub judge: Option<JudgeTrace>,
    /// What people say the answer is worth, where they were asked.
    pub label: Option<f64>,
}

impl Score {
    /// A score without a remark; passes at 1.
    pub fn of(value: f64) -> Self {
        Self { value: Some(value), passed: Some(value >= 1.0), ..Self::default() }
    }

    /// No score, since the metric does not concern the item.
    pub fn not_applicable() -> Self {
        Self { not_applicable: true, ..Self::default() }
    }

    /// Whether there should be a score and is none.
    pub fn is_missing(&self) -> bool {
        self.value.is_none() && !self.not_applicable
    }

    /// No score, and why.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }
}

/// The judge's side of a model-graded score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgeTrace {
    /// The judge's name in the suite; of several, their names with commas between.
    pub model: String,
    /// What the judge wrote; where several questions were asked, a JSON array with each question's
    /// judge, grade and text.
    pub output: Option<String>,
    /// Tokens in and out of all questions, where the provider counted them.
    pub tokens: Option<u64>,
    /// US dollars for all questions, where the price is known.
    pub cost_usd: Option<f64>,
    /// What each judge said, in the order of the panel: its own grade from 0 to 1, or nothing.
    pub grades: Vec<Option<f64>>,
    /// The variance of a judge's grades when it is asked the same again, over all judges that were.
    pub variance: Option<f64>,
    /// Judges who preferred something else when the answers changed places, where they did.
    pub flips: Option<Flips>,
}

/// How often the order of two answers decided which was preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// Pairs that were judged in both orders.
    pub pairs: u32,
    /// Of these, pairs about which the two orders disagree.
    pub flipped: u32,
}
