//! What proves a prompt: a run of a suite, and the verdict on it.

use evalmark_core::verdict::Answer;
use serde::{Deserialize, Serialize};

use crate::run_record::GitState;

/// A run, and the verdict on it, with the digests of their files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseEvidence {
    /// The suite's name.
    pub suite: String,
    /// BLAKE3 of the effective suite, as `run.json` has it.
    pub suite_hash: String,
    /// BLAKE3 of the items, as `run.json` has it.
    pub dataset_hash: String,
    /// The run's name within its suite.
    pub run_id: String,
    /// The run's folder, seen from the folder that holds the releases, with `/` between folders.
    pub run: String,
    /// SHA-256 of its `run.json`, which has the digests of the other files.
    pub run_sha256: String,
    /// SHA-256 of its `verdict.json`.
    pub verdict_sha256: String,
    /// What the suite calls the prompt.
    pub prompt: String,
    /// What the suite calls the model.
    pub model: String,
    /// What the run was compared with.
    pub baseline: String,
    /// The digest of the baseline's files, as `verdict.json` has it; `None` where nothing was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_digest: Option<String>,
    /// The answer about this prompt and model.
    pub answer: Answer,
    /// The verdict's own sentence.
    pub says: String,
    /// Each comparison of this prompt and model.
    pub metrics: Vec<MetricEvidence>,
    /// Items of the run.
    pub n_items: u64,
    /// When the run ended: RFC 3339, UTC.
    pub finished_at: String,
    /// The source tree of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitState>,
}

/// One comparison of a verdict, in its main figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricEvidence {
    /// The metric.
    pub metric: String,
    /// The answer.
    pub answer: Answer,
    /// The margin that was asked for.
    pub margin: f64,
    /// Mean of the baseline.
    pub baseline_mean: Option<f64>,
    /// Mean of the run.
    pub candidate_mean: Option<f64>,
    /// Lower one-sided bound on the difference.
    pub lower: Option<f64>,
    /// Upper one-sided bound on the difference.
    pub upper: Option<f64>,
}
