//! The second half of a run, which may overlap the first: records become scores and report files, in
//! the order of the reports, a batch at a time. Batches are scored on all cores; files and sums are made of them at the same
//! time, each on a thread of its own.

mod reader;
mod scored_sample;
mod sums;

use std::{sync::Arc, thread};

use evalmark_core::{
    plan::{Plan, Sample},
    score::Score,
};
use evalmark_harness::Stop;
use evalmark_report::{
    run_values::{write_confusion, write_run_values},
    samples::{Layout, SamplesWriter},
    scores::ScoresWriter,
    summary::{RunName, SummaryRow, write_summary},
};
use evalmark_scoring::{Case, Judgement, Subject, score_batch};
use evalmark_store::{
    durable::ReadyFile,
    run_folder::RunFolder,
    run_record::{RunTotals, SampleCounts},
};
use rayon::prelude::*;

use self::{reader::Reader, scored_sample::ScoredSample, sums::Sums};
use crate::{
    RunError,
    collect_answers::{Collected, Source, for_each_batch},
    error::Result,
    judge_agreement::Judging,
    judges::{JudgeReplies, Judges},
    load::LoadedSuite,
    summary::Finished,
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

/// Samples that are made ready on one thread, at least.
const FEW: usize = 32;

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
    let samples = SamplesWriter::create(&folder.samples(), out, &layout)?;
    let (scores_file, out) = folder.new_file(&folder.scores())?;
    let scores = ScoresWriter::create(&folder.scores(), out, run)?;
    let plan = &loaded.plan;
    let read = thread::scope(|scope| {
        type Batch = Vec<ScoredSample>;
        let samples = Reader::start("write-samples", scope, samples, |samples, batch: &Batch| {
            let rows: Vec<_> = batch.iter().map(|one| one.row(plan)).collect();
            Ok(samples.extend(&rows)?)
        })?;
        let scores = Reader::start("write-scores", scope, scores, |scores, batch: &Batch| {
            let rows = batch.iter().flat_map(|one| one.score_rows(plan, &metrics));
            let rows: Vec<_> = rows.collect();
            Ok(scores.extend(&rows)?)
        })?;
        let sums = Sums::new(plan, layout, &loaded.metrics);
        let sums = Reader::start("sums", scope, sums, |sums, batch: &Batch| {
            for one in batch {
                sums.see(one);
            }
            Ok(())
        })?;
        let is_whole = for_each_batch(loaded, source, judges, stop, |batch| {
            let batch = Arc::new(ready(loaded, batch));
            let all_read = samples.give(&batch) && scores.give(&batch) && sums.give(&batch);
            if all_read { Ok(()) } else { Err(RunError::new("a report file cannot be written")) }
        });
        let (samples, scores, sums) = (samples.finish(), scores.finish(), sums.finish());
        let read = (samples?, scores?, sums?);
        Ok::<_, RunError>(is_whole?.then_some(read))
    })?;
    let Some((samples, scores, mut sums)) = read else { return Ok(None) };
    let finished = sums.finish();
    let mut files = thread::scope(|scope| {
        let finishing = scope.spawn(|| Ok::<_, RunError>(scores_file.ready(scores.finish()?)?));
        let first = samples_file.ready(samples.finish()?);
        let second = finishing.join();
        let second = second.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok::<_, RunError>(vec![first?, second?])
    })?;
    files.extend(run_wide(folder, run, &finished)?);
    let rows = finished.rows;
    let (file, out) = folder.new_file(&folder.summary())?;
    let digest = write_summary(file.path(), out, run, &rows)?;
    files.push(file.ready(digest)?);
    let Sums { counts, totals, judging, .. } = sums;
    Ok(Some(Scored { rows, counts, totals, judging, files }))
}

/// The samples of a batch with their scores, as files have them.
fn ready(loaded: &LoadedSuite, batch: Vec<Collected>) -> Vec<ScoredSample> {
    let mut batch = score(loaded, batch);
    batch.par_iter_mut().with_min_len(FEW).for_each(|one| {
        one.label(&loaded.plan, &loaded.labels);
        one.write_input();
        one.hide_keys();
    });
    batch
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
