//! `report.html` of a run.

use std::collections::BTreeSet;

use evalmark_core::{
    changes::{Change, ChangeKind},
    number_format::{count, counted, moment},
    record::Outcome,
    verdict::{Answer, Verdict},
};
use evalmark_report::{
    html::{
        BaselineFiles, FailureGroup, OutcomeCount, PageData, PageFact, PageFiles, PageMetric,
        PageRun,
    },
    run_values::read_confusion,
    summary::SummaryRow,
};
use evalmark_store::{
    baseline::Baseline,
    integrity,
    run_folder::RunFolder,
    run_record::{RunRecord, SampleCounts},
};

use crate::{
    answer_amounts::{AnswerAmounts, answer_amounts},
    error::{Hinted, Result},
    kept_answers::why_not,
    redacted_keys::hide,
};

/// What a run was compared with.
#[derive(Clone, Debug)]
pub(crate) struct Compared<'a> {
    pub verdict: &'a Verdict,
    /// The baseline that it is about, where there is one to read.
    pub baseline: Option<&'a Baseline>,
    /// Why there is none, where there should be one.
    pub lacks: Option<String>,
}

/// Writes `report.html`, which is made of the run's files.
pub(crate) fn write_html(
    folder: &RunFolder,
    record: &RunRecord,
    summary: Vec<SummaryRow>,
    compared: Option<&Compared<'_>>,
) -> Result<()> {
    let page = page(folder, record, summary, compared)?;
    let text = evalmark_report::html::html(&page).context("the page cannot be made")?;
    Ok(folder.write_text(&folder.html(), &text, hide)?)
}

/// The page's data, out of a run folder.
fn page(
    folder: &RunFolder,
    record: &RunRecord,
    summary: Vec<SummaryRow>,
    compared: Option<&Compared<'_>>,
) -> Result<PageData> {
    let verdict = compared.map(|compared| compared.verdict);
    let baseline = compared.and_then(|compared| Some((compared.baseline?, verdict?)));
    let files = PageFiles {
        samples: folder.samples(),
        scores: folder.scores(),
        metrics: metrics(record),
        verdict,
        baseline: baseline.map(|(baseline, verdict)| baseline_files(baseline, verdict)),
        lacks_baseline: compared.and_then(|compared| compared.lacks.clone()),
    };
    let confusion = folder.confusion();
    let is_timed = summary.iter().any(|row| row.latency_p50_ms.is_some());
    let has_amounts = is_timed || record.totals.cost_usd.is_some();
    let amounts = || {
        if has_amounts {
            answer_amounts(&folder.samples(), &summary)
        } else {
            Ok(AnswerAmounts::default())
        }
    };
    let (amounts, samples) = rayon::join(amounts, || files.collect());
    let amounts = amounts?;
    Ok(PageData {
        run: about(record, verdict.is_some()),
        verdict: verdict.cloned(),
        summary,
        costs: amounts.costs,
        latencies: amounts.latencies,
        confusion: if confusion.is_file() { read_confusion(&confusion)? } else { Vec::new() },
        samples: samples?,
    })
}

fn metrics(record: &RunRecord) -> Vec<PageMetric> {
    let metric = |name: &String| {
        let scale = record.scale(name);
        PageMetric { name: name.clone(), range: scale.range, direction: scale.direction }
    };
    record.metrics.iter().map(|named| metric(&named.name)).collect()
}

fn baseline_files(baseline: &Baseline, verdict: &Verdict) -> BaselineFiles {
    let renamed = verdict.changes.iter().flatten().filter_map(Change::rename);
    let answers = baseline.folder.answers();
    let unchanged = |answers| integrity::unchanged(&baseline.folder, &baseline.record, answers);
    let lacks_answers = if answers.is_file() {
        unchanged(std::slice::from_ref(&answers)).err().map(|error| error.to_string())
    } else {
        Some(why_not(&baseline.folder, &baseline.record))
    };
    let all_pair = verdict.comparisons.iter().all(|c| c.unpaired.n_changed == 0);
    let is_known_by_id = |change: &Change| change.kind == ChangeKind::Columns;
    BaselineFiles {
        scores: baseline.folder.scores(),
        answers: lacks_answers.is_none().then_some(answers),
        lacks_answers,
        is_paired_by_id: all_pair && verdict.changes.iter().flatten().any(is_known_by_id),
        renamed: renamed.collect(),
        incomparable: incomparable(verdict),
    }
}

