//! Expressions: what they give, what they refuse, and that nothing makes them run away.

use std::time::Instant;

use evalmark_core::expression::{Evaluated, Expression, NoValue};
use serde_json::{Value, json};

const VARIABLES: &[&str] = &["answer", "item", "targets", "latency_ms"];

fn context() -> Value {
    json!({
        "answer": "{\"label\": \"Money\", \"n\": [1, 2, 3]}",
        "targets": ["money"],
        "item": {"text": "it's here", "words": "3", "price": 9.5},
    })
}

fn number(source: &str) -> Result<f64, NoValue> {
    let value = Expression::compile(source, VARIABLES).expect(source).evaluate(context())?;
    Ok(match value {
        Evaluated::Truth(truth) => f64::from(truth),
        Evaluated::Number(number) => number,
    })
}

#[track_caller]
fn check(source: &str, expected: f64) {
    assert_eq!(number(source), Ok(expected), "{source}");
}

#[test]
fn values() {
    check("true", 1.0);
    check("1 > 2", 0.0);
    check("0.25", 0.25);
    check("3 / 4", 0.75);
    check("answer | length == 34", 1.0);
    check("(answer | fromjson).label | lower == targets[0]", 1.0);
    check("(answer | fromjson).n | sum / 10", 0.6);
    check("(answer | fromjson).missing is defined", 0.0);
    check("'label' in answer and answer is startingwith('{')", 1.0);
    check("matches(answer, '(?i)money')", 1.0);
    check("matches(item.text, \"^it's\")", 1.0);
    check("item['price'] < 10", 1.0);
    check("latency_ms is defined and latency_ms < 10", 0.0);
    check("targets | select('eq', 'money') | list | length", 1.0);
    check("'a | nonsense is odder' is string", 1.0);
    check("1 if item.words | int == 3 else 0", 1.0);
}

#[test]
fn what_has_no_value() {
    assert!(matches!(number("latency_ms < 10"), Err(NoValue::Undefined(_))));
    assert!(matches!(number("item.nothing == 1"), Err(NoValue::Undefined(_))));
    assert!(matches!(number("item.text | fromjson"), Err(NoValue::NotJson(_))));
    for source in [
        "answer",
        "none",
        "[1]",
        "answer | int",
        "1 / 0",
        "1 if false",
        "matches(answer, '(')",
        "1e308 * 10 - 1e308 * 10",
        "answer.split()",
    ] {
        assert!(
            matches!(number(source), Err(NoValue::Unusable(_))),
            "{source}: {:?}",
            number(source)
        );
    }
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    let message = Expression::compile(source, VARIABLES).map(drop).expect_err(source);
    assert!(message.contains(expected), "{source}: {message}");
}

#[test]
fn mistakes_have_places() {
    refused("anwser == 1", "at character 1: no name `anwser`; did you mean `answer`?");
    refused("answer | lenght > 3", "at character 10: no filter `lenght`; did you mean `length`?");
    refused("answer is not emtpy", "at character 15: no test `emtpy`; there are:");
    refused("1 > frobnicate(answer)", "at character 5: no name `frobnicate`");
    refused("debug()", "no name `debug`");
    refused("answer | pprint", "no filter `pprint`");
    refused("1 +", "syntax error");
    refused("answer ==== 1", "at character 10: syntax error");
    refused("", "syntax error");
    refused(&"1+".repeat(600), "at most 1000 characters");
}

#[test]
fn columns_are_known() {
    let expression =
        Expression::compile("item.a == item.b.c and answer", VARIABLES).expect("valid");
    assert_eq!(expression.below("item").collect::<Vec<_>>(), ["a", "b"]);
    assert!(expression.uses("item") && expression.uses("answer") && !expression.uses("targets"));
}

/// Each would make gigabytes, or run for minutes, if it were let.
#[test]
fn nothing_runs_away() {
    let deep = format!("{}1{}", "(".repeat(140), ")".repeat(140));
    let long_sum = format!("{}1 > 0", "1+".repeat(490));
    let attributes = format!("item{}", ".a".repeat(490));
    let minus = format!("{}1", "-".repeat(990));
    let not = format!("{}1", "not ".repeat(240));
    let sources = [
        "'a' * 100000000 == ''",
        "('a' * 1000000) * 1000 == ''",
        "[0] * 100000000 == [1]",
        "([0] * 100000000) | list | length",
        "range(100000) | map('string') | join(answer) | length",
        "range(99999) | batch(1) | list | length",
        "answer | replace('', answer) | replace('', answer) | length",
        "(big | replace('a', big)) == ''",
        "big | list | select('in', big | list) | list | length",
        "big | list | sort | unique | list | length",
        "(big ~ big ~ big ~ big ~ big ~ big ~ big ~ big) | length",
        "2 ** 1000000 > 0",
        "9 ** 9 ** 9 ** 9 > 0",
        "matches(big, '((a{0,100}){0,100}){0,100}$')",
        "matches(big, '(a|aa)+$')",
        "big | fromjson == 1",
        "[[[[[[[[[[big]]]]]]]]]] | tojson | tojson | tojson | length",
        "dict(a=big, b=big) | tojson | length > 0",
        "range(100000) | list | sort(attribute='a.b.c') | length",
        &deep,
        &long_sum,
        &attributes,
        &minus,
        &not,
    ];
    let big = "a".repeat(1_000_000);
    for source in sources {
        let began = Instant::now();
        if let Ok(expression) = Expression::compile(source, &["answer", "item", "big"]) {
            let mut context = context();
            context["big"] = json!(big);
            drop(expression.evaluate(context));
        }
        assert!(began.elapsed().as_secs() < 10, "{source}: {:?}", began.elapsed());
    }
}

/// The lists of names are those that exist.
#[test]
fn every_filter_and_test_exists() {
    let known = |message: String| message.split("there are: ").nth(1).map(str::to_owned);
    let complaint = |source: &str| Expression::compile(source, &[]).map(drop).expect_err(source);
    let filters = known(complaint("1 | zzzzzzzzzzzz")).expect("a list");
    let tests = known(complaint("1 is zzzzzzzzzzzz")).expect("a list");
    assert!(filters.contains("length") && tests.contains("defined"));
    let uses = filters.split(", ").map(|name| format!("1 | {name}"));
    for source in uses.chain(tests.split(", ").map(|name| format!("1 is {name}"))) {
        let value = Expression::compile(&source, &[]).map(|it| it.evaluate(json!({})));
        let unknown = format!("{value:?}").contains("unknown");
        assert!(!unknown, "{source}: {value:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_expression_panics(source in "\\PC{0,60}", jinja in "[a-z0-9 .|()+*~'\\[\\]{}:,=<>]{0,60}") {
        for source in [source, jinja] {
            if let Ok(expression) = Expression::compile(&source, &["a", "b"]) {
                drop(expression.evaluate(json!({"a": 1, "b": "x"})));
            }
        }
    }
}
