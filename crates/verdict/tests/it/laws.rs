//! Laws that hold whatever the scores: invariance, mirror images, ranges, order of bounds.

use crate::common::{judge, variant, without_answer};
use evalmark_core::verdict::{Answer, Comparison};
use evalmark_verdict::{
    ItemScore, Rule, ScoreRange, benjamini_hochberg, bonferroni, clopper_pearson, estimate, gate,
    holm, mcnemar_midp, tango_bounds, wilson,
};
use proptest::prelude::*;

type Variants = [Vec<ItemScore>; 2];

fn variants(score: impl Strategy<Value = f64>, most: usize) -> impl Strategy<Value = Variants> {
    let pair = (score, 0_usize..4);
    prop::collection::vec((pair, any::<bool>()), 1..most).prop_map(|rows| {
        // The candidate repeats the baseline's score, or takes another row's.
        let other = |i: usize, step: usize| rows[(i + step) % rows.len()].0.0;
        let baseline = variant(rows.iter().map(|row| row.0.0));
        let candidate = variant(
            rows.iter().enumerate().map(|(i, row)| if row.1 { row.0.0 } else { other(i, row.0.1) }),
        );
        [baseline, candidate]
    })
}

fn binary() -> impl Strategy<Value = f64> {
    any::<bool>().prop_map(|right| if right { 1.0 } else { 0.0 })
}

fn graded() -> impl Strategy<Value = f64> {
    prop_oneof![3 => 0.0..=1.0_f64, 1 => binary(), 1 => Just(0.5)]
}

fn figures(comparison: &Comparison) -> [Option<f64>; 8] {
    let c = comparison;
    [
        c.baseline_mean,
        c.candidate_mean,
        c.estimate,
        c.lower,
        c.upper,
        c.p_regressed,
        c.p_pass,
        c.discordance,
    ]
}

fn sound(comparison: &Comparison) -> Result<(), TestCaseError> {
    for figure in figures(comparison).into_iter().chain([comparison.detectable_drop]) {
        prop_assert!(figure.is_none_or(f64::is_finite), "{comparison:?}");
    }
    for p in [comparison.p_regressed, comparison.p_regressed_adjusted, comparison.p_pass] {
        prop_assert!(p.is_none_or(|p| (0.0..=1.0).contains(&p)), "{comparison:?}");
    }
    if let (Some(low), Some(estimate), Some(high)) =
        (comparison.lower, comparison.estimate, comparison.upper)
    {
        prop_assert!(low <= estimate + 1e-9 && estimate <= high + 1e-9, "{comparison:?}");
        prop_assert!(low >= -1.0 && high <= 1.0, "{comparison:?}");
    }
    prop_assert!(!comparison.says.is_empty());
    Ok(())
}

