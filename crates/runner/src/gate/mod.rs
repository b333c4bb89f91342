//! From two runs' scores to a verdict. What is decided is decided by the verdict crate; here the runs
//! are read.
//!
//! `context` tells what the comparisons of each metric depend on, `slices` where the differences
//! lie, and `between` compares the variants of one run. `changes` tells what differs besides chance,
//! `added_columns` which items are the same though the dataset's columns changed, and `same_targets` whether
//! both runs scored against the same right answers, and `sole_pair` which prompt or model of another tool's results
//! takes another's place; `recomputed` holds a kept verdict against the scores; `imported_metrics` keeps a metric that such results no longer have from going unnoticed.

mod added_columns;
mod between;
mod changes;
mod context;
mod ended_run;
mod imported_metrics;
mod recomputed;
mod same_targets;
mod slice_members;
mod slices;
mod sole_pair;

use std::path::PathBuf;

use evalmark_core::{
    policy::Policy,
    suite::GateSpec,
    verdict::{Answer, Verdict},
};
use evalmark_report::changed_item::BrokenItems;
use evalmark_store::{
    baseline::{Baseline, WantedBaseline},
    integrity,
    run_folder::RunFolder,
    run_record::RunRecord,
};
use evalmark_verdict::{ComparisonFamily, ComparisonSubject, RunScores, Variant};

use crate::{
    Ending, Findings, Host, Notice,
    against::Missing,
    diff::{RunSide, VariantName, broken_items},
    error::{Advised, Hinted, Result},
    metric_scale::corpus_metrics,
    redacted_keys::hide,
    variants::{NameFiles, read_usage, read_variants, read_variants_like},
};

pub use self::between::{Between, BetweenError};
pub(crate) use self::changes::Differences;
pub use self::ended_run::{EndedRunGate, GateOf, GateOptions, compare, compare_runs, gate};
use self::{
    between::compare_variants,
    context::{gated_runs, looked_at},
};
pub(crate) use self::{
    changes::facts,
    context::{changed, left_out},
    ended_run::gate_spec,
    recomputed::{RecomputedVerdict, recompute},
};

/// A verdict, and what its ending depends on beyond its answer.
pub struct GateOutcome {
    /// What `verdict.json` holds.
    pub verdict: Verdict,
    /// Whether it is inconclusive because answers are missing.
    pub lacks_answers: bool,
    /// The first few items that broke, with their texts.
    pub broken: BrokenItems,
}

impl GateOutcome {
    /// What a family of comparisons comes to.
    fn of(
        family: ComparisonFamily<'_>,
        names: &NameFiles<'_>,
        record: &RunRecord,
        baseline: &str,
        spec: &GateSpec,
    ) -> Result<Self> {
        let find = |variant: &Variant, rows: &[u64]| names.find(variant, rows);
        let gated = family.decide_with(spec.correction, find)?;
        let lacks_answers = gated.lacks_answers();
        let verdict = Verdict {
            answer: gated.answer,
            says: gated.says,
            correction: gated.correction,
            comparisons: gated.judged.into_iter().map(|judged| judged.comparison).collect(),
            ..undecided(record, baseline)
        };
        Ok(Self { verdict, lacks_answers, broken: BrokenItems::default() })
    }

    /// How a gate ends, by the user's policy.
    pub fn ending(&self, policy: Policy) -> Ending {
        self.findings().ending(policy)
    }

    /// What the ending of a gate follows from.
    pub fn findings(&self) -> Findings {
        let (answer, lacks_answers) = (Some(self.verdict.answer), self.lacks_answers);
        Findings { answer, lacks_answers, ..Findings::default() }
    }
}

