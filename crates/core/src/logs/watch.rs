//! What of production is watched beside the metrics: streams that say how traffic and answers change.

use std::collections::BTreeSet;

/// Streams that every monitor has, as far as its logs hold what they are made of.
pub const WATCHED_STREAMS: [&str; 14] = [
    "model",
    "prompt_hash",
    "outcome",
    "finish_reason",
    "missing",
    "failed",
    "input_chars",
    "output_chars",
    "latency_ms",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "language",
    "embedding",
];

/// Those of them that raise alarms where a suite says nothing: they are the same on a weekend as on a Tuesday.
pub const ALARMED_STREAMS: [&str; 4] = ["model", "outcome", "finish_reason", "missing"];

/// What a suite says of the streams that are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogWatch {
    /// The column whose language is told.
    pub language: Option<String>,
    /// The column whose distance from what it was is watched.
    pub embedding: Option<WatchedEmbedding>,
    /// The streams beside the metrics that raise alarms.
    pub alarm: BTreeSet<String>,
    /// How many days belong together.
    pub cycle: WatchCycle,
}

/// A column whose texts become vectors, of which the distance to those of the first days is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedEmbedding {
    /// The column.
    pub column: String,
    /// The suite's model that gives the vectors.
    pub model: String,
    /// What stands before each text.
    pub prefix: String,
}

/// How many days are tested as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchCycle {
    /// Each stands for itself.
    Day,
    /// Seven: a weekend may differ from other days.
    #[default]
    Week,
}

impl WatchCycle {
    /// The number of days.
    pub fn days(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
        }
    }
}

impl Default for LogWatch {
    fn default() -> Self {
        let alarm = ALARMED_STREAMS.map(str::to_owned).into();
        Self { language: None, embedding: None, alarm, cycle: WatchCycle::default() }
    }
}
