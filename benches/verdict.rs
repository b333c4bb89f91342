//! A verdict on 10,000 pairs: binary, continuous (with its bootstrap), and clustered.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evalmark_verdict::{ItemScore, Rule, Subject, compare};

const PAIRS: u64 = 10_000;

/// An arm whose item `i` scores `score(i)`.
fn arm(clusters: Option<u64>, score: impl Fn(u64) -> f64) -> Vec<ItemScore> {
    let item = |i: u64| ItemScore {
        key: u128::from(i),
        content: u128::from(i),
        cluster: clusters.map(|n| i % n),
        sum: score(i),
        n_scored: 1,
        n_planned: 1,
    };
    (0..PAIRS).map(item).collect()
}

/// A fixed, even-looking value in [0, 1) for each item.
fn spread(i: u64, salt: u64) -> f64 {
    let mixed = (i ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    f64::from(u32::try_from(mixed >> 32).expect("32 bits")) / f64::from(u32::MAX)
}

fn verdicts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verdict");
    group.throughput(Throughput::Elements(PAIRS)).sample_size(20);
    let binary = |salt| move |i| f64::from(u8::from(spread(i, salt) < 0.8));
    let continuous = |salt| move |i| spread(i, salt);
    let cases = [
        ("binary", arm(None, binary(1)), arm(None, binary(2))),
        ("continuous", arm(None, continuous(1)), arm(None, continuous(2))),
        ("clustered", arm(Some(500), continuous(1)), arm(Some(500), continuous(2))),
    ];
    let rule = Rule::new(0.03, 0.05);
    for (name, baseline, candidate) in cases {
        group.bench_function(name, |bencher| {
            bencher.iter(|| compare(&Subject::default(), &baseline, &candidate, &rule));
        });
    }
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
