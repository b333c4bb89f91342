//! The estimate of one run: a mean over items with its interval, from a stream of items.

use std::collections::BTreeMap;

use evalmark_core::estimate::Estimate;
use thiserror::Error;

use crate::clustered::ClusterMean;
use crate::few_changed::{Clusters, Ends, FewChanged};
use crate::intervals::{Interval, tail_of, wilson};
use crate::rule::ScoreRange;
use crate::running_moments::Running;
use crate::special::student_upper;

/// A score that no estimate can take in: NaN, infinite, out of its range, or beyond 2^48.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a score of {0} cannot be used in an estimate")]
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
    ones: u64,
    zeros: u64,
    /// Items of each cluster; an item without one counts in `alone`.
    clusters: BTreeMap<u64, Cluster>,
    alone: Running,
    /// The values of items that are alone.
    values: Distinct,
}

/// The items of one cluster. Most clusters are small, and most scores 0 or 1: that takes few bytes.
#[derive(Clone, Debug)]
enum Cluster {
    Binary { zeros: u32, ones: u32 },
    Any(Box<Running>),
}

impl Cluster {
    fn push(&mut self, value: f64) {
        match self {
            Self::Binary { zeros, .. } if value == 0.0 && *zeros < u32::MAX => *zeros += 1,
            Self::Binary { ones, .. } if value - 1.0 == 0.0 && *ones < u32::MAX => *ones += 1,
            Self::Binary { .. } => {
                let mut running = self.running();
                running.push(value);
                *self = Self::Any(Box::new(running));
            }
            Self::Any(running) => {
                running.push(value);
            }
        }
    }

    /// All of its items.
    fn running(&self) -> Running {
        match self {
            Self::Binary { zeros, ones } => {
                let mut running = Running::default();
                for (value, times) in [(0.0, *zeros), (1.0, *ones)] {
                    if times > 0 {
                        running.push_many(value, times.into());
                    }
                }
                running
            }
            Self::Any(running) => **running,
        }
    }

    fn n(&self) -> u64 {
        match self {
            Self::Binary { zeros, ones } => u64::from(*zeros) + u64::from(*ones),
            Self::Any(running) => running.n(),
        }
    }
}

/// Distinct values and how often each occurred, as long as they are few.
#[derive(Clone, Debug, Default)]
struct Distinct {
    counts: Vec<(f64, u64)>,
    are_many: bool,
}

impl Distinct {
    /// More than this are many: then a standard error says enough.
    const MOST: usize = 16;

    fn take(&mut self, value: f64) {
        if self.are_many {
            return;
        }
        let at = self.counts.iter().position(|seen| seen.0.total_cmp(&value).is_eq());
        match at {
            Some(at) => self.counts[at].1 += 1,
            None if self.counts.len() < Self::MOST => self.counts.push((value, 1)),
            None => self.are_many = true,
        }
    }
}

impl Accumulator {
    /// For scores within `range`, to which intervals are clipped.
    pub fn new(range: ScoreRange) -> Self {
        Self {
            range,
            ones: 0,
            zeros: 0,
            clusters: BTreeMap::new(),
            alone: Running::default(),
            values: Distinct::default(),
        }
    }

    /// Takes in the mean score of one item over its epochs.
    pub fn push(&mut self, item_mean: f64, cluster: Option<u64>) -> Result<(), ValueError> {
        let ScoreRange { low, high } = self.range;
        let slack = 1e-9 * item_mean.abs().max(1.0);
        let inside = item_mean.is_finite() && item_mean >= low - slack && item_mean <= high + slack;
        let value = if inside { item_mean.max(low).min(high) } else { f64::NAN };
        if !Running::takes(value) {
            return Err(ValueError(item_mean));
        }
        self.zeros += u64::from(value == 0.0);
        self.ones += u64::from(value - 1.0 == 0.0);
        if let Some(cluster) = cluster {
            let none = Cluster::Binary { zeros: 0, ones: 0 };
            self.clusters.entry(cluster).or_insert(none).push(value);
        } else {
            self.values.take(value);
            self.alone.push(value);
        }
        Ok(())
    }

    /// Of all items, in clusters or not.
    fn all(&self) -> Running {
        let mut all = self.alone;
        self.clusters.values().for_each(|cluster| all.add(&cluster.running()));
        all
    }

