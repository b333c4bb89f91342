//! The verdict on a run that was looked at while it was asked: the same looks again, then the test
//! at the end with what they left of alpha.

use std::collections::HashMap;

use crate::{
    compare::{Decision, compare},
    gated_pair::GateError,
    items::{ComparisonSubject, ItemScore},
    rule::Rule,
    stopping::{Interim, Stopping},
};

/// How a run was looked at that was made to stop early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookedAt {
    /// Seed of the order in which its items were asked.
    pub seed: u64,
    /// All items of the plan.
    pub planned_items: u64,
    /// Items of the largest cluster; 1 where there are none.
    pub largest_cluster: u64,
    /// How many comparisons share the certainty of a drop.
    pub family: usize,
}

impl LookedAt {
    /// The verdict on one metric of one prompt and model.
    pub(crate) fn compare(
        &self,
        subject: &ComparisonSubject,
        before: &[ItemScore],
        after: &[ItemScore],
        rule: &Rule,
    ) -> Result<Decision, GateError> {
        let by_key: HashMap<u128, &ItemScore> = before.iter().map(|i| (i.key, i)).collect();
        let pair = |item: &ItemScore| {
            let before = by_key.get(&item.key).filter(|before| before.content == item.content)?;
            Some((**before, *item))
        };
        let (before_paired, after_paired): (Vec<_>, Vec<_>) = after.iter().filter_map(pair).unzip();
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut stopping = Stopping::new(rule, &after_paired, self.family, self.seed)?
            .part_of(size(self.planned_items), size(self.largest_cluster));
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
