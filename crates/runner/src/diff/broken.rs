//! The first few items that broke, for whoever reads a verdict.

use evalmark_core::verdict::{Comparison, Measure, Verdict};
use evalmark_report::changed_item::BrokenItems;

use super::{Pick, RunSide, VariantName, with_texts};

/// Items that a verdict shows.
const SHOWN: usize = 3;

/// The first items that scored worse: one of each comparison in turn, of those that came out worst
/// first. `variants` says which variants a comparison is about, the earlier one first. What cannot be
/// read is told, and fails no verdict.
pub(crate) fn broken_items(
    verdict: &Verdict,
    old: RunSide<'_>,
    new: RunSide<'_>,
    variants: impl Fn(&Comparison) -> Option<[VariantName; 2]>,
) -> BrokenItems {
    let losses: Vec<Vec<Pick>> =
        verdict.worst_first().into_iter().map(|one| picks(one, &variants)).collect();
    let n_losses: usize = losses.iter().map(Vec::len).sum();
    let longest = losses.iter().map(Vec::len).max().unwrap_or_default();
    let mut shown: Vec<Pick> = Vec::new();
    let in_turn = (0..longest).flat_map(|at| losses.iter().filter_map(move |one| one.get(at)));
    for pick in in_turn {
        // Another metric says the same of the same answer.
        let is_same =
            |other: &Pick| (&other.flip.item_id, &other.after) == (&pick.flip.item_id, &pick.after);
        if shown.len() < SHOWN && !shown.iter().any(is_same) {
            shown.push(pick.clone());
        }
    }
    if shown.is_empty() {
        return BrokenItems::default();
    }
    let are_more = n_losses > shown.len();
    match with_texts(&shown, old, new) {
        Ok(texts) => {
            let left_out = texts.left_out.into_iter().flatten().next();
            BrokenItems { shown: texts.items, are_more, left_out, command: None }
        }
        Err(error) => {
            BrokenItems { left_out: Some(error.in_full()), are_more, ..BrokenItems::default() }
        }
    }
}

/// The items of a comparison that scored worse, the largest loss first.
fn picks(
    comparison: &Comparison,
    variants: &impl Fn(&Comparison) -> Option<[VariantName; 2]>,
) -> Vec<Pick> {
    let Some([before, after]) =
        variants(comparison).filter(|_| comparison.measure == Measure::Difference)
    else {
        return Vec::new();
    };
    let worse = comparison.flips.iter().filter(|flip| flip.is_worse(comparison.direction));
    let pick = |flip: &evalmark_core::verdict::Flip| Pick {
        flip: flip.clone(),
        metric: comparison.metric.clone(),
        range: comparison.range,
        is_worse: true,
        before: before.clone(),
        after: after.clone(),
    };
    worse.map(pick).collect()
}
