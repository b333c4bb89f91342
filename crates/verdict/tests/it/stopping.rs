//! Early stopping: how often it is wrong at any look, and what it saves.

use crate::common::{Draw, item, subject, variant, without_answer};
use evalmark_core::verdict::Answer;
use evalmark_verdict::{
    EarlyStop, Interim, ItemScore, Reason, Rule, ScoreRange, Stopping, StoppingError, compare, gate,
};
use rayon::prelude::*;

fn coins(seed: u64, n: usize, discordant: f64, drop: f64) -> [Vec<ItemScore>; 2] {
    let mut draw = Draw::new(seed);
    let mut variants = [Vec::new(), Vec::new()];
    for key in 0..n {
        let at = draw.uniform();
        let (before, after) = if at < 0.5 * (discordant + drop) {
            (1.0, 0.0)
        } else if at < discordant {
            (0.0, 1.0)
        } else {
            (1.0, 1.0)
        };
        variants[0].push(item(key, before));
        variants[1].push(item(key, after));
    }
    variants
}

fn ordered(stopping: &Stopping, variant: &[ItemScore]) -> Vec<ItemScore> {
    stopping.order().iter().map(|&at| variant[at]).collect()
}

/// The answer and the items that it took, looking after every item.
fn run(variants: &[Vec<ItemScore>; 2], margin: f64) -> (Answer, usize, Option<EarlyStop>) {
    let rule = Rule::new(margin, 0.05);
    let mut stopping = Stopping::new(&rule, &variants[0], 1, 7).expect("a sound rule");
    let [baseline, candidate] = [0, 1].map(|side: usize| ordered(&stopping, &variants[side]));
    for asked in 1..=baseline.len() {
        if let Interim::Stop(stop) = stopping.look(&baseline[..asked], &candidate[..asked]) {
            let part = (&baseline[..stop.items], &candidate[..stop.items]);
            let judged = compare(&subject(), part.0, part.1, &stopping.final_rule());
            let judged = judged.expect("the variants are sound").stopped(&stop);
            return (judged.comparison.answer, stop.items, Some(stop));
        }
    }
    let judged = compare(&subject(), &baseline, &candidate, &stopping.final_rule());
    (judged.expect("the variants are sound").comparison.answer, baseline.len(), None)
}

/// Share of runs with the wanted answer, and the items that they took on average.
fn rate(drop: f64, repeats: u32, wanted: fn(Answer) -> bool) -> (f64, f64) {
    let one = |seed: u32| {
        let (answer, items, _) = run(&coins(u64::from(seed), 600, 0.2, drop), 0.03);
        (u32::from(wanted(answer)), items as f64)
    };
    let add = |a: (u32, f64), b: (u32, f64)| (a.0 + b.0, a.1 + b.1);
    let (hits, items) = (0..repeats).into_par_iter().map(one).reduce(|| (0, 0.0), add);
    (f64::from(hits) / f64::from(repeats), items / f64::from(repeats))
}

#[test]
fn a_look_at_every_item_keeps_the_error_rates() {
    let repeats = 1000;
    let limit = 0.05 + 3.0 * (0.05_f64 * 0.95 / f64::from(repeats)).sqrt();
    let regressed = |answer| answer == Answer::Regressed;
    let (alarms, _) = rate(0.0, repeats, regressed);
    assert!(alarms <= limit, "{alarms} false alarms");
    let (passes, _) = rate(0.03, repeats, Answer::passes);
    assert!(passes <= limit, "{passes} false passes");
    let (found, items) = rate(0.10, 300, regressed);
    assert!(found >= 0.95 && items < 300.0, "found {found} with {items} items");
    let (found, items) = rate(0.06, 300, regressed);
    assert!(found >= 0.9 && items < 500.0, "found {found} with {items} items");
    let (found, items) = rate(-0.10, 300, Answer::passes);
    assert!(found >= 0.95 && items < 300.0, "passed {found} with {items} items");
}

#[test]
fn the_order_is_seeded_and_keeps_clusters_together() {
    let rule = Rule::new(0.03, 0.05);
    let clustered = |n: usize| -> Vec<ItemScore> {
        (0..n).map(|i| ItemScore { cluster: Some(i as u64 % 7), ..item(i, 1.0) }).collect()
    };
    let keys = |items: &[ItemScore], seed| -> Vec<u128> {
        let stopping = Stopping::new(&rule, items, 1, seed).expect("a sound rule");
        stopping.order().iter().map(|&at| items[at].key).collect()
    };
    let items = clustered(70);
    let mut turned = items.clone();
    turned.reverse();
    assert_eq!(keys(&items, 1), keys(&turned, 1));
    assert_ne!(keys(&items, 1), keys(&items, 2));
    let mut all = keys(&items, 1);
    let clusters: Vec<u128> = all.iter().map(|key| key % 7).collect();
    assert!(clusters.chunk_by(|a, b| a == b).all(|cluster| cluster.len() == 10));
    all.sort_unstable();
    assert_eq!(all, (0..70).collect::<Vec<u128>>());
}

