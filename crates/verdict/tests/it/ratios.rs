//! Latency, cost and tokens: what is slower fails, what jitters does not.

use crate::common::{Draw, item, subject, variant, without_answer};
use evalmark_core::{
    metric::Direction,
    verdict::{Answer, Measure},
};
use evalmark_verdict::{
    Cause, CompareError, Decision, ItemScore, RatioOf, Rule, compare_ratio, gate,
};
use rayon::prelude::*;

const MEAN: RatioOf = RatioOf::GeometricMean;
const P95: RatioOf = RatioOf::Quantile(0.95);

fn judge(variants: &[Vec<ItemScore>; 2], of: RatioOf, margin: f64) -> Decision {
    judge_by(variants, of, margin, Direction::Lower)
}

fn judge_by(
    variants: &[Vec<ItemScore>; 2],
    of: RatioOf,
    margin: f64,
    direction: Direction,
) -> Decision {
    let rule = Rule { resamples: 4000, direction, ..Rule::new(margin, 0.05) };
    compare_ratio(&subject(), &variants[0], &variants[1], of, &rule)
        .expect("the variants are sound")
}

/// Items of different length, asked twice, with jitter of `sd` on the log scale.
fn latencies(seed: u64, n: usize, sd: f64, slower: f64) -> [Vec<ItemScore>; 2] {
    let mut draw = Draw::new(seed);
    let typical: Vec<f64> = (0..n).map(|_| 800.0 * (0.6 * draw.normal()).exp()).collect();
    [1.0, slower]
        .map(|factor| variant(typical.iter().map(|ms| ms * factor * (sd * draw.normal()).exp())))
}

#[test]
fn slower_fails_and_jitter_does_not() {
    for (of, passed, failed, margin) in [(MEAN, 185, 195, 0.2), (P95, 50, 120, 0.2)] {
        let count = |slower: f64, wanted: fn(Answer) -> bool| {
            let one = |seed: u64| {
                let judged = judge(&latencies(seed, 200, 0.5, slower), of, margin);
                u32::from(wanted(judged.comparison.answer))
            };
            (0..200_u64).into_par_iter().map(one).sum::<u32>()
        };
        let regressed = |answer| answer == Answer::Regressed;
        // 200·(0.05 + 3 sqrt(0.05·0.95/200)).
        assert!(count(1.0, regressed) <= 19, "{of:?}: false alarms {}", count(1.0, regressed));
        let passes = count(1.0 + margin, Answer::passes);
        assert!(passes <= 19, "{of:?}: false passes {passes}");
        let caught = count(1.4, regressed);
        let green = count(1.0, Answer::passes);
        assert!(caught >= failed, "{of:?}: only {caught} of 200");
        assert!(green >= passed, "{of:?}: only {green} of 200");
    }
}

#[test]
fn figures_are_ratios() {
    let variants = [
        variant((0..100).map(|i| 100.0 + f64::from(i))),
        variant((0..100).map(|i| 140.0 + 1.4 * f64::from(i))),
    ];
    for of in [MEAN, P95] {
        let judged = judge(&variants, of, 0.1).comparison;
        assert_eq!(
            (judged.answer, judged.measure, judged.margin),
            (Answer::Regressed, Measure::Ratio, 0.1)
        );
        let near = |value: Option<f64>| value.is_some_and(|value| (value - 1.4).abs() < 1e-9);
        assert!(near(judged.estimate) && judged.lower <= Some(1.4 + 1e-9), "{judged:?}");
        // Equal ratios have no spread, but a few others may exist.
        assert!(judged.upper > Some(1.42), "{judged:?}");
        let what = if of == MEAN { "" } else { " (quantile 0.95)" };
        assert_eq!(
            judged.says,
            format!(
                "exact{what} rose by 40.0 %: a real increase, and larger than the margin of 10 % allows"
            )
        );
    }
    assert_eq!(judge(&variants, MEAN, 0.1).comparison.baseline_mean, Some(149.5));
    assert_eq!(judge(&variants, P95, 0.1).comparison.baseline_mean, Some(194.0));
    let [before, after] = variants;
    let faster = judge(&[after, before], MEAN, 0.1).comparison;
    assert_eq!(faster.answer, Answer::Improved);
    assert_eq!(faster.says, "exact fell by 28.6 %: a real improvement");
}

