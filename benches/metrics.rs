//! Pairs per second of each kind of metric; those on strsim at 20, 200 and 2,000 characters.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evalmark_core::metric::{InvalidPolicy, MetricSpec};
use evalmark_scoring::{Metric, Subject, catalog};
use serde_json::{Value, json};

fn metric(kind: &str, params: Value) -> Metric {
    let kind = catalog().iter().find(|known| known.name == kind).expect("a kind").name;
    Metric::compile(&MetricSpec {
        name: kind.to_owned(),
        kind,
        params,
        extract: None,
        negate: false,
        threshold: None,
        binary: false,
        invalid: InvalidPolicy::Zero,
        labels: None,
    })
    .expect("a metric")
}

/// Two texts of `length` characters that differ in every tenth.
fn texts(length: usize) -> (String, Vec<String>) {
    let letter = |i: usize| char::from(b'a' + u8::try_from(i * 7 % 26).expect("a letter"));
    let answer = (0..length).map(letter).collect();
    let target = (0..length).map(|i| if i % 10 == 3 { 'X' } else { letter(i) }).collect();
    (answer, vec![target])
}

fn simple(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics");
    group.throughput(Throughput::Elements(1));
    let cases = [
        ("exact", json!({}), "delivery", "Delivery"),
        ("includes", json!({}), "The topic is delivery, I think.", "delivery"),
        ("regex", json!({ "pattern": "^[a-z_]+$" }), "delivery", "delivery"),
        ("number", json!({ "rel": 0.01 }), "So the answer is $1,234.50.", "1234.5"),
    ];
    for (kind, params, answer, target) in cases {
        let metric = metric(kind, params);
        let targets = [target.to_owned()];
        group.bench_function(kind, |bencher| {
            bencher.iter(|| metric.score(Subject::of_texts(answer, &targets)))
        });
    }
}

fn fuzzy(criterion: &mut Criterion) {
    let algorithms =
        ["levenshtein", "osa", "damerau_levenshtein", "jaro", "jaro_winkler", "sorensen_dice"];
    for algorithm in algorithms {
        let mut group = criterion.benchmark_group(format!("fuzzy/{algorithm}"));
        group.throughput(Throughput::Elements(1)).sample_size(20);
        let metric = metric("fuzzy", json!({ "algorithm": algorithm }));
        for length in [20, 200, 2000] {
            let (answer, targets) = texts(length);
            group.bench_with_input(BenchmarkId::from_parameter(length), &length, |bencher, _| {
                bencher.iter(|| metric.score(Subject::of_texts(&answer, &targets)));
            });
        }
    }
}

criterion_group!(benches, simple, fuzzy);
criterion_main!(benches);
