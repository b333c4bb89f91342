//! `/run/SUITE/RUN/samples`: the samples of a run, a page at a time, searched, filtered and put in order.

use std::{fmt::Write, time::Duration};

use axum::{extract::State, http::StatusCode, response::Response};
use evalmark_core::{
    metric::Range,
    number_format::{NONE, count, dollars, item_score, latency},
};
use evalmark_report::sample_pages::{
    ListedSample, PageRequest, SampleOrder, SamplePage, SamplePages, SampleQuery,
};
use evalmark_store::{integrity::missing_hint, run_record::RunRecord, runs::ListedRun};
use serde::Serialize;

use super::{Message, Names, Query, Shared, aside, unreadable};
use crate::{
    own_files::{Checked, FirstLook},
    render::page,
    sample_choice::{Chosen, SampleChoice, SortHeading},
};

/// Samples of a page.
const PAGE: usize = 50;

/// No run has a row beyond it, and a browser counts as far.
const FARTHEST: u64 = 1 << 53;

/// For how long samples are looked for; what takes longer goes on with the next page.
const TIME: Duration = Duration::from_millis(200);

/// For how long the numbers of all samples may be read to put them in order; those of a million take a
/// fraction of it.
const ORDER_TIME: Duration = Duration::from_secs(2);

/// Characters of a text in the list.
const SHOWN: usize = 280;

#[derive(Serialize)]
struct SamplesPage {
    suite: String,
    run_id: String,
    checked: Checked,
    is_live: bool,
    choice: SampleChoice,
    headings: Vec<SortHeading>,
    samples: Vec<SampleLine>,
    remarks: Vec<String>,
    /// What is shown, in a sentence.
    says: String,
    is_filtered: bool,
    is_ordered: bool,
    next: Option<String>,
    previous: Option<String>,
    first: Option<String>,
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
    /// Under the headings.
    figures: Vec<String>,
}

pub(super) async fn samples(
    State(pages): Shared,
    Names((suite, run_id)): Names<(String, String)>,
    query: Query,
) -> Result<Response, Message> {
    let made = aside(pages.clone(), move |pages| {
        let run = pages.run(&suite, &run_id)?;
        let (record, reader) = opened(&run)?;
        let looked = FirstLook::at(&run, &[run.folder.samples()]);
        Ok((SamplesPage::of(&reader, &run, record, &query)?, looked))
    });
    let (mut part, looked) = made.await?;
    part.checked = pages.own_files.check(looked).await;
    part.is_live = part.checked.is_checking;
    Ok(page(StatusCode::OK, "samples.html", &part))
}

/// A run's record and samples.
pub(super) fn opened(run: &ListedRun) -> Result<(&RunRecord, SamplePages), Message> {
    let record = run.record.as_ref();
    let record = record.ok_or_else(|| Message::not_found("this run cannot be read"))?;
    let samples = run.folder.samples();
    if !samples.is_file() {
        let says = match missing_hint(&run.folder, record, &samples) {
            Some(hint) => format!("its samples.parquet is missing; {hint}"),
            None => "this run has no samples yet".to_owned(),
        };
        return Err(Message::not_found(&says));
    }
    Ok((record, SamplePages::open(&samples).map_err(|error| unreadable(&error))?))
}

impl SamplesPage {
    fn of(
        reader: &SamplePages,
        run: &ListedRun,
        record: &RunRecord,
        query: &Query,
    ) -> Result<Self, Message> {
        let choice = SampleChoice::of(|name| query.get(name), record, reader.metrics());
        let chosen = choice.chosen();
        let from = query.number::<u64>("from").unwrap_or_default().min(FARTHEST);
        let found = look(reader, &chosen, from).map_err(|error| unreadable(&error))?;
        let ranges: Vec<_> =
            reader.metrics().iter().map(|metric| record.scale(metric).range).collect();
        let is_filtered = chosen.query != SampleQuery::default();
        let is_ordered = chosen.order.is_some();
        // Without a filter, and in an order, the page before is known; else it is what the browser
        // went back to.
        let is_known = from > 0 && (is_ordered || !is_filtered);
        let last = found.n_wanted.unwrap_or(found.n_rows).saturating_sub(PAGE as u64);
        let previous = is_known.then(|| from.saturating_sub(PAGE as u64).min(last));
        let columns = Columns {
            ranges,
            has_latency: found.samples.iter().any(|sample| sample.latency_ms.is_some()),
            has_cost: found.samples.iter().any(|sample| sample.cost_usd.is_some()),
        };
        Ok(Self {
            suite: run.suite.clone(),
            run_id: run.run_id.clone(),
            checked: Checked::default(),
            is_live: false,
            headings: choice.headings(columns.has_latency, columns.has_cost),
            says: says(&found, from, chosen.order.as_ref(), is_filtered),
            samples: found.samples.iter().map(|one| SampleLine::of(one, &columns)).collect(),
            remarks: chosen.remarks,
            is_filtered,
            is_ordered,
            next: found.next.map(|next| choice.address(next)),
            previous: previous.map(|row| choice.address(row)),
            first: (from > 0).then(|| choice.address(0)),
            choice,
        })
    }
}

