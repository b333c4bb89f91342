//! The arms of one run against each other: two prompts, or two models.

use anyhow::{Context, Result, bail};
use evalmark_core::suite::GateSpec;
use evalmark_verdict::Subject;

use super::{
    Decision, Family,
    pair::{Pair, Sides, subject},
    slices,
};
use crate::{
    arms::{Arm, read_arms},
    measured::pooled_metrics,
    run_folder::{RunFolder, RunRecord},
};

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
    let pooled = pooled_metrics(record);
    let sides = Sides { before: record, after: record, spec, hybrid: None, pooled };
    let mut family = Family::default();
    let pairs = pairs(&arms, between)?;
    for (before, after) in &pairs {
        for metric in &record.metrics {
            let gated = spec.metrics.get(&metric.name).copied().unwrap_or_default();
            let subject = Subject { metric: metric.name.clone(), ..named(before, after) };
            let pair = Pair { subject, before: Some(before), after: Some(after) };
            family.push(pair.judge(&sides, gated)?, pair.before, pair.after);
        }
    }
    let arms = pairs.into_iter().map(|(before, after)| (named(before, after), before, after));
    let slices = slices::explore(folder, &sides, arms)?;
    let mut decision = family.decide(record, between.0, spec)?;
    decision.verdict.slices = slices;
    Ok(decision)
}

/// What the comparison of two arms is called.
fn named(before: &Arm, after: &Arm) -> Subject {
    let mut subject = subject(after, "");
    if before.prompt == after.prompt {
        subject.model = format!("{} vs {}", after.model, before.model);
    } else {
        subject.prompt = format!("{} vs {}", after.prompt, before.prompt);
    }
    subject
}

/// The arms to compare: prompt A with prompt B for every model, or model A with model B for every
/// prompt.
fn pairs<'a>(arms: &'a [Arm], (a, b): (&str, &str)) -> Result<Vec<(&'a Arm, &'a Arm)>> {
    let matching = |of: fn(&Arm) -> &str, other: fn(&Arm) -> &str| {
        let mut pairs = Vec::new();
        for before in arms.iter().filter(|arm| of(arm) == a) {
            let after = arms.iter().find(|arm| of(arm) == b && other(arm) == other(before));
            pairs.extend(after.map(|after| (before, after)));
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
