//! The second half of a run, which may overlap the first: records become scores and report files, in
//! the order of the reports, a batch at a time.

use std::{borrow::Cow, sync::Arc, thread};

use evalmark_core::{
    label::{Answered, Labels},
    plan::{Plan, Sample},
    record::{Outcome, Record},
    score::Score,
};
use evalmark_harness::Stop;
use evalmark_report::{
    run_values::{write_confusion, write_run_values},
    samples::{Layout, SampleRow, SamplesWriter},
    scores::{ScoreRow, ScoresWriter},
    summary::{RunName, SummaryRow, write_summary},
};
use evalmark_scoring::{Case, Judgement, Subject, score_batch};
use evalmark_store::{
    durable::ReadyFile,
    run_folder::RunFolder,
    run_record::{FailureExample, RunTotals, SampleCounts},
};

use crate::{
    RunError,
    collect_answers::{Collected, Source, for_each_batch},
    error::Result,
    judge_agreement::Judging,
    judges::{JudgeReplies, Judges},
    load::LoadedSuite,
    redacted_keys::{any_known, hide, hide_in, hide_in_messages},
    summary::{Finished, VariantSummary, add},
};

/// What the pass over all samples found.
pub(crate) struct Scored {
    pub rows: Vec<SummaryRow>,
    pub counts: SampleCounts,
    pub totals: RunTotals,
    pub judging: Judging,
    /// The files, which have no names yet.
    pub files: Vec<ReadyFile>,
}

/// A sample with its end and its scores.
struct ScoredSample {
    sample: Sample,
    record: Record,
    outcome: Outcome,
    cost_usd: Option<f64>,
    scores: Vec<Score>,
    /// The item's fields as JSON.
    input: String,
}

/// Scores every sample and makes `samples.parquet`, `scores.parquet` and `summary.parquet`, which
/// get their names together; `None` when it was stopped.
pub(crate) fn write_reports(
    loaded: &LoadedSuite,
    folder: &RunFolder,
    run_id: &str,
    source: Source<'_>,
    judges: &mut Judges,
    stop: &Stop,
) -> Result<Option<Scored>> {
    let metrics: Vec<_> = loaded.metrics.iter().map(|metric| metric.name().to_owned()).collect();
    let slices = loaded.suite.dataset.slices.clone();
    let layout = Layout { run_id, suite: &loaded.suite.name, metrics: &metrics, slices: &slices };
    let run = RunName { run_id, suite: &loaded.suite.name };
    let (samples_file, out) = folder.new_file(&folder.samples())?;
    let mut samples = SamplesWriter::create(&folder.samples(), out, &layout)?;
    let (scores_file, out) = folder.new_file(&folder.scores())?;
    let mut all_scores = ScoresWriter::create(&folder.scores(), out, run)?;
    let mut scored = Scored::new(&loaded.plan);
    let mut finished = Finished::default();
    let plan = &loaded.plan;
    let mut variant: Option<((usize, usize), VariantSummary)> = None;
    let is_whole = for_each_batch(loaded, source, judges, stop, |batch| {
        for mut one in score(loaded, batch) {
            one.label(plan, &loaded.labels);
            one.write_input();
            one.hide_keys();
            samples.push(&one.row(plan))?;
            for (metric, score) in metrics.iter().zip(&one.scores) {
                all_scores.push(&one.score_row(plan, metric, score))?;
            }
            let place = (one.sample.prompt, one.sample.model);
            if variant.as_ref().is_none_or(|(last, _)| *last != place) {
                let row = one.row(plan);
                let names = (row.prompt, row.model);
                let next = VariantSummary::new(&layout, &loaded.metrics, names, plan.epochs);
                let last = variant.replace((place, next));
                finished.extend(last.map(|(_, summary)| summary.finish()));
            }
            if let Some((_, summary)) = &mut variant {
                summary.push(&one.sample.item, &one.record, one.cost_usd, &one.scores);
            }
            scored.count(plan, &one, &metrics);
        }
        Ok(())
    })?;
    if !is_whole {
        return Ok(None);
    }
    finished.extend(variant.map(|(_, summary)| summary.finish()));
    scored.files = thread::scope(|scope| {
        let finishing = scope.spawn(|| Ok::<_, RunError>(scores_file.ready(all_scores.finish()?)?));
        let first = samples_file.ready(samples.finish()?);
        let second = finishing.join();
        let second = second.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok::<_, RunError>(vec![first?, second?])
    })?;
    scored.files.extend(run_wide(folder, run, &finished)?);
    scored.rows = finished.rows;
    let (file, out) = folder.new_file(&folder.summary())?;
    let digest = write_summary(file.path(), out, run, &scored.rows)?;
    scored.files.push(file.ready(digest)?);
    Ok(Some(scored))
}

