//! Whole clusters may move as one: every bound counts clusters, never their items.

use crate::common::{Draw, item, subject, variant};
use evalmark_core::metric::{Direction, Range};
use evalmark_core::verdict::{Answer, Comparison};
use evalmark_verdict::{
    Clustering, Design, Interim, ItemScore, Level, RatioOf, Rule, ScoreRange, Spread, Stopping,
    compare, compare_labelled, compare_ratio, estimate, minimum, noise, unrelated,
};
use rayon::prelude::*;

const ALPHA: f64 = 0.05;

/// A variant of clusters with these sizes; an item's score by its cluster and its place there.
fn clustered(sizes: &[usize], score: impl Fn(usize, usize) -> f64) -> Vec<ItemScore> {
    let places = sizes.iter().enumerate();
    let places = places.flat_map(|(group, &size)| (0..size).map(move |place| (group, place)));
    let one = |(key, (group, place)): (usize, (usize, usize))| ItemScore {
        cluster: Some(group as u64),
        ..item(key, score(group, place))
    };
    places.enumerate().map(one).collect()
}

fn judge(variants: &[Vec<ItemScore>; 2], margin: f64) -> Comparison {
    let judged = compare(&subject(), &variants[0], &variants[1], &Rule::new(margin, ALPHA));
    judged.expect("the variants are sound").comparison
}

/// A run against the same one with this change.
fn changed(sizes: &[usize], change: impl Fn(usize, usize) -> f64) -> [Vec<ItemScore>; 2] {
    let candidate = clustered(sizes, |group, place| (1.0 + change(group, place)).clamp(0.0, 1.0));
    [clustered(sizes, |_, _| 1.0), candidate]
}

fn near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-9)
}

#[test]
fn equal_clusters_bound_a_drop_by_their_number() {
    for (groups, size) in [(20, 50), (10, 10), (30, 10), (6, 20), (5, 1000), (40, 2)] {
        let found = judge(&changed(&vec![size; groups], |_, _| 0.0), 0.03);
        let bound = 1.0 - ALPHA.powf(1.0 / groups as f64);
        assert_eq!(found.answer, Answer::Inconclusive, "{groups} x {size}: {found:?}");
        assert!(near(found.lower, -bound) && near(found.upper, bound), "{found:?}");
        assert_eq!(found.effective_n, Some(groups as f64));
        assert!(found.detectable_drop >= Some(bound - 1e-9), "{found:?}");
        assert!(found.items_needed >= Some(99 * size as u64), "{found:?}");
    }
    // 0.97^99 is just below alpha, as for items.
    for (groups, answer) in [(98, Answer::Inconclusive), (99, Answer::Pass)] {
        assert_eq!(judge(&changed(&vec![4; groups], |_, _| 0.0), 0.03).answer, answer, "{groups}");
    }
    let found = judge(&changed(&[50; 20], |_, _| 0.0), 0.03);
    let note = "20 clusters that hardly differ cannot rule out that whole clusters drop: that takes \
                99 clusters";
    assert!(found.notes.iter().any(|other| other == note), "{:?}", found.notes);
}

