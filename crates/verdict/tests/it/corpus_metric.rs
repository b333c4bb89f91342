//! Values of whole runs: macro F1 and a ratio of sums like corpus BLEU.

use crate::common::{Draw, item, subject, without_answer};
use evalmark_core::metric::{Direction, Range};
use evalmark_core::verdict::{Answer, Comparison};
use evalmark_verdict::{
    CorpusMetric, CountedVariant, ItemCounts, ItemScore, Rule, ScoreRange, compare_corpus_metric,
    corpus_estimates,
};
use rayon::prelude::*;

const ALPHA: f64 = 0.05;

/// Macro F1 of so many classes; counts are the true and the predicted class.
struct MacroF1(usize);

impl MacroF1 {
    fn cell(&self, counts: &[f64]) -> Option<usize> {
        let index = |at: usize| (0..=self.0).find(|&class| (class as f64 - counts[at]).abs() < 0.5);
        Some(index(0)? * (self.0 + 1) + index(1)?)
    }
}

impl CorpusMetric for MacroF1 {
    fn width(&self) -> usize {
        self.0 * (self.0 + 1)
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        if let Some(cell) = self.cell(counts) {
            sums[cell] += times;
        }
    }

    fn value(&self, sums: &[f64]) -> Option<f64> {
        let (mut total, mut seen) = (0.0, 0.0);
        for class in 0..self.0 {
            let truth: f64 = (0..=self.0).map(|other| sums[class * (self.0 + 1) + other]).sum();
            let predicted: f64 = (0..self.0).map(|other| sums[other * (self.0 + 1) + class]).sum();
            if truth + predicted > 0.0 {
                total += 2.0 * sums[class * (self.0 + 1) + class] / (truth + predicted);
                seen += 1.0;
            }
        }
        (seen > 0.0).then(|| total / seen)
    }

    fn extremes(&self, counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        Some([vec![counts[0], self.0 as f64], vec![counts[0], counts[0]]])
    }
}

/// 100 times the geometric mean of two ratios of sums, as BLEU is one of four.
struct Bleu;

impl CorpusMetric for Bleu {
    fn width(&self) -> usize {
        4
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += times * count;
        }
    }

    fn value(&self, sums: &[f64]) -> Option<f64> {
        let ratio = |at: usize| if sums[at + 2] > 0.0 { sums[at] / sums[at + 2] } else { 0.0 };
        Some(100.0 * (ratio(0) * ratio(1)).sqrt())
    }
}

/// Words matched, pairs of words matched, and how many there are of each.
fn translated(draw: &mut Draw, quality: f64) -> Vec<f64> {
    let words = 5.0 + (40.0 * draw.uniform() * draw.uniform()).floor();
    let hits = (words * (quality + 0.25 * draw.normal()).clamp(0.0, 1.0)).round();
    let pairs = ((words - 1.0) * (hits / words).powi(2)).round();
    vec![hits, pairs, words, words - 1.0]
}

const SHARES: [f64; 4] = [0.45, 0.3, 0.15, 0.1];

fn class(draw: &mut Draw) -> usize {
    let mut at = draw.uniform();
    SHARES
        .iter()
        .position(|share| {
            at -= share;
            at < 0.0
        })
        .unwrap_or(0)
}

/// The right class with this chance, else any.
fn classified(draw: &mut Draw, truth: usize, chance: f64) -> Vec<f64> {
    let said = if draw.uniform() < chance { truth } else { class(draw) };
    vec![truth as f64, said as f64]
}

#[derive(Clone, Copy)]
enum Task {
    /// Right with this chance; a share of the candidate's answers is the baseline's.
    Labels {
        chance: f64,
        kept: f64,
    },
    Words {
        quality: f64,
    },
}

impl Task {
    fn metric(self) -> Box<dyn CorpusMetric> {
        match self {
            Self::Labels { .. } => Box::new(MacroF1(SHARES.len())),
            Self::Words { .. } => Box::new(Bleu),
        }
    }

    /// One item's counts in both variants, the candidate `worse` than the baseline.
    fn draw(self, draw: &mut Draw, worse: f64) -> [Vec<f64>; 2] {
        match self {
            Self::Labels { chance, kept } => {
                let truth = class(draw);
                let before = classified(draw, truth, chance);
                let after = classified(draw, truth, chance);
                let after = if draw.uniform() < kept { before.clone() } else { after };
                let falls = draw.uniform() < worse / chance;
                let after = if falls { classified(draw, truth, 0.0) } else { after };
                [before, after]
            }
            Self::Words { quality } => [0.0, worse].map(|less| translated(draw, quality - less)),
        }
    }