/// What metrics say of the whole run; where they say nothing, there is no file.
fn run_wide(folder: &RunFolder, run: RunName<'_>, finished: &Finished) -> Result<Vec<ReadyFile>> {
    let (values, cells) = (&finished.run_values, &finished.confusion);
    let mut files = Vec::new();
    if !values.is_empty() {
        let (file, out) = folder.new_file(&folder.run_values())?;
        let digest = write_run_values(file.path(), out, run, values)?;
        files.push(file.ready(digest)?);
    }
    if !cells.is_empty() {
        let (file, out) = folder.new_file(&folder.confusion())?;
        let digest = write_confusion(file.path(), out, run, cells)?;
        files.push(file.ready(digest)?);
    }
    Ok(files)
}

/// Scores every sample and shows it to `see`, with its scores by metric; writes nothing. Answers
/// `false` when it was stopped.
pub(crate) fn for_each_scored(
    loaded: &LoadedSuite,
    source: Source<'_>,
    judges: &mut Judges,
    stop: &Stop,
    mut see: impl FnMut(&Sample, &[Score]),
) -> Result<bool> {
    for_each_batch(loaded, source, judges, stop, |batch| {
        for one in score(loaded, batch) {
            see(&one.sample, &one.scores);
        }
        Ok(())
    })
}

fn score(loaded: &LoadedSuite, batch: Vec<Collected>) -> Vec<ScoredSample> {
    let (plan, metrics) = (&loaded.plan, &loaded.metrics);
    let judgements: Vec<Vec<Judgement<'_>>> = batch
        .iter()
        .map(|one| one.judge_replies.iter().map(JudgeReplies::as_judgement).collect())
        .collect();
    let cases: Vec<_> = batch
        .iter()
        .zip(&judgements)
        .map(|(one, judgements)| Case { subject: subject(plan, one), judgements })
        .collect();
    let mut scores = score_batch(metrics, &cases);
    loaded.programs.fill(metrics, &cases, &mut scores);
    let ended = batch.into_iter().zip(scores);
    ended.map(|(one, scores)| ScoredSample::new(plan, one.sample, one.record, scores)).collect()
}

fn subject<'a>(plan: &Plan, Collected { sample, record, .. }: &'a Collected) -> Subject<'a> {
    let cost_usd = plan.models[sample.model].record_cost_usd(record);
    Subject::new(record, &sample.item.targets, &sample.item.fields, cost_usd)
}

impl ScoredSample {
    fn new(plan: &Plan, sample: Sample, record: Record, scores: Vec<Score>) -> Self {
        let is_invalid = scores.iter().any(|score| score.invalid);
        let outcome = match record.outcome {
            Outcome::Answered if is_invalid => Outcome::Invalid,
            outcome => outcome,
        };
        let cost_usd = plan.models[sample.model].record_cost_usd(&record);
        Self { sample, record, outcome, cost_usd, scores, input: String::new() }
    }

    /// Writes the item's fields down; only for samples that are kept.
    fn write_input(&mut self) {
        // Texts and JSON values always make JSON.
        self.input = serde_json::to_string(&self.sample.item.fields).unwrap_or_default();
    }

    /// What people say of the answer, beside each metric's score.
    fn label(&mut self, plan: &Plan, labels: &[Option<Labels>]) {
        let answered = Answered {
            prompt: &plan.prompts[self.sample.prompt].name,
            model: &plan.models[self.sample.model].name,
            item: &self.sample.item,
            epoch: self.sample.epoch,
            output: self.record.output.as_deref(),
        };
        for (score, labels) in self.scores.iter_mut().zip(labels) {
            score.label = labels.as_ref().and_then(|labels| labels.of(answered));
        }
    }