/// A flip here and there does not make a standard error that knows of whole clusters.
#[test]
fn few_changes_do_not_unlock_a_pass() {
    let single =
        |n: usize| move |g: usize, place: usize| if g < n && place == 0 { -1.0 } else { 0.0 };
    let gained =
        |n: usize| move |g: usize, place: usize| if g < n && place == 0 { 1.0 } else { 0.0 };
    for n in 0..7 {
        let found = judge(&changed(&[50; 20], single(n)), 0.03);
        assert!(!found.answer.passes(), "{n}: {found:?}");
        // Five clusters that lose and none that gains are no chance: 2^-5.
        assert_eq!(found.answer == Answer::Regressed, n >= 5, "{n}: {found:?}");
        assert!(found.lower < Some(-0.138), "{n}: {found:?}");
        let [right, wrong] = changed(&[50; 20], single(n));
        let better = judge(&[wrong, right], 0.03);
        assert_ne!(better.answer, Answer::Regressed, "{better:?}");
        let half = judge(
            &[
                clustered(&[50; 20], |_, _| 0.5),
                clustered(&[50; 20], |g, p| 0.5 + 0.5 * gained(n)(g, p)),
            ],
            0.03,
        );
        assert!(!half.answer.passes(), "{n}: {half:?}");
    }
    // Two whole clusters of forty: the exact share of 2 in 40.
    let two = judge(&changed(&[8; 40], |g, _| if g < 2 { -1.0 } else { 0.0 }), 0.03);
    assert!(two.lower.is_some_and(|low| (low + 0.149).abs() < 1e-3), "{two:?}");
    // Two hundred clusters and none, one or three whole ones: 0.0149, 0.0235, 0.0384.
    for (lost, answer) in [(0, Answer::Pass), (1, Answer::Pass), (3, Answer::Inconclusive)] {
        let found = judge(&changed(&[5; 200], |g, _| if g < lost { -1.0 } else { 0.0 }), 0.03);
        assert_eq!(found.answer, answer, "{lost}: {found:?}");
    }
    // A drop that all clusters share is still seen.
    let all = judge(&changed(&[10; 20], |_, _| -0.1), 0.03);
    assert_eq!(all.answer, Answer::Regressed, "{all:?}");
    let all = judge(&changed(&[10; 6], |_, _| -1.0), 0.03);
    assert_eq!(all.answer, Answer::Regressed, "{all:?}");
}

#[test]
fn uneven_clusters_are_no_better_than_even_ones() {
    let lower = |sizes: &[usize]| judge(&changed(sizes, |_, _| 0.0), 0.03).lower.expect("a bound");
    let even = lower(&[12; 20]);
    let uneven = lower(&[6, 9, 12, 15, 18].repeat(4));
    assert!(uneven < even && uneven > 1.5 * even, "{uneven} {even}");
    // A cluster that holds half of the items may fail as one.
    let mut sizes = vec![1; 100];
    sizes.push(100);
    assert!((lower(&sizes) + 0.475).abs() < 1e-9);
    // A cluster that fails counts for its share.
    let small = judge(&changed(&sizes, |g, _| if g == 0 { -1.0 } else { 0.0 }), 0.03);
    let large = judge(&changed(&sizes, |g, _| if g == 100 { -1.0 } else { 0.0 }), 0.03);
    assert!(large.lower < small.lower && large.lower <= Some(-0.9), "{large:?} {small:?}");
}

#[test]
fn a_minimum_counts_clusters() {
    let run = |sizes: &[usize], min: f64, wrong: usize| {
        let items = clustered(sizes, |g, place| f64::from(u8::from(g >= wrong || place > 0)));
        let judged = minimum(&subject(), &items, min, &Rule::new(0.03, ALPHA));
        judged.expect("sound scores").comparison
    };
    let found = run(&[50; 20], 0.95, 0);
    assert!(near(found.lower, ALPHA.powf(0.05)), "{found:?}");
    assert_eq!(found.answer, Answer::Inconclusive, "{found:?}");
    assert_eq!(
        found.notes[1],
        "this run cannot meet the minimum: even with every item right that takes 59 clusters"
    );
    assert_eq!(run(&[50; 20], 0.86, 0).answer, Answer::Pass);
    assert_eq!(run(&[50; 20], 0.862, 0).answer, Answer::Inconclusive);
    assert_eq!(run(&[3; 58], 0.95, 0).answer, Answer::Inconclusive);
    assert_eq!(run(&[3; 59], 0.95, 0).answer, Answer::Pass);
    // One wrong item each in three of twenty clusters is no reason to trust the others more.
    assert_eq!(run(&[50; 20], 0.95, 3).answer, Answer::Inconclusive);
    // A maximum is a minimum turned around.
    let errors = clustered(&[50; 20], |_, _| 0.0);
    let rule = Rule::new(0.03, ALPHA).of_metric(Range::Unit, Direction::Lower);
    let most = minimum(&subject(), &errors, 0.05, &rule).expect("sound scores").comparison;
    assert_eq!(most.answer, Answer::Inconclusive, "{most:?}");
    assert!(near(most.upper, 1.0 - ALPHA.powf(0.05)), "{most:?}");
}

