//! JSON: validity, schemas, equality and fields.

use evalmark_core::score::Score;
use evalmark_scoring::Subject;
use serde_json::{Map, Value, json};

use super::{check_alone, check_reason};
use crate::support::{check, check_all, complaint, metric, score};

#[test]
fn json_valid() {
    check_alone(
        &json!({"json_valid": {}}),
        &[
            ("{}", 1.0),
            (" [1, 2.5e-7, \"\\u00e9\", null, true]\n", 1.0),
            ("7", 1.0),
            ("1e999", 1.0),
            ("\"\\ud800\"", 1.0),
            ("{\"a\": 1, \"a\": 2}", 1.0),
            ("", 0.0),
            ("{'a': 1}", 0.0),
            ("{\"a\": 1,}", 0.0),
            ("[1 2]", 0.0),
            ("NaN", 0.0),
            ("01", 0.0),
            ("{} {}", 0.0),
            ("// c\n{}", 0.0),
            ("\u{feff}{}", 0.0),
            ("```json\n{}\n```", 0.0),
        ],
    );
    check_alone(
        &json!({"json_valid": {"fence": true}}),
        &[
            ("```json\n{}\n```", 1.0),
            ("Here it is:\n```\n{}\n```\nAnything else?", 1.0),
            ("{}", 1.0),
            ("```\n{}\n```\n```\n{}\n```", 0.0),
            ("```json {} ```", 1.0),
            ("```json\n{}\n", 1.0),
            ("```json\n{\n", 0.0),
            ("```ts\nf()\n```\n```json\n{}\n```", 1.0),
            ("```\n{\n```", 0.0),
            ("Here: {}", 0.0),
        ],
    );
}

