//! Scores that are all 0 or 1: mid-p McNemar for a regression, Tango's test for a pass.

use crate::evidence::{Evidence, POWER, Reach, deciding_effect};
use crate::mcnemar::{mcnemar_midp, midp_attainable_pairs};
use crate::missing::Pair;
use crate::power::{Level, paired_proportions_drop, paired_proportions_n, whole_items};
use crate::rule::Rule;
use crate::tango::{tango_bounds, tango_p_greater};

/// Whether both scores are exactly 0 or 1.
pub(crate) fn is_binary(pair: &Pair) -> bool {
    let whole = |score: f64| score == 0.0 || score - 1.0 == 0.0;
    whole(pair.baseline) && whole(pair.candidate)
}

/// What binary pairs say.
pub(crate) fn weigh(pairs: &[Pair], rule: &Rule) -> Evidence {
    let n = pairs.len() as u64;
    let (mut only_baseline, mut only_candidate, mut both) = (0, 0, 0);
    for pair in pairs {
        only_baseline += u64::from(pair.baseline > pair.candidate);
        only_candidate += u64::from(pair.candidate > pair.baseline);
        both += u64::from(pair.baseline + pair.candidate > 1.0);
    }
    let share = |k: u64| k as f64 / n as f64;
    let estimate = (only_candidate as f64 - only_baseline as f64) / n as f64;
    let discordance = share(only_baseline + only_candidate);
    let (lower, upper) = tango_bounds(only_candidate, only_baseline, n, rule.alpha);
    Evidence {
        method: "mcnemar_midp+tango",
        n,
        baseline_mean: share(both + only_baseline),
        candidate_mean: share(both + only_candidate),
        estimate,
        lower,
        upper,
        p_regressed: mcnemar_midp(only_baseline, only_candidate).greater,
        p_pass: p_not_below(only_candidate, only_baseline, n, rule.margin),
        discordant: Some((only_baseline, only_candidate)),
        discordance,
        reach: reach(n, discordance, estimate, rule),
        seed: None,
        notes: notes(n, only_baseline + only_candidate, rule),
        pass_barred: false,
    }
}

/// P-value against a drop of `drop` or more; no drop exceeds 1.
pub(crate) fn p_not_below(only_candidate: u64, only_baseline: u64, n: u64, drop: f64) -> f64 {
    if drop >= 1.0 { 0.0 } else { tango_p_greater(only_candidate, only_baseline, n, -drop) }
}

/// Items with which two arms that never differ show that the drop stays within the margin:
/// where Tango's bound z²/(n + z²) reaches it.
pub(crate) fn items_for_identical(margin: f64, alpha: f64) -> Option<u64> {
    let z = crate::special::normal_upper(alpha);
    whole_items((z * z * (1.0 - margin) / margin).max(1.0))
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
        notes.push(format!(
            "this run cannot show a regression: {discordant} of its items changed, and it takes at \
             least {attainable}"
        ));
    }
    if let Some(least) = items_for_identical(rule.margin, rule.alpha)
        && n < least
    {
        notes.push(format!(
            "{n} items are too few to show that a drop stays within the margin, even if nothing \
             had changed: that takes {least}"
        ));
    }
    notes
}
