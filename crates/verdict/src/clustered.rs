//! Items that are not independent: a cluster-robust t test, and a sign-flip test of whole
//! clusters where there are few.
//!
//! CR1 (Cameron and Miller, Journal of Human Resources 2015): with e the sum of a cluster's
//! deviations from the mean, SE = sqrt(G/(G-1) Σ e²)/n, and t on G - 1 degrees of freedom. A
//! verdict takes both from `cr2.rs`, which gives the same for clusters of one size. Where only
//! few clusters changed, or none, a standard error does not say how far the mean may be off:
//! `few_changed.rs` counts whole clusters, and the more cautious bound holds.

use crate::bootstrap::{Studentised, seed_of};
use crate::continuous::{GRAIN, counted, differing_share, grouped, moments_of};
use crate::cr2::{Spread, spread};
use crate::few_changed::{Clusters, Ends, FewChanged, groups_to_rule_out, is_sparse};
use crate::intervals::{Interval, tail_of};
use crate::mcnemar::mcnemar_exact;
use crate::missing::Pair;
use crate::paired_t::{PairedT, TEvidence};
use crate::power::{Level, paired_t_effect, paired_t_n, whole_items};
use crate::rule::{Rule, ScoreRange};
use crate::running_moments::Running;
use crate::sign_flip::sign_flip_exact;
use crate::special::student_upper;
use crate::test_result::{POWER, Reach, TestResult, deciding_effect, variant_means};
use evalmark_core::number_format::count;

/// Below this many clusters the sign-flip test must agree.
const FEW: u64 = 10;

/// Below this many clusters nothing passes.
pub(crate) const FEWEST_TO_PASS: u64 = 5;

/// The signs of so many clusters are flipped one by one; those of more are counted.
const MOST_FLIPPED: usize = 12;

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
    pub(crate) fn from_running(
        mean: f64,
        clusters: impl Iterator<Item = Running>,
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

/// What clustered pairs say of a difference.
pub(crate) fn weigh(pairs: &[Pair], rule: &Rule) -> Option<TestResult> {
    let width = rule.range.width();
    Against::NoDrop.weigh(pairs, Ends { low: -width, high: width }, rule)
}

/// What clustered scores, each less the minimum, say of their mean.
pub(crate) fn weigh_level(levels: &[Pair], min: f64, rule: &Rule) -> Option<TestResult> {
    let ends = Ends { low: rule.range.low - min, high: rule.range.high - min };
    Against::Minimum.weigh(levels, ends, rule)
}

/// What a mean over clusters is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// When nothing changed, a cluster is as likely to gain as to lose, so that signs say something.
    NoDrop,
    /// A minimum, about which nothing is symmetric.
    Minimum,
}

/// Clusters, what is seen of them, and what is not.
struct Sample {
    sums: Vec<(f64, u64)>,
    mean: ClusterMean,
    spread: Option<Spread>,
    /// Where so few clusters changed that a standard error is not to be trusted.
    few: Option<FewChanged>,
    /// Most clusters do the same, and enough do something else.
    is_sparse: bool,
    ends: Ends,
}

impl Sample {
    fn of(pairs: &[Pair], ends: Ends, rule: &Rule) -> Option<Self> {
        let sums = cluster_sums(pairs)?;
        let mean = ClusterMean::from_clusters(&sums)?;
        let spread = spread(&sums, mean.mean);
        let clusters: Vec<Clusters> = sums.iter().map(Clusters::from).collect();
        let few = FewChanged::find(&clusters, ends);
        let means = counted(clusters.iter().map(|one| one.mean), rule.range);
        let is_sparse = few.is_none() && is_sparse(&means);
        Some(Self { sums, mean, spread, few, is_sparse, ends })
    }

    /// Each cluster's part in how far the mean lies from itself.
    fn residuals(&self, rule: &Rule) -> Vec<(f64, u64)> {
        let items: u64 = self.sums.iter().map(|cluster| cluster.1).sum();
        let scale = self.mean.groups as f64 / items as f64;
        let part = |&(sum, size): &(f64, u64)| (sum - size as f64 * self.mean.mean) * scale;
        counted(self.sums.iter().map(part), rule.range)
    }

