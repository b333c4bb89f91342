//! Why records do not become items of a dataset.

use std::path::PathBuf;

use evalmark_core::number_format::count;
use evalmark_store::FileLockError;

use crate::{Ending, error::Advised};

/// Why records do not become items of a dataset.
#[derive(Debug, thiserror::Error)]
pub enum LogCasesError {
    /// No record is of the kinds that were asked for.
    #[error("none of {looked_at} that {kept} texts is a case of these kinds: {kinds}")]
    Nothing {
        /// The records, with their number.
        looked_at: String,
        /// `keep` or `keeps`.
        kept: &'static str,
        /// What was asked for.
        kinds: String,
    },
    /// Records are of these kinds, and the dataset has their like.
    #[error(
        "{found} of these kinds: {kinds}; nearly the same as an item of the dataset, or as one another"
    )]
    AllNear {
        /// The records, with their number and a verb.
        found: String,
        /// What was asked for.
        kinds: String,
    },
    /// A file that would be replaced is something else.
    #[error("{} is there, and is no review file", .0.display())]
    NoReview(PathBuf),
    /// A column of the suite has a name that the review file needs.
    #[error("the column `{0}` has a name that the review file keeps for itself")]
    Column(String),
    /// The review file has mistakes, each with its place.
    #[error("{} cannot be frozen as it stands:{}", path.display(), list(mistakes))]
    Review {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        mistakes: Vec<String>,
    },
    /// Nothing in the review file is to be kept.
    #[error("no row of {} is to be kept", .0.display())]
    NothingKept(PathBuf),
    /// The dataset is no file that rows can be added to.
    #[error("no row can be added to {}: {why}", path.display())]
    Dataset {
        /// The dataset, as messages call it.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The dataset is not to be changed.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process changes the dataset, or nobody can.
    #[error(transparent)]
    Lock(#[from] FileLockError),
    /// What was frozen before cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Provenance {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Mistakes, one a line, and no more of them than anybody reads.
fn list(mistakes: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text = String::new();
    for mistake in mistakes.iter().take(SHOWN) {
        text.extend(["\n  ", mistake]);
    }
    if mistakes.len() > SHOWN {
        text.extend(["\n  and ", &count((mistakes.len() - SHOWN) as u64), " more"]);
    }
    text
}

impl Advised for LogCasesError {
    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Nothing { .. } => {
                "ask for other kinds, such as `--pick random=50`; `evalmark monitor` reads more logs"
            }
            Self::AllNear { .. } => {
                "ask for other kinds, or take them for different with a larger `--near`, such as `--near 1`"
            }
            Self::NoReview(_) => {
                "`--force` replaces a review file and nothing else; name another file with `--write`"
            }
            Self::ReadOnly(_) => {
                "nothing was changed; give yourself the right to write it, and freeze the file again"
            }
            Self::Unwritable { .. } | Self::Lock(FileLockError::Unwritable { .. }) => {
                "nothing was changed; make its folder one that can be written, and freeze the file again"
            }
            Self::Lock(FileLockError::Busy(_)) => {
                "nothing was changed; wait for it to end, and freeze the file again"
            }
            Self::Column(_) => "give the column another name in the suite and its dataset",
            Self::Review { .. } => {
                "nothing was changed; mend these rows, and freeze the file again"
            }
            Self::NothingKept(_) => "write `yes` into `log_keep` of the rows that are to be items",
            Self::Dataset { .. } => {
                "`evalmark dataset convert` writes a .csv or .jsonl file that the suite can name; where the dataset is \
                 several files, name one of them with `--into`"
            }
            Self::Provenance { .. } => "bring the file back; it says where items came from",
        };
        Some(advice.to_owned())
    }

    fn ending(&self) -> Option<Ending> {
        let is_incomplete = matches!(
            self,
            Self::Nothing { .. } | Self::AllNear { .. } | Self::Unwritable { .. } | Self::Lock(_)
        );
        is_incomplete.then_some(Ending::Incomplete)
    }
}
