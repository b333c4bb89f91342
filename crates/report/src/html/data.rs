//! What the page shows, as plain data. Texts are as they came: rendering makes them safe.

use evalmark_core::{
    estimate::Estimate,
    metric::{Direction, Range},
    record::Outcome,
    verdict::Verdict,
};

use crate::{run_values::ConfusionRow, summary::SummaryRow};

/// Everything the page shows.
#[derive(Clone, Debug, Default)]
pub struct PageData {
    /// The run and what is worth saying of it.
    pub run: PageRun,
    /// The gate's answer.
    pub verdict: Option<Verdict>,
    /// Rows over all items, and those by slice.
    pub summary: Vec<SummaryRow>,
    /// What an answer costs, by prompt and model; empty where no price is known.
    pub costs: Vec<AnswerCost>,
    /// How sure the median latency is, by prompt and model; empty where nothing was timed.
    pub latencies: Vec<MedianLatency>,
    /// Which classes were taken for which, where a metric has classes.
    pub confusion: Vec<ConfusionRow>,
    /// The samples that the table holds, with the baseline's side of them.
    pub samples: PageSamples,
}

/// A run as the page's head and foot tell of it.
#[derive(Clone, Debug, Default)]
pub struct PageRun {
    /// The suite's name.
    pub suite: String,
    /// The run.
    pub run_id: String,
    /// When it began, for people, with the time zone.
    pub started_at: String,
    /// Where it comes from, e.g. `git revision`, `dataset`.
    pub facts: Vec<PageFact>,
    /// What a reader should know before anything else, such as answers that were cut off.
    pub warnings: Vec<String>,
    /// What may be worth knowing of how samples ended.
    pub remarks: Vec<String>,
    /// How many samples ended in which way.
    pub outcomes: Vec<OutcomeCount>,
    /// Failures, grouped by kind.
    pub failures: Vec<FailureGroup>,
}

/// What an answer of one prompt and model costs.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerCost {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// US dollars, on average, with an interval.
    pub usd: Estimate,
}

/// The interval of the median latency of one prompt and model; the median stands in the summary.
#[derive(Clone, Debug, PartialEq)]
pub struct MedianLatency {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// Its ends, milliseconds.
    pub ends_ms: [f64; 2],
}

/// Something worth saying of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageFact {
    /// What it is.
    pub name: String,
    /// What there is to say.
    pub value: String,
}

/// How many samples ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeCount {
    /// The way.
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
}

/// Samples without an answer, for the same kind of reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// The `error_kind`.
    pub kind: String,
    /// How many samples.
    pub count: u64,
    /// One of the messages.
    pub example: String,
}

/// The samples of a run that the page holds.
#[derive(Clone, Debug, Default)]
pub struct PageSamples {
    /// How many the run has; the page may hold fewer.
    pub total: u64,
    /// The metrics, in the suite's order.
    pub metrics: Vec<PageMetric>,
    /// Names of the slice columns.
    pub slices: Vec<String>,
    /// What all requests of one prompt and model have in common.
    pub frames: Vec<PromptFrame>,
    /// The samples, in the run's order.
    pub samples: Vec<PageSample>,
    /// How each metric's scores are distributed, over all samples of the run.
    pub distributions: Vec<ScoreDistribution>,
    /// What there is of the baseline.
    pub baseline: PageBaseline,
}

/// What the page has of the baseline's samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageBaseline {
    /// Whether its scores are there.
    pub has_scores: bool,
    /// Whether its answers are there.
    pub has_answers: bool,
    /// Why scores or answers cannot be shown.
    pub lacks: Option<String>,
}

/// A metric of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageMetric {
    /// The metric's name.
    pub name: String,
    /// Where its values lie.
    pub range: Range,
    /// Which values are better.
    pub direction: Direction,
}

/// What stands before and after an item's own text in every request of one prompt and model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptFrame {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// The text before.
    pub before: String,
    /// The text after.
    pub after: String,
}

/// A sample of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageSample {
    /// The item's id.
    pub item_id: String,
    /// Hash of the item's content.
    pub item_hash: String,
    /// Position of its prompt and model in [`PageSamples::frames`].
    pub frame: usize,
    /// Repetition, from 0.
    pub epoch: u32,
    /// How it ended; `None` is never written.
    pub outcome: Option<Outcome>,
    /// What was asked, without the frame.
    pub asked: String,
    /// The answer.
    pub answer: Option<String>,
    /// The right answers.
    pub targets: Vec<String>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// Why the answer ended.
    pub finish_reason: Option<String>,
    /// The item's values of the slice columns.
    pub slices: Vec<Option<String>>,
    /// One score per metric.
    pub scores: Vec<PageScore>,
    /// Service time, milliseconds.
    pub latency_ms: Option<f64>,
    /// When the first token came, milliseconds; only of a stream.
    pub first_token_ms: Option<f64>,
    /// How many followed each second; only of a stream.
    pub tokens_per_second: Option<f64>,
    /// Tokens of the request.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
    /// The baseline's answer to the same.
    pub baseline_answer: Option<String>,
}

/// A metric's score of a sample of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageScore {
    /// The score; `None` is missing.
    pub value: Option<f64>,
    /// The metric does not concern the item: none is missing.
    pub not_applicable: bool,
    /// Whether it passes.
    pub passed: Option<bool>,
    /// Why, in a few words.
    pub reason: Option<String>,
    /// The judge, and what it wrote.
    pub judge: Option<JudgeWords>,
    /// The baseline's score of the same.
    pub baseline: Option<BaselineScore>,
}

/// What a judge wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgeWords {
    /// The judge's name in the suite.
    pub model: String,
    /// What it wrote.
    pub output: String,
}

/// A score that the baseline has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BaselineScore {
    /// The score; `None` is missing.
    pub value: Option<f64>,
    /// Whether it passes.
    pub passed: Option<bool>,
}

/// Whether a sample passes now what it failed in the baseline, or the other way around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleChange {
    /// Neither.
    #[default]
    None,
    /// A metric passed in the baseline and fails now.
    Broke,
    /// A metric failed in the baseline and passes now, and none broke.
    Works,
}

impl PageSample {
    /// Whether a metric fails it, or has no score of it.
    pub fn fails(&self) -> bool {
        let failed = |score: &PageScore| {
            score.value.is_none() && !score.not_applicable || score.passed == Some(false)
        };
        self.outcome != Some(Outcome::Answered) || self.scores.iter().any(failed)
    }

    /// What changed since the baseline.
    pub fn change(&self) -> SampleChange {
        let mut change = SampleChange::None;
        for score in &self.scores {
            let before = score.baseline.and_then(|baseline| baseline.passed);
            match (before, score.passed) {
                (Some(true), Some(false)) => return SampleChange::Broke,
                (Some(false), Some(true)) => change = SampleChange::Works,
                _ => {}
            }
        }
        change
    }
}

/// How a metric's scores of one prompt and model are distributed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreDistribution {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// Lower end of the first bin.
    pub low: f64,
    /// Upper end of the last bin.
    pub high: f64,
    /// Scores in each of the bins, which are equally wide.
    pub counts: Vec<u64>,
    /// The baseline's, in the same bins; empty where there are none.
    pub baseline: Vec<u64>,
}
