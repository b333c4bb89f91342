//! What a suite can resolve: the smallest drop that its items detect, and the items that a margin
//! needs, from how much single answers scatter.

use crate::clustered::FEWEST_TO_PASS;
use crate::mcnemar::midp_attainable_pairs;
use crate::noise::Clustering;
use crate::power::{
    Level, paired_proportions_drop, paired_proportions_n, paired_t_effect, paired_t_n, whole_items,
};

/// How much an item's score differs between two answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Variance of the difference of two answers' scores; of right-or-wrong scores, the share of
    /// the items whose score differs (the discordance).
    pub variance: f64,
    /// Whether scores are 0 or 1.
    pub right_or_wrong: bool,
}

/// The comparison that is planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Items that both runs score.
    pub items: u64,
    /// Answers to each item in each run.
    pub epochs: u32,
    /// How items hang together.
    pub clustering: Clustering,
    /// The test's error rate.
    pub level: Level,
    /// The chance that a drop is to be found with.
    pub power: f64,
}

/// What a design can resolve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// The smallest drop of the mean that is detected, in units of the score; `None` when not even
    /// a drop of 1 is.
    pub detectable_drop: Option<f64>,
    /// Items that detect a drop of the margin.
    pub items_needed: Option<u64>,
}

impl Resolution {
    /// Whether a drop of the margin is detected.
    pub fn resolves(&self, margin: f64) -> bool {
        // A drop is found by bisection: its last digits are not to be argued with.
        self.detectable_drop.is_some_and(|drop| drop <= margin * (1.0 + 1e-9))
    }
}

impl Design {
    /// What this design can resolve of a metric whose answers scatter by `spread`.
    pub fn resolution(&self, spread: Spread, margin: f64) -> Resolution {
        let drop = self.drop(spread).filter(|&drop| drop <= 1.0 && self.can_tell());
        let items_needed = whole_items(self.items_needed(spread, margin));
        Resolution { detectable_drop: drop, items_needed }
    }

    /// Whether there are enough clusters for any answer, where there are clusters.
    fn can_tell(&self) -> bool {
        self.clustering.clusters.is_none_or(|clusters| clusters >= self.fewest_clusters())
    }

    /// So many clusters a pass takes, and the signs of so many can reach alpha.
    fn fewest_clusters(&self) -> u64 {
        let signs = whole_items(-self.level.alpha.log2()).unwrap_or(FEWEST_TO_PASS);
        signs.max(FEWEST_TO_PASS)
    }

    /// What a mean is taken over, as the test sees it: items, or clusters.
    fn units(&self) -> u64 {
        self.clustering.clusters.map_or(self.items, |clusters| clusters.clamp(1, self.items.max(1)))
    }

    /// Items of an average cluster; 1 where there are none.
    fn items_per_unit(&self) -> f64 {
        if self.clustering.clusters.is_none() {
            return 1.0;
        }
        self.items as f64 / self.units() as f64
    }

    /// Independent items that are worth as much.
    fn effective_items(&self) -> u64 {
        whole_items(self.items as f64 / self.clustering.design_effect).unwrap_or(self.items)
    }

    fn is_single(&self) -> bool {
        self.epochs <= 1 && self.clustering.clusters.is_none()
    }

    fn drop(&self, spread: Spread) -> Option<f64> {
        let n = self.effective_items();
        let proportions = |share| paired_proportions_drop(n, share, self.level, self.power);
        if spread.right_or_wrong && self.is_single() {
            // A drop shows in pairs that differ, and fewer than so many show nothing.
            let attainable = midp_attainable_pairs(self.level.alpha) as f64 / n.max(1) as f64;
            return proportions(spread.variance).map(|drop| drop.max(attainable));
        }
        let drop = paired_t_effect(self.units(), self.level, self.power)? * self.sd(spread);
        if !spread.right_or_wrong {
            return Some(drop);
        }
        // However many epochs quieten the answers: what is lost is lost in whole items.
        proportions(0.0).map(|least| least.max(drop))
    }

