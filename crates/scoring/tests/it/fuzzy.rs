//! `fuzzy` against golden rows of rapidfuzz, and against second implementations.

use proptest::prelude::*;
use rapidfuzz::distance as crate_distance;
use serde_json::{Value, json};

use crate::{
    facts::{check_table, compare, text},
    support::{check, complaint, score},
};

/// The likeness of two texts as they are.
fn likeness(algorithm: &str, a: &str, b: &str) -> Option<f64> {
    score(&json!({"fuzzy": {"algorithm": algorithm, "normalize": []}}), a, &[b]).value
}

#[track_caller]
fn close(algorithm: &str, a: &str, b: &str, expected: f64) {
    let value = likeness(algorithm, a, b).unwrap_or(f64::NAN);
    assert!((value - expected).abs() <= 1e-9, "{algorithm} {a:?} {b:?}: {value}, not {expected}");
}

/// A row of the table as a suite would write it.
fn entry(row: &Value) -> Value {
    let mut params = json!({"algorithm": row["metric"], "normalize": []});
    for name in ["pad", "prefix_weight"] {
        if let Some(value) = row["params"].get(name).filter(|value| !value.is_null()) {
            params[name] = value.clone();
        }
    }
    json!({"fuzzy": params, "invalid": "missing"})
}

#[test]
fn golden_rows() {
    check_table("fuzzy", |row| {
        let (a, b) = (text(row, "/input/a"), text(row, "/input/b"));
        let value = score(&entry(row), a, &[b]).value;
        let longer = a.chars().count().max(b.chars().count()) as f64;
        let both = (a.chars().count() + b.chars().count()) as f64;
        let all = if row["metric"] == "indel" { both } else { longer };
        let is_subsequence = row["metric"] == "lcs_seq";
        let expected = row["expected"].as_object().expect("values");
        for (name, expected) in expected {
            let (found, tolerance) = match name.as_str() {
                "distance" => (value.map(|value| ((1.0 - value) * all).round()), 0.0),
                "similarity" if is_subsequence => (value.map(|value| (value * all).round()), 0.0),
                "similarity" | "normalized_similarity" | "ratio" => (value, 1e-9),
                other => return Err(format!("{other} is not known")),
            };
            // Two empty texts are equal, with a subsequence of nothing.
            let found = found.filter(|_| all > 0.0 || tolerance > 0.0).or(found.map(|_| 0.0));
            compare(name, found, expected, tolerance)?;
        }
        Ok(expected.len())
    });
}

/// Texts of few characters, so that much is alike, some longer than a word of bits.
fn like() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[abé ]{0,12}", "[abc日\u{1F600}]{0,300}", "[ab]{60,140}"]
}

proptest! {
    /// Bits in parallel, and one cell after the other.
    #[test]
    fn strsim_agrees(a in like(), b in like()) {
        let longer = a.chars().count().max(b.chars().count()).max(1) as f64;
        let same = |algorithm: &str, edits: usize| {
            let value = likeness(algorithm, &a, &b).expect("a value");
            prop_assert!((value - (1.0 - edits as f64 / longer)).abs() < 1e-12, "{} {}", algorithm, value);
            Ok(())
        };
        same("levenshtein", strsim::levenshtein(&a, &b))?;
        same("osa", strsim::osa_distance(&a, &b))?;
        same("damerau_levenshtein", strsim::damerau_levenshtein(&a, &b))?;
    }

    #[test]
    fn rapidfuzz_agrees(a in like(), b in like()) {
        let same = |algorithm: &str, expected: f64| {
            let value = likeness(algorithm, &a, &b).expect("a value");
            prop_assert!((value - expected).abs() < 1e-12, "{} {} {}", algorithm, value, expected);
            Ok(())
        };
        same("levenshtein", crate_distance::levenshtein::normalized_similarity(a.chars(), b.chars()))?;
        same("osa", crate_distance::osa::normalized_similarity(a.chars(), b.chars()))?;
        same("indel", crate_distance::indel::normalized_similarity(a.chars(), b.chars()))?;
        same("lcs_seq", crate_distance::lcs_seq::normalized_similarity(a.chars(), b.chars()))?;
        same("jaro", crate_distance::jaro::similarity(a.chars(), b.chars()))?;
        same("jaro_winkler", crate_distance::jaro_winkler::similarity(a.chars(), b.chars()))?;
    }

    /// The best of all windows, beginnings and ends, one by one.
    #[test]
    fn partial_ratio_is_the_best_part(a in "[abc ]{0,90}", b in "[abc ]{0,200}") {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
        let text = |chars: &[char]| chars.iter().collect::<String>();
        let best = |short: &[char], long: &[char]| {
            let windows = long.windows(short.len().max(1));
            let starts = (0..short.len()).map(|end| &long[..end]);
            let ends = (1..=short.len()).map(|length| &long[long.len() - length..]);
            let parts = windows.chain(starts).chain(ends);
            let values = parts.map(|part| likeness("indel", &text(short), &text(part)));
            values.flatten().fold(0.0, f64::max)
        };
        let expected = match (short.len(), long.len()) {
            (0, n) => f64::from(n == 0),
            (m, n) if m == n => best(short, long).max(best(long, short)),
            _ => best(short, long),
        };
        let value = likeness("partial_ratio", &text(&a), &text(&b)).expect("a value");
        prop_assert!((value - expected).abs() < 1e-12, "{} {}", value, expected);
    }
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

/// What is cheap is compared, what is not is missing: never a wrong number.
#[test]
fn huge_texts() {
    let a = "a".repeat(1_000_000);
    let b = format!("b{}c", "a".repeat(999_997));
    check(&json!({"fuzzy": {}}), &a, &[&format!("{b}b")], None);
    check(&json!({"fuzzy": {}}), &a, &[&a], Some(1.0));
    check(&json!({"fuzzy": {}}), &a, &["aa"], Some(1.0 - 999_998.0 / 1_000_000.0));
    for algorithm in ["hamming", "sorensen_dice"] {
        assert!(likeness(algorithm, &a, &b).is_some(), "{algorithm}");
    }
    let target = "b".repeat(3_000);
    for algorithm in ["damerau_levenshtein", "partial_ratio"] {
        assert_eq!(likeness(algorithm, &a, &target), None, "{algorithm}");
    }
}

#[test]
fn parameters() {
    let winkler =
        |weight: f64| json!({"fuzzy": {"algorithm": "jaro_winkler", "prefix_weight": weight}});
    check(&winkler(0.0), "abcd", &["abce"], Some(1.0 - (0.25 + 0.25) / 3.0));
    assert_eq!(complaint(&winkler(0.3)).pointer, "/fuzzy/prefix_weight");
    let hamming = |pad: bool| json!({"fuzzy": {"algorithm": "hamming", "pad": pad}});
    check(&hamming(true), "abcd", &["abc"], Some(0.75));
    check(&hamming(false), "abcd", &["abcx", "abc"], Some(0.75));
    let unequal = score(&hamming(false), "abcd", &["abc"]);
    assert_eq!((unequal.value, unequal.invalid), (Some(0.0), true));
    check(&hamming(false), "abcd", &[], None);
}
