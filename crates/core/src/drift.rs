//! The shape of what is said of drift: streams of production values held against a released run.
//! Deciding that is the verdict crate's work.

use serde::{Deserialize, Serialize};

/// Every stream of a monitor after its latest look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// The chance of any false alarm in a year, over all streams.
    pub alpha: f64,
    /// Looks so far.
    pub n_looks: u64,
    /// In the order in which they were set up.
    pub streams: Vec<StreamDrift>,
}

impl DriftReport {
    /// Streams with an alarm.
    pub fn alarmed(&self) -> impl Iterator<Item = &StreamDrift> {
        self.streams.iter().filter(|stream| stream.alarm.is_some())
    }
}

/// What the values of a stream are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Scores or shares between two known ends.
    #[default]
    Score,
    /// Amounts that have no largest value, such as length, latency, cost or a distance.
    Amount,
    /// One of several words, such as a language, a finish reason or a model's id.
    Category,
}

/// Which way a stream moved, or may not move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// To lower values.
    Down,
    /// To higher values.
    Up,
    /// To either.
    #[default]
    Either,
}

/// What is known of one stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamDrift {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: StreamKind,
    /// The movement that is watched for.
    pub watched: Movement,
    /// The chance of a false alarm in a year.
    pub alpha: f64,
    /// The released run; of a category: of the one that moved most.
    pub released: StreamLevel,
    /// Production since the last restart.
    pub production: StreamLevel,
    /// The category that the levels are shares of.
    pub category: Option<String>,
    /// The logarithm of the largest evidence since the last restart.
    pub evidence: f64,
    /// What evidence raises an alarm, as of now; `None` where the stream never raises one.
    pub threshold: Option<f64>,
    /// The first alarm since the last restart.
    pub alarm: Option<DriftAlarm>,
    /// Values that could not be used: no number, or from a stratum that the released run has not.
    pub n_left_out: u64,
    /// Values since the last look at which there was something to test.
    pub n_waiting: u64,
    /// Strata of the released run that production lacks, and that count at their best meanwhile.
    pub strata_lacking: Vec<String>,
    /// Categories that the released run has not, in the order in which they were seen.
    pub unseen: Vec<UnseenCategory>,
}

/// A mean and how well it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamLevel {
    /// The mean score or share; of amounts: the chance of lying above a value of the released run.
    pub mean: f64,
    /// The ends of its interval.
    pub low: f64,
    /// The upper one.
    pub high: f64,
    /// Independent units: clusters, or values where there are none.
    pub n: u64,
    /// Of amounts: their mean as they are.
    pub amount: Option<f64>,
}

/// An alarm: the stream is no longer as the released run was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftAlarm {
    /// The look that raised it.
    pub at: i64,
    /// Which way the stream moved.
    pub moved: Movement,
    /// The look from which on values are different: the likeliest, as of the latest look.
    pub began: i64,
    /// The earliest look that is nearly as likely.
    pub began_earliest: i64,
    /// The latest one.
    pub began_latest: i64,
    /// Before it began: the released run and production together.
    pub before: StreamLevel,
    /// Since then.
    pub now: StreamLevel,
    /// What else changed then, the clearest first.
    pub alongside: Vec<ChangedAlongside>,
}

/// Another stream that changed when one did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangedAlongside {
    /// The stream's name.
    pub name: String,
    /// The category whose share it is about.
    pub category: Option<String>,
    /// Its level before the change.
    pub before: f64,
    /// Its level since.
    pub now: f64,
    /// By how much a change at that look is likelier than none: the logarithm of the ratio. It ranks,
    /// and tests nothing.
    pub strength: f64,
}

/// A category that the released run has not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnseenCategory {
    /// Its word.
    pub name: String,
    /// The first look that has it.
    pub first_seen: i64,
    /// Values so far.
    pub n: u64,
}
