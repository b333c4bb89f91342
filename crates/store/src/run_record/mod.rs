//! `run.json`: what was run, how far it came, and what it found, as plain data.

mod counts;
mod early;
mod effective_suite;
mod imported;
mod options;

use std::{collections::BTreeMap, path::PathBuf};

use evalmark_core::{
    metric::{Direction, Range},
    source::Snapshot,
    source_place::SourcePlaces,
    suite::file_name,
};
use serde::{Deserialize, Serialize};

pub use self::{
    counts::{FailureExample, RunTotals, SampleCounts, Unscored},
    early::{StopEarly, StoppedEarly},
    effective_suite::{EffectiveSuite, KeptMetric, KeptModel},
    imported::{ImportedFile, ImportedFrom, ImportedRest},
    options::RunOptions,
};

/// Version of `run.json`. Since 2 it holds digests of the files beside it.
pub const FORMAT_VERSION: u32 = 2;

/// More items than any dataset has.
const MOST_ITEMS: u64 = 1 << 40;

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It is being asked, or was stopped without a chance to say so.
    Running,
    /// It was interrupted and can be resumed.
    Interrupted,
    /// Files of two passes may lie side by side; `score` makes it whole.
    Scoring,
    /// Every sample has an answer.
    Complete,
    /// Some samples have no answer; `resume` asks for them again.
    Partial,
}

/// The content of `run.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`FORMAT_VERSION`] of the tool that wrote it.
    pub format_version: u32,
    /// Version of the tool that began the run.
    pub tool_version: String,
    /// The run's name within its suite; the name of its folder.
    pub run_id: String,
    /// The suite's name.
    pub suite: String,
    /// As it was given, so that it means the same from the same working directory.
    pub suite_path: PathBuf,
    /// Where the suite and its prompts stand in the source tree; earlier versions did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_places: Option<SourcePlaces>,
    /// BLAKE3 of the effective suite.
    pub suite_hash: String,
    /// BLAKE3 of ids and contents of the selected items.
    pub dataset_hash: String,
    /// Where the dataset's snapshot comes from; `None` where the dataset is a plain file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_source: Option<SnapshotOrigin>,
    /// Items that the run planned to ask.
    pub n_items: u64,
    /// The dataset's columns that make up an item's content; earlier versions did not keep them.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Repetitions of each item.
    pub epochs: u32,
    /// How far it came.
    pub status: RunStatus,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC; `None` before the end of the first pass.
    pub finished_at: Option<String>,
    /// The source tree that the suite came from; `None` outside git.
    pub git: Option<GitState>,
    /// Prompt names with their hashes, in the suite's order.
    pub prompts: Vec<NamedHash>,
    /// Names of the models that were evaluated.
    pub models: Vec<String>,
    /// Metric names with the hashes of their configuration.
    pub metrics: Vec<NamedHash>,
    /// Names of the metrics whose scores are a model's judgement.
    #[serde(default)]
    pub judged: Vec<String>,
    /// How far judges agree with each other and with themselves, by metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub judging: BTreeMap<String, JudgeAgreement>,
    /// Where each metric's values lie, and which are better.
    #[serde(default)]
    pub scales: MetricScales,
    /// What the command line said.
    pub options: RunOptions,
    /// Samples by how they ended.
    pub counts: SampleCounts,
    /// What the answers cost.
    pub totals: RunTotals,
    /// Columns that results are broken down by.
    pub slices: Vec<String>,
    /// The order of a run that may stop early; `None` for one that may not.
    #[serde(default)]
    pub stop_early: Option<StopEarly>,
    /// What was not asked, because the gate's answer was certain without it.
    #[serde(default)]
    pub stopped_early: Option<StoppedEarly>,
    /// Why a run that ended is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// BLAKE3 of the files beside it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Why a baseline does not keep the answers of its run, in a clause; `None` in runs, and in
    /// baselines that keep them or are of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers_left_out: Option<String>,
    /// Why a run with a gate was compared with nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ungated: Option<String>,
    /// The tool that asked and scored, where that was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedFrom>,
    /// The suite as it was understood.
    pub effective_suite: EffectiveSuite,
}

