//! Latency, cost and tokens: how many times as much as the baseline, where less is better.
//!
//! Each item's ratio is taken as a logarithm, and the mean of those is tested like any difference
//! of scores (t and the studentised bootstrap, CR1 in clusters): its exponential is the geometric
//! mean ratio. A quantile is compared as a whole (`quantile.rs`).
//!
//! What has no ratio has a defined one all the same. An item's ratio counts as at most
//! [`MOST`] and at least one in [`MOST`], so that no single answer decides, and so that there is
//! a worst case for what is missing or was never seen: zero against zero is 1, something against
//! zero [`MOST`]. A missing answer counts as [`MOST`] times the other variant's for a pass and as one
//! in [`MOST`] for a regression.

use evalmark_core::number_format::{count, counted, declared_percent, detectable_percent, percent};
use evalmark_core::verdict::{Answer, Comparison, Measure};

use crate::clustered;
use crate::compare::{Decision, Flips, match_variants};
use crate::continuous;
use crate::decide::{Case, Cause, Kind};
use crate::explain::{Outcome, absent};
use crate::items::{CompareError, ComparisonSubject, FlipAt, ItemScore};
use crate::missing::{Assumption, Pair, Variants};
use crate::pairing::Places;
use crate::quantile;
use crate::random::unit_of;
use crate::rule::{Rule, ScoreRange};
use crate::running_moments::Running;
use crate::test_result::TestResult;

/// The largest ratio of one item that counts.
const MOST: f64 = 20.0;

/// Amounts lie between these.
const AMOUNTS: ScoreRange = ScoreRange { low: 0.0, high: f64::INFINITY };

/// Which ratio of two variants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RatioOf {
    /// The geometric mean of the items' ratios.
    GeometricMean,
    /// The ratio of a quantile of one variant's items to that of the other's, such as 0.95.
    Quantile(f64),
}

/// Compares amounts of which less is better (latency, cost, tokens), item by item.
///
/// The rule's `margin` is the largest acceptable growth as a share (0.1 lets it grow by a tenth);
/// its range plays no part. An item's amount is its mean over the epochs, so a quantile is one of
/// items, not of requests.
pub fn compare_ratio(
    subject: &ComparisonSubject,
    baseline: &[ItemScore],
    candidate: &[ItemScore],
    of: RatioOf,
    rule: &Rule,
) -> Result<Decision, CompareError> {
    let rule = Rule { range: AMOUNTS, ..rule.clone() };
    rule.check()?;
    if let RatioOf::Quantile(q) = of
        && !(q > 0.0 && q < 1.0)
    {
        return Err(CompareError::Quantile(q));
    }
    let logs = Rule {
        margin: rule.margin.ln_1p(),
        range: ScoreRange { low: 0.0, high: MOST.ln() },
        ..rule.clone()
    };
    match_variants(subject, [baseline, candidate], &rule, |mut matched| {
        let variants = matched.variants;
        matched.comparison.measure = Measure::Ratio;
        let case = Case::build(Kind::Ratio(of), matched.missing, &logs, |assumption| {
            weigh(&amounts(variants, assumption), of, &logs)
        });
        let units = match of {
            RatioOf::GeometricMean => Some(amounts(variants, matched.missing.cautious())),
            RatioOf::Quantile(_) => None,
        };
        let judged = matched.decide(case, &flips(variants, rule.max_flips));
        match units {
            Some(amounts) => judged.with_units(&log_pairs(&amounts)),
            None => judged,
        }
    })
}

/// Both variants' amounts under an assumption, in order of the items' keys.
fn amounts(variants: Variants<'_>, assumption: Assumption) -> Vec<Pair> {
    let one = |&(b, c): &Places| {
        let (before, after) = (&variants.baseline[b], &variants.candidate[c]);
        let (seen_before, seen_after) = (before.mean(AMOUNTS), after.mean(AMOUNTS));
        let (baseline, candidate) = match assumption {
            Assumption::Complete => (seen_before?, seen_after?),
            Assumption::WorstForCandidate => (
                before.mean_with(seen_after.unwrap_or(0.0) / MOST, AMOUNTS),
                after.mean_with(seen_before.map_or(f64::INFINITY, |b| b * MOST), AMOUNTS),
            ),
            Assumption::BestForCandidate => {
                let before = seen_before?;
                (before, after.mean_with(before / MOST, AMOUNTS))
            }
        };
        let cluster = after.cluster.or(before.cluster);
        Some(Pair { baseline, candidate, cluster, unit: unit_of(after.key, cluster) })
    };
    variants.places.iter().filter_map(one).collect()
}