#[test]
fn equal_amounts_pass_when_there_are_enough() {
    for of in [MEAN, P95] {
        let same = |n| [variant((0..n).map(f64::from)), variant((0..n).map(f64::from))];
        assert_eq!(judge(&same(20), of, 0.1).comparison.answer, Answer::Inconclusive);
        let judged = judge(&same(400), of, 0.1).comparison;
        assert_eq!(judged.answer, Answer::Pass, "{of:?} {judged:?}");
        assert_eq!(judged.estimate, Some(1.0));
    }
    let few = judge(&[variant([1.0; 58]), variant([1.0; 58])], P95, 0.1).comparison;
    assert_eq!(few.notes, ["58 items are too few to bound a quantile of 0.95: that takes 59"]);
}

#[test]
fn zero_and_missing_have_a_defined_answer() {
    let some = |n: u32, cost: f64| (0..n).map(move |i| cost * (1.0 + 0.1 * f64::from(i % 5)));
    // Nothing costs anything, or one side does not.
    let free = judge(&[variant([0.0; 100]), variant([0.0; 100])], MEAN, 0.1).comparison;
    assert_eq!((free.answer, free.estimate), (Answer::Pass, Some(1.0)));
    let priced = judge(&[variant([0.0; 100]), variant(some(100, 0.01))], MEAN, 0.1).comparison;
    assert_eq!(priced.answer, Answer::Regressed);
    assert!(priced.estimate.is_some_and(|ratio| (ratio - 20.0).abs() < 1e-9));
    let cheaper = judge(&[variant(some(100, 0.01)), variant([0.0; 100])], MEAN, 0.1).comparison;
    assert_eq!(cheaper.answer, Answer::Improved);
    let lose = |of, slower: f64, lost: usize| {
        let mut variants = latencies(7, 300, 0.2, slower);
        variants[1].iter_mut().take(lost).for_each(|item| *item = without_answer(*item));
        let judged = judge(&variants, of, 0.1);
        (judged.comparison.answer, judged.cause)
    };
    assert_eq!(lose(MEAN, 1.0, 0), (Answer::Pass, None));
    assert_eq!(lose(MEAN, 1.0, 30), (Answer::Inconclusive, Some(Cause::Missing)));
    assert_eq!(lose(MEAN, 1.4, 1), (Answer::Regressed, None));
    assert_eq!(lose(P95, 1.4, 1), (Answer::Regressed, None));
    assert_eq!(lose(MEAN, 1.4, 300), (Answer::Inconclusive, Some(Cause::Missing)));
    let rule = Rule { direction: Direction::Lower, ..Rule::new(0.1, 0.05) };
    let negative = compare_ratio(&subject(), &[item(0, 1.0)], &[item(0, -1.0)], MEAN, &rule);
    assert!(matches!(negative, Err(CompareError::OutOfRange { .. })));
    let senseless = compare_ratio(&subject(), &[], &[], RatioOf::Quantile(1.0), &rule);
    assert_eq!(senseless, Err(CompareError::Quantile(1.0)));
}

#[test]
fn clusters_rows_and_families() {
    let clustered = |of| {
        let mut variants = latencies(5, 400, 0.2, 1.4);
        for variant in &mut variants {
            variant.iter_mut().enumerate().for_each(|(i, item)| item.cluster = Some(i as u64 / 4));
        }
        let straight = judge(&variants, of, 0.1);
        variants[1].reverse();
        let turned = judge(&variants, of, 0.1);
        assert_eq!(straight.comparison, turned.comparison);
        straight
    };
    assert_eq!(clustered(MEAN).comparison.method, "cluster_t");
    assert_eq!(clustered(P95).comparison.method, "quantile_bootstrap");
    let gated = gate(vec![clustered(MEAN), clustered(P95)]).expect("a family");
    assert_eq!(gated.answer, Answer::Regressed);
}

#[test]
fn where_more_is_better_what_falls_fails() {
    // As many times as many tokens a second as the baseline has, and what comes of it.
    let check = |factor: f64, answer: Answer, says: &str| {
        let variants = latencies(4, 300, 0.05, factor);
        let judged = judge_by(&variants, MEAN, 0.1, Direction::Higher).comparison;
        assert_eq!((judged.answer, judged.direction), (answer, Direction::Higher), "{judged:?}");
        assert!(judged.says.contains(says), "{}", judged.says);
        assert!(judged.lower < judged.estimate && judged.estimate < judged.upper, "{judged:?}");
        assert!(judged.estimate.is_some_and(|ratio| (ratio / factor - 1.0).abs() < 0.05));
    };
    check(1.0, Answer::Pass, "a decrease of 10 % or more is ruled out");
    check(0.95, Answer::Pass, "a real decrease, but within the margin of 10 %");
    check(0.7, Answer::Regressed, "a real decrease, and larger than the margin of 10 % allows");
    check(1.3, Answer::Improved, "a real improvement");
}

