//! Variants for tests: built from counts, from scores, or drawn from a seed.

use evalmark_verdict::{ComparisonSubject, Decision, ItemScore, Rule, compare};

/// One scored item with one epoch.
pub(crate) fn item(key: usize, score: f64) -> ItemScore {
    let key = key as u128;
    ItemScore { key, content: key + 1, cluster: None, sum: score, n_scored: 1, n_planned: 1 }
}

/// The same item without an answer.
pub(crate) fn without_answer(item: ItemScore) -> ItemScore {
    ItemScore { sum: 0.0, n_scored: 0, ..item }
}

/// A variant from its scores, in order of the items.
pub(crate) fn variant(scores: impl IntoIterator<Item = f64>) -> Vec<ItemScore> {
    scores.into_iter().enumerate().map(|(key, score)| item(key, score)).collect()
}

/// Two binary variants of `n` items: `only_baseline` then `only_candidate` discordant ones, the rest
/// right in both.
pub(crate) fn binary(n: usize, only_baseline: usize, only_candidate: usize) -> [Vec<ItemScore>; 2] {
    let discordant = only_baseline + only_candidate;
    let score = |right: bool| if right { 1.0 } else { 0.0 };
    [
        variant((0..n).map(|i| score(i < only_baseline || i >= discordant))),
        variant((0..n).map(|i| score(i >= only_baseline))),
    ]
}

/// Compares with the usual rule at 5 %.
pub(crate) fn judge(variants: &[Vec<ItemScore>; 2], margin: f64) -> Decision {
    compare(&subject(), &variants[0], &variants[1], &Rule::new(margin, 0.05))
        .expect("the variants are sound")
}

/// Any subject.
pub(crate) fn subject() -> ComparisonSubject {
    ComparisonSubject { prompt: "p".to_owned(), model: "m".to_owned(), metric: "exact".to_owned() }
}

/// A seeded source of numbers for simulations.
pub(crate) struct Draw(u64);

impl Draw {
    /// The same seed draws the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// Uniform in [0, 1), by splitmix64.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }
}
