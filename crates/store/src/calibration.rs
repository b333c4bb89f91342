//! `calibration.json`: a suite measured against itself, and where that is kept.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Redact, StoreError,
    blobs::{BlobError, Blobs},
    run_record::NamedHash,
};

/// Version of `calibration.json`.
pub const FORMAT_VERSION: u32 = 1;

/// The content of `calibration.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    /// [`FORMAT_VERSION`] of the tool that wrote it.
    pub format_version: u32,
    /// Version of that tool.
    pub tool_version: String,
    /// The suite's name.
    pub suite: String,
    /// RFC 3339, UTC.
    pub made_at: String,
    /// The runs whose answers were compared.
    pub run_ids: Vec<String>,
    /// Where the two sets of answers come from.
    pub sets: CalibrationSets,
    /// BLAKE3 of ids and contents of the selected items.
    pub dataset_hash: String,
    /// Items of each set.
    pub n_items: u64,
    /// Repetitions of each item in each set.
    pub epochs: u32,
    /// One-sided error rate of each bound.
    pub alpha: f64,
    /// The chance with which a drop is to be found.
    pub power: f64,
    /// Metric names with the hashes of their configuration.
    pub metrics: Vec<NamedHash>,
    /// Model names with the hashes of what they were asked with.
    pub models: Vec<NamedHash>,
    /// Prompt names with their hashes.
    pub prompts: Vec<NamedHash>,
    /// By metric, prompt and model.
    pub figures: Vec<CalibrationFigure>,
}

/// Where the two sets of answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationSets {
    /// Two runs.
    TwoRuns,
    /// The even and the odd epochs of one run.
    EpochHalves,
}

/// One metric of one prompt x model against itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CalibrationFigure {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// Items with a score in both sets.
    pub n_paired: u64,
    /// Mean score of the first set.
    pub first_mean: Option<f64>,
    /// Mean score of the second set.
    pub second_mean: Option<f64>,
    /// Second minus first: the noise of the mean.
    pub difference: Option<f64>,
    /// Lower one-sided bound on the difference.
    pub lower: Option<f64>,
    /// Upper one-sided bound on the difference.
    pub upper: Option<f64>,
    /// Two-sided p-value against "the two sets have the same mean".
    pub p_same: Option<f64>,
    /// Whether all scores are 0 or 1.
    pub right_or_wrong: bool,
    /// Items whose score differs.
    pub differing: u64,
    /// Their share.
    pub flip_rate: f64,
    /// Upper 95 % bound on their share.
    pub flip_rate_upper: f64,
    /// The flip rate of right-or-wrong scores: what a paired test calls discordance.
    pub discordance: Option<f64>,
    /// Standard deviation of the paired differences.
    pub sd: Option<f64>,
    /// Upper 95 % bound on the variance of the difference of two single answers.
    pub variance: f64,
    /// Clusters of items; `None` where each item stands for itself.
    pub clusters: Option<u64>,
    /// How many items are worth as much as one independent item.
    pub design_effect: f64,
    /// The gate's margin, where the metric is gated.
    pub margin: Option<f64>,
    /// The smallest drop that is found: no smaller margin can be resolved.
    pub resolvable_margin: Option<f64>,
    /// Items that resolve the gate's margin.
    pub items_needed: Option<u64>,
    /// Whether the gate's margin can be resolved.
    pub resolves: Option<bool>,
}

impl CalibrationFigure {
    /// The prompt and model, as they are called in a sentence.
    pub fn variant(&self) -> String {
        format!("{} · {}", self.prompt, self.model)
    }
}

/// Where a suite's calibration is kept.
pub fn path_of(out: &Path, suite: &str) -> PathBuf {
    out.join(key_of(suite))
}

fn key_of(suite: &str) -> String {
    format!("{suite}/calibration.json")
}

impl Calibration {
    /// The suite's calibration among those kept in `out`; `None` where there is none.
    pub fn find(out: &impl Blobs, suite: &str) -> Result<Option<Self>, StoreError> {
        let key = key_of(suite);
        let Some(content) = out.get(&key)? else { return Ok(None) };
        let place = || out.place(&key);
        let read = read(&content).map_err(|source| CalibrationError { place: place(), source })?;
        Ok(Some(read))
    }

    /// Keeps it in place of an earlier one.
    pub fn write(&self, out: &impl Blobs, redact: Redact) -> Result<(), StoreError> {
        let key = key_of(&self.suite);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| BlobError::Write { place: key.clone(), source: error.into() })?;
        Ok(out.put(&key, redact(&format!("{text}\n")).as_bytes())?)
    }

    /// The day it was made.
    pub fn day(&self) -> &str {
        self.made_at.split('T').next().unwrap_or_default()
    }
}

fn read(content: &[u8]) -> Result<Calibration, NotACalibration> {
    let value: Value = serde_json::from_slice(content)?;
    let version = &value["format_version"];
    if *version != FORMAT_VERSION {
        return Err(NotACalibration::Version(version.to_string()));
    }
    Ok(serde_json::from_value(value)?)
}

/// What is kept as a suite's calibration is none.
#[derive(Debug, thiserror::Error)]
#[error("{place} is not a calibration")]
pub struct CalibrationError {
    /// Where it is kept.
    place: String,
    /// Why.
    source: NotACalibration,
}

/// Why a document is no calibration that can be read.
#[derive(Debug, thiserror::Error)]
enum NotACalibration {
    /// It is something else.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Another version of this tool wrote it.
    #[error("it has format version {0}; this evalmark reads version {FORMAT_VERSION}")]
    Version(String),
}