/// Reads the scores of a run or baseline, and what its answers took where the gate asks for that.
/// Items that another run has, too, are shared with it.
fn read_scores(
    folder: &RunFolder,
    record: &RunRecord,
    spec: &GateSpec,
    like: &[Variant],
) -> Result<RunScores> {
    let gates_amounts = spec.metrics.values().any(|gated| gated.amount.is_some());
    if gates_amounts && !folder.usage().is_file() {
        return Err(NoUsage { path: folder.path.clone() }.into());
    }
    let amounts = gates_amounts.then(|| folder.usage());
    let files: Vec<_> = amounts.into_iter().chain([folder.scores()]).collect();
    integrity::unchanged(folder, record, &files)?;
    let scores = read_variants_like(&folder.scores(), like)?;
    let usage = if gates_amounts { read_usage(&folder.usage(), &scores)? } else { Vec::new() };
    Ok(RunScores { scores, usage })
}

/// A run or baseline that does not say what its answers took, where the gate asks for that.
#[derive(Debug, thiserror::Error)]
#[error("{} has no record of latency, tokens and cost", path.display())]
pub struct NoUsage {
    path: PathBuf,
}

impl Advised for NoUsage {
    fn hint(&self) -> Option<String> {
        let advice = "promote its run again: `evalmark baseline promote RUN_DIR NAME --force`";
        Some(advice.to_owned())
    }
}

/// The verdict on a run against a baseline, and against the minima that the gate sets.
pub(crate) fn gate_run(
    folder: &RunFolder,
    record: &RunRecord,
    baseline: &Baseline,
    spec: &GateSpec,
    host: &Host<'_>,
) -> Result<GateOutcome> {
    baseline.is_another_than(folder, record)?;
    let spec = &imported_metrics::of_both(spec, &baseline.record, record);
    let mut after = read_scores(folder, record, spec, &[])?;
    let mut before = read_scores(&baseline.folder, &baseline.record, spec, &after.scores)?;
    let looked_at = looked_at(record, &after.scores, &before.scores, spec);
    let differences = Differences::find(&baseline.record, record, [&mut before, &mut after], host);
    if record.stopped_early.is_some() {
        before.keep_items_of(&after);
    }
    let metrics = corpus_metrics(record)?;
    let mut runs = gated_runs(&baseline.record, record, spec, &metrics);
    runs.looked_at = looked_at;
    // What the baseline has and the run lacks must not go unnoticed, unless the user left it out.
    let family = ComparisonFamily::of_runs(&runs, &before, &after, left_out(record))?;
    let pairs = after.scores.iter().filter_map(|variant| {
        let same = before.variant(&variant.prompt, &variant.model, None)?;
        Some((ComparisonSubject::of(variant, ""), same, variant))
    });
    let slices = slices::explore(folder, record, &runs, pairs)?;
    let names = NameFiles::of(&after, folder).and(NameFiles::of(&before, &baseline.folder));
    let mut outcome = GateOutcome::of(family, &names, record, &baseline.name, spec)?;
    outcome.verdict.slices = slices;
    outcome.verdict.baseline_digest = Some(baseline.digest.clone());
    outcome.broken =
        broken_since(baseline, RunSide { folder, record }, &outcome.verdict, &differences);
    differences.tell(&mut outcome.verdict);
    Ok(outcome)
}

/// The first few items that a run broke since its baseline.
fn broken_since(
    baseline: &Baseline,
    run: RunSide<'_>,
    verdict: &Verdict,
    differences: &Differences,
) -> BrokenItems {
    let earlier = RunSide { folder: &baseline.folder, record: &baseline.record };
    let broken = broken_items(verdict, earlier, run, |comparison| {
        let (prompt, model) = (comparison.prompt.clone(), comparison.model.clone());
        let name = VariantName { prompt, model };
        Some([differences.name_before(name.clone()), name])
    });
    let command = format!("evalmark diff {} {}", baseline.name, run.folder.path.display());
    BrokenItems { command: Some(command), ..broken }
}

/// The same; where the two cannot be compared, that is told and becomes the verdict.
pub(crate) fn gate_or_refuse(
    folder: &RunFolder,
    record: &RunRecord,
    baseline: &Baseline,
    spec: &GateSpec,
    host: &Host<'_>,
) -> Result<GateOutcome> {
    match gate_run(folder, record, baseline, spec, host) {
        Err(error) if error.ending() == Some(Ending::Incomplete) => {
            host.notices.tell(&Notice::Incomparable(&error));
            Ok(refused(record, &baseline.name, &error.to_string()))
        }
        decision => decision,
    }
}