/// The comparison with the variants swapped has the mirrored interval and estimate.
fn mirrored(variants: Variants) -> Result<(), TestCaseError> {
    let forth = judge(&variants, 0.05).comparison;
    let [baseline, candidate] = variants;
    let back = judge(&[candidate, baseline], 0.05).comparison;
    prop_assert_eq!(&forth.method, &back.method);
    // Where nearly all differences are equal, the sign test helps a regression but not a pass.
    if forth.method != "paired_t+binomial" {
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a + b).abs() < 1e-12,
            (a, b) => a == b,
        };
        prop_assert!(near(forth.lower, back.upper), "{forth:?}\n{back:?}");
        prop_assert!(near(forth.upper, back.lower), "{forth:?}\n{back:?}");
        prop_assert!(near(forth.estimate, back.estimate));
    }
    let regressed = Answer::Regressed;
    prop_assert!(!(forth.answer == regressed && back.answer == regressed));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn binary_comparisons_are_sound_and_mirror(variants in variants(binary(), 80)) {
        sound(&judge(&variants, 0.05).comparison)?;
        mirrored(variants)?;
    }

    #[test]
    fn graded_comparisons_are_sound_and_mirror(variants in variants(graded(), 30)) {
        sound(&judge(&variants, 0.05).comparison)?;
        mirrored(variants)?;
    }

    #[test]
    fn coarse_comparisons_are_sound_and_mirror(
        variants in variants((0_u8..4).prop_map(|tenth| f64::from(tenth) / 10.0), 30),
    ) {
        sound(&judge(&variants, 0.05).comparison)?;
        mirrored(variants)?;
    }

    #[test]
    fn clustered_comparisons_are_sound(variants in variants(graded(), 60), groups in 1_usize..12) {
        let name = |(i, item): (usize, ItemScore)| ItemScore { cluster: Some((i % groups) as u64), ..item };
        let clustered = variants.map(|variant| variant.into_iter().enumerate().map(name).collect());
        let judged = judge(&clustered, 0.05);
        sound(&judged.comparison)?;
        if groups < 5 && judged.comparison.method.starts_with("cluster") {
            prop_assert!(!judged.comparison.answer.passes());
        }
        mirrored(clustered)?;
    }

    #[test]
    fn the_order_of_rows_does_not_show(variants in variants(graded(), 30), by in 0_usize..30) {
        let turned = |rows: &Vec<ItemScore>| {
            let mut rows = rows.clone();
            let by = by % rows.len();
            rows.rotate_left(by);
            rows
        };
        let straight = judge(&variants, 0.05).comparison;
        let shuffled = judge(&[turned(&variants[0]), variants[1].iter().rev().copied().collect()], 0.05);
        prop_assert_eq!(straight, shuffled.comparison);
    }

    #[test]
    fn losing_an_answer_never_makes_a_pass(
        variants in variants(binary(), 99),
        lost in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..6),
    ) {
        let before = judge(&variants, 0.05).comparison.answer;
        let mut after = variants;
        for (index, baseline) in lost {
            let variant = &mut after[usize::from(!baseline)];
            let at = index.index(variant.len());
            variant[at] = without_answer(variant[at]);
        }
        let answer = judge(&after, 0.05).comparison.answer;
        prop_assert!(before.passes() || !answer.passes(), "{before} became {answer}");
    }

    #[test]
    fn a_gate_is_no_better_than_its_worst(
        several in prop::collection::vec(variants(binary(), 60), 1..5),
    ) {
        let judged: Vec<_> = several.iter().map(|variants| judge(variants, 0.05)).collect();
        let gated = gate(judged).expect("there is something to gate");
        let answers = || gated.judged.iter().map(|one| one.comparison.answer);
        prop_assert_eq!(gated.answer.passes(), answers().all(Answer::passes));
        let regressed = answers().any(|answer| answer == Answer::Regressed);
        prop_assert_eq!(gated.answer == Answer::Regressed, regressed);
        for one in &gated.judged {
            prop_assert!(one.comparison.p_regressed_adjusted >= one.comparison.p_regressed);
        }
    }

    #[test]
    fn adjusted_p_values_only_grow(p_values in prop::collection::vec(0.0..=1.0_f64, 0..20)) {
        let (all, holm) = (bonferroni(&p_values), holm(&p_values));
        let discoveries = benjamini_hochberg(&p_values);
        for i in 0..p_values.len() {
            prop_assert!(p_values[i] <= discoveries[i] + 1e-15);
            prop_assert!(discoveries[i] <= holm[i] + 1e-15);
            prop_assert!(holm[i] <= all[i] + 1e-15 && all[i] <= 1.0);
        }
    }

    #[test]
    fn intervals_hold_their_estimate(k in 0_u64..400, more in 0_u64..400, confidence in 0.5..0.999) {
        let n = k + more + 1;
        let share = k as f64 / n as f64;
        for ends in [wilson(k, n, confidence), clopper_pearson(k, n, confidence)] {
            let ends = ends.expect("n is positive");
            prop_assert!(0.0 <= ends.low && ends.low <= share && share <= ends.high && ends.high <= 1.0);
        }
    }

    #[test]
    fn tango_brackets_and_narrows_with_alpha(b in 0_u64..200, c in 0_u64..200, rest in 0_u64..500) {
        let n = b + c + rest + 1;
        let difference = (b as f64 - c as f64) / n as f64;
        let ((low, high), (lower, higher)) = (tango_bounds(b, c, n, 0.05), tango_bounds(b, c, n, 0.01));
        prop_assert!(-1.0 <= lower && lower <= low && low <= difference + 1e-12);
        prop_assert!(difference <= high + 1e-12 && high <= higher && higher <= 1.0);
        let p = mcnemar_midp(b, c);
        prop_assert!((p.greater + p.less - 1.0).abs() < 1e-9);
    }

    #[test]
    fn estimates_lie_in_their_range(
        items in prop::collection::vec((graded(), prop::option::of(0_u64..6)), 1..40),
    ) {
        let forth = estimate(items.iter().copied(), ScoreRange::UNIT, 0.95);
        let back = estimate(items.iter().rev().copied(), ScoreRange::UNIT, 0.95);
        prop_assert_eq!(&forth, &back);
        let found = forth.expect("the scores are sound").expect("there is an item");
        let low = found.ci_low.unwrap_or(0.0);
        let high = found.ci_high.unwrap_or(1.0);
        prop_assert!(0.0 <= low && low <= found.mean + 1e-12 && found.mean <= high + 1e-12 && high <= 1.0);
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let scores =
        |offset: f64| variant((0..50).map(|i| 0.5 + 0.4 * (f64::from(i) * 1.7 + offset).sin()));
    let variants = [scores(0.0), scores(0.3)];
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let many = rayon::ThreadPoolBuilder::new().num_threads(7).build().expect("a pool");
    assert_eq!(alone.install(|| judge(&variants, 0.05)), many.install(|| judge(&variants, 0.05)));
    assert!(Rule::new(0.05, 0.05).check().is_ok());
}
