//! The verdict on a run that has ended: against a baseline, or between its own prompts or models.

use std::path::Path;

use evalmark_core::suite::GateSpec;
use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline},
    integrity::{self, open_whole},
    run_folder::RunFolder,
    run_record::RunRecord,
};

use super::{Between, GateOutcome, compare_variants, gate_first, gate_run, refused, write_verdict};
use crate::{
    EndedSuite, Ending, Host, Notice, RunError, against::may_be_missing, diff::earlier,
    error::Result, resolvable_margins::judge_margins, suite_of_run::SuiteNow,
    told_receivers::RunReceivers,
};

/// What a run is gated against.
#[derive(Clone, Debug, Default)]
pub struct GateOptions {
    /// The baseline's name or folder.
    pub baseline: String,
    /// The suite's earlier name, where the baseline was made under that.
    pub baseline_suite: Option<String>,
    /// Whether there may be no baseline yet.
    pub new_baseline: bool,
    /// Whether an unfinished run is gated on the scores that it has.
    pub as_it_is: bool,
}

/// Whose gate decides between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOf {
    /// The suite's, as its file is now.
    Suite,
    /// The one that the later run was made with; no file outside the runs is read.
    Run,
}

/// The verdict on a run that has ended, and whether its folder keeps it.
pub struct EndedRunGate {
    /// What became of the suite, with the verdict.
    pub suite: EndedSuite,
    /// Why `verdict.json` could not be written.
    pub unkept: Option<RunError>,
}

/// The verdict on a finished run against a baseline, which its folder keeps, unless nothing was
/// compared and it has an earlier one, or another process is at work there.
pub fn gate(path: &Path, options: &GateOptions, host: &Host<'_>) -> Result<EndedRunGate> {
    host.check_audit()?;
    let (folder, record) = RunFolder::open(path)?;
    let mut earlier_stands = false;
    let outcome = match decide(options, &folder, &record, host) {
        Err(error) if error.ending() == Some(Ending::Incomplete) => {
            host.notices.tell(&Notice::Incomparable(&error));
            // An earlier verdict on files that are not there any more must not be found.
            earlier_stands = folder.verdict().exists() && is_as_written(options, &folder, &record);
            refused(&record, &options.baseline, &error.to_string())
        }
        decision => decision?,
    };
    let why = if folder.is_in_work() {
        Some("another process is working on the run")
    } else {
        earlier_stands.then_some("nothing was compared, and the earlier verdict stands")
    };
    let kept = match why {
        Some(why) => {
            host.notices.tell(&Notice::VerdictNotKept { path: &folder.verdict(), why });
            Ok(())
        }
        None => write_verdict(&folder, &outcome.verdict),
    };
    host.record_gate(&folder, &record, &outcome.verdict)?;
    let receivers = RunReceivers::of_record(&record, host).unwrap_or_else(|error| {
        let warning = format!("nobody is told of the verdict: {error}");
        host.notices.tell(&Notice::SuiteWarning(&warning));
        RunReceivers::default()
    });
    let suite = EndedSuite { receivers, ..EndedSuite::gated(&folder, &record, outcome) };
    Ok(EndedRunGate { suite, unkept: kept.err() })
}

/// The same statistics between two prompts, or two models, of one run; the first is the baseline.
pub fn compare(path: &Path, between: Between<'_>, host: &Host<'_>) -> Result<GateOutcome> {
    let (folder, record) = open_whole(path)?;
    has_own_slices(&folder, &record)?;
    let spec = gate_spec(&folder, &record, host)?;
    compare_variants(&folder, &record, between, &spec)
}

/// The same statistics between two runs. The first is the baseline: a run's folder, or the name of a
/// baseline of the other run's suite. Nothing is kept of it.
pub fn compare_runs(
    before: &Path,
    after: &Path,
    gate: GateOf,
    host: &Host<'_>,
) -> Result<GateOutcome> {
    let (folder, record) = open_whole(after)?;
    has_own_slices(&folder, &record)?;
    let spec = match gate {
        GateOf::Suite => gate_spec(&folder, &record, host)?,
        GateOf::Run => kept_spec(&record)?,
    };
    let baseline = earlier(before, &folder, &record, host)?;
    gate_run(&folder, &record, &baseline, &spec, host)
}

