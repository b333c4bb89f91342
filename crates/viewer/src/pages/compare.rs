//! `/compare?baseline=SUITE/RUN&candidate=SUITE/RUN`: any two runs, by the statistics of a gate.

use axum::{extract::State, http::StatusCode, response::Response};
use evalmark_core::{
    changes::{Change, DiffPart, LONG, excerpt},
    comparison_text::ComparisonText,
    metric::Direction,
    number_format::{item_scores, or_none},
    verdict::{Comparison, Flip, Measure, Verdict},
};
use evalmark_store::runs::ListedRun;
use serde::Serialize;

use super::{Message, Query, Shared, aside};
use crate::{
    background::Found,
    render::{in_address, page},
};

/// Items named for each comparison.
const MOST_FLIPS: usize = 50;

#[derive(Serialize)]
struct ComparePage {
    baseline: RunName,
    candidate: RunName,
    verdict: Option<VerdictPart>,
    problem: Option<String>,
    is_live: bool,
}

#[derive(Serialize)]
struct RunName {
    suite: String,
    run_id: String,
}

/// A verdict with its figures written out.
#[derive(Serialize)]
pub(super) struct VerdictPart {
    answer: &'static str,
    baseline: String,
    says: String,
    changes: Option<Vec<ChangePart>>,
    comparisons: Vec<ComparisonPart>,
}

/// What differs from the baseline; of a text, the words around what changed.
#[derive(Serialize)]
struct ChangePart {
    says: String,
    diff: Vec<DiffPart>,
}

#[derive(Serialize)]
struct ComparisonPart {
    answer: &'static str,
    prompt: String,
    model: String,
    metric: String,
    says: String,
    before: String,
    after: String,
    change: String,
    bounds: String,
    margin: String,
    notes: Vec<String>,
    flips: Vec<FlipPart>,
    more_flips: usize,
}

#[derive(Serialize)]
struct FlipPart {
    item_id: String,
    /// Where the candidate's sample is found.
    address: String,
    scores: [String; 2],
    is_worse: bool,
}

pub(super) async fn compare(State(pages): Shared, query: Query) -> Result<Response, Message> {
    let wanted = |name: &str| {
        let named = query.get(name).and_then(|value| value.split_once('/'));
        named.map(|(suite, run_id)| (suite.to_owned(), run_id.to_owned()))
    };
    let Some((before, after)) = wanted("baseline").zip(wanted("candidate")) else {
        let says = "choose two runs: a baseline and a candidate";
        return Err(Message::new(StatusCode::BAD_REQUEST, says));
    };
    let found = aside(pages.clone(), move |pages| {
        Ok([pages.run(&before.0, &before.1)?, pages.run(&after.0, &after.1)?])
    });
    let [before, after] = found.await?;
    let mut part = ComparePage {
        baseline: RunName::of(&before),
        candidate: RunName::of(&after),
        verdict: None,
        problem: None,
        is_live: false,
    };
    for run in [&before, &after] {
        if run.record.is_none() {
            let why = run.problem.clone().unwrap_or_default();
            part.problem = Some(format!("{}/{}: {why}", run.suite, run.run_id));
            return Ok(page(StatusCode::OK, "compare.html", &part));
        }
    }
    let key = format!("{}\n{}", digest(&before), digest(&after));
    let analysis = pages.analysis.clone();
    let candidate = after.clone();
    let work = move || analysis.compare(&before.folder.path, &after.folder.path);
    match pages.comparisons.get(key, work).await {
        Found::Busy => return Err(Message::busy()),
        Found::Computing => part.is_live = true,
        Found::Ready(found) => match &*found {
            Ok(verdict) => part.verdict = Some(VerdictPart::of(verdict, &candidate)),
            Err(why) => part.problem = Some(why.clone()),
        },
    }
    Ok(page(StatusCode::OK, "compare.html", &part))
}

/// What tells one state of a run's files from another.
fn digest(run: &ListedRun) -> String {
    let files = run.record.iter().flat_map(|record| record.files.values());
    let files: String = files.map(String::as_str).collect();
    format!("{}/{}:{:?}:{files}", run.suite, run.run_id, run.state)
}

impl RunName {
    fn of(run: &ListedRun) -> Self {
        Self { suite: run.suite.clone(), run_id: run.run_id.clone() }
    }
}

impl VerdictPart {
    /// The verdict on this run.
    pub(super) fn of(verdict: &Verdict, run: &ListedRun) -> Self {
        let changes = verdict.changes.as_ref();
        let change =
            |one: &Change| ChangePart { says: one.says.clone(), diff: excerpt(&one.diff, LONG) };
        Self {
            answer: verdict.answer.as_str(),
            baseline: verdict.baseline.clone(),
            says: verdict.says.clone(),
            changes: changes.map(|list| list.iter().map(change).collect()),
            comparisons: verdict
                .worst_first()
                .into_iter()
                .map(|comparison| ComparisonPart::of(comparison, run))
                .collect(),
        }
    }
}

/// The samples of a run that have an item's id, under the prompt and model of a comparison.
fn samples_of(item_id: &str, comparison: &Comparison, run: &ListedRun) -> String {
    let [suite, run_id] = [&run.suite, &run.run_id].map(|name| in_address(name));
    let [item, prompt, model] = [item_id, &comparison.prompt, &comparison.model].map(in_address);
    format!("/run/{suite}/{run_id}/samples?q={item}&prompt={prompt}&model={model}")
}

impl ComparisonPart {
    fn of(comparison: &Comparison, run: &ListedRun) -> Self {
        let written = ComparisonText::of(comparison);
        // Amounts change nearly everywhere.
        let flips: &[Flip] =
            if comparison.measure == Measure::Ratio { &[] } else { &comparison.flips };
        let flip = |flip: &Flip| FlipPart {
            item_id: flip.item_id.clone(),
            address: samples_of(&flip.item_id, comparison, run),
            scores: item_scores([flip.baseline, flip.candidate], comparison.range),
            is_worse: (flip.candidate < flip.baseline)
                == (comparison.direction == Direction::Higher),
        };
        Self {
            answer: comparison.answer.as_str(),
            prompt: comparison.prompt.clone(),
            model: comparison.model.clone(),
            metric: comparison.metric.clone(),
            says: comparison.says.clone(),
            bounds: or_none(written.bounds()),
            before: or_none(written.baseline),
            after: or_none(written.candidate),
            change: or_none(written.change),
            margin: written.margin,
            notes: comparison.notes.clone(),
            flips: flips.iter().take(MOST_FLIPS).map(flip).collect(),
            more_flips: flips.len().saturating_sub(MOST_FLIPS),
        }
    }
}
