//! The decision rule by example: what goes in, which answer comes out, and why.

use crate::common::{binary, item, judge, subject, variant, without_answer};
use evalmark_core::verdict::Answer;
use evalmark_verdict::{
    Cause, CompareError, Decision, EmptyFamily, ItemScore, Rule, RuleError, ScoreRange, Side,
    compare, gate, mcnemar_midp, paired_t,
};

const PASS: (Answer, Option<Cause>) = (Answer::Pass, None);
const IMPROVED: (Answer, Option<Cause>) = (Answer::Improved, None);
const REGRESSED: (Answer, Option<Cause>) = (Answer::Regressed, None);
const TOO_FEW: (Answer, Option<Cause>) = (Answer::Inconclusive, Some(Cause::TooFewItems));
const MISSING: (Answer, Option<Cause>) = (Answer::Inconclusive, Some(Cause::Missing));

fn answer(judged: &Decision) -> (Answer, Option<Cause>) {
    (judged.comparison.answer, judged.cause)
}

#[test]
fn binary_scores() {
    let check = |(n, b, c), margin, expected| {
        let judged = judge(&binary(n, b, c), margin);
        assert_eq!(answer(&judged), expected, "{n} items, {b} down, {c} up: {judged:?}");
    };
    // Identical runs: 0.97^99 is just below alpha.
    check((99, 0, 0), 0.03, PASS);
    check((98, 0, 0), 0.03, TOO_FEW);
    check((1, 0, 0), 0.03, TOO_FEW);
    // A drop: three discordant pairs can never show it, four can.
    check((20, 3, 0), 0.05, TOO_FEW);
    check((20, 4, 0), 0.05, REGRESSED);
    check((1, 1, 0), 0.03, TOO_FEW);
    check((300, 60, 20), 0.03, REGRESSED);
    // The whole range as a margin forbids nothing.
    check((5, 5, 0), 1.0, PASS);
    // Significant, but inside the margin.
    check((5000, 60, 20), 0.03, PASS);
    check((300, 20, 60), 0.03, IMPROVED);
    check((100, 10, 10), 0.03, TOO_FEW);
    check((2000, 100, 100), 0.03, PASS);
}

/// The p-value that is told is McNemar's mid-p value, wherever the bound lies.
#[test]
fn binary_p_values_are_mid_p() {
    for (n, lost, gained) in [(250, 23, 20), (250, 20, 23), (100, 0, 0), (40, 4, 1), (12, 12, 0)] {
        let found = judge(&binary(n, lost, gained), 0.03).comparison;
        let midp = mcnemar_midp(lost as u64, gained as u64).greater;
        assert_eq!(found.p_regressed, Some(midp), "{n}: {lost} lost, {gained} gained");
    }
    let found = judge(&binary(250, 23, 20), 0.03).comparison.p_regressed.expect("a p-value");
    assert!((found - 0.326).abs() < 5e-4, "{found}");
}

/// Equal differences have no t: nothing rests on one, and no interval is a point.
#[test]
fn equal_pairs_make_no_t_test() {
    let none = paired_t(&[0.0; 3]).expect("three pairs");
    assert_eq!((none.t, none.p_values()), (None, None));
    assert!(paired_t(&[0.0, 0.1, 0.2]).expect("three pairs").p_values().is_some());
    for change in [0.0, 0.25, -0.25] {
        for n in [3, 4, 7] {
            let variants = [variant(vec![0.5; n]), variant(vec![0.5 + change; n])];
            let found = judge(&variants, 0.03).comparison;
            // Seven items that all drop are no chance; nothing else is told from so few.
            let drops = change < 0.0 && n == 7;
            let expected = if drops { Answer::Regressed } else { Answer::Inconclusive };
            assert_eq!(found.answer, expected, "{change} {n}: {found:?}");
            let ends = found.lower.zip(found.upper).expect("bounds");
            let room = 0.05_f64.powf(1.0 / n as f64);
            assert!(ends.0 <= change - (1.0 + change) * (1.0 - room) + 1e-9, "{found:?}");
            assert!(ends.1 - ends.0 > 0.2, "{found:?}");
        }
    }
}

