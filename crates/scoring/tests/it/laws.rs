//! Laws that hold for any text at all.

use evalmark_core::score::Score;
use evalmark_scoring::{Metric, Reply, Subject};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{asking, deterministic, metric, score};

/// Words that tend to break things, mixed with any characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ab ]{0,8}",
        "[-+−$€.,0-9eE% ]{0,8}",
        Just("\u{301}".to_owned()),
        Just("{\"grade\": 1}".to_owned()),
        Just("{\"criteria\": [{\"id\": 1, \"quote\": \"a\", \"met\": true}]}".to_owned()),
        Just("{\"winner\": \"B\"}".to_owned()),
        Just("{\"verdict\": \"partial\"}".to_owned()),
        Just("AACAPw==".to_owned()),
        Just("```json\n[".to_owned()),
        Just("ΐß\u{345}İ".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn negated(entry: &Value) -> Value {
    let mut entry = entry.clone();
    entry["not"] = json!(true);
    entry
}

fn value(metric: &Metric, answer: &str, target: &str) -> Option<f64> {
    metric.score(Subject::of_texts(answer, &[target.to_owned()])).value
}

proptest! {
    #[test]
    fn a_score_lies_between_0_and_1_or_is_missing(answer in text(), target in text()) {
        for entry in deterministic() {
            let score = score(&entry, &answer, &[&target]);
            prop_assert!(score.value.is_none_or(|v| (0.0..=1.0).contains(&v)), "{entry} {score:?}");
            prop_assert_eq!(score.value.is_some(), score.passed.is_some());
            prop_assert!(score.value.is_some() || score.reason.is_some());
        }
    }

    #[test]
    fn a_text_equals_itself(text in text()) {
        for entry in deterministic() {
            let words = entry["fuzzy"]["algorithm"] == "token_set_ratio";
            let always = ["exact", "fuzzy", "token_f1"].iter().any(|kind| entry.get(kind).is_some())
                && !(words && text.split_whitespace().next().is_none());
            let included = entry.get("includes").is_some() && !text.trim().is_empty();
            if always || included {
                prop_assert_eq!(score(&entry, &text, &[&text]).value, Some(1.0), "{}", entry);
            }
        }
    }

    #[test]
    fn likeness_is_symmetric(a in text(), b in text()) {
        for entry in deterministic().iter().filter(|entry| entry.get("regex").is_none()) {
            if entry.get("fuzzy").is_some() || entry.get("exact").is_some() {
                let metric = metric(entry);
                let (ab, ba) = (value(&metric, &a, &b), value(&metric, &b, &a));
                let close = ab.zip(ba).is_some_and(|(ab, ba)| (ab - ba).abs() < 1e-12);
                prop_assert!(close, "{} {:?} {:?}", entry, ab, ba);
            }
        }
    }

    #[test]
    fn not_negates(answer in text(), target in text()) {
        for entry in deterministic() {
            let plain = score(&entry, &answer, &[&target]);
            let turned = score(&negated(&entry), &answer, &[&target]);
            if plain.invalid {
                // What it would add to a run's value goes with the value that it had.
                prop_assert_eq!(Score { counts: None, ..plain }, turned);
            } else {
                prop_assert_eq!(plain.value.map(|v| 1.0 - v), turned.value);
                prop_assert_eq!(plain.passed.map(|p| !p), turned.passed);
            }
        }
    }

    #[test]
    fn the_order_of_targets_does_not_matter(answer in text(), a in text(), b in text()) {
        for entry in deterministic() {
            let one = score(&entry, &answer, &[&a, &b]).value;
            prop_assert_eq!(one, score(&entry, &answer, &[&b, &a]).value, "{}", entry);
        }
    }

    #[test]
    fn a_number_equals_itself(number in any::<f64>(), integer in any::<i64>()) {
        let entry = json!({"number": {}});
        if number.is_finite() {
            for text in [format!("{number}"), format!("{number:e}")] {
                prop_assert_eq!(score(&entry, &text, &[&text]).value, Some(1.0), "{}", text);
                let shown = format!("it is {text}.");
                prop_assert_eq!(score(&entry, &shown, &[&text]).value, Some(1.0), "{}", text);
            }
        }
        let (text, other) = (integer.to_string(), integer.wrapping_add(1).to_string());
        prop_assert_eq!(score(&entry, &text, &[&text]).value, Some(1.0));
        prop_assert_eq!(score(&entry, &text, &[&other]).value, Some(0.0));
    }

    #[test]
    fn extraction_takes_any_text(answer in text()) {
        for extract in [json!({"json": "$..*"}), json!({"regex": "(a)|b", "which": "last"})] {
            let entry = json!({"exact": {}, "extract": extract});
            prop_assert!(score(&entry, &answer, &["a"]).value.is_some());
        }
    }

    #[test]
    fn replies_are_read_or_missing(answer in text(), replies in prop::collection::vec(text(), 8)) {
        let targets = ["a".to_owned()];
        for entry in asking() {
            let metric = metric(&entry);
            let judge = metric.judge().expect("a judge");
            let subject = Subject::of_texts(&answer, &targets);
            let Ok(questions) = judge.questions(subject, &[]) else { continue };
            let replies: Vec<_> = replies.iter().cycle().take(questions.len()).collect();
            let replies: Vec<_> = replies.iter().map(|text| Reply::of_text(text)).collect();
            let score = judge.score(subject, &replies);
            prop_assert!(score.value.is_none_or(|v| (0.0..=1.0).contains(&v)), "{entry} {score:?}");
            prop_assert!(score.value.is_some() || score.reason.is_some());
        }
    }
}

#[test]
fn long_and_odd_texts_are_scored() {
    let texts = [
        String::new(),
        "a".repeat(100_000),
        "\u{301}".repeat(50_000),
        "[".repeat(100_000),
        "{\"a\":".repeat(2_000),
        "-".repeat(100_000),
        "9".repeat(100_000),
        "1,000".repeat(20_000),
        "\u{0}\u{FEFF}\u{202E}".to_owned(),
    ];
    let json = json!({"exact": {}, "extract": {"json": "$.a"}});
    for text in &texts {
        for entry in deterministic().iter().chain([&json]) {
            let score = score(entry, text, &["5"]);
            assert!(score.value.is_none_or(|v| (0.0..=1.0).contains(&v)), "{entry}");
        }
    }
}
