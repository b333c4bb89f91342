//! A run against a minimum: by example, and how often it is wrong.

use crate::common::{Draw, binary, item, judge, subject, variant, without_answer};
use evalmark_core::verdict::{Answer, Measure};
use evalmark_verdict::{Cause, CompareError, Decision, ItemScore, Rule, ScoreRange, gate, minimum};
use rayon::prelude::*;

const MET: (Answer, Option<Cause>) = (Answer::Pass, None);
const NOT_MET: (Answer, Option<Cause>) = (Answer::Regressed, None);
const TOO_FEW: (Answer, Option<Cause>) = (Answer::Inconclusive, Some(Cause::TooFewItems));
const MISSING: (Answer, Option<Cause>) = (Answer::Inconclusive, Some(Cause::Missing));

fn run(items: &[ItemScore], min: f64) -> Decision {
    minimum(&subject(), items, min, &Rule::new(0.03, 0.05)).expect("sound scores")
}

fn shares(hits: usize, n: usize) -> Vec<ItemScore> {
    variant((0..n).map(|i| if i < hits { 1.0 } else { 0.0 }))
}

#[test]
fn an_interval_decides() {
    let check = |items: Vec<ItemScore>, min, expected| {
        let judged = run(&items, min);
        assert_eq!((judged.comparison.answer, judged.cause), expected, "{judged:?}");
    };
    check(shares(95, 100), 0.85, MET);
    check(shares(86, 100), 0.85, TOO_FEW);
    check(shares(70, 100), 0.85, NOT_MET);
    check(shares(58, 58), 0.95, TOO_FEW);
    check(shares(59, 59), 0.95, MET);
    check(shares(1, 1), 0.5, TOO_FEW);
    // The ends of the range.
    check(shares(0, 5), 0.0, MET);
    check(shares(50, 50), 1.0, TOO_FEW);
    check(shares(49, 50), 1.0, NOT_MET);
    let graded =
        |n: u32, mean: f64| variant((0..n).map(|i| mean + 0.1 * (f64::from(i) * 1.3).sin()));
    check(graded(60, 0.8), 0.75, MET);
    check(graded(60, 0.8), 0.79, TOO_FEW);
    check(graded(60, 0.7), 0.75, NOT_MET);
    // Equal scores have no spread, but a few others may exist.
    check(variant([0.9; 10]), 0.85, TOO_FEW);
    check(variant([0.9; 100]), 0.85, MET);
    check(variant([0.8; 100]), 0.85, NOT_MET);
    check(variant([0.8; 5]), 0.85, TOO_FEW);
    // Forty items of four clusters are four, and four never pass.
    let clustered = |groups: u64| {
        let named = |(i, item)| ItemScore { cluster: Some(i as u64 % groups), ..item };
        graded(40, 0.8).into_iter().enumerate().map(named).collect::<Vec<_>>()
    };
    check(clustered(4), 0.5, TOO_FEW);
    check(clustered(20), 0.75, MET);
    check(Vec::new(), 0.5, (Answer::Incomparable, Some(Cause::NoItems)));
}

#[test]
fn missing_answers_count_at_their_worst() {
    let lose = |hits: usize, lost: usize| {
        let mut items = shares(hits, 200);
        items.iter_mut().rev().take(lost).for_each(|item| *item = without_answer(*item));
        let judged = run(&items, 0.85);
        (judged.comparison.answer, judged.cause)
    };
    assert_eq!(lose(182, 0), MET);
    assert_eq!(lose(182, 1), MET);
    // Without its failures the run looks perfect.
    assert_eq!(lose(160, 40), MISSING);
    assert_eq!(lose(150, 10), NOT_MET);
    assert_eq!(lose(125, 40), MISSING);
    assert_eq!(lose(0, 200), MISSING);
}

