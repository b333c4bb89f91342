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
        let (baseline, candidate) = (old[b].mean(rule.range)?, new[c].mean(rule.range)?);
        let item_id = after.ids.get(c).map(ToString::to_string)?;
        let is_changed = baseline.total_cmp(&candidate).is_ne();
        is_changed.then_some(Flip { item_id, baseline, candidate })
    });
    let (mut worse, mut better): (Vec<_>, Vec<_>) =
        flips.partition(|flip| flip.is_worse(direction));
    sort_flips(&mut worse, direction == Direction::Lower);
    sort_flips(&mut better, direction == Direction::Higher);
    Ok(ChangedItems { worse, better })
}
