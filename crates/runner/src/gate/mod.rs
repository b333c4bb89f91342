//! From two runs' scores to a verdict. What is decided is decided by the verdict crate.
//!
//! `pair` finds what is compared with what, `family` decides all comparisons together, `hybrid`
//! those of a run that was looked at while it was asked, `slices` explores where the differences
//! lie, and `between` compares the variants of one run. `changes` tells what differs besides chance, and
//! `columns` which items are the same though the dataset's columns changed, and `targets` whether
//! both runs scored against the same right answers.

mod between;
mod changes;
mod columns;
mod face;
mod family;
mod hybrid;
mod pair;
mod slices;
mod targets;

use std::collections::HashSet;

use evalmark_core::{
    suite::{Amount, GateSpec},
    verdict::{Answer, Verdict},
};
use evalmark_store::{
    baseline::{Baseline, WantedBaseline},
    integrity,
    record::RunRecord,
    run_folder::RunFolder,
};

use crate::{
    Ending, Findings, Host, Notice,
    against::Missing,
    error::{Hinted, Result, run_error},
    known_keys::hide,
    metric_scale::pooled_metrics,
    variants::{Variant, read_usage, read_variants},
};

use self::between::compare_variants;
pub use self::face::{GateOptions, compare, gate};
use self::{
    changes::Differences,
    family::Family,
    hybrid::Hybrid,
    pair::{Sides, subject},
};
pub(crate) use self::{
    face::gate_spec,
    hybrid::{family_size, lacking},
    pair::{changed, rule},
};

/// A verdict, and what its ending depends on beyond its answer.
pub struct GateOutcome {
    pub verdict: Verdict,
    /// Whether it is inconclusive because answers are missing.
    pub lacks_answers: bool,
}

impl GateOutcome {
    /// How a gate ends.
    pub fn ending(&self) -> Ending {
        (&self.findings()).into()
    }

    /// What the ending of a gate follows from.
    pub fn findings(&self) -> Findings {
        let (answer, lacks_answers) = (Some(self.verdict.answer), self.lacks_answers);
        Findings { answer, lacks_answers, ..Findings::default() }
    }
}

/// The variants of a run or baseline: their scores, and what their answers took.
struct Measured {
    scores: Vec<Variant>,
    /// Empty where no amount is gated.
    usage: Vec<Variant>,
}

impl Measured {
    fn read(folder: &RunFolder, record: &RunRecord, spec: &GateSpec) -> Result<Self> {
        let gates_amounts = spec.metrics.values().any(|gated| gated.amount.is_some());
        if gates_amounts && !folder.usage().is_file() {
            let path = folder.path.display();
            return Err(run_error!("{path} has no record of latency, tokens and cost"))
                .hint("promote its run again: `evalmark baseline promote RUN_DIR NAME --force`");
        }
        let amounts = gates_amounts.then(|| folder.usage());
        let files: Vec<_> = amounts.into_iter().chain([folder.scores()]).collect();
        integrity::unchanged(folder, record, &files)?;
        let usage = if gates_amounts { read_usage(&folder.usage())? } else { Vec::new() };
        Ok(Self { scores: read_variants(&folder.scores())?, usage })
    }

    /// Forgets the items that a run which stopped early did not come to.
    fn keep_items_of(&mut self, run: &Self) {
        let ids = run.scores.iter().flat_map(|variant| variant.ids.iter().map(|id| &**id));
        let asked: HashSet<&str> = ids.collect();
        for variant in self.scores.iter_mut().chain(&mut self.usage) {
            variant.keep(|id| asked.contains(id));
        }
    }

