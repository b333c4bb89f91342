//! An e-process against "the mean is this or higher", that drift may begin at any test of a year.
//!
//! With d = (m - x)/(1 - m) ≥ -1 for the mean m and a value x, `Π(1 + λd)` is a fair or losing
//! bet on lower values for any λ in (0, 1). Bets on a whole test at once need its sums only: zeros and
//! ones are exact, and for others ln(1 + λd) ≥ λd + (ln(1 - λ) + λ)d² (Fan, Grama and Liu, 2015; Howard et al., arXiv 1810.08240).
//! Where strata are weighted each has a λ of its own, in proportion to its weight: then the bets are fair
//! as long as the weighted mean is m, wherever those of single strata lie, since
//! `Π(1 + λ_s δ_s)^n_s ≤ exp(Σ n_s λ_s δ_s)`. The same holds of the looks of a cycle.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::sums::ValueSums;

/// Sizes of bets: λ from 0.0005 to 0.95, each 1.65 times the one before.
const BETS: usize = 16;
const SMALLEST: f64 = 0.0005;
const LARGEST: f64 = 0.95;

/// No wealth above this is told apart, and no evidence of one test beyond its logarithm.
const RICHEST: f64 = 1e300;

/// What a size of bet makes of values, as far as it is the same for all means.
struct Bet {
    size: f64,
    /// ln(1 - λ).
    lost: f64,
}

impl Bet {
    fn of(size: f64) -> Self {
        Self { size, lost: (-size).ln_1p() }
    }
}

static ALL: LazyLock<[Bet; BETS]> = LazyLock::new(|| {
    let step = (LARGEST / SMALLEST).ln() / (BETS - 1) as f64;
    std::array::from_fn(|at| Bet::of(SMALLEST * (step * at as f64).exp()))
});

/// A stratum of a test, and how much of the mean it makes up per value: its share in the released run over its share here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighted {
    pub(super) sums: ValueSums,
    pub(super) weight: f64,
}

/// The wealth of all bets against one mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wealth {
    /// Bets on values below this mean.
    mean: f64,
    /// Tests of a year, and those that were.
    planned: u32,
    tests: u32,
    /// By size of the bet: over all tests at which drift may have begun, of the mean wealth.
    begun: Vec<f64>,
}

impl Wealth {
    pub(super) fn new(mean: f64, planned: u32) -> Self {
        Self { mean, planned, tests: 0, begun: vec![0.0; BETS] }
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.mean, self.planned);
    }

    /// Whether a year is over.
    pub(super) fn is_over(&self) -> bool {
        self.tests >= self.planned
    }

    /// Takes in one test.
    pub(super) fn bet(&mut self, strata: &[Weighted]) {
        self.tests += 1;
        // Each test of the year is as likely to be the first one with drift.
        let prior = 1.0 / f64::from(self.planned);
        let can_bet = self.mean > 0.0 && self.mean < 1.0;
        let heaviest = strata.iter().map(|one| one.weight).fold(1.0, f64::max);
        for (bet, begun) in ALL.iter().zip(&mut self.begun) {
            let gain = if can_bet { gain(strata, self.mean, bet, heaviest) } else { 0.0 };
            *begun = ((*begun + prior) * gain.min(RICHEST.ln()).exp()).min(RICHEST);
        }
    }

    /// The e-process: 1 on average at most, at whatever test one looks.
    pub(super) fn value(&self) -> f64 {
        let unbegun = 1.0 - f64::from(self.tests) / f64::from(self.planned);
        unbegun.max(0.0) + self.begun.iter().sum::<f64>() / BETS as f64
    }
}

/// The logarithm of what a bet makes of a wealth of 1; no stratum may lose all of it.
fn gain(strata: &[Weighted], mean: f64, bet: &Bet, heaviest: f64) -> f64 {
    if let [one] = strata {
        return gain_of(&one.sums, mean, bet);
    }
    let size = bet.size.min(LARGEST / heaviest);
    strata.iter().map(|one| gain_of(&one.sums, mean, &Bet::of(size * one.weight))).sum()
}