    fn items_needed(&self, spread: Spread, margin: f64) -> f64 {
        let margin = margin.min(1.0);
        let proportions =
            |share: f64| paired_proportions_n(share.max(margin), margin, self.level, self.power);
        if spread.right_or_wrong && self.is_single() {
            return proportions(spread.variance);
        }
        let (sd, per_unit) = (self.sd(spread), self.items_per_unit());
        let units = if sd > 0.0 { paired_t_n(margin / sd, self.level, self.power) } else { 2.0 };
        let fewest = if self.clustering.clusters.is_some() { self.fewest_clusters() } else { 0 };
        let items = units.max(fewest as f64) * per_unit;
        let whole = proportions(0.0) * self.clustering.design_effect;
        if spread.right_or_wrong { items.max(whole) } else { items }
    }

    /// Standard deviation of the difference of two units' means over the epochs.
    fn sd(&self, spread: Spread) -> f64 {
        let of_items = spread.variance / f64::from(self.epochs.max(1));
        (of_items * self.clustering.design_effect / self.items_per_unit()).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcnemar::mcnemar_midp;
    use crate::random::SplitMix;

    const DESIGN: Design = Design {
        items: 240,
        epochs: 1,
        clustering: Clustering::NONE,
        level: Level { alpha: 0.05, two_sided: false },
        power: 0.8,
    };

    fn wrong(variance: f64) -> Spread {
        Spread { variance, right_or_wrong: true }
    }

    #[test]
    fn the_planned_numbers_are_the_published_ones() {
        let needed = |share| DESIGN.resolution(wrong(share), 0.03).items_needed;
        assert_eq!((needed(0.1), needed(0.2)), (Some(685), Some(1372)));
    }

    #[test]
    fn a_metric_without_noise_still_has_a_limit() {
        let resolution = DESIGN.resolution(wrong(0.0), 0.01);
        let drop = resolution.detectable_drop.expect("a drop");
        // (1.645 + 0.842·√(1-drop))²/240
        assert!(drop > 4.0 / 240.0 && drop < 0.027, "{drop}");
        assert!(!resolution.resolves(0.01) && resolution.resolves(0.03));
    }

    #[test]
    fn epochs_quieten_answers_and_not_items() {
        let drop = |epochs, share| {
            let design = Design { epochs, ..DESIGN };
            design.resolution(wrong(share), 0.03).detectable_drop.expect("a drop")
        };
        assert!(drop(4, 0.2) < 0.55 * drop(1, 0.2));
        assert!((drop(10_000, 0.2) - drop(1, 0.0)).abs() < 1e-9);
    }

    #[test]
    fn clusters_count_as_the_sample() {
        let clustered = Design { clustering: Clustering::cautious(240, 24), ..DESIGN };
        let few = clustered.resolution(wrong(0.1), 0.05);
        let many = DESIGN.resolution(wrong(0.1), 0.05);
        assert!(few.detectable_drop > many.detectable_drop.map(|drop| 3.0 * drop));
        assert!(few.items_needed > many.items_needed.map(|n| 9 * n));
    }

    /// Drops of the size that is said to be found are found four times out of five.
    #[test]
    fn the_promised_power_is_there() {
        let (share, items) = (0.15, 400);
        let design = Design { items, ..DESIGN };
        let drop = design.resolution(wrong(share), 0.03).detectable_drop.expect("a drop");
        let mut found = 0;
        for run in 0..2000 {
            let mut coins = SplitMix::stream(11, run);
            let (mut lost, mut gained) = (0, 0);
            for _ in 0..items {
                let coin = (coins.next() >> 11) as f64 / (1_u64 << 53) as f64;
                lost += u64::from(coin < 0.5 * (share + drop));
                gained += u64::from(coin >= 1.0 - 0.5 * (share - drop));
            }
            found += u32::from(mcnemar_midp(lost, gained).greater <= design.level.alpha);
        }
        let power = f64::from(found) / 2000.0;
        assert!((power - 0.8).abs() < 0.03, "{power}");
    }

    #[test]
    fn what_is_needed_resolves() {
        for right_or_wrong in [true, false] {
            for epochs in [1, 3] {
                let spread = Spread { variance: 0.07, right_or_wrong };
                let design = Design { epochs, ..DESIGN };
                let needed = design.resolution(spread, 0.02).items_needed.expect("items");
                let resolves = |items| {
                    let design = Design { items, epochs, ..DESIGN };
                    design.resolution(spread, 0.02).resolves(0.02)
                };
                assert!(resolves(needed), "{needed} {right_or_wrong} {epochs}");
                assert!(!resolves(needed - 2), "{needed} {right_or_wrong} {epochs}");
            }
        }
    }
}
