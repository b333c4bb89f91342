//! A judge beside people: how far they agree, and where the judge leans.
//!
//! Answers to one item are not independent of each other, and neither are items of one cluster, so
//! intervals come from whole units: cluster-robust t for means, and for the rest the percentiles of
//! a bootstrap that draws units with replacement, seeded by the ratings.

use std::collections::BTreeSet;

use crate::agreement::{AlphaSums, cohen_kappa};
use crate::clustered::ClusterMean;
use crate::few_changed::{Clusters, Ends, FewChanged};
use crate::intervals::Interval;
use crate::random::{SplitMix, scramble};

/// How sure intervals are.
const CONFIDENCE: f64 = 0.95;
/// Resamples, at most; fewer where there are many ratings.
const RESAMPLES: usize = 2000;
/// Ratings drawn over all resamples, at most.
const DRAWS: usize = 20_000_000;
/// Fewer units than this give no bootstrap interval.
const FEWEST_UNITS: usize = 10;

/// One answer that both rated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rated<'a> {
    /// What answers are grouped by, to see where the judge leans.
    pub group: &'a str,
    /// What answers share that are not independent.
    pub unit: u64,
    /// The answer's length.
    pub length: f64,
    /// The judge's score, from 0 to 1.
    pub judge: f64,
    /// What people say, from 0 to 1.
    pub human: f64,
    /// Whether the judge's score passes.
    pub judge_passes: bool,
    /// Whether what people say passes.
    pub human_passes: bool,
}

/// A number and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The number.
    pub estimate: f64,
    /// Its 95 % interval; `None` with too few units, and of an agreement that never varied.
    pub interval: Option<Interval>,
}

/// What the judge makes of a group of answers that people do not, on average.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaning {
    /// The group.
    pub group: String,
    /// Its answers.
    pub n: u64,
    /// The mean of judge minus people.
    pub bias: Figure,
}

/// A judge beside people.
#[derive(Clone, Debug, PartialEq)]
pub struct RaterCheck {
    /// Answers that both rated.
    pub n: u64,
    /// Units among them.
    pub units: u64,
    /// Means of the judge and of people.
    pub means: [f64; 2],
    /// Answers by what people say (rows: fails, passes) and what the judge says (columns), without
    /// those of which either says that it is a tie.
    pub confusion: [[u64; 2]; 2],
    /// All answers by what people say (rows: fails, a tie, passes) and what the judge says (columns).
    pub with_ties: [[u64; 3]; 3],
    /// Cohen's kappa of passing, where a tie is half an agreement with either side (linear weights);
    /// `None` where both say one same thing throughout.
    pub kappa: Option<Figure>,
    /// Krippendorff's alpha of the scores as numbers; `None` where they do not vary.
    pub alpha: Option<Figure>,
    /// The mean of judge minus people.
    pub bias: Figure,
    /// The same by group, in the order of their names.
    pub by_group: Vec<Leaning>,
    /// Spearman's rank correlation of judge minus people with the answer's length; `None` where
    /// either does not vary.
    pub by_length: Option<Figure>,
}