    /// Takes out keys that came from the dataset, or from what was made of it. It is scored already.
    fn hide_keys(&mut self) {
        if !any_known() {
            return;
        }
        if let Some(messages) = hide_in_messages(&self.sample.request.messages) {
            self.sample.request.messages = messages.into();
        }
        if let Ok(params) = serde_json::to_string(&*self.sample.request.params)
            && let Cow::Owned(hidden) = hide(&params)
            && let Ok(params) = serde_json::from_str(&hidden)
        {
            self.sample.request.params = Arc::new(params);
        }
        if let Some(details) = &mut self.record.details {
            details.change_texts(&|text| hide(&text).into_owned());
        }
        let failure = self.record.failure.as_mut().map(|failure| &mut failure.message);
        let judged = self.scores.iter_mut().flat_map(|score| {
            let judge_output = score.judge.as_mut().and_then(|judge| judge.output.as_mut());
            [score.reason.as_mut(), judge_output]
        });
        let texts = judged.flatten().chain(self.record.output.as_mut()).chain(failure);
        let texts = texts.chain([&mut self.input]);
        texts.for_each(hide_in);
        let shows = |target: &String| matches!(hide(target), Cow::Owned(_));
        if self.sample.item.targets.iter().any(shows) {
            let hidden = self.sample.item.targets.iter().map(|target| hide(target).into_owned());
            self.sample.item.targets = hidden.collect();
        }
    }

    fn row<'a>(&'a self, plan: &'a Plan) -> SampleRow<'a> {
        let prompt = &plan.prompts[self.sample.prompt];
        SampleRow {
            prompt: &prompt.name,
            prompt_hash: &prompt.hash,
            model: &plan.models[self.sample.model].name,
            item: &self.sample.item,
            epoch: self.sample.epoch,
            request: &self.sample.request,
            record: &self.record,
            outcome: self.outcome,
            cost_usd: self.cost_usd,
            scores: &self.scores,
            input: &self.input,
        }
    }

    fn score_row<'a>(&'a self, plan: &'a Plan, metric: &'a str, score: &'a Score) -> ScoreRow<'a> {
        ScoreRow {
            prompt: &plan.prompts[self.sample.prompt].name,
            model: &plan.models[self.sample.model].name,
            item: &self.sample.item,
            epoch: self.sample.epoch,
            metric,
            score,
        }
    }
}

impl Scored {
    fn new(plan: &Plan) -> Self {
        let counts = SampleCounts { planned: plan.n_samples(), ..SampleCounts::default() };
        Self {
            rows: Vec::new(),
            counts,
            totals: RunTotals::default(),
            judging: Judging::default(),
            files: Vec::new(),
        }
    }

    fn count(&mut self, plan: &Plan, one: &ScoredSample, metrics: &[String]) {
        let counts = &mut self.counts;
        match one.outcome {
            Outcome::Answered => counts.answered += 1,
            Outcome::Refused => counts.refused += 1,
            Outcome::Invalid => counts.invalid += 1,
            Outcome::Failed => counts.failed += 1,
        }
        counts.cached += u64::from(one.record.cached && one.record.has_answer());
        counts.reasoning_cut += u64::from(one.scores.iter().any(|score| score.reasoning_cut));
        if let Some(failure) = &one.record.failure {
            let kind = failure.kind.as_str();
            *counts.errors.entry(kind.to_owned()).or_default() += 1;
            counts.error_examples.entry(kind.to_owned()).or_insert_with(|| FailureExample {
                model: plan.models[one.sample.model].name.to_string(),
                message: failure.message.clone(),
            });
        }
        if one.record.has_answer() && one.record.is_cut_off() {
            let model = plan.models[one.sample.model].name.to_string();
            *counts.cut_off.entry(model).or_default() += 1;
        }
        let totals = &mut self.totals;
        let usage = one.record.usage;
        for (total, tokens) in [
            (&mut totals.input_tokens, usage.input_tokens),
            (&mut totals.output_tokens, usage.output_tokens),
        ] {
            *total = total.saturating_add(tokens.unwrap_or_default());
        }
        add(&mut totals.cost_usd, one.cost_usd);
        for (metric, score) in metrics.iter().zip(&one.scores) {
            if score.is_missing() && one.record.has_answer() {
                let unscored = counts.unscored.entry(metric.clone()).or_default();
                unscored.count += 1;
                if unscored.example.is_empty() {
                    unscored.example = score.reason.clone().unwrap_or_default();
                }
            }
        }
        for (metric, _) in metrics.iter().zip(&one.scores).filter(|(_, s)| s.label.is_some()) {
            *counts.labelled.entry(metric.clone()).or_default() += 1;
        }
        self.judging.see(metrics, &one.scores);
        for judge in one.scores.iter().filter_map(|score| score.judge.as_ref()) {
            let tokens = judge.tokens.unwrap_or_default();
            totals.judge_tokens = totals.judge_tokens.saturating_add(tokens);
            add(&mut totals.judge_cost_usd, judge.cost_usd);
        }
    }
}