#[test]
fn graded_scores() {
    let check = |name: &str, n: u32, margin, change: fn(u32) -> f64, expected| {
        let base = |i: u32| 0.4 + 0.2 * f64::from(i % 7) / 7.0;
        let variants = [variant((0..n).map(base)), variant((0..n).map(|i| base(i) + change(i)))];
        let judged = judge(&variants, margin);
        assert_eq!(answer(&judged), expected, "{name}: {judged:?}");
    };
    check("identical", 100, 0.03, |_| 0.0, PASS);
    check("identical, few", 80, 0.03, |_| 0.0, TOO_FEW);
    check("one item", 1, 0.03, |_| 0.0, TOO_FEW);
    check("two items", 2, 0.5, |_| -0.1, TOO_FEW);
    check("the same drop everywhere", 40, 0.03, |_| -0.1, REGRESSED);
    check("the same small drop everywhere", 200, 0.03, |_| -0.01, PASS);
    check("the same gain everywhere", 200, 0.03, |_| 0.1, IMPROVED);
    check("two rare drops", 1000, 0.03, |i| if i < 2 { -0.3 } else { 0.0 }, PASS);
    check("two rare drops among few", 20, 0.03, |i| if i < 2 { -0.3 } else { 0.0 }, TOO_FEW);
    check("one rare gain among few", 20, 0.03, |i| if i < 1 { 0.3 } else { 0.0 }, TOO_FEW);
    check("noise", 60, 0.05, |i| 0.1 * (f64::from(i) * 1.3).sin(), PASS);
    check("a noisy drop", 60, 0.05, |i| 0.1 * (f64::from(i) * 1.3).sin() - 0.1, REGRESSED);
    check("a noisy gain", 60, 0.05, |i| 0.1 * (f64::from(i) * 1.3).sin() + 0.1, IMPROVED);
    check("much noise", 12, 0.01, |i| 0.3 * (f64::from(i) * 1.3).sin(), TOO_FEW);
}

#[test]
fn several_epochs_are_one_item() {
    // Forty epochs each of five items that all drop a little: five items, not two hundred.
    let epochs = |key, sum| ItemScore { sum, n_scored: 40, n_planned: 40, ..item(key, 0.0) };
    let baseline: Vec<_> = (0..5).map(|key| epochs(key, 30.0)).collect();
    let candidate: Vec<_> =
        (0..5).map(|key| epochs(key, [24.0, 30.0, 26.0, 29.0, 31.0][key])).collect();
    let judged = judge(&[baseline, candidate], 0.03);
    assert_eq!(answer(&judged), TOO_FEW);
    assert_eq!(judged.comparison.counts.paired, 5);
    // Epochs that all agree leave binary scores.
    let all = |right| (0..100).map(|key| epochs(key, if right { 40.0 } else { 0.0 })).collect();
    let judged = judge(&[all(true), all(false)], 0.03);
    assert_eq!(judged.comparison.method, "mcnemar_midp+tango");
    assert_eq!(answer(&judged), REGRESSED);
}

#[test]
fn clusters_are_the_sample() {
    let check = |groups: u64, change: fn(u64, u64) -> f64, expected, method: &str| {
        let score = |i: u64, change: f64| {
            let key = usize::try_from(i).expect("few items");
            ItemScore { cluster: Some(i % groups), ..item(key, 0.5 + change) }
        };
        let baseline = (0..120).map(|i| score(i, 0.0)).collect();
        let candidate = (0..120).map(|i| score(i, change(i % groups, i))).collect();
        let judged = judge(&[baseline, candidate], 0.03);
        assert_eq!(answer(&judged), expected, "{groups} clusters: {judged:?}");
        assert_eq!(judged.comparison.method, method);
    };
    let wave = |_: u64, i: u64| 0.05 * ((i as f64) * 1.3).sin();
    check(4, |_, _| 0.0, TOO_FEW, "cluster_t+sign_flip");
    check(1, wave, TOO_FEW, "cluster_t+sign_flip");
    check(8, wave, PASS, "cluster_t+sign_flip");
    check(30, wave, PASS, "cluster_t");
    // Thirty clusters that all stay the same are thirty observations.
    check(30, |_, _| 0.0, TOO_FEW, "cluster_t+binomial");
    // The drop is in two clusters only: forty items say so, but not five clusters.
    check(5, |g, _| if g < 2 { -0.3 } else { 0.0 }, TOO_FEW, "cluster_t+sign_flip");
    check(20, |g, i| -0.1 - 0.01 * ((g + i % 3) as f64), REGRESSED, "cluster_t");
    // Clusters of one item each are no clusters.
    check(120, |_, _| 0.0, PASS, "paired_t+binomial");
}

