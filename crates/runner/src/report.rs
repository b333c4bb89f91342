//! The page of a finished run again, from its files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::verdict::Verdict;
use evalmark_report::{
    samples::{SampleRecord, samples},
    scores::score_records,
    summary::read_summary,
};
use evalmark_store::{
    baseline::{Baseline, WantedBaseline},
    integrity::{self, open_whole},
    record::RunRecord,
    run_folder::RunFolder,
};

use crate::{
    Host,
    error::{Hinted, Result},
    failure_sample::{FailedSamples, PageSample, passes, shown},
    gate::{gate_run, gate_spec, write_verdict},
    run::write_html,
};

/// What the page shows beside the run.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// The baseline to compare with; `None`: the verdict that the run has.
    pub baseline: Option<String>,
    /// The suite's earlier name, where the baseline was made under that.
    pub baseline_suite: Option<String>,
}

/// Writes `report.html` again; answers with its path.
pub fn report(path: &Path, options: &ReportOptions, host: &Host<'_>) -> Result<PathBuf> {
    let (folder, record) = open_whole(path)?;
    let verdict = verdict(options, &folder, &record, host)?;
    let rows = read_summary(&folder.summary())?;
    let failing = failing(&folder)?;
    write_html(&folder, &record, rows, failing, verdict.as_ref())?;
    Ok(folder.html())
}

/// The verdict against the baseline asked for, or the one that the run has.
fn verdict(
    options: &ReportOptions,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<Option<Verdict>> {
    if let Some(name) = &options.baseline {
        integrity::complete(folder, record)?;
        let spec = gate_spec(folder, record, host)?;
        let of_suite = options.baseline_suite.as_deref().or(spec.baseline_suite.as_deref());
        let baseline = Baseline::get(&WantedBaseline::of_run(name, of_suite, folder, record))?;
        let decision = gate_run(folder, record, &baseline, &spec, host)?;
        write_verdict(folder, &decision.verdict)?;
        return Ok(Some(decision.verdict));
    }
    let Ok(text) = fs::read_to_string(folder.verdict()) else { return Ok(None) };
    serde_json::from_str(&text)
        .map(Some)
        .with_context(|| format!("{} is not a verdict", folder.verdict().display()))
}

/// The failing samples again: `scores.parquet` has the samples' order, metric by metric.
fn failing(folder: &RunFolder) -> Result<FailedSamples> {
    let samples = samples(&folder.samples())?;
    let metrics = samples.metrics().to_vec();
    let mut all_scores = score_records(&folder.scores())?;
    let mut failing = FailedSamples::default();
    for sample in samples {
        let sample = sample?;
        let scores = all_scores.by_ref().take(metrics.len());
        let scores: Vec<_> =
            scores.map(|row| row.map(|row| row.score)).collect::<Result<_, _>>()?;
        failing.see(
            &seen(&sample),
            || sample.request().map_or_else(|_| [].into(), |request| request.messages),
            || shown(&metrics, &scores),
            passes(&scores),
        );
    }
    Ok(failing)
}

fn seen(sample: &SampleRecord) -> PageSample<'_> {
    let failure = sample.record.failure.as_ref();
    PageSample {
        prompt: &sample.prompt,
        model: &sample.model,
        item_id: &sample.item_id,
        epoch: sample.epoch,
        outcome: sample.outcome,
        output: sample.record.output.as_deref(),
        targets: &sample.targets,
        failure: failure.map(|failure| (failure.kind, failure.message.as_str())),
    }
}
