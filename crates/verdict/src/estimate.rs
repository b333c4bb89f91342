//! The estimate of one run: a mean over items with its interval, from a stream of items.

use std::collections::BTreeMap;

use evalmark_core::estimate::Estimate;
use thiserror::Error;

use crate::clustered::ClusterMean;
use crate::intervals::{Interval, tail_of, wilson};
use crate::rule::ScoreRange;
use crate::special::student_upper;
use crate::sums::Running;

/// A score that no estimate can take in: NaN, infinite, out of its range, or beyond 2^48.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a score of {0} cannot be estimated from")]
pub struct ValueError(
    /// The score.
    pub f64,
);

/// Collects item means one by one; its memory grows with clusters, not with items.
///
/// The result does not depend on the order of the items.
#[derive(Clone, Debug)]
pub struct Accumulator {
    range: ScoreRange,
    all: Running,
    ones: u64,
    zeros: u64,
    /// Items of each cluster; an item without one counts in `alone`.
    clusters: BTreeMap<u64, Running>,
    alone: Running,
}

impl Accumulator {
    /// For scores within `range`, to which intervals are clipped.
    pub fn new(range: ScoreRange) -> Self {
        let all = Running::default();
        Self { range, all, ones: 0, zeros: 0, clusters: BTreeMap::new(), alone: all }
    }

    /// Takes in the mean score of one item over its epochs.
    pub fn push(&mut self, item_mean: f64, cluster: Option<u64>) -> Result<(), ValueError> {
        let ScoreRange { low, high } = self.range;
        let slack = 1e-9 * item_mean.abs().max(1.0);
        let inside = item_mean.is_finite() && item_mean >= low - slack && item_mean <= high + slack;
        let value = if inside { item_mean.max(low).min(high) } else { f64::NAN };
        if !self.all.push(value) {
            return Err(ValueError(item_mean));
        }
        self.zeros += u64::from(value == 0.0);
        self.ones += u64::from(value - 1.0 == 0.0);
        let part = match cluster {
            Some(cluster) => self.clusters.entry(cluster).or_default(),
            None => &mut self.alone,
        };
        part.push(value);
        Ok(())
    }

    /// The mean and its two-sided interval; `None` without an item.
    ///
    /// Wilson's interval where every item's mean is 0 or 1, Student's otherwise, and a
    /// cluster-robust t where items share clusters.
    pub fn finish(&self, confidence: f64) -> Option<Estimate> {
        let moments = self.all.moments()?;
        let clusters = self.clustered(moments.mean);
        let (stderr, df) = match &clusters {
            Some(clusters) => (clusters.se_cr1, clusters.df()),
            None => (moments.stderr(), moments.n - 1),
        };
        let student = || {
            let half = student_upper(tail_of(confidence)?, df as f64) * stderr?;
            let ends = Interval { low: moments.mean - half, high: moments.mean + half };
            Some(ends.clipped(self.range.low, self.range.high))
        };
        let (interval, method) = match (self.binary(clusters.as_ref()), clusters) {
            (Some((hits, units)), _) => (wilson(hits, units, confidence), "wilson"),
            (None, Some(_)) => (student(), "cluster_t"),
            (None, None) => (student(), "t"),
        };
        Some(Estimate {
            mean: moments.mean,
            stderr,
            ci_low: interval.map(|ends| ends.low),
            ci_high: interval.map(|ends| ends.high),
            ci_method: method.to_owned(),
            n_items: moments.n,
        })
    }

    /// Successes and units of a proportion, where one is to be estimated.
    ///
    /// Clusters that are all right or all wrong have no spread to be robust about: there each
    /// counts as one unit.
    fn binary(&self, clusters: Option<&ClusterMean>) -> Option<(u64, u64)> {
        let n = self.all.n();
        match clusters {
            _ if self.ones + self.zeros < n => None,
            None => Some((self.ones, n)),
            Some(clusters) if self.ones == 0 => Some((0, clusters.groups)),
            Some(clusters) if self.zeros == 0 => Some((clusters.groups, clusters.groups)),
            Some(_) => None,
        }
    }

    /// The cluster-robust mean, where some items share a cluster.
    fn clustered(&self, mean: f64) -> Option<ClusterMean> {
        let shared = self.clusters.values().any(|cluster| cluster.n() > 1);
        shared.then(|| ClusterMean::from_running(mean, self.clusters.values(), &self.alone))
    }
}

/// The estimate of item means that are at hand all at once.
pub fn estimate(
    items: impl IntoIterator<Item = (f64, Option<u64>)>,
    range: ScoreRange,
    confidence: f64,
) -> Result<Option<Estimate>, ValueError> {
    let mut accumulator = Accumulator::new(range);
    for (mean, cluster) in items {
        accumulator.push(mean, cluster)?;
    }
    Ok(accumulator.finish(confidence))
}