#[test]
fn missing_answers() {
    let check = |name: &str, variants: [Vec<ItemScore>; 2], lost: [&[usize]; 2], expected| {
        let mut variants = variants;
        for (variant, lost) in variants.iter_mut().zip(lost) {
            for &at in lost {
                variant[at] = without_answer(variant[at]);
            }
        }
        let judged = judge(&variants, 0.03);
        assert_eq!(answer(&judged), expected, "{name}: {judged:?}");
    };
    let some: Vec<usize> = (290..300).collect();
    let other: Vec<usize> = (280..290).collect();
    check("none", binary(300, 0, 0), [&[], &[]], PASS);
    check("few and balanced", binary(300, 0, 0), [&[5, 6], &[9, 10]], PASS);
    check("few, in the candidate alone", binary(1000, 0, 0), [&[], &some], PASS);
    check("some in the candidate", binary(300, 0, 0), [&[], &some], MISSING);
    // Right in the candidate: the baseline's best case changes nothing.
    check("some in the baseline", binary(300, 0, 0), [&some, &[]], PASS);
    let wrong = [0.0; 300];
    check("wrong in the candidate", [variant(wrong), variant(wrong)], [&some, &[]], MISSING);
    check("some in both", binary(300, 0, 0), [&some, &other], MISSING);
    check("a clear drop", binary(300, 60, 20), [&[], &some], REGRESSED);
    let gains: Vec<usize> = (14..24).collect();
    check("a drop that hangs on them", binary(300, 14, 10), [&[], &gains], MISSING);
    check(
        "dropping its failures",
        binary(300, 20, 0),
        [&[], &(0..20).collect::<Vec<_>>()],
        MISSING,
    );
    let all: Vec<usize> = (0..300).collect();
    check("all of them", binary(300, 0, 0), [&[], &all], MISSING);
}

#[test]
fn missing_epochs_count_as_missing_answers() {
    let epochs = |key, n_scored| ItemScore {
        sum: f64::from(n_scored),
        n_scored,
        n_planned: 10,
        ..item(key, 0.0)
    };
    let full: Vec<_> = (0..300).map(|key| epochs(key, 10)).collect();
    let partial: Vec<_> = (0..300).map(|key| epochs(key, if key < 100 { 6 } else { 10 })).collect();
    assert_eq!(answer(&judge(&[full.clone(), full.clone()], 0.03)), PASS);
    assert_eq!(answer(&judge(&[full, partial], 0.03)), MISSING);
}

#[test]
fn what_cannot_be_compared() {
    let check = |variants: [Vec<ItemScore>; 2], cause| {
        let judged = judge(&variants, 0.03);
        assert_eq!(answer(&judged), (Answer::Incomparable, Some(cause)));
        let c = judged.comparison;
        assert_eq!((c.estimate, c.lower, c.p_regressed, c.baseline_mean), (None, None, None, None));
    };
    check([Vec::new(), Vec::new()], Cause::NoItems);
    let [whole, _] = binary(100, 0, 0);
    check([whole.clone(), Vec::new()], Cause::DifferentItems);
    check([whole.clone(), whole[..94].to_vec()], Cause::DifferentItems);
    let edited = |n: usize| {
        let edit = |(i, item): (usize, ItemScore)| ItemScore {
            content: if i < n { 0 } else { item.content },
            ..item
        };
        whole.iter().copied().enumerate().map(edit).collect::<Vec<_>>()
    };
    check([whole.clone(), edited(6)], Cause::DifferentItems);
    let judged = judge(&[whole.clone(), edited(5)], 0.05);
    assert_eq!(answer(&judged), PASS);
    assert_eq!(judged.comparison.counts.shared, 95);
}

