//! The difference of a whole run's value between two variants.
//!
//! Two witnesses must agree, and of each pair of bounds the more cautious counts. One is what the
//! items weigh: their pseudo-values are tested as scores are, by t and the studentised bootstrap, or
//! by cluster. The other is the paired bootstrap of the difference itself, which sees what is not
//! linear in it. Alone a percentile bootstrap is wrong too often where items are few.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    CorpusMetric, ItemCounts,
    cells::{Cells, Row},
    resample::resampled,
};
use crate::compare::{Decision, flips, match_variants};
use crate::decide::{Case, Kind};
use crate::item_scores::ItemScores;
use crate::items::{CompareError, ComparisonSubject, ItemScore};
use crate::missing::{Assumption, Pair, Variants};
use crate::pairing::Places;
use crate::random::unit_of;
use crate::rare_events::{unseen, variance_is_unseen};
use crate::rule::{Rule, ScoreRange};
use crate::test_result::TestResult;
use crate::{clustered, continuous};

/// Beyond so many items that are all unlike, the value is as good as linear in them, and drawing
/// them again shows nothing more.
const MOST_CELLS: usize = 20_000;

/// One variant of a metric whose value is that of a whole run.
#[derive(Clone, Copy, Debug)]
pub struct CountedVariant<'a> {
    /// The items and their own scores.
    pub items: ItemScores<'a>,
    /// What each of them adds, parallel to the items.
    pub counts: &'a [ItemCounts],
}

/// Compares the value of a whole run between two variants; the rule's range is the value's, and its
/// margin is in units of the value.
///
/// Missing answers count as the worst or best that there could have been, where the metric can tell
/// what those are; elsewhere an answer that depends on them is none.
pub fn compare_corpus_metric(
    subject: &ComparisonSubject,
    [baseline, candidate]: [CountedVariant<'_>; 2],
    metric: &dyn CorpusMetric,
    rule: &Rule,
) -> Result<Decision, CompareError> {
    rule.check()?;
    let scores = [baseline, candidate].map(counted_items);
    // Those that only name what changed have another range than the value.
    let shown = Rule { range: ScoreRange::ANY, ..rule.clone() };
    let named = [baseline.items.oriented(&shown), candidate.items.oriented(&shown)];
    let mirrored = Oriented { metric, rule };
    let rule = rule.oriented();
    let counts = [baseline.counts, candidate.counts];
    match_variants(subject, [(&scores[0]).into(), (&scores[1]).into()], &rule, |matched| {
        let places = matched.variants.places;
        let case = Case::build(Kind::RunValue, matched.missing, &rule, |assumption| {
            let rows = rows(&scores, counts, places, assumption, metric)?;
            weigh(rows, &mirrored, &rule)
        });
        let variants = Variants { baseline: named[0], candidate: named[1], places };
        let flips = flips(variants, ScoreRange::ANY, rule.max_flips);
        matched.decide(case, &flips)
    })
}

/// The items with as many scored answers as have counts; their scores play no part.
pub(super) fn counted_items(variant: CountedVariant<'_>) -> Vec<ItemScore> {
    let counted = |(item, counts): (ItemScore, &ItemCounts)| {
        let n_scored = u32::try_from(counts.len()).unwrap_or(u32::MAX).min(item.n_planned);
        ItemScore { sum: 0.0, n_scored, ..item }
    };
    variant.items.iter().zip(variant.counts).map(counted).collect()
}

/// What the items add under an assumption about missing answers; `None` where it cannot be told.
fn rows<'a>(
    scores: &[Vec<ItemScore>; 2],
    counts: [&'a [ItemCounts]; 2],
    places: &[Places],
    assumption: Assumption,
    metric: &dyn CorpusMetric,
) -> Option<Vec<Row<'a, 2>>> {
    let mut rows = Vec::with_capacity(places.len());
    for &(b, c) in places {
        let (before, after) = (&counts[0][b], &counts[1][c]);
        let Some(known) = after.first().or(before.first()) else { continue };
        let fill = |counts: &'a ItemCounts, missing: u32, extreme: usize| {
            let mut filled: Vec<_> = counts.iter().map(|one| Cow::Borrowed(&**one)).collect();
            if missing > 0 {
                let extreme = metric.extremes(known)?[extreme].clone();
                filled.extend((0..missing).map(|_| Cow::Owned(extreme.clone())));
            }
            Some(filled)
        };
        let (lacks_before, lacks_after) = (scores[0][b].n_missing(), scores[1][c].n_missing());
        let variants = match assumption {
            Assumption::Complete => [fill(before, 0, 0)?, fill(after, 0, 0)?],
            Assumption::WorstForCandidate => {
                [fill(before, lacks_before, 1)?, fill(after, lacks_after, 0)?]
            }
            Assumption::BestForCandidate => [fill(before, 0, 0)?, fill(after, lacks_after, 1)?],
        };
        if variants.iter().any(Vec::is_empty) {
            continue;
        }
        let cluster = scores[1][c].cluster.or(scores[0][b].cluster);
        let unit = unit_of(scores[1][c].key, cluster);
        rows.push(Row { variants, cluster, unit });
    }
    Some(rows)
}