    fn method(&self) -> &'static str {
        match (&self.few, self.is_sparse) {
            _ if self.mean.groups < FEW => "cluster_t+sign_flip",
            (Some(_), _) => "cluster_t+binomial",
            (None, true) => "cluster_t+bootstrap",
            (None, false) => "cluster_t",
        }
    }
}

impl From<&(f64, u64)> for Clusters {
    fn from(&(sum, size): &(f64, u64)) -> Self {
        Self { mean: sum / size as f64, size, count: 1 }
    }
}

impl Against {
    fn weigh(self, pairs: &[Pair], ends: Ends, rule: &Rule) -> Option<TestResult> {
        let n = pairs.len() as u64;
        let sample = Sample::of(pairs, ends, rule)?;
        let mean = &sample.mean;
        let (baseline_mean, candidate_mean) = variant_means(pairs)?;
        let (found, seed) = self.bounds(&sample, rule);
        let evidence = TestResult {
            method: sample.method(),
            n,
            baseline_mean,
            candidate_mean,
            estimate: mean.mean,
            lower: found.lower,
            upper: found.upper,
            p_regressed: found.p_regressed,
            p_pass: found.p_pass,
            discordant: None,
            discordance: differing_share(&grouped(pairs, rule.range), n),
            reach: self.reach(&sample, n, rule),
            seed,
            notes: self.notes(&sample, rule),
            pass_barred: mean.groups < FEWEST_TO_PASS,
        };
        Some(evidence.within(rule))
    }

    /// The t bounds, and whatever few clusters or few changed ones take away from them.
    fn bounds(self, sample: &Sample, rule: &Rule) -> (TEvidence, Option<u64>) {
        let Sample { sums, mean, .. } = sample;
        let mut found = sample.spread.map_or(TEvidence::NOTHING, |Spread { stderr, df }| {
            TEvidence::new(mean.mean, stderr, df, rule.alpha, rule.margin)
        });
        if mean.groups < FEW {
            let drops = flips(sums, |(sum, _)| -sum);
            let above_margin = flips(sums, |(sum, size)| sum + rule.margin * size as f64);
            found.p_regressed = found.p_regressed.max(drops);
            found.p_pass = found.p_pass.max(above_margin);
        }
        if let Some(few) = &sample.few {
            return (self.held_back(found, few, sample, rule), None);
        }
        match sample.spread.filter(|spread| sample.is_sparse && spread.stderr > 0.0) {
            Some(spread) => resampled(found, sample, spread, rule),
            None => (found, None),
        }
    }

    /// What a few changed clusters leave of the bounds.
    fn held_back(
        self,
        found: TEvidence,
        few: &FewChanged,
        sample: &Sample,
        rule: &Rule,
    ) -> TEvidence {
        let lower = found.lower.min(few.lower(rule.alpha));
        let upper = found.upper.max(few.upper(rule.alpha));
        let p_pass = found.p_pass.max(few.p_above(-rule.margin));
        let by_sign = match self {
            Self::NoDrop => signs(&sample.sums, rule.range),
            Self::Minimum => few.p_below(0.0),
        };
        let p_regressed = found.p_regressed.max(by_sign);
        // Where the signs of enough clusters find a drop, the mean's upper bound is t's.
        let is_found = self == Self::NoDrop && sample.mean.groups >= FEW && by_sign <= rule.alpha;
        TEvidence { lower, upper: if is_found { found.upper } else { upper }, p_regressed, p_pass }
    }

