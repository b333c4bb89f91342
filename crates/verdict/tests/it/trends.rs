//! Scores over many runs: slopes and changes are told, and steady scores are left alone.

use evalmark_core::{
    history::{Course, Trend},
    metric::Direction,
};
use evalmark_verdict::{ItemScore, TrendRule, trend};
use rayon::prelude::*;

use crate::common::{Draw, item, variant, without_answer};

fn rule() -> TrendRule {
    TrendRule { alpha: 0.05, n_series: 1, direction: Direction::Higher }
}

/// Runs of `n` items, of which a fifth come out by chance; `lost` says which share of the right answers
/// each run loses.
fn runs(seed: u64, n: usize, lost: &[f64]) -> Vec<Vec<ItemScore>> {
    let mut draw = Draw::new(seed);
    let chances: Vec<f64> = (0..n)
        .map(|_| if draw.uniform() < 0.2 { 0.5 } else { f64::from(draw.uniform() < 0.85) })
        .collect();
    let mut one = |lost: &f64| {
        let scores = chances
            .iter()
            .map(|chance| f64::from(draw.uniform() < *chance && draw.uniform() >= *lost));
        variant(scores.collect::<Vec<_>>())
    };
    lost.iter().map(&mut one).collect()
}

/// A loss of so many points more from run to run.
fn sloping(points: f64, n_runs: usize) -> Vec<f64> {
    // 78 answers of a hundred are right.
    (0..n_runs).map(|run| points / 78.0 * run as f64).collect()
}

#[test]
fn the_slope_is_that_of_least_squares() {
    let runs = runs(3, 200, &sloping(1.0, 7));
    let found = trend(&runs, &rule());
    let means: Vec<f64> =
        runs.iter().map(|run| run.iter().map(|item| item.sum).sum::<f64>() / 200.0).collect();
    let middle = means.iter().sum::<f64>() / 7.0;
    let products: f64 =
        means.iter().zip(0_u32..).map(|(mean, run)| (f64::from(run) - 3.0) * (mean - middle)).sum();
    let slope = found.slope.expect("a slope");
    assert!((slope.per_run - products / 28.0).abs() < 1e-12, "{slope:?}");
    assert!(slope.lower < Some(slope.per_run) && slope.upper > Some(slope.per_run));
    assert_eq!(found.n_items, 200);
}

/// One point a run, in 300 items of which one in ten comes out differently each time.
#[test]
fn a_slope_of_one_point_is_called_by_run_eight() {
    let called = |seed: u64| {
        let found = trend(&runs(seed, 300, &sloping(1.0, 8)), &rule());
        u32::from(found.slope.is_some_and(|slope| slope.first_called.is_some()))
    };
    let called: u32 = (0..300_u64).into_par_iter().map(called).sum();
    // 300·(0.8 - 3 sqrt(0.8·0.2/300)); `error-rates` has the rate with more repeats.
    assert!(called >= 219, "{called} of 300");
}

#[test]
fn ten_passes_of_less_than_half_a_point_are_caught() {
    let found = trend(&runs(11, 1500, &sloping(0.4, 10)), &rule());
    assert_eq!(found.course, Course::Worse, "{found:?}");
    let slope = found.slope.expect("a slope");
    assert!(slope.upper < Some(0.0) && slope.lower < Some(-0.004), "{slope:?}");
}

#[test]
fn a_steady_score_is_seldom_called_in_twenty_looks() {
    let called = |seed: u64| {
        let runs = runs(1000 + seed, 150, &[0.0; 20]);
        let looks = (3..=20).map(|n| trend(&runs[..n], &rule()));
        let calls = looks.fold([false; 2], |[slope, change], found| {
            [slope || found.slope_is_called(0.05), change || !found.change_points.is_empty()]
        });
        calls.map(u32::from)
    };
    let sum = |a: [u32; 2], b: [u32; 2]| [a[0] + b[0], a[1] + b[1]];
    let called = (0..300_u64).into_par_iter().map(called).reduce(|| [0; 2], sum);
    // 300·(0.05 + 3 sqrt(0.05·0.95/300)).
    assert!(called.iter().all(|calls| *calls <= 26), "{called:?} of 300");
}

