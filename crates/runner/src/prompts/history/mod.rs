//! The history of the library's prompts: who changed which of them, when, and what is known of each version.
//!
//! `library_history.rs` reads prompts at commits, `log.rs` finds the commits that changed one, `known_scores.rs` what runs
//! measured of a content, `at_revision.rs` finds a prompt as it
//! was, `versions.rs` compares two versions, `blame.rs` says which commit wrote a line, and `rollback.rs` writes a version
//! back.

mod at_revision;
mod blame;
mod documents;
mod known_scores;
mod library_history;
mod log;
mod rollback;
mod versions;

pub use self::{
    blame::{BlamedFile, BlamedText, prompt_blame},
    documents::{blame_document, diff_document, log_document},
    known_scores::{KnownRun, KnownScore},
    log::{LogEntry, LogOptions, PromptChange, PromptLog, prompt_log},
    rollback::{RestoreError, RestoredPrompt, prompt_rollback, rollback_document},
    versions::{DiffedText, NamedValue, PromptDiff, PromptVersion, VersionError, prompt_diff},
};

use evalmark_store::git::GitError;

use crate::error::Advised;

impl Advised for GitError {
    fn hint(&self) -> Option<String> {
        Self::hint(self).map(str::to_owned)
    }
}