    fn reach(self, sample: &Sample, n: u64, rule: &Rule) -> Reach {
        let Sample { mean, few, .. } = sample;
        let stderr = sample.spread.map_or(0.0, |spread| spread.stderr);
        if few.is_none() && stderr <= 0.0 {
            return Reach::default();
        }
        let level = Level::one_sided(rule.alpha);
        let per_cluster = n as f64 / mean.groups as f64;
        // Spread of one cluster's share of the mean: as if each cluster were one observation.
        let sd = stderr * (mean.groups as f64).sqrt();
        let least = few.as_ref().and_then(|_| self.least_groups(sample.ends, rule)).unwrap_or(2);
        let items = |effect: f64| {
            let groups = if sd > 0.0 { paired_t_n(effect / sd, level, POWER) } else { 2.0 };
            whole_items(groups.max(least as f64) * per_cluster)
        };
        let by_t = paired_t_effect(mean.groups, level, POWER).map(|effect| effect * sd);
        let by_rarity = few.as_ref().map(|few| few.unseen_share(rule.alpha) * rule.range.width());
        let by_rarity = by_rarity.filter(|drop| drop.is_finite()).unwrap_or(0.0);
        Reach {
            detectable_drop: by_t.map(|drop| drop.max(by_rarity)),
            items_needed: items(rule.margin),
            items_to_decide: items(deciding_effect(mean.mean, rule.margin)),
        }
    }

    /// Clusters of one size of which all do the best they can: so many it takes to pass.
    fn least_groups(self, Ends { low, high }: Ends, rule: &Rule) -> Option<u64> {
        let best = if self == Self::NoDrop { 0.0 } else { high };
        let share = (rule.margin + best) / (best - low);
        if share > 0.0 { groups_to_rule_out(share, rule.alpha) } else { None }
    }

    fn notes(self, sample: &Sample, rule: &Rule) -> Vec<String> {
        let groups = sample.mean.groups;
        let told = count(groups);
        let mut notes = vec![format!("items are in {told} clusters, which count as the sample")];
        if groups < FEWEST_TO_PASS {
            notes.push(format!("nothing passes with fewer than {FEWEST_TO_PASS} clusters"));
        }
        if groups < FEW && (-(groups as f64)).exp2() > rule.alpha {
            notes.push(format!(
                "this run cannot show a regression: the signs of {told} clusters cannot reach \
                 alpha"
            ));
        }
        let least = sample.few.as_ref().and_then(|_| self.least_groups(sample.ends, rule));
        if let Some(least) = least.filter(|&least| groups < least) {
            let least = count(least);
            notes.push(match self {
                Self::NoDrop => format!(
                    "{told} clusters that hardly differ cannot rule out that whole clusters drop: \
                     that takes {least} clusters"
                ),
                Self::Minimum => format!(
                    "this run cannot meet the minimum: even with every item right that takes \
                     {least} clusters"
                ),
            });
        }
        notes
    }
}

/// Of t and the bootstrap of whole clusters the more cautious: few clusters carry the change, so that
/// it is skewed.
fn resampled(
    found: TEvidence,
    sample: &Sample,
    Spread { stderr, .. }: Spread,
    rule: &Rule,
) -> (TEvidence, Option<u64>) {
    let groups = sample.residuals(rule);
    let Some(moments) = moments_of(&groups) else { return (found, None) };
    let drawn = Studentised::draw(&groups, &moments, rule.resamples);
    let held_back = drawn.hold_back(found, [sample.mean.mean, stderr], moments.n, rule);
    (held_back, Some(seed_of(&groups)))
}

/// The p-value against "clusters are as likely to gain as to lose": of a few by flipping their
/// signs, of more by counting them.
fn signs(sums: &[(f64, u64)], range: ScoreRange) -> f64 {
    let grain = Some(range.width() * GRAIN).filter(|grain| grain.is_finite()).unwrap_or(0.0);
    let changed = sums.iter().filter(|(sum, size)| sum.abs() > grain * *size as f64);
    let drops: Vec<f64> = changed.map(|cluster| -cluster.0).collect();
    if drops.len() <= MOST_FLIPPED {
        return sign_flip_exact(&drops).map_or(1.0, |p| p.greater);
    }
    let lost = drops.iter().filter(|drop| **drop > 0.0).count() as u64;
    mcnemar_exact(lost, drops.len() as u64 - lost).greater
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
