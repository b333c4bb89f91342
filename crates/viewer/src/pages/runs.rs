//! `/`: every run of the folder, suite by suite, the latest first.

use axum::{extract::State, http::StatusCode, response::Response};
use evalmark_core::number_format::{count, counted, moment};
use evalmark_store::runs::{ListedRun, RunState};
use serde::Serialize;

use super::{Message, Query, Shared, aside, unreadable};
use crate::render::page;

/// Runs of a page.
const PAGE: usize = 200;

#[derive(Serialize)]
struct Runs {
    folder: String,
    total: String,
    /// What the page shows of them, where there are runs and it shows none.
    beyond: Option<String>,
    /// Folders that have runs, where this one has none that can be read.
    elsewhere: Vec<String>,
    suites: Vec<OfSuite>,
    /// Where earlier and later runs begin.
    earlier: Option<usize>,
    later: Option<usize>,
    /// Whether the page looks again by itself.
    is_live: bool,
}

#[derive(Serialize)]
struct OfSuite {
    name: String,
    runs: Vec<RunLine>,
}

/// A run in a list.
#[derive(Serialize)]
pub(super) struct RunLine {
    pub(super) run_id: String,
    pub(super) suite: String,
    state: &'static str,
    problem: Option<String>,
    /// What its gate answered, and against what.
    verdict: Option<&'static str>,
    baseline: Option<String>,
    started_at: Option<String>,
    planned: Option<u64>,
    failed: Option<u64>,
    prompts: usize,
    models: usize,
    /// Percent of a run that is under way.
    progress: Option<String>,
    can_compare: bool,
}

impl RunLine {
    pub(super) fn of(run: &ListedRun) -> Self {
        let record = run.record.as_ref();
        let is_running = run.state == RunState::Running;
        let progress = is_running.then(|| run.folder.read_progress()).flatten();
        let percent = |done: u64, total: u64| {
            let share = 100 * u128::from(done.min(total)) / u128::from(total.max(1));
            format!("{share} %")
        };
        Self {
            run_id: run.run_id.clone(),
            suite: run.suite.clone(),
            state: run.state.as_str(),
            problem: run.problem.clone(),
            verdict: run.verdict.as_ref().map(|verdict| verdict.answer.as_str()),
            baseline: run.verdict.as_ref().map(|verdict| verdict.baseline.clone()),
            started_at: record.map(|record| moment(&record.started_at)),
            planned: record.map(|record| record.counts.planned).filter(|n| *n > 0),
            failed: record.map(|record| record.counts.failed).filter(|n| *n > 0),
            prompts: record.map_or(0, |record| record.prompts.len()),
            models: record.map_or(0, |record| record.models.len()),
            progress: progress.map(|progress| percent(progress.done, progress.total)),
            can_compare: matches!(run.state, RunState::Complete | RunState::Partial),
        }
    }
}

/// Where the last page begins.
fn last_page(n_runs: usize) -> usize {
    n_runs.saturating_sub(1) / PAGE * PAGE
}

pub(super) async fn runs(State(pages): Shared, query: Query) -> Result<Response, Message> {
    let from: usize = query.number::<usize>("from").unwrap_or_default().min(usize::MAX - PAGE);
    let listed = aside(pages, move |pages| {
        let mut all = pages.folder.runs(None).map_err(|error| unreadable(&error))?;
        all.iter_mut().skip(from).take(PAGE).for_each(ListedRun::check_small_files);
        let shown = all.iter().skip(from).take(PAGE);
        let mut suites: Vec<OfSuite> = Vec::new();
        for run in shown {
            let line = RunLine::of(run);
            match suites.iter_mut().find(|suite| suite.name == run.suite) {
                Some(suite) => suite.runs.push(line),
                None => suites.push(OfSuite { name: run.suite.clone(), runs: vec![line] }),
            }
        }
        let total = counted(all.len() as u64, "run");
        let is_beyond = from > 0 && from >= all.len();
        let beyond = is_beyond.then(|| {
            format!("This folder has {total}: there is none at place {}.", count(from as u64 + 1))
        });
        let has_run = all.iter().any(|run| run.record.is_some());
        let elsewhere = if has_run { Vec::new() } else { pages.folder.runs_elsewhere() };
        Ok(Runs {
            folder: pages.folder.root().display().to_string(),
            total,
            beyond,
            elsewhere: elsewhere.iter().map(|path| path.display().to_string()).collect(),
            suites,
            earlier: (from + PAGE < all.len()).then_some(from + PAGE),
            later: (from > 0).then(|| from.saturating_sub(PAGE).min(last_page(all.len()))),
            is_live: all.iter().any(|run| run.state == RunState::Running),
        })
    });
    Ok(page(StatusCode::OK, "runs.html", &listed.await?))
}
