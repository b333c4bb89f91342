//! `semantic`: cosines of embeddings, and what is done where there is none.

use evalmark_core::{
    embedding::encode,
    record::{ErrorKind, Record},
    score::Score,
};
use evalmark_scoring::{Form, JudgeReply, QuestionError, Subject};
use serde_json::json;

use crate::support::metric;

/// The score of vectors: the answer's, then each target's.
fn score(vectors: &[&[f32]]) -> Score {
    let replies: Vec<_> =
        vectors.iter().map(|vector| JudgeReply::of_text(&encode(vector))).collect();
    let metric = metric(&json!({"semantic": {"model": "e"}, "threshold": 0.7}));
    metric.judge().expect("a model").score(Subject::of_texts("x", &[]), &replies)
}

#[track_caller]
fn check(vectors: &[&[f32]], expected: Option<f64>) {
    let score = score(vectors);
    let is_close = match (score.value, expected) {
        (Some(value), Some(expected)) => (value - expected).abs() < 1e-12,
        (value, expected) => value == expected,
    };
    assert!(is_close, "{vectors:?}: {score:?}");
    assert_eq!(score.passed, expected.map(|value| value >= 0.7));
}

#[test]
fn the_cosine_of_the_closest_target() {
    check(&[&[1.0, 0.0], &[1.0, 0.0]], Some(1.0));
    check(&[&[3.0, 4.0], &[6.0, 8.0]], Some(1.0));
    check(&[&[1.0, 0.0], &[1.0, 1.0]], Some(0.5_f64.sqrt()));
    check(&[&[1.0, 0.0], &[0.0, 1.0]], Some(0.0));
    check(&[&[1.0, 0.0], &[-1.0, 0.0]], Some(0.0));
    check(&[&[1.0, 0.0], &[0.0, 1.0], &[1.0, 0.0]], Some(1.0));
    check(&[&[f32::MAX, f32::MAX], &[f32::MAX, f32::MAX]], Some(1.0));
}

#[test]
fn vectors_that_cannot_be_compared_are_missing() {
    check(&[&[1.0, 0.0], &[1.0]], None);
    check(&[&[0.0, 0.0], &[1.0, 0.0]], None);
    check(&[&[1.0, 0.0], &[1.0, 0.0], &[0.0, 0.0]], None);
    check(&[&[1.0, 0.0]], None);
    check(&[], None);
}

#[test]
fn a_vector_that_did_not_come_is_missing() {
    let metric = metric(&json!({"semantic": {"model": "e"}}));
    let judge = metric.judge().expect("a model");
    assert!(!judge.is_opinion());
    let failed = JudgeReply { record: Record::failed(ErrorKind::Server, "no", 6), cost_usd: None };
    let found =
        judge.score(Subject::of_texts("x", &[]), &[JudgeReply::of_text(&encode(&[1.0])), failed]);
    assert_eq!((found.value, found.reason.as_deref()), (None, Some("no embedding: server")));
    let prose = [JudgeReply::of_text("0.1, 0.2"), JudgeReply::of_text("hello")];
    assert_eq!(judge.score(Subject::of_texts("x", &[]), &prose).value, None);
}

#[test]
fn each_text_is_a_question_and_emptiness_is_none() {
    let metric = metric(&json!({"semantic": {"model": "e", "prefix": "query: "}}));
    let ask = |answer: &str, targets: &[&str]| {
        let targets: Vec<_> = targets.iter().map(ToString::to_string).collect();
        let asked = metric.questions(Subject::of_texts(answer, &targets), &[]);
        asked.expect("an answer").map(|questions| {
            questions
                .into_iter()
                .map(|question| match question.form {
                    Form::Embedding(text) => text,
                    Form::Chat { .. } => panic!("a chat"),
                })
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        ask("a", &["b", " ", "c"]),
        Ok(vec!["query: a", "query: b", "query: c"].into_iter().map(str::to_owned).collect())
    );
    assert_eq!(ask(" \n", &["b"]), Err(QuestionError::Invalid("the answer is empty".to_owned())));
    assert!(matches!(ask("a", &[""]), Err(QuestionError::Lacking(_))));
}
