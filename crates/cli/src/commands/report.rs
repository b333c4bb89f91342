//! `evalmark report`: the page of a finished run again, from its files.

use std::fs;

use anyhow::{Context, Result};
use evalmark_core::verdict::Verdict;
use evalmark_report::{
    html::FailingScore,
    samples::{SampleRecord, samples},
    summary::read_summary,
};

use super::gate::{gate_spec, open_scored};
use crate::{
    args::ReportArgs,
    baseline::Baseline,
    exit::Exit,
    failing::{Failing, Seen},
    flow::write_html,
    gate::{gate_run, write_verdict},
    print::Printer,
    run_folder::{RunFolder, RunRecord},
};

pub(crate) fn report(args: &ReportArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_scored(&args.run)?;
    let verdict = verdict(args, &folder, &record, printer)?;
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
    printer: Printer,
) -> Result<Option<Verdict>> {
    if let Some(name) = &args.baseline {
        let baseline = Baseline::get(name, &folder.out(), &record.suite)?;
        let decision = gate_run(folder, record, &baseline, &gate_spec(record, printer))?;
        write_verdict(folder, &decision.verdict)?;
        return Ok(Some(decision.verdict));
    }
    let Ok(text) = fs::read_to_string(folder.verdict()) else { return Ok(None) };
    serde_json::from_str(&text)
        .map(Some)
        .with_context(|| format!("{} is not a verdict", folder.verdict().display()))
}

fn failing(folder: &RunFolder) -> Result<Failing> {
    let samples = samples(&folder.samples())?;
    let metrics = samples.metrics().to_vec();
    let mut failing = Failing::default();
    for sample in samples {
        let sample = sample?;
        failing.see(
            &seen(&sample),
            || sample.request().map(|request| request.messages).unwrap_or_default(),
            || scores(&metrics, &sample),
            sample.scores.iter().all(|score| score.is_some_and(|score| score >= 1.0)),
        );
    }
    Ok(failing)
}

fn seen(sample: &SampleRecord) -> Seen<'_> {
    let failure = sample.record.failure.as_ref();
    Seen {
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

fn scores(metrics: &[String], sample: &SampleRecord) -> Vec<FailingScore> {
    let pairs = metrics.iter().zip(&sample.scores);
    let one = |(metric, value): (&String, &Option<f64>)| FailingScore {
        metric: metric.clone(),
        value: *value,
        ..FailingScore::default()
    };
    pairs.map(one).collect()
}