/// The same figures as those of the reciprocals, of which less is better.
#[test]
fn directions_mirror_each_other() {
    for (seed, factor, lost) in [(1, 1.0, 0), (2, 0.92, 0), (3, 1.2, 0), (4, 1.0, 20), (5, 0.7, 4)]
    {
        let mut rates = latencies(seed, 250, 0.3, factor);
        rates[1].iter_mut().take(lost).for_each(|item| *item = without_answer(*item));
        let times = rates.clone().map(|variant| -> Vec<ItemScore> {
            variant.iter().map(|item| ItemScore { sum: 1.0 / item.sum, ..*item }).collect()
        });
        // A drop to a margin below is a growth to one over it.
        let more = judge_by(&rates, MEAN, 0.1, Direction::Higher);
        let less = judge_by(&times, MEAN, 1.0 / 0.9 - 1.0, Direction::Lower);
        let (x, y) = (&more.comparison, &less.comparison);
        assert_eq!((x.answer, more.cause), (y.answer, less.cause), "{x:?} {y:?}");
        let near = |a: f64, b: f64, most: f64| (a - b).abs() < most;
        let estimates = x.estimate.zip(y.estimate.map(f64::recip));
        assert!(estimates.is_some_and(|(a, b)| near(a, b, 1e-9)), "{x:?} {y:?}");
        // The bootstrap draws otherwise.
        let pairs = [
            (x.lower, y.upper.map(f64::recip)),
            (x.upper, y.lower.map(f64::recip)),
            (x.p_pass, y.p_pass),
            (x.p_regressed, y.p_regressed),
            (x.detectable_drop, y.detectable_drop.map(|growth| 1.0 - 1.0 / (1.0 + growth))),
        ];
        for (a, b) in pairs {
            assert!(a.zip(b).is_some_and(|(a, b)| near(a, b, 0.02)), "{a:?} {b:?} {x:?} {y:?}");
        }
        let mean = |items: &[ItemScore]| {
            let scored = items.iter().zip(&rates[1]).filter(|(_, after)| after.n_scored > 0);
            let sums: Vec<f64> = scored.map(|(item, _)| item.sum).collect();
            sums.iter().sum::<f64>() / sums.len() as f64
        };
        let before = x.baseline_mean.expect("a mean");
        assert!((before - mean(&rates[0])).abs() < 1e-6, "{before}");
    }
}

#[test]
fn missing_rates_are_taken_at_their_worst() {
    let lose = |factor: f64, lost: usize| {
        let mut variants = latencies(7, 300, 0.2, factor);
        variants[1].iter_mut().take(lost).for_each(|item| *item = without_answer(*item));
        let judged = judge_by(&variants, MEAN, 0.1, Direction::Higher);
        (judged.comparison.answer, judged.cause)
    };
    assert_eq!(lose(1.0, 0), (Answer::Pass, None));
    assert_eq!(lose(1.0, 30), (Answer::Inconclusive, Some(Cause::Missing)));
    assert_eq!(lose(0.7, 1), (Answer::Regressed, None));
    assert_eq!(lose(0.7, 300), (Answer::Inconclusive, Some(Cause::Missing)));
    // A zero is nothing, and a margin of all rules no drop out.
    let none = judge_by(&[variant([5.0; 100]), variant([0.0; 100])], MEAN, 0.1, Direction::Higher);
    assert_eq!(none.comparison.answer, Answer::Regressed);
    let gone = judge_by(&latencies(1, 100, 0.1, 0.2), MEAN, 1.0, Direction::Higher).comparison;
    assert!(gone.answer.passes(), "{gone:?}");
}

/// So many items that most are drawn by their number: the bounds must be the asymptotic ones.
#[test]
fn a_quantile_of_many_items_has_the_width_of_theory() {
    let mut draw = Draw::new(4);
    let n = 20_000;
    let variants = [0, 1].map(|_| variant((0..n).map(|_| (0.5 * draw.normal()).exp())));
    let judged = judge(&variants, P95, 0.1).comparison;
    // 0.5·sqrt(2·0.95·0.05/n) over the normal density at 1.645, and z of 1.645 on both sides.
    let stderr = 0.5 * (2.0 * 0.95 * 0.05 / f64::from(n)).sqrt() / 0.103_1;
    let logs = judged.lower.zip(judged.upper).map(|(low, high)| high.ln() - low.ln());
    let share = logs.map(|width| width / (2.0 * 1.645 * stderr));
    assert!(share.is_some_and(|share| (0.85..1.15).contains(&share)), "{share:?} {judged:?}");
    assert!(judged.estimate.is_some_and(|ratio| ratio.ln().abs() < 4.0 * stderr));
}
