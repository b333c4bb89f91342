//! The assessments of a trace: feedback becomes scores, and expectations tell what was expected.

use std::collections::BTreeMap;

use evalmark_core::{metric::Direction, tool_results::ToolScore};
use serde_json::Value;

use crate::{
    results::collect::{Collector, Place},
    services::mlflow::{Assessment, Feedback, TraceInfo},
};

/// The run that an assessment was made in.
const SOURCE_RUN: &str = "mlflow.assessment.sourceRunId";
/// An assessment by a model.
const JUDGE: &str = "LLM_JUDGE";
/// An assessment by people.
const HUMAN: &str = "HUMAN";

/// What the assessments of a trace say.
#[derive(Default)]
pub(super) struct OfTrace {
    /// By the place of the metric.
    pub(super) scores: Vec<(usize, ToolScore)>,
    /// Metrics that programs or models gave.
    pub(super) by_scorers: Vec<usize>,
    /// By their names.
    pub(super) expectations: Vec<(String, Value)>,
}

/// The assessments of a trace that count in a run.
pub(super) fn of_trace(
    trace: &TraceInfo,
    root_span: Option<&str>,
    run_id: &str,
    place: &Place,
    into: &mut Collector,
) -> OfTrace {
    let mut feedback: BTreeMap<&str, Vec<&Assessment>> = BTreeMap::new();
    let mut expected: BTreeMap<&str, &Assessment> = BTreeMap::new();
    for assessment in &trace.assessments {
        let leave = why_not(assessment, root_span, run_id);
        if let Some(why) = leave {
            into.leave_score_out(why, place);
            continue;
        }
        let name = assessment.name.as_str();
        if assessment.expectation.is_some() {
            let known = expected.entry(name).or_insert(assessment);
            if assessment.create_time > known.create_time {
                *known = assessment;
            }
        } else if assessment.feedback.is_some() {
            feedback.entry(name).or_default().push(assessment);
        }
    }
    let mut of = OfTrace::default();
    for (name, mut all) in feedback {
        // RFC 3339 in UTC sorts as text.
        all.sort_by(|a, b| a.create_time.cmp(&b.create_time));
        let Some(last) = all.pop() else { continue };
        for _ in all {
            into.leave_score_out("a later assessment of the same name stands", place);
        }
        take(name, last, place, &mut of, into);
    }
    of.expectations = expected
        .into_iter()
        .filter_map(|(name, one)| Some((name.to_owned(), value(one)?)))
        .collect();
    of
}

/// Why an assessment is not one of this run's answer.
fn why_not(assessment: &Assessment, root_span: Option<&str>, run_id: &str) -> Option<&'static str> {
    if assessment.valid == Some(false) {
        return Some("a later assessment replaces it");
    }
    if assessment.metadata.get(SOURCE_RUN).is_some_and(|run| run != run_id) {
        return Some("the assessment was made in another run");
    }
    let span = assessment.span_id.as_deref().filter(|span| !span.is_empty());
    let is_inner = span.zip(root_span).is_some_and(|(span, root)| span != root);
    if is_inner && assessment.feedback.is_some() {
        return Some("the assessment is of a span within the trace");
    }
    None
}

fn take(
    name: &str,
    assessment: &Assessment,
    place: &Place,
    of: &mut OfTrace,
    into: &mut Collector,
) {
    let Some(feedback) = &assessment.feedback else { return };
    let Some(score) = score(feedback) else {
        let why = format!("the values of `{name}` are no numbers, and neither yes nor no");
        into.leave_score_out(&why, place);
        return;
    };
    let source = assessment.source.source_type.as_str();
    let metric = into.metric_of(name, None, Direction::Higher, source == JUDGE);
    let reason = score.reason.clone().or_else(|| assessment.rationale.clone());
    of.scores.push((metric, ToolScore { reason, ..score }));
    if source != HUMAN {
        of.by_scorers.push(metric);
    }
}

/// A score of what a scorer said: numbers, true and false, and the words of `MLflow`'s judges.
fn score(feedback: &Feedback) -> Option<ToolScore> {
    if let Some(error) = &feedback.error {
        let parts = [&*error.error_code, &*error.error_message];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        return Some(ToolScore::missing(parts.join(": ")));
    }
    Some(match &feedback.value {
        Value::Null => ToolScore::missing("MLflow gives no score"),
        Value::Bool(passed) => ToolScore::passed(*passed),
        Value::Number(number) => ToolScore { value: number.as_f64(), ..ToolScore::default() },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" => ToolScore::passed(true),
            "no" | "false" => ToolScore::passed(false),
            // Protocol buffers write what is no number as a text.
            "nan" | "infinity" | "-infinity" => {
                ToolScore::missing("MLflow's score is not a number")
            }
            _ => return None,
        },
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// The value of an expectation; what is no plain value is JSON within JSON.
fn value(assessment: &Assessment) -> Option<Value> {
    let expectation = assessment.expectation.as_ref()?;
    Some(match &expectation.serialized_value {
        Some(packed) => serde_json::from_str(&packed.value)
            .unwrap_or_else(|_| Value::String(packed.value.clone())),
        None => expectation.value.clone(),
    })
}
