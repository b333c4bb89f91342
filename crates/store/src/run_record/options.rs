//! What `run.json` keeps of the command line, so that `resume` can go on with it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the command line said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Names of the prompts that were chosen; all where there are none.
    pub prompts: Vec<String>,
    /// Names of the models that were chosen; all where there are none.
    pub models: Vec<String>,
    /// Only so many items of the dataset, from the first.
    pub limit: Option<u64>,
    /// Repetitions of each item, where not those of the suite.
    pub epochs: Option<u32>,
    /// Requests in flight to each model, where not those of the suite.
    pub concurrency: Option<u32>,
    /// Whether the run keeps its answers to itself.
    pub no_cache: bool,
    /// What the run is compared with, where that is not the suite's own baseline.
    #[serde(default)]
    pub baseline: Option<String>,
    /// The suite's earlier name, where the baseline was made under that.
    #[serde(default)]
    pub baseline_suite: Option<String>,
    /// Whether the run may be the first, without a baseline.
    #[serde(default)]
    pub new_baseline: bool,
    /// The commit whose prompts are asked beside those of the working tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts_at: Option<String>,
    /// The commit whose prompts and models are asked in the place of those of the working tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<String>,
    /// Absolute.
    pub cache_dir: Option<PathBuf>,
    /// Where relative paths start; absolute.
    pub working_dir: Option<PathBuf>,
}
