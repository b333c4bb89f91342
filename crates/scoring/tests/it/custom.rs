//! What the suite's author brings: a row's own metric, formulas, and the words with a program.

use std::sync::Arc;

use evalmark_core::{
    item::{Item, ItemHash},
    record::{Record, Timing, Usage},
    score::Score,
};
use evalmark_scoring::Subject;
use serde_json::{Value, json};

use crate::support::{complaint, metric};

/// An answer with its item and what is known of it.
struct Case {
    answer: &'static str,
    targets: Vec<String>,
    item: evalmark_core::fields::Fields,
    record: Record,
}

fn case(answer: &'static str, targets: &[&str], item: Value) -> Case {
    let Value::Object(item) = item else { panic!("{item} is no row") };
    let targets = targets.iter().map(ToString::to_string).collect();
    Case { answer, targets, item: item.into(), record: Record::recorded(answer.to_owned()) }
}

impl Case {
    fn score(&self, entry: &Value) -> Score {
        let Self { targets, item, record, .. } = self;
        metric(entry).score(Subject::new(record, targets, item, None))
    }

    fn checked(&self, entry: &Value) -> Result<(), String> {
        metric(entry).check_item(&Item {
            index: 0,
            row: 1,
            id: "i".into(),
            hash: ItemHash([0; 16]),
            fields: self.item.clone(),
            targets: self.targets.clone().into(),
            cluster: None,
            slices: Arc::new([]),
        })
    }

    #[track_caller]
    fn is(&self, entry: &Value, value: f64, passed: Option<bool>) {
        assert_eq!(self.checked(entry), Ok(()), "{entry}");
        let score = self.score(entry);
        assert_eq!((score.value, score.passed), (Some(value), passed), "{entry}: {score:?}");
    }

    #[track_caller]
    fn is_missing(&self, entry: &Value, words: &str) {
        let score = self.score(entry);
        assert_eq!((score.value, score.passed, score.invalid), (None, None, false), "{entry}");
        assert!(score.reason.as_ref().is_some_and(|r| r.contains(words)), "{entry}: {score:?}");
    }

    #[track_caller]
    fn is_refused(&self, entry: &Value, words: &str) {
        let message = self.checked(entry).expect_err(words);
        assert!(message.contains(words), "{entry}: {message}");
    }
}

fn row(cell: impl Into<Value>) -> Value {
    json!({"text": "t", "check": cell.into()})
}

