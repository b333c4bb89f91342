//! Text overlap against golden rows of sacrebleu, rouge-score and jiwer, and by hand.

use evalmark_scoring::{Metric, Subject};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    facts::{check_table, compare, text, texts},
    support::{check, complaint, metric, score},
};

/// Parameters of a row, but those that have no value or mean the default transforms.
fn params(row: &Value) -> Map<String, Value> {
    let params = row["params"].as_object().expect("parameters").clone();
    let kept = |(name, value): &(String, Value)| !value.is_null() && name != "transform";
    params.into_iter().filter(kept).collect()
}

/// The metric of a row, and the tolerance of its values.
fn row_metric(row: &Value) -> (Metric, f64) {
    let name = text(row, "/metric").trim_start_matches("sentence_").trim_start_matches("corpus_");
    let kind = name.trim_end_matches("++");
    let tolerance = if matches!(kind, "wer" | "cer") { 1e-9 } else { 1e-6 };
    (metric(&json!({ kind: params(row) })), tolerance)
}

/// Segments as answer and targets.
fn segments(row: &Value) -> Vec<(&str, Vec<&str>)> {
    let input = &row["input"];
    if let Some(hypotheses) = input["hypotheses"].as_array() {
        let references = input["references"].as_array().expect("references");
        let answers = hypotheses.iter().map(|answer| answer.as_str().unwrap_or_default());
        return answers.zip(references.iter().map(texts)).collect();
    }
    let references = input.get("references").unwrap_or(&input["reference"]);
    vec![(text(row, "/input/hypothesis"), texts(references))]
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// The value of one answer, and the named values of all of them together.
fn run(
    metric: &Metric,
    segments: &[(&str, Vec<&str>)],
) -> (Option<f64>, Vec<(String, Option<f64>)>) {
    let corpus = metric.corpus().expect("a value of a run");
    let mut sums = vec![0.0; corpus.width()];
    let mut last = None;
    for (answer, targets) in segments {
        let score = metric.score(Subject::of_texts(answer, &owned(targets)));
        corpus.add(&mut sums, score.counts.as_deref().unwrap_or_default(), 1.0);
        last = score.value;
    }
    (last, corpus.values(&sums))
}

#[test]
fn golden_rows() {
    check_table("text_overlap", |row| {
        if row["metric"] == "rouge" {
            return check_rouge(row);
        }
        let (metric, tolerance) = row_metric(row);
        let (last, values) = run(&metric, &segments(row));
        let is_corpus = text(row, "/metric").starts_with("corpus_");
        let named = |name: &str| {
            values.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
        };
        let expected = row["expected"].as_object().expect("values");
        for (name, expected) in expected {
            let found = match name.as_str() {
                "precisions" => {
                    for (precision, order) in expected.as_array().expect("numbers").iter().zip(1..)
                    {
                        let name = format!("precision_{order}");
                        compare(&name, named(&name), precision, tolerance)?;
                    }
                    continue;
                }
                "bp" => named("brevity_penalty"),
                "hyp_len" => named("answer_length"),
                "ref_len" => named("target_length"),
                "score" | "wer" | "cer" if is_corpus => values[0].1,
                "score" | "wer" | "cer" => last,
                other => return Err(format!("{other} is not known")),
            };
            compare(name, found, expected, tolerance)?;
        }
        Ok(expected.len())
    });
}

fn check_rouge(row: &Value) -> Result<usize, String> {
    let stemmer = row["params"]["use_stemmer"] == true;
    let (answer, targets) = segments(row).remove(0);
    let expected = row["expected"].as_object().expect("values");
    for (variant, expected) in expected {
        for (short, of) in [("p", "precision"), ("r", "recall"), ("f", "f")] {
            let params = json!({"variant": variant, "stemmer": stemmer, "score": of});
            let value = score(&json!({ "rouge": params }), answer, &targets).value;
            compare(&format!("{variant} {of}"), value, &expected[short], 1e-9)?;
        }
    }
    Ok(expected.len())
}

#[test]
fn token_f1() {
    let plain = json!({"token_f1": {}, "threshold": 0.5});
    for (answer, targets, expected) in [
        ("the cat sat", &["a cat sat down"][..], 0.8),
        ("a a b", &["a b b"], 2.0 * 2.0 / 6.0),
        ("-5", &["5"], 0.0),
        ("x", &["y", "x z", "z"], 2.0 / 3.0),
        ("", &[""], 1.0),
        ("", &["x"], 0.0),
    ] {
        let raw = json!({"token_f1": {"normalize": []}, "threshold": 0.5});
        let entry = if answer.starts_with("a ") { &raw } else { &plain };
        let value = score(entry, answer, targets).value.expect("a value");
        assert!((value - expected).abs() < 1e-12, "{answer:?} {targets:?}: {value}");
    }
    check(&plain, "x", &[], None);
}

#[test]
fn parameters_are_checked() {
    for (entry, pointer) in [
        (json!({"bleu": {"max_ngram_order": 0}}), "/bleu/max_ngram_order"),
        (json!({"bleu": {"smooth_method": "floor", "smooth_value": 2}}), "/bleu/smooth_value"),
        (json!({"bleu": {"tokenize": "zh"}}), "/bleu"),
        (json!({"chrf": {"char_order": 0}}), "/chrf/char_order"),
        (json!({"chrf": {"word_order": 101}}), "/chrf/word_order"),
        (json!({"chrf": {"beta": -1}}), "/chrf/beta"),
        (json!({"rouge": {"variant": "rouge0"}}), "/rouge/variant"),
        (json!({"rouge": {"variant": "L"}}), "/rouge/variant"),
        (json!({"ter": {}, "not": true}), "/not"),
    ] {
        assert_eq!(complaint(&entry).pointer, pointer, "{entry}");
    }
}

/// Of several targets with one rate the value does not depend on their order.
#[test]
fn error_rates_take_the_best_target() {
    for (answer, targets, expected) in
        [("a b", &["a c", "a b c"][..], 1.0 / 3.0), ("a b", &["", "x y"], 1.0), ("", &[""], 0.0)]
    {
        let value = score(&json!({"wer": {}}), answer, targets).value;
        assert_eq!(value, Some(expected), "{answer:?} {targets:?}");
    }
}

fn scaled() -> Vec<Value> {
    vec![
        json!({"bleu": {}}),
        json!({"bleu": {"tokenize": "intl", "smooth_method": "add-k", "lowercase": true}}),
        json!({"bleu": {"tokenize": "char", "smooth_method": "floor", "max_ngram_order": 2}}),
        json!({"chrf": {}}),
        json!({"chrf": {"word_order": 2, "whitespace": true, "eps_smoothing": true}}),
        json!({"ter": {}}),
        json!({"ter": {"normalized": true, "no_punct": true, "asian_support": true}}),
        json!({"wer": {}}),
        json!({"cer": {}}),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "([abc]{1,2}[ ,.\n]{1,2}){0,40}", "[日本語。、 a-]{0,30}"]
}

proptest! {
    #[test]
    fn values_lie_in_their_range(answer in words(), target in words(), other in words()) {
        for entry in scaled() {
            let metric = metric(&entry);
            let targets = [target.clone(), other.clone()];
            let score = metric.score(Subject::of_texts(&answer, &targets));
            let value = score.value.expect("a value");
            let max = if entry.get("bleu").or(entry.get("chrf")).is_some() { 100.0 } else { f64::MAX };
            prop_assert!((0.0..=max).contains(&value), "{} {}", entry, value);
            let corpus = metric.corpus().expect("a value of a run");
            prop_assert_eq!(score.counts.expect("counts").len(), corpus.width());
        }
    }

    /// A run of one answer has that answer's value, and counting an answer twice changes no rate.
    #[test]
    fn a_run_of_one(answer in words(), target in words()) {
        for entry in scaled().iter().filter(|entry| entry["bleu"].is_null()) {
            let metric = metric(entry);
            let segment = (answer.as_str(), vec![target.as_str()]);
            let (value, values) = run(&metric, std::slice::from_ref(&segment));
            prop_assert_eq!(values[0].1, value, "{}", entry);
            if !target.trim().is_empty() {
                let (_, twice) = run(&metric, &[segment.clone(), segment]);
                prop_assert!((twice[0].1.unwrap_or(-1.0) - value.unwrap_or(-2.0)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn an_answer_equals_itself(text in "([abc]{1,4}[ ]){1,30}") {
        for (entry, expected) in [
            (json!({"bleu": {}}), 100.0), (json!({"chrf": {"word_order": 2}}), 100.0),
            (json!({"ter": {}}), 0.0), (json!({"wer": {}}), 0.0), (json!({"cer": {}}), 0.0),
            (json!({"rouge": {"variant": "rougeLsum"}}), 1.0),
        ] {
            let value = score(&entry, &text, &[&text]).value.expect("a value");
            prop_assert!((value - expected).abs() < 1e-9, "{} {}", entry, value);
        }
    }
}

#[test]
fn counts_of_another_metric_add_nothing() {
    for entry in scaled() {
        let metric = metric(&entry);
        let corpus = metric.corpus().expect("a value of a run");
        let mut sums = vec![0.0; corpus.width()];
        corpus.add(&mut sums, &[1.0], 1.0);
        assert_eq!(sums, vec![0.0; corpus.width()], "{entry}");
    }
}

/// Huge answers are scored or missing, and soon.
#[test]
fn huge_answers() {
    let texts = [
        "a".repeat(200_000),
        "a ".repeat(100_000),
        "a\n".repeat(100_000),
        "&amp;,.".repeat(30_000),
    ];
    for text in &texts {
        for entry in scaled().iter().chain(&[json!({"rouge": {"variant": "rougeLsum"}})]) {
            let score = score(entry, text, &["a b c a", "a\nb"]);
            assert!(score.value.is_some() || score.reason.is_some(), "{entry}");
        }
    }
}
