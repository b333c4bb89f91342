//! All variants of a run, and what makes the items of two runs the same.

use std::collections::HashSet;

use evalmark_core::suite::Amount;

use crate::variant_scores::{SameItem, Variant};

/// The variants of a run or baseline: their scores, and what their answers took.
#[derive(Clone, Debug, Default)]
pub struct RunScores {
    /// By metric.
    pub scores: Vec<Variant>,
    /// By amount; empty where no amount is gated.
    pub usage: Vec<Variant>,
}

impl RunScores {
    /// The scores, or the amounts, of a variant.
    pub fn variant(&self, prompt: &str, model: &str, amount: Option<Amount>) -> Option<&Variant> {
        let variants = if amount.is_some() { &self.usage } else { &self.scores };
        variants.iter().find(|variant| variant.prompt == prompt && variant.model == model)
    }

    /// Forgets the items that the other run does not have.
    pub fn keep_items_of(&mut self, other: &Self) {
        let keys = other.scores.iter().flat_map(|variant| variant.items().map(|(key, _)| key));
        let asked: HashSet<u128> = keys.collect();
        for variant in self.scores.iter_mut().chain(&mut self.usage) {
            variant.keep(other.scores.first(), |key| asked.contains(&key));
        }
    }

    /// Gives items other ids, as those of another run: `of` says which, by an item's key and content.
    pub fn rename_items<'a>(
        &mut self,
        other: &Self,
        of: impl Fn(u128, u128) -> Option<&'a SameItem>,
    ) {
        for variant in self.scores.iter_mut().chain(&mut self.usage) {
            variant.rename_items(other.scores.first(), &of);
        }
    }
}
