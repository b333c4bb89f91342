//! What two sets of answers to the same questions say of a metric's noise: how often, and how
//! far, scores change when nothing has changed. What follows from it is in `resolution.rs`.

use crate::clustered::{cluster_mean, dependent};
use crate::few_changed::clusters_if_few;
use crate::intervals::{Interval, mean_t, share_upper_of};
use crate::item_scores::ItemScores;
use crate::items::{CompareError, ItemScore};
use crate::missing::Pair;
use crate::pairing::pair;
use crate::resolution::Spread;
use crate::rule::{Rule, ScoreRange};
use crate::running_moments::Moments;
use crate::{binary, random};

/// Two-sided confidence whose upper end holds with 95 %.
const CONFIDENCE: f64 = 0.9;

/// Two sets of answers by the same prompt and model to the same items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Items that both sets scored.
    pub pairs: u64,
    /// Pairs whose score differs.
    pub differing: u64,
    /// Whether all scores are 0 or 1.
    pub right_or_wrong: bool,
    /// Standard deviation of the pairs' differences; `None` with fewer than two pairs.
    pub sd: Option<f64>,
    /// Upper 95 % bound on the share of items whose score differs (Clopper and Pearson).
    pub differing_upper: f64,
    /// The scatter of single answers, at its upper 95 % bound: what a plan should assume.
    pub spread: Spread,
    /// How items hang together.
    pub clustering: Clustering,
}

/// What clusters take away from a number of items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clustering {
    /// Clusters; `None` where items are independent.
    pub clusters: Option<u64>,
    /// How many items are worth as much as one independent item, at least 1.
    pub design_effect: f64,
}

impl Clustering {
    /// Independent items.
    pub const NONE: Self = Self { clusters: None, design_effect: 1.0 };

    /// The most cautious view of `items` in `clusters`: each cluster counts as one item.
    pub fn cautious(items: u64, clusters: u64) -> Self {
        if clusters == 0 || clusters >= items {
            return Self::NONE;
        }
        Self { clusters: Some(clusters), design_effect: items as f64 / clusters as f64 }
    }

    /// The variance of the mean with clusters over the variance without; cautious where there is
    /// no variance.
    fn of(values: &[f64], pairs: &[Pair]) -> Self {
        if !dependent(pairs) {
            return Self::NONE;
        }
        // An item outside of every cluster is one of its own.
        let names: Vec<u64> = pairs.iter().map(|pair| pair.unit).collect();
        let Some(mean) = cluster_mean(values, &names) else { return Self::NONE };
        let cautious = Self::cautious(values.len() as u64, mean.groups);
        if clusters_if_few(values, &names).is_some() {
            return cautious;
        }
        let plain = Moments::of(values).and_then(|moments| moments.stderr());
        match (mean.se_cr1, plain) {
            (Some(clustered), Some(plain)) if plain > 0.0 => {
                let effect = (clustered / plain).powi(2).clamp(1.0, cautious.design_effect);
                Self { design_effect: effect, ..cautious }
            }
            _ => cautious,
        }
    }
}

/// The upper 95 % bound on a share of items, of whole clusters where there are any: Clopper and
/// Pearson's with as many observations as they are worth (Korn and Graubard 1998).
fn upper_share(marked: &[f64], pairs: &[Pair]) -> f64 {
    let worth = Clustering::of(marked, pairs).design_effect;
    let (k, n) = (marked.iter().sum::<f64>() / worth, marked.len() as f64 / worth);
    share_upper_of(k, n, 0.5 * (1.0 - CONFIDENCE))
}

