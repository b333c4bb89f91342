//! pass@k and pass^k: from n attempts at a problem with c successes to k attempts.
//!
//! Chen et al., "Evaluating Large Language Models Trained on Code", arXiv 2107.03374, and Yao
//! et al., "τ-bench", arXiv 2406.12045: the unbiased estimators, not (c/n)^k. `None` when
//! k > n or c > n, where no unbiased estimate exists. Over a dataset, the items' values are the
//! sample: their mean gets the interval of any other estimate.

use evalmark_core::estimate::Estimate;
use thiserror::Error;

use crate::items::ItemScore;
use crate::mean_estimate::Accumulator;
use crate::rule::ScoreRange;

/// What is asked of `k` attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassRule {
    /// At least one succeeds: pass@k.
    Any(u64),
    /// All succeed: pass^k.
    All(u64),
}

/// A mean of pass@k or pass^k over items.
#[derive(Clone, Debug, PartialEq)]
pub struct PassEstimate {
    /// The mean and its interval over items, clustered where items share clusters; `None` when
    /// no item has enough epochs.
    pub estimate: Option<Estimate>,
    /// Items with fewer than `k` scored epochs, which are left out.
    pub n_left_out: u64,
}

/// An item whose epochs are not each a success or a failure.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("item {index} has {sum} successes in {n_scored} epochs, so its scores are not 0 or 1")]
pub struct NotBinary {
    /// Which item.
    pub index: usize,
    /// Sum of its scores.
    pub sum: f64,
    /// Its scored epochs.
    pub n_scored: u32,
}

/// The estimate over items whose epochs scored 0 or 1 each.
pub fn pass_estimate(
    items: &[ItemScore],
    attempts: PassRule,
    confidence: f64,
) -> Result<PassEstimate, NotBinary> {
    let mut values = Accumulator::new(ScoreRange::UNIT);
    let mut n_left_out = 0;
    for (index, item) in items.iter().enumerate() {
        let n = u64::from(item.n_scored);
        let c =
            successes(item).ok_or(NotBinary { index, sum: item.sum, n_scored: item.n_scored })?;
        let value = match attempts {
            PassRule::Any(k) => pass_at_k(n, c, k),
            PassRule::All(k) => pass_hat_k(n, c, k),
        };
        let taken = value.filter(|_| n > 0).is_some_and(|p| values.push(p, item.cluster).is_ok());
        n_left_out += u64::from(!taken);
    }
    Ok(PassEstimate { estimate: values.finish(confidence), n_left_out })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie within the epochs"
)]
fn successes(item: &ItemScore) -> Option<u64> {
    if item.n_scored == 0 {
        return Some(0);
    }
    let whole = item.sum.round();
    let sound = (item.sum - whole).abs() < 1e-9;
    (sound && (0.0..=f64::from(item.n_scored)).contains(&whole)).then_some(whole as u64)
}

/// Chance that at least one of `k` attempts succeeds: `1 - C(n-c, k)/C(n, k)`.
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Option<f64> {
    if c > n {
        return None;
    }
    draw_all(n, n - c, k).map(|all_fail| 1.0 - all_fail)
}

/// Chance that all of `k` attempts succeed: `C(c, k)/C(n, k)`.
pub fn pass_hat_k(n: u64, c: u64, k: u64) -> Option<f64> {
    if c > n {
        return None;
    }
    draw_all(n, c, k)
}

/// Chance that `k` of `n` attempts drawn without replacement all lie among `marked` of them.
fn draw_all(n: u64, marked: u64, k: u64) -> Option<f64> {
    if k > n {
        return None;
    }
    if k > marked {
        return Some(0.0);
    }
    Some((0..k).map(|i| (marked - i) as f64 / (n - i) as f64).product())
}