impl RunRecord {
    /// The suite's file, from whichever folder one looks.
    pub fn suite_file(&self) -> PathBuf {
        let from_there = self.options.working_dir.as_ref().map(|dir| dir.join(&self.suite_path));
        from_there.filter(|path| path.is_file()).unwrap_or_else(|| self.suite_path.clone())
    }

    /// Where a metric's values lie, and which are better; runs of earlier versions have scores in
    /// [0, 1].
    pub fn scale(&self, metric: &str) -> MetricScale {
        self.scales.get(metric).cloned().unwrap_or_default()
    }

    /// Whether a metric's scores are a model's judgement.
    pub fn is_judged(&self, metric: &str) -> bool {
        self.judged.iter().any(|judged| judged == metric)
    }

    /// Fails, with the reason, where the record describes what no run can be.
    pub fn check(&self) -> Result<(), String> {
        file_name(&self.suite).map_err(|why| format!("the suite's name {why}"))?;
        file_name(&self.run_id).map_err(|why| format!("the run id {why}"))?;
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        for (name, hash) in [("suite_hash", &self.suite_hash), ("dataset_hash", &self.dataset_hash)]
        {
            if !is_hash(hash) {
                return Err(format!("`{name}` is not 64 hexadecimal digits"));
            }
        }
        if self.epochs == 0 || self.n_items == 0 || self.n_items > MOST_ITEMS {
            return Err("`epochs` or `n_items` is not a number that a run can have".to_owned());
        }
        match &self.stopped_early {
            Some(stopped) if stopped.asked_items > stopped.planned_items => {
                Err("it stopped early after more items than were planned".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Where a dataset's snapshot comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotOrigin {
    /// A path or address, without anything secret.
    pub origin: String,
    /// BLAKE3 of the file, unpacked: 64 hexadecimal digits.
    pub blake3: String,
    /// When it was fetched or unpacked: RFC 3339, UTC.
    pub fetched_at: String,
}

impl SnapshotOrigin {
    /// What is kept of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let Snapshot { origin, blake3, fetched_at, .. } = snapshot.clone();
        Self { origin, blake3, fetched_at }
    }
}

/// A name and the hash of what it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedHash {
    /// The name in the suite.
    pub name: String,
    /// Hexadecimal.
    pub hash: String,
}

/// The source tree that a suite came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    /// The commit, in hexadecimal.
    pub revision: String,
    /// Whether no tracked file differed from it.
    pub clean: bool,
}

/// What the judges of a metric agree on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgeAgreement {
    /// Judges on the panel.
    pub judges: usize,
    /// Answers that at least two judges graded.
    pub graded: u64,
    /// Krippendorff's alpha of the judges' grades, as numbers; `None` for a single judge, or where
    /// the grades do not vary.
    pub alpha: Option<f64>,
    /// Pairs of answers that were judged in both orders.
    pub pairs: u64,
    /// Share of these about which the two orders disagree.
    pub flip_rate: Option<f64>,
    /// Standard deviation of a judge's grades when it is asked the same again.
    pub repeat_sd: Option<f64>,
}

/// Where a metric's values lie, and which are better.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricScale {
    /// Where the mean, or the run's value, lies.
    pub range: Range,
    /// Which values are better.
    pub direction: Direction,
    /// The name of the run's value, where that is no mean of the answers' scores.
    pub value: Option<String>,
}

impl MetricScale {
    /// Whether the values are means of scores in [0, 1].
    pub fn is_share_of_answers(&self) -> bool {
        self.value.is_none() && self.range.is_share()
    }
}

/// Scales by metric.
pub type MetricScales = BTreeMap<String, MetricScale>;
