//! Which items of two variants belong together: the same key, the same content; and which do not.

use crate::item_scores::ItemScores;
use crate::items::{CompareError, Side};
use crate::rule::{Rule, ScoreRange};
use crate::tallies::Tally;

/// A mean may exceed its range by this much: epochs are summed in floating point.
const ROUNDING: f64 = 1e-9;

/// The largest magnitude of a score, so that sums stay exact.
const LARGEST: f64 = 1e14;

/// Places of one item in the two variants.
pub(crate) type Places = (usize, usize);

/// The items of two variants, matched.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Matched {
    /// The items that pair up, in order of their keys, so that nothing later sees the rows' order.
    pub(crate) places: Vec<Places>,
    pub(crate) changes: Changes,
}

/// The items that do not pair up, as indices into the variants' slices, ascending; at most as many of
/// each kind as the rule names flips, the counts are of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Items of the candidate alone.
    pub added: Vec<usize>,
    /// Items of the baseline alone.
    pub removed: Vec<usize>,
    /// Items whose content differs: their index in the baseline and in the candidate.
    pub changed: Vec<Places>,
    /// All items of the candidate alone.
    pub n_added: u64,
    /// All items of the baseline alone.
    pub n_removed: u64,
    /// All items whose content differs.
    pub n_changed: u64,
    /// Share of the larger side's items that pair up; 0 without an item.
    pub paired_share: f64,
}

impl Changes {
    /// Sorts and counts what does not pair up, and keeps at most `most` of each kind.
    pub(crate) fn finish(mut self, most: usize, paired: usize, larger: usize) -> Self {
        self.n_added = self.added.len() as u64;
        self.n_removed = self.removed.len() as u64;
        self.n_changed = self.changed.len() as u64;
        self.paired_share = if larger == 0 { 0.0 } else { paired as f64 / larger as f64 };
        for list in [&mut self.added, &mut self.removed] {
            list.sort_unstable();
            list.truncate(most);
        }
        self.changed.sort_unstable();
        self.changed.truncate(most);
        self
    }
}

/// Matches the items of two variants by key and content.
pub(crate) fn pair(
    baseline: ItemScores<'_>,
    candidate: ItemScores<'_>,
    rule: &Rule,
) -> Result<Matched, CompareError> {
    let left = by_key(Side::Baseline, baseline, rule.range)?;
    let right = if same_keys(baseline, candidate) {
        check_all(Side::Candidate, candidate, rule.range)?;
        left.clone()
    } else {
        by_key(Side::Candidate, candidate, rule.range)?
    };
    let mut places = Vec::with_capacity(left.len().min(right.len()));
    let mut changes = Changes::default();
    let mut rest = right.into_iter().peekable();
    for at in left {
        let item = baseline.get(at);
        while let Some(new) = rest.next_if(|&other| candidate.key(other) < item.key) {
            changes.added.push(new);
        }
        match rest.next_if(|&other| candidate.key(other) == item.key) {
            None => changes.removed.push(at),
            Some(other) if candidate.get(other).content == item.content => {
                places.push((at, other));
            }
            Some(other) => changes.changed.push((at, other)),
        }
    }
    changes.added.extend(rest);
    let larger = baseline.len().max(candidate.len());
    let changes = changes.finish(rule.max_flips, places.len(), larger);
    Ok(Matched { places, changes })
}

/// The side's indices by key; every item is checked on the way.
pub(crate) fn by_key(
    side: Side,
    items: ItemScores<'_>,
    range: ScoreRange,
) -> Result<Vec<usize>, CompareError> {
    check_all(side, items, range)?;
    let order = items.by_key();
    for neighbours in order.windows(2) {
        let (first, second) = (neighbours[0], neighbours[1]);
        if items.key(first) == items.key(second) {
            return Err(CompareError::Duplicate { side, first, second });
        }
    }
    Ok(order)
}

/// The indices of an side whose keys are another's, row by row, are the other's.
fn same_keys(items: ItemScores<'_>, other: ItemScores<'_>) -> bool {
    items.len() == other.len() && (0..items.len()).all(|at| items.key(at) == other.key(at))
}

/// Fails where an item's score is none that can be compared.
pub(crate) fn check_all(
    side: Side,
    items: ItemScores<'_>,
    range: ScoreRange,
) -> Result<(), CompareError> {
    let is_sound = |tally: &Tally| check(side, 0, items.shown(*tally), range).is_ok();
    if items.values().is_some_and(|values| values.iter().all(is_sound)) {
        return Ok(());
    }
    items.tallies().enumerate().try_for_each(|(index, item)| check(side, index, item, range))
}

fn check(side: Side, index: usize, item: Tally, range: ScoreRange) -> Result<(), CompareError> {
    if item.n_scored > item.n_planned {
        return Err(CompareError::TooManyScored { side, index });
    }
    if item.n_scored == 0 {
        return Ok(());
    }
    let value = item.sum / f64::from(item.n_scored);
    if !value.is_finite() || value.abs() > LARGEST {
        return Err(CompareError::NotANumber { side, index, value });
    }
    let ScoreRange { low, high } = range;
    let slack = ROUNDING * value.abs().max(1.0);
    if value < low - slack || value > high + slack {
        return Err(CompareError::OutOfRange { side, index, value, low, high });
    }
    Ok(())
}
