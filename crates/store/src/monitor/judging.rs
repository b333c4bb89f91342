//! What a monitor's state says of the records that models are asked about.

use serde::{Deserialize, Serialize};

/// What became of the records that models were to be asked about, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgingState {
    /// What became of them.
    pub counts: JudgeCounts,
    /// US dollars, over all periods.
    pub cost_usd: f64,
    /// What was spent in the period of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<PeriodSpending>,
    /// Files with records that have not been judged yet, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingRecords>,
}

/// A file of records that wait for judges; they are in no segment yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRecords {
    /// Its name.
    pub name: String,
    /// Records in it.
    pub records: u64,
    /// When it was written: microseconds since 1970. What was bought since, for these records, counts once.
    pub at_us: i64,
}

/// What was spent within one period of a budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeriodSpending {
    /// The period: `2026-11-29`, `2026-W48` or `2026-11`.
    pub period: String,
    /// US dollars.
    pub cost_usd: f64,
    /// Tokens of prompts and answers.
    pub tokens: u64,
}

/// What became of the records that models were to be asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeCounts {
    /// Records that were drawn.
    pub drawn: u64,
    /// Every metric that concerns it has its score.
    pub judged: u64,
    /// There was nothing to ask: no metric concerns it, or it lacks what is asked about.
    pub nothing_to_ask: u64,
    /// Unjudged: the budget of the period was spent.
    pub over_budget: u64,
    /// Unjudged: the model could not be reached.
    pub unreachable: u64,
    /// Unjudged: a request failed.
    pub failed: u64,
    /// Unjudged: what the model wrote is no grade.
    pub unreadable: u64,
    /// Unjudged: the suite changed before they were asked about.
    pub suite_changed: u64,
}

impl JudgingState {
    /// Whether no model was ever to be asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Records that wait for judges.
    pub fn n_waiting(&self) -> u64 {
        self.waiting.iter().map(|file| file.records).sum()
    }
}

impl JudgeCounts {
    /// Takes those of other records in.
    pub fn add(&mut self, other: &Self) {
        self.drawn += other.drawn;
        self.judged += other.judged;
        self.nothing_to_ask += other.nothing_to_ask;
        self.over_budget += other.over_budget;
        self.unreachable += other.unreachable;
        self.failed += other.failed;
        self.unreadable += other.unreadable;
        self.suite_changed += other.suite_changed;
    }

    /// Records that stay unjudged, by the reason.
    pub fn unjudged(&self) -> [(&'static str, u64); 5] {
        [
            ("over_budget", self.over_budget),
            ("unreachable", self.unreachable),
            ("failed", self.failed),
            ("unreadable", self.unreadable),
            ("suite_changed", self.suite_changed),
        ]
    }
}
