//! Items that are not independent: a cluster-robust t test, and a sign-flip test of whole
//! clusters where there are few.
//!
//! CR1 (Cameron and Miller, Journal of Human Resources 2015): with e the sum of a cluster's
//! deviations from the mean, SE = sqrt(G/(G-1) Σ e²)/n, and t on G - 1 degrees of freedom. A
//! verdict takes both from `uneven.rs`, which gives the same for clusters of one size.

use crate::continuous::{counted, differing_share, grouped};
use crate::evidence::{Evidence, POWER, Reach, arm_means, deciding_effect};
use crate::intervals::{Interval, tail_of};
use crate::missing::Pair;
use crate::paired_t::{PairedT, TEvidence};
use crate::power::{Level, paired_t_effect, paired_t_n, whole_items};
use crate::rule::Rule;
use crate::sign_flip::sign_flip_exact;
use crate::special::student_upper;
use crate::sums::Running;
use crate::uneven::{Spread, spread};
use crate::unseen::{Groups, unseen, variance_is_unseen};

/// Below this many clusters the sign-flip test must agree.
const FEW: u64 = 10;

/// Below this many clusters nothing passes.
const FEWEST_TO_PASS: u64 = 5;

/// A mean with its cluster-robust standard errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterMean {
    /// Mean over all items.
    pub mean: f64,
    /// Standard error without a correction for few clusters.
    pub se_cr0: f64,
    /// With the factor G/(G-1); `None` with one cluster.
    pub se_cr1: Option<f64>,
    /// Clusters.
    pub groups: u64,
}

impl ClusterMean {
    /// Degrees of freedom of its t.
    pub fn df(&self) -> u64 {
        self.groups.saturating_sub(1)
    }

    /// The t test against a mean of zero; `None` with one cluster.
    pub fn t(&self) -> Option<PairedT> {
        PairedT::from_stderr(self.mean, self.se_cr1?, self.df())
    }

    /// The two-sided interval; `None` with one cluster.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let half = student_upper(tail_of(confidence)?, self.df() as f64) * self.se_cr1?;
        Some(Interval { low: self.mean - half, high: self.mean + half })
    }

    /// From each cluster's sum and number of items; `None` without an item.
    pub(crate) fn from_clusters(clusters: &[(f64, u64)]) -> Option<Self> {
        let n: u64 = clusters.iter().map(|cluster| cluster.1).sum();
        if n == 0 {
            return None;
        }
        let mean = clusters.iter().map(|cluster| cluster.0).sum::<f64>() / n as f64;
        let squares = clusters.iter().map(|&cluster| squared_residual(cluster, mean)).sum();
        Some(Self::new(mean, n, clusters.len() as u64, squares))
    }

    /// From running sums of each cluster, and of the items that are alone in theirs.
    pub(crate) fn from_running<'a>(
        mean: f64,
        clusters: impl Iterator<Item = &'a Running>,
        alone: &Running,
    ) -> Self {
        let (mut n, mut groups, mut squares) = (alone.n(), alone.n(), 0.0);
        for cluster in clusters {
            n += cluster.n();
            groups += 1;
            squares += squared_residual((cluster.sum(), cluster.n()), mean);
        }
        if let Some(moments) = alone.moments() {
            let items = moments.n as f64;
            let within = moments.sd.map_or(0.0, |sd| (items - 1.0) * sd * sd);
            squares += within + items * (moments.mean - mean).powi(2);
        }
        Self::new(mean, n, groups, squares)
    }

    /// `squares` is the sum over clusters of each one's squared sum of deviations.
    fn new(mean: f64, n: u64, groups: u64, squares: f64) -> Self {
        let factor = groups as f64 / (groups as f64 - 1.0);
        let se_cr1 = (groups > 1).then(|| (factor * squares).sqrt() / n as f64);
        Self { mean, se_cr0: squares.sqrt() / n as f64, se_cr1, groups }
    }
}

/// The square of a cluster's summed deviation from the mean.
pub(crate) fn squared_residual((sum, size): (f64, u64), mean: f64) -> f64 {
    let expected = size as f64 * mean;
    let rest = sum - expected;
    // What rounding leaves of equal values is not a deviation.
    if rest.abs() <= 1e-14 * (sum.abs() + expected.abs()) { 0.0 } else { rest * rest }
}

/// The mean of `values` whose clusters are named in parallel; `None` when the lengths differ,
/// when there is no value, or when one is not finite.
pub fn cluster_mean(values: &[f64], clusters: &[u64]) -> Option<ClusterMean> {
    if values.len() != clusters.len() {
        return None;
    }
    let mut rows: Vec<(u64, f64)> = clusters.iter().copied().zip(values.iter().copied()).collect();
    rows.sort_by_key(|row| row.0);
    let by_cluster = rows.chunk_by(|a, b| a.0 == b.0);
    let sums: Option<Vec<_>> = by_cluster.map(|rows| sum_of(rows.iter().map(|r| r.1))).collect();
    let sums = sums?;
    ClusterMean::from_clusters(&sums)
}

/// Sum and number of the values of one cluster, in whatever order.
fn sum_of(mut values: impl Iterator<Item = f64>) -> Option<(f64, u64)> {
    let mut running = Running::default();
    values.all(|value| running.push(value)).then(|| (running.sum(), running.n()))
}

