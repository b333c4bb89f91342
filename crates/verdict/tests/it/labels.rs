//! A judge with human labels: the judge's errors must not become the verdict's.

use crate::common::{Draw, item, judge, subject, variant};
use evalmark_core::verdict::Answer;
use evalmark_verdict::{Decision, ItemScore, Rule, compare, compare_labelled};
use rayon::prelude::*;

/// The judge's scores and the human labels, each of baseline and candidate.
struct Study {
    judge: [Vec<ItemScore>; 2],
    labels: [Vec<ItemScore>; 2],
}

impl Study {
    fn judged(&self, margin: f64) -> Decision {
        let slices = |variants: &'_ [Vec<ItemScore>; 2]| [variants[0].clone(), variants[1].clone()];
        let (judge, labels) = (slices(&self.judge), slices(&self.labels));
        let rule = Rule::new(margin, 0.05);
        compare_labelled(&subject(), [&judge[0], &judge[1]], [&labels[0], &labels[1]], &rule)
            .expect("the variants are sound")
    }
}

/// Right answers of both variants, and a judge who takes a share of the candidate's wrong ones for
/// right ones.
fn study(seed: u64, n: usize, labelled: usize, drop: f64, flattery: f64) -> Study {
    let mut draw = Draw::new(seed);
    let mut variants = [const { Vec::new() }; 4];
    for key in 0..n {
        let easy = draw.uniform();
        let truth = |limit: f64, noise: f64| {
            if (0.8 * easy + 0.2 * noise) < limit { 1.0 } else { 0.0 }
        };
        // The mean of 0.8 u + 0.2 v below 0.6 is 0.625, and its slope there is 1.25.
        let before = truth(0.6, draw.uniform());
        let after = truth(0.6 - drop / 1.25, draw.uniform());
        let view = |truth: f64, err: f64, at: f64| {
            if truth > 0.5 { f64::from(u8::from(at > 0.05)) } else { f64::from(u8::from(at < err)) }
        };
        let judged = [view(before, 0.05, draw.uniform()), view(after, flattery, draw.uniform())];
        for (variant, score) in variants.iter_mut().zip(judged.into_iter().chain([before, after])) {
            if variant.len() < n {
                variant.push(item(key, score));
            }
        }
    }
    let [b, c, mut lb, mut lc] = variants;
    lb.truncate(labelled);
    lc.truncate(labelled);
    Study { judge: [b, c], labels: [lb, lc] }
}

#[test]
fn a_flattering_judge_is_seen_through() {
    for labelled in [25, 100, 400] {
        let count = |drop: f64, wanted: fn(Answer) -> bool| {
            let one = |seed: u64| {
                let judged = study(seed, 1000, labelled, drop, 0.3).judged(0.05);
                u32::from(wanted(judged.comparison.answer))
            };
            (0..600_u64).into_par_iter().map(one).sum::<u32>()
        };
        // 600·(0.05 + 3 sqrt(0.05·0.95/600)).
        let passes = count(0.05, Answer::passes);
        assert!(passes <= 46, "{labelled} labels: {passes} false passes");
        let alarms = count(0.0, |answer| answer == Answer::Regressed);
        assert!(alarms <= 46, "{labelled} labels: {alarms} false alarms");
    }
    // Without labels the flattery is a gain, and a real drop passes for an improvement.
    let fooled = study(1, 1000, 0, 0.05, 0.3);
    let blind = judge(&fooled.judge, 0.05).comparison;
    assert_eq!(blind.answer, Answer::Improved);
}

#[test]
fn without_labels_it_is_judge_relative() {
    let fooled = study(1, 1000, 0, 0.05, 0.3).judged(0.05).comparison;
    assert!(fooled.says.starts_with("judge-relative: exact rose from"), "{}", fooled.says);
    assert_eq!(fooled.method, "mcnemar_midp+tango (judge-relative)");
    assert!(fooled.notes.iter().any(|note| note.contains("without human labels")));
    assert_eq!(fooled.labels, None);
    // The rule's flag says the same of a plain comparison, and only once.
    let variants = [variant([1.0; 100]), variant([1.0; 100])];
    let rule = Rule { judge_relative: true, ..Rule::new(0.03, 0.05) };
    let plain = compare(&subject(), &variants[0], &variants[1], &rule).expect("sound");
    let gated = evalmark_verdict::gate(vec![plain]).expect("one").says;
    assert_eq!(
        gated,
        "judge-relative: exact stayed at 100.0 %: a drop of 3 points or more is ruled out"
    );
}

#[test]
fn labels_are_counted_and_few_are_advisory() {
    let few = study(3, 500, 30, 0.0, 0.1).judged(0.05).comparison;
    assert_eq!((few.labels, few.method.as_str()), (Some(30), "ppi++_t"));
    assert!(few.notes.contains(&"advisory: 30 human labels are fewer than 50".to_owned()));
    let more = study(3, 500, 200, 0.0, 0.1).judged(0.05).comparison;
    assert_eq!(more.method, "ppi++_t+bootstrap");
    assert!(!more.notes.iter().any(|note| note.starts_with("advisory")));
    let (before, after) = (more.baseline_mean, more.candidate_mean);
    let difference = before.zip(after).map(|(before, after)| after - before);
    let apart = difference.zip(more.estimate).map(|(a, b)| (a - b).abs());
    assert!(apart < Some(1e-12), "{more:?}");
    // A label whose item changed is none, and labels of one variant alone are none.
    let mut changed = study(3, 500, 60, 0.0, 0.1);
    changed.labels[0].iter_mut().take(20).for_each(|label| label.content = 0);
    changed.labels[1].drain(50..);
    assert_eq!(changed.judged(0.05).comparison.labels, Some(30));
}

#[test]
fn labels_that_hardly_vary_do_not_pass() {
    // Thirty labels without a change, and a judge who sees nothing: no spread, no certainty.
    let same = Study {
        judge: [variant([1.0; 1000]), variant([1.0; 1000])],
        labels: [variant([1.0; 30]), variant([1.0; 30])],
    };
    assert_eq!(same.judged(0.05).comparison.answer, Answer::Inconclusive);
    let many = Study { labels: [variant([1.0; 200]), variant([1.0; 200])], ..same };
    assert_eq!(many.judged(0.05).comparison.answer, Answer::Pass);
}

#[test]
fn clusters_of_labels_are_the_sample() {
    let mut study = study(9, 600, 300, 0.0, 0.1);
    for variant in study.judge.iter_mut().chain(&mut study.labels) {
        variant.iter_mut().enumerate().for_each(|(i, item)| item.cluster = Some(i as u64 / 100));
    }
    let judged = study.judged(0.3).comparison;
    assert_eq!(judged.method, "ppi++_cluster_t");
    // Three clusters have labels, and nothing passes on fewer than five.
    assert_eq!(judged.answer, Answer::Inconclusive);
}
