//! The columns of imported results: samples, scores and summary, in the order of reports.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use evalmark_core::{
    fields::Fields,
    item::Item,
    message::Message,
    record::{ErrorKind, Outcome, Record, Timing},
    request::Request,
    score::Score,
    tool_results::{ToolAnswer, ToolItem, ToolResults},
};
use evalmark_report::{
    samples::{Layout, SampleRow, SamplesWriter},
    scores::{ScoreRow, ScoresWriter},
    summary::{RunName, SummaryRow, write_summary},
};
use evalmark_store::{
    durable::ReadyFile,
    run_folder::RunFolder,
    run_record::{FailureExample, RunRecord, RunTotals, SampleCounts},
};
use serde_json::Map;

use super::record::{item_id, metric_scales};
use crate::{
    error::Result,
    redacted_keys::{any_known, hide_in},
    summary::{Finished, VariantSummary, add},
};

/// What was written.
pub(super) struct Written {
    pub rows: Vec<SummaryRow>,
    pub counts: SampleCounts,
    pub totals: RunTotals,
    /// The files, which have no names yet.
    pub files: Vec<ReadyFile>,
}

/// An answer with what its rows are made of.
struct Row<'a> {
    answer: &'a ToolAnswer,
    item: &'a Item,
    input: &'a str,
    request: Request,
    record: Record,
    scores: Vec<Score>,
}

/// Writes `samples.parquet`, `scores.parquet` and `summary.parquet`.
pub(super) fn write_rows(
    results: &ToolResults,
    folder: &RunFolder,
    record: &RunRecord,
) -> Result<Written> {
    let metrics: Vec<_> = results.metrics.iter().map(|metric| metric.name.clone()).collect();
    let layout =
        Layout { run_id: &record.run_id, suite: &record.suite, metrics: &metrics, slices: &[] };
    let run = RunName { run_id: &record.run_id, suite: &record.suite };
    let (samples_file, out) = folder.new_file(&folder.samples())?;
    let mut samples = SamplesWriter::create(&folder.samples(), out, &layout)?;
    let (scores_file, out) = folder.new_file(&folder.scores())?;
    let mut all_scores = ScoresWriter::create(&folder.scores(), out, run)?;
    let (items, inputs) = items(results);
    let applies = Applies::of(results);
    let mut tally = Tally::default();
    let mut finished = Finished::default();
    let mut variant: Option<((usize, usize), VariantSummary)> = None;
    for answer in in_report_order(results) {
        let row = Row::new(results, answer, &items[answer.item], &inputs[answer.item]);
        let names = (&*results.prompts[answer.prompt].name, &*results.models[answer.model]);
        samples.push(&row.sample(names, &record.prompts[answer.prompt].hash))?;
        let scored = (0..).zip(metrics.iter().zip(&row.scores));
        for (metric, (name, score)) in scored {
            if applies.to(answer.item, metric) {
                all_scores.push(&row.score(names, name, score))?;
                tally.count_score(&row, name, score);
            } else {
                tally.count_needless(names, name);
            }
        }
        let place = (answer.prompt, answer.model);
        if variant.as_ref().is_none_or(|(last, _)| *last != place) {
            let next =
                VariantSummary::of_scores(&layout, metric_scales(results), names, record.epochs);
            finished.extend(variant.replace((place, next)).map(|(_, summary)| summary.finish()));
        }
        if let Some((_, summary)) = &mut variant {
            summary.push(row.item, &row.record, answer.cost_usd, &row.scores);
        }
        tally.count(&row, names.1);
    }
    finished.extend(variant.map(|(_, summary)| summary.finish()));
    tally.leave_needless_out(&mut finished.rows);
    let mut files = vec![samples_file.ready(samples.finish()?)?];
    files.push(scores_file.ready(all_scores.finish()?)?);
    let (file, out) = folder.new_file(&folder.summary())?;
    let digest = write_summary(file.path(), out, run, &finished.rows)?;
    files.push(file.ready(digest)?);
    let Tally { counts, totals, .. } = tally;
    Ok(Written { rows: finished.rows, counts, totals, files })
}