/// The verdict on a run that has no baseline: against the minima alone; `None` without any.
pub(crate) fn gate_minima(
    folder: &RunFolder,
    record: &RunRecord,
    spec: &GateSpec,
) -> Result<Option<GateOutcome>> {
    if spec.metrics.values().all(|gated| gated.min.is_none()) {
        return Ok(None);
    }
    let variants = read_variants(&folder.scores())?;
    let metrics = corpus_metrics(record)?;
    let runs = gated_runs(record, record, spec, &metrics);
    let mut family = ComparisonFamily::default();
    family.push_minima(&runs, &variants)?;
    let names = NameFiles(vec![(&variants, folder.scores())]);
    GateOutcome::of(family, &names, record, "the minima of its gate", spec).map(Some)
}

/// The verdict on a run whose baseline is missing: it does not pass, whatever its minima say.
pub(crate) fn gate_without(
    folder: &RunFolder,
    record: &RunRecord,
    missing: &Missing,
    spec: &GateSpec,
) -> Result<GateOutcome> {
    let Some(mut decision) = gate_minima(folder, record, spec)? else {
        return Ok(refused(record, missing.name(), &missing.says()));
    };
    let verdict = &mut decision.verdict;
    missing.name().clone_into(&mut verdict.baseline);
    if verdict.answer == Answer::Regressed {
        verdict.says = format!("{}; {}", missing.says(), verdict.says);
    } else {
        verdict.answer = Answer::Incomparable;
        verdict.says = missing.says();
    }
    Ok(decision)
}

/// The verdict on a run that may be the first: its minima decide, and where it has none it passes.
pub(crate) fn gate_first(
    folder: &RunFolder,
    record: &RunRecord,
    wanted: &WantedBaseline,
    spec: &GateSpec,
) -> Result<GateOutcome> {
    let says = format!("{} yet: nothing was compared", wanted.summary());
    let Some(mut decision) = gate_minima(folder, record, spec)? else {
        let GateOutcome { mut verdict, .. } = refused(record, &wanted.name, &says);
        verdict.answer = Answer::Pass;
        return Ok(GateOutcome { verdict, lacks_answers: false, broken: BrokenItems::default() });
    };
    decision.verdict.baseline.clone_from(&wanted.name);
    decision.verdict.says = format!("{says}; {}", decision.verdict.says);
    Ok(decision)
}

/// The verdict on a run that cannot be compared with `baseline`, and why.
pub(crate) fn refused(record: &RunRecord, baseline: &str, why: &str) -> GateOutcome {
    let verdict = Verdict { says: why.to_owned(), ..undecided(record, baseline) };
    GateOutcome { verdict, lacks_answers: false, broken: BrokenItems::default() }
}

/// Keeps the verdict in the run's folder.
pub(crate) fn write_verdict(folder: &RunFolder, verdict: &Verdict) -> Result<()> {
    let text = serde_json::to_string_pretty(verdict).context("the verdict cannot be written")?;
    Ok(folder.write_text(&folder.verdict(), &format!("{text}\n"), hide)?)
}

/// Version of `verdict.json`.
const FORMAT_VERSION: u32 = 1;

/// A verdict on a run and a baseline that compares nothing yet.
fn undecided(record: &RunRecord, baseline: &str) -> Verdict {
    Verdict {
        format_version: FORMAT_VERSION,
        suite: record.suite.clone(),
        run_id: record.run_id.clone(),
        baseline: baseline.to_owned(),
        baseline_digest: None,
        answer: Answer::Incomparable,
        says: String::new(),
        correction: String::new(),
        comparisons: Vec::new(),
        slices: Vec::new(),
        changes: None,
        overridden: None,
    }
}
