//! Estimates of one run: which interval, and what few or equal scores give.

use crate::common::item;
use evalmark_core::estimate::Estimate;
use evalmark_verdict::{
    Accumulator, Attempts, ItemScore, NotBinary, ScoreRange, cluster_mean, estimate, mean_t,
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
    let any = pass_estimate(&items, Attempts::Any(2), 0.95).expect("successes or failures");
    // One epoch, or none, says nothing about two attempts.
    assert_eq!(any.n_left_out, 2);
    let values = [(5, 2), (5, 0), (5, 5), (4, 1)].map(|(n, c)| pass_at_k(n, c, 2).expect("k <= n"));
    let found = any.estimate.expect("four items");
    let ends = mean_t(&values, 0.95).expect("four values");
    assert!(near(Some(found.mean), values.iter().sum::<f64>() / 4.0));
    assert!(near(found.ci_high, ends.high.min(1.0)) && near(found.ci_low, ends.low.max(0.0)));
    let all = pass_estimate(&items, Attempts::All(2), 0.95).expect("successes or failures");
    assert!(all.estimate.is_some_and(|all| all.mean < found.mean));
    // All right, all wrong: a proportion, and so with an interval.
    let sure = pass_estimate(&epochs(&[(5, 5); 20]), Attempts::All(3), 0.95).expect("successes");
    let sure = sure.estimate.expect("twenty items");
    assert_eq!((sure.ci_method.as_str(), sure.mean), ("wilson", 1.0));
    assert!(sure.ci_low.is_some_and(|low| low > 0.8 && low < 0.9));
    let none = pass_estimate(&epochs(&[(2, 1)]), Attempts::Any(3), 0.95).expect("a success");
    assert_eq!((none.estimate, none.n_left_out), (None, 1));
    let half = ItemScore { sum: 0.5, ..item(0, 0.0) };
    let error = NotBinary { index: 0, sum: 0.5, n_scored: 1 };
    assert_eq!(pass_estimate(&[half], Attempts::Any(1), 0.95), Err(error));
}
