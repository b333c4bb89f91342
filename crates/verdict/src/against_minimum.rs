//! One run against a minimum (`min: 0.85`): met, not met, or cannot tell. An interval decides,
//! never the point.
//!
//! The mean less the minimum is weighed as a difference with a margin of 0: the minimum is met
//! when the lower bound reaches it, and not met when the upper bound stays below it. Binary
//! scores: Wilson's bound (JASA 1927) and the exact binomial tail must agree, because Wilson's
//! bound alone is wrong too often close to 0 and 1. Clusters: CR1. Others: Student's t and the
//! studentised bootstrap, both.

use evalmark_core::comparison_text::ComparisonText;
use evalmark_core::metric::Direction;
use evalmark_core::number_format::{count, counted};
use evalmark_core::verdict::{Answer, Comparison, Counts, Measure};

use crate::binary::is_binary;
use crate::clustered;
use crate::compare::{Decision, Flips, empty};
use crate::continuous::{grouped, moments_of, resampled, student};
use crate::decide::{Case, Cause, Kind};
use crate::explain::{DirectionTerms, Outcome};
use crate::intervals::{clopper_pearson, share_p_below, share_upper, wilson};
use crate::item_scores::ItemScores;
use crate::items::{CompareError, ComparisonSubject, Side};
use crate::missing::{Assumption, Missing, Pair};
use crate::paired_t::TEvidence;
use crate::pairing::{Changes, by_key};
use crate::power::{Level, paired_t_effect, paired_t_n, whole_items};
use crate::random::unit_of;
use crate::rare_events::{Groups, variance_is_unseen};
use crate::rule::{Rule, ScoreRange};
use crate::running_moments::Moments;
use crate::special::{beta_cdf, bisect, normal_upper};
use crate::test_result::{POWER, Reach, TestResult, variant_means};

/// Judges one run's mean against a minimum: `pass` when it is met, `regressed` when it is not,
/// `inconclusive` when the items cannot tell. Where lower scores are better, it is a maximum.
///
/// The rule's margin and share of pairs play no part. Missing answers count at their worst for a
/// pass and at their best for a failure, as in a comparison.
pub fn minimum<'a>(
    subject: &ComparisonSubject,
    items: impl Into<ItemScores<'a>>,
    min: f64,
    rule: &Rule,
) -> Result<Decision, CompareError> {
    rule.check()?;
    let ScoreRange { low, high } = rule.range;
    if !(min.is_finite() && (low..=high).contains(&min)) {
        return Err(CompareError::Minimum { minimum: min, low, high });
    }
    let items = items.into();
    let comparison = blank(subject, items, min, &Rule { margin: 0.0, ..rule.clone() });
    let (items, min) = (items.oriented(rule), rule.restore(min));
    let rule = Rule { margin: 0.0, ..rule.oriented() };
    let order = by_key(Side::Candidate, items, rule.range)?;
    if items.is_empty() {
        return Ok(Decision::refused(comparison, Cause::NoItems, Changes::default()));
    }
    let mut missing = Missing::default();
    for item in items.tallies() {
        missing.candidate.take(item, 1);
    }
    let case = Case::build(Kind::Level(min), missing, &rule, |assumption| {
        weigh(&levels(items, &order, assumption, min, rule.range), min, &rule)
    });
    Ok(Decision::decided(comparison, case, &Flips::default(), Changes::default()))
}

pub(crate) fn blank(
    subject: &ComparisonSubject,
    items: ItemScores<'_>,
    min: f64,
    rule: &Rule,
) -> Comparison {
    let missing = items.tallies().filter(|item| item.n_scored == 0).count() as u64;
    let planned = items.len() as u64;
    let counts = Counts {
        candidate_planned: planned,
        paired: planned - missing,
        candidate_missing: missing,
        ..Counts::default()
    };
    Comparison {
        measure: Measure::Level,
        minimum: Some(min).filter(|_| rule.direction == Direction::Higher),
        maximum: Some(min).filter(|_| rule.direction == Direction::Lower),
        says: format!("{}: there are no items to estimate from", subject.metric),
        ..empty(subject, counts, rule)
    }
}

