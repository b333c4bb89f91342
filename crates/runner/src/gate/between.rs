//! The variants of one run against each other: two prompts, or two models.

use std::collections::BTreeSet;

use evalmark_core::suite::GateSpec;
use evalmark_store::{run_folder::RunFolder, run_record::RunRecord};
use evalmark_verdict::{ComparisonFamily, ComparisonSubject, Variant, VariantPair};

use super::{GateOutcome, context::gated_runs, slices};
use crate::{
    diff::{RunSide, VariantName, broken_items},
    error::{Advised, Result},
    metric_scale::corpus_metrics,
    unknown_name::{UnknownName, all_known},
    variants::{NameFiles, read_variants},
};

/// Two prompts, or two models, of one run.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    /// The name that the other is compared with.
    pub baseline: &'a str,
    /// The other name.
    pub candidate: &'a str,
}

/// The verdict on one variant of a run against another: two prompts, or two models.
pub(crate) fn compare_variants(
    folder: &RunFolder,
    record: &RunRecord,
    between: Between<'_>,
    spec: &GateSpec,
) -> Result<GateOutcome> {
    if between.baseline == between.candidate {
        return Err(BetweenError::Same { name: between.baseline.to_owned() }.into());
    }
    let variants = read_variants(&folder.scores())?;
    let metrics = corpus_metrics(record)?;
    let runs = gated_runs(record, record, spec, &metrics);
    let mut family = ComparisonFamily::default();
    let pairs = pairs(&variants, between)?;
    for (before, after) in &pairs {
        for metric in &record.metrics {
            let gated = spec.metrics.get(&metric.name).copied().unwrap_or_default();
            let subject = ComparisonSubject { metric: metric.name.clone(), ..named(before, after) };
            let pair = VariantPair { subject, before: Some(before), after: Some(after) };
            family.push(pair.compare(&runs, gated)?, pair.before, pair.after);
        }
    }
    let named_pairs = pairs.iter().map(|&(before, after)| (named(before, after), before, after));
    let slices = slices::explore(folder, record, &runs, named_pairs)?;
    let names = NameFiles(vec![(&variants, folder.scores())]);
    let mut decision = GateOutcome::of(family, &names, record, between.baseline, spec)?;
    decision.verdict.slices = slices;
    let run = RunSide { folder, record };
    decision.broken = broken_items(&decision.verdict, run, run, |comparison| {
        let is_it = |subject: &ComparisonSubject| {
            (&subject.prompt, &subject.model) == (&comparison.prompt, &comparison.model)
        };
        let (before, after) = pairs.iter().find(|(before, after)| is_it(&named(before, after)))?;
        Some([VariantName::of(before), VariantName::of(after)])
    });
    Ok(decision)
}

/// Why two names do not say what to compare.
#[derive(Debug, thiserror::Error)]
pub enum BetweenError {
    /// They are one.
    #[error("`{name}` is the same as itself; name two prompts or two models")]
    Same {
        /// The name.
        name: String,
    },
    /// The run does not have one of them.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// They are not two of a kind.
    #[error("`{first}` and `{second}` are not two prompts or two models of the run: {known}")]
    Unknown {
        /// The first name.
        first: String,
        /// The second.
        second: String,
        /// What the run has.
        known: String,
    },
}

impl Advised for BetweenError {
    fn hint(&self) -> Option<String> {
        let Self::Name(unknown) = self else { return None };
        unknown.hint()
    }
}

/// What the comparison of two variants is called.
fn named(before: &Variant, after: &Variant) -> ComparisonSubject {
    let mut subject = ComparisonSubject::of(after, "");
    if before.prompt == after.prompt {
        subject.model = format!("{} vs {}", after.model, before.model);
    } else {
        subject.prompt = format!("{} vs {}", after.prompt, before.prompt);
    }
    subject
}

/// The variants to compare: prompt A with prompt B for every model, or model A with model B for every
/// prompt.
fn pairs<'a>(
    variants: &'a [Variant],
    Between { baseline: a, candidate: b }: Between<'_>,
) -> Result<Vec<(&'a Variant, &'a Variant)>, BetweenError> {
    let matching = |of: fn(&Variant) -> &str, other: fn(&Variant) -> &str| {
        let mut pairs = Vec::new();
        for before in variants.iter().filter(|variant| of(variant) == a) {
            let after =
                variants.iter().find(|variant| of(variant) == b && other(variant) == other(before));
            pairs.extend(after.map(|after| (before, after)));
        }
        pairs
    };
    let mut pairs = matching(|variant| &variant.prompt, |variant| &variant.model);
    if pairs.is_empty() {
        pairs = matching(|variant| &variant.model, |variant| &variant.prompt);
    }
    let known: BTreeSet<&str> =
        variants.iter().flat_map(|variant| [&*variant.prompt, &*variant.model]).collect();
    let known: Vec<_> = known.into_iter().collect();
    let wanted = [a, b].map(str::to_owned);
    all_known("the run has no prompt or model", &wanted, &known, "it has")?;
    let names: Vec<_> = variants
        .iter()
        .map(|variant| format!("prompt `{}` of model `{}`", variant.prompt, variant.model))
        .collect();
    if pairs.is_empty() {
        let [first, second] = [a, b].map(str::to_owned);
        return Err(BetweenError::Unknown { first, second, known: names.join(", ") });
    }
    Ok(pairs)
}
