//! What a design draws: two variants of items.

use evalmark_verdict::{ComparisonSubject, Decision, ItemScore, Rule, compare};

use crate::runner::Rng;

/// Baseline and candidate.
pub(crate) type Variants = [Vec<ItemScore>; 2];

/// A way to draw an evaluation.
pub(crate) trait Design: Sync {
    /// The tests that its verdict rests on.
    fn rule(&self) -> &'static str;

    /// How its scores are distributed.
    fn shape(&self) -> String;

    /// What counts as its sample.
    fn n(&self) -> String;

    /// An evaluation whose expected difference is `-drop`.
    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants;

    /// Draws an evaluation and judges it.
    fn judge(&self, rng: &mut Rng, drop: f64, rule: &Rule) -> Decision {
        let [baseline, candidate] = self.draw(rng, drop);
        compare(&subject(), &baseline, &candidate, rule)
            .unwrap_or_else(|error| unreachable!("variants are sound: {error}"))
    }

    /// What the bounds should hold.
    fn truth(&self, drop: f64) -> f64 {
        -drop
    }
}

/// One scored item.
pub(crate) fn item(key: usize, score: f64) -> ItemScore {
    let key = key as u128;
    ItemScore { key, content: key, cluster: None, sum: score, n_scored: 1, n_planned: 1 }
}

/// Variants from each item's two scores.
pub(crate) fn variants(pairs: impl IntoIterator<Item = (f64, f64)>) -> Variants {
    let scored = |(key, (before, after))| (item(key, before), item(key, after));
    let (baseline, candidate) = pairs.into_iter().enumerate().map(scored).unzip();
    [baseline, candidate]
}

/// Any subject.
pub(crate) fn subject() -> ComparisonSubject {
    ComparisonSubject { prompt: "prompt".into(), model: "model".into(), metric: "metric".into() }
}