/// Fails where the answers, which tell the items of each slice, are not the run's.
fn has_own_slices(folder: &RunFolder, record: &RunRecord) -> Result<()> {
    if !record.slices.is_empty() {
        integrity::unchanged(folder, record, &[folder.samples()])?;
    }
    Ok(())
}

/// Fails where a run has not what a verdict needs.
fn can_be_gated(options: &GateOptions, folder: &RunFolder, record: &RunRecord) -> Result<()> {
    if !options.as_it_is {
        integrity::complete(folder, record)?;
    }
    integrity::has_files(folder, record, &[folder.scores()])?;
    has_own_slices(folder, record)
}

/// Whether a verdict can be about the files that a run has.
fn is_as_written(options: &GateOptions, folder: &RunFolder, record: &RunRecord) -> bool {
    let files = [folder.scores(), folder.samples()];
    can_be_gated(options, folder, record).is_ok()
        && integrity::unchanged(folder, record, &files).is_ok()
}

pub(super) fn decide(
    options: &GateOptions,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<GateOutcome> {
    can_be_gated(options, folder, record)?;
    let spec = gate_spec(folder, record, host)?;
    let of_suite = options.baseline_suite.as_deref().or(spec.baseline_suite.as_deref());
    let wanted = WantedBaseline::of_run(&options.baseline, of_suite, folder, record);
    let Some(baseline) = Baseline::find(&wanted)? else {
        let is_optional =
            spec.baseline_optional && spec.baseline.as_ref() == Some(&options.baseline);
        if may_be_missing(host.policy.baseline, options.new_baseline, is_optional) {
            return gate_first(folder, record, &wanted, &spec);
        }
        return Err(StoreError::from(wanted.missing(None)).into());
    };
    for warning in baseline.warnings() {
        host.notices.tell(&Notice::BaselineWarning(&warning));
    }
    let mut decision = gate_run(folder, record, &baseline, &spec, host)?;
    integrity::unchanged_meanwhile(folder, record)?;
    for warning in judge_margins(&folder.out(), record, &spec, &mut decision.verdict) {
        host.notices.tell(&Notice::MarginUnresolved(&warning));
    }
    Ok(decision)
}

/// The gate of the suite as it is now; where its file is gone, or another suite's, the gate that the run
/// was made with.
pub(crate) fn gate_spec(
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<GateSpec> {
    let (suite, kept) = (&*record.suite_path, &*folder.path.join("run.json"));
    if record.imported.is_some() {
        // It never had a suite.
        let spec = kept_spec(record)?;
        if spec.is_default {
            host.notices.tell(&Notice::DefaultGate);
        }
        return Ok(spec);
    }
    let spec = match SuiteNow::read(record, host)? {
        SuiteNow::Own(suite) => suite.gate_or_default(),
        SuiteNow::Another(found) => {
            let (found, own) = (&*found, &*record.suite);
            host.notices.tell(&Notice::SuiteIsAnother { suite, found, own, kept });
            kept_spec(record)?
        }
        SuiteNow::Gone => {
            host.notices.tell(&Notice::SuiteGone { suite, kept });
            kept_spec(record)?
        }
    };
    if spec.is_default {
        host.notices.tell(&Notice::DefaultGate);
    }
    Ok(spec)
}

/// The gate that a run was made with.
fn kept_spec(record: &RunRecord) -> Result<GateSpec> {
    let kept = GateSpec::of_effective(record.effective_suite.value())?;
    let metrics = record.metrics.iter().map(|metric| metric.name.as_str());
    Ok(kept.unwrap_or_else(|| GateSpec::default_of(metrics)))
}
