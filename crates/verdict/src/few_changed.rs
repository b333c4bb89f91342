//! The mean over clusters of which most do the same: none changed, or only a few did.
//!
//! A cluster may move as one, so what such a sample has not shown is whole clusters, never single
//! items. Of G equal clusters that all did the same, a share of `1 - α^(1/G)` may do anything else
//! (Clopper and Pearson 1934). A standard error knows nothing of that.
//!
//! Let y be how far a cluster's mean lies from what most do, times its size over the mean size, so
//! that a large cluster counts for its share. The bound on the mean of y puts every value at the
//! exact upper bound of the share of clusters that lie as low (Stringer's bound, 1963; Bickel,
//! International Statistical Review 1992): where the changed clusters changed wholly that is the
//! exact binomial one, where they changed by a little it counts what they changed by.
//!
//! What no cluster showed is at its worst. With sizes as shares v of all items and a chance p of its
//! own for each cluster to fail, none is seen to fail with probability `Π(1 - p)`; the largest loss
//! `Σ vp` that this leaves at α puts p at `1 - μ/v` for the clusters that are larger than μ and at 0
//! for the others. With equal sizes that is `1 - α^(1/G)`, with uneven ones it is more: large
//! clusters may be the ones that fail.

use crate::continuous::GRAIN;
use crate::intervals::share_p_below;
use crate::power::whole_items;
use crate::rare_events::{Groups, variance_is_unseen};
use crate::special::solve;

/// So many clusters that changed let a standard error be trusted, as many as a t test needs.
const ENOUGH: u64 = 10;

/// Clusters with the same mean and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clusters {
    pub(crate) mean: f64,
    /// Items in each.
    pub(crate) size: u64,
    /// How many there are.
    pub(crate) count: u64,
}

/// Between which values a cluster's mean lies; infinite where nothing bounds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ends {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Clusters of which most do the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FewChanged {
    groups: u64,
    /// The mean that most clusters have.
    common: f64,
    /// Each cluster's part in the distance of the mean from that, ascending, and how often.
    apart: Vec<(f64, u64)>,
    /// Sizes in units of the mean size, descending, and how often.
    sizes: Vec<(f64, u64)>,
    ends: Ends,
}

/// What most clusters do, where so few do anything else that a variance is not to be trusted.
fn commonest(means: &Groups, groups: u64) -> Option<f64> {
    let (common, most) = means.iter().max_by_key(|mean| mean.1).copied()?;
    (groups - most < ENOUGH && 2 * most > groups).then_some(common)
}

/// Whether more than half of the clusters do the same, though enough do something else.
pub(crate) fn is_sparse(means: &Groups) -> bool {
    let groups: u64 = means.iter().map(|mean| mean.1).sum();
    let most = means.iter().map(|mean| mean.1).max().unwrap_or(0);
    2 * most > groups
}

impl FewChanged {
    /// The same over items that are independent of each other: only where next to none differ.
    pub(crate) fn find_among_items(items: &[Clusters], ends: Ends, alpha: f64) -> Option<Self> {
        let groups: u64 = items.iter().map(|one| one.count).sum();
        let grain = (ends.high - ends.low) * GRAIN;
        let means = items.iter().map(|one| (rounded(one.mean, grain), one.count));
        let means = tallied(means.collect());
        let is_rare = variance_is_unseen(&means, groups, alpha);
        is_rare.then(|| Self::find(items, ends)).flatten()
    }

    /// `None` where enough clusters changed for a standard error, or without a cluster.
    pub(crate) fn find(clusters: &[Clusters], ends: Ends) -> Option<Self> {
        let groups: u64 = clusters.iter().map(|one| one.count).sum();
        let items: u64 = clusters.iter().map(|one| one.size * one.count).sum();
        let grain = (ends.high - ends.low) * GRAIN;
        let means = clusters.iter().map(|one| (rounded(one.mean, grain), one.count));
        let common = commonest(&tallied(means.collect()), groups)?;
        let weight = |size: u64| size as f64 * groups as f64 / items as f64;
        let part = |one: &Clusters| {
            ((rounded(one.mean, grain) - common) * weight(one.size) + 0.0, one.count)
        };
        let mut sizes = tallied(clusters.iter().map(|one| (weight(one.size), one.count)).collect());
        sizes.reverse();
        let apart = tallied(clusters.iter().map(part).collect());
        // As it is, without the rounding that told it from others.
        let exact = clusters.iter().find(|one| rounded(one.mean, grain).total_cmp(&common).is_eq());
        let common = exact.map_or(common, |one| one.mean);
        Some(Self { groups, common, apart, sizes, ends })
    }

    /// What most clusters do.
    pub(crate) fn common(&self) -> f64 {
        self.common
    }

    /// Whether all clusters do the same.
    pub(crate) fn is_constant(&self) -> bool {
        self.apart.len() == 1
    }

