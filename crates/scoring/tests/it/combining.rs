//! Metrics within metrics: what decides, what is missing, and where mistakes are found.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{check, complaint, metric, score};

/// Passes, fails, is invalid or is missing, whatever the answer `x` is.
fn part(says: char) -> Value {
    match says {
        'p' => json!({"regex": {"pattern": "x"}}),
        'f' => json!({"regex": {"pattern": "y"}}),
        'i' => json!({"regex": {"pattern": "x"}, "extract": {"regex": "y"}}),
        _ => json!({"number": {}}),
    }
}

fn list(kind: &str, says: &str) -> Value {
    json!({ kind: says.chars().map(part).collect::<Vec<_>>() })
}

/// What a list of parts says of an answer: a value, `i` for invalid (0), `m` for missing.
#[track_caller]
fn says(entry: &Value, expected: &str) {
    let score = score(entry, "x", &["no number"]);
    let found = match (score.value, score.invalid) {
        (Some(_), true) => "i".to_owned(),
        (Some(value), false) => value.to_string(),
        (None, _) => "m".to_owned(),
    };
    assert_eq!(found, expected, "{entry}: {score:?}");
    assert!(score.value.is_some() || score.reason.is_some());
}

#[test]
fn all_of_them() {
    for (parts, expected) in [
        ("p", "1"),
        ("pp", "1"),
        ("pf", "0"),
        ("ff", "0"),
        ("pm", "m"),
        ("mf", "0"),
        ("fm", "0"),
        ("pi", "i"),
        ("fi", "0"),
        ("mi", "i"),
        ("mif", "0"),
    ] {
        says(&list("all_of", parts), expected);
    }
}

#[test]
fn any_of_them() {
    for (parts, expected) in [
        ("p", "1"),
        ("pf", "1"),
        ("ff", "0"),
        ("fm", "m"),
        ("mp", "1"),
        ("ip", "1"),
        ("fi", "i"),
        ("im", "m"),
        ("mip", "1"),
    ] {
        says(&list("any_of", parts), expected);
    }
}

/// An answer without what was asked for is no success, whichever way it is turned.
#[test]
fn what_is_invalid_is_not_turned_around() {
    for kind in ["all_of", "any_of"] {
        let mut turned = list(kind, "i");
        turned["not"] = json!(true);
        let score = score(&turned, "x", &[]);
        assert_eq!((score.value, score.passed, score.invalid), (Some(0.0), Some(false), true));
    }
    let within =
        json!({"all_of": [{"regex": {"pattern": "x"}, "extract": {"regex": "y"}, "not": true}]});
    says(&within, "i");
    let mut missing = part('i');
    missing["invalid"] = json!("missing");
    says(&json!({ "all_of": [missing] }), "m");
}