#[test]
fn clusters_count_when_they_are_complete() {
    let rule = Rule::new(0.03, 0.05);
    let named = |score: f64| -> Vec<ItemScore> {
        let one = |i: usize| ItemScore { cluster: Some(i as u64 / 10), ..item(i, score) };
        (0..400).map(one).collect()
    };
    let mut stopping = Stopping::new(&rule, &named(1.0), 1, 3).expect("a sound rule");
    let [before, after] = [named(1.0), named(0.0)].map(|variant| ordered(&stopping, &variant));
    // Items all drop: as many clusters are needed as single items would be.
    let mut stopped = None;
    for asked in 0..400 {
        if let Interim::Stop(stop) = stopping.look(&before[..asked], &after[..asked]) {
            stopped = Some(stop);
            break;
        }
    }
    let stop = stopped.expect("a certain drop");
    assert_eq!(stop.reason, Reason::Drop);
    assert!(stop.items % 10 == 0 && stop.items >= 80, "{stop:?}");
    // Whoever looks only once sees the same.
    let mut late = Stopping::new(&rule, &named(1.0), 1, 3).expect("a sound rule");
    assert_eq!(late.look(&before, &after), Interim::Stop(stop));
    let part = compare(&subject(), &before[..stop.items], &after[..stop.items], &late.final_rule());
    let judged = part.expect("the variants are sound").stopped(&stop);
    assert_eq!(judged.comparison.p_regressed, Some(stop.p));
    let gated = gate(vec![judged]).expect("one");
    assert_eq!(gated.answer, Answer::Regressed);
    let note = gated.judged[0].comparison.notes.last().expect("a note");
    assert!(note.starts_with(&format!("stopped early: {} of 400 items", stop.items)), "{note}");
}

#[test]
fn a_part_of_the_plan_sees_what_the_whole_saw() {
    let rule = Rule::new(0.03, 0.05);
    let named = |score: f64| -> Vec<ItemScore> {
        // The largest cluster is the last one.
        let one = |i: usize| ItemScore { cluster: Some((i as u64 / 5).min(70)), ..item(i, score) };
        (0..400).map(one).collect()
    };
    let mut whole = Stopping::new(&rule, &named(1.0), 1, 3).expect("a sound rule");
    let [before, after] = [named(1.0), named(0.0)].map(|variant| ordered(&whole, &variant));
    let Interim::Stop(stop) = whole.look(&before, &after) else { panic!("a certain drop") };
    let asked = (&before[..stop.items], &after[..stop.items]);
    let part = Stopping::new(&rule, asked.0, 1, 3).expect("a sound rule");
    assert_eq!(part.part_of(400, 50).look(asked.0, asked.1), Interim::Stop(stop));
}

#[test]
fn a_small_drop_within_the_margin_is_no_reason_to_fail() {
    let (answer, _, _) = run(&coins(5, 6000, 0.03, 0.02), 0.10);
    assert_eq!(answer, Answer::Pass);
}

#[test]
fn missing_answers_make_nothing_certain() {
    let rule = Rule::new(0.03, 0.05);
    let full = variant([1.0; 500]);
    let none: Vec<_> = full.iter().map(|&item| without_answer(item)).collect();
    let mut stopping = Stopping::new(&rule, &full, 1, 1).expect("a sound rule");
    assert_eq!(stopping.look(&full, &none), Interim::Continue);
    let mut stopping = Stopping::new(&rule, &full, 1, 1).expect("a sound rule");
    assert!(matches!(
        stopping.look(&full, &full),
        Interim::Stop(EarlyStop { reason: Reason::NoDrop, .. })
    ));
}

#[test]
fn a_family_needs_more_certainty_of_a_drop() {
    let rule = Rule::new(0.03, 0.05);
    let items = |family| {
        let variants = coins(1, 600, 0.3, 0.2);
        let mut stopping = Stopping::new(&rule, &variants[0], family, 9).expect("a sound rule");
        let [before, after] = [0, 1].map(|side: usize| ordered(&stopping, &variants[side]));
        match stopping.look(&before, &after) {
            Interim::Stop(stop) => stop.items,
            Interim::Continue => usize::MAX,
        }
    };
    assert!(items(1) < items(50) && items(50) < usize::MAX);
    let endless = ScoreRange { low: 0.0, high: f64::INFINITY };
    let rule = Rule { range: endless, ..rule };
    assert_eq!(Stopping::new(&rule, &[], 1, 1), Err(StoppingError::Unbounded));
}