    /// The lower bound of the mean at `alpha`; minus infinity where nothing bounds a cluster.
    pub(crate) fn lower(&self, alpha: f64) -> f64 {
        let unseen = none_seen(self.groups, alpha);
        let lowest = self.apart.first().map_or(0.0, |part| part.0);
        let worst = (self.common - self.ends.low) * self.unseen_share(alpha);
        let mut mean = -worst.max(-lowest * unseen);
        let (mut seen, mut before) = (0, unseen);
        for &(part, count) in &self.apart {
            seen += count;
            let share = at_most_seen(seen, self.groups, alpha);
            mean += (share - before) * part;
            before = share;
        }
        (self.common + mean).max(self.ends.low)
    }

    /// The upper bound of the mean at `alpha`.
    pub(crate) fn upper(&self, alpha: f64) -> f64 {
        -self.mirrored().lower(alpha)
    }

    /// The p-value against "the mean is `least` or less": at that alpha the bound is there.
    pub(crate) fn p_above(&self, least: f64) -> f64 {
        if least < self.ends.low {
            return 0.0;
        }
        // By the logarithm of alpha, so that small ones are found as fast.
        let short = |log_alpha: f64| least - self.lower(log_alpha.exp());
        let (from, to) = (-300.0, 0.0);
        if !self.ends.low.is_finite() || short(to) > 0.0 {
            1.0
        } else if self.is_even_and_constant() {
            let room = (self.common - least) / (self.common - self.ends.low);
            share_p_below(0, self.groups, room.clamp(0.0, 1.0))
        } else if short(from) <= 0.0 {
            from.exp()
        } else {
            solve(from, to, short).exp()
        }
    }

    /// The p-value against "the mean is `most` or more".
    pub(crate) fn p_below(&self, most: f64) -> f64 {
        self.mirrored().p_above(-most)
    }

    fn is_even_and_constant(&self) -> bool {
        self.is_constant() && self.sizes.len() == 1
    }

    /// How much more clusters of these sizes may lose unseen than clusters of one size.
    pub(crate) fn unevenness(&self, alpha: f64) -> f64 {
        (self.unseen_share(alpha) / none_seen(self.groups, alpha)).max(1.0)
    }

    /// The largest share of all items in clusters that fail, where none is seen to.
    pub(crate) fn unseen_share(&self, alpha: f64) -> f64 {
        let (mut larger, mut weight, mut logs) = (0_u64, 0.0, alpha.ln());
        let mut level = f64::NEG_INFINITY;
        for &(size, count) in &self.sizes {
            if size.ln() <= level {
                break;
            }
            larger += count;
            weight += count as f64 * size;
            logs += count as f64 * size.ln();
            level = logs / larger as f64;
        }
        ((weight - larger as f64 * level.exp()) / self.groups as f64).clamp(0.0, 1.0)
    }

    fn mirrored(&self) -> Self {
        let apart = self.apart.iter().rev().map(|&(part, count)| (0.0 - part, count)).collect();
        let ends = Ends { low: -self.ends.high, high: -self.ends.low };
        Self { common: -self.common, apart, ends, sizes: self.sizes.clone(), ..*self }
    }
}

/// How many clusters there are, where so few differ from what most do that a variance says nothing
/// of the others; clusters are named in parallel to the values, which differ by at most 1.
pub(crate) fn clusters_if_few(values: &[f64], names: &[u64]) -> Option<u64> {
    let clusters = Clusters::of(values.iter().copied().zip(names.iter().copied()));
    FewChanged::find(&clusters, Ends { low: -1.0, high: 1.0 }).map(|few| few.groups)
}

impl Clusters {
    /// Of values and the names of their clusters, in whatever order.
    pub(crate) fn of(rows: impl Iterator<Item = (f64, u64)>) -> Vec<Self> {
        let mut rows: Vec<(f64, u64)> = rows.collect();
        rows.sort_unstable_by(|a, b| a.1.cmp(&b.1).then(a.0.total_cmp(&b.0)));
        let cluster = |rows: &[(f64, u64)]| {
            let sum: f64 = rows.iter().map(|row| row.0).sum();
            Self { mean: sum / rows.len() as f64, size: rows.len() as u64, count: 1 }
        };
        rows.chunk_by(|a, b| a.1 == b.1).map(cluster).collect()
    }
}

/// The share of clusters that may do anything else when none of `groups` does.
fn none_seen(groups: u64, alpha: f64) -> f64 {
    -(alpha.ln() / groups as f64).exp_m1()
}

/// The exact upper bound of a share of which `seen` of `groups` were seen.
fn at_most_seen(seen: u64, groups: u64, alpha: f64) -> f64 {
    if seen >= groups {
        1.0
    } else if seen == 0 {
        none_seen(groups, alpha)
    } else if alpha >= 1.0 {
        0.0
    } else {
        solve(0.0, 1.0, |share| share_p_below(seen, groups, share) - alpha)
    }
}

/// Clusters that all do the same and may differ by the whole range: so many rule out that a share
/// of them as large as this does something else.
pub(crate) fn groups_to_rule_out(share: f64, alpha: f64) -> Option<u64> {
    if share >= 1.0 { Some(1) } else { whole_items((alpha.ln() / (-share).ln_1p()).max(1.0)) }
}

