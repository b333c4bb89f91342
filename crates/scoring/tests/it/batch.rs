//! Many samples at once: failures, refusals, and judgements of every sort.

use evalmark_core::record::{ErrorKind, Outcome, Record, Usage};
use std::sync::LazyLock;

use evalmark_scoring::{Case, JudgeReply, Judgement, Metric, QuestionError, Subject, score_batch};
use serde_json::json;

use crate::support::metric;

fn metrics() -> Vec<Metric> {
    vec![
        metric(&json!({"exact": {}})),
        metric(&json!({"judge": {"model": "grader", "rubric": "r"}})),
        metric(&json!({"includes": {}, "not": true})),
    ]
}

fn case<'a>(
    record: &'a Record,
    targets: &'a [String],
    judgements: &'a [Judgement<'a>],
) -> Case<'a> {
    static NO_FIELDS: LazyLock<evalmark_core::fields::Fields> = LazyLock::new(Default::default);
    Case { subject: Subject::new(record, targets, &NO_FIELDS, None), judgements }
}

/// Values of the metrics above for one case.
fn values(record: &Record, judgement: Judgement<'_>) -> Vec<Option<f64>> {
    let targets = ["yes".to_owned()];
    let judgements = [Judgement::None, judgement];
    let case = case(record, &targets, &judgements);
    score_batch(&metrics(), &[case]).remove(0).into_iter().map(|score| score.value).collect()
}

#[test]
fn a_failed_record_is_missing_under_every_metric() {
    let record = Record::failed(ErrorKind::RateLimited, "slow down", 6);
    assert_eq!(values(&record, Judgement::None), [None, None, None]);
    let case = case(&record, &[], &[]);
    for score in score_batch(&metrics(), &[case]).remove(0) {
        assert_eq!(score.reason.as_deref(), Some("no answer: rate_limited"));
        assert_eq!((score.passed, score.invalid), (None, false));
    }
}

#[test]
fn a_refusal_is_an_answer() {
    let silent =
        Record { outcome: Outcome::Refused, output: None, ..Record::recorded(String::new()) };
    assert_eq!(values(&silent, Judgement::None), [Some(0.0), None, Some(1.0)]);
    let speaking = Record { outcome: Outcome::Refused, ..Record::recorded("yes".to_owned()) };
    assert_eq!(values(&speaking, Judgement::None), [Some(1.0), None, Some(0.0)]);
}

#[test]
fn judgements() {
    let answer = Record::recorded("yes".to_owned());
    let given = |output: &str| Record::recorded(output.to_owned());
    let judged = |record: &Record| {
        let reply = JudgeReply { record: record.clone(), cost_usd: None };
        values(&answer, Judgement::Given(&[reply]))[1]
    };
    assert_eq!(judged(&given(r#"{"grade": 0.75}"#)), Some(0.75));
    assert_eq!(judged(&given("I would say 1")), None);
    assert_eq!(judged(&Record::failed(ErrorKind::Timeout, "slow", 6)), None);
    assert_eq!(judged(&Record { output: None, outcome: Outcome::Refused, ..given("") }), None);
    let unaskable = |why| values(&answer, Judgement::QuestionError(&why))[1];
    assert_eq!(unaskable(QuestionError::Lacking("no `topic`".to_owned())), None);
    assert_eq!(unaskable(QuestionError::Invalid("no answer".to_owned())), Some(0.0));
    assert_eq!(values(&answer, Judgement::Given(&[]))[1], None, "a reply too few");
    assert_eq!(values(&answer, Judgement::None)[1], None);
}

#[test]
fn a_judgement_leaves_its_trace() {
    let usage = Usage { input_tokens: Some(10), output_tokens: Some(5) };
    let record = Record { usage, ..Record::recorded(r#"{"grade": 1}"#.to_owned()) };
    let answer = Record::recorded("yes".to_owned());
    let replies = [JudgeReply { record, cost_usd: Some(0.5) }];
    let judgements = [Judgement::None, Judgement::Given(&replies)];
    let case = case(&answer, &[], &judgements);
    let score = score_batch(&metrics(), &[case]).remove(0).remove(1);
    let trace = score.judge.expect("a trace");
    assert_eq!(trace.model, "grader");
    assert_eq!(trace.output.as_deref(), Some(r#"{"grade": 1}"#));
    assert_eq!((trace.tokens, trace.cost_usd), (Some(15), Some(0.5)));
}

#[test]
fn a_judged_answer_without_what_was_asked_for_is_invalid() {
    let metric = metric(&json!({
        "judge": {"model": "grader", "rubric": "r"}, "extract": {"regex": "A: (.*)"}
    }));
    let answer = Record::recorded("no idea".to_owned());
    let case = case(&answer, &[], &[]);
    let score = score_batch(&[metric], &[case]).remove(0).remove(0);
    assert_eq!((score.value, score.invalid), (Some(0.0), true));
}

#[test]
fn order_is_kept() {
    let records: Vec<_> = (0..1000)
        .map(|i| Record::recorded(if i % 3 == 0 { "yes" } else { "no" }.to_owned()))
        .collect();
    let targets = ["yes".to_owned()];
    let cases: Vec<_> = records.iter().map(|record| case(record, &targets, &[])).collect();
    let scores = score_batch(&metrics(), &cases);
    assert!(scores.iter().enumerate().all(|(i, s)| (s[0].value == Some(1.0)) == (i % 3 == 0)));
}
