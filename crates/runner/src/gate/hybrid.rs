//! The verdict on a run that was looked at while it was asked: the same looks again, then the test
//! at the end with what they left of alpha.

use std::collections::HashMap;

use evalmark_core::suite::GateSpec;
use evalmark_store::record::{RunRecord, StopEarly};
use evalmark_verdict::{ComparisonSubject, Decision, Interim, ItemScore, Rule, Stopping, compare};

use crate::{error::Result, variants::Variant};

/// What decides the comparisons of a run that was made to stop early.
pub(crate) struct Hybrid {
    early: StopEarly,
    family: usize,
}

impl Hybrid {
    /// `None` for a run that nobody looked at.
    pub(crate) fn new(
        record: &RunRecord,
        candidate: &[Variant],
        reference: &[Variant],
        spec: &GateSpec,
    ) -> Option<Self> {
        let early = record.stop_early.clone()?;
        let names: Vec<_> = candidate
            .iter()
            .map(|variant| (variant.prompt.as_str(), variant.model.as_str()))
            .collect();
        let family = family_size(record, &names, reference, spec);
        Some(Self { early, family })
    }

    /// The verdict on one metric of one prompt and model.
    pub(crate) fn compare(
        &self,
        subject: &ComparisonSubject,
        before: &[ItemScore],
        after: &[ItemScore],
        rule: &Rule,
    ) -> Result<Decision> {
        let by_key: HashMap<u128, &ItemScore> = before.iter().map(|i| (i.key, i)).collect();
        let pair = |item: &ItemScore| {
            let before = by_key.get(&item.key).filter(|before| before.content == item.content)?;
            Some((**before, *item))
        };
        let (before_paired, after_paired): (Vec<_>, Vec<_>) = after.iter().filter_map(pair).unzip();
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut stopping = Stopping::new(rule, &after_paired, self.family, self.early.seed)?
            .part_of(size(self.early.planned_items), size(self.early.largest_cluster));
        let ordered = |items: &[ItemScore]| -> Vec<ItemScore> {
            stopping.order().iter().map(|&at| items[at]).collect()
        };
        let (before_ordered, after_ordered) = (ordered(&before_paired), ordered(&after_paired));
        let look = stopping.look(&before_ordered, &after_ordered);
        let judged = compare(subject, before, after, &stopping.final_rule())?;
        Ok(match look {
            Interim::Stop(stop) => judged.stopped(&stop),
            Interim::Continue => judged,
        })
    }
}

/// How many comparisons a gate decides together: the certainty of a drop is shared by all.
pub(crate) fn family_size(
    record: &RunRecord,
    names: &[(&str, &str)],
    reference: &[Variant],
    spec: &GateSpec,
) -> usize {
    let minima = spec.metrics.values().filter(|gated| gated.min.is_some()).count();
    let compared = names.len() + lacking(record, names, reference);
    compared * spec.metrics.len() + names.len() * minima
}

/// Variants of the baseline that the run lacks; none where the user chose some of the suite's.
pub(crate) fn lacking(record: &RunRecord, names: &[(&str, &str)], reference: &[Variant]) -> usize {
    let left_out = !(record.options.prompts.is_empty() && record.options.models.is_empty());
    let lacks =
        |variant: &&Variant| !names.contains(&(variant.prompt.as_str(), variant.model.as_str()));
    if left_out { 0 } else { reference.iter().filter(lacks).count() }
}
