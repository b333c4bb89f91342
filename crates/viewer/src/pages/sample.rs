//! `/run/SUITE/RUN/sample/ROW`: one sample, with all of its texts.

use axum::{extract::State, http::StatusCode, response::Response};
use evalmark_core::number_format::{count, dollars, latency, quantity};
use evalmark_report::{
    sample_pages::SamplePages,
    samples::SampleRecord,
    scores::{ScoreRecord, score_records_at},
};
use evalmark_store::{run_record::RunRecord, runs::ListedRun};
use serde::Serialize;

use super::{
    Message, Names, Shared, aside,
    samples::{opened, written},
    unreadable,
};
use crate::{
    own_files::{Checked, FirstLook},
    render::page,
};

/// Characters of a text: a browser shows more of them slowly.
const SHOWN: usize = 200_000;

#[derive(Serialize)]
struct SamplePage {
    suite: String,
    run_id: String,
    row: u64,
    checked: Checked,
    is_live: bool,
    previous: Option<u64>,
    next: Option<u64>,
    item_id: String,
    prompt: String,
    model: String,
    epoch: u32,
    outcome: &'static str,
    messages: Vec<(String, String)>,
    output: Option<String>,
    targets: Vec<String>,
    error: Option<String>,
    scores: Vec<(String, String)>,
    reasons: Vec<Reason>,
    slices: Vec<(String, String)>,
    facts: Vec<(&'static str, String)>,
}

/// Why a metric scored as it did.
#[derive(Serialize)]
struct Reason {
    metric: String,
    text: Option<String>,
    judge: Option<JudgeText>,
}

#[derive(Serialize)]
struct JudgeText {
    model: String,
    output: String,
}

pub(super) async fn sample(
    State(pages): Shared,
    Names((suite, run_id, row)): Names<(String, String, u64)>,
) -> Result<Response, Message> {
    let made = aside(pages.clone(), move |pages| {
        let run = pages.run(&suite, &run_id)?;
        let (record, reader) = opened(&run)?;
        let sample = reader.sample(row).map_err(|error| unreadable(&error))?;
        let sample = sample.ok_or_else(|| Message::not_found("this run has no such sample"))?;
        let page = SamplePage::of(row, &sample, &reader, &run, record);
        let looked = FirstLook::at(&run, &[run.folder.samples(), run.folder.scores()]);
        Ok((SamplePage { reasons: reasons(row, &sample, &reader, &run), ..page }, looked))
    });
    let (mut part, looked) = made.await?;
    part.checked = pages.own_files.check(looked).await;
    part.is_live = part.checked.is_checking;
    Ok(page(StatusCode::OK, "sample.html", &part))
}

impl SamplePage {
    fn of(
        row: u64,
        sample: &SampleRecord,
        reader: &SamplePages,
        run: &ListedRun,
        record: &RunRecord,
    ) -> Self {
        let messages = sample.request().map(|request| {
            let told = request.messages.iter();
            told.map(|message| (message.role.clone(), shown(&message.shown()))).collect()
        });
        let failure = sample.record.failure.as_ref();
        let scores = reader.metrics().iter().zip(&sample.scores);
        let slices = reader.slices().iter().zip(&sample.slices);
        Self {
            suite: run.suite.clone(),
            run_id: run.run_id.clone(),
            row,
            checked: Checked::default(),
            is_live: false,
            previous: row.checked_sub(1),
            next: row.checked_add(1).filter(|next| *next < reader.n_rows()),
            item_id: sample.item_id.clone(),
            prompt: sample.prompt.clone(),
            model: sample.model.clone(),
            epoch: sample.epoch,
            outcome: sample.outcome.as_str(),
            messages: messages
                .unwrap_or_else(|_| vec![("request".to_owned(), shown(&sample.request))]),
            output: sample.record.output.as_deref().map(shown),
            targets: sample.targets.iter().map(|target| shown(target)).collect(),
            error: failure.map(|one| format!("{}: {}", one.kind.as_str(), one.message)),
            scores: scores
                .map(|(name, value)| (name.clone(), written(*value, record.scale(name).range)))
                .collect(),
            reasons: Vec::new(),
            slices: slices
                .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
                .collect(),
            facts: facts(sample),
        }
    }
}

/// The reasons of `scores.parquet`, which has a row for each metric of each sample. Where it cannot be read,
/// or is about other samples, the page goes without.
fn reasons(row: u64, sample: &SampleRecord, reader: &SamplePages, run: &ListedRun) -> Vec<Reason> {
    let n = reader.metrics().len() as u64;
    let rows = (0..n).map(|at| row.saturating_mul(n).saturating_add(at)).collect();
    let Ok(records) = score_records_at(&run.folder.scores(), rows) else { return Vec::new() };
    let is_of_sample = |record: &ScoreRecord| {
        (&record.item_id, &record.prompt, &record.model, record.epoch)
            == (&sample.item_id, &sample.prompt, &sample.model, sample.epoch)
    };
    let reason = |record: ScoreRecord| {
        let judge = record.score.judge;
        Reason {
            metric: record.metric,
            text: record.score.reason.as_deref().map(shown),
            judge: judge.and_then(|judge| {
                Some(JudgeText { model: judge.model, output: shown(&judge.output?) })
            }),
        }
    };
    let records = records.map_while(Result::ok).filter(is_of_sample).map(reason);
    records.filter(|one| one.text.is_some() || one.judge.is_some()).collect()
}

fn facts(sample: &SampleRecord) -> Vec<(&'static str, String)> {
    let one = &sample.record;
    let mut facts = Vec::new();
    facts.extend(one.timing.latency_ms.map(|ms| ("Latency", latency(ms))));
    facts.extend(one.first_token_ms().map(|ms| ("First token", latency(ms))));
    facts.extend(one.tokens_per_second().map(|rate| ("Tokens a second", quantity(rate))));
    facts.extend(one.usage.input_tokens.map(|n| ("Tokens of the prompt", count(n))));
    facts.extend(one.usage.output_tokens.map(|n| ("Tokens of the answer", count(n))));
    facts.extend(sample.cost_usd.map(|usd| ("Cost", dollars(usd))));
    facts.extend(one.finish_reason.as_ref().map(|why| ("Finish reason", why.as_str().to_owned())));
    facts.push(("Attempts", one.attempts.to_string()));
    if one.cached {
        facts.push(("Cached", "yes".to_owned()));
    }
    facts
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            format!("{}\n… and {} more bytes", &text[..end], text.len() - end)
        }
        None => text.to_owned(),
    }
}