fn look(
    reader: &SamplePages,
    chosen: &Chosen,
    from: u64,
) -> Result<SamplePage, evalmark_report::ReadError> {
    let request = PageRequest { from, size: PAGE, time: TIME };
    match &chosen.order {
        None => reader.page(&chosen.query, request),
        Some(order) => {
            // Texts take long to read.
            let time = if chosen.query.text.is_some() { TIME } else { ORDER_TIME };
            reader.page_in_order(&chosen.query, order, PageRequest { time, ..request })
        }
    }
}

/// What the page shows, and what it does not.
fn says(found: &SamplePage, from: u64, order: Option<&SampleOrder>, is_filtered: bool) -> String {
    let (n_rows, n_shown) = (count(found.n_rows), found.samples.len() as u64);
    let first = count(from.saturating_add(1));
    match (order, found.n_wanted) {
        _ if found.n_rows == 0 => "There are no samples.".to_owned(),
        (Some(order), Some(n_wanted)) => in_order(found, from, order, n_wanted),
        _ if from >= found.n_rows => {
            format!("This run has {n_rows} samples: there is none at row {first}.")
        }
        _ => {
            let upto = count(found.upto);
            let is_found = if is_filtered { ", found" } else { "" };
            let mut says =
                format!("{n_shown} shown{is_found} in rows {first} to {upto} of {n_rows}.");
            if found.is_cut_short {
                says += " The search goes on from there with “Next”.";
            } else if n_shown == 0 {
                says += " No sample of these rows is like that.";
            }
            says
        }
    }
}

fn in_order(found: &SamplePage, from: u64, order: &SampleOrder, n_wanted: u64) -> String {
    let order = SampleChoice::order_says(order);
    let n_shown = found.samples.len() as u64;
    let (first, last) = (count(from.saturating_add(1)), count(from.saturating_add(n_shown)));
    let mut says = match (n_wanted, n_shown) {
        (0, _) => "No sample is like that.".to_owned(),
        (_, 0) => format!("There is no sample at place {first} of {}.", count(n_wanted)),
        _ => format!("Samples {first} to {last} of {}, {order}.", count(n_wanted)),
    };
    if found.is_cut_short {
        // Writing to a string does not fail.
        let _ = write!(
            says,
            " Only rows 1 to {} of {} could be searched in time: these are the ones in order.",
            count(found.upto),
            count(found.n_rows)
        );
    }
    if from.saturating_add(n_shown) >= SampleOrder::DEEPEST && n_wanted > SampleOrder::DEEPEST {
        says += " The list ends here: a filter, or the other order, leads to the rest.";
    }
    says
}

impl SampleLine {
    fn of(sample: &ListedSample, columns: &Columns) -> Self {
        let output = sample.output.as_deref().or(sample.error.as_deref());
        let scores = sample.scores.iter().zip(&columns.ranges);
        let scores = scores.map(|(one, range)| written(*one, *range));
        let time = sample.latency_ms.map_or_else(|| NONE.to_owned(), latency);
        let cost = sample.cost_usd.map_or_else(|| NONE.to_owned(), dollars);
        Self {
            row: sample.row,
            item_id: beginning(&sample.item_id),
            prompt: sample.prompt.clone(),
            model: sample.model.clone(),
            epoch: sample.epoch,
            outcome: sample.outcome.as_str(),
            targets: beginning(&sample.targets.join(" | ")),
            output: beginning(output.unwrap_or_default()),
            figures: scores
                .chain(columns.has_latency.then_some(time))
                .chain(columns.has_cost.then_some(cost))
                .collect(),
        }
    }
}

/// The columns of figures.
struct Columns {
    /// Of the scores.
    ranges: Vec<Range>,
    has_latency: bool,
    has_cost: bool,
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