/// The answers by prompt, model, item and epoch.
fn in_report_order(results: &ToolResults) -> Vec<&ToolAnswer> {
    let mut answers: Vec<_> = results.answers.iter().collect();
    answers.sort_by_key(|answer| (answer.prompt, answer.model, answer.item, answer.epoch));
    answers
}

/// The items as reports have them, and their fields as JSON.
fn items(results: &ToolResults) -> (Vec<Item>, Vec<String>) {
    let item = |(index, item): (u64, &ToolItem)| Item {
        index,
        row: index + 1,
        id: item_id(item).into(),
        hash: item.hash(),
        fields: Fields::from(item.fields.clone()),
        targets: item.targets.iter().map(|target| shown(target)).collect::<Vec<_>>().into(),
        cluster: item.cluster.as_deref().map(Arc::from),
        slices: Arc::new([]),
    };
    let items: Vec<_> = (0..).zip(&results.items).map(item).collect();
    // Texts and JSON values always make JSON.
    let json = |item: &Item| shown(&serde_json::to_string(&item.fields).unwrap_or_default());
    let inputs = items.iter().map(json).collect();
    (items, inputs)
}

/// A text without the keys of this process.
fn shown(text: &str) -> String {
    let mut text = text.to_owned();
    if any_known() {
        hide_in(&mut text);
    }
    text
}

impl<'a> Row<'a> {
    fn new(results: &ToolResults, answer: &'a ToolAnswer, item: &'a Item, input: &'a str) -> Self {
        let model: Arc<str> = results.models[answer.model].as_str().into();
        let messages: Vec<_> =
            answer.messages.iter().map(|(role, text)| Message::new(role, shown(text))).collect();
        let request = Request::chat(model, messages, Arc::new(Map::new()), answer.epoch);
        let (record, scores) = (record_of(answer), scores_of(answer, results.metrics.len()));
        Self { answer, item, input, request, record, scores }
    }

    fn sample<'b>(&'b self, names: (&'b str, &'b str), prompt_hash: &'b str) -> SampleRow<'b> {
        SampleRow {
            prompt: names.0,
            prompt_hash,
            model: names.1,
            item: self.item,
            epoch: self.answer.epoch,
            request: &self.request,
            record: &self.record,
            outcome: self.answer.outcome,
            cost_usd: self.answer.cost_usd,
            scores: &self.scores,
            input: self.input,
        }
    }

    fn score<'b>(
        &'b self,
        (prompt, model): (&'b str, &'b str),
        metric: &'b str,
        score: &'b Score,
    ) -> ScoreRow<'b> {
        let (item, epoch) = (self.item, self.answer.epoch);
        ScoreRow { prompt, model, item, epoch, metric, score }
    }
}

/// What came back, as the tool tells it.
fn record_of(answer: &ToolAnswer) -> Record {
    let timing = Timing { latency_ms: answer.latency_ms, ..Timing::default() };
    let usage = answer.usage.plausible();
    if answer.outcome == Outcome::Failed {
        let error = shown(answer.error.as_deref().unwrap_or("the tool gives no reason"));
        let failed = Record::failed(ErrorKind::Reported, error, 1);
        return Record { timing, usage, ..failed };
    }
    let outcome = match answer.outcome {
        // It is the scores that make an answer invalid.
        Outcome::Invalid => Outcome::Answered,
        outcome => outcome,
    };
    let output = shown(answer.output.as_deref().unwrap_or_default());
    let recorded = Record::recorded(output);
    Record { outcome, attempts: 1, timing, usage, cached: false, ..recorded }
}

/// One score per metric; what the tool does not score is missing.
fn scores_of(answer: &ToolAnswer, n_metrics: usize) -> Vec<Score> {
    let why = match answer.outcome {
        Outcome::Failed => "there is no answer",
        _ => "the tool gives no score",
    };
    let mut scores = vec![Score::missing(why); n_metrics];
    for (metric, score) in &answer.scores {
        scores[*metric] = Score {
            value: score.value,
            passed: score.value.and(score.passed),
            reason: score.reason.as_deref().map(shown),
            invalid: answer.outcome == Outcome::Invalid,
            ..Score::default()
        };
    }
    scores
}