/// Each score against the minimum, in order of the items' keys.
fn levels(
    items: ItemScores<'_>,
    order: &[usize],
    assumption: Assumption,
    min: f64,
    range: ScoreRange,
) -> Vec<Pair> {
    let level = |&at: &usize| {
        let item = items.get(at);
        let candidate = match assumption {
            Assumption::Complete => item.mean(range)?,
            Assumption::WorstForCandidate => item.mean_with(range.low, range),
            Assumption::BestForCandidate => item.mean_with(range.high, range),
        };
        let unit = unit_of(item.key, item.cluster);
        Some(Pair { baseline: min, candidate, cluster: item.cluster, unit })
    };
    order.iter().filter_map(level).collect()
}

fn weigh(levels: &[Pair], min: f64, rule: &Rule) -> Option<TestResult> {
    let found = if levels.is_empty() {
        return None;
    } else if clustered::dependent(levels) {
        clustered::weigh_level(levels, min, rule)?
    } else if rule.range.is_unit() && levels.iter().all(|level| is_binary(&whole(level))) {
        binary(levels, min, rule)?
    } else {
        graded(levels, min, rule)?
    };
    Some(found.within_range(min, rule))
}

/// The score alone: the minimum need not be 0 or 1.
fn whole(level: &Pair) -> Pair {
    Pair { baseline: level.candidate, ..*level }
}

fn binary(levels: &[Pair], min: f64, rule: &Rule) -> Option<TestResult> {
    let n = levels.len() as u64;
    let hits = levels.iter().filter(|level| level.candidate > 0.5).count() as u64;
    let share = hits as f64 / n as f64;
    let confidence = 1.0 - 2.0 * rule.alpha;
    let (wilson, exact) = (wilson(hits, n, confidence)?, clopper_pearson(hits, n, confidence)?);
    let (k, misses) = (hits as f64, (n - hits) as f64);
    // P(X >= k) and P(X <= k) of n draws whose chance is the minimum.
    let at_least = if hits == 0 { 1.0 } else { beta_cdf(k, misses + 1.0, min, 1.0 - min) };
    let at_most = if hits == n { 1.0 } else { beta_cdf(misses, k + 1.0, 1.0 - min, min) };
    Some(TestResult {
        lower: wilson.low.min(exact.low) - min,
        upper: wilson.high.max(exact.high) - min,
        p_regressed: at_most,
        p_pass: at_least,
        reach: binary_reach(n, share, min, rule.alpha),
        notes: binary_notes(n, min, rule.alpha),
        ..TestResult::unbounded("wilson+binomial", n, [min, share])
    })
}

/// The usual sample size of one proportion against a fixed one, and what `n` items detect.
fn binary_reach(n: u64, share: f64, min: f64, alpha: f64) -> Reach {
    let needed = |p: f64| {
        let spread = |p: f64| (p * (1.0 - p)).sqrt();
        let root = normal_upper(alpha) * spread(min) + normal_upper(1.0 - POWER) * spread(p);
        (root / (p - min)).powi(2)
    };
    let items = whole_items(needed(share));
    let reachable = min > 0.0 && needed(0.0) <= n as f64;
    let drop = reachable.then(|| bisect(0.0, min, |drop| needed(min - drop) > n as f64));
    Reach { detectable_drop: drop, items_needed: None, items_to_decide: items }
}

/// Whether a run of `n` items could meet the minimum at all: with every item right, minⁿ <= α.
fn binary_notes(n: u64, min: f64, alpha: f64) -> Vec<String> {
    let least = whole_items((alpha.ln() / min.ln()).max(1.0));
    let note = match least {
        Some(least) if n < least => format!(
            "this run cannot meet the minimum: even with every answer right, {} items are needed",
            count(least)
        ),
        None if min >= 1.0 => "no run can show that every item would be right".to_owned(),
        _ => return Vec::new(),
    };
    vec![note]
}

pub(crate) fn graded(levels: &[Pair], min: f64, rule: &Rule) -> Option<TestResult> {
    let n = levels.len() as u64;
    let groups = grouped(levels, rule.range);
    let moments = moments_of(&groups)?;
    let unseen = variance_is_unseen(&groups, n, rule.alpha);
    let (found, seed) = if unseen {
        (rarely(&groups, &moments, min, rule), None)
    } else {
        resampled(&groups, &moments, rule)
    };
    let method = if unseen { "t+binomial" } else { "t+bootstrap" };
    Some(TestResult {
        lower: found.lower,
        upper: found.upper,
        p_regressed: found.p_regressed,
        p_pass: found.p_pass,
        reach: graded_reach(&moments, rule),
        seed,
        ..TestResult::unbounded(method, n, variant_means(levels)?.into())
    })
}