    /// The value of either variant in the long run.
    fn truth(self, worse: f64) -> [f64; 2] {
        let metric = self.metric();
        let mut sums = [0, 1].map(|_| vec![0.0; metric.width()]);
        let mut draw = Draw::new(77);
        for _ in 0..400_000 {
            for (sums, counts) in sums.iter_mut().zip(self.draw(&mut draw, worse)) {
                metric.add(sums, &counts, 1.0);
            }
        }
        sums.map(|sums| metric.value(&sums).expect("a value"))
    }
}

type Counted = (Vec<ItemScore>, Vec<ItemCounts>);

fn variants(task: Task, worse: f64, n: usize, cluster: usize, seed: u64) -> [Counted; 2] {
    let mut draw = Draw::new(seed);
    let mut variants = [(); 2].map(|()| (Vec::new(), Vec::new()));
    for key in 0..n {
        let cluster = (cluster > 1).then(|| (key / cluster) as u64);
        for (variant, counts) in variants.iter_mut().zip(task.draw(&mut draw, worse)) {
            variant.0.push(ItemScore { cluster, ..item(key, 1.0) });
            variant.1.push(vec![counts.into_boxed_slice()]);
        }
    }
    variants
}

fn judge(metric: &dyn CorpusMetric, variants: &[Counted; 2], rule: &Rule) -> Comparison {
    let [before, after] =
        variants.each_ref().map(|(items, counts)| CountedVariant { items: items.into(), counts });
    compare_corpus_metric(&subject(), [before, after], metric, rule)
        .expect("the variants are sound")
        .comparison
}

fn rule(task: Task, margin: f64) -> Rule {
    let range = match task {
        Task::Labels { .. } => Range::Unit,
        Task::Words { .. } => Range::Hundred,
    };
    Rule { resamples: 4000, ..Rule::new(margin, ALPHA) }.of_metric(range, Direction::Higher)
}

fn rate(
    task: Task,
    worse: f64,
    margin: f64,
    n: usize,
    repeats: u32,
    wanted: fn(&Comparison) -> bool,
) -> f64 {
    let rule = rule(task, margin);
    let metric = task.metric();
    let one = |repeat: u32| {
        let variants = variants(task, worse, n, 1, u64::from(repeat) + 1000 * n as u64);
        u32::from(wanted(&judge(&*metric, &variants, &rule)))
    };
    let hits: u32 = (0..repeats).into_par_iter().map(one).sum();
    f64::from(hits) / f64::from(repeats)
}

/// False alarms where nothing changed, and false passes where the true drop is the margin.
fn check(name: &str, task: Task, worse: f64, repeats: [u32; 3]) {
    let [before, after] = task.truth(worse);
    let margin = before - after;
    for (n, repeats) in [100, 300, 1000].into_iter().zip(repeats) {
        let limit = ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / f64::from(repeats)).sqrt();
        let alarms =
            rate(task, 0.0, margin / 50.0, n, repeats, |one| one.answer == Answer::Regressed);
        let passes = rate(task, worse, margin, n, repeats, |one| one.answer.passes());
        let told = format!("{name}, n = {n}: {alarms} false alarms, {passes} false passes");
        assert!(alarms <= limit && passes <= limit, "{told}; at most {limit}");
    }
}

#[test]
fn rates_hold_for_macro_f1() {
    let often = Task::Labels { chance: 0.7, kept: 0.0 };
    check("much noise", often, 0.08, [250, 100, 40]);
    let rarely = Task::Labels { chance: 0.9, kept: 0.8 };
    check("little noise", rarely, 0.05, [250, 100, 40]);
}

#[test]
fn rates_hold_for_a_ratio_of_sums() {
    check("ratio", Task::Words { quality: 0.6 }, 0.05, [250, 100, 40]);
}

const LABELS: Task = Task::Labels { chance: 0.85, kept: 0.0 };

#[test]
fn the_same_answers_pass_once_there_are_enough() {
    let judged = |n| {
        let [one, _] = variants(LABELS, 0.0, n, 1, 3);
        judge(&MacroF1(4), &[one.clone(), one], &rule(LABELS, 0.05))
    };
    assert_eq!(judged(60).answer, Answer::Inconclusive);
    let found = judged(2000);
    assert_eq!((found.answer, found.estimate), (Answer::Pass, Some(0.0)), "{found:?}");
    assert_eq!(found.method, "jackknife_t+binomial");
}

/// One change among many is not what a variance is made of.
#[test]
fn a_single_change_leaves_room_for_others() {
    let [one, _] = variants(LABELS, 0.0, 300, 1, 3);
    let mut other = one.clone();
    let right = other.1.iter().position(|counts| counts[0][0] - counts[0][1] == 0.0);
    other.1[right.expect("a right answer")][0][1] = 4.0;
    let found = judge(&MacroF1(4), &[one, other], &rule(LABELS, 0.02));
    assert_eq!(found.answer, Answer::Inconclusive, "{found:?}");
    assert_eq!(
        (found.discordance, found.method.as_str()),
        (Some(1.0 / 300.0), "jackknife_t+binomial")
    );
}