#[test]
fn summaries_count_clusters() {
    let of = |scores: &[(f64, u64)]| {
        let items = scores.iter().map(|&(score, cluster)| (score, Some(cluster)));
        estimate(items, ScoreRange::UNIT, 0.95).expect("sound scores").expect("items")
    };
    let run = |groups: u64, size: usize, score: &dyn Fn(u64, usize) -> f64| {
        let items = (0..groups).flat_map(|g| (0..size).map(move |place| (g, place)));
        of(&items.map(|(g, place)| (score(g, place), g)).collect::<Vec<_>>())
    };
    let right = run(20, 50, &|_, _| 1.0);
    assert!(right.ci_low.is_some_and(|low| (low - 0.839).abs() < 5e-4), "{right:?}");
    // One wrong item of a thousand says no more of whole clusters than none.
    let nearly = run(20, 50, &|g, place| f64::from(u8::from(g + place as u64 > 0)));
    assert!(nearly.ci_low < right.ci_low && nearly.ci_high == Some(1.0), "{nearly:?}");
    let graded = run(20, 50, &|_, _| 0.7);
    let expected = 0.7 * 0.025_f64.powf(0.05);
    assert!(near(graded.ci_low, expected), "{graded:?}");
    assert_eq!(graded.ci_method, "cluster_t+binomial");
    // Uneven clusters: the large ones may be those that fail.
    let mut scores: Vec<(f64, u64)> = (0..40).map(|i| (1.0, i)).collect();
    scores.extend((0..60).map(|_| (1.0, 99)));
    assert!(of(&scores).ci_low < Some(0.45), "{:?}", of(&scores));
}

#[test]
fn plans_and_calibrations_count_clusters() {
    let set = clustered(&[50; 20], |_, _| 1.0);
    let found = noise(&set, &set).expect("comparable").expect("pairs");
    let bound = 1.0 - ALPHA.powf(0.05);
    assert!(near(Some(found.differing_upper), bound), "{found:?}");
    assert!(near(Some(found.spread.variance), bound), "{found:?}");
    assert!(near(Some(found.clustering.design_effect), 50.0), "{found:?}");
    // A few flips in one cluster do not make the others independent.
    let other = clustered(&[50; 20], |g, place| f64::from(u8::from(g > 0 || place > 4)));
    let found = noise(&set, &other).expect("comparable").expect("pairs");
    assert!(near(Some(found.clustering.design_effect), 50.0), "{found:?}");
    assert!(found.differing_upper > bound, "{found:?}");
    let (spread, _) = unrelated(&set).expect("scores");
    assert!(near(Some(spread.variance), 2.0 * bound * (1.0 - bound)), "{spread:?}");
    let design = |items, clusters, design_effect| Design {
        items,
        epochs: 4,
        clustering: Clustering { clusters: Some(clusters), design_effect },
        level: Level::one_sided(ALPHA),
        power: 0.8,
    };
    let graded = Spread { variance: 0.05, right_or_wrong: false };
    let drop = |design: Design| design.resolution(graded, 0.03).detectable_drop;
    // Items that seem independent are tested with as many degrees of freedom as there are clusters.
    assert!(drop(design(1000, 6, 1.0)) > drop(design(1000, 500, 1.0)).map(|drop| 1.15 * drop));
    // Four clusters never pass, and their signs never show a drop.
    assert_eq!(drop(design(1000, 4, 1.0)), None);
    let needed = design(1000, 4, 1.0).resolution(graded, 0.5).items_needed;
    assert!(needed >= Some(1250), "{needed:?}");
}

#[test]
fn amounts_and_labels_count_clusters() {
    let amounts = clustered(&[20; 12], |_, place| 100.0 + 50.0 * place as f64);
    for of in [RatioOf::GeometricMean, RatioOf::Quantile(0.7)] {
        let rule = Rule::new(0.1, ALPHA);
        let found =
            compare_ratio(&subject(), &amounts, &amounts, of, &rule).expect("sound amounts");
        assert_eq!(found.comparison.answer, Answer::Inconclusive, "{of:?} {:?}", found.comparison);
    }
    // As many clusters of the same are enough.
    let many = clustered(&[2; 400], |g, place| 100.0 + g as f64 + place as f64);
    for of in [RatioOf::GeometricMean, RatioOf::Quantile(0.95)] {
        let rule = Rule::new(0.1, ALPHA);
        let found = compare_ratio(&subject(), &many, &many, of, &rule).expect("sound amounts");
        assert_eq!(found.comparison.answer, Answer::Pass, "{of:?} {:?}", found.comparison);
    }
    let same = clustered(&[50; 20], |_, _| 1.0);
    let labels: Vec<ItemScore> = same.iter().copied().step_by(2).collect();
    let rule = Rule::new(0.05, ALPHA);
    let judged = compare_labelled(&subject(), [&same, &same], [&labels, &labels], &rule);
    let found = judged.expect("the variants are sound").comparison;
    assert_eq!(found.answer, Answer::Inconclusive, "{found:?}");
    assert!(near(found.lower, -(1.0 - ALPHA.powf(0.05))), "{found:?}");
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.starts_with("advisory: ") && note.contains("20 clusters"))
    );
}

