//! Laws of structured answers, and answers that were made to hurt.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::score;

/// Any JSON value, not too large.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "[a-c é\"]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-d]{1,2}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Any JSON object, not too large.
fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec(("[a-d]{1,2}", value()), 0..4)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// The same value with every array turned around.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().rev().map(reversed).collect(),
        Value::Object(map) => Value::Object(
            map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect(),
        ),
        other => other.clone(),
    }
}

fn equals(entry: &Value, answer: &Value, target: &Value) -> Option<f64> {
    score(entry, &answer.to_string(), &[&target.to_string()]).value
}

proptest! {
    #[test]
    fn json_is_valid_equal_to_itself_and_yaml_too(value in value()) {
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        prop_assert_eq!(score(&json!({"json_valid": {}}), &text, &[]).value, Some(1.0));
        prop_assert_eq!(equals(&json!({"json_equal": {}}), &value, &value), Some(1.0));
        let yaml = json!({"yaml_valid": {"scalar": true}});
        prop_assert_eq!(score(&yaml, &text, &[]).value, Some(1.0), "{}", text);
        let schema = json!({"json_schema": {"schema": {"const": value}}});
        prop_assert_eq!(score(&schema, &text, &[]).value, Some(1.0));
    }

    #[test]
    fn equality_of_json_is_symmetric_and_agrees_with_its_schema(a in value(), b in value()) {
        let entry = json!({"json_equal": {}});
        prop_assert_eq!(equals(&entry, &a, &b), equals(&entry, &b, &a));
        let schema = json!({"json_schema": {"schema": {"const": b}}});
        prop_assert_eq!(equals(&entry, &a, &b), score(&schema, &a.to_string(), &[]).value);
    }

    #[test]
    fn order_matters_only_where_it_should(value in value()) {
        let turned = reversed(&value);
        prop_assert_eq!(equals(&json!({"json_equal": {"unordered": true}}), &turned, &value), Some(1.0));
        let same = f64::from(u8::from(turned == value));
        prop_assert_eq!(equals(&json!({"json_equal": {}}), &turned, &value), Some(same));
    }

    #[test]
    fn a_call_equals_itself_and_a_part_of_it(arguments in object(), extra in value()) {
        let call = |arguments: &Value| json!({"name": "f", "arguments": arguments.to_string()});
        prop_assert_eq!(equals(&json!({"tool_call": {}}), &call(&arguments), &call(&arguments)), Some(1.0));
        let mut more = arguments.clone();
        more["extra"] = extra;
        prop_assert_eq!(equals(&json!({"tool_call": {}}), &call(&more), &call(&arguments)), Some(0.0));
        let subset = json!({"tool_call": {"arguments": "subset"}});
        prop_assert_eq!(equals(&subset, &call(&more), &call(&arguments)), Some(1.0));
    }

    #[test]
    fn fields_are_right_answered_and_wanted(a in object(), b in object()) {
        let of = |share: &str, a, b| equals(&json!({"json_fields": {"score": share}}), a, b);
        prop_assert_eq!(of("f1", &a, &a), Some(1.0));
        prop_assert_eq!(of("f1", &a, &b), of("f1", &b, &a));
        prop_assert_eq!(of("precision", &a, &b), of("recall", &b, &a));
    }
}

/// Every kind, as strict and as lenient as it can be.
fn every_kind() -> Vec<Value> {
    vec![
        json!({"json_valid": {"fence": true}}),
        json!({"json_schema": {"schema": {"type": "array", "uniqueItems": true, "items": {"pattern": "^(a+)+$"}}}}),
        json!({"json_equal": {"unordered": true, "abs": 1, "ignore": ["$..*"]}}),
        json!({"json_equal": {"unordered": true, "abs": 0.5}}),
        json!({"json_fields": {"fields": [{"name": "$..*", "compare": "fuzzy"}, {"name": "$[*]"}]}}),
        json!({"yaml_valid": {}}),
        json!({"xml_valid": {"root": "a"}}),
        json!({"sql_valid": {}}),
        json!({"sql_valid": {"dialect": "snowflake"}}),
        json!({"sql_valid": {"dialect": "sqlite"}}),
        json!({"sql_valid": {"dialect": "mysql"}}),
        json!({"contains_code": {"inline": true}}),
        json!({"tool_call": {"fence": true, "arguments": "subset"}}),
    ]
}

