//! The values of classification against scikit-learn's, and what `label` makes of answers.

use evalmark_core::metric::{Direction, Range};
use evalmark_scoring::{Corpus, Metric, Subject};
use serde_json::{Value, json};

use crate::{
    facts::rows,
    support::{check, complaint, metric, score},
};

const TOLERANCE: f64 = 1e-9;

/// A cell of a row, as a suite's dataset would hold it.
fn text(cell: &Value) -> String {
    cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)
}

fn texts(cells: &Value) -> Vec<String> {
    cells.as_array().expect("a list").iter().map(text).collect()
}

/// The labels of truth and prediction, sorted as scikit-learn does.
fn labels(input: &Value) -> Vec<String> {
    let cells = [&input["y_true"], &input["y_pred"]];
    let mut labels: Vec<&Value> =
        cells.iter().filter_map(|cells| cells.as_array()).flatten().collect();
    labels.sort_by(|a, b| match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => text(a).cmp(&text(b)),
    });
    labels.dedup();
    let mut labels: Vec<String> = labels.into_iter().map(text).collect();
    // A suite declares two at least.
    if labels.len() == 1 {
        labels.push("another".to_owned());
    }
    labels
}

/// The sums of a run over these answers, and the mean of their scores.
fn run(metric: &Metric, answers: &[String], targets: &[String]) -> (Vec<f64>, Option<f64>) {
    let mut sums = vec![0.0; metric.corpus().map_or(0, Corpus::width)];
    let mut total = 0.0;
    for (answer, target) in answers.iter().zip(targets) {
        let score = metric.score(Subject::of_texts(answer, std::slice::from_ref(target)));
        total += score.value.unwrap_or(f64::NAN);
        if let (Some(corpus), Some(counts)) = (metric.corpus(), &score.counts) {
            corpus.add(&mut sums, counts, 1.0);
        }
    }
    (sums, (!answers.is_empty()).then(|| total / answers.len() as f64))
}

#[track_caller]
fn same(found: Option<f64>, expected: &Value, row: &Value) {
    let close = match (found, expected.as_f64()) {
        (None, None) => true,
        (Some(found), Some(expected)) => (found - expected).abs() <= TOLERANCE,
        _ => false,
    };
    assert!(close, "{found:?} is not {expected} in {row}");
}

/// The name of the `label` value that a row is about; with one of precision, recall or F1.
fn label_value(row: &Value, of: &str) -> Option<String> {
    let params = &row["params"];
    Some(match row["metric"].as_str()? {
        "accuracy" => "accuracy".to_owned(),
        "balanced_accuracy" if params["adjusted"] == true => {
            "balanced_accuracy_adjusted".to_owned()
        }
        "balanced_accuracy" => "balanced_accuracy".to_owned(),
        "mcc" => "mcc".to_owned(),
        "cohen_kappa" => match params["weights"].as_str() {
            Some(weights) => format!("{weights}_kappa"),
            None => "kappa".to_owned(),
        },
        "precision_recall_f1" => match params["average"].as_str()? {
            "binary" | "per_class" => of.to_owned(),
            average => format!("{average}_{of}"),
        },
        _ => return None,
    })
}

/// The value of a run under the metric `label` with these parameters.
fn label_run(row: &Value, value: &str, class: Option<&str>) -> Option<f64> {
    let input = &row["input"];
    let mut params = json!({"labels": labels(input), "value": value});
    if let Some(class) = class {
        params["class"] = json!(class);
    }
    let metric = metric(&json!({ "label": params }));
    let (sums, mean) = run(&metric, &texts(&input["y_pred"]), &texts(&input["y_true"]));
    let corpus = metric.corpus().expect("values of a run");
    let found = corpus.value(&sums);
    assert_eq!(found, corpus.values(&sums)[0].1);
    if corpus.is_mean() {
        same(found, &json!(mean), row);
    }
    found
}

