//! The history of a suite: its runs of a folder, and the course of every score over them. What is
//! decided is decided by the verdict crate; here the runs are read.
//!
//! `sampled_items.rs` reads the items of one run, at most so many that memory does not grow with datasets;
//! `comparable.rs` tells which runs the latest one is comparable with; `changed.rs` what differs from
//! run to run.

mod changed;
mod comparable;
mod sampled_items;

use std::{collections::BTreeSet, path::Path};

use evalmark_core::{
    history::{Course, History, HistoryRun, LeftOut, Series, SeriesPoint, Trend},
    suite::Suite,
};
use evalmark_report::summary::{SummaryRow, read_summary};
use evalmark_store::{
    integrity,
    named_run::runs_of,
    run_folder::RunFolder,
    run_record::{RunOptions, RunRecord},
    runs::{ListedRun, RunState},
};
use evalmark_verdict::{ItemScore, TrendRule, trend};

use self::{
    changed::changed_since,
    comparable::{Comparable, set_apart},
    sampled_items::Sampling,
};
use crate::{
    Ending, Host,
    error::{Advised, Result, RunError},
    unknown_name::{UnknownName, all_known},
};

/// The chance of a false alarm over a whole history.
const ALPHA: f64 = 0.05;

/// Runs that an error names.
const MOST_REASONS: usize = 3;

/// Which part of a suite's history is wanted. What is not named is all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryOptions {
    /// Prompts.
    pub prompts: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Metrics.
    pub metrics: Vec<String>,
    /// The first run, by its id: the runs before it are left out.
    pub since: Option<String>,
}

impl HistoryOptions {
    fn wants(&self, row: &SummaryRow) -> bool {
        let one_of = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        row.slice.is_none()
            && one_of(&self.prompts, &row.prompt)
            && one_of(&self.models, &row.model)
            && one_of(&self.metrics, &row.metric)
    }

    /// Fails where a name is none of the latest run's.
    fn check(&self, rows: &[SummaryRow]) -> Result<(), UnknownName> {
        let known = |of: fn(&SummaryRow) -> &str| -> Vec<&str> {
            rows.iter().map(of).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let check = |what: &str, wanted: &[String], known: &[&str]| {
            all_known(&format!("the latest run has no {what}"), wanted, known, "it has")
        };
        check("prompt", &self.prompts, &known(|row| &row.prompt))?;
        check("model", &self.models, &known(|row| &row.model))?;
        check("metric", &self.metrics, &known(|row| &row.metric))
    }
}

/// A run that can be part of a history.
struct UsableRun {
    /// Its folder's name, by which it is found.
    name: String,
    folder: RunFolder,
    record: RunRecord,
    rows: Vec<SummaryRow>,
}

/// The history of a suite below `out`: what every score of the latest finished run was in the runs
/// before it, and whether it changed.
///
/// Fails where the suite has no finished run, or none with what is wanted. Runs that are broken, not
/// finished, or lack too many answers are left out, and said.
pub fn history(out: &Path, suite: &str, options: &HistoryOptions) -> Result<History> {
    history_of_runs(suite, runs_of(out, suite)?, options)
}

/// The same over these of its runs, the oldest first.
pub fn history_of_runs(
    suite: &str,
    listed: Vec<ListedRun>,
    options: &HistoryOptions,
) -> Result<History> {
    let (usable, left_out) = usable(listed, options)?;
    let Some(latest) = usable.last() else {
        let why = why_none(&left_out);
        return Err(HistoryError::NoneFinished { suite: suite.to_owned(), why }.into());
    };
    options.check(&latest.rows)?;
    let wanted: Vec<_> = latest.rows.iter().filter(|row| options.wants(row)).collect();
    if wanted.is_empty() {
        return Err(HistoryError::NothingWanted { suite: suite.to_owned() }.into());
    }
    let sampling = Sampling::of(&usable, wanted.len());
    let mut history = History {
        suite: suite.to_owned(),
        alpha: ALPHA,
        runs: told(&usable),
        left_out,
        series: wanted.iter().map(|row| series(row, &usable, latest)).collect(),
    };
    let mut comparable = Comparable::new(&history.series, &latest.record);
    for (at, run) in usable.iter().enumerate().rev() {
        match sampling.read(run, &history.series) {
            Ok(scores) => comparable.push(at, &run.record, scores, &mut history.series),
            Err(why) => set_apart(at, &why.in_full(), &mut history.series),
        }
    }
    decide(&mut history, comparable.scores);
    history.tell();
    Ok(history)
}

/// Why none of these runs can be used, in parentheses: the latest ones, and how many there are beside them.
fn why_none(left_out: &[LeftOut]) -> String {
    let latest = left_out.iter().rev().take(MOST_REASONS);
    let mut why: Vec<_> = latest.map(|run| format!("{}: {}", run.run_id, run.why)).collect();
    if left_out.len() > MOST_REASONS {
        why.push(format!("and {} more", left_out.len() - MOST_REASONS));
    }
    if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) }
}

/// The course of every score, from its comparable runs, the latest first.
fn decide(history: &mut History, scores: Vec<Vec<(usize, Vec<ItemScore>)>>) {
    let n_series = history.series.len();
    for (series, mut scores) in history.series.iter_mut().zip(scores) {
        scores.reverse();
        let (runs, items): (Vec<_>, Vec<_>) = scores.into_iter().unzip();
        let rule = TrendRule { alpha: ALPHA, n_series, direction: series.direction };
        let found = trend(&items, &rule);
        let point_of = |place: usize| {
            let run = runs.get(place)?;
            series.points.iter().position(|point| point.run == *run)
        };
        series.trend = with_points(found, point_of);
    }
}