/// A megabyte that is made to take long, to go deep, or to grow.
#[expect(clippy::format_collect, reason = "short and clear, and only a test")]
fn hostile() -> Vec<String> {
    let entities: String = (1..12)
        .map(|i| format!("<!ENTITY x{i} '{}'>", format!("&x{};", i - 1).repeat(10)))
        .collect();
    let anchors: String = (1..30)
        .map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")))
        .collect();
    let numbered = |n: usize, write: fn(usize) -> String| (0..n).map(write).collect::<String>();
    vec![
        "[".repeat(1_000_000),
        "{\"a\":".repeat(200_000),
        format!("[{}1]", "1,".repeat(500_000)),
        format!("[{}\"b\"]", "\"a\",".repeat(250_000)),
        format!("[\"{}b\"]", "a".repeat(1_000_000)),
        format!("{{{}\"z\":1}}", numbered(80_000, |i| format!("\"k{i}\":{i},"))),
        "(".repeat(1_000_000),
        format!("SELECT {}1", "(".repeat(40)),
        format!("SELECT 1{}", "+1".repeat(9_990)),
        format!("SELECT 1{}", "+1".repeat(500_000)),
        format!("SELECT a{}", ".a".repeat(9_990)),
        "SELECT * FROM (".repeat(40),
        "'".repeat(1_000_000),
        format!("a0: &a0 [x,x,x,x,x,x,x,x,x]\n{anchors}"),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
        "a: ".repeat(300_000),
        format!("<!DOCTYPE a [<!ENTITY x0 'lol'>{entities}]><a>&x11;</a>"),
        format!(
            "<!DOCTYPE a [<!ENTITY x '{}'>]><a>{}</a>",
            "y".repeat(500_000),
            "&x;".repeat(150_000)
        ),
        "<a>".repeat(300_000),
        format!("<a {}/>", numbered(80_000, |i| format!("a{i}='' "))),
        format!("{}{}", numbered(40_000, |i| format!("<a xmlns:a{i}='u'>")), "</a>".repeat(40_000)),
        "`".repeat(1_000_000),
        "` ``\n".repeat(200_000),
        "```\n".repeat(250_000),
        format!("[{}{{\"name\":\"f\"}}]", "{\"name\":\"f\"},".repeat(70_000)),
    ]
}

#[test]
fn hostile_answers_are_scored_or_missing() {
    let target = format!("[{}2]", "1,".repeat(5_000));
    for answer in hostile() {
        for entry in every_kind() {
            let score = score(&entry, &answer, &["{\"name\": \"g\"}", &target, "{\"a\": 1}"]);
            let fine = score.value.is_none_or(|value| (0.0..=1.0).contains(&value));
            assert!(fine, "{entry} of {:?}", &answer[..40]);
        }
    }
}

#[test]
#[expect(clippy::format_collect, reason = "short and clear, and only a test")]
fn what_is_too_deep_or_too_long_is_missing() {
    for (entry, answer) in [
        (json!({"sql_valid": {}}), format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200))),
        (json!({"sql_valid": {}}), format!("SELECT 1{}", "+1".repeat(20_000))),
        (json!({"yaml_valid": {}}), format!("{}a", "- ".repeat(100))),
        (json!({"yaml_valid": {}}), format!("{}{}", "[".repeat(300), "]".repeat(300))),
        (
            json!({"xml_valid": {}}),
            format!("<a {}/>", (0..3_000).map(|i| format!("a{i}='' ")).collect::<String>()),
        ),
    ] {
        assert_eq!(score(&entry, &answer, &[]).value, None, "{entry}");
    }
    let long = |last: &str| format!("[{}{last}]", "[1,2],".repeat(40_000));
    let entry = json!({"json_equal": {"unordered": true}});
    assert_eq!(score(&entry, &long("1"), &[&long("2")]).value, Some(0.0));
    assert_eq!(score(&entry, &long("1"), &[&long("1")]).value, Some(1.0));
}
