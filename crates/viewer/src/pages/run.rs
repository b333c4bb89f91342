//! `/run/SUITE/RUN`: one run, while it goes on and after.

use std::fs;

use axum::{extract::State, http::StatusCode, response::Response};
use evalmark_core::{
    number_format::{count, counted, dollars, interval, moment, span, value},
    verdict::Verdict,
};
use evalmark_report::summary::{SummaryRow, read_summary};
use evalmark_store::{
    integrity::{finished, unchanged},
    progress::RunProgress,
    run_record::RunRecord,
    runs::{ListedRun, RunState},
};
use serde::Serialize;

use super::{Message, Names, Shared, aside, compare::VerdictPart};
use crate::{
    own_files::{Checked, FirstLook},
    render::page,
};

#[derive(Serialize)]
struct RunPage {
    suite: String,
    run_id: String,
    state: &'static str,
    problem: Option<String>,
    checked: Checked,
    facts: Vec<(&'static str, String)>,
    progress: Option<Progress>,
    outcomes: Vec<(&'static str, String)>,
    errors: Vec<ErrorLine>,
    summary: Vec<SummaryLine>,
    /// Why there is no summary.
    no_summary: Option<String>,
    verdict: Option<VerdictPart>,
    has_samples: bool,
    has_report: bool,
    is_live: bool,
}

#[derive(Serialize)]
struct Progress {
    done: u64,
    total: u64,
    says: String,
}

#[derive(Serialize)]
struct ErrorLine {
    kind: String,
    count: String,
    example: String,
}

#[derive(Serialize)]
struct SummaryLine {
    prompt: String,
    model: String,
    metric: String,
    value: String,
    interval: String,
    missing: u64,
    samples: u64,
}

pub(super) async fn run(
    State(pages): Shared,
    Names((suite, run_id)): Names<(String, String)>,
) -> Result<Response, Message> {
    let made = aside(pages.clone(), move |pages| {
        let mut run = pages.run(&suite, &run_id)?;
        run.check_small_files();
        let looked = FirstLook::at(&run, &[run.folder.samples(), run.folder.scores()]);
        Ok((RunPage::of(&run), looked))
    });
    let (mut part, looked) = made.await?;
    part.checked = pages.own_files.check(looked).await;
    part.is_live |= part.checked.is_checking;
    if !part.checked.problems.is_empty() {
        part.state = RunState::Broken.as_str();
    }
    Ok(page(StatusCode::OK, "run.html", &part))
}

impl RunPage {
    fn of(run: &ListedRun) -> Self {
        let record = run.record.as_ref();
        let is_readable = record.is_some();
        // Another run's figures are not shown.
        let is_own = |record: &&RunRecord| {
            finished(&run.folder, record).is_err()
                || unchanged(&run.folder, record, &[run.folder.summary()]).is_ok()
        };
        let summary = record.filter(is_own);
        let summary = summary.map(|_| read_summary(&run.folder.summary()));
        let (rows, no_summary) = match summary {
            Some(Ok(rows)) => (rows, None),
            Some(Err(_)) if !run.folder.summary().is_file() => (Vec::new(), None),
            Some(Err(error)) => (Vec::new(), Some(error.to_string())),
            None => (Vec::new(), None),
        };
        let is_running = run.state == RunState::Running;
        let progress = is_running.then(|| run.folder.read_progress()).flatten();
        Self {
            suite: run.suite.clone(),
            run_id: run.run_id.clone(),
            state: run.state.as_str(),
            problem: run.problem.clone(),
            checked: Checked::default(),
            facts: record.map(facts).unwrap_or_default(),
            progress: progress.as_ref().map(Progress::of),
            outcomes: record.map(outcomes).unwrap_or_default(),
            errors: record.map(errors).unwrap_or_default(),
            summary: rows.iter().filter(|row| row.slice.is_none()).map(SummaryLine::of).collect(),
            no_summary,
            verdict: record.and_then(|record| verdict(run, record)),
            has_samples: is_readable && run.folder.samples().is_file(),
            has_report: is_readable && run.folder.html().is_file(),
            is_live: is_running,
        }
    }
}

impl Progress {
    fn of(progress: &RunProgress) -> Self {
        let mut parts = vec![format!(
            "{}: {} of {} requests",
            progress.doing,
            count(progress.done),
            count(progress.total)
        )];
        for (n, what) in [
            (progress.cached, "kept answers"),
            (progress.failed, "without an answer"),
            (progress.retries, "attempts made again"),
        ] {
            if n > 0 {
                parts.push(format!("{} {what}", count(n)));
            }
        }
        if let Some(left) = progress.time_left().filter(|_| progress.done < progress.total) {
            parts.push(format!("about {} left", span(left)));
        }
        Self {
            done: progress.done.min(progress.total),
            total: progress.total,
            says: parts.join(", "),
        }
    }
}

fn facts(record: &RunRecord) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Began", moment(&record.started_at))];
    facts.extend(record.finished_at.as_deref().map(|ended| ("Ended", moment(ended))));
    facts.push(("Items", count(record.n_items)));
    if record.epochs > 1 {
        facts.push(("Epochs", record.epochs.to_string()));
    }
    let prompts: Vec<_> = record.prompts.iter().map(|prompt| prompt.name.as_str()).collect();
    facts.push(("Prompts", prompts.join(", ")));
    facts.push(("Models", record.models.join(", ")));
    facts.extend(record.totals.cost_usd.map(|usd| ("Cost", dollars(usd))));
    if let Some(git) = &record.git {
        let short: String = git.revision.chars().take(12).collect();
        let tree = if git.clean { "" } else { " with changes" };
        facts.push(("Git revision", short + tree));
    }
    facts.push(("Suite", record.suite_path.display().to_string()));
    facts.push(("evalmark", record.tool_version.clone()));
    facts
}

fn outcomes(record: &RunRecord) -> Vec<(&'static str, String)> {
    let counts = &record.counts;
    let all = [
        ("answered", counts.answered),
        ("refused", counts.refused),
        ("invalid", counts.invalid),
        ("failed", counts.failed),
    ];
    all.into_iter().filter(|(_, n)| *n > 0).map(|(word, n)| (word, count(n))).collect()
}

fn errors(record: &RunRecord) -> Vec<ErrorLine> {
    let examples = &record.counts.error_examples;
    let line = |(kind, count): (&String, &u64)| ErrorLine {
        kind: kind.clone(),
        count: counted(*count, "sample"),
        example: examples.get(kind).map(|one| one.message.clone()).unwrap_or_default(),
    };
    record.counts.errors.iter().map(line).collect()
}

/// The verdict that the run has, where it has one that can be read and is about this run.
fn verdict(run: &ListedRun, record: &RunRecord) -> Option<VerdictPart> {
    let verdict: Verdict = serde_json::from_slice(&fs::read(run.folder.verdict()).ok()?).ok()?;
    let is_own = (&verdict.suite, &verdict.run_id) == (&record.suite, &record.run_id);
    is_own.then(|| VerdictPart::of(&verdict, run))
}

impl SummaryLine {
    fn of(row: &SummaryRow) -> Self {
        let estimate = row.estimate.as_ref();
        Self {
            prompt: row.prompt.clone(),
            model: row.model.clone(),
            metric: row.metric.clone(),
            value: estimate.map_or("no score".to_owned(), |one| value(one.mean, row.range)),
            interval: estimate
                .map_or_else(String::new, |one| interval(one.ci_low, one.ci_high, row.range)),
            missing: row.n_missing,
            samples: row.n_planned,
        }
    }
}