#[test]
fn entries_have_all_that_metrics_have() {
    let entry = json!({"all_of": [
        {"regex": {"pattern": "sorry"}, "not": true},
        {"exact": {"normalize": ["casefold"]}, "extract": {"json": "$.label"}},
        {"any_of": [
            {"fuzzy": {"algorithm": "levenshtein"}, "extract": {"json": "$.label"}, "threshold": 0.5},
            {"name": "is short", "regex": {"pattern": "^.{0,9}$"}},
        ]},
    ]});
    check(&entry, r#"{"label": "Money"}"#, &["money"], Some(1.0));
    check(&entry, r#"{"label": "Money", "sorry": 1}"#, &["money"], Some(0.0));
    check(&entry, r#"{"label": "Moneyed people"}"#, &["money"], Some(0.0));
    let reason = score(&entry, r#"{"label": "gold"}"#, &["money"]).reason.expect("a reason");
    assert!(
        reason.starts_with("failed: `exact` (entry 2); `any_of` (entry 3): failed: "),
        "{reason}"
    );
    assert!(reason.contains("`is short` (entry 2)"), "{reason}");
}

/// The outer `extract` comes first; an inner one sees what it left.
#[test]
fn the_answer_is_narrowed_from_the_outside() {
    let entry = json!({
        "all_of": [{"exact": {}, "extract": {"regex": "b.*"}}, {"exact": {}, "not": true}],
        "extract": {"regex": "A: (.*)"},
    });
    check(&entry, "b, A: abc", &["bc"], Some(1.0));
    check(&entry, "A: bc", &["bc"], Some(0.0));
    assert!(score(&entry, "bc", &["bc"]).invalid);
}

#[test]
fn weighted_means() {
    let entry = json!({"weighted": [
        {"exact": {}, "weight": 3},
        {"fuzzy": {"algorithm": "levenshtein"}},
        {"regex": {"pattern": "!"}, "not": true, "weight": 0.5},
    ], "threshold": 0.9});
    check(&entry, "abcd", &["abcd"], Some(1.0));
    check(&entry, "abxd", &["abcd"], Some((0.75 + 0.5) / 4.5));
    check(&entry, "abcd!", &["abcd"], Some(0.8 / 4.5));
    assert_eq!(score(&entry, "abcd", &["abcd"]).passed, Some(true));
    assert_eq!(score(&entry, "abxd", &["abcd"]).passed, Some(false));
    says(&list("weighted", "pm"), "m");
    says(&list("weighted", "pi"), "0.5");
    says(&list("weighted", "ii"), "i");
}

#[track_caller]
fn refused(entry: &Value, pointer: &str, words: &str) {
    let complaint = complaint(entry);
    assert_eq!(complaint.pointer, pointer, "{entry}: {complaint:?}");
    assert!(complaint.message.contains(words), "{entry}: {complaint:?}");
}

#[test]
fn mistakes_have_their_places() {
    for kind in ["all_of", "any_of", "weighted"] {
        let within = |entry: Value| json!({ kind: [{"exact": {}}, entry] });
        let at = |rest: &str| format!("/{kind}/1{rest}");
        refused(
            &within(json!({"regex": {"pattern": "("}})),
            &at("/regex/pattern"),
            "unclosed group",
        );
        refused(
            &within(json!({"regex": {"patern": "a"}})),
            &at("/regex/patern"),
            "did you mean `pattern`?",
        );
        refused(&within(json!({"regx": {"pattern": "a"}})), &at("/regx"), "did you mean `regex`?");
        refused(&within(json!({"regex": {}})), &at("/regex"), "lacks the key `pattern`");
        refused(&within(json!({"not": true})), &at(""), "needs a kind");
        refused(&within(json!({"exact": {}, "number": {}})), &at(""), "exactly one kind");
        refused(&within(json!("exact")), &at(""), "a metric is a mapping");
        refused(&within(json!({"exact": {}, "threshold": 2})), &at("/threshold"), "; 2 does not");
        refused(&within(json!({"exact": {}, "extract": {}})), &at("/extract"), "exactly one of");
        refused(
            &within(json!({"exact": {}, "labels": {"column": "x"}})),
            &at("/labels"),
            "unknown key",
        );
        refused(
            &within(json!({"judge": {"model": "m", "rubric": "r"}})),
            &at("/judge"),
            "asks a model or a program",
        );
        refused(&within(json!({"command": {"program": ["a"]}})), &at("/command"), "or a program");
        let inner = json!({"any_of": [{"all_of": [{"number": {"abs": -1}}]}]});
        refused(&within(inner), &at("/any_of/0/all_of/0/number/abs"), "abs");
    }
    refused(&json!({"all_of": [{"weighted": [{"exact": {}}]}]}), "/all_of/0", "add a `threshold`");
    refused(&json!({"all_of": [{"exact": {}, "weight": 2}]}), "/all_of/0/weight", "unknown key");
    for weight in [json!(0), json!(-1), json!(1e10), json!("2"), json!(null)] {
        let entry = json!({"weighted": [{"exact": {}, "weight": weight}]});
        refused(&entry, "/weighted/0/weight", "above 0");
    }
}

#[test]
fn nesting_ends() {
    let nested =
        |n: usize| (0..n).fold(json!({"exact": {}}), |inner, _| json!({"all_of": [inner]}));
    check(&nested(8), "a", &["a"], Some(1.0));
    assert!(complaint(&nested(9)).message.contains("at most 8 deep"));
    assert!(complaint(&nested(60)).message.contains("at most 8 deep"));
}

proptest! {
    /// Where nothing is missing: not all of them is any of their negations.
    #[test]
    fn de_morgan(parts in "[pfi]{1,5}") {
        let turned: Vec<_> = parts.chars().map(part).map(|mut part| {
            part["not"] = json!(true);
            part
        }).collect();
        for (one, other) in [("all_of", "any_of"), ("any_of", "all_of")] {
            let mut outer = list(one, &parts);
            outer["not"] = json!(true);
            let inner = json!({ other: turned });
            let (outer, inner) = (score(&outer, "x", &["1"]), score(&inner, "x", &["1"]));
            prop_assert_eq!((outer.value, outer.invalid), (inner.value, inner.invalid));
        }
    }

    #[test]
    fn the_order_of_parts_does_not_matter(parts in "[pfim]{1,5}", seed in any::<u64>()) {
        let mut other: Vec<char> = parts.chars().collect();
        let turn = usize::try_from(seed % other.len() as u64).expect("small");
        other.rotate_left(turn);
        other.reverse();
        for kind in ["all_of", "any_of"] {
            let one = score(&list(kind, &parts), "x", &["no number"]);
            let two = score(&list(kind, &other.iter().collect::<String>()), "x", &["no number"]);
            prop_assert_eq!((one.value, one.invalid), (two.value, two.invalid));
        }
    }

    /// A weighted mean lies between the least and the greatest of its parts.
    #[test]
    fn a_weighted_mean_lies_between(
        a in "[ab]{0,6}", b in "[ab]{0,6}", weights in prop::collection::vec(1e-9..1e9_f64, 2),
    ) {
        let parts = [json!({"fuzzy": {"algorithm": "levenshtein"}}), json!({"fuzzy": {"algorithm": "jaro"}})];
        let values = parts.clone().map(|part| score(&part, &a, &[&b]).value.expect("a value"));
        let weighted: Vec<_> = parts.into_iter().zip(weights).map(|(mut part, weight)| {
            part["weight"] = json!(weight);
            part
        }).collect();
        let mean = score(&json!({ "weighted": weighted }), &a, &[&b]).value.expect("a value");
        let (least, greatest) = (values[0].min(values[1]), values[0].max(values[1]));
        prop_assert!((least - 1e-12..=greatest + 1e-12).contains(&mean), "{} {:?}", mean, values);
    }
}

#[test]
fn what_is_nested_is_known_to_readers_of_suites() {
    let entry = json!([{"exact": {}}, {"weighted": [{"regex": {"pattern": "a"}}]}]);
    let kind = evalmark_scoring::catalog().iter().find(|kind| kind.name == "all_of").expect("one");
    let nested: Vec<_> = (kind.nested)(&entry).into_iter().map(|n| (n.pointer, n.kind)).collect();
    let expected =
        [("/0/exact", "exact"), ("/1/weighted", "weighted"), ("/1/weighted/0/regex", "regex")];
    assert_eq!(nested, expected.map(|(pointer, kind)| (pointer.to_owned(), kind)));
    assert_eq!(metric(&json!({ "all_of": [{"exact": {}}] })).name(), "m");
}
