//! Scores anywhere in their range: the paired t test and the studentised bootstrap, both of
//! which a verdict needs. Of each pair of bounds the more cautious one counts.

use evalmark_core::number_format::count;
use rayon::prelude::*;

use crate::binary::items_for_identical;
use crate::bootstrap::{Studentised, seed_of};
use crate::intervals::share_upper;
use crate::missing::ScorePair;
use crate::paired_t::TEvidence;
use crate::power::{Level, paired_t_effect, paired_t_n, whole_items};
use crate::rare_events::{Groups, unseen, variance_is_unseen};
use crate::rule::{Rule, ScoreRange};
use crate::running_moments::{Moments, Running};
use crate::test_result::{POWER, Reach, TestResult, deciding_effect, variant_means};

/// Differences closer than this share of the range (2^-40) are one value: 0.8 - 0.7 and
/// 0.7 - 0.6 differ by rounding only.
pub(crate) const GRAIN: f64 = 9.094_947_017_729_282e-13;

/// What continuous pairs say.
pub(crate) fn weigh<P: ScorePair>(pairs: &[P], rule: &Rule) -> Option<TestResult> {
    let n = pairs.iter().map(P::times).sum::<u64>();
    let groups = grouped(pairs, rule.range);
    let moments = moments_of(&groups)?;
    let (baseline_mean, candidate_mean) = variant_means(pairs)?;
    let unseen = variance_is_unseen(&groups, n, rule.alpha);
    let (found, seed) = if unseen {
        (rarely(&groups, &moments, rule), None)
    } else {
        resampled(&groups, &moments, rule)
    };
    let evidence = TestResult {
        method: if unseen { "paired_t+binomial" } else { "paired_t+bootstrap" },
        n,
        baseline_mean,
        candidate_mean,
        estimate: moments.mean,
        lower: found.lower,
        upper: found.upper,
        p_regressed: found.p_regressed,
        p_pass: found.p_pass,
        discordant: None,
        discordance: differing_share(&groups, n),
        reach: reach(&moments, unseen, rule),
        seed,
        notes: notes(&groups, n, rule),
        pass_barred: false,
    };
    Some(evidence.within(rule))
}

/// The pairs' differences, ascending, and how often each occurs.
pub(crate) fn grouped<P: ScorePair>(pairs: &[P], range: ScoreRange) -> Vec<(f64, u64)> {
    let difference = |pair: &P| {
        let (baseline, candidate) = pair.scores();
        candidate - baseline
    };
    if pairs.iter().all(|pair| pair.times() == 1) {
        return counted(pairs.iter().map(difference), range);
    }
    let round = rounding(range);
    let times = |pair: &P| (round(difference(pair)), pair.times());
    let mut groups: Vec<(f64, u64)> = pairs.iter().map(times).collect();
    groups.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    groups
        .chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq())
        .map(|equal| (equal[0].0, equal.iter().map(|group| group.1).sum()))
        .collect()
}

/// Makes values that differ by rounding only one.
fn rounding(range: ScoreRange) -> impl Fn(f64) -> f64 {
    let grain = range.width() * GRAIN;
    // Adding 0 turns -0 into 0.
    move |value: f64| {
        if grain.is_finite() { (value / grain).round() * grain + 0.0 } else { value + 0.0 }
    }
}

/// Distinct values, ascending, and how often each occurs.
pub(crate) fn counted(values: impl Iterator<Item = f64>, range: ScoreRange) -> Vec<(f64, u64)> {
    let mut sorted: Vec<f64> = values.map(rounding(range)).collect();
    sorted.par_sort_unstable_by(f64::total_cmp);
    sorted
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|equal| (equal[0], equal.len() as u64))
        .collect()
}

/// Share of the pairs whose scores differ.
pub(crate) fn differing_share(groups: &Groups, n: u64) -> f64 {
    let equal = groups.iter().find(|g| g.0 == 0.0).map_or(0, |g| g.1);
    (n - equal) as f64 / n as f64
}

pub(crate) fn moments_of(groups: &Groups) -> Option<Moments> {
    let mut running = Running::default();
    for &(value, count) in groups {
        running.push_many(value, count);
    }
    running.moments()
}

/// The t bounds alone; without a standard error, none.
pub(crate) fn student(moments: &Moments, rule: &Rule) -> TEvidence {
    moments.stderr().map_or(TEvidence::NOTHING, |stderr| {
        TEvidence::new(moments.mean, stderr, (moments.n - 1) as f64, rule.alpha, rule.margin)
    })
}

/// Nearly all differences are equal: t, held back by what such a sample cannot have seen.
fn rarely(groups: &Groups, moments: &Moments, rule: &Rule) -> TEvidence {
    let t = student(moments, rule);
    let bound = unseen(groups, moments.n, rule.range.width(), rule.alpha, rule.margin);
    let p_regressed = t.p_regressed.max(bound.p_regressed);
    TEvidence {
        lower: t.lower.min(bound.lower),
        // Where the sign test finds a drop, the mean's upper bound is t's.
        upper: if p_regressed <= rule.alpha { t.upper } else { t.upper.max(bound.upper) },
        p_regressed,
        p_pass: t.p_pass.max(bound.p_pass),
    }
}

/// Of t and the bootstrap the more cautious, and the bootstrap's seed.
pub(crate) fn resampled(
    groups: &Groups,
    moments: &Moments,
    rule: &Rule,
) -> (TEvidence, Option<u64>) {
    let t = student(moments, rule);
    let Some(stderr) = moments.stderr() else { return (t, None) };
    let drawn = Studentised::draw(groups, moments, rule.resamples);
    let found = drawn.hold_back(t, [moments.mean, stderr], moments.n, rule);
    (found, Some(seed_of(groups)))
}

fn reach(moments: &Moments, unseen: bool, rule: &Rule) -> Reach {
    let level = Level::one_sided(rule.alpha);
    let width = rule.range.width();
    let Some(sd) = moments.sd else { return Reach::default() };
    let items = |effect: f64| {
        let by_t =
            if sd > 0.0 { whole_items(paired_t_n(effect / sd, level, POWER)) } else { Some(2) };
        // However little they vary, so many items it takes to rule out rare large drops.
        let by_rarity = items_for_identical((rule.margin / width).min(1.0), rule.alpha);
        if unseen { by_t.max(by_rarity) } else { by_t }
    };
    let by_t = paired_t_effect(moments.n, level, POWER).map(|effect| effect * sd);
    let by_rarity = share_upper(0, moments.n, rule.alpha) * width;
    Reach {
        detectable_drop: by_t
            .map(|drop| if unseen && by_rarity.is_finite() { drop.max(by_rarity) } else { drop }),
        items_needed: items(rule.margin),
        items_to_decide: items(deciding_effect(moments.mean, rule.margin)),
    }
}

fn notes(groups: &Groups, n: u64, rule: &Rule) -> Vec<String> {
    let mut notes = Vec::new();
    let commonest = groups.iter().max_by_key(|g| g.1).map_or((0.0, 0), |g| *g);
    if commonest.0 == 0.0 && variance_is_unseen(groups, n, rule.alpha) {
        let changed = n - commonest.1;
        notes.push(format!(
            "this run cannot show a regression: {} of its items changed, which is too few",
            count(changed)
        ));
    }
    if variance_is_unseen(groups, n, rule.alpha)
        && let Some(least) =
            items_for_identical((rule.margin / rule.range.width()).min(1.0), rule.alpha)
        && n < least
    {
        notes.push(format!(
            "{} items that hardly differ are too few to rule out rare large changes: that takes {}",
            count(n),
            count(least)
        ));
    }
    notes
}
