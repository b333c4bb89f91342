//! The shape of a verdict: what a gate or a comparison answers. Deciding it is the verdict crate's work.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    changes::Change,
    metric::{Direction, Range},
};

/// The four answers; `improved` is a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The candidate is better: a pass whose whole interval lies above zero.
    Improved,
    /// No drop of the margin or more.
    Pass,
    /// The run cannot tell.
    Inconclusive,
    /// A real drop, and one that may exceed the margin.
    Regressed,
    /// The two runs do not measure the same thing.
    Incomparable,
}

impl Answer {
    /// Whether a gate may go green on it.
    pub fn passes(self) -> bool {
        matches!(self, Self::Improved | Self::Pass)
    }

    /// The word used in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Regressed => "regressed",
            Self::Incomparable => "incomparable",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many items stood behind a comparison, by variant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Items of the baseline.
    pub baseline_planned: u64,
    /// Items of the candidate.
    pub candidate_planned: u64,
    /// Items present in both, with the same content.
    pub shared: u64,
    /// Shared items that both variants scored.
    pub paired: u64,
    /// Shared items without a baseline score.
    pub baseline_missing: u64,
    /// Shared items without a candidate score.
    pub candidate_missing: u64,
}

/// What a comparison's estimate and bounds are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Candidate minus baseline, in units of the score; the margin too.
    #[default]
    Difference,
    /// Candidate over baseline; the margin is a share: 0.1 lets it grow by a tenth, or fall by one
    /// where more is better.
    Ratio,
    /// The candidate's own mean, held against a minimum (or maximum) instead of a baseline.
    Level,
}

/// An item on which the two variants differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flip {
    /// The item's id.
    pub item_id: String,
    /// The baseline's score.
    pub baseline: f64,
    /// The candidate's score.
    pub candidate: f64,
}

impl Flip {
    /// Whether the candidate scores worse, where such values are better.
    pub fn is_worse(&self, better: Direction) -> bool {
        match better {
            Direction::Higher => self.candidate < self.baseline,
            Direction::Lower => self.candidate > self.baseline,
        }
    }
}

/// Items that the two variants do not share, by id: at most a few dozen of each kind; the counts are
/// of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Unpaired {
    /// Items of the candidate alone.
    pub added: Vec<String>,
    /// Items of the baseline alone.
    pub removed: Vec<String>,
    /// Items whose content or target differs.
    pub changed: Vec<String>,
    /// How many were added.
    pub n_added: u64,
    /// How many were removed.
    pub n_removed: u64,
    /// How many were changed.
    pub n_changed: u64,
    /// Share of the larger variant's items that pair up.
    pub paired_share: f64,
}

/// A comparison within a part of the dataset. It is exploratory and decides nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceFinding {
    /// The slice column.
    pub slice: String,
    /// Its value; null where the cell is empty.
    pub value: Option<String>,
    /// Share of false discoveries among all slices that stand out as much (Benjamini-Hochberg).
    pub q: f64,
    /// Whether q is at most alpha.
    pub stands_out: bool,
    /// The comparison of the items in the slice.
    pub comparison: Comparison,
}