/// A value of which less is better, mirrored.
pub(super) struct Oriented<'a> {
    pub(super) metric: &'a dyn CorpusMetric,
    pub(super) rule: &'a Rule,
}

impl CorpusMetric for Oriented<'_> {
    fn width(&self) -> usize {
        self.metric.width()
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        self.metric.add(sums, counts, times);
    }

    fn value(&self, sums: &[f64]) -> Option<f64> {
        self.metric.value(sums).map(|value| self.rule.restore(value))
    }

    fn extremes(&self, counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        self.metric.extremes(counts)
    }
}

fn weigh(rows: Vec<Row<'_, 2>>, metric: &dyn CorpusMetric, rule: &Rule) -> Option<TestResult> {
    let cells = Cells::new(rows, metric);
    let value = |sums: &[f64]| metric.value(sums);
    let [before, after] = [value(&cells.sums[0])?, value(&cells.sums[1])?];
    let Some(pairs) = pseudo_pairs(&cells, metric) else {
        return Some(nothing(cells.rows.len() as u64, [before, after]));
    };
    let weighing = Rule { range: reach_of(&cells, metric, &pairs, rule), ..rule.clone() };
    let mut found = if clustered::dependent(&pairs) {
        clustered::weigh(&pairs, &weighing)?
    } else {
        continuous::weigh(&pairs, &weighing)?
    };
    found.estimate = after - before;
    (found.baseline_mean, found.candidate_mean) = (before, after);
    let changes = Changes::new(&cells, &pairs);
    found.discordance = changes.share();
    let is_rare = changes.are_rare(rule.alpha);
    if is_rare {
        changes.hold_back(&mut found, &weighing);
    } else if cells.len() <= MOST_CELLS {
        hold_back(&mut found, &cells, metric, rule);
    }
    found.method = method(found.method, is_rare, found.seed.is_some());
    Some(found.within(rule))
}