/// A trend whose runs are counted by their points.
fn with_points(mut found: Trend, point_of: impl Fn(usize) -> Option<usize>) -> Trend {
    found.points = found.points.iter().filter_map(|place| point_of(*place)).collect();
    if let Some(slope) = &mut found.slope {
        slope.first_called = slope.first_called.and_then(&point_of);
    }
    for change in &mut found.change_points {
        change.point = point_of(change.point).unwrap_or_default();
    }
    found
}

/// The name of a suite that somebody named, or named by its file.
pub fn suite_name(named: &str, host: &Host<'_>) -> Result<String> {
    let path = Path::new(named);
    if !path.is_file() {
        return Ok(named.to_owned());
    }
    Ok(Suite::read(path, host.readers(&RunOptions::default()))?.name)
}

/// How a command ends on a history.
pub fn ending_of_history(history: &History) -> Ending {
    let courses = || history.series.iter().map(|series| series.trend.course);
    if courses().any(|course| course == Course::Worse) {
        return Ending::Regressed;
    }
    let is_unsure = courses().all(|course| course == Course::CannotTell);
    if is_unsure { Ending::Inconclusive } else { Ending::Done }
}

/// The runs that can be part of the history, and why others cannot.
fn usable(
    listed: Vec<ListedRun>,
    options: &HistoryOptions,
) -> Result<(Vec<UsableRun>, Vec<LeftOut>)> {
    let known: Vec<_> = listed.iter().rev().map(|run| run.run_id.as_str()).collect();
    let none = "the suite has no run";
    all_known(none, options.since.as_slice(), &known, "it has, the latest first")?;
    let is_first = |run: &ListedRun| options.since.as_ref().is_none_or(|id| *id == run.run_id);
    let first = listed.iter().position(is_first).unwrap_or_default();
    let (mut usable, mut left_out) = (Vec::new(), Vec::new());
    for run in listed.into_iter().skip(first) {
        let run_id = run.run_id.clone();
        match read(run) {
            // A copy would count as one more run that came out alike.
            Ok(run) => match original(&run, &usable) {
                Some(other) => {
                    let why = format!("it is a copy of the run `{}`", other.name);
                    left_out.push(LeftOut { run_id, why });
                }
                None => usable.push(run),
            },
            Err(why) => left_out.push(LeftOut { run_id, why }),
        }
    }
    Ok((usable, left_out))
}

/// The one of these that is the same run in another folder.
fn original<'a>(run: &UsableRun, others: &'a [UsableRun]) -> Option<&'a UsableRun> {
    let same = |other: &&UsableRun| {
        (&other.record.run_id, &other.record.started_at)
            == (&run.record.run_id, &run.record.started_at)
    };
    others.iter().find(same)
}

/// A finished run with its summary, or why it is none.
fn read(run: ListedRun) -> std::result::Result<UsableRun, String> {
    let problem = run.problem.unwrap_or_else(|| "it cannot be read".to_owned());
    let Some(record) = run.record.filter(|_| run.state != RunState::Broken) else {
        return Err(problem);
    };
    let folder = run.folder;
    integrity::complete(&folder, &record)
        .and_then(|()| integrity::unchanged(&folder, &record, &[folder.summary()]))
        .map_err(|error| RunError::from(error).in_full())?;
    let rows = read_summary(&folder.summary()).map_err(|error| RunError::from(error).in_full())?;
    Ok(UsableRun { name: run.run_id, folder, record, rows })
}

fn told(runs: &[UsableRun]) -> Vec<HistoryRun> {
    let mut before: Option<&RunRecord> = None;
    let one = |run: &UsableRun| HistoryRun {
        run_id: run.name.clone(),
        started_at: run.record.started_at.clone(),
        revision: run.record.git.as_ref().map(|git| git.revision.clone()),
        changed: Vec::new(),
    };
    let mut told: Vec<HistoryRun> = runs.iter().map(one).collect();
    for (run, told) in runs.iter().zip(&mut told) {
        told.changed = before.map_or_else(Vec::new, |before| changed_since(before, &run.record));
        before = Some(&run.record);
    }
    told
}

/// A score of the latest run, and its values in all runs that have it.
fn series(wanted: &SummaryRow, runs: &[UsableRun], latest: &UsableRun) -> Series {
    let is_it = |row: &&SummaryRow| {
        row.slice.is_none()
            && (&row.prompt, &row.model, &row.metric)
                == (&wanted.prompt, &wanted.model, &wanted.metric)
    };
    let points = runs.iter().enumerate().filter_map(|(run, of)| {
        let estimate = of.rows.iter().find(is_it)?.estimate.clone()?;
        Some(SeriesPoint { run, estimate, apart: None })
    });
    let scale = latest.record.scale(&wanted.metric);
    Series {
        prompt: wanted.prompt.clone(),
        model: wanted.model.clone(),
        metric: wanted.metric.clone(),
        range: scale.range,
        direction: scale.direction,
        points: points.collect(),
        trend: Trend::default(),
    }
}

/// Why a suite has no history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// None of its runs can be part of it.
    #[error("the suite `{suite}` has no finished run{why}")]
    NoneFinished {
        /// The suite.
        suite: String,
        /// Why not, in brackets.
        why: String,
    },
    /// Nothing that was asked for is in its latest run.
    #[error("the latest run of the suite `{suite}` has no such prompt, model or metric")]
    NothingWanted {
        /// The suite.
        suite: String,
    },
}

impl Advised for HistoryError {
    fn ending(&self) -> Option<Ending> {
        matches!(self, Self::NoneFinished { .. }).then_some(Ending::Incomplete)
    }
}
