//! A judge beside people: agreement, leanings, and how sure they are.

use evalmark_verdict::{Rated, RaterCheck, check_rater, check_rater_with_ties, cohen_kappa};
use proptest::prelude::*;

fn rated(group: &str, unit: u64, judge: f64, human: f64) -> Rated<'_> {
    let (judge_passes, human_passes) = (judge >= 0.5, human >= 0.5);
    let length = (unit * 7 % 13) as f64;
    Rated { group, unit, length, judge, human, judge_passes, human_passes }
}

fn check(rows: &[Rated<'_>]) -> RaterCheck {
    check_rater(rows).expect("ratings")
}

/// Values of scikit-learn 1.9.1's `cohen_kappa_score`.
#[test]
fn kappa_is_that_of_scikit_learn() {
    for (counts, expected) in [
        (vec![vec![0, 2], vec![2, 0]], Some(-1.0)),
        (vec![vec![0, 1, 0], vec![0, 0, 0], vec![1, 0, 1]], Some(0.0)),
        (vec![vec![0, 0], vec![1, 0]], Some(0.0)),
        (vec![vec![31, 5], vec![0, 4]], Some(0.553_571_428_571_428_6)),
        (vec![vec![8, 4], vec![6, 7]], Some(0.203_821_656_050_955_48)),
        (vec![vec![1, 1, 0], vec![0, 1, 1], vec![1, 0, 1]], Some(0.25)),
        (vec![vec![1, 0, 0, 0], vec![0, 1, 0, 0], vec![0, 0, 1, 0], vec![0, 0, 0, 1]], Some(1.0)),
        (vec![vec![4, 1, 2], vec![1, 3, 1], vec![1, 2, 5]], Some(0.393_939_393_939_393_9)),
        (vec![vec![0, 0], vec![0, 0]], None),
        (vec![], None),
        (vec![vec![1, 2]], None),
    ] {
        let kappa = cohen_kappa(&counts);
        let is_close = match (kappa, expected) {
            (Some(kappa), Some(expected)) => f64::abs(kappa - expected) < 1e-12,
            (kappa, expected) => kappa == expected,
        };
        assert!(is_close, "{counts:?}: {kappa:?}");
    }
}

#[test]
fn a_judge_that_says_what_people_say_agrees_and_leans_nowhere() {
    let scores = [0.0, 0.25, 0.75, 1.0];
    let rows: Vec<_> =
        (0_u64..40).zip(scores.iter().cycle()).map(|(i, s)| rated("p", i, *s, *s)).collect();
    let found = check(&rows);
    assert_eq!((found.n, found.units, found.confusion), (40, 40, [[20, 0], [0, 20]]));
    let (kappa, alpha) = (found.kappa.expect("kappa"), found.alpha.expect("alpha"));
    assert_eq!((kappa.estimate, alpha.estimate), (1.0, 1.0));
    // Ratings that agree throughout do not tell how far others would.
    assert_eq!((kappa.interval, alpha.interval), (None, None));
    assert_eq!((found.bias.estimate, found.by_length), (0.0, None));
    let interval = found.bias.interval.expect("an interval");
    assert!((interval.high - (1.0 - 0.025_f64.powf(1.0 / 40.0))).abs() < 1e-9, "{interval:?}");
    assert!((interval.low + interval.high).abs() < 1e-12);
}

/// A judge of pairs that prefers another answer when the order is turned has not said which is
/// better: a tie is no pass, and no reason to agree less than either order alone.
#[test]
fn a_tie_neither_passes_nor_fails() {
    // Forty answers that people call better and forty worse. One order of the judge takes four of
    // each for the other, the other order none; where they disagree the score is a tie.
    let human = |i: u64| f64::from(u8::from(i < 40));
    let wrong = |i: u64| i.is_multiple_of(10);
    let rows = |judge: &dyn Fn(u64) -> f64| -> Vec<Rated<'static>> {
        (0..80).map(|i| rated("p", i, judge(i), human(i))).collect()
    };
    let good = check(&rows(&human)).kappa.expect("kappa").estimate;
    let bad = rows(&|i| if wrong(i) { 1.0 - human(i) } else { human(i) });
    let bad = check(&bad).kappa.expect("kappa").estimate;
    let both = rows(&|i| if wrong(i) { 0.5 } else { human(i) });
    let found = check_rater_with_ties(&both, Some(0.5)).expect("ratings");
    assert_eq!(found.confusion, [[36, 0], [0, 36]]);
    assert_eq!(found.with_ties, [[36, 4, 0], [0, 0, 0], [0, 4, 36]]);
    let kappa = found.kappa.expect("kappa").estimate;
    // By weights: 1 - (8·0.5/80)/(0.5·0.45·2 + 0.1·0.5) = 0.9, between the two orders.
    assert!((kappa - 0.9).abs() < 1e-12 && bad < kappa && kappa < good, "{bad} {kappa} {good}");
    // Without a tie nothing is different.
    assert_eq!(check_rater_with_ties(&rows(&human), Some(0.5)), Some(check(&rows(&human))));
}

