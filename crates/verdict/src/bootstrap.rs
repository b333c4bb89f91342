//! The studentised bootstrap of a mean (Efron and Tibshirani 1993, 12.5), seeded by the data.
//!
//! Up to [`MOST_DRAWN`] pairs every resample draws n of them. Beyond, each distinct difference
//! occurs a Poisson number of times (Chamandy et al., "Estimating uncertainty for massive data
//! streams", 2012), which for so many pairs is the same to well within the bootstrap's own
//! noise, and costs as much as there are distinct differences; of those, neighbours are merged
//! down to [`MOST_GROUPS`], keeping their sums of values and of squares. Nothing here calls a
//! transcendental function, so that a resample is the same on every machine.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::paired_t::TEvidence;
use crate::random::{SplitMix, scramble};
use crate::rare_events::Groups;
use crate::rule::Rule;
use crate::running_moments::Moments;
use crate::special::student_upper;

/// Up to this many pairs are drawn one by one.
const MOST_DRAWN: u64 = 32_768;

/// So many values' worth of the skewness that a sample shows is what it lacks of the true one:
/// with exponential differences and 20 to 100 pairs, about what keeps the error rate at 5 %.
const UNSEEN_SKEW: f64 = 12.0;

/// More distinct differences than this are merged with their neighbours.
const MOST_GROUPS: usize = 4096;

/// A resample whose variance is below this share of its squares is constant but for rounding.
const CONSTANT: f64 = 1e-12;

/// The studentised means of all resamples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Studentised {
    /// Ascending.
    values: Vec<f64>,
    /// Resamples without any variance: they count as extreme on both sides.
    constant: usize,
}

impl Studentised {
    /// Draws `resamples` resamples of the differences; `moments` are theirs.
    ///
    /// Swapping the variants mirrors the result exactly: the resampling always sees the same one
    /// of the two orientations, and both where they are the same.
    pub(crate) fn draw(groups: &Groups, moments: &Moments, resamples: u32) -> Self {
        let mirrored = mirror(groups);
        let orientation = compare(groups, &mirrored);
        let plan = match orientation {
            Ordering::Greater => Plan::new(&mirrored, -moments.mean, moments.n),
            Ordering::Less | Ordering::Equal => Plan::new(groups, moments.mean, moments.n),
        };
        let seed = seed_of(groups);
        let one = |stream: u32| {
            // Each resample has its own stream, so that no thread sees another's.
            plan.resample(&mut SplitMix::stream(seed, stream))
        };
        let drawn: Vec<Option<f64>> = (0..resamples).into_par_iter().map(one).collect();
        let values: Vec<f64> = drawn.iter().copied().flatten().collect();
        let constant = drawn.len() - values.len();
        let drawn = Self { values, constant };
        match orientation {
            Ordering::Less => drawn,
            Ordering::Greater => drawn.mirrored(),
            Ordering::Equal => drawn.both_ways(),
        }
        .sorted()
    }

    fn mirrored(mut self) -> Self {
        self.values.iter_mut().for_each(|t| *t = -*t);
        self
    }

    fn both_ways(mut self) -> Self {
        let other = self.clone().mirrored();
        self.values.extend(other.values);
        self.constant += other.constant;
        self
    }

    fn sorted(mut self) -> Self {
        self.values.sort_unstable_by(f64::total_cmp);
        self
    }

    fn total(&self) -> usize {
        self.values.len() + self.constant
    }

