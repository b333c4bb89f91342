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

use std::ops::RangeInclusive;

use crate::special::{binomial_density, bisect, normal_upper, solve};
use crate::tango::{tango_bounds, tango_z};

/// What part of alpha the interval of π may spend.
pub(crate) const NUISANCE_SHARE: f64 = 0.002;

/// Values of π whose probabilities are computed side by side.
const POINTS: usize = 16;

/// Up to so many pairs, so many times [`POINTS`] values of π stand for its interval: with few pairs
/// a probability has more turns.
const BLOCKS: [(u64, usize); 2] = [(2_000, 4), (20_000, 2)];

/// No m further than so many standard deviations from what is expected is looked at.
const FAR: f64 = 7.0;

/// One number for each value of π.
type Lanes = [f64; POINTS];

/// The outcomes that rank as high as the one that was seen.
#[derive(Clone, Debug)]
pub(crate) struct Ranked {
    n: u64,
    alpha: f64,
    /// A minus B, and Tango's bound on it.
    seen: f64,
    bound: f64,
    /// The fewest discordant pairs that are looked at, and `least` from there on.
    first: u64,
    least: Vec<u64>,
    /// Ascending.
    blocks: Vec<Block>,
}

/// Values of π, and how likely each number of discordant pairs is, from the fewest on.
#[derive(Clone, Debug)]
struct Block {
    shares: Lanes,
    weights: Vec<Lanes>,
}

impl Ranked {
    /// `only_a` pairs were right in A alone, `only_b` in B alone. `None` where every pair speaks
    /// against A, and without a pair: nothing is ruled out.
    pub(crate) fn new(only_a: u64, only_b: u64, n: u64, alpha: f64) -> Option<Self> {
        if only_b >= n {
            return None;
        }
        let spent = alpha * NUISANCE_SHARE;
        let (low, high) = held(only_a + only_b, n, spent);
        // Evenly by the angle whose sine squared is the share: so its deviation is the same.
        let angle = |share: f64| share.sqrt().asin();
        let (from, to) = (angle(low), angle(high));
        let blocks = BLOCKS.iter().find(|(most, _)| n <= *most).map_or(1, |found| found.1);
        let step = (to - from) / (blocks * POINTS - 1) as f64;
        let share = |i: usize| (from + step * i as f64).sin().powi(2);
        let (first, most) = expected(low, high, n);
        let bound = tango_bounds(only_a, only_b, n, alpha).0;
        let least = least(n, bound, alpha, first..=most);
        let seen = (only_a as f64 - only_b as f64) / n as f64;
        let block = |at: usize| {
            let shares: Lanes = std::array::from_fn(|lane| share(at * POINTS + lane));
            let mut weights = vec![[0.0; POINTS]; least.len()];
            for (lane, &share) in shares.iter().enumerate() {
                weigh(&mut weights, lane, first, n, share);
            }
            Block { shares, weights }
        };
        let blocks = (0..blocks).map(block).collect();
        Some(Self { n, alpha, seen, bound, first, least, blocks })
    }

    /// P-value against "A minus B is `difference` or less".
    pub(crate) fn p_greater(&self, difference: f64) -> f64 {
        let each = self.blocks.iter().map(|block| self.of_block(block, difference));
        let probabilities: Vec<f64> = each.flatten().collect();
        (peak(&probabilities) + self.alpha * NUISANCE_SHARE).min(1.0)
    }

    fn of_block(&self, block: &Block, difference: f64) -> Lanes {
        // Not fewer pairs differ than the difference needs.
        let shares = block.shares.map(|share| share.max(difference.abs()));
        if block.shares.iter().all(|&share| share >= difference.abs()) {
            return self.probabilities(&block.weights, &shares, difference);
        }
        let mut weights = block.weights.clone();
        for (lane, &share) in shares.iter().enumerate() {
            if share > block.shares[lane] {
                weigh(&mut weights, lane, self.first, self.n, share);
            }
        }
        self.probabilities(&weights, &shares, difference)
    }

