//! The exact test and bound of a difference of paired proportions, however few the pairs.
//!
//! Tango's score bound is wrong too often where few pairs are discordant. So here it only ranks
//! the outcomes, and how likely an outcome is to rank as high as the one that was seen is
//! computed, not approximated: Buehler's bound (JASA 52, 1957). How many pairs are discordant by
//! nature, π, is not known. So the largest probability counts over all π of a confidence
//! interval, and what that interval may miss is added (Berger and Boos, JASA 89, 1994).
//!
//! Among m discordant pairs, the outcomes that rank as high are those where A alone got at least
//! `least(m)` right, and `least` grows by 0 or 1 with m: Tango's statistic grows with the one
//! count and falls with the other (Hsueh, Liu and Chen, Biometrics 57, 2001). So a probability
//! takes one step for each m that can be expected.

use crate::intervals::clopper_pearson;
use crate::special::{beta_cdf, binomial_density, normal_upper, solve};
use crate::tango::{tango_bounds, tango_z};

/// What part of alpha the interval of π may spend.
pub(crate) const NUISANCE_SHARE: f64 = 0.002;

/// Values of π that stand for its interval.
const POINTS: u32 = 24;

/// No m further than so many standard deviations from what is expected is looked at.
const FAR: f64 = 8.0;

/// The outcomes that rank as high as the one that was seen.
#[derive(Clone, Debug)]
pub(crate) struct Ranked {
    n: u64,
    alpha: f64,
    /// A minus B.
    seen: f64,
    /// Values of π.
    shares: Vec<f64>,
    /// The fewest discordant pairs that are looked at, and `least` from there on.
    first: u64,
    least: Vec<u64>,
}

impl Ranked {
    /// `only_a` pairs were right in A alone, `only_b` in B alone. `None` where every pair speaks
    /// against A, and without a pair: nothing is ruled out.
    pub(crate) fn new(only_a: u64, only_b: u64, n: u64, alpha: f64) -> Option<Self> {
        if only_b >= n {
            return None;
        }
        let spent = alpha * NUISANCE_SHARE;
        let held = clopper_pearson(only_a + only_b, n, 1.0 - spent)?;
        let bound = tango_bounds(only_a, only_b, n, alpha).0;
        let z = normal_upper(alpha) - 1e-7;
        let ranks = |m: u64, a: u64| tango_z(a, m - a, n, bound) >= z;
        let (first, most) = expected(held.low, held.high, n);
        let mut a = (0..=first).find(|&a| ranks(first, a)).unwrap_or(first + 1);
        let mut least = vec![a];
        for m in first + 1..=most {
            while a <= m && !ranks(m, a) {
                a += 1;
            }
            least.push(a);
        }
        // Evenly by the angle whose sine squared is the share: so its deviation is the same.
        let angle = |share: f64| share.sqrt().asin();
        let (from, to) = (angle(held.low), angle(held.high));
        let step = (to - from) / f64::from(POINTS - 1);
        let share = |i: u32| (from + step * f64::from(i)).sin().powi(2);
        let seen = (only_a as f64 - only_b as f64) / n as f64;
        Some(Self { n, alpha, seen, shares: (0..POINTS).map(share).collect(), first, least })
    }

    /// P-value against "A minus B is `difference` or less".
    pub(crate) fn p_greater(&self, difference: f64) -> f64 {
        let most = |largest: f64, share: f64| {
            // Not fewer pairs differ than the difference needs.
            largest.max(self.probability(difference, share.max(difference.abs())))
        };
        let largest = self.shares.iter().copied().fold(0.0, most);
        (largest + self.alpha * NUISANCE_SHARE).min(1.0)
    }

    /// The difference at which the p-value is alpha.
    pub(crate) fn lower(&self) -> f64 {
        solve(-1.0, self.seen, |difference| self.p_greater(difference) - self.alpha)
    }

    /// How likely an outcome that ranks as high is when so many pairs differ.
    fn probability(&self, difference: f64, share: f64) -> f64 {
        let inside = |share: f64| share.clamp(1e-12, 1.0 - 1e-12);
        let share = inside(share);
        let chance = inside(0.5 * (1.0 + difference / share));
        let n = self.n as f64;
        let mut weight = Weight::new(self.first as f64, n, share);
        let mut tail = Tail::new(self.first as f64, self.least[0] as f64, chance);
        let mut sum = weight.value * tail.value;
        for &least in &self.least[1..] {
            weight.step();
            tail.step(least as f64);
            sum += weight.value * tail.value;
        }
        sum
    }
}

