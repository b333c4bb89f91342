//! `extract`, `invalid`, `not` and `threshold`: what all metrics share.

use serde_json::{Value, json};

use crate::support::{check, complaint, score};

fn exact(extract: &Value) -> Value {
    json!({"exact": {}, "extract": extract})
}

#[test]
fn by_regex() {
    let rows = [
        (json!({"regex": "A: (.*)"}), "A: x", "x", 1.0),
        (json!({"regex": "A: .*"}), "so A: x", "A: x", 1.0),
        (json!({"regex": "A: (.*)", "group": 0}), "A: x", "A: x", 1.0),
        (json!({"regex": "(A|B): (.*)", "group": 2}), "B: x", "x", 1.0),
        (json!({"regex": "A: (.*)"}), "A: x\nA: y", "x", 1.0),
        (json!({"regex": "A: (.*)", "which": "last"}), "A: x\nA: y", "y", 1.0),
        (json!({"regex": "(?m)A: (.*)$", "which": "last"}), "A: x\nA: y\n", "y", 1.0),
        (json!({"regex": "A(: x)?", "which": "last"}), "A: x A", ": x", 1.0),
    ];
    for (extract, answer, target, expected) in rows {
        check(&exact(&extract), answer, &[target], Some(expected));
    }
}

#[test]
fn by_json_path() {
    let rows = [
        ("$.label", r#"{"label": "spam"}"#, "spam"),
        ("$.label", "Sure!\n```json\n{\"label\": \"spam\"}\n```\nDone.", "spam"),
        ("$.label", "```\n{\"label\": \"spam\"}\n```", "spam"),
        ("$.label", r#"I say {"label": "spam", "why": "}"} because"#, "spam"),
        ("$.label", r#"See [1] and {x}: {"label": "spam"}"#, "spam"),
        ("$[1]", "the list [1, 2]", "2"),
        ("$.n", r#"{"n": 5}"#, "5"),
        ("$.n", r#"{"n": true}"#, "true"),
        ("$.n", r#"{"n": [1, "a"]}"#, r#"[1,"a"]"#),
        ("$", r#""quoted""#, "quoted"),
        ("$.a.b[0]", r#"{"a": {"b": ["x"]}}"#, "x"),
    ];
    for (path, answer, target) in rows {
        check(&exact(&json!({"json": path})), answer, &[target], Some(1.0));
    }
}

/// Drafts stand before what is final.
#[test]
fn the_last_json_counts_unless_the_suite_says_otherwise() {
    let drafts = "Draft: {\"label\": \"ham\"}. On reflection:\n```json\n{\"label\": \"spam\"}\n```";
    let again = "```json\n{\"label\": \"ham\"}\n```\nWait. {\"label\": \"spam\", \"n\": 1} [7]";
    for (answer, which, target) in [
        (drafts, None, "spam"),
        (again, None, "spam"),
        (again, Some("last"), "spam"),
        (again, Some("first"), "ham"),
        // What is fenced comes before what stands in prose.
        (drafts, Some("first"), "spam"),
    ] {
        let mut extract = json!({"json": "$.label"});
        if let Some(which) = which {
            extract["which"] = json!(which);
        }
        check(&exact(&extract), answer, &[target], Some(1.0));
        let reason = score(&exact(&extract), answer, &[target]).reason;
        let says = which != Some("first");
        assert_eq!(reason.as_deref(), says.then_some("the last of several values"));
    }
    let twice = "{\"label\": \"spam\"} I repeat: {\"label\": \"spam\"}";
    assert_eq!(score(&exact(&json!({"json": "$.label"})), twice, &["spam"]).reason, None);
}

#[test]
fn nothing_to_extract_is_invalid() {
    for (extract, answer) in [
        (json!({"regex": "A: (.*)"}), "no idea"),
        (json!({"json": "$.label"}), "no idea"),
        (json!({"json": "$.label"}), r#"{"label": null}"#),
        (json!({"json": "$.label"}), r#"{"other": 1}"#),
        (json!({"json": "$[*]"}), "[1, 2]"),
        (json!({"json": "$.label"}), r#"{"label": "cut of"#),
    ] {
        let zero = score(&exact(&extract), answer, &["x"]);
        assert!(zero.invalid && zero.reason.is_some(), "{zero:?}");
        assert_eq!((zero.value, zero.passed), (Some(0.0), Some(false)));

        let negated = json!({"exact": {}, "extract": extract, "not": true});
        let negated = score(&negated, answer, &["x"]);
        assert_eq!((negated.value, negated.passed), (Some(0.0), Some(false)));

        let missing = json!({"exact": {}, "extract": extract, "invalid": "missing"});
        let missing = score(&missing, answer, &["x"]);
        assert_eq!((missing.value, missing.passed, missing.invalid), (None, None, true));
    }
}

#[test]
fn not_turns_value_and_pass_around() {
    let found = score(&json!({"includes": {}, "not": true}), "a secret", &["secret"]);
    assert_eq!((found.value, found.passed), (Some(0.0), Some(false)));
    let clean = score(&json!({"includes": {}, "not": true}), "nothing", &["secret"]);
    assert_eq!((clean.value, clean.passed), (Some(1.0), Some(true)));
    let unlike = score(&json!({"fuzzy": {}, "not": true}), "ab", &["ax"]);
    assert_eq!((unlike.value, unlike.passed), (Some(0.5), Some(true)));
    check(&json!({"exact": {}, "not": true}), "x", &[], None);
}

#[test]
fn mistakes_point_to_their_place() {
    for (entry, pointer) in [
        (exact(&json!({"regex": "("})), "/extract/regex"),
        (exact(&json!({"regex": "(?=a)"})), "/extract/regex"),
        (exact(&json!({"regex": "(a)", "group": 2})), "/extract/group"),
        (exact(&json!({"json": "label"})), "/extract/json"),
        (json!({"exact": {}, "threshold": 1.5}), "/threshold"),
        (json!({"exact": {"normalise": []}}), "/exact"),
    ] {
        let complaint = complaint(&entry);
        assert_eq!(complaint.pointer, pointer, "{}", complaint.message);
        assert!(!complaint.message.is_empty());
    }
}
