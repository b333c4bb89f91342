//! What a few human labels cannot have shown, taken into a corrected comparison.

use super::Item;
use crate::clustered;
use crate::continuous::counted;
use crate::few_changed::{Clusters, Ends, FewChanged};
use crate::paired_t::TEvidence;
use crate::rare_events::{Unseen, unseen, variance_is_unseen};
use crate::rule::Rule;
use crate::running_moments::Moments;
use crate::special::student_upper;

/// Where labels hardly vary, or hardly differ from the judge, what so few of them cannot have
/// seen bounds the mean: a standard error of nearly nothing does not.
pub(super) fn hold_back(
    found: &mut TEvidence,
    y: &[f64],
    judged: &[f64],
    rest: &[f64],
    rule: &Rule,
) {
    let n = y.len() as u64;
    let labels = counted(y.iter().copied(), rule.range);
    let errors = counted(y.iter().zip(judged).map(|(y, f)| y - f), rule.range);
    let width = rule.range.width();
    let bound = if variance_is_unseen(&labels, n, rule.alpha) {
        unseen(&labels, n, width, rule.alpha, rule.margin)
    } else if variance_is_unseen(&errors, n, rule.alpha) {
        // The judge's own mean, and how far the judge may be off.
        let errors = unseen(&errors, n, 2.0 * width, rule.alpha, rule.margin);
        let judge = Moments::of(rest).and_then(|rest| {
            let half = student_upper(rule.alpha, rest.n as f64 - 1.0) * rest.stderr()?;
            Some((rest.mean - half, rest.mean + half))
        });
        let Some((low, high)) = judge else { return };
        Unseen {
            lower: errors.lower + low,
            upper: errors.upper + high,
            p_regressed: 0.0,
            p_pass: 0.0,
        }
    } else {
        return;
    };
    found.lower = found.lower.min(bound.lower);
    found.upper = found.upper.max(bound.upper);
    let beyond = |is: bool, p: f64| if is { 1.0 } else { p };
    found.p_pass = found.p_pass.max(beyond(bound.lower < -rule.margin, bound.p_pass));
    found.p_regressed = found.p_regressed.max(beyond(bound.upper >= 0.0, bound.p_regressed));
}

/// The same where the labels of nearly all clusters do the same: clusters are the sample.
pub(super) fn hold_back_clusters(found: &mut TEvidence, items: &[Item], rule: &Rule) {
    let width = rule.range.width();
    let few = |ends: f64, of: &dyn Fn(&Item, f64) -> f64| {
        let labelled = items.iter().filter_map(|item| {
            let (before, after) = item.label?;
            Some((of(item, after - before), item.pair.unit))
        });
        FewChanged::find(&Clusters::of(labelled), Ends { low: -ends, high: ends })
    };
    let (lower, upper) = if let Some(labels) = few(width, &|_, label| label) {
        (labels.lower(rule.alpha), labels.upper(rule.alpha))
    } else if let Some(errors) = few(2.0 * width, &|item, label| label - item.predicted()) {
        // The judge's own mean, and how far the judge may be off.
        let rest = items.iter().filter(|item| item.label.is_none());
        let rest: Vec<_> = rest.map(|item| (item.predicted(), item.pair.unit)).collect();
        let (values, names): (Vec<f64>, Vec<u64>) = rest.into_iter().unzip();
        let judge = clustered::cluster_mean(&values, &names);
        let judge = judge.and_then(|judge| judge.interval(1.0 - 2.0 * rule.alpha));
        let Some(judge) = judge else { return };
        (errors.lower(rule.alpha) + judge.low, errors.upper(rule.alpha) + judge.high)
    } else {
        return;
    };
    found.lower = found.lower.min(lower);
    found.upper = found.upper.max(upper);
    if lower < -rule.margin {
        found.p_pass = 1.0;
    }
    if upper >= 0.0 {
        found.p_regressed = 1.0;
    }
}
