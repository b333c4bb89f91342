//! Runs of another tool's results: its answers and scores become a run folder, on which everything that reads runs
//! works. Nothing is asked, and nothing is scored again.
//!
//! `record` makes `run.json`, `rows` the columns, and `gate` decides between two such results in one go.

mod gate;
mod record;
mod rows;

use std::path::{Path, PathBuf};

use evalmark_core::tool_results::ToolResults;
use evalmark_report::summary::SummaryRow;
use evalmark_store::{
    run_folder::RunFolder,
    run_record::{RunRecord, RunStatus},
};

pub use self::gate::{GatedResults, OtherTask, gate_results};
use crate::{
    error::{Advised, Result},
    redacted_keys::hide,
    run::write_html,
    run_id::{new_run_id, now},
};

/// Where the run goes, and how it is gated later.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The folder for run folders.
    pub out: PathBuf,
    /// The run's name; `None` is one of its own.
    pub run_id: Option<String>,
    /// The name of the suite that it is a run of; `None`: the tool's name of what was evaluated.
    pub suite: Option<String>,
    /// How it is gated.
    pub gate: ImportedGate,
}

/// The gate of a run that has no suite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportedGate {
    /// The gated metrics, with the largest acceptable drop where one is named; empty: every metric.
    pub metrics: Vec<(String, Option<f64>)>,
    /// One-sided error rate of each bound.
    pub alpha: Option<f64>,
}

/// A run that was made of another tool's results.
pub struct ImportedRun {
    /// Its folder.
    pub folder: RunFolder,
    /// The content of `run.json`.
    pub record: RunRecord,
    /// The rows of `summary.parquet`.
    pub rows: Vec<SummaryRow>,
}

/// Writes the run folder of another tool's results.
pub fn import_results(results: &ToolResults, options: &ImportOptions) -> Result<ImportedRun> {
    import_side(results, None, options)
}

/// The same of one side of a comparison, whose metrics may be the `other` side's alone.
fn import_side(
    results: &ToolResults,
    other: Option<&ToolResults>,
    options: &ImportOptions,
) -> Result<ImportedRun> {
    check(results, other, &options.gate)?;
    let run_id = options.run_id.clone().unwrap_or_else(new_run_id);
    let mut record = record::record(results, options, run_id)?;
    let folder = RunFolder::begin(&options.out, &record, hide)?;
    let written = write(results, &folder, &mut record, &options.gate);
    let rows = written.inspect_err(|_| folder.discard())?;
    Ok(ImportedRun { folder, record, rows })
}

fn write(
    results: &ToolResults,
    folder: &RunFolder,
    record: &mut RunRecord,
    gate: &ImportedGate,
) -> Result<Vec<SummaryRow>> {
    let _lock = folder.lock()?;
    let written = rows::write_rows(results, folder, record)?;
    record.counts = written.counts;
    record.totals = written.totals;
    record.finished_at = Some(now());
    record.incomplete = record::lacks_too_much(&written.rows, gate);
    let digests = written.files.iter().map(|file| (file.file_name(), file.digest().to_owned()));
    record.files = digests.collect();
    folder.take_in(written.files)?;
    let is_whole = record.counts.failed == 0 && record.counts.unscored.is_empty();
    record.status = if is_whole { RunStatus::Complete } else { RunStatus::Partial };
    folder.write(record, hide)?;
    write_html(folder, record, written.rows.clone(), None)?;
    Ok(written.rows)
}

/// Fails where there is nothing that a verdict could be about.
fn check(
    results: &ToolResults,
    other: Option<&ToolResults>,
    gate: &ImportedGate,
) -> Result<(), NoResults> {
    let files = || files_of(results);
    if results.answers.is_empty() {
        return Err(NoResults::NoAnswer { files: files(), why: why_none(results) });
    }
    if results.metrics.is_empty() {
        return Err(NoResults::NoScore { files: files(), why: why_none(results) });
    }
    let metrics = other.into_iter().chain([results]).flat_map(|side| &side.metrics);
    let is_known = |name: &str| metrics.clone().any(|metric| metric.name == name);
    let unknown = gate.metrics.iter().find(|(name, _)| !is_known(name));
    if let Some((name, _)) = unknown {
        let sides = [Some(results), other].into_iter().flatten();
        let known: Vec<_> =
            sides.map(|side| format!("{} has: {}", files_of(side), metrics_of(side))).collect();
        let (name, known) = (name.clone(), known.join("; "));
        return Err(NoResults::UnknownMetric { name, known });
    }
    Ok(())
}

/// The files that results were read from.
fn files_of(results: &ToolResults) -> String {
    results.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The names of all metrics.
fn metrics_of(results: &ToolResults) -> String {
    results.metrics.iter().map(|metric| metric.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn why_none(results: &ToolResults) -> String {
    let reasons = results.left_out.iter().map(|left| format!("{} ({})", left.why, left.first));
    let reasons: Vec<_> = reasons.collect();
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

/// Results that no verdict can be about.
#[derive(Debug, thiserror::Error)]
pub enum NoResults {
    /// There is no answer.
    #[error("{files}: there is no result to import{why}")]
    NoAnswer {
        /// The files.
        files: String,
        /// What was left out, and why.
        why: String,
    },
    /// There is no score.
    #[error("{files}: no answer has a score{why}")]
    NoScore {
        /// The files.
        files: String,
        /// What was left out, and why.
        why: String,
    },
    /// A metric that is to be gated is not there.
    #[error("there is no metric `{name}`: {known}")]
    UnknownMetric {
        /// As it was named.
        name: String,
        /// The files, and what each has.
        known: String,
    },
}

impl Advised for NoResults {
    fn ending(&self) -> Option<crate::Ending> {
        match self {
            Self::UnknownMetric { .. } => None,
            Self::NoAnswer { .. } | Self::NoScore { .. } => Some(crate::Ending::Incomplete),
        }
    }
}

/// Fails where answers and scores are another tool's: what they depend on is not here.
pub(crate) fn is_own(record: &RunRecord) -> Result<(), AnotherTools> {
    match &record.imported {
        None => Ok(()),
        Some(from) => Err(AnotherTools { run_id: record.run_id.clone(), tool: from.tool.clone() }),
    }
}

/// A run that only the tool that made it can ask or score again.
#[derive(Debug, thiserror::Error)]
#[error("the run {run_id} was imported from {tool}, and its answers and scores are that tool's")]
pub(crate) struct AnotherTools {
    run_id: String,
    tool: String,
}

impl Advised for AnotherTools {
    fn hint(&self) -> Option<String> {
        let tool = &self.tool;
        Some(format!(
            "evaluate again with {tool}, then import its file: `evalmark import results --from \
             {tool} FILE`"
        ))
    }
}

/// A path that no suite's file has, for what runs without one.
fn no_suite_file(tool: &str) -> PathBuf {
    Path::new("imported").join(tool)
}
