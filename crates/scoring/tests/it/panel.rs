//! Panels and repeats: which questions there are, and one score from many grades.

use evalmark_core::{
    model::{AskMode, Limits, Model, Provider, RecordedColumn},
    score::Score,
};
use evalmark_scoring::{Form, JudgeReply, Metric, Subject};
use serde_json::{Value, json};

use crate::support::metric;

fn panel(params: &Value) -> Metric {
    let mut entry = json!({"judge": {"rubric": "r"}});
    for (key, value) in params.as_object().into_iter().flatten() {
        entry["judge"][key] = value.clone();
    }
    metric(&entry)
}

/// The score of grades, in the order of the questions; `None` is one that cannot be read.
fn score(params: &Value, grades: &[Option<f64>]) -> Score {
    let reply = |grade: &Option<f64>| {
        let text = grade.map_or("splendid".to_owned(), |grade| json!({"grade": grade}).to_string());
        JudgeReply::of_text(&text)
    };
    let replies: Vec<_> = grades.iter().map(reply).collect();
    let metric = panel(params);
    let judge = metric.judge().expect("a judge");
    assert_eq!(judge.questions_each(), grades.len() as u64, "{params}");
    judge.score(Subject::of_texts("x", &[]), &replies)
}

#[track_caller]
fn check(params: &Value, grades: &[Option<f64>], expected: Option<f64>) {
    let score = score(params, grades);
    assert_eq!(score.value, expected, "{params} of {grades:?}: {score:?}");
    assert!(score.reason.is_some(), "a panel says who said what");
}

#[test]
fn a_panels_mean_needs_every_grade() {
    let three = json!({"models": ["a", "b", "c"]});
    check(&three, &[Some(1.0), Some(0.5), Some(0.0)], Some(0.5));
    check(&three, &[Some(1.0), None, Some(1.0)], None);
}

#[test]
fn a_majority_is_of_all_judges() {
    let three = json!({"models": ["a", "b", "c"], "aggregate": "majority"});
    check(&three, &[Some(1.0), Some(0.5), Some(0.0)], Some(1.0));
    check(&three, &[Some(0.4), Some(0.5), Some(0.0)], Some(0.0));
    check(&three, &[Some(1.0), None, Some(1.0)], Some(1.0));
    check(&three, &[Some(1.0), None, Some(0.0)], None);
    let two = json!({"models": ["a", "b"], "aggregate": "majority"});
    check(&two, &[Some(1.0), Some(0.0)], Some(0.5));
    check(&two, &[Some(1.0), None], None);
}

#[test]
fn unanimity_fails_on_one_no() {
    let three = json!({"models": ["a", "b", "c"], "aggregate": "unanimity"});
    check(&three, &[Some(1.0), Some(0.5), Some(0.5)], Some(1.0));
    check(&three, &[Some(1.0), Some(0.4), Some(1.0)], Some(0.0));
    check(&three, &[None, Some(0.4), Some(1.0)], Some(0.0));
    check(&three, &[None, Some(1.0), Some(1.0)], None);
}

#[test]
fn the_threshold_says_what_a_yes_is() {
    let entry = json!({
        "judge": {"models": ["a", "b"], "rubric": "r", "aggregate": "unanimity"}, "threshold": 0.8
    });
    let replies = [0.8, 0.7].map(|grade| JudgeReply::of_text(&json!({"grade": grade}).to_string()));
    let judged = metric(&entry);
    let score = judged.judge().expect("a judge").score(Subject::of_texts("x", &[]), &replies);
    assert_eq!((score.value, score.passed), (Some(0.0), Some(false)));
}

#[test]
fn a_judge_that_is_asked_again_counts_with_its_mean_and_tells_its_variance() {
    let repeats = json!({"model": "a", "repeats": 4});
    let grades = [Some(0.0), Some(1.0), None, Some(0.5)];
    check(&repeats, &grades, Some(0.5));
    let trace = score(&repeats, &grades).judge.expect("a trace");
    assert_eq!((trace.grades, trace.variance), (vec![Some(0.5)], Some(0.25)));
    check(&repeats, &[None; 4], None);

    let both = json!({"models": ["a", "b"], "repeats": 2});
    let said = score(&both, &[Some(0.0), Some(1.0), Some(0.5), Some(0.5)]);
    let reason = "a 0.5 (2 of 2 times: 0, 1); b 0.5 (2 of 2 times: 0.5, 0.5)";
    assert_eq!((said.value, said.reason.as_deref()), (Some(0.5), Some(reason)));
    let trace = said.judge.expect("a trace");
    assert_eq!((trace.model.as_str(), trace.variance), ("a, b", Some(0.25)));
    let output: Value = serde_json::from_str(&trace.output.expect("texts")).expect("JSON");
    assert_eq!(
        output[1],
        json!({"judge": "a", "grade": 1.0, "outputs": [json!({"grade": 1.0}).to_string()]})
    );
}

#[test]
fn every_repeat_of_every_epoch_is_a_request_of_its_own() {
    let metric = panel(&json!({"models": ["a", "b"], "repeats": 3, "structured": true}));
    let questions = metric.questions(Subject::of_texts("x", &[]), &[]).expect("some").expect("ok");
    let models: Vec<_> = questions.iter().map(|question| question.model.as_str()).collect();
    assert_eq!(models, ["a", "a", "a", "b", "b", "b"]);
    let model = Model {
        name: "a".into(),
        provider: Provider::RecordedColumn(RecordedColumn::Same("x".to_owned())),
        model: "m".into(),
        params: std::sync::Arc::default(),
        max_output_tokens: None,
        is_streamed: false,
        splits_reasoning: false,
        mode: AskMode::Direct,
        limits: Limits::default(),
        price: None,
        ca_file: None,
    };
    let requests = (0..2)
        .flat_map(|epoch| questions[..3].iter().map(move |question| (epoch, question.clone())));
    let requests: Vec<_> =
        requests.map(|(epoch, question)| question.request(&model, epoch)).collect();
    let epochs: Vec<_> = requests.iter().map(|request| request.epoch).collect();
    assert_eq!(epochs, [0, 1, 2, 3, 4, 5]);
    let form = requests[0].response_schema.as_ref().expect("a form");
    assert_eq!(form.name, "judgement");
    let schema = &form.schema;
    assert_eq!(schema["required"], json!(["grade", "reason"]));
    assert_eq!(schema["additionalProperties"], false);
    assert!(matches!(&questions[0].form, Form::Chat { response_schema: Some(_), .. }));
}