#[test]
fn what_does_not_pair_is_named() {
    let [whole, _] = binary(100, 0, 0);
    // The candidate lacks items 0 and 1, has three new ones, and two of its items changed.
    let mut candidate = whole[2..].to_vec();
    candidate[0].content = 0;
    candidate[5].content = 0;
    candidate.extend((200..203).map(|key| item(key, 1.0)));
    candidate.reverse();
    let judged = judge(&[whole, candidate], 0.05);
    let changes = &judged.changes;
    assert_eq!(changes.removed, [0, 1]);
    assert_eq!(changes.added, [0, 1, 2]);
    assert_eq!(changes.changed, [(2, 100), (7, 95)]);
    assert_eq!((changes.n_removed, changes.n_added, changes.n_changed), (2, 3, 2));
    assert!((changes.paired_share - 96.0 / 101.0).abs() < 1e-12);
    assert_eq!(
        judged.comparison.notes[1],
        "left out: 2 changed, 3 added and 2 removed items; 95.0 % of the items pair up"
    );
    // Only so many are named, all are counted.
    let rule = Rule { max_flips: 4, ..Rule::new(0.03, 0.05) };
    let [whole, _] = binary(100, 0, 0);
    let refused = compare(&subject(), &whole, &[], &rule).expect("the variants are sound");
    assert_eq!(refused.changes.removed, [0, 1, 2, 3]);
    assert_eq!((refused.changes.n_removed, refused.changes.paired_share), (100, 0.0));
    assert_eq!(refused.comparison.notes.len(), 1);
}

#[test]
fn mistakes_in_the_input() {
    let [good, _] = binary(3, 0, 0);
    let fails = |at: usize, broken: ItemScore| {
        let mut bad = good.clone();
        bad[at] = broken;
        compare(&subject(), &good, &bad, &Rule::new(0.03, 0.05)).expect_err("a mistake")
    };
    let side = Side::Candidate;
    assert!(matches!(fails(1, item(1, f64::NAN)), CompareError::NotANumber { index: 1, .. }));
    assert!(matches!(fails(2, item(2, f64::INFINITY)), CompareError::NotANumber { index: 2, .. }));
    assert!(matches!(fails(0, item(0, 1.5)), CompareError::OutOfRange { index: 0, .. }));
    assert_eq!(fails(2, item(0, 1.0)), CompareError::Duplicate { side, first: 0, second: 2 });
    let scored = ItemScore { n_scored: 2, ..item(0, 1.0) };
    assert_eq!(fails(0, scored), CompareError::TooManyScored { side, index: 0 });
    let rule = |margin, alpha| Rule::new(margin, alpha).check().expect_err("a senseless rule");
    assert_eq!(rule(0.0, 0.05), RuleError::Margin(0.0));
    assert_eq!(rule(0.03, 0.5), RuleError::Alpha(0.5));
    assert!(matches!(rule(f64::NAN, 0.05), RuleError::Margin(_)));
}

#[test]
fn scores_without_an_upper_end() {
    let rule = Rule { range: ScoreRange { low: 0.0, high: f64::INFINITY }, ..Rule::new(5.0, 0.05) };
    let base = |i: u32| 100.0 + 10.0 * (f64::from(i) * 0.9).sin();
    let run = |shift: f64, lost: usize| {
        let mut candidate = variant((0..60).map(|i| base(i + 3) + shift));
        candidate.iter_mut().take(lost).for_each(|item| *item = without_answer(*item));
        compare(&subject(), &variant((0..60).map(base)), &candidate, &rule)
            .expect("the variants are sound")
    };
    assert_eq!(answer(&run(0.0, 0)), PASS);
    assert_eq!(answer(&run(-20.0, 0)), REGRESSED);
    // Nothing bounds what is missing.
    assert_eq!(answer(&run(0.0, 5)), MISSING);
    assert_eq!(answer(&run(-20.0, 5)), MISSING);
}

#[test]
fn flips_are_named_worst_first() {
    let variants = [variant([0.5, 0.9, 0.2, 0.4]), variant([0.5, 0.1, 0.9, 0.3])];
    let rule = Rule { max_flips: 2, ..Rule::new(0.03, 0.05) };
    let mut judged =
        compare(&subject(), &variants[0], &variants[1], &rule).expect("the variants are sound");
    judged.name_flips(|index| format!("item {index}"));
    let named: Vec<&str> = judged.comparison.flips.iter().map(|f| f.item_id.as_str()).collect();
    assert_eq!(named, ["item 1", "item 3"]);
    assert_eq!(judged.comparison.n_flips, 3);
}

