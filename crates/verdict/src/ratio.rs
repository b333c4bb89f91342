//! Latency, cost, tokens and their speed: how many times as much as the baseline.
//!
//! Each item's ratio is taken as a logarithm, and the mean of those is tested like any difference
//! of scores (t and the studentised bootstrap, CR1 in clusters): its exponential is the geometric
//! mean ratio. A quantile is compared as a whole (`quantile.rs`).
//!
//! What has no ratio has a defined one all the same. An item's ratio counts as at most
//! [`MOST`] and at least one in [`MOST`], so that no single answer decides, and so that there is
//! a worst case for what is missing or was never seen: zero against zero is 1, something against
//! zero [`MOST`]. A missing answer counts as [`MOST`] times the other variant's for a pass and as one
//! in [`MOST`] for a regression; the other way round where more is better.
//!
//! Where more is better, the two variants change places on the way in and on the way out: every test asks
//! whether the candidate needs more than the baseline, and one of speeds whether the baseline has more.

use evalmark_core::metric::Direction;
use evalmark_core::number_format::{count, counted, declared_percent, detectable_percent, percent};
use evalmark_core::verdict::{Answer, Comparison, Measure};

use crate::clustered;
use crate::compare::{Decision, Flips, match_variants};
use crate::continuous;
use crate::decide::{Case, Cause, Kind};
use crate::explain::{Outcome, absent};
use crate::item_scores::ItemScores;
use crate::items::{CompareError, ComparisonSubject, FlipAt};
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

/// Compares amounts (latency, cost, tokens, their speed), item by item.
///
/// The rule's `margin` is the largest acceptable growth as a share (0.1 lets it grow by a tenth), or the
/// largest acceptable drop where the rule's direction says that more is better;
/// its range plays no part. An item's amount is its mean over the epochs, so a quantile is one of
/// items, not of requests.
pub fn compare_ratio<'a>(
    subject: &ComparisonSubject,
    baseline: impl Into<ItemScores<'a>>,
    candidate: impl Into<ItemScores<'a>>,
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
    let better = rule.direction;
    let margin = match better {
        Direction::Lower => rule.margin.ln_1p(),
        // A drop to nothing or below: no ratio is as small.
        Direction::Higher if rule.margin >= 1.0 => f64::INFINITY,
        Direction::Higher => -(-rule.margin).ln_1p(),
    };
    let logs = Rule { margin, range: ScoreRange { low: 0.0, high: MOST.ln() }, ..rule.clone() };
    match_variants(subject, [baseline.into(), candidate.into()], &rule, |mut matched| {
        let variants = matched.variants;
        matched.comparison.measure = Measure::Ratio;
        let case = Case::build(Kind::Ratio(of), matched.missing, &logs, |assumption| {
            weigh(&amounts(variants, assumption, better), of, &logs)
        });
        let units = match of {
            RatioOf::GeometricMean if rule.keeps_units => {
                Some(amounts(variants, matched.missing.cautious(), better))
            }
            _ => None,
        };
        let judged = matched.decide(case, &flips(variants, &rule));
        match units {
            Some(amounts) => judged.with_units(&log_pairs(&amounts)),
            None => judged,
        }
    })
}

/// Both variants' amounts under an assumption, in order of the items' keys, so that less is better: where
/// more is, the variants change places.
fn amounts(variants: Variants<'_>, assumption: Assumption, better: Direction) -> Vec<Pair> {
    // How many times the baseline's a candidate's missing answer is at its worst.
    let (worst, worst_of_all) = match better {
        Direction::Lower => (MOST, [0.0, f64::INFINITY]),
        Direction::Higher => (1.0 / MOST, [f64::INFINITY, 0.0]),
    };
    let one = |&(b, c): &Places| {
        let (before, after) = (variants.baseline.get(b), variants.candidate.get(c));
        let (seen_before, seen_after) = (before.mean(AMOUNTS), after.mean(AMOUNTS));
        let (baseline, candidate) = match assumption {
            Assumption::Complete => (seen_before?, seen_after?),
            Assumption::WorstForCandidate => (
                before.mean_with(seen_after.map_or(worst_of_all[0], |a| a / worst), AMOUNTS),
                after.mean_with(seen_before.map_or(worst_of_all[1], |b| b * worst), AMOUNTS),
            ),
            Assumption::BestForCandidate => {
                let before = seen_before?;
                (before, after.mean_with(before / worst, AMOUNTS))
            }
        };
        let (baseline, candidate) = match better {
            Direction::Lower => (baseline, candidate),
            Direction::Higher => (candidate, baseline),
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

/// The evidence of amounts of which less is better, and the means as they are.
fn weigh(amounts: &[Pair], of: RatioOf, rule: &Rule) -> Option<TestResult> {
    let found = weigh_oriented(amounts, of, rule)?;
    Some(match rule.direction {
        Direction::Lower => found,
        Direction::Higher => TestResult {
            baseline_mean: found.candidate_mean,
            candidate_mean: found.baseline_mean,
            ..found
        },
    })
}

fn weigh_oriented(amounts: &[Pair], of: RatioOf, rule: &Rule) -> Option<TestResult> {
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

/// The items whose amounts differ: the largest loss first.
fn flips(variants: Variants<'_>, rule: &Rule) -> Flips {
    let flip = |&(b, c): &Places| {
        let baseline = variants.baseline.tally(b).mean(AMOUNTS)?;
        let candidate = variants.candidate.tally(c).mean(AMOUNTS)?;
        let at = FlipAt { baseline_index: b, candidate_index: c, baseline, candidate };
        let change = match rule.direction {
            Direction::Lower => log_ratio(baseline, candidate),
            Direction::Higher => log_ratio(candidate, baseline),
        };
        baseline.total_cmp(&candidate).is_ne().then_some((change, at))
    };
    Flips::worst(variants.places.iter().filter_map(flip), rule.max_flips)
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
    let loss = comparison.loss();
    match outcome.answer {
        Answer::Regressed if evidence.estimate <= -case.rule.margin => {
            format!("{moved}: a real {loss}, and larger than the margin of {margin} allows")
        }
        Answer::Regressed => {
            format!("{moved}: a real {loss}, and it may exceed the margin of {margin}")
        }
        Answer::Improved => format!("{moved}: a real improvement"),
        Answer::Pass if evidence.upper < 0.0 => {
            format!("{moved}: a real {loss}, but within the margin of {margin}")
        }
        Answer::Pass if case.rule.direction == Direction::Higher => {
            format!("{moved}: a decrease of {margin} or more is ruled out")
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
    let loss = comparison.loss();
    let says = format!("but {items} cannot tell whether the {loss} exceeds the margin of {margin}");
    let wanted = evidence.reach.items_to_decide.filter(|&wanted| wanted > n);
    let detectable = comparison.detectable_drop.map(detectable_percent);
    says + &match (wanted.map(count), detectable) {
        (Some(wanted), Some(drop)) => format!(
            ": about {wanted} items would decide it, and the smallest {loss} this run could \
             detect is {drop}"
        ),
        (Some(wanted), None) => format!(": about {wanted} items would decide it"),
        (None, Some(drop)) => {
            format!(": the smallest {loss} this run could detect is {drop}")
        }
        (None, None) => String::new(),
    }
}