    /// The scores, or the amounts, of a variant.
    fn variant(&self, prompt: &str, model: &str, amount: Option<Amount>) -> Option<&Variant> {
        let variants = if amount.is_some() { &self.usage } else { &self.scores };
        variants.iter().find(|variant| variant.prompt == prompt && variant.model == model)
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
    let mut after = Measured::read(folder, record, spec)?;
    let mut before = Measured::read(&baseline.folder, &baseline.record, spec)?;
    let hybrid = Hybrid::new(record, &after.scores, &before.scores, spec);
    let differences = Differences::find(&baseline.record, record, [&mut before, &mut after], host);
    if record.stopped_early.is_some() {
        before.keep_items_of(&after);
    }
    let pooled = pooled_metrics(record);
    let sides = Sides { before: &baseline.record, after: record, spec, hybrid, pooled };
    let mut family = Family::default();
    // A new candidate is told as such; but something must be compared.
    let is_known =
        |variant: &&Variant| before.variant(&variant.prompt, &variant.model, None).is_some();
    let any_known = after.scores.iter().any(|variant| is_known(&variant));
    for variant in after.scores.iter().filter(|variant| !any_known || is_known(variant)) {
        push_variant(&mut family, &sides, (&before, &after), variant)?;
    }
    // What the baseline has and the run lacks must not go unnoticed, unless the user left it out.
    let left_out = !(record.options.prompts.is_empty() && record.options.models.is_empty());
    let lacks = |variant: &&Variant| after.variant(&variant.prompt, &variant.model, None).is_none();
    for variant in before.scores.iter().filter(lacks).filter(|_| !left_out) {
        push_variant(&mut family, &sides, (&before, &after), variant)?;
    }
    push_minima(&mut family, &sides, &after.scores)?;
    let same = |variant: &Variant| before.variant(&variant.prompt, &variant.model, None);
    let pairs = after
        .scores
        .iter()
        .filter_map(|variant| Some((subject(variant, ""), same(variant)?, variant)));
    let slices = slices::explore(folder, &sides, pairs)?;
    let mut decision = family.decide(record, &baseline.name, spec)?;
    decision.verdict.slices = slices;
    decision.verdict.baseline_digest = Some(baseline.digest.clone());
    differences.tell(&mut decision.verdict);
    Ok(decision)
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

/// Every gated metric and amount of one variant.
fn push_variant<'a>(
    family: &mut Family<'a>,
    sides: &Sides<'_>,
    (before, after): (&'a Measured, &'a Measured),
    variant: &Variant,
) -> Result<()> {
    for (metric, gated) in &sides.spec.metrics {
        let pair = pair::Pair {
            subject: subject(variant, metric),
            before: before.variant(&variant.prompt, &variant.model, gated.amount),
            after: after.variant(&variant.prompt, &variant.model, gated.amount),
        };
        let judged = pair.judge(sides, *gated)?;
        family.push(judged, pair.before, pair.after);
    }
    Ok(())
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
    let pooled = pooled_metrics(record);
    let sides = Sides { before: record, after: record, spec, hybrid: None, pooled };
    let mut family = Family::default();
    push_minima(&mut family, &sides, &variants)?;
    family.decide(record, "the minima of its gate", spec).map(Some)
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
        return Ok(GateOutcome { verdict, lacks_answers: false });
    };
    decision.verdict.baseline.clone_from(&wanted.name);
    decision.verdict.says = format!("{says}; {}", decision.verdict.says);
    Ok(decision)
}

/// The verdict on a run that cannot be compared with `baseline`, and why.
pub(crate) fn refused(record: &RunRecord, baseline: &str, why: &str) -> GateOutcome {
    let verdict = Verdict { says: why.to_owned(), ..undecided(record, baseline) };
    GateOutcome { verdict, lacks_answers: false }
}

fn push_minima<'a>(
    family: &mut Family<'a>,
    sides: &Sides<'_>,
    variants: &'a [Variant],
) -> Result<()> {
    for variant in variants {
        for (metric, gated) in sides.spec.scores() {
            if let Some(min) = gated.min {
                family.push(
                    pair::judge_minimum(variant, metric, min, gated, sides)?,
                    None,
                    Some(variant),
                );
            }
        }
    }
    Ok(())
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
    }
}
