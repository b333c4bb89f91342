//! Estimates of one run: which interval, and what few or equal scores give.

use crate::common::item;
use evalmark_core::estimate::Estimate;
use evalmark_verdict::{
    Accumulator, ItemScore, NotBinary, PassRule, ScoreRange, cluster_mean, estimate, mean_t,
    pass_at_k, pass_estimate, wilson,
};

fn of(scores: &[f64], clusters: &[u64]) -> Estimate {
    let named = scores.iter().enumerate().map(|(i, &s)| (s, clusters.get(i).copied()));
    let found = estimate(named, ScoreRange::UNIT, 0.95).expect("sound scores");
    found.expect("there is an item")
}

fn near(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() < 1e-12)
}

#[test]
fn binary_scores_get_wilson() {
    let found = of(&[1.0, 0.0, 1.0, 1.0, 0.0], &[]);
    let ends = wilson(3, 5, 0.95).expect("five items");
    assert_eq!(found.ci_method, "wilson");
    assert!(near(found.ci_low, ends.low) && near(found.ci_high, ends.high));
    assert!(near(found.stderr, (0.3_f64 / 5.0).sqrt()));
    assert_eq!(found.n_items, 5);
}

#[test]
fn none_and_all_right_have_intervals() {
    for score in [0.0, 1.0] {
        for clusters in [&[][..], &[1, 1, 2, 2, 3, 3][..]] {
            let found = of(&[score; 6], clusters);
            let (low, high) = (found.ci_low.expect("an end"), found.ci_high.expect("an end"));
            assert!(low <= score && score <= high && high - low > 0.2, "{found:?}");
            assert!(low >= 0.0 && high <= 1.0);
        }
    }
}

#[test]
fn other_scores_get_t_within_their_range() {
    let scores = [0.4, 0.7, 0.5, 0.6];
    let found = of(&scores, &[]);
    let ends = mean_t(&scores, 0.95).expect("four items");
    assert_eq!(found.ci_method, "t");
    assert!(near(found.ci_low, ends.low) && near(found.ci_high, ends.high));
    let edge = of(&[0.99, 0.9, 1.0, 0.6], &[]);
    assert!(near(edge.ci_high, 1.0));
}

/// A few equal scores are no certainty: what they have not shown is bounded, or there is no interval.
#[test]
fn equal_scores_have_no_point_for_an_interval() {
    let hundred = ScoreRange { low: 0.0, high: 100.0 };
    let signed = ScoreRange { low: -1.0, high: 1.0 };
    for (score, range, n) in [
        (0.7, ScoreRange::UNIT, 3),
        (0.7, ScoreRange::UNIT, 2),
        (0.0, hundred, 3),
        (100.0, hundred, 4),
        (35.0, hundred, 12),
        (-0.25, signed, 3),
        (1.0, signed, 5),
    ] {
        let found = estimate((0..n).map(|_| (score, None)), range, 0.95).expect("sound");
        let found = found.expect("items");
        let share = 1.0 - 0.025_f64.powf(1.0 / f64::from(n));
        assert!(near(found.ci_low, score - (score - range.low) * share), "{found:?}");
        assert!(near(found.ci_high, score + (range.high - score) * share), "{found:?}");
        assert!(found.ci_high > found.ci_low, "{found:?}");
        assert_eq!(found.ci_method, "t+binomial");
    }
    // One other value among many does not make them certain either.
    let found = of(&[0.7, 0.7, 0.7, 0.7, 0.69], &[]);
    assert!(found.ci_low < Some(0.4) && found.ci_high > Some(0.8), "{found:?}");
    // Without an end there is nothing to bound them by.
    for range in [
        ScoreRange { low: 0.0, high: f64::INFINITY },
        ScoreRange { low: f64::NEG_INFINITY, high: f64::INFINITY },
    ] {
        for clusters in [None, Some(7)] {
            let equal =
                estimate((0..6_u64).map(|i| (12.5, clusters.map(|c| c + i / 2))), range, 0.95);
            let equal = equal.expect("sound").expect("items");
            assert_eq!((equal.ci_low, equal.ci_high), (None, None), "{equal:?}");
            assert_eq!((equal.mean, equal.ci_method.as_str()), (12.5, "none"));
            let apart = estimate((0..6_u32).map(|i| (12.5 + f64::from(i), clusters)), range, 0.95);
            assert!(apart.is_ok());
        }
    }
}