    /// The difference at which the p-value is alpha.
    pub(crate) fn lower(&self) -> f64 {
        let above = |difference: f64| self.p_greater(difference) - self.alpha;
        // It is never far from Tango's.
        let near = 0.2 * (self.seen - self.bound);
        let (low, high) = (self.bound - near, self.bound + near);
        let between = low > -1.0 && above(low) < 0.0 && above(high) > 0.0;
        let (low, high) = if between { (low, high) } else { (-1.0, self.seen) };
        solve(low, high, above)
    }

    /// How likely an outcome that ranks as high is, for each share of pairs that differ.
    fn probabilities(&self, weights: &[Lanes], shares: &Lanes, difference: f64) -> Lanes {
        let chance = |share: f64| if share > 0.0 { 0.5 * (1.0 + difference / share) } else { 0.5 };
        let mut tail = Tail::new(self.first, self.least[0], shares.map(chance));
        let mut sums = [0.0; POINTS];
        for (&least, weights) in self.least.iter().zip(weights) {
            tail.advance(least);
            for lane in 0..POINTS {
                sums[lane] += weights[lane] * tail.value[lane];
            }
            tail.one_more();
        }
        sums
    }
}

/// The largest value between evenly spaced ones: a parabola through three of them rises above the
/// middle one by no more than an eighth of how much that one lies above its neighbours together.
fn peak(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(0.0, f64::max);
    let above = |three: &[f64]| three[1] + (2.0 * three[1] - three[0] - three[2]).max(0.0) / 8.0;
    values.windows(3).map(above).fold(largest, f64::max)
}

/// An interval of the share of discordant pairs that misses it no more often than `spent`:
/// Chernoff's, because `P(X >= k) <= exp(-n D(k/n, π))` for any π below k/n, and alike above.
fn held(k: u64, n: u64, spent: f64) -> (f64, f64) {
    let (seen, limit) = (k as f64 / n as f64, (2.0 / spent).ln() / n as f64);
    let part = |seen: f64, share: f64| if seen > 0.0 { seen * (seen / share).ln() } else { 0.0 };
    let apart = |share: f64| part(seen, share) + part(1.0 - seen, 1.0 - share);
    let low = if k == 0 { 0.0 } else { bisect(0.0, seen, |share| apart(share) > limit) };
    let high = if k == n { 1.0 } else { bisect(seen, 1.0, |share| apart(share) <= limit) };
    (low, high)
}