#[test]
fn json_schema() {
    let entry = json!({"json_schema": {"schema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z]+$"},
            "age": {"$ref": "#/$defs/age"},
        },
        "required": ["name"],
        "unevaluatedProperties": false,
        "$defs": {"age": {"type": "integer", "minimum": 0}},
    }}});
    check_alone(
        &entry,
        &[
            (r#"{"name": "ann", "age": 3}"#, 1.0),
            (r#"{"name": "ann", "age": 3.0}"#, 1.0),
            (r#"{"name": "ann", "age": 3.5}"#, 0.0),
            (r#"{"name": "Ann"}"#, 0.0),
            (r#"{"age": 3}"#, 0.0),
            (r#"{"name": "ann", "more": 1}"#, 0.0),
            ("[]", 0.0),
        ],
    );
    check_reason(&entry, r#"{"name": "ann", "age": -1}"#, "", "`/age`: ");
    assert!(score(&entry, "no JSON", &[]).invalid);
    let formats =
        |formats: bool| json!({"json_schema": {"schema": {"format": "date"}, "formats": formats}});
    check(&formats(false), "\"soon\"", &[], Some(1.0));
    check(&formats(true), "\"soon\"", &[], Some(0.0));
    check(&formats(true), "\"2024-02-29\"", &[], Some(1.0));
}

#[test]
fn a_schema_that_is_none_is_a_mistake_of_the_suite() {
    for (schema, pointer) in [
        (json!({"type": "strnig"}), "/json_schema/schema/type"),
        (
            json!({"properties": {"a": {"minimum": "0"}}}),
            "/json_schema/schema/properties/a/minimum",
        ),
        (json!({"pattern": "("}), "/json_schema/schema/pattern"),
        (json!({"pattern": "(?=a)b"}), "/json_schema/schema"),
        (json!({"$ref": "https://example.com/s.json"}), "/json_schema/schema"),
        (json!({"$ref": "file:///etc/hosts"}), "/json_schema/schema"),
        (json!({"$ref": "other.json"}), "/json_schema/schema"),
    ] {
        let complaint = complaint(&json!({"json_schema": {"schema": schema}}));
        assert!(complaint.pointer.starts_with(pointer), "{schema}: {complaint:?}");
        assert!(complaint.message.starts_with("the schema is not valid"), "{complaint:?}");
    }
    assert_eq!(complaint(&json!({"json_schema": {}})).pointer, "/json_schema");
    let both = json!({"json_schema": {"schema": true, "column": "s"}});
    assert_eq!(complaint(&both).pointer, "/json_schema");
}

#[test]
fn a_schema_may_be_the_items_own() {
    let metric = metric(&json!({"json_schema": {"column": "schema"}}));
    let score = |schema: Value| -> Score {
        let fields: Map<String, Value> = [("schema".to_owned(), schema)].into_iter().collect();
        let fields = evalmark_core::fields::Fields::from(fields);
        metric.score(Subject { fields: &fields, ..Subject::of_texts("7", &[]) })
    };
    assert_eq!(score(json!({"type": "integer"})).value, Some(1.0));
    assert_eq!(score(json!(r#"{"type": "string"}"#)).value, Some(0.0));
    for missing in [json!("{"), json!(r#"{"type": 1}"#), Value::Null] {
        assert_eq!(score(missing).value, None);
    }
    assert_eq!(metric.score(Subject::of_texts("7", &[])).value, None);
}

#[test]
fn json_equal() {
    check_all(
        &json!({"json_equal": {}}),
        &[
            (r#"{"a": 1, "b": [1, 2]}"#, r#"{"b": [1, 2], "a": 1.0}"#, 1.0),
            ("1e3", "1000", 1.0),
            ("-0.0", "0", 1.0),
            ("9007199254740993", "9007199254740992.0", 0.0),
            ("18446744073709551615", "18446744073709551614", 0.0),
            ("\"e\\u0301\"", "\"é\"", 0.0),
            ("[1, 2]", "[2, 1]", 0.0),
            ("[1]", "[1, 1]", 0.0),
            ("null", "false", 0.0),
            ("\"1\"", "1", 0.0),
            ("{}", "[]", 0.0),
        ],
    );
    check(&json!({"json_equal": {}}), "1", &["2", "1", "no JSON"], Some(1.0));
    check(&json!({"json_equal": {}}), "1", &["no JSON"], None);
    check(&json!({"json_equal": {}}), "1", &[], None);
    assert!(score(&json!({"json_equal": {}}), "{", &["{}"]).invalid);
    check(&json!({"json_equal": {"fence": true}}), "So:\n```json\n1\n```", &["1"], Some(1.0));
}

#[test]
fn json_equal_within_tolerance_in_any_order_and_without_what_is_ignored() {
    check_all(
        &json!({"json_equal": {"unordered": true}}),
        &[
            ("[1, [2, 3]]", "[[3, 2], 1]", 1.0),
            ("[1, 1, 2]", "[1, 2, 2]", 0.0),
            (r#"[{"a": [1, 2]}, {"a": []}]"#, r#"[{"a": []}, {"a": [2, 1]}]"#, 1.0),
        ],
    );
    let loose = json!({"json_equal": {"unordered": true, "abs": 0.15}});
    check_all(
        &loose,
        &[
            ("[1.0, 1.1]", "[1.2, 1.0]", 1.0),
            ("[1.1, 1.0]", "[1.0, 1.2]", 1.0),
            ("[1, 1]", "[1, 1.2]", 0.0),
        ],
    );
    check_all(&json!({"json_equal": {"rel": 0.01}}), &[("101", "100", 1.0), ("102", "100", 0.0)]);
    let ignore =
        json!({"json_equal": {"ignore": ["$.id", "$.items[*].at", "$.list[0, 2]", "$..x"]}});
    check_all(
        &ignore,
        &[
            (r#"{"id": 1, "v": 2}"#, r#"{"v": 2}"#, 1.0),
            (r#"{"items": [{"at": 1, "v": 2}]}"#, r#"{"items": [{"v": 2}]}"#, 1.0),
            (r#"{"items": [{"v": 1}]}"#, r#"{"items": [{"v": 2}]}"#, 0.0),
            (r#"{"list": [9, 1, 8, 3]}"#, r#"{"list": [0, 1, 0, 3]}"#, 1.0),
            (r#"{"a": {"x": {"x": 1}}, "x": 1}"#, r#"{"a": {}}"#, 1.0),
        ],
    );
    assert_eq!(
        complaint(&json!({"json_equal": {"ignore": ["id"]}})).pointer,
        "/json_equal/ignore/0"
    );
    assert_eq!(complaint(&json!({"json_equal": {"abs": -1}})).pointer, "/json_equal/abs");
}

/// No number passes through a float.
#[test]
fn long_numbers_are_compared_digit_by_digit() {
    let (long, other) = ("98765432109876543210", "98765432109876543211");
    let rows = [
        (long, other, 0.0),
        (long, long, 1.0),
        ("98765432109876543210.0", long, 1.0),
        ("9876543210987654321e1", long, 1.0),
        ("0.1000000000000000000001", "0.1", 0.0),
        ("0.10000000000000000000000", "0.1", 1.0),
        ("-98765432109876543210", long, 0.0),
        ("1e400", "1e400", 1.0),
        ("1e400", "1e401", 0.0),
        ("1e-400", "0", 0.0),
        ("1e2", "100", 1.0),
        ("\"98765432109876543210\"", long, 0.0),
    ];
    for (found, target, expected) in rows {
        let object = |number: &str| format!("{{\"a\": {number}}}");
        let (answer, wanted) = (object(found), object(target));
        check(&json!({"json_equal": {}}), &answer, &[&wanted], Some(expected));
        check(&json!({"json_fields": {}}), &answer, &[&wanted], Some(expected));
        let call = |arguments: &str| format!("{{\"name\": \"f\", \"arguments\": {arguments}}}");
        check(&json!({"tool_call": {}}), &call(&answer), &[&call(&wanted)], Some(expected));
        let quoted = call(&json!(answer).to_string());
        check(&json!({"tool_call": {}}), &quoted, &[&call(&wanted)], Some(expected));
        let fields: Map<String, Value> =
            [("s".to_owned(), json!(format!("{{\"const\": {wanted}}}")))].into_iter().collect();
        let schema = metric(&json!({"json_schema": {"column": "s"}}));
        let fields = evalmark_core::fields::Fields::from(fields);
        let subject = Subject { fields: &fields, ..Subject::of_texts(&answer, &[]) };
        assert_eq!(schema.score(subject).value, Some(expected), "{answer} {wanted}");
    }
    check(&json!({"json_equal": {"abs": 1}}), long, &[other], Some(1.0));
    check_reason(
        &json!({"json_equal": {}}),
        long,
        other,
        "is 98765432109876543210, not 98765432109876543211",
    );
    let number = json!({"json_fields": {"fields": [{"name": "a", "compare": "number"}]}});
    check(
        &number,
        "{\"a\": \"98765432109876543210\"}",
        &["{\"a\": 98765432109876543210}"],
        Some(1.0),
    );
    check(&number, "{\"a\": 98765432109876543211}", &["{\"a\": 98765432109876543210}"], Some(0.0));
    let extract = json!({"exact": {}, "extract": {"json": "$.a"}});
    check(&extract, "{\"a\": 98765432109876543210}", &[long], Some(1.0));
    check(
        &extract,
        "{\"a\": [98765432109876543210, \"x\"]}",
        &["[98765432109876543210,\"x\"]"],
        Some(1.0),
    );
    let types = json!({"json_schema": {"schema": {"type": "integer", "minimum": 5}}});
    check(&types, long, &[], Some(1.0));
    let rounded = json!({"json_schema": {"schema": {"properties": {"a": {"const": 9.876_543_210_987_654e19}}}}});
    assert_eq!(complaint(&rounded).pointer, "/json_schema/schema/properties/a/const");
}

#[test]
fn json_equal_says_what_differs_first() {
    let entry = json!({"json_equal": {}});
    for (answer, target, says) in [
        (r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": [1, 3]}}"#, "`$.a.b[1]` is 2, not 3"),
        (r#"{"a": 1}"#, r#"{"a": 1, "b c": 2}"#, "`$[\"b c\"]` is missing"),
        (r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#, "`$.b` is not in the target"),
        ("[1, 2]", "[1]", "`$` has 2 elements, not 1"),
        ("{}", "\"x\"", "`$` is an object, not \"x\""),
    ] {
        check_reason(&entry, answer, target, says);
    }
}

#[test]
fn json_fields() {
    let entry = json!({"json_fields": {"fields": [
        {"name": "vendor", "normalize": ["casefold", "trim"]},
        {"name": "total", "compare": "number", "abs": 0.01},
        {"name": "city", "compare": "fuzzy", "threshold": 0.8},
        {"name": "$.lines[*].sku"},
    ]}});
    let target = r#"{"vendor": "ACME", "total": 12.5, "city": "Springfield", "lines": [{"sku": "a"}, {"sku": "b"}], "note": "x"}"#;
    for (answer, expected) in [
        (
            r#"{"vendor": "acme ", "total": "$12.50", "city": "Springfeld", "lines": [{"sku": "b"}, {"sku": "a"}]}"#,
            1.0,
        ),
        (
            r#"{"vendor": "acme", "total": 13, "city": "Springfield", "lines": [{"sku": "a"}]}"#,
            2.0 * 3.0 / 9.0,
        ),
        (r#"{"vendor": null, "lines": []}"#, 0.0),
        (r#"{"vendor": ["acme", "other"]}"#, 2.0 / 7.0),
    ] {
        check(&entry, answer, &[target], Some(expected));
    }
    check_reason(
        &entry,
        r#"{"vendor": "acme", "total": 13}"#,
        target,
        "wrong: total, city, $.lines[*].sku",
    );
    assert!(score(&entry, "[]", &[target]).invalid && score(&entry, "x", &[target]).invalid);
    check(&entry, "{}", &["x"], None);
}

#[test]
fn json_fields_of_all_keys_and_its_three_scores() {
    let of = |share: &str| json!({"json_fields": {"score": share}});
    let (answer, target) = (r#"{"a": 1, "b": "x", "c": 3}"#, r#"{"a": 1.0, "b": "y"}"#);
    check(&of("f1"), answer, &[target], Some(0.4));
    check(&of("precision"), answer, &[target], Some(1.0 / 3.0));
    check(&of("recall"), answer, &[target], Some(0.5));
    for share in ["f1", "precision", "recall"] {
        check(&of(share), "{}", &["{}"], Some(1.0));
        check(&of(share), "{}", &[r#"{"a": 1}"#], Some(0.0));
        check(&of(share), r#"{"a": 1}"#, &["{}"], Some(0.0));
    }
    for (fields, pointer) in [
        (json!([{"name": "$["}]), "/json_fields/fields/0/name"),
        (json!([{"name": "a"}, {"name": "b", "rel": -1}]), "/json_fields/fields/1/rel"),
        (json!([{"name": "a", "threshold": 2}]), "/json_fields/fields/0/threshold"),
    ] {
        assert_eq!(complaint(&json!({"json_fields": {"fields": fields}})).pointer, pointer);
    }
}

#[test]
fn bounds_of_a_schema_compare_long_numbers_exactly() {
    let long = |digit: u8| format!("9876543210987654321{digit}");
    for (bound, digit, expected) in [
        ("maximum", 0, 1.0),
        ("maximum", 1, 1.0),
        ("maximum", 2, 0.0),
        ("minimum", 0, 0.0),
        ("minimum", 1, 1.0),
        ("minimum", 2, 1.0),
        ("exclusiveMaximum", 0, 1.0),
        ("exclusiveMaximum", 1, 0.0),
        ("exclusiveMinimum", 2, 1.0),
        ("exclusiveMinimum", 1, 0.0),
    ] {
        let schema = json!(format!("{{\"{bound}\": {}}}", long(1)));
        let fields =
            evalmark_core::fields::Fields::from(Map::from_iter([("s".to_owned(), schema)]));
        let answer = long(digit);
        let subject = Subject { fields: &fields, ..Subject::of_texts(&answer, &[]) };
        let found = metric(&json!({"json_schema": {"column": "s"}})).score(subject).value;
        assert_eq!(found, Some(expected), "{bound} {digit}");
    }
    let rounded = json!({"json_schema": {"schema": {"maximum": 98_765_432_109_876_543_210_f64}}});
    assert_eq!(complaint(&rounded).pointer, "/json_schema/schema/maximum");
    check(&json!({"json_schema": {"schema": {"maximum": 1e20}}}), "5", &[], Some(1.0));
}
