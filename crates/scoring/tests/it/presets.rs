//! Presets against the tools that define them: `tests/facts/normalise_match*.jsonl` holds what
//! those tools said, row by row. `EVALMARK_FACTS` names another folder to read instead.

use serde_json::{Map, Value, json};

use crate::{
    facts::rows,
    support::{check, check_all, complaint, metric, score},
};

/// One thing to compare: a metric, an answer, its targets, and the value.
struct Case {
    entry: Value,
    answer: String,
    targets: Vec<String>,
    expected: f64,
}

/// What a row says, as a suite would write it.
fn cases(row: &Value) -> Vec<Case> {
    let (tool, input, expected) = (row["metric"].as_str(), &row["input"], &row["expected"]);
    let tool = tool.expect("a metric");
    let case = |params: Value, answer: &Value, targets: &Value, expected: &Value| Case {
        entry: json!({ "preset": params }),
        answer: answer.as_str().expect("an answer").to_owned(),
        targets: texts(targets),
        expected: value(expected),
    };
    match tool {
        "squad_v1" => [("em", "exact_match"), ("f1", "f1")]
            .map(|(score, key)| {
                let percent = expected[key].as_f64().expect("a number") / 100.0;
                let params = json!({"name": "squad", "score": score});
                case(params, &input["prediction"], &input["targets"], &json!(percent))
            })
            .into(),
        "lm_eval_exact_match" => {
            let params = with(&row["params"], &json!({"name": "lm_eval"}));
            vec![case(params, &input["prediction"], &input["targets"], &expected["exact_match"])]
        }
        _ => match (tool.strip_prefix("helm_"), tool.strip_prefix("inspect_")) {
            (Some(name), _) => {
                let name = match name {
                    "f1_score" => "f1",
                    "final_number_exact_match" => "final_number",
                    "exact_match_indicator" => "exact_indicator",
                    other => other.strip_suffix("_match").expect("a metric of helm"),
                };
                let params = with(&row["params"], &json!({"name": format!("helm_{name}")}));
                vec![case(params, &input["prediction"], &input["gold"], &expected["score"])]
            }
            (_, Some(scorer)) => {
                let choices = input.get("choices").map_or(json!({}), |n| json!({"choices": n}));
                let params = with(&row["params"], &json!({"name": "inspect", "scorer": scorer}));
                let params = with(&params, &choices);
                vec![case(params, &input["completion"], &input["targets"], &expected["value"])]
            }
            _ => panic!("no metric for {tool}"),
        },
    }
}

/// Two mappings as one; what is null is not said.
fn with(a: &Value, b: &Value) -> Value {
    let (a, b) = (a.as_object().expect("a mapping"), b.as_object().expect("a mapping"));
    let said = a.iter().chain(b).filter(|(_, value)| !value.is_null());
    Value::Object(said.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>())
}

fn texts(targets: &Value) -> Vec<String> {
    match targets {
        Value::String(one) => vec![one.clone()],
        many => serde_json::from_value(many.clone()).expect("targets"),
    }
}

/// inspect-ai's letters as numbers.
fn value(expected: &Value) -> f64 {
    match expected.as_str() {
        Some("C") => 1.0,
        Some("I" | "N") => 0.0,
        Some(other) => panic!("no value: {other}"),
        None => expected.as_f64().expect("a number"),
    }
}

fn scored(case: &Case) -> Option<f64> {
    let targets: Vec<&str> = case.targets.iter().map(String::as_str).collect();
    score(&case.entry, &case.answer, &targets).value
}

