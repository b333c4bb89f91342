//! Laws that hold for any text at all, of every metric in the list that `support::deterministic`
//! keeps; a kind of the catalog that is not in that list fails a test.

use std::{collections::BTreeSet, sync::LazyLock};

use evalmark_core::{
    metric::{ParamError, Range},
    score::Score,
};
use evalmark_scoring::{JudgeReply, Metric, Subject, catalog};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{asking, deterministic, metric, score, spec};

/// Words that tend to break things, mixed with any characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ab ]{0,8}",
        "[-+−$€.,0-9eE% ]{0,8}",
        "(answer is |Answer: |\\(|not |#### )?[A-E][). ]?",
        Just("\u{301}".to_owned()),
        Just("{\"grade\": 1}".to_owned()),
        Just("{\"criteria\": [{\"id\": 1, \"quote\": \"a\", \"met\": true}]}".to_owned()),
        Just("{\"winner\": \"B\"}".to_owned()),
        Just("{\"verdict\": \"partial\"}".to_owned()),
        Just("AACAPw==".to_owned()),
        Just("```json\n[".to_owned()),
        Just("ΐß\u{345}İ".to_owned()),
        Just("\\boxed{\\frac{1}{2}}½".to_owned()),
        r"(\\(frac|sqrt|text|boxed)|[{}^_~]|[0-9]|,\\!| ){0,8}",
        "(答案是|不是|选|[A-DＡ-Ｄ٤२４]|，|。|[0-9 ]){0,6}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// An entry as a suite writes it, and what it compiles to: once, and not anew for each case.
type Compiled<T> = LazyLock<Vec<(Value, T)>>;

/// The whole list.
static METRICS: Compiled<Metric> =
    LazyLock::new(|| deterministic().into_iter().map(compiled).collect());

/// The same under `not`, or why that is refused.
static NEGATED: Compiled<Result<Metric, ParamError>> = LazyLock::new(|| {
    let negated = |entry: Value| {
        let mut spec = spec(&entry);
        spec.negate = true;
        (entry, Metric::compile(&spec))
    };
    deterministic().into_iter().map(negated).collect()
});

/// Those that normalise, all in the same way.
static NORMALIZED: Compiled<Metric> = LazyLock::new(|| {
    let normalized = |mut entry: Value| {
        let kind = spec(&entry).kind;
        let takes_steps = entry[kind].is_object() && takes_normalize(kind);
        takes_steps.then(|| {
            entry[kind]["normalize"] = json!(["nfc", "casefold", "trim"]);
            compiled(entry)
        })
    };
    deterministic().into_iter().filter_map(normalized).collect()
});

static ASKING: Compiled<Metric> = LazyLock::new(|| asking().into_iter().map(compiled).collect());

fn compiled(entry: Value) -> (Value, Metric) {
    let metric = metric(&entry);
    (entry, metric)
}

fn value(metric: &Metric, answer: &str, target: &str) -> Option<f64> {
    metric.score(Subject::of_texts(answer, &[target.to_owned()])).value
}

fn range(entry: &Value) -> Range {
    let kind = spec(entry).kind;
    catalog().iter().find(|known| known.name == kind).expect("a kind").range
}

fn in_range(entry: &Value, value: f64) -> bool {
    let range = range(entry);
    let whole = range != Range::Binary || value.fract() == 0.0;
    whole && value >= 0.0 && value <= range.max().unwrap_or(f64::MAX)
}

/// The name of a preset, and of its scorer where it has one.
fn preset(entry: &Value) -> Option<&str> {
    let preset = entry.get("preset")?;
    preset.as_str().or(preset["scorer"].as_str()).or(preset["name"].as_str())
}

/// Whether an entry promises that a text is as good as it gets against itself.
fn promises_identity(entry: &Value, text: &str) -> bool {
    let is_matching =
        ["includes", "starts_with", "ends_with"].iter().any(|kind| entry.get(kind).is_some());
    let has_words = text.split_whitespace().next().is_some();
    let needs_words = entry["fuzzy"]["algorithm"] == "token_set_ratio";
    ["exact", "fuzzy", "token_f1"].iter().any(|kind| entry.get(kind).is_some())
        && (has_words || !needs_words)
        || is_matching && !text.trim().is_empty() && looks_for_the_target(entry)
        || matches!(entry["preset"].as_str(), Some("promptfoo_equals" | "squad" | "lm_eval"))
        || matches!(preset(entry), Some("includes"))
        || preset(entry).is_some_and(|name| name.starts_with("helm_quasi") && !text.is_empty())
}

fn looks_for_the_target(entry: &Value) -> bool {
    ["includes", "starts_with", "ends_with"].iter().all(|kind| entry[kind]["values"].is_null())
}

/// Whether an entry promises that answer and target may change places.
fn promises_symmetry(entry: &Value) -> bool {
    ["exact", "fuzzy"].iter().any(|kind| entry.get(kind).is_some())
        || matches!(entry["preset"].as_str(), Some("promptfoo_equals" | "squad"))
}