/// Whether two pairs share a cluster. Clusters of one item each change nothing.
pub(crate) fn dependent(pairs: &[Pair]) -> bool {
    let mut named: Vec<u64> = pairs.iter().filter_map(|pair| pair.cluster).collect();
    named.sort_unstable();
    named.windows(2).any(|two| two[0] == two[1])
}

/// What clustered pairs say.
pub(crate) fn weigh(pairs: &[Pair], rule: &Rule) -> Option<Evidence> {
    let n = pairs.len() as u64;
    let sums = cluster_sums(pairs)?;
    let mean = ClusterMean::from_clusters(&sums)?;
    let groups = grouped(pairs, rule.range);
    let (baseline_mean, candidate_mean) = arm_means(pairs)?;
    let spread = spread(&sums, mean.mean);
    let found = bounds(&mean, spread, &sums, &groups, rule);
    let evidence = Evidence {
        method: if mean.groups < FEW { "cluster_t+sign_flip" } else { "cluster_t" },
        n,
        baseline_mean,
        candidate_mean,
        estimate: mean.mean,
        lower: found.lower,
        upper: found.upper,
        p_regressed: found.p_regressed,
        p_pass: found.p_pass,
        discordant: None,
        discordance: differing_share(&groups, n),
        reach: reach(&mean, spread, n, rule),
        seed: None,
        notes: notes(mean.groups, rule.alpha),
        pass_barred: mean.groups < FEWEST_TO_PASS,
    };
    Some(evidence.within(rule))
}

/// The t bounds, and whatever few clusters or an unseen variance take away from them.
fn bounds(
    mean: &ClusterMean,
    spread: Option<Spread>,
    sums: &[(f64, u64)],
    groups: &Groups,
    rule: &Rule,
) -> TEvidence {
    let mut found = spread.map_or(TEvidence::NOTHING, |Spread { stderr, df }| {
        TEvidence::new(mean.mean, stderr, df, rule.alpha, rule.margin)
    });
    if mean.groups < FEW {
        let drops = flips(sums, |(sum, _)| -sum);
        let above_margin = flips(sums, |(sum, size)| sum + rule.margin * size as f64);
        found.p_regressed = found.p_regressed.max(drops);
        found.p_pass = found.p_pass.max(above_margin);
    }
    let of_clusters = counted(sums.iter().map(|&(sum, size)| sum / size as f64), rule.range);
    if variance_is_unseen(&of_clusters, mean.groups, rule.alpha) {
        let n = groups.iter().map(|g| g.1).sum();
        let bound = unseen(groups, n, rule.range.width(), rule.alpha, rule.margin);
        let signs = unseen(&of_clusters, mean.groups, 1.0, rule.alpha, rule.margin);
        found.lower = found.lower.min(bound.lower);
        found.upper = found.upper.max(bound.upper);
        found.p_pass = found.p_pass.max(bound.p_pass);
        found.p_regressed = found.p_regressed.max(signs.p_regressed);
    }
    found
}

/// The sign-flip p-value against "the clusters' sums are centred at 0 or below".
fn flips(sums: &[(f64, u64)], value: impl Fn((f64, u64)) -> f64) -> f64 {
    let values: Vec<f64> = sums.iter().map(|&cluster| value(cluster)).collect();
    sign_flip_exact(&values).map_or(1.0, |p| p.greater)
}

/// Each cluster's sum of differences and number of items; an item without a cluster is its own.
fn cluster_sums(pairs: &[Pair]) -> Option<Vec<(f64, u64)>> {
    let mut rows: Vec<(Option<u64>, f64)> =
        pairs.iter().map(|pair| (pair.cluster, pair.candidate - pair.baseline)).collect();
    rows.sort_by_key(|row| row.0);
    let same = |a: &(Option<u64>, f64), b: &(Option<u64>, f64)| a.0.is_some() && a.0 == b.0;
    rows.chunk_by(same).map(|rows| sum_of(rows.iter().map(|row| row.1))).collect()
}

fn reach(mean: &ClusterMean, spread: Option<Spread>, n: u64, rule: &Rule) -> Reach {
    let Some(Spread { stderr, .. }) = spread.filter(|spread| spread.stderr > 0.0) else {
        return Reach::default();
    };
    let level = Level::one_sided(rule.alpha);
    let per_cluster = n as f64 / mean.groups as f64;
    // Spread of one cluster's share of the mean: as if each cluster were one observation.
    let sd = stderr * (mean.groups as f64).sqrt();
    let items = |effect: f64| whole_items(paired_t_n(effect / sd, level, POWER) * per_cluster);
    Reach {
        detectable_drop: paired_t_effect(mean.groups, level, POWER).map(|effect| effect * sd),
        items_needed: items(rule.margin),
        items_to_decide: items(deciding_effect(mean.mean, rule.margin)),
    }
}

fn notes(groups: u64, alpha: f64) -> Vec<String> {
    let mut notes = vec![format!("items are in {groups} clusters, which count as the sample")];
    if groups < FEWEST_TO_PASS {
        notes.push(format!("nothing passes with fewer than {FEWEST_TO_PASS} clusters"));
    }
    let most_extreme = (-(groups as f64)).exp2();
    if groups < FEW && most_extreme > alpha {
        notes.push(format!(
            "this run cannot show a regression: the signs of {groups} clusters cannot reach alpha"
        ));
    }
    notes
}
