//! Thresholds turn a score into pass or fail; `binary` makes that the score; `not` turns it around.

use serde_json::{Value, json};

use crate::support::{complaint, score};

/// `fuzzy` of `abxd` against `abcd` is 0.75.
#[track_caller]
fn check(more: &Value, value: f64, passed: bool) {
    let mut entry = json!({"fuzzy": {"algorithm": "levenshtein"}});
    for (key, what) in more.as_object().expect("keys") {
        entry[key] = what.clone();
    }
    let score = score(&entry, "abxd", &["abcd"]);
    assert_eq!((score.value, score.passed), (Some(value), Some(passed)), "{entry}");
}

#[test]
fn thresholds_decide() {
    check(&json!({}), 0.75, false);
    check(&json!({"threshold": 0.75}), 0.75, true);
    check(&json!({"threshold": 0.76}), 0.75, false);
    check(&json!({"threshold": 0}), 0.75, true);
    check(&json!({"threshold": 0.75, "binary": true}), 1.0, true);
    check(&json!({"threshold": 0.76, "binary": true}), 0.0, false);
    check(&json!({"threshold": 0.75, "not": true}), 0.25, false);
    check(&json!({"threshold": 0.76, "not": true}), 0.25, true);
    check(&json!({"threshold": 0.75, "binary": true, "not": true}), 0.0, false);
    check(&json!({"threshold": 0.76, "binary": true, "not": true}), 1.0, true);
}

#[test]
fn an_invalid_answer_fails_whatever_is_asked() {
    for more in [json!({}), json!({"not": true}), json!({"binary": true, "threshold": 0.5})] {
        let mut entry = json!({"exact": {}, "extract": {"regex": "A: (.*)"}});
        for (key, what) in more.as_object().expect("keys") {
            entry[key] = what.clone();
        }
        let zero = score(&entry, "b", &["b"]);
        assert_eq!(
            (zero.value, zero.passed, zero.invalid),
            (Some(0.0), Some(false), true),
            "{entry}"
        );
        entry["invalid"] = json!("missing");
        let missing = score(&entry, "b", &["b"]);
        assert_eq!((missing.value, missing.passed, missing.invalid), (None, None, true), "{entry}");
    }
}

#[test]
fn what_cannot_be_finished_is_refused() {
    for (entry, pointer) in [
        (json!({"exact": {}, "threshold": 1.5}), "/threshold"),
        (json!({"exact": {}, "threshold": -0.5}), "/threshold"),
        (json!({"weighted": [{"exact": {}}], "binary": true}), "/binary"),
    ] {
        assert_eq!(complaint(&entry).pointer, pointer, "{entry}");
    }
}
