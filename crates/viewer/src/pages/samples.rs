//! `/run/SUITE/RUN/samples`: the samples of a run, a page at a time, searched and filtered.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use evalmark_core::{
    metric::Range,
    number_format::{NONE, item_score},
    record::Outcome,
};
use evalmark_report::sample_pages::{PageRequest, PlacedSample, SamplePages, SampleQuery};
use evalmark_store::{run_record::RunRecord, runs::ListedRun};
use serde::Serialize;

use super::{Message, Names, Query, Shared, aside, unreadable};
use crate::render::{in_address, page};

/// Samples of a page.
const PAGE: usize = 50;

/// No run has a row beyond it, and a browser counts as far.
const FARTHEST: u64 = 1 << 53;

/// For how long samples are looked for; what takes longer goes on with the next page.
const TIME: Duration = Duration::from_millis(200);

/// Characters of a text in the list.
const SHOWN: usize = 280;

const OUTCOMES: [Outcome; 4] =
    [Outcome::Answered, Outcome::Refused, Outcome::Invalid, Outcome::Failed];

#[derive(Serialize)]
struct SamplesPage {
    suite: String,
    run_id: String,
    form: Form,
    metrics: Vec<String>,
    samples: Vec<SampleLine>,
    n_rows: u64,
    /// The row that the page begins at, and the one that it got to.
    from: u64,
    upto: u64,
    is_cut_short: bool,
    is_filtered: bool,
    next: Option<String>,
    previous: Option<String>,
    first: Option<String>,
}

/// What was chosen, and what there is to choose from.
#[derive(Serialize)]
struct Form {
    text: String,
    prompt: String,
    model: String,
    outcome: String,
    metric: String,
    at_most: String,
    prompts: Vec<String>,
    models: Vec<String>,
    outcomes: Vec<&'static str>,
}

#[derive(Serialize)]
struct SampleLine {
    row: u64,
    item_id: String,
    prompt: String,
    model: String,
    epoch: u32,
    outcome: &'static str,
    targets: String,
    output: String,
    scores: Vec<String>,
}

pub(super) async fn samples(
    State(pages): Shared,
    Path((suite, run_id)): Names<(String, String)>,
    query: Query,
) -> Result<Response, Message> {
    let part = aside(pages, move |pages| {
        let run = pages.run(&suite, &run_id)?;
        let record = run.record.as_ref();
        let record = record.ok_or_else(|| Message::not_found("this run cannot be read"))?;
        if !run.folder.samples().is_file() {
            return Err(Message::not_found("this run has no samples yet"));
        }
        let reader = SamplePages::open(&run.folder.samples()).map_err(|e| unreadable(&e))?;
        SamplesPage::of(&reader, &run, record, &query)
    });
    Ok(page(StatusCode::OK, "samples.html", &part.await?))
}

impl SamplesPage {
    fn of(
        reader: &SamplePages,
        run: &ListedRun,
        record: &RunRecord,
        query: &Query,
    ) -> Result<Self, Message> {
        let form = Form::of(query, record);
        let from = query.number::<u64>("from").unwrap_or_default().min(FARTHEST);
        let wanted = form.query();
        let request = PageRequest { from, size: PAGE, time: TIME };
        let found = reader.page(&wanted, request).map_err(|error| unreadable(&error))?;
        let ranges: Vec<_> =
            reader.metrics().iter().map(|metric| record.scale(metric).range).collect();
        let is_filtered = wanted != SampleQuery::default();
        // Without a filter the page before is known; with one, it is what the browser went back to.
        let previous = (!is_filtered && from > 0).then(|| from.saturating_sub(PAGE as u64));
        Ok(Self {
            suite: run.suite.clone(),
            run_id: run.run_id.clone(),
            metrics: reader.metrics().to_vec(),
            samples: found.samples.iter().map(|one| SampleLine::of(one, &ranges)).collect(),
            n_rows: found.n_rows,
            from,
            upto: found.next.unwrap_or(found.n_rows),
            is_cut_short: found.is_cut_short,
            is_filtered,
            next: found.next.map(|next| form.address(next)),
            previous: previous.map(|row| form.address(row)),
            first: (from > 0).then(|| form.address(0)),
            form,
        })
    }
}

impl Form {
    fn of(query: &Query, record: &RunRecord) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        Self {
            text: text("q"),
            prompt: text("prompt"),
            model: text("model"),
            outcome: text("outcome"),
            metric: text("metric"),
            at_most: text("at_most"),
            prompts: record.prompts.iter().map(|prompt| prompt.name.clone()).collect(),
            models: record.models.clone(),
            outcomes: OUTCOMES.map(Outcome::as_str).into(),
        }
    }

    fn query(&self) -> SampleQuery {
        let chosen = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let outcome = OUTCOMES.into_iter().find(|outcome| outcome.as_str() == self.outcome);
        // A metric without a number: what has no score at all.
        let most = self.at_most.trim().parse().ok().filter(|most: &f64| !most.is_nan());
        let at_most = chosen(&self.metric).map(|metric| (metric, most.unwrap_or(0.0)));
        SampleQuery {
            prompt: chosen(&self.prompt),
            model: chosen(&self.model),
            outcome,
            text: chosen(&self.text),
            at_most,
        }
    }

    /// The same choice from another row on.
    fn address(&self, from: u64) -> String {
        let from = from.to_string();
        let pairs = [
            ("q", &self.text),
            ("prompt", &self.prompt),
            ("model", &self.model),
            ("outcome", &self.outcome),
            ("metric", &self.metric),
            ("at_most", &self.at_most),
            ("from", &from),
        ];
        let told = pairs.iter().filter(|(_, value)| !value.is_empty());
        let told: Vec<_> =
            told.map(|(key, value)| format!("{key}={}", in_address(value))).collect();
        format!("?{}", told.join("&"))
    }
}

impl SampleLine {
    fn of(placed: &PlacedSample, ranges: &[Range]) -> Self {
        let sample = &placed.sample;
        let failure = sample.record.failure.as_ref();
        let output = sample.record.output.as_deref();
        let output = output.or(failure.map(|failure| failure.message.as_str()));
        let scores = sample.scores.iter().zip(ranges);
        Self {
            row: placed.row,
            item_id: beginning(&sample.item_id),
            prompt: sample.prompt.clone(),
            model: sample.model.clone(),
            epoch: sample.epoch,
            outcome: sample.outcome.as_str(),
            targets: beginning(&sample.targets.join(" | ")),
            output: beginning(output.unwrap_or_default()),
            scores: scores.map(|(one, range)| written(*one, *range)).collect(),
        }
    }
}

/// A score, or a dash where there is none.
pub(super) fn written(value: Option<f64>, range: Range) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| item_score(value, range))
}

/// The beginning of a text, which may be very long.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