#[test]
fn every_kind_of_the_catalog_keeps_the_laws() {
    let listed: BTreeSet<&str> = deterministic().iter().map(|entry| spec(entry).kind).collect();
    let unlisted: Vec<&str> = catalog()
        .iter()
        // Models and programs of the user's are asked; their replies have laws of their own.
        .filter(|kind| kind.model_refs.is_empty() && kind.name != "command")
        .filter(|kind| !listed.contains(kind.name))
        .map(|kind| kind.name)
        .collect();
    assert!(unlisted.is_empty(), "add entries to `deterministic()` for {unlisted:?}");
}

proptest! {
    #[test]
    fn a_score_lies_in_its_range_or_is_missing(answer in text(), target in text()) {
        for (entry, metric) in &*METRICS {
            let score = metric.score(Subject::of_texts(&answer, std::slice::from_ref(&target)));
            prop_assert!(score.value.is_none_or(|v| in_range(entry, v)), "{entry} {score:?}");
            prop_assert!(score.value.is_some() || score.passed.is_none(), "{entry} {score:?}");
            prop_assert!(score.value.is_some() || score.reason.is_some(), "{entry} {score:?}");
        }
    }

    #[test]
    fn the_same_texts_have_the_same_score(answer in text(), target in text()) {
        let targets = [target];
        let subject = Subject::of_texts(&answer, &targets);
        for (entry, metric) in &*METRICS {
            prop_assert_eq!(metric.score(subject), metric.score(subject), "{}", entry);
        }
    }

    #[test]
    fn a_text_equals_itself(text in text()) {
        for (entry, metric) in &*METRICS {
            if promises_identity(entry, &text) {
                prop_assert_eq!(value(metric, &text, &text), Some(1.0), "{}", entry);
            }
        }
    }

    #[test]
    fn likeness_is_symmetric(a in text(), b in text()) {
        for (entry, metric) in &*METRICS {
            if promises_symmetry(entry) {
                let (ab, ba) = (value(metric, &a, &b), value(metric, &b, &a));
                let close = ab.zip(ba).is_some_and(|(ab, ba)| (ab - ba).abs() < 1e-12);
                prop_assert!(close, "{} {:?} {:?}", entry, ab, ba);
            }
        }
    }

    /// What the normalisation of a metric takes away makes no difference to it.
    #[test]
    fn normalisation_is_invariance(answer in text(), target in text()) {
        let dressed = format!(" \n{}\u{a0} ", answer.to_ascii_uppercase());
        let lowered = target.to_ascii_lowercase();
        for (entry, metric) in &*NORMALIZED {
            let plain = value(metric, &answer, &target);
            let turned = value(metric, &dressed, &lowered);
            // What is caught by a pattern may depend on the case of the answer.
            if entry[spec(entry).kind].get("compare").is_none() {
                prop_assert_eq!(plain, turned, "{}", entry);
            }
        }
    }

    #[test]
    fn not_negates_or_is_refused(answer in text(), target in text()) {
        let targets = [target];
        let subject = Subject::of_texts(&answer, &targets);
        for ((entry, metric), (_, negated)) in METRICS.iter().zip(&*NEGATED) {
            let plain = metric.score(subject);
            let turned = match negated {
                Ok(negated) => negated.score(subject),
                Err(complaint) => {
                    prop_assert_eq!(&complaint.pointer, "/not", "{}", entry);
                    continue;
                }
            };
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
        let (forth, back) = ([a.clone(), b.clone()], [b, a]);
        for (entry, metric) in &*METRICS {
            let one = metric.score(Subject::of_texts(&answer, &forth)).value;
            let two = metric.score(Subject::of_texts(&answer, &back)).value;
            prop_assert_eq!(one, two, "{}", entry);
        }
    }

    #[test]
    fn what_is_missing_is_never_a_number(answer in text()) {
        for (entry, metric) in &*METRICS {
            let name = spec(entry).kind;
            let needs = catalog().iter().any(|kind| kind.name == name && kind.needs_target);
            if needs && entry[name].get("values").is_none() {
                let score = metric.score(Subject::of_texts(&answer, &[]));
                prop_assert_eq!(score.value, None, "{}", entry);
                prop_assert_eq!(score.passed, None, "{}", entry);
                prop_assert!(score.reason.is_some(), "{}", entry);
            }
        }
    }

    #[test]
    fn a_number_equals_itself(number in any::<f64>(), integer in any::<i64>()) {
        static NUMBER: LazyLock<Metric> = LazyLock::new(|| metric(&json!({"number": {}})));
        let value = |answer: &str, target: &str| value(&NUMBER, answer, target);
        if number.is_finite() {
            for text in [format!("{number}"), format!("{number:e}")] {
                prop_assert_eq!(value(&text, &text), Some(1.0), "{}", text);
                let shown = format!("it is {text}.");
                prop_assert_eq!(value(&shown, &text), Some(1.0), "{}", text);
            }
        }
        let (text, other) = (integer.to_string(), integer.wrapping_add(1).to_string());
        prop_assert_eq!(value(&text, &text), Some(1.0));
        prop_assert_eq!(value(&text, &other), Some(0.0));
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
        for (entry, metric) in &*ASKING {
            let judge = metric.judge().expect("a judge");
            let subject = Subject::of_texts(&answer, &targets);
            let Ok(questions) = judge.questions(subject, &[]) else { continue };
            let replies: Vec<_> = replies.iter().cycle().take(questions.len()).collect();
            let replies: Vec<_> = replies.iter().map(|text| JudgeReply::of_text(text)).collect();
            let score = judge.score(subject, &replies);
            prop_assert!(score.value.is_none_or(|v| (0.0..=1.0).contains(&v)), "{entry} {score:?}");
            prop_assert!(score.value.is_some() || score.reason.is_some());
        }
    }
}

fn takes_normalize(kind: &str) -> bool {
    let kind = catalog().iter().find(|known| known.name == kind).expect("a kind");
    (kind.schema)()["properties"].get("normalize").is_some()
}

/// The same over and over, up to so many bytes.
fn filled(piece: &str, length: usize) -> String {
    piece.repeat(length / piece.len())
}

/// Scores a text by every metric, against short targets and, where targets matter, against one that is
/// as long. Quadratic work would show: no test could wait for it.
fn is_scored(text: &str) {
    static EXTRACTING: LazyLock<(Value, Metric)> =
        LazyLock::new(|| compiled(json!({"exact": {}, "extract": {"json": "$.a"}})));
    let (short, long) = (["A".to_owned(), "5".to_owned()], [format!("{text}b")]);
    for (entry, metric) in METRICS.iter().chain([&*EXTRACTING]) {
        let kind = catalog().iter().find(|kind| entry.get(kind.name).is_some());
        let compares = kind.is_none_or(|kind| kind.needs_target);
        for targets in [&short[..], &long].into_iter().take(if compares { 2 } else { 1 }) {
            let score = metric.score(Subject::of_texts(text, targets));
            assert!(score.value.is_none_or(|v| in_range(entry, v)), "{entry} {score:?}");
        }
    }
}

#[test]
fn odd_texts_are_scored() {
    for text in ["", "\u{301}", "\u{0}\u{FEFF}\u{202E}"] {
        is_scored(text);
    }
    let pieces = [
        "-",
        "{\"a\":",
        "1,000",
        "ANSWER: ANSWER:",
        "\\boxed{",
        "not 5 ",
        "```\n",
        "\\frac{",
        "^{1",
        "\\sqrt{1",
        "#### ",
        "答案是A",
        "A) b\n",
        "not A or ",
        "2{,}",
        "1 000",
        "x_{",
        "(",
        "5 + ",
        "So ",
    ];
    for piece in pieces {
        is_scored(&filled(piece, 10_000));
    }
}

const MEGABYTE: usize = 1_000_000;

#[test]
fn a_megabyte_of_characters_is_scored() {
    for piece in ["a", "9", "[", "\u{301}", "👩\u{200d}"] {
        is_scored(&filled(piece, MEGABYTE));
    }
}

#[test]
fn a_megabyte_of_pieces_is_scored() {
    for piece in ["@a.b", "1.2.3.4 ", "answer is A or ", "word and "] {
        is_scored(&filled(piece, MEGABYTE));
    }
}

/// Answers, each with its target, that cost much where places, calls or elements are looked for anew
/// each time.
#[test]
fn no_work_grows_with_the_square() {
    let words = json!({"includes": {"words": true}});
    let answer = json!({"preset": {"name": "inspect", "scorer": "answer", "pattern": "word"}});
    let calls = format!("[{}{{\"name\":\"a\"}}]", "{\"name\":\"a\"},".repeat(70_000));
    let numbers = format!("[{}1]", "1,2,".repeat(250_000));
    let behind = "-".repeat(1_000_000);
    let marks = format!("{}x{}y", "ANSWER:".repeat(70_000), " ".repeat(500_000));
    let ones = format!("[{}1]", "1,".repeat(250_000));
    for (entry, answer, target, expected) in [
        (words.clone(), "a".repeat(1_000_000), "a".repeat(500_000), 0.0),
        (words, format!("not {behind}"), "-".to_owned(), 1.0),
        (answer, marks, "x".to_owned(), 0.0),
        (json!({"tool_call": {}}), calls.clone(), calls, 1.0),
        (json!({"json_equal": {"ignore": ["$[?@ == 2]"]}}), numbers, ones, 1.0),
    ] {
        assert_eq!(value(&metric(&entry), &answer, &target), Some(expected), "{entry}");
    }
}