#[test]
fn early_stops_count_clusters() {
    let asked = |groups: usize, size: usize| {
        let items = clustered(&vec![size; groups], |_, _| 1.0);
        let mut stopping =
            Stopping::new(&Rule::new(0.03, ALPHA), &items, 1, 3).expect("a sound rule");
        let ordered: Vec<_> = stopping.order().iter().map(|&at| items[at]).collect();
        match stopping.look(&ordered, &ordered) {
            Interim::Stop(stop) => Some(stop.items / size),
            Interim::Continue => None,
        }
    };
    assert_eq!(asked(20, 500), None);
    // As many clusters as it would take single items.
    assert_eq!(asked(400, 25), asked(400, 1));
    assert!(asked(400, 1).is_some());
}

/// How the clusters of a simulated run fail.
#[derive(Clone, Copy, Debug)]
struct Failures {
    sizes: &'static [usize],
    groups: usize,
    chance: f64,
    /// Only clusters as large as this fail at all.
    smallest: usize,
}

impl Failures {
    fn sizes(&self) -> Vec<usize> {
        self.sizes.iter().copied().cycle().take(self.groups).collect()
    }

    /// The expected drop.
    fn drop(&self) -> f64 {
        let sizes = self.sizes();
        let failing: usize = sizes.iter().filter(|size| **size >= self.smallest).sum();
        self.chance * failing as f64 / sizes.iter().sum::<usize>() as f64
    }

    /// Shares of runs that pass, and whose lower bound lies above the truth.
    fn rates(&self, repeats: u32) -> [f64; 2] {
        let (sizes, drop) = (self.sizes(), self.drop());
        let one = |seed: u32| {
            let mut draw = Draw::new(u64::from(seed));
            let mut fails = |size: usize| size >= self.smallest && draw.uniform() < self.chance;
            let failed: Vec<bool> = sizes.iter().map(|&size| fails(size)).collect();
            let found = judge(&changed(&sizes, |g, _| if failed[g] { -1.0 } else { 0.0 }), drop);
            let above = found.lower.is_some_and(|lower| lower > -drop + 1e-9);
            [u32::from(found.answer.passes()), u32::from(above)]
        };
        let add = |a: [u32; 2], b: [u32; 2]| [a[0] + b[0], a[1] + b[1]];
        let counts = (0..repeats).into_par_iter().map(one).reduce(|| [0; 2], add);
        counts.map(|count| f64::from(count) / f64::from(repeats))
    }
}

/// Each cluster fails as a whole now and then, and the margin is what that loses on average.
#[test]
fn rare_failures_of_whole_clusters_do_not_pass() {
    let repeats = 400;
    let limit = ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / f64::from(repeats)).sqrt();
    let designs: [(&[usize], usize); 3] = [(&[4], 0), (&[2, 3, 4, 5, 6], 0), (&[1, 1, 1, 9], 9)];
    for (sizes, smallest) in designs {
        for groups in [8, 20, 48, 160] {
            for chance in [0.03, 0.1] {
                let failures = Failures { sizes, groups, chance, smallest };
                let [passes, above] = failures.rates(repeats);
                assert!(passes <= limit, "{failures:?}: {passes} false passes");
                assert!(above <= limit, "{failures:?}: {above} bounds above the truth");
            }
        }
    }
}

#[test]
fn variants_without_clusters_are_as_they_were() {
    let found = judge(&[variant([1.0; 99]), variant([1.0; 99])], 0.03);
    assert_eq!((found.answer, found.effective_n), (Answer::Pass, None));
}