    /// One-sided bounds at `alpha` on the mean; infinite where the resamples give none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the number of resamples"
    )]
    fn bounds(&self, mean: f64, stderr: f64, alpha: f64) -> (f64, f64) {
        // The rank that makes "the bound excludes x" and "p(x) <= alpha" the same event.
        let rank = (alpha * (self.total() + 1) as f64 * (1.0 + 1e-12)) as usize;
        let Some(inner) = rank.checked_sub(self.constant + 1) else {
            return (f64::NEG_INFINITY, f64::INFINITY);
        };
        let (Some(low), Some(high)) = (
            self.values.get(inner),
            self.values.len().checked_sub(inner + 1).map(|i| self.values[i]),
        ) else {
            return (f64::NEG_INFINITY, f64::INFINITY);
        };
        (mean - high * stderr, mean - low * stderr)
    }

    /// What t says of a mean of `n` values, held back by the resamples.
    ///
    /// Where a resample's bound lies beyond t's, the sample is skewed, and few values show less
    /// skew than there is: so the bound is moved further out by a part of that distance that
    /// [`UNSEEN_SKEW`] and the number of values make. The p-values move alike.
    pub(crate) fn hold_back(
        &self,
        t: TEvidence,
        [mean, stderr]: [f64; 2],
        n: u64,
        rule: &Rule,
    ) -> TEvidence {
        let (low, high) = self.bounds(0.0, 1.0, rule.alpha);
        let student = student_upper(rule.alpha, n.saturating_sub(1).max(1) as f64);
        let stretch = |bound: f64| {
            let beyond = bound - student;
            let skewed = beyond > 0.0 && bound.is_finite();
            if skewed { 1.0 + UNSEEN_SKEW / n as f64 * beyond / bound } else { 1.0 }
        };
        let (down, up) = (stretch(-low), stretch(high));
        TEvidence {
            lower: t.lower.min(mean + low * down * stderr),
            upper: t.upper.max(mean + high * up * stderr),
            p_regressed: t.p_regressed.max(self.share_below(mean / stderr / up)),
            p_pass: t.p_pass.max(self.share_above((mean + rule.margin) / stderr / down)),
        }
    }

    /// P-value of a studentised mean as low as `t`.
    fn share_below(&self, t: f64) -> f64 {
        self.share(self.values.partition_point(|&value| value <= t))
    }

    /// P-value of a studentised mean as high as `t`.
    fn share_above(&self, t: f64) -> f64 {
        self.share(self.values.len() - self.values.partition_point(|&value| value < t))
    }

    fn share(&self, extreme: usize) -> f64 {
        (1 + extreme + self.constant) as f64 / (1 + self.total()) as f64
    }
}

/// The seed of a set of differences: the same whatever their order and their sign.
pub(crate) fn seed_of(groups: &Groups) -> u64 {
    let mirrored = mirror(groups);
    let seen = if compare(groups, &mirrored).is_gt() { mirrored.as_slice() } else { groups };
    seen.iter().fold(0x9e37_79b9_7f4a_7c15, |seed, &(value, count)| {
        scramble(scramble(seed ^ value.to_bits()).wrapping_add(count))
    })
}

/// The differences with the variants swapped.
fn mirror(groups: &Groups) -> Vec<(f64, u64)> {
    groups.iter().rev().map(|&(value, count)| (0.0 - value, count)).collect()
}

