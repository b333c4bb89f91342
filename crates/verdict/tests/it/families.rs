//! Families under max-T, and slices: what the correction costs, and what it keeps.

use crate::common::{Draw, binary, item, judge, subject};
use evalmark_core::verdict::Answer;
use evalmark_verdict::{
    Decision, FamilyCorrection, Gated, ItemScore, Rule, compare, gate, gate_with, minimum, slices,
};
use rayon::prelude::*;

const MAX_T: FamilyCorrection = FamilyCorrection::MaxT { flips: 1999 };

fn flipped(family: Vec<Decision>) -> Gated {
    gate_with(family, MAX_T).expect("a family")
}

/// One metric of a run whose items' noise is shared by the metrics to some share.
fn metric(shared: &[f64], own: u64, drop: f64) -> Decision {
    let mut draw = Draw::new(own);
    let variants: [Vec<ItemScore>; 2] = [false, true].map(|candidate| {
        let score = |(key, noise): (usize, &f64)| {
            let change = 0.1 * (noise + 0.3 * draw.normal()) - drop;
            item(key, (0.5 + if candidate { change } else { 0.0 }).clamp(0.0, 1.0))
        };
        shared.iter().enumerate().map(score).collect()
    });
    let rule = Rule { resamples: 4000, ..Rule::new(0.001, 0.05) };
    compare(&subject(), &variants[0], &variants[1], &rule).expect("the variants are sound")
}

fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut draw = Draw::new(seed ^ 0xabcd_ef01);
    (0..n).map(|_| draw.normal()).collect()
}

#[test]
fn comparisons_that_share_items_cost_less_than_holm() {
    let shared = noise(3, 120);
    let family = || (0..8).map(|own| metric(&shared, own, 0.02)).collect::<Vec<_>>();
    let p = |gated: &Gated| -> Vec<f64> {
        gated.judged.iter().filter_map(|one| one.comparison.p_regressed_adjusted).collect()
    };
    let (max_t, holm) = (flipped(family()), gate(family()).expect("a family"));
    let (by_max_t, by_holm) = (p(&max_t), p(&holm));
    let smallest = |p: &[f64]| p.iter().copied().fold(1.0, f64::min);
    assert!(2.0 * smallest(&by_max_t) < smallest(&by_holm), "{by_max_t:?} {by_holm:?}");
    for (one, adjusted) in max_t.judged.iter().zip(&by_max_t) {
        assert!(one.comparison.p_regressed <= Some(*adjusted));
    }
    assert!(max_t.correction.contains("max-T (1999 sign flips of whole items) over 8"));
    // The order of the family does not show, nor does the number of threads.
    let mut reversed: Vec<_> = family();
    reversed.reverse();
    let mut again = p(&flipped(reversed));
    again.reverse();
    assert_eq!(by_max_t, again);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    assert_eq!(alone.install(|| p(&flipped(family()))), by_max_t);
}

#[test]
fn what_cannot_be_flipped_is_corrected_by_holm() {
    let worse = || judge(&binary(300, 60, 20), 0.03);
    let low = || {
        let items: Vec<_> = (0..100).map(|i| item(i, if i < 60 { 1.0 } else { 0.0 })).collect();
        minimum(&subject(), &items, 0.85, &Rule::new(0.03, 0.05)).expect("sound scores")
    };
    let strange = || judge(&[binary(100, 0, 0)[0].clone(), Vec::new()], 0.03);
    let gated = flipped(vec![low(), worse(), strange(), low()]);
    let answers: Vec<Answer> = gated.judged.iter().map(|one| one.comparison.answer).collect();
    let regressed = Answer::Regressed;
    assert_eq!(answers, [regressed, regressed, Answer::Incomparable, regressed]);
    // Alone in its group among four: a quarter of the error rate.
    let p = gated.judged[1].comparison.p_regressed_adjusted.expect("a p-value");
    assert!((p - 4.0 / 2000.0).abs() < 1e-12, "{p}");
    assert_eq!(flipped(vec![worse()]).correction, "one comparison: none");
    let p_of_one = flipped(vec![worse()]).judged[0].comparison.p_regressed_adjusted;
    assert_eq!(p_of_one, worse().comparison.p_regressed);
}

#[test]
fn clusters_flip_as_one() {
    // Two clusters of sixty items that all drop: two signs, and one in four flips is as bad.
    let variant = |change: f64| -> Vec<ItemScore> {
        (0..120)
            .map(|i| ItemScore {
                cluster: Some(i as u64 % 2),
                ..item(i, 0.5 + change * (i % 3) as f64)
            })
            .collect()
    };
    let family = vec![
        judge(&[variant(0.0), variant(-0.1)], 0.03),
        judge(&[variant(0.0), variant(-0.1)], 0.03),
    ];
    let p = flipped(family).judged[0].comparison.p_regressed_adjusted.expect("a p-value");
    assert!(p > 0.2, "{p}");
}

/// Twenty null comparisons: a false alarm anywhere in at most 5 % of the gates.
#[test]
fn twenty_null_comparisons_hold_their_rate() {
    let one = |seed: u64| {
        let shared = noise(seed, 60);
        let family = (0..20).map(|own| metric(&shared, seed * 100 + own, 0.0)).collect();
        u32::from(flipped(family).answer == Answer::Regressed)
    };
    let repeats = 200;
    let alarms: u32 = (0..repeats).into_par_iter().map(one).sum();
    // 200·(0.05 + 3 sqrt(0.05·0.95/200)).
    assert!(alarms <= 19, "{alarms} of {repeats}");
}

#[test]
fn slices_are_marked_and_decide_nothing() {
    let worse = || judge(&binary(300, 60, 20), 0.03);
    let same = || judge(&binary(300, 5, 5), 0.03);
    let marked = slices(vec![worse(), same(), same(), worse()]);
    let standing: Vec<bool> = marked.iter().map(|slice| slice.stands_out).collect();
    assert_eq!(standing, [true, false, false, true]);
    let p = worse().comparison.p_regressed.expect("a p-value");
    assert!((marked[0].q - 2.0 * p).abs() < 1e-12);
    let note = marked[1].comparison.notes.last().expect("a note");
    assert_eq!(note, "exploratory: one of 4 slices; it decides nothing");
    assert!(slices(Vec::new()).is_empty());
}

/// Beyond 4096 items whole blocks flip: neither threads nor the order of rows show there either.
#[test]
fn blocks_of_items_flip_alike_everywhere() {
    let shared = noise(8, 6000);
    let variants = |own: u64, turn: bool| {
        let mut draw = Draw::new(own);
        let mut score = |change: f64| (0.5 + 0.1 * (change + draw.normal())).clamp(0.0, 1.0);
        let mut variants: [Vec<ItemScore>; 2] = [Vec::new(), Vec::new()];
        for (key, noise) in shared.iter().enumerate() {
            variants[0].push(item(key, score(0.0)));
            variants[1].push(item(key, score(noise - 0.03)));
        }
        variants[1].rotate_left(if turn { 2500 } else { 0 });
        judge(&variants, 0.001)
    };
    let p = |turn: bool| -> Vec<Option<f64>> {
        let family = (0..3).map(|own| variants(own, turn)).collect();
        flipped(family).judged.iter().map(|one| one.comparison.p_regressed_adjusted).collect()
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let many = rayon::ThreadPoolBuilder::new().num_threads(5).build().expect("a pool");
    let found = alone.install(|| p(false));
    assert_eq!(found, many.install(|| p(true)));
    assert!(found.iter().all(|p| *p < Some(0.9) && *p > Some(0.000_1)), "{found:?}");
}