#[test]
fn leanings_are_told_by_group_and_by_length() {
    let row = |i: u64| {
        let (group, too_much) = if i.is_multiple_of(2) { ("even", 0.2) } else { ("odd", -0.1) };
        let human = 0.2 + 0.5 * (i % 5) as f64 / 4.0;
        let judge = human + too_much + (i % 3) as f64 * 0.01;
        Rated { length: judge - human, ..rated(group, i, judge, human) }
    };
    let found = check(&(0..60).map(row).collect::<Vec<_>>());
    let groups: Vec<_> = found.by_group.iter().map(|one| (one.group.as_str(), one.n)).collect();
    assert_eq!(groups, [("even", 30), ("odd", 30)]);
    for (one, expected) in found.by_group.iter().zip([0.21, -0.09]) {
        let interval = one.bias.interval.expect("an interval");
        assert!((one.bias.estimate - expected).abs() < 1e-9, "{one:?}");
        assert!(
            interval.low < expected
                && expected < interval.high
                && interval.high - interval.low < 0.02
        );
    }
    let by_length = found.by_length.expect("a correlation");
    // No resample varies: a correlation of 1 throughout does not say how sure it is.
    assert!(by_length.estimate > 0.999 && by_length.interval.is_none(), "{by_length:?}");
}

/// Answers to one item say the same thing over and over: intervals must not narrow for that.
#[test]
fn answers_to_one_item_count_as_one_unit() {
    let row = |i: u64| rated("p", i, (i % 4) as f64 / 4.0, (i % 3) as f64 / 4.0);
    let once: Vec<_> = (0..30).map(row).collect();
    let often: Vec<_> = (0..30).flat_map(|i| [row(i); 5]).collect();
    let width =
        |found: &RaterCheck| found.bias.interval.map(|interval| interval.high - interval.low);
    let (once, often) = (check(&once), check(&often));
    assert_eq!((once.units, often.units), (30, 30));
    let (narrow, wide) = (width(&often).expect("one"), width(&once).expect("one"));
    assert!((narrow - wide).abs() < 1e-9, "{narrow} {wide}");
    let few: Vec<_> = (0..5).map(row).collect();
    assert!(check(&few).kappa.is_none_or(|kappa| kappa.interval.is_none()));
    assert_eq!(check_rater(&[]), None);
    assert_eq!(check_rater(&[rated("p", 0, f64::NAN, 0.0)]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_order_of_rows_does_not_matter(
        scores in prop::collection::vec((0_u64..15, 0_u8..5, 0_u8..5), 1..40),
    ) {
        let row = |(unit, judge, human): &(u64, u8, u8)| {
            rated("p", *unit, f64::from(*judge) / 4.0, f64::from(*human) / 4.0)
        };
        let rows: Vec<_> = scores.iter().map(row).collect();
        let turned: Vec<_> = rows.iter().rev().copied().collect();
        let found = check(&rows);
        prop_assert_eq!(&found, &check(&turned));
        for figure in [found.kappa, found.alpha].into_iter().flatten() {
            prop_assert!(figure.estimate <= 1.0 && figure.estimate.is_finite());
            prop_assert!(figure.interval.is_none_or(|i| i.low <= i.high));
        }
    }
}