#[test]
fn clusters_get_a_robust_t() {
    let (scores, clusters) = ([0.2, 0.3, 0.9, 0.8, 0.5], [1, 1, 2, 2, 3]);
    let found = of(&scores, &clusters);
    let expected = cluster_mean(&scores, &clusters).expect("five items");
    assert_eq!(found.ci_method, "cluster_t");
    assert!(near(found.stderr, expected.se_cr1.expect("three clusters")));
    // Clusters of one, named or not, are items.
    assert_eq!(of(&scores, &[1, 2, 3, 4, 5]), of(&scores, &[]));
    // An item without a cluster is its own.
    let partly = estimate(
        scores.iter().zip([Some(1), Some(1), Some(2), Some(2), None]).map(|(&s, c)| (s, c)),
        ScoreRange::UNIT,
        0.95,
    );
    let partly = partly.expect("sound scores").expect("an estimate");
    assert!(near(partly.stderr, expected.se_cr1.expect("three clusters")));
}

#[test]
fn one_item_has_no_spread() {
    let found = of(&[0.4], &[]);
    assert_eq!((found.stderr, found.ci_low, found.ci_high), (None, None, None));
    let right = of(&[1.0], &[]);
    assert!(right.stderr.is_none() && right.ci_low.is_some());
    assert!(Accumulator::new(ScoreRange::UNIT).finish(0.95).is_none());
}

#[test]
fn what_is_no_score_is_refused() {
    for value in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
        let mut accumulator = Accumulator::new(ScoreRange::UNIT);
        assert!(accumulator.push(value, None).is_err(), "{value}");
        assert!(accumulator.finish(0.95).is_none());
    }
}

#[test]
fn attempts_are_estimated_over_items() {
    let epochs = |successes: &[(u32, u32)]| -> Vec<ItemScore> {
        let one = |(key, &(n, c)): (usize, &(u32, u32))| ItemScore {
            sum: f64::from(c),
            n_scored: n,
            n_planned: 5,
            ..item(key, 0.0)
        };
        successes.iter().enumerate().map(one).collect()
    };
    let items = epochs(&[(5, 2), (5, 0), (5, 5), (4, 1), (1, 1), (0, 0)]);
    let any = pass_estimate(&items, PassRule::Any(2), 0.95).expect("successes or failures");
    // One epoch, or none, says nothing about two attempts.
    assert_eq!(any.n_left_out, 2);
    let values = [(5, 2), (5, 0), (5, 5), (4, 1)].map(|(n, c)| pass_at_k(n, c, 2).expect("k <= n"));
    let found = any.estimate.expect("four items");
    let ends = mean_t(&values, 0.95).expect("four values");
    assert!(near(Some(found.mean), values.iter().sum::<f64>() / 4.0));
    assert!(near(found.ci_high, ends.high.min(1.0)) && near(found.ci_low, ends.low.max(0.0)));
    let all = pass_estimate(&items, PassRule::All(2), 0.95).expect("successes or failures");
    assert!(all.estimate.is_some_and(|all| all.mean < found.mean));
    // All right, all wrong: a proportion, and so with an interval.
    let sure = pass_estimate(&epochs(&[(5, 5); 20]), PassRule::All(3), 0.95).expect("successes");
    let sure = sure.estimate.expect("twenty items");
    assert_eq!((sure.ci_method.as_str(), sure.mean), ("wilson", 1.0));
    assert!(sure.ci_low.is_some_and(|low| low > 0.8 && low < 0.9));
    let none = pass_estimate(&epochs(&[(2, 1)]), PassRule::Any(3), 0.95).expect("a success");
    assert_eq!((none.estimate, none.n_left_out), (None, 1));
    let half = ItemScore { sum: 0.5, ..item(0, 0.0) };
    let error = NotBinary { index: 0, sum: 0.5, n_scored: 1 };
    assert_eq!(pass_estimate(&[half], PassRule::Any(1), 0.95), Err(error));
}
