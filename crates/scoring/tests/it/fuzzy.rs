//! `fuzzy` against golden rows of rapidfuzz, and Sørensen–Dice against its definition.

use serde_json::{Value, json};

use crate::support::{check, score};

const GOLDEN: &str = include_str!("../fixtures/fuzzy.jsonl");

#[track_caller]
fn close(algorithm: &str, a: &str, b: &str, expected: f64) {
    let entry = json!({"fuzzy": {"algorithm": algorithm, "normalize": []}});
    let value = score(&entry, a, &[b]).value.unwrap_or(f64::NAN);
    assert!((value - expected).abs() <= 1e-9, "{algorithm} {a:?} {b:?}: {value}, not {expected}");
}

#[test]
fn golden_rows() {
    let mut n_rows = 0;
    for line in GOLDEN.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        let expected = row["similarity"].as_f64().expect("a number");
        close(&text("metric"), &text("a"), &text("b"), expected);
        n_rows += 1;
    }
    assert_eq!(n_rows, 64);
}

/// Values by hand: 2 × shared bigrams / all bigrams, white space left out.
#[test]
fn sorensen_dice() {
    for (a, b, expected) in [
        ("", "", 1.0),
        ("", "a", 0.0),
        ("a", "a", 1.0),
        ("a", "b", 0.0),
        ("a", "ab", 0.0),
        ("night", "nacht", 0.25),
        ("feris", "ferris", 8.0 / 9.0),
        ("aaaa", "aa", 0.5),
        ("apple event", "apple    event", 1.0),
        ("née", "nées", 0.8),
        ("日本語", "日本", 2.0 / 3.0),
        (" ", "", 1.0),
        (" ", "a", 0.0),
    ] {
        close("sorensen_dice", a, b, expected);
    }
}

#[test]
fn an_answer_passes_from_its_threshold_on() {
    let passed = |entry: &Value, answer: &str| score(entry, answer, &["abcdefghij"]).passed;
    let default = json!({"fuzzy": {}});
    assert_eq!(passed(&default, "abcdefghij"), Some(true));
    assert_eq!(passed(&default, "abcdefghix"), Some(true));
    assert_eq!(passed(&default, "abcdefghxx"), Some(false));
    assert_eq!(passed(&json!({"fuzzy": {}, "threshold": 0.8}), "abcdefghxx"), Some(true));
}

#[test]
fn the_best_target_counts() {
    check(&json!({"fuzzy": {}}), "ab", &["xy", "ax", ""], Some(0.5));
    check(&json!({"fuzzy": {}}), "ab", &[], None);
}

#[test]
fn two_huge_texts_are_not_compared() {
    let a = "a".repeat(100_000);
    let b = format!("{a}b");
    check(&json!({"fuzzy": {}}), &a, &[&b], None);
    check(&json!({"fuzzy": {}}), &a, &[&a], Some(1.0));
    let short = score(&json!({"fuzzy": {}}), &a, &["aa"]).value;
    assert_eq!(short, Some(1.0 - 99_998.0 / 100_000.0));
}