/// The logarithm of baseline over candidate: negative where the candidate needs more.
pub(crate) fn log_ratio(baseline: f64, candidate: f64) -> f64 {
    if baseline.total_cmp(&candidate).is_eq() {
        return 0.0;
    }
    // Something over zero is infinite, and counts as the most.
    let limit = MOST.ln();
    (baseline / candidate).ln().max(-limit).min(limit)
}

fn log_pairs(amounts: &[Pair]) -> Vec<Pair> {
    let log = |pair: &Pair| Pair {
        baseline: 0.0,
        candidate: log_ratio(pair.baseline, pair.candidate),
        ..*pair
    };
    amounts.iter().map(log).collect()
}

fn weigh(amounts: &[Pair], of: RatioOf, rule: &Rule) -> Option<TestResult> {
    let logs = log_pairs(amounts);
    match of {
        RatioOf::Quantile(q) => quantile::weigh(amounts, &logs, q, rule),
        RatioOf::GeometricMean => {
            let found = if clustered::dependent(&logs) {
                clustered::weigh(&logs, rule)?
            } else {
                continuous::weigh(&logs, rule)?
            };
            let mean = |amount: fn(&Pair) -> f64| {
                let mut running = Running::default();
                // An infinite amount stands for a missing answer and has no mean.
                amounts.iter().all(|pair| running.push(amount(pair)));
                running.moments().map_or(0.0, |moments| moments.mean)
            };
            let (baseline_mean, candidate_mean) = (mean(|p| p.baseline), mean(|p| p.candidate));
            Some(TestResult { baseline_mean, candidate_mean, ..found })
        }
    }
}

/// The items whose amounts differ: the largest growth first.
fn flips(variants: Variants<'_>, most: usize) -> Flips {
    let flip = |&(b, c): &Places| {
        let baseline = variants.baseline[b].mean(AMOUNTS)?;
        let candidate = variants.candidate[c].mean(AMOUNTS)?;
        let at = FlipAt { baseline_index: b, candidate_index: c, baseline, candidate };
        baseline.total_cmp(&candidate).is_ne().then(|| (log_ratio(baseline, candidate), at))
    };
    Flips::worst(variants.places.iter().filter_map(flip), most)
}

/// The answer in a sentence.
pub(crate) fn says(
    comparison: &Comparison,
    evidence: &TestResult,
    case: &Case,
    outcome: &Outcome,
    of: RatioOf,
) -> String {
    let margin = declared_percent(comparison.margin);
    let metric = &comparison.metric;
    let what = match of {
        RatioOf::GeometricMean => metric.clone(),
        RatioOf::Quantile(q) => format!("{metric} (quantile {q})"),
    };
    let growth = comparison.estimate.unwrap_or(1.0) - 1.0;
    let moved = match percent(growth) {
        none if none == percent(0.0) => format!("{what} stayed the same"),
        less if growth < 0.0 => format!("{what} fell by {}", less.trim_start_matches('-')),
        more => format!("{what} rose by {more}"),
    };
    match outcome.answer {
        Answer::Regressed if evidence.estimate <= -case.rule.margin => {
            format!("{moved}: a real increase, and larger than the margin of {margin} allows")
        }
        Answer::Regressed => {
            format!("{moved}: a real increase, and it may exceed the margin of {margin}")
        }
        Answer::Improved => format!("{moved}: a real improvement"),
        Answer::Pass if evidence.upper < 0.0 => {
            format!("{moved}: a real increase, but within the margin of {margin}")
        }
        Answer::Pass => format!("{moved}: an increase of {margin} or more is ruled out"),
        _ if outcome.cause == Some(Cause::Missing) => {
            format!("{moved}, but the answer depends on {}", absent(case.missing))
        }
        _ => format!("{moved}, {}", undecided(comparison, evidence, &margin)),
    }
}

fn undecided(comparison: &Comparison, evidence: &TestResult, margin: &str) -> String {
    let n = evidence.n;
    let items = counted(n, "item");
    let says =
        format!("but {items} cannot tell whether the increase exceeds the margin of {margin}");
    let wanted = evidence.reach.items_to_decide.filter(|&wanted| wanted > n);
    let detectable = comparison.detectable_drop.map(detectable_percent);
    says + &match (wanted.map(count), detectable) {
        (Some(wanted), Some(drop)) => format!(
            ": about {wanted} items would decide it, and the smallest increase this run could \
             detect is {drop}"
        ),
        (Some(wanted), None) => format!(": about {wanted} items would decide it"),
        (None, Some(drop)) => {
            format!(": the smallest increase this run could detect is {drop}")
        }
        (None, None) => String::new(),
    }
}
