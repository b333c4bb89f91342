//! Metrics of which less is better: the same answers, told the other way round.

use crate::common::{binary, item, subject, variant};
use evalmark_core::metric::{Direction, Range};
use evalmark_core::verdict::{Answer, Comparison};
use evalmark_verdict::{Interim, ItemScore, Reason, Rule, Stopping, compare, leaderboard, minimum};

fn lower(margin: f64, range: Range) -> Rule {
    Rule::new(margin, 0.05).of_metric(range, Direction::Lower)
}

fn judge(before: &[ItemScore], after: &[ItemScore], rule: &Rule) -> Comparison {
    compare(&subject(), before, after, rule).expect("the variants are sound").comparison
}

/// Error rates of `n` items around a level.
fn errors(n: usize, level: f64) -> Vec<ItemScore> {
    variant((0..n).map(|i| (level + 0.1 * (i as f64 * 1.7).sin()).max(0.0)))
}

#[test]
fn a_rise_is_the_loss() {
    let rule = lower(0.02, Range::Open);
    let (good, bad) = (errors(200, 0.2), errors(200, 0.3));
    let found = judge(&good, &bad, &rule);
    assert_eq!(found.answer, Answer::Regressed, "{found:?}");
    assert!(found.says.contains("rose from 0.200 to 0.300: a real rise"), "{}", found.says);
    assert!(found.estimate.is_some_and(|rise| (rise - 0.1).abs() < 1e-9), "{found:?}");
    assert!(found.lower <= found.estimate && found.estimate <= found.upper, "{found:?}");
    let found = judge(&bad, &good, &rule);
    assert_eq!(found.answer, Answer::Improved, "{found:?}");
    assert!(found.says.contains("fell from 0.300 to 0.200: a real improvement"), "{}", found.says);
    assert_eq!((found.direction, found.range), (Direction::Lower, Range::Open));
}

/// Swapping right and wrong turns a metric around, and changes nothing else.
#[test]
fn shares_of_errors_are_judged_as_shares_of_hits() {
    for (n, lost, gained) in [(100, 9, 1), (300, 4, 4), (80, 0, 0), (200, 1, 12)] {
        let hits = binary(n, lost, gained);
        let misses = hits.clone().map(|variant| {
            let missed = |item: ItemScore| ItemScore { sum: 1.0 - item.sum, ..item };
            variant.into_iter().map(missed).collect::<Vec<_>>()
        });
        let up = judge(&hits[0], &hits[1], &Rule::new(0.03, 0.05));
        let down = judge(&misses[0], &misses[1], &lower(0.03, Range::Binary));
        assert_eq!((up.answer, up.method), (down.answer, down.method));
        assert_eq!((up.p_pass, up.p_regressed), (down.p_pass, down.p_regressed));
        let turned = |value: Option<f64>| value.map(|value| 0.0 - value);
        assert_eq!((up.lower, up.upper), (turned(down.upper), turned(down.lower)));
        assert_eq!(up.baseline_mean.map(|mean| 1.0 - mean), down.baseline_mean);
    }
}

#[test]
fn what_changed_for_the_worse_comes_first() {
    let before = variant([0.5, 0.5, 0.5, 0.5]);
    let after = variant([0.1, 0.5, 0.9, 0.6]);
    let judged = compare(&subject(), &before, &after, &lower(0.1, Range::Open)).expect("sound");
    let flips: Vec<_> = judged.flips.iter().map(|flip| (flip.baseline, flip.candidate)).collect();
    assert_eq!(flips, [(0.5, 0.9), (0.5, 0.6), (0.5, 0.1)]);
}

#[test]
fn an_open_range_lets_equal_runs_pass() {
    let run = errors(3000, 0.2);
    assert_eq!(judge(&run, &run, &lower(0.02, Range::Open)).answer, Answer::Pass);
    let few = errors(20, 0.2);
    assert_eq!(judge(&few, &few, &lower(0.02, Range::Open)).answer, Answer::Inconclusive);
}

#[test]
fn a_maximum_takes_the_place_of_a_minimum() {
    let check = |level: f64, max: f64, answer: Answer, part: &str| {
        let judged = minimum(&subject(), &errors(200, level), max, &lower(0.03, Range::Open));
        let found = judged.expect("sound").comparison;
        assert_eq!((found.answer, found.maximum, found.minimum), (answer, Some(max), None));
        assert!(found.says.contains(part), "{}", found.says);
        assert!(found.lower <= found.estimate && found.estimate <= found.upper, "{found:?}");
    };
    check(0.2, 0.3, Answer::Pass, ", and the maximum is 0.3");
    check(0.4, 0.3, Answer::Regressed, "which is above the maximum of 0.3");
    check(0.3, 0.301, Answer::Inconclusive, "whether the maximum of 0.301 is met");
}

#[test]
fn a_board_has_the_lowest_first() {
    let (good, bad) = (errors(100, 0.2), errors(100, 0.4));
    let found = leaderboard(&[&bad, &good], &lower(0.03, Range::Open)).expect("sound");
    let order: Vec<_> = found.places.iter().map(|place| place.variant).collect();
    assert_eq!(order, [1, 0]);
    assert!(found.pairs[0].differ);
}

#[test]
fn a_run_stops_at_a_rise() {
    let rule = lower(0.03, Range::Unit);
    let planned: Vec<_> = (0..400).map(|key| item(key, 0.0)).collect();
    let stop = |level: f64| {
        let mut stopping = Stopping::new(&rule, &planned, 1, 7).expect("a bounded metric");
        let order = stopping.order().to_vec();
        let before: Vec<_> = order.iter().map(|&key| item(key, 0.2)).collect();
        let after: Vec<_> = order.iter().map(|&key| item(key, level)).collect();
        match stopping.look(&before, &after) {
            Interim::Stop(stop) => Some(stop.reason),
            Interim::Continue => None,
        }
    };
    assert_eq!(stop(0.6), Some(Reason::Drop));
    assert_eq!(stop(0.0), Some(Reason::NoDrop));
}