/// The numbers of discordant pairs of n that can be expected when their share is one of these.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
fn expected(low: f64, high: f64, n: u64) -> (u64, u64) {
    let count = n as f64;
    let far = |share: f64| FAR * (count * share * (1.0 - share)).sqrt() + FAR;
    let first = (count * low - far(low)).floor().max(0.0);
    let last = (count * high + far(high)).ceil().min(count);
    (first as u64, last as u64)
}

/// How likely m discordant pairs of n are, for one m after the other.
struct Weight {
    m: f64,
    n: f64,
    odds: f64,
    value: f64,
}

impl Weight {
    fn new(m: f64, n: f64, share: f64) -> Self {
        let rest = 1.0 - share;
        let value = binomial_density(m, n - m, share, rest);
        Self { m, n, odds: share / rest, value }
    }

    fn step(&mut self) {
        self.value *= self.odds * (self.n - self.m) / (self.m + 1.0);
        self.m += 1.0;
    }
}

/// How likely at least k of m discordant pairs speak for A.
struct Tail {
    m: f64,
    k: f64,
    chance: f64,
    value: f64,
    /// How likely exactly k - 1 do.
    below: f64,
}

impl Tail {
    fn new(m: f64, k: f64, chance: f64) -> Self {
        let (value, below) = if k < 0.5 {
            (1.0, 0.0)
        } else {
            let below = binomial_density(k - 1.0, m - k + 1.0, chance, 1.0 - chance);
            let none = k > m;
            (if none { 0.0 } else { beta_cdf(k, m - k + 1.0, chance, 1.0 - chance) }, below)
        };
        Self { m, k, chance, value, below }
    }

    /// One more discordant pair, and `k` of them needed: as many as before or one more.
    fn step(&mut self, k: f64) {
        let against = 1.0 - self.chance;
        self.m += 1.0;
        if self.k < 0.5 {
            if k > 0.5 {
                *self = Self::new(self.m, k, self.chance);
            }
            return;
        }
        self.value += self.chance * self.below;
        self.below *= self.m / (self.m - self.k + 1.0) * against;
        while self.k < k - 0.5 {
            self.below *= (self.m - self.k + 1.0) / self.k * self.chance / against;
            self.value = (self.value - self.below).max(0.0);
            self.k += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How likely `only_a` and `only_b` are among n pairs.
    fn likely(a: u64, b: u64, n: u64, [for_a, for_b]: [f64; 2]) -> f64 {
        let (m, n) = ((a + b) as f64, n as f64);
        let share = for_a + for_b;
        let of_m = binomial_density(a as f64, b as f64, for_a / share, for_b / share);
        of_m * binomial_density(m, n - m, share, 1.0 - share)
    }

    /// The rule's own error rates, without a simulation: every outcome of n pairs, every share.
    #[test]
    fn the_level_holds_whatever_the_share() {
        for n in [20, 30, 50] {
            let outcomes = (0..=n).flat_map(|a| (0..=n - a).map(move |b| (a, b)));
            let bound = |a, b| Ranked::new(a, b, n, 0.05).map_or(-1.0, |ranked| ranked.lower());
            let bounds: Vec<_> = outcomes.map(|(a, b)| (a, b, bound(a, b))).collect();
            for difference in [0.0_f64, -0.03, -0.1] {
                for step in 1..=50 {
                    let share = difference.abs() + 0.0198 * f64::from(step) * (1.0 + difference);
                    let each = [0.5 * (share + difference), 0.5 * (share - difference)];
                    let wrong = bounds.iter().filter(|bound| bound.2 > difference);
                    let rate: f64 = wrong.map(|&(a, b, _)| likely(a, b, n, each)).sum();
                    assert!(rate <= 0.05, "{n} pairs, {difference}, {share}: {rate}");
                }
            }
        }
    }

    #[test]
    fn the_bound_is_where_the_test_turns() {
        for (a, b, n) in
            [(0, 0, 99), (3, 5, 40), (10, 2, 12), (700, 650, 1_000_000), (0, 4, 20), (9, 0, 9)]
        {
            let ranked = Ranked::new(a, b, n, 0.05).expect("pairs that do not all speak against A");
            let bound = ranked.lower();
            assert!(ranked.p_greater(bound - 1e-9) <= 0.05, "{a}, {b} of {n}: {bound}");
            assert!(ranked.p_greater(bound + 1e-9) > 0.05, "{a}, {b} of {n}: {bound}");
        }
        assert!(Ranked::new(0, 7, 7, 0.05).is_none() && Ranked::new(0, 0, 0, 0.05).is_none());
    }
}