#[test]
fn a_regression_is_found_and_told_in_the_units_of_the_metric() {
    let found = judge(&MacroF1(4), &variants(LABELS, 0.3, 600, 1, 4), &rule(LABELS, 0.02));
    assert_eq!(found.answer, Answer::Regressed, "{found:?}");
    assert!(found.says.contains(" % to ") && found.n_flips == 0, "{found:?}");
    let words = Task::Words { quality: 0.6 };
    let found = judge(&Bleu, &variants(words, 0.1, 600, 1, 4), &rule(words, 1.5));
    assert_eq!((found.answer, found.range), (Answer::Regressed, Range::Hundred), "{found:?}");
    assert!(found.says.contains("larger than the margin of 1.5 allows"), "{}", found.says);
}

#[test]
fn clusters_count_as_the_sample() {
    let width = |cluster| {
        let mut counted = variants(LABELS, 0.0, 600, cluster, 5);
        // What items of a cluster say is the same.
        for (_, counts) in &mut counted {
            for at in 0..counts.len() {
                counts[at] = counts[at - at % cluster].clone();
            }
        }
        let found = judge(&MacroF1(4), &counted, &rule(LABELS, 0.05));
        found.upper.zip(found.lower).map(|(upper, lower)| upper - lower).expect("bounds")
    };
    assert!(width(20) > 2.5 * width(1), "{} {}", width(20), width(1));
}

#[test]
fn missing_answers_count_at_their_worst_and_best() {
    let judged = |missing: usize, metric: &dyn CorpusMetric, task: Task, worse: f64| {
        let mut counted = variants(task, worse, 600, 1, 6);
        for at in 0..missing {
            counted[1].0[at] = without_answer(counted[1].0[at]);
            counted[1].1[at].clear();
        }
        judge(metric, &counted, &rule(task, 0.1))
    };
    let one = |missing, worse| judged(missing, &MacroF1(4), LABELS, worse);
    assert_eq!(one(0, 0.0).answer, Answer::Pass);
    assert_eq!(one(2, 0.0).answer, Answer::Pass, "two of 600 are negligible");
    let many = one(120, 0.0);
    assert_eq!(many.answer, Answer::Inconclusive);
    assert!(many.says.contains("depends on missing answers"), "{}", many.says);
    assert_eq!(one(12, 0.5).answer, Answer::Regressed, "they cannot make up for it");
    // Of such a ratio nobody knows what the best answer would have been.
    let words = judged(12, &Bleu, Task::Words { quality: 0.6 }, 0.3);
    assert_eq!(words.answer, Answer::Inconclusive);
}

#[test]
fn the_order_of_items_does_not_matter() {
    let forward = variants(LABELS, 0.1, 200, 1, 8);
    let mut backward = forward.clone();
    for (items, counts) in &mut backward {
        items.reverse();
        counts.reverse();
    }
    let rule = rule(LABELS, 0.05);
    assert_eq!(judge(&MacroF1(4), &forward, &rule), judge(&MacroF1(4), &backward, &rule));
}

#[test]
fn an_estimate_covers_the_value_of_the_long_run() {
    let [truth, _] = LABELS.truth(0.0);
    let covers = |seed: u64| {
        let [(items, counts), _] = variants(LABELS, 0.0, 150, 1, seed);
        let found = corpus_estimates(&items, &counts, &MacroF1(4), ScoreRange::UNIT, 0.95);
        let estimate = found[0].clone().expect("an estimate");
        let (low, high) = (estimate.ci_low.expect("an end"), estimate.ci_high.expect("an end"));
        assert!(low <= estimate.mean && estimate.mean <= high, "{estimate:?}");
        u32::from(low <= truth && truth <= high)
    };
    let share = f64::from((0..200_u64).into_par_iter().map(covers).sum::<u32>()) / 200.0;
    assert!(share > 0.95 - 3.0 * (0.95_f64 * 0.05 / 200.0).sqrt(), "{share}");
}

#[test]
fn a_perfect_run_has_an_interval_too() {
    let perfect = Task::Labels { chance: 1.0, kept: 0.0 };
    let [(items, counts), _] = variants(perfect, 0.0, 100, 1, 9);
    let found = corpus_estimates(&items, &counts, &MacroF1(4), ScoreRange::UNIT, 0.95);
    let estimate = found[0].clone().expect("an estimate");
    assert_eq!((estimate.mean, estimate.ci_high), (1.0, Some(1.0)));
    assert!(estimate.ci_low.is_some_and(|low| low > 0.7 && low < 0.98), "{estimate:?}");
    assert_eq!(corpus_estimates(&[], &[], &MacroF1(4), ScoreRange::UNIT, 0.95), [None]);
}
