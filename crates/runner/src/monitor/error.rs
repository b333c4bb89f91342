//! Why logs cannot be monitored.

use std::path::PathBuf;

use evalmark_core::logs::LogInputError;

use crate::{Ending, error::Advised};

/// Why logs cannot be monitored.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The suite does not say what its logs hold.
    #[error("the suite {} has no `logs` section", .0.display())]
    NoLogs(PathBuf),
    /// The suite does not say where a line holds the answer.
    #[error("the suite {} does not say where a line of its logs holds the answer", .0.display())]
    NoOutput(PathBuf),
    /// Nobody says where the logs are.
    #[error("nothing says where the logs are")]
    NoPlace,
    /// An environment has not released a prompt that this suite proved.
    #[error("{environment} has released no prompt of the suite `{suite}`")]
    NotReleased {
        /// The environment.
        environment: String,
        /// The suite.
        suite: String,
    },
    /// It has released several.
    #[error("{environment} has released several prompts of this suite: {}", prompts.join(", "))]
    SeveralReleased {
        /// The environment.
        environment: String,
        /// What the suite calls them.
        prompts: Vec<String>,
    },
    /// A text that is no moment.
    #[error("`{0}` is no moment")]
    NoMoment(String),
    /// A moment that has not come.
    #[error("`{0}` has not come yet: nothing would be tested until then")]
    LaterRestart(String),
    /// A reason without a word.
    #[error("the reason is empty")]
    NoReason,
    /// A budget in dollars for a model whose price is not known.
    #[error("`logs.judges.max_cost_usd` needs the price of model `{0}`")]
    UnknownPrice(String),
    /// They cannot be read.
    #[error(transparent)]
    Input(#[from] LogInputError),
    /// No line was a record.
    #[error("none of {read} is a record of this suite")]
    NoRecord {
        /// The lines, with their number.
        read: String,
        /// What is wrong with the first.
        first: Option<String>,
    },
}

impl Advised for MonitorError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoLogs(_) => "say what a line holds: `logs: { fields: { output: $.response } }`".to_owned(),
            Self::NoOutput(_) => "add it: `logs: { fields: { output: $.response } }`".to_owned(),
            Self::NoPlace => "name files, a folder or a pattern with `--from`, or under `logs.from`; `--from -` reads \
                              standard input"
                .to_owned(),
            Self::Input(LogInputError::Nothing { place }) if place.contains("://") => {
                "look at the bucket, and at the keys of its objects; `--follow` waits for the first".to_owned()
            }
            Self::Input(LogInputError::Nothing { .. }) => {
                "logs are files called *.jsonl, *.ndjson, *.json, *.log or *.parquet, also with .gz or .zst behind it"
                    .to_owned()
            }
            Self::NotReleased { .. } => {
                "`evalmark release status` tells what is released; `--baseline NAME` compares with a baseline".to_owned()
            }
            Self::SeveralReleased { .. } => "say which is in production with `--prompt` and `--model`".to_owned(),
            Self::NoMoment(_) => "write a date, or RFC 3339: `2026-11-28`, `2026-11-28T14:00:00Z`".to_owned(),
            Self::LaterRestart(_) => "leave `--at` out: records count from now on".to_owned(),
            Self::NoReason => "say why in a few words, or leave `--reason` out".to_owned(),
            Self::UnknownPrice(_) => {
                "add `price: { input: …, output: … }`, US dollars per million tokens, or set `max_tokens` instead".to_owned()
            }
            Self::Input(_) => return None,
            Self::NoRecord { first, .. } => {
                let first = first.as_ref()?;
                format!("the first {first}; compare `logs.fields` with a line of the logs")
            }
        })
    }

    fn ending(&self) -> Option<Ending> {
        matches!(self, Self::NoRecord { .. } | Self::NotReleased { .. })
            .then_some(Ending::Incomplete)
    }
}
