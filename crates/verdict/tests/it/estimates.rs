//! Estimates of one run: which interval, and what few or equal scores give.

use evalmark_core::estimate::Estimate;
use evalmark_verdict::{Accumulator, ScoreRange, cluster_mean, estimate, mean_t, wilson};

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
