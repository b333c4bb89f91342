//! Why there is no baseline to compare with, and what to do about it.

use std::path::PathBuf;

use crate::run_folder::OpenRunError;

/// Why a baseline cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// There is none of that name.
    #[error("{summary}")]
    Missing {
        /// What is missing, in a clause.
        summary: String,
        /// Where it was looked for, what is near, and how to make one.
        hint: String,
    },
    /// What was named is neither a run's folder nor a baseline.
    #[error("{summary}")]
    NotARun {
        /// What was named, and what it is not.
        summary: String,
        /// What there is.
        hint: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(OpenRunError),
    /// Its folder holds scores, and no record of their run.
    #[error("the baseline {} has no run.json", .0.display())]
    NoRecord(PathBuf),
    /// Its folder lacks the scores.
    #[error("the baseline {} has no scores.parquet", .0.display())]
    NoScores(PathBuf),
    /// It is another suite's.
    #[error("the baseline `{name}` is of the suite `{owner}`, and the run is of `{suite}`")]
    OtherSuite {
        /// The baseline.
        name: String,
        /// The suite that it was made by.
        owner: String,
        /// The suite of what is compared with it.
        suite: String,
        /// Whether the one may be an earlier name of the other.
        may_be_renamed: bool,
    },
    /// It lies in another suite's folder.
    #[error("it is of the suite `{owner}`, and lies with the baselines of `{suite}`")]
    Misplaced {
        /// The suite that it was made by.
        owner: String,
        /// The suite in whose folder it lies.
        suite: String,
    },
    /// It is what is compared with it.
    #[error("a run is not its own baseline: comparing a run with itself says nothing")]
    Itself,
    /// It was made from what is compared with it.
    #[error(
        "the baseline `{name}` was made from this very run ({run_id}): comparing a run with itself \
         says nothing"
    )]
    MadeFrom {
        /// The baseline.
        name: String,
        /// The run.
        run_id: String,
    },
}

impl BaselineError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { hint, .. } | Self::NotARun { hint, .. } => hint.clone(),
            Self::Unreadable(error) => return error.hint(),
            Self::NoRecord(_) => {
                "restore the file, which `.gitignore` may keep out of git, or promote a run again: `evalmark \
                 baseline promote RUN_DIR NAME --force`"
                    .to_owned()
            }
            Self::NoScores(_) => {
                "promote its run again: `evalmark baseline promote RUN_DIR NAME --force`".to_owned()
            }
            Self::OtherSuite { may_be_renamed: false, suite, .. } => {
                format!("compare with a baseline or a run of `{suite}`")
            }
            Self::OtherSuite { owner, .. } => format!(
                "if `{owner}` is this suite's earlier name, say so with `--baseline-suite {owner}` \
                 or `gate.baseline_suite: {owner}`"
            ),
            Self::Misplaced { owner, suite } => format!(
                "move its folder to `baselines/{owner}`; if that is an earlier name of `{suite}`, it is \
                 found there with `--baseline-suite {owner}` or `gate.baseline_suite: {owner}`"
            ),
            Self::Itself | Self::MadeFrom { .. } => {
                "compare a later run with it, or this run with an earlier baseline".to_owned()
            }
        })
    }
}