fn places(found: &Trend) -> Vec<usize> {
    found.change_points.iter().map(|change| change.point).collect()
}

#[test]
fn changes_are_found_where_they_are() {
    for (lost, expected) in [
        (vec![0.0, 0.0, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2], vec![4]),
        (vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0], vec![5, 10]),
        (vec![0.1; 9], vec![]),
    ] {
        let found = trend(&runs(5, 400, &lost), &rule());
        assert_eq!(places(&found), expected, "{lost:?}");
        for change in &found.change_points {
            assert!((change.after - change.before).abs() > 0.1 && change.p <= 0.05, "{change:?}");
        }
    }
}

#[test]
fn which_way_is_worse_depends_on_the_metric() {
    let falling = runs(7, 800, &sloping(2.0, 8));
    let lower = TrendRule { direction: Direction::Lower, ..rule() };
    assert_eq!(trend(&falling, &rule()).course, Course::Worse);
    assert_eq!(trend(&falling, &lower).course, Course::Better);
}

#[test]
fn more_series_need_more_evidence() {
    let runs = runs(7, 300, &sloping(1.0, 8));
    let many = TrendRule { n_series: 50, ..rule() };
    let [alone, among] = [rule(), many].map(|rule| trend(&runs, &rule).slope.expect("a slope"));
    assert!(among.lower < alone.lower && among.upper > alone.upper);
    assert!((among.p / alone.p - 50.0).abs() < 1e-6 || among.p >= 1.0, "{among:?} {alone:?}");
}

#[test]
fn what_says_nothing_is_not_called() {
    let same = variant((0..50).map(|key| f64::from(key % 2)));
    let apart: Vec<ItemScore> =
        same.iter().map(|item| ItemScore { content: item.content + 1000, ..*item }).collect();
    let unanswered: Vec<ItemScore> = same.iter().copied().map(without_answer).collect();
    let few = variant([1.0, 0.0, 1.0, 0.0]);
    for (runs, course) in [
        (vec![], Course::CannotTell),
        (vec![same.clone(); 2], Course::CannotTell),
        (vec![same.clone(); 9], Course::NoneFound),
        (vec![same.clone(), same.clone(), apart], Course::CannotTell),
        (vec![same.clone(), same.clone(), unanswered], Course::CannotTell),
        (vec![few; 5], Course::CannotTell),
        (vec![vec![item(0, f64::NAN); 8]; 4], Course::CannotTell),
    ] {
        let found = trend(&runs, &rule());
        assert_eq!(found.course, course, "{found:?}");
        let steady = found.slope.is_none_or(|slope| slope.lower.is_none() && slope.p >= 1.0);
        assert!(steady);
    }
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let mut runs = runs(9, 120, &sloping(1.5, 6));
    let before = trend(&runs, &rule());
    runs.iter_mut().skip(1).for_each(|run| run.reverse());
    assert_eq!(trend(&runs, &rule()), before);
}

/// Ten clusters that move as one are ten observations, not a hundred.
#[test]
fn clusters_count_as_one() {
    let scores = |run: usize| {
        let share = move |group: usize| f64::from(u32::from((group * 7 + run * 3) % 10 < 5));
        (0..100).map(move |key| (key, share(key / 10)))
    };
    let runs = |clustered: bool| -> Vec<Vec<ItemScore>> {
        let one = |run| {
            let named = |(key, score): (usize, f64)| {
                let cluster = clustered.then_some(key as u64 / 10);
                ItemScore { cluster, ..item(key, score) }
            };
            scores(run).map(named).collect()
        };
        (0..6).map(one).collect()
    };
    let width = |runs: &[Vec<ItemScore>]| {
        let slope = trend(runs, &rule()).slope.expect("a slope");
        slope.upper.zip(slope.lower).map(|(upper, lower)| upper - lower).expect("an interval")
    };
    assert!(width(&runs(true)) > 2.5 * width(&runs(false)));
}