fn gain_of(sums: &ValueSums, mean: f64, bet: &Bet) -> f64 {
    let scale = 1.0 / (1.0 - mean);
    let mut gain = sums.ones * bet.lost;
    if sums.zeros > 0.0 {
        gain += sums.zeros * (bet.size * mean * scale).ln_1p();
    }
    if sums.n > 0.0 {
        let deviation = (sums.n * mean - sums.sum) * scale;
        let squares = sums.sum_of_squares - 2.0 * mean * sums.sum + sums.n * mean * mean;
        gain += bet.size * deviation + (bet.lost + bet.size) * squares.max(0.0) * scale * scale;
    }
    gain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::drift::stream::Stream;

    /// Rounding of sums of a few thousand products.
    const NEARLY: f64 = 1e-9;

    fn sums(values: &[f64]) -> ValueSums {
        let mut sums = ValueSums::default();
        for value in values {
            sums.push(*value, 0.0);
        }
        sums
    }

    fn alone(sums: ValueSums) -> [Weighted; 1] {
        [Weighted { sums, weight: 1.0 }]
    }

    /// The wealth after tests of so many zeros and ones.
    fn after(mean: f64, tests: &[(u8, u8)]) -> Wealth {
        let mut wealth = Wealth::new(mean, 52);
        for (zeros, ones) in tests {
            wealth.bet(&alone(ValueSums::counts((*zeros).into(), (*ones).into())));
        }
        wealth
    }

    fn then(wealth: &Wealth, strata: &[Weighted]) -> f64 {
        let mut wealth = wealth.clone();
        wealth.bet(strata);
        wealth.value()
    }

    /// The chance of each number of ones among so many values.
    fn binomial(n: u32, share: f64) -> impl Iterator<Item = (u32, f64)> {
        let mut ways = 1.0;
        (0..=n).map(move |ones| {
            if ones > 0 {
                ways *= f64::from(n - ones + 1) / f64::from(ones);
            }
            let zeros = n - ones;
            (ones, ways * share.powf(ones.into()) * (1.0 - share).powf(zeros.into()))
        })
    }

    fn history() -> impl Strategy<Value = Vec<(u8, u8)>> {
        prop::collection::vec((0_u8..20, 0_u8..60), 0..12)
    }

    proptest! {
        #[test]
        fn wealth_does_not_grow_on_average_while_the_share_is_there_or_better(
            mean in 0.02..0.98, better in 0.0..1.0, n in 1_u32..14, history in history(),
        ) {
            let share = mean + better * (1.0 - mean);
            let before = after(mean, &history);
            let now: f64 = binomial(n, share)
                .map(|(ones, chance)| {
                    let sums = ValueSums::counts((n - ones).into(), ones.into());
                    chance * then(&before, &alone(sums))
                })
                .sum();
            prop_assert!(now <= before.value() * (1.0 + NEARLY), "{} to {now}", before.value());
        }

        /// One value more, drawn from some whose mean is the one that is bet against, or better.
        #[test]
        fn wealth_does_not_grow_on_average_under_resampling(
            values in prop::collection::vec(0.0_f64..=1.0, 1..30), worse in 0.01_f64..1.0, history in history(),
        ) {
            let average = values.iter().sum::<f64>() / values.len() as f64;
            let before = after((average * worse).min(0.99), &history);
            let drawn = values.iter().map(|value| then(&before, &alone(sums(&[*value]))));
            let now = drawn.sum::<f64>() / values.len() as f64;
            prop_assert!(now <= before.value() * (1.0 + NEARLY), "{} to {now}", before.value());
        }

        /// Two strata in another mix than the released run's, weighted back to it.
        #[test]
        fn nor_does_it_where_the_mix_differs(
            share in 0.05..0.95, rates in (0.0..1.0, 0.0..1.0), n in (1_u32..6, 1_u32..6), history in history(),
        ) {
            let mean = share * rates.0 + (1.0 - share) * rates.1;
            let before = after(mean, &history);
            let total = f64::from(n.0 + n.1);
            let weight = |share: f64, n: u32| share * total / f64::from(n);
            let weights = (weight(share, n.0), weight(1.0 - share, n.1));
            let stratum = |n: u32, ones: u32, weight: f64| Weighted {
                sums: ValueSums::counts((n - ones).into(), ones.into()),
                weight,
            };
            let mut now = 0.0;
            for (first, chance) in binomial(n.0, rates.0) {
                for (second, other) in binomial(n.1, rates.1) {
                    let strata = [stratum(n.0, first, weights.0), stratum(n.1, second, weights.1)];
                    now += chance * other * then(&before, &strata);
                }
            }
            prop_assert!(now <= before.value() * (1.0 + NEARLY), "{} to {now}", before.value());
        }

        #[test]
        fn a_worse_answer_never_makes_less_evidence(
            mean in 0.02..0.98, n in 1_u32..200, ones in 0_u32..200, history in history(),
        ) {
            let ones = ones.min(n - 1);
            let before = after(mean, &history);
            let with = |ones: u32| {
                then(&before, &alone(ValueSums::counts((n - ones).into(), ones.into())))
            };
            prop_assert!(with(ones) >= with(ones + 1) * (1.0 - NEARLY));
        }

        #[test]
        fn a_restart_forgets_everything(mean in 0.0..1.0, history in history()) {
            let mut wealth = after(mean, &history);
            wealth.restart();
            prop_assert_eq!(&wealth, &Wealth::new(mean, 52));
            prop_assert!((wealth.value() - 1.0).abs() < NEARLY);
        }

        #[test]
        fn less_alpha_asks_for_more_evidence(alpha in 0.0001..0.5, less in 0.01..1.0) {
            prop_assert!(Stream::threshold(alpha * less) >= Stream::threshold(alpha));
        }
    }
}
