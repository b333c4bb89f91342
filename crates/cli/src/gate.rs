//! From two runs' scores to a verdict. What is decided is decided by the verdict crate.

use anyhow::{Context, Result, bail};
use evalmark_core::{
    suite::{GateSpec, GatedMetric},
    verdict::{Answer, Flip, Verdict},
};
use evalmark_verdict::{Cause, Judged, Rule, Subject, compare, gate, minimum};

use crate::{
    arms::{Arm, read_arms},
    baseline::Baseline,
    exit::Exit,
    hybrid::Hybrid,
    run_folder::{Named, RunFolder, RunRecord, write_whole},
};

/// Said where a suite has no gate of its own.
pub(crate) const DEFAULT_GATE: &str =
    "no `gate:` in the suite: every metric is gated at alpha 0.05, margin 0.03";

/// Version of `verdict.json`.
const FORMAT_VERSION: u32 = 1;

/// A verdict, and how the program ends on it.
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) exit: Exit,
}

/// The verdict on a run against a baseline, and against the minima that the gate sets.
pub(crate) fn gate_run(
    folder: &RunFolder,
    record: &RunRecord,
    baseline: &Baseline,
    spec: &GateSpec,
) -> Result<Decision> {
    let candidate = read_arms(&folder.scores())?;
    let mut reference = read_arms(&baseline.folder.scores())?;
    let hybrid = Hybrid::new(record, &candidate, &mut reference, spec);
    let mut family = Family::default();
    for (index, arm) in candidate.iter().enumerate() {
        let before = reference.iter().find(|b| b.prompt == arm.prompt && b.model == arm.model);
        for (metric, gated) in &spec.metrics {
            let subject = subject(arm, metric);
            let before = before.and_then(|before| before.scores(metric));
            let changed = changed(metric, &baseline.record.metrics, &record.metrics);
            let judged = match (&hybrid, before, arm.scores(metric)) {
                (Some(hybrid), Some(before), Some(after))
                    if changed.is_none() && gated.amount.is_none() =>
                {
                    hybrid.compare(&subject, before, after, &rule(spec, *gated))?
                }
                (_, before, after) => judge(&subject, before, after, spec, *gated, changed)?,
            };
            family.push(judged, index);
        }
    }
    // What the baseline has and the run lacks must not go unnoticed, unless the user left it out.
    let left_out = !(record.options.prompts.is_empty() && record.options.models.is_empty());
    let lacks = |before: &&Arm| {
        !candidate.iter().any(|arm| arm.prompt == before.prompt && arm.model == before.model)
    };
    for before in reference.iter().filter(lacks).filter(|_| !left_out) {
        for (metric, gated) in &spec.metrics {
            let scores = before.scores(metric);
            family.push(judge(&subject(before, metric), scores, None, spec, *gated, None)?, 0);
        }
    }
    family.push_minima(&candidate, spec)?;
    decide(record, &baseline.name, family, &candidate)
}

/// The verdict on a run that has no baseline: against the minima alone; `None` without any.
pub(crate) fn gate_minima(
    folder: &RunFolder,
    record: &RunRecord,
    spec: &GateSpec,
) -> Result<Option<Decision>> {
    if spec.metrics.values().all(|gated| gated.min.is_none()) {
        return Ok(None);
    }
    let candidate = read_arms(&folder.scores())?;
    let mut family = Family::default();
    family.push_minima(&candidate, spec)?;
    decide(record, "the minima of its gate", family, &candidate).map(Some)
}

/// Comparisons that are decided together, and whose items each is about.
#[derive(Default)]
struct Family {
    judged: Vec<Judged>,
    /// Index of the candidate arm that a comparison's items are those of.
    arms: Vec<usize>,
}

impl Family {
    fn push(&mut self, judged: Judged, arm: usize) {
        self.judged.push(judged);
        self.arms.push(arm);
    }

    fn push_minima(&mut self, arms: &[Arm], spec: &GateSpec) -> Result<()> {
        for (index, arm) in arms.iter().enumerate() {
            for (metric, gated) in &spec.metrics {
                let Some(min) = gated.min else { continue };
                let (subject, rule) = (subject(arm, metric), rule(spec, *gated));
                let judged = match arm.scores(metric) {
                    Some(scores) => minimum(&subject, scores, min, &rule)?,
                    None => Judged::incomparable(&subject, &rule, "the run has no scores of it"),
                };
                self.push(judged, index);
            }
        }
        Ok(())
    }
}

/// The verdict on one arm of a run against another: two prompts, or two models.
pub(crate) fn compare_arms(
    folder: &RunFolder,
    record: &RunRecord,
    between: (&str, &str),
    spec: &GateSpec,
) -> Result<Decision> {
    if between.0 == between.1 {
        bail!("`{}` is the same as itself; name two prompts or two models", between.0);
    }
    let arms = read_arms(&folder.scores())?;
    let pairs = pairs(&arms, between)?;
    let mut family = Family::default();
    for &(before, after) in &pairs {
        for metric in &record.metrics {
            let gated = spec.metrics.get(&metric.name).copied().unwrap_or_default();
            let after_scores = arms[after].scores(&metric.name);
            let before_scores = arms[before].scores(&metric.name);
            let mut subject = subject(&arms[after], &metric.name);
            if arms[before].prompt == arms[after].prompt {
                subject.model = format!("{} vs {}", arms[after].model, arms[before].model);
            } else {
                subject.prompt = format!("{} vs {}", arms[after].prompt, arms[before].prompt);
            }
            family.push(judge(&subject, before_scores, after_scores, spec, gated, None)?, after);
        }
    }
    decide(record, between.0, family, &arms)
}