/// One metric of one variant against its baseline: the answer and every figure behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Which prompt.
    pub prompt: String,
    /// Which model.
    pub model: String,
    /// Which metric.
    pub metric: String,
    /// The answer.
    pub answer: Answer,
    /// The answer in a sentence.
    pub says: String,
    /// What a reader should know beside the answer.
    pub notes: Vec<String>,
    /// What the estimate and its bounds are.
    #[serde(default)]
    pub measure: Measure,
    /// Which values of the metric are better.
    #[serde(default)]
    pub direction: Direction,
    /// Where its values lie: those in [0, 1] are read as percentages.
    #[serde(default)]
    pub range: Range,
    /// The largest acceptable drop; a rise, where lower values are better.
    pub margin: f64,
    /// The least acceptable mean, where the candidate is held against one instead of a baseline.
    #[serde(default)]
    pub minimum: Option<f64>,
    /// The largest acceptable mean, where lower values are better.
    #[serde(default)]
    pub maximum: Option<f64>,
    /// Items with a human label in both variants, where the scores are a judge's.
    #[serde(default)]
    pub labels: Option<u64>,
    /// One-sided error rate of each bound.
    pub alpha: f64,
    /// `mcnemar_midp+tango`, `paired_t+bootstrap`, …
    pub method: String,
    /// Mean of the baseline over the paired items, or its value over them.
    pub baseline_mean: Option<f64>,
    /// Mean of the candidate over the paired items, or its value over them.
    pub candidate_mean: Option<f64>,
    /// Candidate minus baseline, or what else the measure is.
    pub estimate: Option<f64>,
    /// Lower one-sided bound on the estimate.
    pub lower: Option<f64>,
    /// Upper one-sided bound on the estimate.
    pub upper: Option<f64>,
    /// P-value of "no drop": how likely so low a result would be if there were none. Of right-or-wrong
    /// scores it is McNemar's mid-p value, of others the largest of the tests that the method names;
    /// a regression also needs the upper bound below 0.
    pub p_regressed: Option<f64>,
    /// The same, adjusted for the number of comparisons.
    pub p_regressed_adjusted: Option<f64>,
    /// P-value of "a drop of the margin or more": how likely so high a result would be if there were
    /// one.
    pub p_pass: Option<f64>,
    /// How many items, by variant.
    pub counts: Counts,
    /// Items that do not pair up.
    #[serde(default)]
    pub unpaired: Unpaired,
    /// How many independent items the pairs are worth, where some belong together.
    #[serde(default)]
    pub effective_n: Option<f64>,
    /// Binary scores: items that only the baseline got right.
    pub only_baseline: Option<u64>,
    /// Binary scores: items that only the candidate got right.
    pub only_candidate: Option<u64>,
    /// Share of the paired items whose score differs.
    pub discordance: Option<f64>,
    /// The smallest drop that this many items detect with 80 % power.
    pub detectable_drop: Option<f64>,
    /// Items needed to detect a drop of the margin with 80 % power.
    pub items_needed: Option<u64>,
    /// Seed of the bootstrap, where there was one.
    pub seed: Option<u64>,
    /// Items whose score differs, worst first, at most a few dozen; none for amounts.
    pub flips: Vec<Flip>,
    /// All items whose score differs; 0 for amounts.
    pub n_flips: u64,
}

/// What a gate answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Version of this shape.
    pub format_version: u32,
    /// Which suite.
    pub suite: String,
    /// The run that was judged.
    pub run_id: String,
    /// What it was compared with: a baseline's name or folder, or the other variant's name.
    pub baseline: String,
    /// The beginning of a BLAKE3 that stands for all files of the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_digest: Option<String>,
    /// The answer over all gated metrics.
    pub answer: Answer,
    /// The answer in a sentence.
    pub says: String,
    /// How several comparisons were combined.
    pub correction: String,
    /// One entry per metric × prompt × model.
    pub comparisons: Vec<Comparison>,
    /// Where in the dataset the differences lie; exploratory.
    #[serde(default)]
    pub slices: Vec<SliceFinding>,
    /// What differs from the baseline besides chance; null where the candidate is compared with no
    /// other run.
    #[serde(default)]
    pub changes: Option<Vec<Change>>,
    /// Who passed the verdict over, where somebody did. It stays what it is, and so does `verdict.json`.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

/// A verdict that somebody passes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

impl Verdict {
    /// Passes it over, loudly: the verdict and each comparison that does not pass say so, wherever they are told.
    pub fn pass_over(&mut self, by: Override) {
        let told = format!("OVERRIDDEN by {}: {}", by.by, by.reason);
        self.says = format!("{told}. {}", self.says);
        for comparison in self.comparisons.iter_mut().filter(|one| !one.answer.passes()) {
            comparison.notes.insert(0, told.clone());
            comparison.says = format!("overridden: {}", comparison.says);
        }
        self.overridden = Some(by);
    }

    /// The comparisons: those that do not pass first, and among these the one first that may have lost most of
    /// its margin.
    pub fn worst_first(&self) -> Vec<&Comparison> {
        let mut comparisons: Vec<_> = self.comparisons.iter().collect();
        comparisons.sort_by(|a, b| a.worse_first(b));
        comparisons
    }
}

/// JSON Schema of `verdict.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Verdict).to_value()
}