/// Measures the noise between two sets of answers, epochs as one mean per item; `None` without a
/// pair.
///
/// Two halves of one run's epochs are two such sets: [`Spread`] is that of one answer whatever
/// the number of epochs behind each score.
pub fn noise<'a>(
    first: impl Into<ItemScores<'a>>,
    second: impl Into<ItemScores<'a>>,
) -> Result<Option<Noise>, CompareError> {
    let (first, second) = (first.into(), second.into());
    let places = pair(first, second, &Rule::new(0.5, 0.05))?.places;
    let mut pairs = Vec::with_capacity(places.len());
    let mut squares = Vec::with_capacity(places.len());
    let mut right_or_wrong = true;
    for (a, b) in places {
        let (a, b) = (first.get(a), second.get(b));
        let scores = a.mean(ScoreRange::UNIT).zip(b.mean(ScoreRange::UNIT));
        let Some((baseline, candidate)) = scores else { continue };
        pairs.push(pair_of(&b, baseline, candidate));
        // Sums of zeros and ones are whole.
        right_or_wrong &= a.sum.fract() == 0.0 && b.sum.fract() == 0.0;
        // The difference of two means of m and k answers has (1/m + 1/k)/2 times the variance of
        // the difference of two answers.
        let answers = 0.5 * (1.0 / f64::from(a.n_scored) + 1.0 / f64::from(b.n_scored));
        squares.push((candidate - baseline).powi(2) / answers);
    }
    Ok(measure(&pairs, &squares, right_or_wrong))
}

fn pair_of(item: &ItemScore, baseline: f64, candidate: f64) -> Pair {
    let unit = random::unit_of(item.key, item.cluster);
    Pair { baseline, candidate, cluster: item.cluster, unit }
}

/// The interval of a mean over items, of whole clusters where there are any.
fn mean_interval(values: &[f64], pairs: &[Pair]) -> Option<Interval> {
    if !dependent(pairs) {
        return mean_t(values, CONFIDENCE);
    }
    let names: Vec<u64> = pairs.iter().map(|pair| pair.unit).collect();
    cluster_mean(values, &names)?.interval(CONFIDENCE)
}

fn measure(pairs: &[Pair], squares: &[f64], right_or_wrong: bool) -> Option<Noise> {
    let n = pairs.len() as u64;
    if n == 0 {
        return None;
    }
    let differs = |p: &Pair| p.baseline.total_cmp(&p.candidate).is_ne();
    let differing = pairs.iter().filter(|p| differs(p)).count() as u64;
    let marked: Vec<f64> = pairs.iter().map(|p| f64::from(u8::from(differs(p)))).collect();
    let differing_upper = upper_share(&marked, pairs);
    let differences: Vec<f64> = pairs.iter().map(|p| p.candidate - p.baseline).collect();
    // Without a difference seen, any that exists may be the largest there is.
    let of_one = if differing == 0 { 1.0 } else { squares.iter().sum::<f64>() / differing as f64 };
    let rare = differing_upper * of_one;
    let variance = if pairs.iter().all(binary::is_binary) {
        rare
    } else {
        mean_interval(squares, pairs).map_or(rare, |interval| rare.max(interval.high))
    };
    Some(Noise {
        pairs: n,
        differing,
        right_or_wrong,
        sd: Moments::of(&differences)?.sd,
        differing_upper,
        spread: Spread { variance, right_or_wrong: right_or_wrong || differing == 0 },
        clustering: Clustering::of(&differences, pairs),
    })
}