fn rounded(value: f64, grain: f64) -> f64 {
    // Adding 0 turns -0 into 0.
    if grain.is_finite() { (value / grain).round() * grain + 0.0 } else { value + 0.0 }
}

/// Distinct values, ascending, and how often each occurs.
fn tallied(mut values: Vec<(f64, u64)>) -> Vec<(f64, u64)> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    values
        .chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq())
        .map(|equal| (equal[0].0, equal.iter().map(|one| one.1).sum()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFFERENCES: Ends = Ends { low: -1.0, high: 1.0 };

    fn few(clusters: &[(f64, u64, u64)], ends: Ends) -> FewChanged {
        let named = |&(mean, size, count): &(f64, u64, u64)| Clusters { mean, size, count };
        let clusters: Vec<_> = clusters.iter().map(named).collect();
        FewChanged::find(&clusters, ends).expect("few changed")
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn equal_clusters_are_counted() {
        for (groups, lower) in [(20, 0.139), (10, 0.259), (30, 0.095), (6, 0.393)] {
            for size in [1, 10, 50] {
                let found = few(&[(0.0, size, groups)], DIFFERENCES);
                near(found.lower(0.05), -(1.0 - 0.05_f64.powf(1.0 / groups as f64)));
                assert!((found.lower(0.05) + lower).abs() < 5e-4, "{groups}: {found:?}");
                near(found.upper(0.05), -found.lower(0.05));
                near(found.p_above(found.lower(0.05)), 0.05);
            }
        }
        let right = few(&[(0.05, 50, 20)], Ends { low: -0.95, high: 0.05 });
        near(right.lower(0.05) + 0.95, 0.05_f64.powf(0.05));
        near(right.upper(0.05), 0.05);
    }

    /// Where clusters change wholly, the bound is the exact binomial one.
    #[test]
    fn whole_changes_are_a_binomial_share() {
        for changed in 0..6 {
            let found = few(&[(-1.0, 7, changed), (0.0, 7, 40 - changed)], DIFFERENCES);
            near(-found.lower(0.05), crate::intervals::share_upper(changed, 40, 0.05));
        }
        // Less than wholly is less.
        let little = few(&[(-0.02, 50, 3), (0.0, 50, 17)], DIFFERENCES);
        assert!((-0.16..-0.139).contains(&little.lower(0.05)), "{}", little.lower(0.05));
        near(little.p_above(little.lower(0.05)), 0.05);
        // A gain beside it counts, as far as it is sure.
        let gained = few(&[(-1.0, 5, 1), (0.0, 5, 33), (1.0, 5, 6)], DIFFERENCES);
        let lost = few(&[(-1.0, 5, 1), (0.0, 5, 39)], DIFFERENCES);
        assert!(gained.lower(0.05) > lost.lower(0.05) && gained.upper(0.05) > 0.15);
    }

    /// Large clusters may be the ones that fail: no chances that leave an unbroken sample at alpha
    /// lose more.
    #[test]
    fn the_worst_chances_favour_large_clusters() {
        let found = few(&[(0.0, 18, 5), (0.0, 9, 5), (0.0, 3, 10)], DIFFERENCES);
        let worst = -found.lower(0.05);
        assert!(worst > none_seen(20, 0.05) && worst < none_seen(20, 0.05) * 18.0 / 8.25);
        let loss = |large: f64, middle: f64| {
            let left = 0.05_f64.ln() - 5.0 * ((1.0 - large).ln() + (1.0 - middle).ln());
            let small = if left < 0.0 { 1.0 - (left / 10.0).exp() } else { return 0.0 };
            (5.0 * 18.0 * large + 5.0 * 9.0 * middle + 10.0 * 3.0 * small) / 165.0
        };
        let steps = || (0..400).map(|step| f64::from(step) / 400.0);
        let largest = steps().flat_map(|a| steps().map(move |b| loss(a, b))).fold(0.0, f64::max);
        assert!(largest <= worst + 1e-12 && largest > worst - 1e-3, "{largest}, {worst}");
        // One cluster that holds half of all items could be as good as lost.
        near(few(&[(0.0, 20, 1), (0.0, 1, 20)], DIFFERENCES).lower(0.05), -0.475);
    }

    #[test]
    fn a_range_without_ends_has_no_bound() {
        let endless = Ends { low: f64::NEG_INFINITY, high: f64::INFINITY };
        let found = few(&[(3.5, 2, 8)], endless);
        assert_eq!((found.lower(0.05), found.upper(0.05)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((found.p_above(0.0), found.p_below(9.0)), (1.0, 1.0));
    }

    #[test]
    fn enough_changed_clusters_are_left_to_others() {
        let clusters = |changed: u64| -> Vec<Clusters> {
            let one = |i: u64| Clusters { mean: -0.01 * i as f64, size: 3, count: 1 };
            let same = Clusters { mean: 0.0, size: 3, count: 40 };
            (1..=changed).map(one).chain([same]).collect()
        };
        assert!(FewChanged::find(&clusters(9), DIFFERENCES).is_some());
        assert!(FewChanged::find(&clusters(10), DIFFERENCES).is_none());
        assert!(FewChanged::find(&[], DIFFERENCES).is_none());
    }
}
