//! What became of a run, for a terminal or for programs.

use std::path::PathBuf;

use anyhow::Result;
use evalmark_core::{number_format::count, policy::Policy};
use evalmark_report::summary::SummaryRow;
use evalmark_runner::{
    EndedRun, Ending, GateOutcome, Hinted, RunEnd, cut_off_remarks, leaderboard_groups,
};
use evalmark_store::{
    run_folder::RunFolder,
    run_record::{RunRecord, SampleCounts},
};
use evalmark_terminal::{failures, judge_agreement, summary, verdict};
use serde_json::json;

use crate::{
    args::{Format, OutputArgs},
    print::Printer,
};

/// Table, verdict and paths to stdout; what is missing, or went wrong, to stderr. Answers with the
/// run's ending.
pub(crate) fn tell(
    run: &EndedRun,
    output: OutputArgs,
    policy: Policy,
    printer: Printer,
) -> Result<Ending> {
    let ending = run.ending(policy);
    match &run.end {
        RunEnd::Finished { rows, decision } => {
            tell_finished(run, (rows, decision.as_deref()), ending, output.format, printer)?;
        }
        RunEnd::Interrupted => {}
        RunEnd::BrokenOff(error) => printer.run_error(error),
    }
    Ok(ending)
}

fn tell_finished(
    run: &EndedRun,
    (rows, decision): (&[SummaryRow], Option<&GateOutcome>),
    ending: Ending,
    format: Format,
    printer: Printer,
) -> Result<()> {
    if format == Format::Json {
        let told = json!({
            "run_dir": run.folder.path,
            "run": run.record,
            "summary": rows,
            "verdict": decision.map(|decision| &decision.verdict),
            "exit_code": ending.exit_code(),
        });
        printer.json(&told.to_string());
        return Ok(());
    }
    tell_summary(&run.folder, &run.record, rows, printer)?;
    if let Some(decision) = decision {
        let (lacks_answers, screen) = (decision.lacks_answers, printer.screen());
        let text = verdict::render(&decision.verdict, lacks_answers, &decision.broken, screen);
        printer.result(&format!("\n{text}"));
    }
    printer.result(&format!("\n{}", paths(&run.folder, decision.is_some())));
    tell_missing(run, printer);
    Ok(())
}

/// The table, and what holds for all of it.
pub(crate) fn tell_summary(
    folder: &RunFolder,
    record: &RunRecord,
    rows: &[SummaryRow],
    printer: Printer,
) -> Result<()> {
    // Whatever was asked has its answers: what cannot be told of them is missing.
    let groups = leaderboard_groups(folder, record).ends(Ending::Incomplete)?;
    printer.result(&summary::render(rows, &groups, printer.screen()));
    let agreement = judge_agreement::render(&record.judging);
    if !agreement.is_empty() {
        printer.result(&format!("\n{agreement}"));
    }
    if let Some(stopped) = &record.stopped_early {
        printer.result(&format!("\n{}", stopped.summary()));
    }
    Ok(())
}

fn paths(folder: &RunFolder, has_verdict: bool) -> String {
    let mut paths = vec![folder.html(), folder.summary(), folder.scores(), folder.samples()];
    let run_wide = [folder.run_values(), folder.confusion()];
    paths.extend(run_wide.into_iter().filter(|path| path.exists()));
    if has_verdict {
        paths.push(folder.verdict());
    }
    let lines = paths.iter().map(|path: &PathBuf| format!("  {}", path.display()));
    format!("wrote\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// What has no answer or no score, and what to do about it.
pub(crate) fn tell_missing(run: &EndedRun, printer: Printer) {
    let (counts, path) = (&run.record.counts, run.folder.path.display());
    for remark in cut_off_remarks(counts, run.record.models.len()) {
        if remark.is_warning {
            printer.warning(&remark.text);
        } else {
            printer.remark(&format!("note: {}", remark.text));
        }
    }
    for (metric, unscored) in &counts.unscored {
        let (n, planned, example) =
            (count(unscored.count), count(counts.planned), &unscored.example);
        printer.warning(&format!(
            "{n} of {planned} samples have an answer but no score of `{metric}`: {example}"
        ));
    }
    tell_reasoning(counts, printer);
    let labels = run.loaded.metrics.iter().zip(&run.loaded.labels);
    for (metric, _) in labels.filter(|(_, labels)| labels.is_some()) {
        if !counts.labelled.contains_key(metric.name()) {
            let metric = metric.name();
            printer.warning(&format!("no label of `{metric}` matches an answer of this run"));
        }
    }
    let models = &run.loaded.plan.models;
    if let Some(text) = failures::describe(counts, models, &path.to_string()) {
        printer.warning(&text);
    }
}

/// Says how many answers were scored without the reasoning in them.
fn tell_reasoning(counts: &SampleCounts, printer: Printer) {
    let SampleCounts { reasoning_cut, planned, .. } = counts;
    if *reasoning_cut > 0 {
        printer.remark(&format!(
            "{} of {} answers hold reasoning such as <think>…</think>, and were \
             scored without it; `reasoning: keep` on a metric scores the whole text",
            count(*reasoning_cut),
            count(*planned)
        ));
    }
}