fn method(of_items: &'static str, is_rare: bool, is_drawn: bool) -> &'static str {
    match (of_items.starts_with("cluster"), is_rare, is_drawn) {
        (false, true, _) => "jackknife_t+binomial",
        (false, false, true) => "jackknife_t+bootstrap",
        (false, false, false) => "jackknife_t",
        (true, true, _) => "jackknife_cluster_t+binomial",
        (true, false, true) => "jackknife_cluster_t+bootstrap",
        (true, false, false) => "jackknife_cluster_t",
    }
}

/// Which units (items or clusters) add something else in the candidate, by what that does to the
/// difference. Where next to none do, neither variance nor bootstrap knows of the others.
struct Changes {
    lost: u64,
    gained: u64,
    units: u64,
    /// Items that changed, and all.
    items: (u64, u64),
    /// Items of the largest unit.
    largest: u64,
}

impl Changes {
    fn new(cells: &Cells<'_, 2>, pairs: &[Pair]) -> Self {
        let mut units: BTreeMap<u64, (u64, u64, f64)> = BTreeMap::new();
        for (row, pair) in cells.rows.iter().zip(pairs) {
            let unit = units.entry(row.unit).or_default();
            unit.0 += 1;
            if row.variants[0] != row.variants[1] {
                unit.1 += 1;
                unit.2 += pair.candidate - pair.baseline;
            }
        }
        let changed = || units.values().filter(|unit| unit.1 > 0);
        Self {
            lost: changed().filter(|unit| unit.2 < 0.0).count() as u64,
            gained: changed().filter(|unit| unit.2 >= 0.0).count() as u64,
            units: units.len() as u64,
            items: (changed().map(|unit| unit.1).sum(), cells.rows.len() as u64),
            largest: units.values().map(|unit| unit.0).max().unwrap_or(1),
        }
    }

    fn share(&self) -> f64 {
        self.items.0 as f64 / self.items.1 as f64
    }

    fn groups(&self) -> [(f64, u64); 3] {
        let same = self.units - self.lost - self.gained;
        [(-1.0, self.lost), (0.0, same), (1.0, self.gained)]
    }

    fn are_rare(&self, alpha: f64) -> bool {
        variance_is_unseen(&self.groups(), self.units, alpha)
    }

    /// The exact bound on how many units can change unseen, times the most that one can do.
    fn hold_back(&self, found: &mut TestResult, weighing: &Rule) {
        let share = (self.largest * self.units) as f64 / self.items.1 as f64;
        let width = weighing.range.width() * share;
        let Rule { alpha, margin, .. } = *weighing;
        let bound = unseen(&self.groups(), self.units, width, alpha, margin);
        found.lower = found.lower.min(bound.lower);
        found.upper = found.upper.max(bound.upper);
        found.p_regressed = found.p_regressed.max(bound.p_regressed);
        found.p_pass = found.p_pass.max(bound.p_pass);
        found.seed = None;
    }
}

/// A value that single items define says nothing of what others would do.
fn nothing(n: u64, means: [f64; 2]) -> TestResult {
    let why = "without some single items the value is undefined: there are too few to judge";
    TestResult { notes: vec![why.into()], ..TestResult::unbounded("none", n, means) }
}

/// Each item's pseudo-values in both variants; their mean difference is that of the values.
fn pseudo_pairs(cells: &Cells<'_, 2>, metric: &dyn CorpusMetric) -> Option<Vec<Pair>> {
    let of = |variant| {
        let values = |sums: &[f64]| vec![metric.value(sums)];
        cells.pseudo_values(metric, variant, values).pop().flatten()
    };
    let (before, after) = (of(0)?, of(1)?);
    let pair = |(row, &cell): (&Row<'_, 2>, &usize)| Pair {
        baseline: before[cell],
        candidate: after[cell],
        cluster: row.cluster,
        unit: row.unit,
    };
    Some(cells.rows.iter().zip(&cells.cell_of).map(pair).collect())
}

/// How far one item may move the difference, on the scale of one observation: what no item showed
/// may be as much.
fn reach_of(
    cells: &Cells<'_, 2>,
    metric: &dyn CorpusMetric,
    pairs: &[Pair],
    rule: &Rule,
) -> ScoreRange {
    let largest = [0, 1].into_iter().filter_map(|variant| cells.leverage(metric, variant));
    let told = largest.fold(0.0, f64::max);
    let spread = |of: fn(&Pair) -> f64| {
        let (low, high) = pairs
            .iter()
            .map(of)
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        high - low
    };
    let seen = spread(|pair| pair.baseline).max(spread(|pair| pair.candidate));
    let width = Some(rule.range.width()).filter(|width| width.is_finite()).unwrap_or(0.0);
    let widest = if told > 0.0 { told } else { 2.0 * seen };
    ScoreRange { low: 0.0, high: widest.max(seen).max(width).max(2.0 * rule.margin) }
}

/// What the paired bootstrap of the difference leaves of the bounds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the number of resamples"
)]
fn hold_back(found: &mut TestResult, cells: &Cells<'_, 2>, metric: &dyn CorpusMetric, rule: &Rule) {
    let difference = |sums: &[Vec<f64>; 2]| Some(metric.value(&sums[1])? - metric.value(&sums[0])?);
    let drawn = resampled(cells, metric, rule.resamples, difference);
    let mut values: Vec<f64> = drawn.iter().copied().flatten().collect();
    values.sort_unstable_by(f64::total_cmp);
    // What is not defined counts as extreme on both sides.
    let undefined = drawn.len() - values.len();
    let total = (drawn.len() + 1) as f64;
    let rank = ((rule.alpha * total * (1.0 + 1e-12)) as usize).checked_sub(undefined + 1);
    let ends = rank.and_then(|at| Some((values.get(at)?, values.get(values.len() - 1 - at)?)));
    let (lower, upper) =
        ends.map_or((f64::NEG_INFINITY, f64::INFINITY), |(&lower, &upper)| (lower, upper));
    found.lower = found.lower.min(lower);
    found.upper = found.upper.max(upper);
    let share = |extreme: usize| (1 + extreme + undefined) as f64 / total;
    let not_below = values.len() - values.partition_point(|&value| value < 0.0);
    let beyond = values.partition_point(|&value| value <= -rule.margin);
    found.p_regressed = found.p_regressed.max(share(not_below));
    found.p_pass = found.p_pass.max(share(beyond));
    found.seed = Some(cells.seed());
}