fn check_label(row: &Value) {
    let expected = &row["expected"];
    if row["metric"] != "precision_recall_f1" {
        let value = label_value(row, "").expect("a value");
        return same(label_run(row, &value, None), &expected["value"], row);
    }
    for of in ["precision", "recall", "f1"] {
        let value = label_value(row, of).expect("a value");
        match row["params"]["average"].as_str() {
            Some("per_class") => {
                let classes = expected["labels"].as_array().expect("labels");
                for (class, expected) in classes.iter().zip(expected[of].as_array().expect("rates"))
                {
                    same(label_run(row, &value, Some(&text(class))), expected, row);
                }
            }
            Some("binary") => {
                let class = text(&row["params"]["pos_label"]);
                let is_there = labels(&row["input"]).contains(&class);
                let found = if is_there { label_run(row, &value, Some(&class)) } else { Some(0.0) };
                same(found, &expected[of], row);
            }
            _ => same(label_run(row, &value, None), &expected[of], row),
        }
    }
}

/// `brier`, `log_loss` or `roc_auc` as a suite would write it for a row.
fn probability_entry(row: &Value) -> Value {
    let (params, input) = (&row["params"], &row["input"]);
    let classes = match input["probabilities"][0].as_array() {
        Some(columns) => columns.len(),
        None => 2,
    };
    let mut entry = json!({ "labels": (0..classes).collect::<Vec<_>>() });
    for key in ["scale_by_half", "multi_class", "average"] {
        if params[key].is_boolean() || params[key].is_string() {
            entry[key] = params[key].clone();
        }
    }
    json!({ row["metric"].as_str().expect("a metric"): entry })
}

fn check_probability(row: &Value) {
    let metric = metric(&probability_entry(row));
    let input = &row["input"];
    let answers = if input["p_positive"].is_array() { "p_positive" } else { "probabilities" };
    let (sums, mean) = run(&metric, &texts(&input[answers]), &texts(&input["y_true"]));
    let found = match metric.corpus() {
        Some(corpus) => corpus.value(&sums),
        None => mean,
    };
    same(found, &row["expected"]["value"], row);
}

#[test]
fn every_row_of_scikit_learn_is_met() {
    let rows = rows("classification");
    assert!(!rows.is_empty());
    for row in &rows {
        match row["metric"].as_str() {
            Some("brier" | "log_loss" | "roc_auc") => check_probability(row),
            _ => check_label(row),
        }
    }
}

const SPAM: [&str; 3] = ["spam", "not spam", "news"];

#[test]
fn a_whole_answer_is_a_label() {
    let entry = json!({"label": {"labels": SPAM}});
    check(&entry, "Spam.", &["spam"], Some(1.0));
    check(&entry, " NOT  SPAM\n", &["not spam"], Some(1.0));
    check(&entry, "spam", &["news"], Some(0.0));
    check(&entry, "spam", &["news", "spam"], Some(1.0));
    for answer in ["", "It is spam.", "spam, news"] {
        let score = score(&entry, answer, &["spam"]);
        assert!(score.invalid, "{answer:?} {score:?}");
        assert_eq!((score.value, score.counts), (Some(0.0), Some(vec![0.0, 3.0])));
    }
    check(&entry, "spam", &["ham"], None);
    check(&entry, "spam", &[], None);
}

#[test]
fn a_label_is_found_in_prose() {
    let only = json!({"label": {"labels": SPAM, "find": true}});
    let last = json!({"label": {"labels": SPAM, "find": true, "which": "last"}});
    let said = |entry: &Value, answer: &str| {
        let counts = score(entry, answer, &["spam"]).counts.expect("counts");
        SPAM.iter().enumerate().find(|(at, _)| *at as f64 - counts[1] == 0.0).map(|(_, name)| *name)
    };
    let check = |answer: &str, of_only: Option<&str>, of_last: Option<&str>| {
        assert_eq!(said(&only, answer), of_only, "{answer:?}");
        assert_eq!(said(&last, answer), of_last, "{answer:?}");
    };
    check("The answer is SPAM!", Some("spam"), Some("spam"));
    check("This is not spam", Some("not spam"), Some("not spam"));
    check("spam, or news? news", None, Some("news"));
    check("spam? yes, spam", Some("spam"), Some("spam"));
    check("antispam newsletter", None, None);
    check("", None, None);
}

