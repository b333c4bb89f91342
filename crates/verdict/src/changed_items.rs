//! Which items two variants score differently: the pairs and the order of a comparison's flips, but all
//! of them.

use evalmark_core::{metric::Direction, verdict::Flip};

use crate::{
    comparison_family::sort_flips, items::CompareError, pairing::pair, rule::Rule,
    rule::ScoreRange, variant_scores::Variant,
};

/// Items whose mean score differs between two variants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangedItems {
    /// Those that score worse, the largest loss first.
    pub worse: Vec<Flip>,
    /// Those that score better, the largest gain first.
    pub better: Vec<Flip>,
    /// How many items there are to look at, and what belongs to nothing.
    pub counts: PairCounts,
}

/// How the items of two variants pair up by one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCounts {
    /// Items of the same id and content that both variants score.
    pub paired: u64,
    /// Items of the earlier variant alone.
    pub only_before: u64,
    /// Items of the later variant alone.
    pub only_after: u64,
    /// Items of the same id whose content or targets differ.
    pub changed: u64,
    /// Items of both, with the same content, that the earlier variant has no score of.
    pub unscored_before: u64,
    /// The same of the later variant.
    pub unscored_after: u64,
}

/// The items of both variants, with the same content, that one metric scores differently; none where
/// a variant lacks the metric.
pub fn changed_items(
    before: &Variant,
    after: &Variant,
    metric: &str,
    direction: Direction,
) -> Result<ChangedItems, CompareError> {
    let (Some(old), Some(new)) = (before.scores(metric), after.scores(metric)) else {
        return Ok(ChangedItems::default());
    };
    // The scores only say what changed.
    let rule = Rule { range: ScoreRange::ANY, ..Rule::new(0.03, 0.05) };
    let matched = pair(old, new, &rule)?;
    let flips = matched.places.iter().filter_map(|&(b, c)| {
        let (baseline, candidate) = (old.get(b).mean(rule.range)?, new.get(c).mean(rule.range)?);
        let item_id = after.id(metric, c).map(ToString::to_string)?;
        let is_changed = baseline.total_cmp(&candidate).is_ne();
        is_changed.then_some(Flip { item_id, baseline, candidate })
    });
    let (mut worse, mut better): (Vec<_>, Vec<_>) =
        flips.partition(|flip| flip.is_worse(direction));
    sort_flips(&mut worse, direction == Direction::Lower);
    sort_flips(&mut better, direction == Direction::Higher);
    let count = |is_it: &dyn Fn(usize, usize) -> bool| {
        matched.places.iter().filter(|&&(b, c)| is_it(b, c)).count() as u64
    };
    let counts = PairCounts {
        paired: count(&|b, c| old.get(b).n_scored > 0 && new.get(c).n_scored > 0),
        only_before: matched.changes.n_removed,
        only_after: matched.changes.n_added,
        changed: matched.changes.n_changed,
        unscored_before: count(&|b, _| old.get(b).n_scored == 0),
        unscored_after: count(&|_, c| new.get(c).n_scored == 0),
    };
    Ok(ChangedItems { worse, better, counts })
}