#[test]
fn every_row_of_the_table_is_met() {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for row in rows("normalise_match") {
        if row["metric"] == "squad_v1_corpus" {
            continue;
        }
        for case in cases(&row) {
            compared += 1;
            let found = scored(&case);
            if found.is_none_or(|found| (found - case.expected).abs() > 1e-9) {
                let Case { entry, answer, targets, expected } = case;
                let id = &row["id"];
                wrong.push(format!(
                    "{id} {entry} of {answer:?} against {targets:?}: {found:?}, not {expected}"
                ));
            }
        }
    }
    assert!(compared > 0, "no facts were found");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_mean_of_squad_is_the_corpus_value() {
    for row in rows("normalise_match").iter().filter(|row| row["metric"] == "squad_v1_corpus") {
        for (score, key) in [("em", "exact_match"), ("f1", "f1")] {
            let answers = texts(&row["input"]["predictions"]);
            let targets = row["input"]["targets"].as_array().expect("targets");
            let values = answers.iter().zip(targets).map(|(answer, targets)| Case {
                entry: json!({"preset": {"name": "squad", "score": score}}),
                answer: answer.clone(),
                targets: texts(targets),
                expected: 0.0,
            });
            let sum: f64 = values.filter_map(|case| scored(&case)).sum();
            let (mean, expected) =
                (100.0 * sum / answers.len() as f64, value(&row["expected"][key]));
            assert!((mean - expected).abs() < 1e-9, "{}: {mean}, not {expected}", row["id"]);
        }
    }
}

#[test]
fn a_name_alone_is_a_preset() {
    check_all(&json!({"preset": "squad"}), &[("The Cat!", "cat", 1.0), ("dog", "cat", 0.0)]);
    check(&json!({"preset": "helm_quasi_exact"}), "", &[""], Some(0.0));
    check(&json!({"preset": "lm_eval"}), "a ", &["a"], Some(0.0));
    check(&json!({"preset": "squad"}), "a", &[], None);
    assert_eq!(metric(&json!({"preset": "squad"})).name(), "m");
}

#[test]
fn promptfoo_equals() {
    check_all(
        &json!({"preset": "promptfoo_equals"}),
        &[("a", "a", 1.0), ("a ", "a", 0.0), ("{\"a\": 1}", "{\"a\":1}", 0.0), ("", "", 1.0)],
    );
    check_all(
        &json!({"preset": {"name": "promptfoo_equals", "json": true}}),
        &[
            ("{\"b\": [1], \"a\": null}", "{\"a\":null,\"b\":[1.0]}", 1.0),
            ("[1, 2]", "[2, 1]", 0.0),
            ("[-0]", "[0]", 0.0),
            ("[1e0]", "[1]", 1.0),
            ("[9007199254740993]", "[9007199254740992]", 1.0),
            ("```json\n{}\n```", "{}", 0.0),
            ("nonsense", "{}", 0.0),
            ("{\"a\": 1, \"a\": 2}", "{\"a\": 2}", 1.0),
            ("5", "5", 1.0),
            ("5.0", "5", 0.0),
            ("5", "5.0", 1.0),
            ("0", "-0", 1.0),
            ("1e+21", "1000000000000000000000", 1.0),
            ("1.5e-7", "0.00000015", 1.0),
            ("true", "true", 1.0),
            ("x", "\"x\"", 1.0),
        ],
    );
    let json = json!({"preset": {"name": "promptfoo_equals", "json": true}});
    check(&json, "{}", &["{"], None);
    check(&json, "{}", &[], None);
}

#[test]
fn what_a_preset_does_not_take_is_a_mistake() {
    for (preset, pointer, says) in [
        (json!({"name": "squad", "location": "end"}), "/preset/location", "no parameter"),
        (json!("inspect"), "/preset/scorer", "needs a `scorer`"),
        (json!({"name": "inspect", "scorer": "exact", "numeric": true}), "/preset/numeric", "no"),
        (json!({"name": "inspect", "scorer": "pattern"}), "/preset/pattern", "needs a `pattern`"),
        (
            json!({"name": "inspect", "scorer": "answer", "pattern": "x"}),
            "/preset/pattern",
            "letter, word, line",
        ),
        (json!({"name": "inspect", "scorer": "choice"}), "/preset/choices", "needs `choices`"),
        (
            json!({"name": "lm_eval", "regexes_to_ignore": ["a", "("]}),
            "/preset/regexes_to_ignore/1",
            "",
        ),
        (
            json!({"name": "helm_exact_indicator", "indicator": ""}),
            "/preset/indicator",
            "cannot be empty",
        ),
        (json!("squat"), "/preset", "unknown variant"),
        (json!({"name": "squad", "scores": "f1"}), "/preset", "unknown field"),
    ] {
        let complaint = complaint(&json!({ "preset": preset }));
        assert_eq!(complaint.pointer, pointer, "{complaint:?}");
        assert!(complaint.message.contains(says), "{}", complaint.message);
    }
}

#[test]
fn a_pattern_that_takes_too_long_is_no_verdict() {
    let entry =
        json!({"preset": {"name": "inspect", "scorer": "pattern", "pattern": r"(x|xx)+\1y"}});
    check(&entry, &format!("{}wy", "x".repeat(60)), &["x"], None);
}

#[test]
fn the_options_of_a_choice_may_be_a_column() {
    let entry = json!({"preset": {"name": "inspect", "scorer": "choice", "choices": "options"}});
    check(&entry, "ANSWER: B", &["B"], None);
    let entry = json!({"preset": {"name": "inspect", "scorer": "choice", "choices": 2}});
    check(&entry, "ANSWER: B", &["B"], Some(1.0));
    check(&entry, "ANSWER: B", &["C"], None);
}
