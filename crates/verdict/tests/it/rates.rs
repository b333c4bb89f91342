//! Seeded simulations: false alarms when nothing changed, false passes at a drop of the margin.
//!
//! Both must stay below α + 3 sqrt(α(1-α)/R). The candidate's items are drawn one by one from
//! shapes that evaluations show: few discordant items, sparse changes, ceilings, skew, clusters.

use crate::common::{Draw, item, subject};
use evalmark_core::verdict::{Answer, Comparison};
use evalmark_verdict::{ItemScore, Level, Rule, compare, paired_proportions_n, paired_t_n};
use rayon::prelude::*;

const ALPHA: f64 = 0.05;

/// Baseline and candidate score of one item whose expected drop is `drop`; the cluster's effect
/// adds to the difference.
type Shape = fn(&mut Draw, drop: f64, effect: f64) -> (f64, f64);

struct Design {
    name: &'static str,
    shape: Shape,
    n: usize,
    /// Items of one cluster, and the standard deviation of a cluster's effect.
    clusters: Option<(usize, f64)>,
    margin: f64,
    repeats: u32,
}

#[test]
fn binary_rates_hold() {
    for (name, shape) in [("5 %", coin::<5> as Shape), ("10 %", coin::<10>), ("30 %", coin::<30>)] {
        for n in [30, 100, 300] {
            check(&Design { name, shape, n, clusters: None, margin: 0.03, repeats: 2000 });
        }
    }
}

#[test]
fn continuous_rates_hold() {
    let shapes = [
        ("symmetric", symmetric as Shape),
        ("sparse", sparse),
        ("ceiling", ceiling),
        ("left skew", left),
        ("right skew", right),
    ];
    for (name, shape) in shapes {
        for n in [20, 50] {
            check(&Design { name, shape, n, clusters: None, margin: 0.03, repeats: 250 });
        }
    }
}

#[test]
fn clustered_rates_hold() {
    for (name, shape) in [("clustered", symmetric as Shape), ("clustered binary", coin::<30>)] {
        for groups in [5, 8, 15, 30] {
            let clusters = Some((12, 0.1));
            check(&Design { name, shape, n: 12 * groups, clusters, margin: 0.05, repeats: 500 });
        }
    }
}

/// The planning formulas promise 80 %; a run of that many items must keep the promise.
#[test]
fn planned_power_is_had() {
    let level = Level::one_sided(ALPHA);
    let (drop, margin) = (0.05, 0.03);
    let coins = paired_proportions_n(0.1, drop, level, 0.8);
    let normals = paired_t_n(drop / 0.15, level, 0.8);
    for (name, shape, n) in
        [("10 %", coin::<10> as Shape, coins), ("symmetric", symmetric, normals)]
    {
        let n = (1..1000).find(|&whole| f64::from(whole) >= n).expect("not so many items");
        let n = usize::try_from(n).expect("a small number");
        let design = Design { name, shape, n, clusters: None, margin, repeats: 1000 };
        let found = rate(&design, drop, |one| one.p_regressed.is_some_and(|p| p <= ALPHA));
        // Three points, and as many standard errors of the simulation.
        assert!((found - 0.8).abs() < 0.03 + 0.038, "{name}, n = {n}: a power of {found}");
    }
}

fn check(design: &Design) {
    let alarms = rate(design, 0.0, |one| one.answer == Answer::Regressed);
    let passes = rate(design, design.margin, |one| one.answer.passes());
    let limit = ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / f64::from(design.repeats)).sqrt();
    let Design { name, n, .. } = design;
    assert!(alarms <= limit, "{name}, n = {n}: {alarms} false alarms, at most {limit}");
    assert!(passes <= limit, "{name}, n = {n}: {passes} false passes, at most {limit}");
}

/// Share of simulated runs that are as wanted, when every item's expected drop is `drop`.
fn rate(design: &Design, drop: f64, wanted: fn(&Comparison) -> bool) -> f64 {
    let rule = Rule { resamples: 4000, ..Rule::new(design.margin, ALPHA) };
    let one = |repeat: u32| {
        let [baseline, candidate] = variants(design, drop, u64::from(repeat));
        let judged = compare(&subject(), &baseline, &candidate, &rule);
        u32::from(wanted(&judged.expect("the variants are sound").comparison))
    };
    let hits: u32 = (0..design.repeats).into_par_iter().map(one).sum();
    f64::from(hits) / f64::from(design.repeats)
}

fn variants(design: &Design, drop: f64, seed: u64) -> [Vec<ItemScore>; 2] {
    let mut draw = Draw::new(seed);
    let (mut baseline, mut candidate) = (Vec::new(), Vec::new());
    let (size, spread) = design.clusters.unwrap_or((1, 0.0));
    let mut effect = 0.0;
    for key in 0..design.n {
        if key % size == 0 {
            effect = spread * draw.normal();
        }
        let cluster = design.clusters.map(|_| (key / size) as u64);
        let (before, after) = (design.shape)(&mut draw, drop, effect);
        baseline.push(ItemScore { cluster, ..item(key, before) });
        candidate.push(ItemScore { cluster, ..item(key, after) });
    }
    [baseline, candidate]
}

/// A share of `PERCENT` of the items is discordant.
fn coin<const PERCENT: u32>(draw: &mut Draw, drop: f64, effect: f64) -> (f64, f64) {
    let discordant = f64::from(PERCENT) / 100.0;
    let shift = (drop - effect).clamp(-discordant, discordant);
    let at = draw.uniform();
    if at < 0.5 * (discordant + shift) {
        (1.0, 0.0)
    } else if at < discordant {
        (0.0, 1.0)
    } else {
        (1.0, 1.0)
    }
}

fn differing(difference: f64) -> (f64, f64) {
    let difference = difference.clamp(-1.0, 1.0);
    (0.5 - 0.5 * difference, 0.5 + 0.5 * difference)
}

fn symmetric(draw: &mut Draw, drop: f64, effect: f64) -> (f64, f64) {
    differing(0.15 * draw.normal() + effect - drop)
}

fn sparse(draw: &mut Draw, drop: f64, effect: f64) -> (f64, f64) {
    let changed = draw.uniform() < 0.1;
    differing(if changed { 0.8 * draw.uniform() - 0.4 + effect - 10.0 * drop } else { 0.0 })
}

fn ceiling(draw: &mut Draw, drop: f64, _: f64) -> (f64, f64) {
    let mut score = || (0.95 + 0.2 * draw.normal()).clamp(0.0, 1.0);
    let (before, after) = (score(), score());
    // The mean of such a score is 0.8913: a share of it is lost.
    (before, after * (1.0 - drop / 0.8913))
}

fn right(draw: &mut Draw, drop: f64, effect: f64) -> (f64, f64) {
    differing(0.1 * (draw.exponential() - 1.0) + effect - drop)
}

fn left(draw: &mut Draw, drop: f64, effect: f64) -> (f64, f64) {
    differing(0.1 * (1.0 - draw.exponential()) + effect - drop)
}
