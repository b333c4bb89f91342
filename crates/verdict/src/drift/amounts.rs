//! Amounts that have no largest value become ranks: how much of the released run lies below one. Whatever
//! the amounts' distribution, ranks lie between 0 and 1, and average ½ while production is as the run was.

use serde::{Deserialize, Serialize};

/// The amounts of a released run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ranks {
    /// Every different amount, ascending.
    amounts: Vec<f64>,
    /// The share below each, and 1 at the end.
    below: Vec<f64>,
}

impl Ranks {
    /// Of amounts, and the weight of each.
    pub(super) fn of(mut weighted: Vec<(f64, f64)>) -> Self {
        weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = weighted.iter().map(|one| one.1).sum();
        let (mut amounts, mut below) = (Vec::new(), Vec::new());
        let mut sum = 0.0;
        let same = |a: &(f64, f64), b: &(f64, f64)| a.0.total_cmp(&b.0).is_eq();
        for group in weighted.chunk_by(same) {
            amounts.push(group[0].0);
            below.push(sum / total);
            sum += group.iter().map(|one| one.1).sum::<f64>();
        }
        below.push(1.0);
        Self { amounts, below }
    }

    /// The share of the released run below an amount, and half of what equals it.
    pub(super) fn rank(&self, amount: f64) -> f64 {
        let at = self.amounts.partition_point(|known| known.total_cmp(&amount).is_lt());
        let (share, next) = (self.below[at], self.below.get(at + 1));
        match (self.amounts.get(at), next) {
            (Some(known), Some(next)) if known.total_cmp(&amount).is_eq() => 0.5 * (share + next),
            _ => share,
        }
    }
}