#[test]
fn marks_are_word_edges_of_labels() {
    let entry = json!({"label": {"labels": ["positive", "negative", "neutral"], "find": true}});
    for (answer, expected) in [
        ("Sentiment:positive", "positive"),
        ("{\"sentiment\":\"negative\"}", "negative"),
        ("neutral(slightly warm)", "neutral"),
        ("positive.The tone is warm.", "positive"),
        ("label=positive", "positive"),
        ("(positive)—very", "positive"),
        ("情感是positive。", "positive"),
        ("[sentiment]positive[/sentiment]", "positive"),
    ] {
        check(&entry, answer, &[expected], Some(1.0));
    }
    for answer in ["positive/negative", "non-negative", "positively"] {
        assert!(score(&entry, answer, &["positive"]).invalid, "{answer}");
    }
    let chinese = json!({"label": {"labels": ["正面", "负面"], "find": true}});
    check(&chinese, "情感是正面的", &["正面"], Some(1.0));
    let digits = json!({"label": {"labels": ["5", "3"], "find": true}});
    assert!(score(&digits, "3.5", &["5"]).invalid);
    check(&digits, "rating:5", &["5"], Some(1.0));
    let words = json!({"token_f1": {}, "threshold": 0.5});
    check(&words, "Answer:Paris", &["answer Paris"], Some(1.0));
}

#[test]
fn labels_have_other_names() {
    let entry = json!({"label": {"labels": {"1": ["one", 1.0, true], "2": ["two", "C++"]}}});
    check(&entry, "ONE", &["1"], Some(1.0));
    check(&entry, "true", &["one"], Some(1.0));
    check(&entry, "c++", &["two"], Some(1.0));
    let find = json!({"label": {"labels": ["C++", "-1"], "find": true}});
    check(&find, "I like C++, really", &["C++"], Some(1.0));
    check(&find, "it is -1", &["-1"], Some(1.0));
}

#[test]
fn invalid_answers_are_in_the_matrix() {
    let entry = json!({"label": {"labels": ["a", "b"], "value": "macro_f1"}});
    let metric = metric(&entry);
    let strings = |texts: [&str; 4]| texts.map(str::to_owned);
    let (sums, mean) = run(&metric, &strings(["a", "?", "b", "b"]), &strings(["a", "a", "b", "b"]));
    assert_eq!((sums.as_slice(), mean), (&[1.0, 0.0, 1.0, 0.0, 2.0, 0.0][..], Some(0.75)));
    let corpus = metric.corpus().expect("a matrix");
    let values = corpus.values(&sums);
    let value = |name: &str| {
        values.iter().find(|(of, _)| of == name).and_then(|(_, value)| *value).expect(name)
    };
    assert_eq!((value("n_invalid"), value("accuracy"), value("support.a")), (1.0, 0.75, 2.0));
    // No class's false alarm, and no class of its own.
    assert_eq!((value("precision.b"), value("recall.a"), value("f1.b")), (1.0, 0.5, 1.0));
    assert!((value("macro_f1") - f64::midpoint(2.0 / 3.0, 1.0)).abs() < 1e-12);
    assert_eq!((value("micro_precision"), value("micro_recall")), (1.0, 0.75));
    let cells = corpus.confusion(&sums);
    assert_eq!((cells.len(), cells[2].predicted.as_deref(), cells[2].count), (6, None, 1.0));
}

#[test]
fn an_answer_that_cannot_be_narrowed_is_counted_unless_it_has_no_score() {
    let mut entry = json!({"label": {"labels": ["a", "b"]}, "extract": {"regex": "is (.*)"}});
    let counts = |entry: &Value, answer| score(entry, answer, &["b"]).counts;
    assert_eq!(counts(&entry, "it is b"), Some(vec![1.0, 1.0]));
    assert_eq!(counts(&entry, "b"), Some(vec![1.0, 2.0]));
    entry["invalid"] = json!("missing");
    assert_eq!(counts(&entry, "b"), None);
    entry["not"] = json!(true);
    assert_eq!(counts(&entry, "it is b"), None);
    assert!(metric(&entry).corpus().is_none());
}

