//! The suite in a run record: kept word for word, and read where later commands ask.

use evalmark_store::run_record::EffectiveSuite;
use serde_json::{Value, json};

#[test]
fn it_is_written_as_it_was_read() {
    let text = r#"{"z":1,"metrics":[{"name":"m","judge":{"rubric":"r"},"not":true,"threshold":0.7}],"a":[2.50]}"#;
    let suite: EffectiveSuite = serde_json::from_str(text).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&suite).unwrap(), serde_json::to_string(&value).unwrap());
    let metric = suite.metric("m").unwrap();
    assert_eq!((metric.threshold, metric.negate), (Some(0.7), true));
    assert_eq!(metric.setting("judge"), Some(&json!({ "rubric": "r" })));
    assert_eq!((metric.setting("exact"), suite.metric("other")), (None, None));
}

#[test]
fn targets_are_columns() {
    let check = |suite: Value, expected: Option<&[&str]>| {
        let read = EffectiveSuite::try_from(suite.clone()).unwrap();
        assert_eq!(read.target_columns().as_deref(), expected, "{suite}");
    };
    check(Value::Null, None);
    check(json!({}), None);
    check(json!({ "dataset": { "path": "a.csv" } }), Some(&[]));
    check(json!({ "dataset": { "target": "label" } }), Some(&["label"]));
    check(json!({ "dataset": { "target": ["a", "b"] } }), Some(&["a", "b"]));
}

#[test]
fn what_no_suite_is_is_an_error() {
    for odd in [json!(3), json!({ "metrics": [null] }), json!({ "models": [{ "model": "x" }] })] {
        assert!(EffectiveSuite::try_from(odd.clone()).is_err(), "{odd}");
    }
}