/// Which metrics there are to an item: tools apply some to a part of the items, and what is not applied is not missing.
struct Applies {
    pairs: HashSet<(usize, usize)>,
    /// Metrics of every item that has an answer: those of an item that never got one, too.
    everywhere: Vec<bool>,
    answered: HashSet<usize>,
}

impl Applies {
    fn of(results: &ToolResults) -> Self {
        let scores = |answer: &ToolAnswer| {
            let item = answer.item;
            answer.scores.iter().map(move |(metric, _)| (item, *metric)).collect::<Vec<_>>()
        };
        let pairs: HashSet<_> = results.answers.iter().flat_map(scores).collect();
        let answered = results.answers.iter().filter(|answer| answer.outcome != Outcome::Failed);
        let answered: HashSet<usize> = answered.map(|answer| answer.item).collect();
        let everywhere = (0..results.metrics.len())
            .map(|metric| answered.iter().all(|item| pairs.contains(&(*item, metric))))
            .collect();
        Self { pairs, everywhere, answered }
    }

    fn to(&self, item: usize, metric: usize) -> bool {
        let is_told = self.answered.contains(&item);
        self.pairs.contains(&(item, metric)) || !is_told && self.everywhere[metric]
    }
}

/// Counts and totals as the rows go by.
#[derive(Default)]
struct Tally {
    counts: SampleCounts,
    totals: RunTotals,
    /// Samples that a metric does not apply to, by prompt, model and metric.
    needless: BTreeMap<(String, String, String), u64>,
}

impl Tally {
    fn count(&mut self, row: &Row<'_>, model: &str) {
        let counts = &mut self.counts;
        counts.planned += 1;
        match row.answer.outcome {
            Outcome::Answered => counts.answered += 1,
            Outcome::Refused => counts.refused += 1,
            Outcome::Invalid => counts.invalid += 1,
            Outcome::Failed => counts.failed += 1,
        }
        if let Some(failure) = &row.record.failure {
            let kind = failure.kind.as_str().to_owned();
            *counts.errors.entry(kind.clone()).or_default() += 1;
            counts.error_examples.entry(kind).or_insert_with(|| FailureExample {
                model: model.to_owned(),
                message: failure.message.clone(),
            });
        }
        let totals = &mut self.totals;
        let usage = row.record.usage;
        for (total, tokens) in [
            (&mut totals.input_tokens, usage.input_tokens),
            (&mut totals.output_tokens, usage.output_tokens),
        ] {
            *total = total.saturating_add(tokens.unwrap_or_default());
        }
        add(&mut totals.cost_usd, row.answer.cost_usd);
    }

    /// Counts a score that is missing though there is an answer.
    fn count_score(&mut self, row: &Row<'_>, metric: &str, score: &Score) {
        if score.value.is_some() || !row.record.has_answer() {
            return;
        }
        let unscored = self.counts.unscored.entry(metric.to_owned()).or_default();
        unscored.count += 1;
        if unscored.example.is_empty() {
            unscored.example = score.reason.clone().unwrap_or_default();
        }
    }

    fn count_needless(&mut self, (prompt, model): (&str, &str), metric: &str) {
        let key = (prompt.to_owned(), model.to_owned(), metric.to_owned());
        *self.needless.entry(key).or_default() += 1;
    }

    /// What a metric does not apply to was never planned.
    fn leave_needless_out(&self, rows: &mut [SummaryRow]) {
        for row in rows {
            let key = (row.prompt.clone(), row.model.clone(), row.metric.clone());
            let needless = self.needless.get(&key).copied().unwrap_or_default();
            row.n_planned = row.n_planned.saturating_sub(needless);
            row.n_missing = row.n_missing.saturating_sub(needless);
        }
    }
}