fn compare(left: &Groups, right: &Groups) -> Ordering {
    let one = |a: &(f64, u64), b: &(f64, u64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let differ = left.iter().zip(right).map(|(a, b)| one(a, b)).find(|order| order.is_ne());
    differ.unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// How one resample is drawn.
enum Plan {
    /// Every pair's difference from the mean.
    Each(Vec<f64>),
    /// Sums of merged groups, and the table of how often a group occurs.
    Poisson { groups: Vec<Merged>, tables: Vec<PoissonTable>, n: f64 },
}

/// Mean deviation and mean squared deviation of a group, and which table its count has.
struct Merged {
    deviation: f64,
    square: f64,
    table: usize,
}

impl Plan {
    fn new(groups: &Groups, mean: f64, n: u64) -> Self {
        if n <= MOST_DRAWN {
            let repeat = |&(value, count): &(f64, u64)| (0..count).map(move |_| value - mean);
            return Self::Each(groups.iter().flat_map(repeat).collect());
        }
        let merged = merge(groups, mean, n);
        let mut counts: Vec<u64> = merged.iter().map(|m| m.2).collect();
        counts.sort_unstable();
        counts.dedup();
        let table = |count: u64| counts.binary_search(&count).unwrap_or(0);
        let groups = merged
            .iter()
            .map(|&(deviation, square, count)| Merged { deviation, square, table: table(count) })
            .collect();
        let tables = counts.iter().map(|&count| PoissonTable::new(count)).collect();
        Self::Poisson { groups, tables, n: n as f64 }
    }

    /// The studentised mean of one resample; `None` when it is constant.
    fn resample(&self, rng: &mut SplitMix) -> Option<f64> {
        match self {
            Self::Each(deviations) => {
                let (sum, squares) = draw_each(deviations, rng);
                studentise(deviations.len() as f64, sum, squares)
            }
            Self::Poisson { groups, tables, n } => {
                let (mut total, mut sum, mut squares) = (0.0, 0.0, 0.0);
                for group in groups {
                    let times = tables[group.table].draw(rng.next());
                    total += times;
                    sum += times * group.deviation;
                    squares += times * group.square;
                }
                if total < 0.5 * n { None } else { studentise(total, sum, squares) }
            }
        }
    }
}

/// Sum and sum of squares of as many draws with replacement as there are deviations.
fn draw_each(deviations: &[f64], rng: &mut SplitMix) -> (f64, f64) {
    let n = deviations.len() as u64;
    // Multiply and shift: uneven by less than n/2^32, a hundred-thousandth.
    let pick = |bits: u64| deviations[usize::try_from((bits * n) >> 32).unwrap_or(0)];
    // Two sums side by side: an addition need not wait for the one before it.
    let (mut sums, mut squares) = ([0.0; 2], [0.0; 2]);
    for _ in 0..n / 4 {
        for at in 0..2 {
            let bits = rng.next();
            let (a, b) = (pick(bits >> 32), pick(bits & 0xffff_ffff));
            sums[at] += a + b;
            squares[at] += a * a + b * b;
        }
    }
    for _ in 0..n % 4 {
        let one = pick(rng.next() >> 32);
        sums[0] += one;
        squares[0] += one * one;
    }
    (sums[0] + sums[1], squares[0] + squares[1])
}

fn studentise(n: f64, sum: f64, squares: f64) -> Option<f64> {
    let spread = squares - sum * sum / n;
    (spread > CONSTANT * squares).then(|| sum / (spread * n / (n - 1.0)).sqrt())
}

/// Deviation, squared deviation and number of each group, after merging neighbours down to at
/// most [`MOST_GROUPS`] of about equal weight.
fn merge(groups: &Groups, mean: f64, n: u64) -> Vec<(f64, f64, u64)> {
    let weight = if groups.len() > MOST_GROUPS { n.div_ceil(MOST_GROUPS as u64) } else { 1 };
    let mut merged = Vec::with_capacity(groups.len().min(2 * MOST_GROUPS));
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0);
    for &(value, times) in groups {
        let deviation = value - mean;
        sum += deviation * times as f64;
        squares += deviation * deviation * times as f64;
        count += times;
        if count >= weight {
            merged.push((sum / count as f64, squares / count as f64, count));
            (sum, squares, count) = (0.0, 0.0, 0);
        }
    }
    if count > 0 {
        merged.push((sum / count as f64, squares / count as f64, count));
    }
    merged
}

/// The distribution of a Poisson variable as cumulative 64-bit thresholds.
pub(crate) struct PoissonTable {
    first: f64,
    thresholds: Vec<u64>,
    /// For each first byte, the first threshold that a number with it may lie below.
    guide: Vec<usize>,
}

impl PoissonTable {
    /// Ratios of neighbouring probabilities need no exponential; the sum normalises them.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 2^64, saturating at the top"
    )]
    pub(crate) fn new(count: u64) -> Self {
        let rate = count as f64;
        let mut below = Vec::new();
        let (mut weight, mut k) = (1.0, rate);
        while k > 0.0 && weight > 1e-25 {
            weight *= k / rate;
            k -= 1.0;
            below.push(weight);
        }
        let first = k;
        below.reverse();
        let mut weights = below;
        (weight, k) = (1.0, rate);
        while weight > 1e-25 {
            weights.push(weight);
            k += 1.0;
            weight *= rate / k;
        }
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let thresholds = weights.iter().map(|weight| {
            sum += weight;
            (sum / total * 18_446_744_073_709_551_616.0) as u64
        });
        let thresholds: Vec<u64> = thresholds.collect();
        let from = |byte: u64| thresholds.partition_point(|&threshold| threshold <= byte << 56);
        let guide = (0..256).map(from).collect();
        Self { first, thresholds, guide }
    }

    pub(crate) fn draw(&self, bits: u64) -> f64 {
        let mut at = self.guide[usize::from(bits.to_be_bytes()[0])];
        while self.thresholds.get(at).is_some_and(|&threshold| threshold <= bits) {
            at += 1;
        }
        self.first + at as f64
    }
}
