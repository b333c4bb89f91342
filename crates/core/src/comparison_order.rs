//! In which order comparisons are shown, everywhere: the worst first.

use std::cmp::Ordering;

use crate::{
    metric::Direction,
    verdict::{Answer, Comparison, Measure},
};

impl Comparison {
    /// Which of two is shown first: one that does not pass, and among equal answers the one that may have lost more of
    /// its margin; those without an estimate last.
    pub fn worse_first(&self, other: &Self) -> Ordering {
        rank(self).cmp(&rank(other)).then_with(|| by_loss(self, other))
    }
}

fn rank(comparison: &Comparison) -> u8 {
    match comparison.answer {
        Answer::Regressed => 0,
        Answer::Incomparable => 1,
        Answer::Inconclusive => 2,
        Answer::Pass => 3,
        Answer::Improved => 4,
    }
}

fn by_loss(a: &Comparison, b: &Comparison) -> Ordering {
    let [a, b] = [a, b].map(|comparison| worst_case(comparison).unwrap_or(f64::INFINITY));
    a.total_cmp(&b)
}

/// The estimate, where greater is better, in margins.
fn worst_case(comparison: &Comparison) -> Option<f64> {
    let estimate = comparison.estimate?;
    let margin = comparison.margin.abs().max(f64::MIN_POSITIVE);
    let change = match comparison.measure {
        Measure::Ratio if comparison.better() == Direction::Lower => {
            -estimate.ln() / margin.ln_1p()
        }
        Measure::Ratio => -estimate.ln() / (-margin).ln_1p(),
        Measure::Difference | Measure::Level if comparison.direction == Direction::Lower => {
            -estimate / margin
        }
        Measure::Difference | Measure::Level => estimate / margin,
    };
    Some(change).filter(|change| !change.is_nan())
}