#[test]
fn a_row_names_its_metric() {
    let entry = json!({"per_item": {"column": "check"}});
    let answer = |cell: Value| case("Apple", &["apple"], row(cell));
    answer(json!({"regex": {"pattern": "^A"}})).is(&entry, 1.0, Some(true));
    answer(json!(r#"{"regex": {"pattern": "^B"}}"#)).is(&entry, 0.0, Some(false));
    answer(json!("regex: { pattern: '^A' }\nnot: true\n")).is(&entry, 0.0, Some(false));
    answer(json!("exact: { normalize: [casefold] }")).is(&entry, 1.0, Some(true));
    answer(json!("fuzzy: {}")).is(&entry, 0.8, Some(false));
    answer(json!("{fuzzy: {}, threshold: 0.5}")).is(&entry, 0.8, Some(true));
    answer(json!("all_of: [{exact: {}, not: true}, {regex: {pattern: p}}]")).is(
        &entry,
        1.0,
        Some(true),
    );
    let turned = json!({"per_item": {"column": "check"}, "not": true});
    answer(json!("regex: {pattern: A}")).is(&turned, 0.0, Some(false));
    let threshold = json!({"per_item": {"column": "check"}, "threshold": 0.7});
    answer(json!("fuzzy: {}")).is(&threshold, 0.8, Some(true));
    let within = json!({"all_of": [entry, {"regex": {"pattern": "e$"}}]});
    answer(json!("regex: {pattern: A}")).is(&within, 1.0, Some(true));
}

#[test]
fn an_empty_cell_is_missing() {
    let entry = json!({"per_item": {"column": "check"}});
    for cell in [json!(null), json!(""), json!(" \n")] {
        let case = case("a", &[], row(cell));
        assert_eq!(case.checked(&entry), Ok(()));
        case.is_missing(&entry, "names no metric in `check`");
    }
    let invalid = case("a", &[], row("{regex: {pattern: a}, extract: {regex: b}}")).score(&entry);
    assert_eq!((invalid.value, invalid.invalid), (Some(0.0), true));
}

#[test]
fn a_wrong_row_is_found_before() {
    let entry = json!({"per_item": {"column": "check"}});
    for (cell, words) in [
        ("regex: {pattern: '('}", "column `check` at /regex/pattern: "),
        ("regexp: {pattern: a}", "did you mean `regex`?"),
        ("regex: {pattern: a", "column `check`: "),
        ("just words", "column `check`: a metric is a mapping"),
        ("per_item: {column: check}", "at /per_item: a row's metric cannot be `per_item` itself"),
        ("any_of: [{per_item: {column: check}}]", "at /any_of/0/per_item: a row's metric"),
        ("judge: {model: m, rubric: r}", "asks a model or a program"),
        ("exact: {}", "`exact` compares with a target, and the row has none"),
        ("all_of: [{exact: {}}]", "`exact` compares with a target, and the row has none"),
    ] {
        case("a", &[], row(cell)).is_refused(&entry, words);
    }
    case("a", &[], row("x"))
        .is_refused(&json!({"per_item": {"column": "chekc"}}), "no column `chekc`");
    let within = json!({"any_of": [{"per_item": {"column": "check"}}]});
    case("a", &[], row("nonsense: 1")).is_refused(&within, "column `check`");
}

#[test]
fn many_rows_are_scored_whatever_is_kept() {
    let metric = metric(&json!({"per_item": {"column": "check"}}));
    for round in 0..2 {
        for i in 0..3_000 {
            let case = case("7", &[], row(json!({"regex": {"pattern": format!("^{i}$")}})));
            let score = metric.score(Subject::new(&case.record, &[], &case.item, None));
            assert_eq!(score.value, Some(f64::from(i == 7)), "round {round}, row {i}");
        }
    }
}

#[test]
fn formulas() {
    let truth = |source: &str| json!({ "expression": source });
    let case =
        case(r#"{"label": "Money"}"#, &["money", "cash"], json!({"text": "t", "limit": "20"}));
    case.is(&truth("answer | length <= item.limit | int"), 1.0, Some(true));
    case.is(&truth("(answer | fromjson).label | lower in targets"), 1.0, Some(true));
    case.is(&truth("(answer | fromjson).label == target"), 0.0, Some(false));
    case.is(&truth("1 / 4"), 0.25, None);
    case.is(&json!({"expression": "1 / 4", "threshold": 0.2}), 0.25, Some(true));
    case.is(&json!({"expression": "1 / 4", "threshold": 0.5, "binary": true}), 0.0, Some(false));
    case.is(&json!({"expression": "matches(answer, 'Money')", "not": true}), 0.0, Some(false));
    case.is(&json!({"all_of": [{"expression": "true"}]}), 1.0, Some(true));
    case.is_missing(&json!({"all_of": [{"expression": "0.5"}]}), "it has no `threshold`");
    case.is_missing(&truth("2"), "the expression gives 2, which is not in [0, 1]");
    case.is_missing(&truth("answer"), "neither a boolean nor a number");
    case.is_missing(&truth("latency_ms < 5"), "`latency_ms` is not known");
    case.is_missing(&truth("'a' * 100000000 == ''"), "too much work");
    case.is(&truth("(answer | fromjson).nothing is defined"), 0.0, Some(false));
    case.is_refused(&truth("item.nothing == 1"), "`item.nothing`, and the row has no such column");
    let within = json!({"weighted": [{"expression": "item.nothing == 1"}]});
    case.is_refused(&within, "`item.nothing`");
}

#[test]
fn what_the_model_left_out_is_invalid() {
    let entry = json!({"expression": "(answer | fromjson).label == 'x'"});
    for answer in ["no JSON", r#"{"lable": "x"}"#, ""] {
        let score = case(answer, &[], json!({})).score(&entry);
        assert_eq!((score.value, score.invalid), (Some(0.0), true), "{answer}: {score:?}");
    }
}

#[test]
fn formulas_know_what_an_answer_took() {
    let mut case = case("a", &[], json!({}));
    case.record.timing = Timing { latency_ms: Some(120.0), ..Timing::default() };
    case.record.usage = Usage { input_tokens: Some(9), output_tokens: Some(30) };
    case.record.finish_reason = Some("stop".into());
    let source = "latency_ms < 200 and output_tokens > input_tokens and finish_reason == 'stop'";
    case.is(&json!({ "expression": source }), 1.0, Some(true));
    case.is_missing(&json!({"expression": "target == 'a'"}), "`target` is not known");
    case.is_missing(&json!({"expression": "cost_usd < 1"}), "`cost_usd` is not known");
}

#[test]
fn wrong_formulas_and_programs() {
    let refused = |entry: Value, pointer: &str, words: &str| {
        let complaint = complaint(&entry);
        assert_eq!(complaint.pointer, pointer, "{entry}: {complaint:?}");
        assert!(complaint.message.contains(words), "{entry}: {complaint:?}");
    };
    refused(json!({"expression": "anwser"}), "/expression", "did you mean `answer`?");
    refused(json!({"expression": "1 +"}), "/expression", "syntax error");
    refused(json!({"all_of": [{"expression": "1 +"}]}), "/all_of/0/expression", "syntax error");
    let command = |key: &str, value: Value| {
        let mut entry = json!({"command": {"program": ["score"]}});
        entry["command"][key] = value;
        entry
    };
    refused(command("program", json!([])), "/command/program", "begins with its name");
    refused(command("program", json!([" "])), "/command/program", "begins with its name");
    refused(command("program", json!(["a", "b\u{0}"])), "/command/program", "NUL");
    refused(command("timeout", json!("soon")), "/command/timeout", "`500ms`");
    refused(command("timeout", json!("0s")), "/command/timeout", "`500ms`");
    for memory in ["12", "0MB", "MB", "-1MB", "1XB", "99999999999999999999GB", "99999999999GiB"] {
        refused(command("memory", json!(memory)), "/command/memory", "`4GiB`");
    }
    refused(command("batch", json!(0)), "/command/batch", "between 1 and");
}

#[test]
fn what_a_program_is_told() {
    let case = case("a\n\"b\"\u{2028}", &["x"], json!({"text": "t"}));
    let metric = metric(
        &json!({"command": {"program": ["./score", "-x"], "timeout": "2m", "memory": "1KiB"}}),
    );
    let program = metric.program().expect("a program");
    assert_eq!(
        (program.command.as_slice(), program.memory),
        (&["./score".into(), "-x".into()][..], Some(1024))
    );
    assert_eq!((program.timeout.as_secs(), program.batch), (120, 128));
    let subject = Subject::new(&case.record, &case.targets, &case.item, None);
    let line = metric.program_request(7, subject).expect("a line");
    assert!(!line.contains('\n'));
    let told: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        told,
        json!({"id": 7, "answer": case.answer, "targets": ["x"], "item": {"text": "t"}})
    );
    assert_eq!(metric.score(subject).reason.as_deref(), Some("the program was not run"));
}

#[test]
fn what_is_narrowed_away_is_not_asked_about() {
    let metric = metric(&json!({"command": {"program": ["p"]}, "extract": {"regex": "A: (.*)"}}));
    let line = metric.program_request(0, Subject::of_texts("A: b", &[])).expect("a line");
    assert!(line.contains(r#""answer":"b""#), "{line}");
    assert_eq!(metric.program_request(0, Subject::of_texts("b", &[])), None);
    assert!(metric.score(Subject::of_texts("b", &[])).invalid);
}

#[test]
fn what_a_program_may_say() {
    let plain = metric(&json!({"command": {"program": ["p"]}}));
    let value = |line: &str| {
        let said = plain.program_score(3, line).unwrap_or_else(|why| panic!("{line}: {why}"));
        assert_eq!(said.names_id, line.contains("id\""), "{line}");
        (said.score.value, said.score.passed)
    };
    assert_eq!(value(r#"{"score": 0.5}"#), (Some(0.5), None));
    assert_eq!(
        value(r#" {"id": 3, "score": 1, "passed": false, "more": []}"#),
        (Some(1.0), Some(false))
    );
    assert_eq!(value(r#"{"score": true}"#), (Some(1.0), Some(true)));
    assert_eq!(value(r#"{"score": null, "reason": "no idea"}"#), (None, None));
    for line in [
        "",
        "0.5",
        "[]",
        "{}",
        r#"{"score": "1"}"#,
        r#"{"score": 1.5}"#,
        r#"{"score": -0.1}"#,
        r#"{"score": NaN}"#,
        r#"{"score": 1e999}"#,
        r#"{"id": 4, "score": 1}"#,
        r#"{"id": "3", "score": 1}"#,
        r#"{"score": 1} {"score": 1}"#,
        r#"{"score": 1, "score": 0}"#,
        r#"{"score": []}"#,
    ] {
        assert!(plain.program_score(3, line).is_err(), "{line}");
    }
    let strict = metric(&json!({"command": {"program": ["p"]}, "threshold": 0.9, "not": true}));
    let score =
        strict.program_score(0, r#"{"score": 0.5, "passed": true}"#).expect("a score").score;
    assert_eq!(
        (score.value, score.passed),
        (Some(0.5), Some(true)),
        "the suite's threshold counts"
    );
}
