//! Which items of two arms belong together: the same key, the same content.

use crate::items::{Arm, CompareError, ItemScore};
use crate::rule::ScoreRange;

/// A mean may exceed its range by this much: epochs are summed in floating point.
const ROUNDING: f64 = 1e-9;

/// The largest magnitude of a score, so that sums stay exact.
const LARGEST: f64 = 1e14;

/// Places of one item in the two arms.
pub(crate) type Places = (usize, usize);

/// The items that pair up, in order of their keys, so that nothing later sees the rows' order.
pub(crate) fn pair(
    baseline: &[ItemScore],
    candidate: &[ItemScore],
    range: ScoreRange,
) -> Result<Vec<Places>, CompareError> {
    let left = by_key(Arm::Baseline, baseline, range)?;
    let right = by_key(Arm::Candidate, candidate, range)?;
    let mut places = Vec::with_capacity(left.len().min(right.len()));
    let mut rest = right.into_iter().peekable();
    for at in left {
        let item = &baseline[at];
        while rest.next_if(|&other| candidate[other].key < item.key).is_some() {}
        if let Some(other) = rest.next_if(|&other| candidate[other].key == item.key)
            && candidate[other].content == item.content
        {
            places.push((at, other));
        }
    }
    Ok(places)
}

/// The arm's indices by key; every item is checked on the way.
fn by_key(arm: Arm, items: &[ItemScore], range: ScoreRange) -> Result<Vec<usize>, CompareError> {
    for (index, item) in items.iter().enumerate() {
        check(arm, index, item, range)?;
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_unstable_by_key(|&index| (items[index].key, index));
    for neighbours in order.windows(2) {
        let (first, second) = (neighbours[0], neighbours[1]);
        if items[first].key == items[second].key {
            return Err(CompareError::Duplicate { arm, first, second });
        }
    }
    Ok(order)
}

fn check(arm: Arm, index: usize, item: &ItemScore, range: ScoreRange) -> Result<(), CompareError> {
    if item.n_scored > item.n_planned {
        return Err(CompareError::TooManyScored { arm, index });
    }
    if item.n_scored == 0 {
        return Ok(());
    }
    let value = item.sum / f64::from(item.n_scored);
    if !value.is_finite() || value.abs() > LARGEST {
        return Err(CompareError::NotANumber { arm, index, value });
    }
    let ScoreRange { low, high } = range;
    let slack = ROUNDING * value.abs().max(1.0);
    if value < low - slack || value > high + slack {
        return Err(CompareError::OutOfRange { arm, index, value, low, high });
    }
    Ok(())
}