/// Compares a judge with people over answers that both rated; `None` without any, or with a number
/// that is not finite.
pub fn check_rater(rated: &[Rated<'_>]) -> Option<RaterCheck> {
    check_rater_with_ties(rated, None)
}

/// The same where one score is a tie, which neither passes nor fails: a judge of pairs that says the
/// opposite when the order is turned does not say that an answer passes.
pub fn check_rater_with_ties(rated: &[Rated<'_>], tie: Option<f64>) -> Option<RaterCheck> {
    let is_sound =
        |one: &Rated<'_>| one.judge.is_finite() && one.human.is_finite() && one.length.is_finite();
    if rated.is_empty() || !rated.iter().all(is_sound) {
        return None;
    }
    let units = Units::of(rated, tie);
    let n = rated.len() as f64;
    let mean = |of: fn(&Rated<'_>) -> f64| units.rated.iter().map(of).sum::<f64>() / n;
    let [kappa, alpha, by_length] = units.figures();
    let table = confusion(units.rated.iter(), tie);
    let names: BTreeSet<&str> = rated.iter().map(|one| one.group).collect();
    let by_group = names.into_iter().filter_map(|group| {
        let (bias, n) = units.bias(|one| one.group == group)?;
        Some(Leaning { group: group.to_owned(), n, bias })
    });
    Some(RaterCheck {
        n: rated.len() as u64,
        units: units.bounds.len() as u64,
        means: [mean(|one| one.judge), mean(|one| one.human)],
        confusion: [[table[0][0], table[0][2]], [table[2][0], table[2][2]]],
        with_ties: table,
        kappa,
        alpha,
        bias: units.bias(|_| true)?.0,
        by_group: by_group.collect(),
        by_length,
    })
}

/// Ratings, unit by unit.
struct Units<'a> {
    rated: Vec<Rated<'a>>,
    /// Where each unit's begin and end.
    bounds: Vec<(usize, usize)>,
    /// The score that is a tie.
    tie: Option<f64>,
}

impl<'a> Units<'a> {
    /// In an order that does not depend on that of the rows.
    fn of(rated: &[Rated<'a>], tie: Option<f64>) -> Self {
        let mut rated = rated.to_vec();
        rated.sort_by(|a, b| {
            let numbers = |one: &Rated<'_>| [one.judge, one.human, one.length];
            let by_number = || {
                let pairs = numbers(a).into_iter().zip(numbers(b));
                pairs.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne())
            };
            let by_name = a.unit.cmp(&b.unit).then_with(|| a.group.cmp(b.group));
            by_name.then_with(|| by_number().unwrap_or(std::cmp::Ordering::Equal))
        });
        let (mut bounds, mut from) = (Vec::new(), 0);
        for unit in rated.chunk_by(|a, b| a.unit == b.unit) {
            bounds.push((from, from + unit.len()));
            from += unit.len();
        }
        Self { rated, bounds, tie }
    }

    /// The mean of judge minus people over some of the ratings, and how many these are.
    fn bias(&self, counts: impl Fn(&Rated<'_>) -> bool) -> Option<(Figure, u64)> {
        let sums: Vec<(f64, u64)> = self
            .bounds
            .iter()
            .map(|(from, to)| {
                let counted = self.rated[*from..*to].iter().filter(|one| counts(one));
                counted.fold((0.0, 0), |(sum, n), one| (sum + one.judge - one.human, n + 1))
            })
            .filter(|(_, n)| *n > 0)
            .collect();
        let mean = ClusterMean::from_clusters(&sums)?;
        let figure = Figure { estimate: mean.mean, interval: bias_interval(&mean, &sums) };
        Some((figure, sums.iter().map(|(_, n)| n).sum()))
    }

    /// Kappa, alpha, and the correlation with length, each with its interval.
    fn figures(&self) -> [Option<Figure>; 3] {
        let every: Vec<&Rated<'_>> = self.rated.iter().collect();
        let estimates = statistics(&every, self.tie);
        let mut drawn = [Vec::new(), Vec::new(), Vec::new()];
        if self.bounds.len() >= FEWEST_UNITS {
            let resamples = RESAMPLES.min(DRAWS / self.rated.len());
            for stream in 0..u32::try_from(resamples).unwrap_or(0) {
                let sample = self.resample(stream);
                for (values, value) in drawn.iter_mut().zip(statistics(&sample, self.tie)) {
                    values.extend(value);
                }
            }
        }
        let mut figures = [None; 3];
        for ((figure, estimate), values) in figures.iter_mut().zip(estimates).zip(drawn) {
            *figure = estimate.map(|estimate| Figure { estimate, interval: percentiles(values) });
        }
        figures
    }

    fn resample(&self, stream: u32) -> Vec<&Rated<'a>> {
        let mut random = SplitMix::stream(self.seed(), stream);
        let mut sample = Vec::with_capacity(self.rated.len());
        for _ in 0..self.bounds.len() {
            let (from, to) = self.bounds[below(random.next(), self.bounds.len())];
            sample.extend(&self.rated[from..to]);
        }
        sample
    }

    fn seed(&self) -> u64 {
        let bits = |one: &Rated<'_>| [one.unit, one.judge.to_bits(), one.human.to_bits()];
        self.rated.iter().flat_map(bits).fold(0, |seed, bits| scramble(seed ^ bits))
    }
}

/// Student's interval of a mean difference, and where nearly all units say the same, what so few of
/// them cannot have shown.
fn bias_interval(mean: &ClusterMean, sums: &[(f64, u64)]) -> Option<Interval> {
    let student = mean.interval(CONFIDENCE)?;
    let units: Vec<Clusters> = sums.iter().map(Clusters::from).collect();
    let Some(few) = FewChanged::find(&units, Ends { low: -1.0, high: 1.0 }) else {
        return Some(student.clipped(-1.0, 1.0));
    };
    let tail = 0.5 * (1.0 - CONFIDENCE);
    let (low, high) = (few.lower(tail).min(student.low), few.upper(tail).max(student.high));
    Some(Interval { low, high }.clipped(-1.0, 1.0))
}

/// A place below `n`, as good as evenly.
fn below(random: u64, n: usize) -> usize {
    let place = (u128::from(random) * n as u128) >> 64;
    usize::try_from(place).unwrap_or(0)
}

fn statistics(rated: &[&Rated<'_>], tie: Option<f64>) -> [Option<f64>; 3] {
    let mut alpha = AlphaSums::default();
    for one in rated {
        alpha.add([one.judge, one.human].into_iter());
    }
    let kappa = kappa(&confusion(rated.iter().copied(), tie));
    let errors: Vec<f64> = rated.iter().map(|one| one.judge - one.human).collect();
    let lengths: Vec<f64> = rated.iter().map(|one| one.length).collect();
    [kappa, alpha.alpha(), correlation(&ranks(&errors), &ranks(&lengths))]
}

/// Counts by what people say and by what the judge says: fails, a tie, passes.
fn confusion<'a>(rated: impl Iterator<Item = &'a Rated<'a>>, tie: Option<f64>) -> [[u64; 3]; 3] {
    let place = |score: f64, passes: bool| match tie {
        Some(tie) if score.total_cmp(&tie).is_eq() => 1,
        _ => 2 * usize::from(passes),
    };
    let mut counts = [[0; 3]; 3];
    for one in rated {
        counts[place(one.human, one.human_passes)][place(one.judge, one.judge_passes)] += 1;
    }
    counts
}

/// Cohen's kappa with linear weights (Psychological Bulletin 1968): without a tie the plain one.
fn kappa(counts: &[[u64; 3]; 3]) -> Option<f64> {
    let ties = counts[1].iter().sum::<u64>() + counts.iter().map(|row| row[1]).sum::<u64>();
    if ties == 0 {
        let decided = [[counts[0][0], counts[0][2]], [counts[2][0], counts[2][2]]];
        return cohen_kappa(&decided.map(|row| row.to_vec()));
    }
    let row = |i: usize| counts[i].iter().sum::<u64>() as f64;
    let column = |j: usize| counts.iter().map(|row| row[j]).sum::<u64>() as f64;
    let n: f64 = (0..3).map(row).sum();
    let (mut observed, mut by_chance) = (0.0, 0.0);
    for (i, of_row) in counts.iter().enumerate() {
        for (j, count) in of_row.iter().enumerate() {
            let apart = 0.5 * i.abs_diff(j) as f64;
            observed += apart * *count as f64;
            by_chance += apart * row(i) * column(j) / n;
        }
    }
    (by_chance > 0.0).then(|| 1.0 - observed / by_chance)
}

/// The middle 95 % of resampled values; `None` without enough of them, and where they do not vary.
fn percentiles(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let outside = values.len() * 25 / 1000;
    let last = values.len().checked_sub(1 + outside)?;
    let interval = Interval { low: values[outside], high: values[last] };
    // Where the ratings agree throughout, resamples do not vary and say nothing of how sure that is.
    (values.len() >= 100 && interval.low < interval.high).then_some(interval)
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for same in places.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let rank = before as f64 + f64::midpoint(1.0, same.len() as f64);
        for place in same {
            ranks[*place] = rank;
        }
        before += same.len();
    }
    ranks
}

/// Pearson's correlation; `None` where either does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        both += (x - mean_a) * (y - mean_b);
        of_a += (x - mean_a).powi(2);
        of_b += (y - mean_b).powi(2);
    }
    (of_a > 0.0 && of_b > 0.0).then(|| (both / (of_a * of_b).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_shared() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }

    #[test]
    fn correlations() {
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]), Some(1.0));
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(correlation(&[1.0, 2.0], &[1.0, 1.0]), None);
    }
}