/// Indices of the arms to compare: prompt A with prompt B for every model, or model A with model B
/// for every prompt.
fn pairs(arms: &[Arm], (a, b): (&str, &str)) -> Result<Vec<(usize, usize)>> {
    let matching = |of: fn(&Arm) -> &str, other: fn(&Arm) -> &str| {
        let mut pairs = Vec::new();
        for (i, before) in arms.iter().enumerate().filter(|(_, arm)| of(arm) == a) {
            let after = arms.iter().position(|arm| of(arm) == b && other(arm) == other(before));
            pairs.extend(after.map(|after| (i, after)));
        }
        pairs
    };
    let mut pairs = matching(|arm| &arm.prompt, |arm| &arm.model);
    if pairs.is_empty() {
        pairs = matching(|arm| &arm.model, |arm| &arm.prompt);
    }
    let names: Vec<_> = arms
        .iter()
        .map(|arm| format!("prompt `{}` of model `{}`", arm.prompt, arm.model))
        .collect();
    (!pairs.is_empty()).then_some(pairs).with_context(|| {
        format!(
            "`{a}` and `{b}` are not two prompts or two models of the run: {}",
            names.join(", ")
        )
    })
}

fn subject(arm: &Arm, metric: &str) -> Subject {
    Subject { prompt: arm.prompt.clone(), model: arm.model.clone(), metric: metric.to_owned() }
}

/// Why a metric's scores of the two runs are not the same measure.
pub(crate) fn changed(metric: &str, before: &[Named], after: &[Named]) -> Option<&'static str> {
    let hash = |list: &[Named]| list.iter().find(|m| m.name == metric).map(|m| m.hash.clone());
    match (hash(before), hash(after)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(_), Some(_)) => Some("the metric, or its judge, is configured differently"),
        (None, _) => Some("the baseline does not have this metric"),
        (_, None) => Some("the run does not have this metric"),
    }
}

fn judge(
    subject: &Subject,
    before: Option<&[evalmark_verdict::ItemScore]>,
    after: Option<&[evalmark_verdict::ItemScore]>,
    spec: &GateSpec,
    gated: GatedMetric,
    changed: Option<&str>,
) -> Result<Judged> {
    let rule = rule(spec, gated);
    let refuse = |why: &str| Ok(Judged::incomparable(subject, &rule, why));
    match (before, after, changed) {
        (_, _, Some(why)) => refuse(why),
        (None, ..) => refuse("the baseline has no scores of this prompt and model"),
        (_, None, _) => refuse("the run has no scores of this prompt and model"),
        (Some(before), Some(after), None) => Ok(compare(subject, before, after, &rule)?),
    }
}

/// How a gated metric is decided.
pub(crate) fn rule(spec: &GateSpec, gated: GatedMetric) -> Rule {
    Rule { min_paired_share: spec.min_paired, ..Rule::new(gated.margin, spec.alpha) }
}

/// Decides all comparisons together and names the items that flipped.
fn decide(record: &RunRecord, baseline: &str, family: Family, arms: &[Arm]) -> Result<Decision> {
    let mut gated = gate(family.judged)?;
    for (judged, arm) in gated.judged.iter_mut().zip(family.arms) {
        judged.name_flips(|item| arms[arm].ids[item].to_string());
        // Worst first; equal changes in the order of their names.
        judged.comparison.flips.sort_by(|x, y| {
            let change = |flip: &Flip| flip.candidate - flip.baseline;
            change(x).total_cmp(&change(y)).then_with(|| x.item_id.cmp(&y.item_id))
        });
    }
    let lacks_answers = gated.judged.iter().any(|judged| judged.cause == Some(Cause::Missing));
    let exit = match gated.answer {
        Answer::Inconclusive if lacks_answers => Exit::Incomplete,
        answer => answer.into(),
    };
    let verdict = Verdict {
        format_version: FORMAT_VERSION,
        suite: record.suite.clone(),
        run_id: record.run_id.clone(),
        baseline: baseline.to_owned(),
        answer: gated.answer,
        says: gated.says,
        correction: gated.correction,
        comparisons: gated.judged.into_iter().map(|judged| judged.comparison).collect(),
    };
    Ok(Decision { verdict, exit })
}

/// Keeps the verdict in the run's folder.
pub(crate) fn write_verdict(folder: &RunFolder, verdict: &Verdict) -> Result<()> {
    let text = serde_json::to_string_pretty(verdict).context("the verdict cannot be written")?;
    write_whole(&folder.verdict(), &format!("{text}\n"))
}