/// A cautious bound on the scatter where there is only one answer to each item: as if a second set
/// of answers had nothing to do with the first, item by item. For right-or-wrong scores with a
/// mean of p that is a discordance of 2p(1-p), with p at the end of its 90 % interval that is
/// nearer to 1/2; for others twice the variance of the scores. `None` without a score.
pub fn unrelated<'a>(scores: impl Into<ItemScores<'a>>) -> Option<(Spread, Clustering)> {
    let itself = |item: ItemScore| {
        let mean = item.mean(ScoreRange::UNIT)?;
        Some(pair_of(&item, mean, mean))
    };
    let pairs: Vec<Pair> = scores.into().iter().filter_map(itself).collect();
    let values: Vec<f64> = pairs.iter().map(|p| p.candidate).collect();
    let moments = Moments::of(&values)?;
    let clustering = Clustering::of(&values, &pairs);
    if pairs.iter().all(binary::is_binary) {
        let wrong: Vec<f64> = values.iter().map(|value| 1.0 - value).collect();
        let (low, high) = (1.0 - upper_share(&wrong, &pairs), upper_share(&values, &pairs));
        let p = 0.5_f64.clamp(low.min(high), high);
        return Some((Spread { variance: 2.0 * p * (1.0 - p), right_or_wrong: true }, clustering));
    }
    let spread = 2.0 * moments.sd.map_or(0.25, |sd| sd * sd);
    let unseen = upper_share(&vec![0.0; values.len()], &pairs);
    Some((Spread { variance: spread.max(unseen), right_or_wrong: false }, clustering))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(scores: impl Iterator<Item = (f64, u32)>) -> Vec<ItemScore> {
        let item = |(key, (sum, n)): (usize, (f64, u32))| ItemScore {
            key: key as u128,
            content: 0,
            cluster: None,
            sum,
            n_scored: n,
            n_planned: n,
        };
        scores.enumerate().map(item).collect()
    }

    #[test]
    fn equal_sets_have_a_bound_above_zero() {
        let set = items((0..240).map(|i| (f64::from(i % 2), 1)));
        let noise = noise(&set, &set).expect("comparable").expect("pairs");
        assert_eq!((noise.pairs, noise.differing, noise.sd), (240, 0, Some(0.0)));
        // 1 - 0.05^(1/240)
        assert!((noise.spread.variance - 0.012_404_6).abs() < 1e-6, "{noise:?}");
    }

    #[test]
    fn a_tenth_that_flips_is_a_tenth() {
        let first = items((0..1000).map(|i| (f64::from(i % 2), 1)));
        let second = items((0..1000).map(|i| (f64::from((i + u32::from(i % 10 == 0)) % 2), 1)));
        let noise = noise(&first, &second).expect("comparable").expect("pairs");
        assert_eq!(noise.differing, 100);
        assert!(noise.spread.variance > 0.1 && noise.spread.variance < 0.12, "{noise:?}");
        assert!(noise.right_or_wrong);
    }

    /// Means of several answers differ less, and the spread is still that of single ones.
    #[test]
    fn the_spread_is_that_of_one_answer() {
        let mut coins = random::SplitMix::stream(7, 0);
        let mut sum =
            || (0..4).map(|_| if coins.next().is_multiple_of(2) { 0.0 } else { 1.0 }).sum::<f64>();
        let first = items((0..2000).map(|_| (sum(), 4)));
        let second = items((0..2000).map(|_| (sum(), 4)));
        let noise = noise(&first, &second).expect("comparable").expect("pairs");
        let observed = 4.0 * noise.sd.expect("an sd").powi(2);
        assert!(noise.spread.variance > observed, "{noise:?}, {observed}");
        assert!(noise.spread.variance < 1.15 * observed, "{noise:?}, {observed}");
    }

    #[test]
    fn unrelated_answers_bound_the_discordance() {
        let set = items((0..400).map(|i| (f64::from(u32::from(i % 10 != 0)), 1)));
        let (spread, clustering) = unrelated(&set).expect("scores");
        assert!(spread.variance > 0.18 && spread.variance < 0.24, "{spread:?}");
        assert_eq!(clustering, Clustering::NONE);
        let perfect = items((0..400).map(|_| (1.0, 1)));
        assert!(unrelated(&perfect).expect("scores").0.variance > 0.0);
        assert!(unrelated(&[]).is_none());
    }

    #[test]
    fn clusters_that_move_together_count_as_one() {
        let clustered = |flip: bool| {
            let mut set = items((0..200).map(|i| {
                let whole_cluster = flip && (i / 10) % 2 == 0;
                (f64::from(u32::from(!whole_cluster)), 1)
            }));
            for (i, item) in (0_u64..).zip(&mut set) {
                item.cluster = Some(i / 10);
            }
            set
        };
        let noise = noise(&clustered(false), &clustered(true)).expect("comparable");
        let clustering = noise.expect("pairs").clustering;
        assert_eq!(clustering.clusters, Some(20));
        assert!((clustering.design_effect - 10.0).abs() < 0.1, "{clustering:?}");
    }
}
