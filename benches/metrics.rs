//! Pairs per second of each kind of metric; likeness and overlap at 20, 200 and 2,000 characters.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evalmark_scoring::{Metric, Subject};
use serde_json::{Value, json};

fn metric(kind: &str, params: Value) -> Metric {
    evalmark_benches::metric(kind, params).expect("a metric")
}

/// Two texts of `length` characters that differ in every tenth.
fn texts(length: usize) -> (String, Vec<String>) {
    let letter = |i: usize| char::from(b'a' + u8::try_from(i * 7 % 26).expect("a letter"));
    let answer = (0..length).map(letter).collect();
    let target = (0..length).map(|i| if i % 10 == 3 { 'X' } else { letter(i) }).collect();
    (answer, vec![target])
}

/// Families whose answers are short, and what a user of theirs would write.
fn families() -> Vec<(&'static str, &'static str, Value, &'static str, &'static str)> {
    let ticket = r#"{"order": 17, "customer": "Ann Lee", "items": ["lamp", "bulb"]}"#;
    let sorry = "I'm sorry, but I can't help with that. Please write to ann@example.org instead.";
    let probabilities = r#"{"yes": 0.9, "no": 0.1}"#;
    let schema = json!({ "type": "object", "required": ["order", "items"] });
    let fields = json!([{ "name": "order", "compare": "number" }, { "name": "items" }]);
    let parts = json!([{ "includes": {} }, { "regex": { "pattern": "(?i)thank" }, "not": true }]);
    let call = r#"{"name": "order", "arguments": {"item": "lamp", "count": 2}}"#;
    let query = "SELECT name, sum(price) FROM orders WHERE shop = 3 GROUP BY name";
    vec![
        ("matching", "exact", json!({}), "delivery", "Delivery"),
        ("matching", "includes", json!({}), "The topic is delivery, I think.", "delivery"),
        ("matching", "regex", json!({ "pattern": "^[a-z_]+$" }), "delivery", "delivery"),
        ("matching", "number", json!({ "rel": 0.01 }), "So the answer is $1,234.50.", "1234.5"),
        ("matching", "choice", json!({}), "Both are near, but the answer is (B).", "B"),
        ("preset", "preset", json!("squad"), "The Eiffel Tower", "Eiffel tower."),
        ("classification", "label", json!({ "labels": ["yes", "no"] }), "Yes", "yes"),
        ("classification", "brier", json!({ "labels": ["yes", "no"] }), probabilities, "yes"),
        ("structure", "json_schema", json!({ "schema": schema }), ticket, ""),
        ("structure", "json_equal", json!({}), ticket, ticket),
        ("structure", "json_fields", json!({ "fields": fields }), ticket, ticket),
        ("structure", "tool_call", json!({}), call, call),
        ("structure", "sql_valid", json!({}), query, ""),
        ("behaviour", "length", json!({ "unit": "words" }), sorry, ""),
        ("behaviour", "refusal", json!({}), sorry, ""),
        ("behaviour", "pii", json!({}), sorry, ""),
        ("behaviour", "blocklist", json!({ "words": ["damn", "crap"] }), sorry, ""),
        ("behaviour", "language", json!({ "expected": "en" }), sorry, ""),
        ("behaviour", "repetition", json!({}), sorry, ""),
        ("combining", "all_of", parts, "The topic is delivery.", "delivery"),
        ("custom", "expression", json!("answer | length < 30 and target in answer"), sorry, "Ann"),
    ]
}

fn short(criterion: &mut Criterion) {
    for (family, kind, params, answer, target) in families() {
        let mut group = criterion.benchmark_group(family);
        group.throughput(Throughput::Elements(1));
        let metric = metric(kind, params);
        let targets = [target.to_owned()];
        group.bench_function(kind, |bencher| {
            bencher.iter(|| metric.score(Subject::of_texts(answer, &targets)));
        });
    }
}

fn fuzzy(criterion: &mut Criterion) {
    let algorithms = [
        "levenshtein",
        "osa",
        "damerau_levenshtein",
        "indel",
        "lcs_seq",
        "hamming",
        "jaro",
        "jaro_winkler",
        "sorensen_dice",
        "partial_ratio",
        "token_sort_ratio",
        "token_set_ratio",
    ];
    for algorithm in algorithms {
        let metric = metric("fuzzy", json!({ "algorithm": algorithm }));
        by_length(criterion, &format!("fuzzy/{algorithm}"), &metric, texts);
    }
}

fn overlap(criterion: &mut Criterion) {
    let cases = [
        ("token_f1", "token_f1", json!({})),
        ("bleu", "bleu", json!({})),
        ("chrf", "chrf", json!({})),
        ("chrf++", "chrf", json!({ "word_order": 2 })),
        ("ter", "ter", json!({})),
        ("rouge1", "rouge", json!({ "variant": "rouge1" })),
        ("rougeL", "rouge", json!({ "variant": "rougeL" })),
        ("rougeL stemmed", "rouge", json!({ "variant": "rougeL", "stemmer": true })),
        ("rougeLsum", "rouge", json!({ "variant": "rougeLsum" })),
        ("wer", "wer", json!({})),
        ("cer", "cer", json!({})),
    ];
    for (name, kind, params) in cases {
        by_length(criterion, &format!("overlap/{name}"), &metric(kind, params), sentences);
    }
}

/// Times a metric on an answer and targets of some lengths.
fn by_length(
    criterion: &mut Criterion,
    name: &str,
    metric: &Metric,
    texts: fn(usize) -> (String, Vec<String>),
) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for length in [20, 200, 2000] {
        let (answer, targets) = texts(length);
        group.bench_with_input(BenchmarkId::from_parameter(length), &length, |bencher, _| {
            bencher.iter(|| metric.score(Subject::of_texts(&answer, &targets)));
        });
    }
}

/// The same as words of five letters, one of them in another place.
fn sentences(length: usize) -> (String, Vec<String>) {
    let (answer, targets) = texts(length);
    let spaced = |text: &str| {
        let chars = text.chars().enumerate();
        chars.map(|(i, c)| if i % 6 == 5 { ' ' } else { c }).collect::<String>()
    };
    let target = spaced(&targets[0]);
    let (first, rest) = target.split_once(' ').unwrap_or((&target, ""));
    (spaced(&answer), vec![format!("{rest} {first}")])
}

criterion_group!(benches, short, fuzzy, overlap);
criterion_main!(benches);