/// Nearly all scores are equal. What such a sample cannot have seen lies between the commonest
/// score and the end of the range: so far a share of the items, which a binomial bound limits, may
/// lie from it.
fn rarely(groups: &Groups, moments: &Moments, min: f64, rule: &Rule) -> TEvidence {
    let t = student(moments, rule);
    let Some(&(commonest, most)) = groups.iter().max_by_key(|group| group.1) else { return t };
    let n = moments.n;
    let below: u64 = groups.iter().filter(|g| g.0 < commonest).map(|g| g.1).sum();
    let above = n - most - below;
    let share = |k: u64| share_upper(k, n, rule.alpha);
    // How far the rest may lie on either side; a range without an end bounds nothing.
    let (down, up) = (commonest - (rule.range.low - min), rule.range.high - min - commonest);
    let p = |room: f64, k: u64| if room > 0.0 { share_p_below(k, n, room.min(1.0)) } else { 1.0 };
    TEvidence {
        lower: t.lower.min(commonest - down * share(below)),
        upper: t.upper.max(commonest + up * share(above)),
        p_regressed: t.p_regressed.max(p(-commonest / up, above)),
        p_pass: t.p_pass.max(p(commonest / down, below)),
    }
}

fn graded_reach(moments: &Moments, rule: &Rule) -> Reach {
    let Some(sd) = moments.sd.filter(|&sd| sd > 0.0) else { return Reach::default() };
    let level = Level::one_sided(rule.alpha);
    let items = whole_items(paired_t_n(moments.mean / sd, level, POWER));
    let drop = paired_t_effect(moments.n, level, POWER).map(|effect| effect * sd);
    Reach { detectable_drop: drop, items_needed: None, items_to_decide: items }
}

/// The answer in a sentence.
pub(crate) fn says(comparison: &Comparison, case: &Case, outcome: &Outcome) -> String {
    let metric = &comparison.metric;
    let text = ComparisonText::of(comparison);
    let (Some(evidence), Some(mean)) = (&case.complete, &text.candidate) else {
        return format!("{metric}: no item has a score, so there is nothing to decide");
    };
    let (rule, bar) = (&case.rule, &text.margin);
    // The bound against the limit, and the one away from it.
    let (near, far) = match rule.direction {
        Direction::Higher => (text.lower.as_deref(), text.upper.as_deref()),
        Direction::Lower => (text.upper.as_deref(), text.lower.as_deref()),
    };
    let (near, far) = (near.unwrap_or("no bound"), far.unwrap_or("no bound"));
    let DirectionTerms { least, most, limit, beyond, .. } = DirectionTerms::of(rule.direction);
    match outcome.answer {
        Answer::Pass | Answer::Improved => {
            format!("{metric} is {mean}: the run shows {least} {near}, and the {limit} is {bar}")
        }
        Answer::Regressed => {
            format!("{metric} is {mean}: {most} {far}, which is {beyond} the {limit} of {bar}")
        }
        _ if outcome.cause == Some(Cause::Missing) => {
            format!("{metric} is {mean}, but the answer depends on {}", absent(case.missing))
        }
        _ => format!("{metric} is {mean}, {}", undecided(evidence, &text, outcome, rule)),
    }
}

fn undecided(
    evidence: &TestResult,
    text: &ComparisonText,
    outcome: &Outcome,
    rule: &Rule,
) -> String {
    let n = evidence.n;
    let (items, bar) = (counted(n, "item"), &text.margin);
    let words = DirectionTerms::of(rule.direction);
    let mut says = format!("but {items} cannot tell whether the {} of {bar} is met", words.limit);
    if evidence.pass_barred {
        says.push_str(" because they come from too few clusters");
    } else if evidence.p_regressed <= rule.alpha && outcome.p_adjusted > rule.alpha {
        says.push_str(" once all comparisons are taken into account");
    }
    let wanted = evidence.reach.items_to_decide.filter(|&wanted| wanted > n);
    says + &match (wanted, &text.detectable) {
        (Some(wanted), _) => format!(": about {} items would decide it", count(wanted)),
        (None, Some(drop)) => {
            format!(": the smallest {} this run could detect is {drop}", words.miss)
        }
        (None, None) => String::new(),
    }
}

/// "missing answers: 12 of 300".
pub(crate) fn absent(missing: Missing) -> String {
    let candidate = missing.candidate;
    format!("missing answers: {} of {}", count(candidate.missing), count(candidate.planned))
}
