//! Scores that are all 0 or 1: mid-p McNemar for a regression, Tango's statistic for a pass, with
//! exact probabilities in place of its normal ones.

use crate::mcnemar::{mcnemar_midp, midp_attainable_pairs};
use crate::missing::ScorePair;
use crate::power::{Level, paired_proportions_drop, paired_proportions_n, whole_items};
use crate::rule::Rule;
use crate::test_result::{POWER, Reach, TestResult, deciding_effect};
use crate::unconditional::{NUISANCE_SHARE, Ranked};
use evalmark_core::number_format::count;

/// Whether both scores are exactly 0 or 1.
pub(crate) fn is_binary<P: ScorePair>(pair: &P) -> bool {
    let whole = |score: f64| score == 0.0 || score - 1.0 == 0.0;
    let (baseline, candidate) = pair.scores();
    whole(baseline) && whole(candidate)
}

/// What binary pairs say.
pub(crate) fn weigh<P: ScorePair>(pairs: &[P], rule: &Rule) -> TestResult {
    let n = pairs.iter().map(P::times).sum::<u64>();
    let (mut only_baseline, mut only_candidate, mut both) = (0, 0, 0);
    for pair in pairs {
        let ((baseline, candidate), times) = (pair.scores(), pair.times());
        let of = |is_it: bool| if is_it { times } else { 0 };
        only_baseline += of(baseline > candidate);
        only_candidate += of(candidate > baseline);
        both += of(baseline + candidate > 1.0);
    }
    let share = |k: u64| k as f64 / n as f64;
    let estimate = (only_candidate as f64 - only_baseline as f64) / n as f64;
    let discordance = share(only_baseline + only_candidate);
    let gained = Ranked::new(only_candidate, only_baseline, n, rule.alpha);
    let lost = Ranked::new(only_baseline, only_candidate, n, rule.alpha);
    let lower_of = |ranked: &Option<Ranked>| ranked.as_ref().map_or(-1.0, Ranked::lower);
    let p_of = |ranked: &Option<Ranked>, difference| {
        ranked.as_ref().map_or(1.0, |ranked| ranked.p_greater(difference))
    };
    let (lower, upper) = (lower_of(&gained), -lower_of(&lost));
    TestResult {
        method: "mcnemar_midp+tango",
        n,
        baseline_mean: share(both + only_baseline),
        candidate_mean: share(both + only_candidate),
        estimate,
        lower,
        upper,
        // Mid-p may be wrong a little too often: a regression also needs the exact bound below 0.
        p_regressed: mcnemar_midp(only_baseline, only_candidate).greater,
        // No drop exceeds 1.
        p_pass: if rule.margin >= 1.0 { 0.0 } else { p_of(&gained, -rule.margin) },
        discordant: Some((only_baseline, only_candidate)),
        discordance,
        reach: reach(n, discordance, estimate, rule),
        seed: None,
        notes: notes(n, only_baseline + only_candidate, rule),
        pass_barred: false,
    }
}

/// Items with which two variants that never differ show that the drop stays within the margin:
/// without it, (1 - margin)ⁿ is how likely they are never to differ.
pub(crate) fn items_for_identical(margin: f64, alpha: f64) -> Option<u64> {
    let spent = alpha * NUISANCE_SHARE;
    whole_items(((alpha - spent).ln() / (-margin).ln_1p()).max(1.0))
}

fn reach(n: u64, discordance: f64, estimate: f64, rule: &Rule) -> Reach {
    let level = Level::one_sided(rule.alpha);
    let needed = |effect: f64| {
        let effect = effect.min(1.0);
        whole_items(paired_proportions_n(discordance.max(effect), effect, level, POWER))
    };
    Reach {
        detectable_drop: paired_proportions_drop(n, discordance, level, POWER),
        items_needed: needed(rule.margin),
        items_to_decide: needed(deciding_effect(estimate, rule.margin)),
    }
}

fn notes(n: u64, discordant: u64, rule: &Rule) -> Vec<String> {
    let mut notes = Vec::new();
    let attainable = midp_attainable_pairs(rule.alpha);
    if discordant < attainable {
        notes.push(match discordant {
            0 => format!("all {} items score as in the baseline", count(n)),
            _ => format!(
                "only {} of {} items changed; a significant drop takes at least {}",
                count(discordant),
                count(n),
                count(attainable)
            ),
        });
    }
    if let Some(least) = items_for_identical(rule.margin, rule.alpha)
        && n < least
    {
        let n = count(n);
        notes.push(format!(
            "{n} items are too few to show that a drop stays within the margin, even if none \
             changes: that takes {}",
            count(least)
        ));
    }
    notes
}
