//! Why feedback says nothing.

use std::path::PathBuf;

use crate::{Ending, error::Advised};

/// Why feedback says nothing.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackUseError {
    /// No document was feedback.
    #[error("none of {documents} is feedback of an answer")]
    NoEvent {
        /// The documents, with their number.
        documents: String,
        /// What is wrong with the first.
        first: Option<String>,
    },
    /// The suite does not say what must not be kept.
    #[error("the suite {} has no `logs` section, which says what is taken out of texts before they are kept", .0.display())]
    NoLogs(PathBuf),
    /// There is none.
    #[error("there is no feedback of the suite `{0}`")]
    Nothing(String),
    /// There is none of this signal.
    #[error("no answer has feedback called `{signal}`")]
    NoSignal {
        /// The signal.
        signal: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A variant served nothing.
    #[error("no record was served by `{0}`")]
    NoVariant(String),
    /// Both names are the same variant.
    #[error("`{0}` and `{1}` name the same records")]
    SameVariant(String, String),
    /// A log of exposures has a mistake.
    #[error("{}, line {line}: {problem}", path.display())]
    Exposure {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A log of exposures cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Exposures {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Advised for FeedbackUseError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoEvent { first, .. } => match first {
                Some(first) => format!("the first: {first}"),
                None => "name the key that holds the record's id with `--key`, and what is asked for with `--signal`"
                    .to_owned(),
            },
            Self::NoLogs(_) => "add it: `logs: { redact: [email, phone, card, key] }`, or `logs: { redact: [] }` where \
                                nothing is personal"
                .to_owned(),
            Self::Nothing(_) => "`evalmark feedback import SUITE FILE` takes it in".to_owned(),
            Self::NoSignal { known, .. } if known.is_empty() => {
                "no event belongs to a record of the monitor; compare their ids".to_owned()
            }
            Self::NoSignal { known, .. } => format!("there is: {}", known.join(", ")),
            Self::NoVariant(_) | Self::SameVariant(..) => {
                "name a prompt, a model, or a prompt's hash as the logs have it".to_owned()
            }
            Self::Exposure { .. } => {
                "write a JSON object a line: `{\"record_id\": \"…\", \"propensity\": 0.1}`".to_owned()
            }
            Self::Exposures { .. } => return None,
        })
    }

    fn ending(&self) -> Option<Ending> {
        let is_incomplete =
            matches!(self, Self::NoEvent { .. } | Self::Nothing(_) | Self::NoSignal { .. });
        is_incomplete.then_some(Ending::Incomplete)
    }
}