#[test]
fn mistakes_are_told_with_their_place() {
    let check = |params: Value, pointer: &str, part: &str| {
        let complaint = complaint(&json!({ "label": params }));
        assert_eq!(complaint.pointer, pointer, "{complaint:?}");
        assert!(complaint.message.contains(part), "{complaint:?}");
    };
    check(json!({"labels": ["a"]}), "/label/labels", "at least two");
    check(json!({"labels": ["a", "A."]}), "/label/labels", "means both");
    check(json!({"labels": ["a", "?", " "]}), "/label/labels", "leaves nothing");
    check(json!({"labels": {"a": "b", "c": []}}), "/label/labels", "not a list");
    check(json!({"labels": ["a", "b"], "value": "f1"}), "/label/value", "add `class: LABEL`");
    let classless = json!({"labels": ["a", "b"], "class": "a"});
    check(classless, "/label/class", "takes no `class`");
    let unknown = json!({"labels": ["a", "b"], "value": "f1", "class": "c"});
    check(unknown, "/label/class", "not one of the `labels`");
}

#[test]
fn probabilities_are_read_in_every_form() {
    let brier = json!({"brier": {"labels": ["no", "yes"]}});
    let check = |answer: &str, expected: Option<f64>| {
        let score = score(&brier, answer, &["yes"]);
        let close = match (score.value, expected) {
            (Some(value), Some(expected)) => (value - expected).abs() < 1e-12 && !score.invalid,
            (Some(value), None) => score.invalid && (value - 1.0).abs() < 1e-12,
            _ => false,
        };
        assert!(close, "{answer:?} {score:?}");
    };
    check("0.9", Some(0.01));
    check("90 %", Some(0.01));
    check(r#"{"yes": 0.9, "no": 0.1}"#, Some(0.01));
    check(
        r#"```json
{"yes": "90%", "no": 0.1}
```"#,
        Some(0.01),
    );
    check("Likely: [0.1, 0.9]", Some(0.01));
    check(r#"{"yes": 0.45, "no": 0.5}"#, Some((0.5_f64 / 0.95).powi(2)));
    for invalid in ["", "yes", "1.5", "-0.1", "{}", "[0.1, 0.2]", "[1]", r#"{"perhaps": 1}"#] {
        check(invalid, None);
    }
    assert_eq!(score(&brier, "0.9", &["perhaps"]).value, None);
    let about_no = json!({"brier": {"labels": ["no", "yes"], "positive": "no"}});
    assert!(score(&about_no, "0.9", &["no"]).value.is_some_and(|value| value < 0.02));
    let loss = json!({"log_loss": {"labels": ["no", "yes"]}});
    assert!(score(&loss, "0", &["yes"]).value.is_some_and(|value| value > 36.0));
    assert_eq!(score(&loss, "no idea", &["yes"]).value, None);
}

#[test]
fn a_metric_says_where_its_values_lie() {
    let check = |entry: Value, range, direction| {
        let metric = metric(&entry);
        assert_eq!((metric.range(), metric.direction()), (range, direction), "{entry}");
    };
    check(json!({"brier": {"labels": ["a", "b"]}}), Range::Unit, Direction::Lower);
    let whole = json!({"brier": {"labels": ["a", "b", "c"], "scale_by_half": false}});
    check(whole, Range::Open, Direction::Lower);
    check(json!({"log_loss": {"labels": ["a", "b"]}}), Range::Open, Direction::Lower);
    let binary = json!({"log_loss": {"labels": ["a", "b"]}, "binary": true, "threshold": 0.7});
    check(binary, Range::Binary, Direction::Higher);
    let mcc = metric(&json!({"label": {"labels": ["a", "b"], "value": "mcc"}}));
    assert_eq!(mcc.corpus().and_then(Corpus::range), Some(Range::Signed));
}