#[test]
fn figures_and_sentences() {
    let met = run(&shares(95, 100), 0.85).comparison;
    assert_eq!((met.measure, met.minimum, met.margin), (Measure::Level, Some(0.85), 0.0));
    assert_eq!((met.estimate, met.baseline_mean, met.p_pass.is_some()), (Some(0.95), None, true));
    assert!(met.lower.is_some_and(|low| (0.85..0.95).contains(&low)));
    assert_eq!(met.says, "exact is 95.0 %: the run shows at least 89.8 %, and the minimum is 85 %");
    let says = |hits, min| run(&shares(hits, 100), min).comparison.says;
    assert_eq!(
        says(70, 0.85),
        "exact is 70.0 %: at most 77.5 %, which is below the minimum of 85 %"
    );
    assert_eq!(
        says(88, 0.85),
        "exact is 88.0 %, but 100 items cannot tell whether the minimum of 85 % is met: about 824 \
         items would decide it"
    );
    let notes = run(&shares(20, 20), 0.95).comparison.notes;
    assert_eq!(
        notes,
        ["this run cannot meet the minimum: even with every answer right, 59 items are needed"]
    );
}

#[test]
fn it_takes_part_in_a_family() {
    let minima = |hits: usize| run(&shares(hits, 100), 0.85);
    let pair = || judge(&binary(300, 0, 0), 0.03);
    let answer = |family| gate(family).expect("a family").answer;
    assert_eq!(answer(vec![pair(), minima(95)]), Answer::Pass);
    assert_eq!(answer(vec![pair(), minima(86)]), Answer::Inconclusive);
    assert_eq!(answer(vec![pair(), minima(60)]), Answer::Regressed);
    // Holm: alone it is not met, among four it cannot be told.
    assert_eq!(minima(78).comparison.answer, Answer::Regressed);
    let four = gate(vec![minima(78), pair(), pair(), pair()]).expect("a family");
    assert_eq!(four.answer, Answer::Inconclusive);
    assert_eq!(
        four.judged[0].comparison.notes,
        ["the shortfall is significant alone, but not among 4 comparisons"]
    );
}

#[test]
fn a_minimum_has_to_lie_within_the_range() {
    for min in [-0.1, 1.1, f64::NAN] {
        let error = minimum(&subject(), &shares(1, 2), min, &Rule::new(0.03, 0.05));
        assert!(matches!(error, Err(CompareError::Minimum { .. })), "{min}");
    }
    let endless = ScoreRange { low: 0.0, high: f64::INFINITY };
    let rule = Rule { range: endless, ..Rule::new(0.03, 0.05) };
    let items = variant((0..50).map(|i| 100.0 + f64::from(i % 7)));
    let judged = minimum(&subject(), &items, 90.0, &rule).expect("sound scores");
    assert_eq!(judged.comparison.answer, Answer::Pass);
}

/// With the true mean at the minimum, neither answer may come more often than alpha allows.
#[test]
fn error_rates_hold_at_the_minimum() {
    type Shape = fn(&mut Draw) -> f64;
    let coin = |draw: &mut Draw| if draw.uniform() < 0.9 { 1.0 } else { 0.0 };
    let shapes: [(&str, Shape, f64); 4] = [
        ("binary", coin, 0.9),
        ("even", |draw| draw.uniform(), 0.5),
        // Mean of max(0, 1 - e/4) for an exponential e: 1 - (1 - exp(-4))/4.
        ("left skew", |draw| (1.0 - 0.25 * draw.exponential()).max(0.0), 0.754_578_909_722_183_6),
        ("sparse", |draw| if draw.uniform() < 0.1 { draw.uniform() } else { 0.8 }, 0.77),
    ];
    for (name, shape, min) in shapes {
        for n in [20, 60, 200] {
            let one = |seed: u64| {
                let mut draw = Draw::new(seed);
                let items: Vec<_> = (0..n).map(|key| item(key, shape(&mut draw))).collect();
                let rule = Rule { resamples: 4000, ..Rule::new(0.03, 0.05) };
                let judged = minimum(&subject(), &items, min, &rule).expect("sound scores");
                let answer = judged.comparison.answer;
                [u32::from(answer.passes()), u32::from(answer == Answer::Regressed)]
            };
            let repeats = 400;
            let add = |a: [u32; 2], b: [u32; 2]| [a[0] + b[0], a[1] + b[1]];
            let wrong = (0..repeats).into_par_iter().map(one).reduce(|| [0, 0], add);
            // 400·(0.05 + 3 sqrt(0.05·0.95/400)).
            assert!(wrong[0] <= 33 && wrong[1] <= 33, "{name}, n = {n}: {wrong:?} of {repeats}");
        }
    }
}
