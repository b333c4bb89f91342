//! `evalmark report`: the page of a finished run again, from its files.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use evalmark_core::verdict::Verdict;
use evalmark_report::{
    samples::{SampleRecord, samples},
    scores::score_records,
    summary::read_summary,
};
use evalmark_runner::Host;
use evalmark_store::{
    baseline::{Baseline, WantedBaseline},
    integrity::{self, open_whole},
    record::RunRecord,
    run_folder::RunFolder,
};

use super::gate::gate_spec;
use crate::{
    exit::Exit,
    failure_sample::{FailedSamples, PageSample, passes, shown},
    gate::{gate_run, write_verdict},
    print::Printer,
    run::write_html,
};

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
}

pub(crate) fn report(args: &ReportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (folder, record) = open_whole(&args.run)?;
    let verdict = verdict(args, &folder, &record, host)?;
    let rows = read_summary(&folder.summary())?;
    let failing = failing(&folder)?;
    write_html(&folder, &record, rows, failing, verdict.as_ref())?;
    printer.result(&folder.html().display().to_string());
    Ok(Exit::Done)
}

/// The verdict against the baseline asked for, or the one that the run has.
fn verdict(
    args: &ReportArgs,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<Option<Verdict>> {
    if let Some(name) = &args.baseline {
        integrity::complete(folder, record)?;
        let spec = gate_spec(folder, record, host)?;
        let of_suite = args.baseline_suite.as_deref().or(spec.baseline_suite.as_deref());
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
