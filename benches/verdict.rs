//! A verdict on 10,000 pairs of each kind, and a gate over ten metrics of up to a million pairs
//! with everything on: the exact test, the bootstrap, max-T.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evalmark_verdict::{
    ComparisonSubject, FamilyCorrection, Gated, ItemScore, Rule, compare, gate_with,
};

const PAIRS: u64 = 10_000;

/// Metrics of the gate; every other one is binary.
const METRICS: u64 = 10;

/// Sign flips of max-T.
const FLIPS: u32 = 9999;

/// A variant whose item `i` scores `score(i)`.
fn variant(pairs: u64, clusters: Option<u64>, score: impl Fn(u64) -> f64) -> Vec<ItemScore> {
    let item = |i: u64| ItemScore {
        key: u128::from(i),
        content: u128::from(i),
        cluster: clusters.map(|n| i % n),
        sum: score(i),
        n_scored: 1,
        n_planned: 1,
    };
    (0..pairs).map(item).collect()
}

/// A fixed, even-looking value in [0, 1) for each item.
fn spread(i: u64, salt: u64) -> f64 {
    let mixed = (i ^ (salt << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    f64::from(u32::try_from(mixed >> 32).expect("32 bits")) / f64::from(u32::MAX)
}

/// Right four times out of five.
fn right(i: u64, salt: u64) -> f64 {
    f64::from(u8::from(spread(i, salt) < 0.8))
}

fn verdicts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verdict");
    group.throughput(Throughput::Elements(PAIRS)).sample_size(20);
    let both = |clusters, score: fn(u64, u64) -> f64| {
        [1, 2].map(|salt| variant(PAIRS, clusters, |i| score(i, salt)))
    };
    let cases = [
        ("binary", both(None, right)),
        ("continuous", both(None, spread)),
        ("clustered", both(Some(500), spread)),
    ];
    let rule = Rule::new(0.03, 0.05);
    for (name, [baseline, candidate]) in cases {
        group.bench_function(name, |bencher| {
            bencher.iter(|| compare(&ComparisonSubject::default(), &baseline, &candidate, &rule));
        });
    }
}

/// Scores both variants' items anew for each metric, as a run hands them over one after the other.
fn ten_metrics(variants: &mut [Vec<ItemScore>; 2], rule: &Rule) -> Gated {
    let one = |metric: u64| {
        for (variant, side) in variants.iter_mut().zip(0..) {
            let score = if metric.is_multiple_of(2) { right } else { spread };
            for (item, i) in variant.iter_mut().zip(0..) {
                item.sum = score(i, 2 * metric + side);
            }
        }
        compare(&ComparisonSubject::default(), &variants[0], &variants[1], rule)
            .expect("the variants are sound")
    };
    let judged = (0..METRICS).map(one).collect();
    gate_with(judged, FamilyCorrection::MaxT { flips: FLIPS }).expect("there are metrics")
}

fn gates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gate over ten metrics");
    group.sample_size(10);
    let rule = Rule::new(0.03, 0.05);
    for pairs in [1_000, 10_000, 100_000, 1_000_000] {
        let mut variants = [0, 1].map(|_| variant(pairs, None, |_| 0.0));
        group.throughput(Throughput::Elements(pairs * METRICS));
        group.bench_function(BenchmarkId::from_parameter(pairs), |bencher| {
            bencher.iter(|| ten_metrics(&mut variants, &rule));
        });
    }
}

criterion_group!(benches, verdicts, gates);
criterion_main!(benches);