/// For each number of discordant pairs, the fewest for A that rank as high as what was seen.
fn least(n: u64, bound: f64, alpha: f64, numbers: RangeInclusive<u64>) -> Vec<u64> {
    // What was seen ranks as high as itself, whatever the rounding.
    let z = normal_upper(alpha) - 1e-7;
    let below = |m: u64, for_a: u64| for_a <= m && tango_z(for_a, m - for_a, n, bound) < z;
    let mut so_far = 0;
    let one = |m| {
        while below(m, so_far) {
            so_far += 1;
        }
        so_far
    };
    numbers.map(one).collect()
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

/// How likely each number of discordant pairs from `first` on is, from the likeliest outwards.
fn weigh(weights: &mut [Lanes], lane: usize, first: u64, n: u64, share: f64) {
    let (first, n, last) = (first as f64, n as f64, weights.len() - 1);
    let likeliest = (n * share - first).round().clamp(0.0, last as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let middle = likeliest as usize;
    let (m, odds) = (first + likeliest, share / (1.0 - share));
    weights[middle][lane] = binomial_density(m, n - m, share, 1.0 - share);
    for at in middle + 1..=last {
        let m = first + at as f64;
        weights[at][lane] = weights[at - 1][lane] * (odds * (n - m + 1.0) / m);
    }
    for at in (0..middle).rev() {
        let m = first + at as f64;
        weights[at][lane] = weights[at + 1][lane] * ((m + 1.0) / (n - m) / odds);
    }
}

/// How likely at least k of m discordant pairs speak for A.
struct Tail {
    m: f64,
    k: f64,
    chance: Lanes,
    value: Lanes,
    /// How likely exactly k - 1 do.
    below: Lanes,
}

impl Tail {
    fn new(m: u64, k: u64, chance: Lanes) -> Self {
        let (m, k) = (m as f64, k as f64);
        let chance = chance.map(|chance| chance.clamp(1e-12, 1.0 - 1e-12));
        if k < 0.5 {
            return Self { m, k, chance, value: [1.0; POINTS], below: [0.0; POINTS] };
        }
        let density = |p: f64| binomial_density(k - 1.0, m - k + 1.0, p, 1.0 - p);
        let below = chance.map(density);
        let (mut term, mut value, mut j) = (below, [0.0; POINTS], k);
        let largest = chance.iter().copied().fold(0.0, f64::max);
        while j <= m && (j < largest * m || term.iter().any(|&term| term > 1e-18)) {
            let ratio = (m - j + 1.0) / j;
            for lane in 0..POINTS {
                term[lane] *= ratio * chance[lane] / (1.0 - chance[lane]);
                value[lane] += term[lane];
            }
            j += 1.0;
        }
        Self { m, k, chance, value, below }
    }

    /// As many needed, of one discordant pair more.
    fn one_more(&mut self) {
        self.m += 1.0;
        if self.k > 0.5 {
            let ratio = self.m / (self.m - self.k + 1.0);
            for lane in 0..POINTS {
                self.value[lane] += self.chance[lane] * self.below[lane];
                self.below[lane] *= ratio * (1.0 - self.chance[lane]);
            }
        }
    }

    /// So many needed.
    fn advance(&mut self, k: u64) {
        while self.k + 0.5 < k as f64 {
            if self.k < 0.5 {
                self.below = self.chance.map(|chance| (self.m * (-chance).ln_1p()).exp());
            } else {
                let ratio = (self.m - self.k + 1.0) / self.k;
                for lane in 0..POINTS {
                    self.below[lane] *= ratio * self.chance[lane] / (1.0 - self.chance[lane]);
                }
            }
            for lane in 0..POINTS {
                self.value[lane] = (self.value[lane] - self.below[lane]).max(0.0);
            }
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

    /// Whatever the share of discordant pairs within its interval, at the bound no outcome that ranks
    /// as high is likelier than alpha.
    #[test]
    fn a_fine_grid_finds_no_more() {
        for (a, b, n) in [
            (23, 20, 250),
            (1, 0, 30),
            (2, 1, 30),
            (5, 5, 30),
            (10, 2, 12),
            (0, 4, 20),
            (3, 1, 100),
            (7, 3, 61),
            (12, 12, 40),
            (0, 2, 99),
            (40, 1, 150),
            (30, 29, 400),
            (4, 9, 1000),
            (1, 5, 15),
        ] {
            let ranked = Ranked::new(a, b, n, 0.05).expect("pairs that do not all speak against A");
            let bound = ranked.lower();
            let (low, high) = held(a + b, n, 0.05 * NUISANCE_SHARE);
            let from = low.max(bound.abs());
            for block in 0..60 {
                let at = |lane: usize| (block * POINTS + lane) as f64 / (60 * POINTS - 1) as f64;
                let shares: Lanes = std::array::from_fn(|lane| from + at(lane) * (high - from));
                let mut weights = vec![[0.0; POINTS]; ranked.least.len()];
                for (lane, &share) in shares.iter().enumerate() {
                    weigh(&mut weights, lane, ranked.first, n, share);
                }
                let found = ranked.probabilities(&weights, &shares, bound);
                let largest = found.into_iter().fold(0.0, f64::max);
                assert!(largest <= 0.05, "{a}, {b} of {n}: {largest}");
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
