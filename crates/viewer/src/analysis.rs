//! What the viewer asks of the engine.

use std::path::Path;

use evalmark_core::{history::History, verdict::Verdict};
use evalmark_report::run_message::RunMessage;
use evalmark_store::runs::ListedRun;

/// The engine's answers about runs that have ended. An error is a sentence for people.
pub trait Analysis: Send + Sync {
    /// The history of a suite over these of its runs, the oldest first: no other is read.
    fn history(&self, suite: &str, runs: Vec<ListedRun>) -> Result<History, String>;

    /// One run against another, which is the baseline.
    fn compare(&self, baseline: &Path, candidate: &Path) -> Result<Verdict, String>;

    /// What is told about one run, with the verdict that its folder keeps.
    fn message(&self, run: &Path) -> Result<RunMessage, String>;
}