#[test]
fn sentences_for_people() {
    let check = |variants: &[Vec<ItemScore>; 2], margin, expected: &str| {
        assert_eq!(judge(variants, margin).comparison.says, expected);
    };
    check(
        &binary(300, 60, 20),
        0.03,
        "exact fell from 93.3 % to 80.0 %: a real drop, and larger than the margin of 3 points allows",
    );
    check(
        &binary(5000, 60, 20),
        0.03,
        "exact fell from 99.6 % to 98.8 %: a real drop, but within the margin of 3 points",
    );
    check(&binary(300, 20, 60), 0.03, "exact rose from 80.0 % to 93.3 %: a real improvement");
    check(
        &binary(99, 0, 0),
        0.03,
        "exact stayed at 100.0 %: a drop of 3 points or more is ruled out",
    );
    check(
        &binary(120, 12, 8),
        0.03,
        "exact fell from 93.3 % to 90.0 %, but 120 items cannot tell whether a drop exceeds the \
         margin of 3 points: about 926 items would decide it, and the smallest drop this run could \
         detect is 9.2 points",
    );
    let mut lost = binary(300, 0, 0);
    lost[1][..10].iter_mut().for_each(|item| *item = without_answer(*item));
    check(
        &lost,
        0.03,
        "exact stayed at 100.0 %, but the answer depends on missing answers: 10 of 300 in the \
         candidate, 0 of 300 in the baseline",
    );
    check(
        &[binary(100, 0, 0)[0].clone(), Vec::new()],
        0.03,
        "exact: the runs share only 0 of 100 items with the same content, so they do not measure \
         the same thing",
    );
    let notes = judge(&binary(50, 2, 0), 0.03).comparison.notes;
    assert_eq!(
        notes,
        [
            "only 2 of 50 items changed; a significant drop takes at least 4",
            "50 items are too few to show that a drop stays within the margin, even if none \
             changes: that takes 99"
        ]
    );
}

#[test]
fn a_gate_over_a_family() {
    let gated = |variants: &[[Vec<ItemScore>; 2]]| {
        gate(variants.iter().map(|variants| judge(variants, 0.03)).collect()).expect("a family")
    };
    assert_eq!(gate(Vec::new()), Err(EmptyFamily));
    let check =
        |variants: &[[Vec<ItemScore>; 2]], expected| assert_eq!(gated(variants).answer, expected);
    let (same, better, worse) = (binary(300, 0, 0), binary(300, 20, 60), binary(300, 60, 20));
    let unsure = binary(100, 10, 10);
    let strange = [binary(100, 0, 0)[0].clone(), Vec::new()];
    check(&[same.clone(), same.clone()], Answer::Pass);
    check(&[same.clone(), better.clone()], Answer::Improved);
    check(&[same.clone(), better.clone(), unsure.clone()], Answer::Inconclusive);
    check(&[same.clone(), unsure.clone(), strange.clone()], Answer::Incomparable);
    check(&[worse.clone(), unsure, strange], Answer::Regressed);
    // Alone it is a regression, among four it is not.
    let slight = binary(20, 4, 0);
    assert_eq!(answer(&judge(&slight, 0.03)), REGRESSED);
    let four = gated(&[slight, same.clone(), same.clone(), same]);
    assert_eq!(four.answer, Answer::Inconclusive);
    assert_eq!(four.judged[0].comparison.p_regressed, Some(0.031_25));
    assert_eq!(four.judged[0].comparison.p_regressed_adjusted, Some(0.125));
    assert_eq!(
        four.judged[0].comparison.notes[1],
        "the drop is significant alone, but not among 4 comparisons"
    );
    assert_eq!(
        gated(&[worse.clone(), better]).says,
        "1 of 2 comparisons regressed: prompt p, model m: exact fell from 93.3 % to 80.0 %: a real \
         drop, and larger than the margin of 3 points allows"
    );
    assert_eq!(gated(&[worse]).correction, "one comparison: none");
}

#[test]
fn many_pairs_are_resampled_in_groups() {
    // More pairs than are drawn one by one; the bounds must be those of a normal mean.
    let base = |i: u32| 0.5 + 0.3 * (f64::from(i) * 0.7).sin();
    let variants = [variant((0..40_000).map(base)), variant((0..40_000).map(|i| base(i * 3 + 1)))];
    let judged = judge(&variants, 0.03).comparison;
    let (lower, upper) = (judged.lower.expect("a bound"), judged.upper.expect("a bound"));
    // Two sines: a variance of 0.045 each, and z of 1.645 on both sides.
    let width = 2.0 * 1.645 * (0.09_f64 / 40_000.0).sqrt();
    assert!(((upper - lower) / width - 1.0).abs() < 0.06, "{lower} to {upper}");
    assert_eq!(judged.method, "paired_t+bootstrap");
}