    /// The mean and its two-sided interval; `None` without an item.
    ///
    /// Wilson's interval where scores lie in [0, 1] and every item's mean is 0 or 1, Student's otherwise, and a
    /// cluster-robust t where items share clusters. Where all or nearly all items (or clusters) do
    /// the same, the exact bound on what they cannot have shown is taken in; without ends to the
    /// range there is none, and no interval.
    pub fn finish(&self, confidence: f64) -> Option<Estimate> {
        let moments = self.all().moments()?;
        let clusters = self.clustered(moments.mean);
        let (stderr, df) = match &clusters {
            Some(clusters) => (clusters.se_cr1, clusters.df()),
            None => (moments.stderr(), moments.n - 1),
        };
        let student = || {
            let half = student_upper(tail_of(confidence)?, df as f64) * stderr?;
            Some(Interval { low: moments.mean - half, high: moments.mean + half })
        };
        let (interval, method) = match self.binary(moments.n, clusters.as_ref(), confidence) {
            Some(interval) => (Some(interval), "wilson"),
            None => self.held_back(student(), clusters.is_some(), confidence),
        };
        let interval = interval.map(|ends| ends.clipped(self.range.low, self.range.high));
        Some(Estimate {
            mean: moments.mean,
            stderr,
            ci_low: interval.map(|ends| ends.low),
            ci_high: interval.map(|ends| ends.high),
            ci_method: method.to_owned(),
            n_items: moments.n,
        })
    }

    /// Student's interval, and what so few different items or clusters leave of it.
    fn held_back(
        &self,
        student: Option<Interval>,
        clustered: bool,
        confidence: f64,
    ) -> (Option<Interval>, &'static str) {
        let plain = if clustered { "cluster_t" } else { "t" };
        let few = self.few_changed(clustered, confidence);
        let (Some(student), Some(few), Some(tail)) = (student, few, tail_of(confidence)) else {
            return (student, plain);
        };
        let (low, high) = (few.lower(tail), few.upper(tail));
        if low.is_finite() && high.is_finite() {
            let method = if clustered { "cluster_t+binomial" } else { "t+binomial" };
            let ends = Interval { low: student.low.min(low), high: student.high.max(high) };
            return (Some(ends), method);
        }
        // Nothing bounds what equal values have not shown.
        if few.is_constant() { (None, "none") } else { (Some(student), plain) }
    }

    /// Whether nearly all clusters (or items, where none share one) do the same.
    fn few_changed(&self, clustered: bool, confidence: f64) -> Option<FewChanged> {
        if self.values.are_many {
            return None;
        }
        let alone = self.values.counts.iter();
        let alone = alone.map(|&(mean, count)| Clusters { mean, size: 1, count });
        let named = self.clusters.values().filter_map(|cluster| {
            let moments = cluster.running().moments()?;
            Some(Clusters { mean: moments.mean, size: moments.n, count: 1 })
        });
        let units: Vec<Clusters> = alone.chain(named).collect();
        let ends = Ends { low: self.range.low, high: self.range.high };
        let tail = tail_of(confidence)?;
        if clustered {
            FewChanged::find(&units, ends)
        } else {
            FewChanged::find_among_items(&units, ends, tail)
        }
    }

    /// The interval of a proportion, where one is to be estimated.
    ///
    /// Clusters that are all right or all wrong have no spread to be robust about: there each
    /// counts as one unit, and where they are of uneven sizes the large ones may be those that
    /// differ.
    fn binary(&self, n: u64, clusters: Option<&ClusterMean>, confidence: f64) -> Option<Interval> {
        if !self.range.is_unit() {
            // On another scale 0 and 1 are values like any other.
            return None;
        }
        let Some(clusters) = clusters else {
            return (self.ones + self.zeros == n).then(|| wilson(self.ones, n, confidence))?;
        };
        if self.ones < n && self.zeros < n {
            return None;
        }
        let hits = if self.ones == n { clusters.groups } else { 0 };
        let even = wilson(hits, clusters.groups, confidence)?;
        let few = self.few_changed(true, confidence)?;
        let unevenness = few.unevenness(tail_of(confidence)?);
        Some(match hits {
            0 => Interval { high: (even.high * unevenness).min(1.0), ..even },
            _ => Interval { low: (1.0 - (1.0 - even.low) * unevenness).max(0.0), ..even },
        })
    }

    /// The cluster-robust mean, where some items share a cluster.
    fn clustered(&self, mean: f64) -> Option<ClusterMean> {
        let shared = self.clusters.values().any(|cluster| cluster.n() > 1);
        shared.then(|| {
            let clusters = self.clusters.values().map(Cluster::running);
            ClusterMean::from_running(mean, clusters, &self.alone)
        })
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