/// Metrics that are incomparable under every prompt and model.
fn incomparable(verdict: &Verdict) -> Vec<String> {
    let is_incomparable = |metric: &str| {
        let mut of_metric = verdict.comparisons.iter().filter(|one| one.metric == metric);
        of_metric.all(|one| one.answer == Answer::Incomparable)
    };
    let metrics: BTreeSet<&str> = verdict.comparisons.iter().map(|one| &*one.metric).collect();
    metrics.into_iter().filter(|metric| is_incomparable(metric)).map(str::to_owned).collect()
}

/// The run as the page's head and foot tell of it.
fn about(record: &RunRecord, is_compared: bool) -> PageRun {
    let counts = &record.counts;
    let outcomes = [
        (Outcome::Answered, counts.answered),
        (Outcome::Refused, counts.refused),
        (Outcome::Invalid, counts.invalid),
        (Outcome::Failed, counts.failed),
    ];
    let outcomes = outcomes.into_iter().filter(|(_, count)| *count > 0);
    let failure = |(kind, count): (&String, &u64)| FailureGroup {
        kind: kind.clone(),
        count: *count,
        example: counts.error_examples.get(kind).map(|e| e.message.clone()).unwrap_or_default(),
    };
    let cut_off = cut_off_remarks(counts, record.models.len());
    let (warnings, remarks): (Vec<_>, Vec<_>) =
        cut_off.into_iter().partition(|remark| remark.is_warning);
    let text = |remark: CutOffRemark| remark.text;
    PageRun {
        suite: record.suite.clone(),
        run_id: record.run_id.clone(),
        started_at: moment(&record.started_at),
        facts: facts(record, is_compared),
        warnings: warnings.into_iter().map(text).collect(),
        remarks: remarks.into_iter().map(text).collect(),
        outcomes: outcomes.map(|(outcome, count)| OutcomeCount { outcome, count }).collect(),
        failures: counts.errors.iter().map(failure).collect(),
    }
}

/// Where the run comes from.
fn facts(record: &RunRecord, is_compared: bool) -> Vec<PageFact> {
    let mut facts = Vec::new();
    let mut fact =
        |name: &str, value: String| facts.push(PageFact { name: name.to_owned(), value });
    if let Some(why) = record.ungated.as_ref().filter(|_| !is_compared) {
        fact("gate", why.clone());
    }
    if let Some(stopped) = &record.stopped_early {
        fact("asked", stopped.summary());
    }
    if let Some(from) = &record.imported {
        let version = from.tool_version.as_deref().unwrap_or_default();
        fact("imported from", format!("{} {version}", from.tool).trim_end().to_owned());
        let files: Vec<_> = from.files.iter().map(|file| file.name.as_str()).collect();
        fact("files", files.join(", "));
    }
    fact("items", record.n_items.to_string());
    fact("epochs", record.epochs.to_string());
    fact("suite", record.suite_hash.chars().take(16).collect());
    fact("dataset", record.dataset_hash.chars().take(16).collect());
    if let Some(source) = &record.dataset_source {
        fact("dataset from", source.origin.clone());
    }
    fact("evalmark", record.tool_version.clone());
    if let Some(git) = &record.git {
        let state = if git.clean { "" } else { " (with changes)" };
        fact("git revision", format!("{}{state}", git.revision));
    }
    if let Some(finished) = &record.finished_at {
        fact("finished", moment(finished));
    }
    facts
}

/// A remark on a model's answers that ended at the token limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutOffRemark {
    /// Whether it is a warning: at least every tenth of the model's answers was cut off.
    pub is_warning: bool,
    /// The remark.
    pub text: String,
}

/// What there is to remark on answers that ended at the token limit, model by model.
pub fn cut_off_remarks(counts: &SampleCounts, n_models: usize) -> Vec<CutOffRemark> {
    let all = counts.planned / n_models.max(1) as u64;
    let remark = |(model, n): (&String, &u64)| {
        let text = format!(
            "{} of {} of model `{model}` ended at the token limit (finish_reason \
             `length`), so the end of the text is missing; raise `max_tokens`",
            count(*n),
            counted(all, "answer")
        );
        CutOffRemark { is_warning: 10 * n >= all, text }
    };
    counts.cut_off.iter().map(remark).collect()
}
