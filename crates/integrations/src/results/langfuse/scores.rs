//! Scores of Langfuse: numbers, true and false, and categories.

use std::collections::BTreeMap;

use evalmark_core::{metric::Direction, tool_results::ToolScore};
use serde_json::Value;

use crate::{
    results::collect::{Collector, Place},
    services::langfuse::Score,
};

/// The source of scores that Langfuse's own evaluators gave.
const EVALUATOR: &str = "EVAL";

/// Scores of one answer by the place of their metric. Several of one name are their mean, as Langfuse shows them.
pub(super) fn of_answer(
    scores: &[Score],
    place: &Place,
    into: &mut Collector,
) -> Vec<(usize, ToolScore)> {
    let mut by_name: BTreeMap<&str, Vec<&Score>> = BTreeMap::new();
    for score in scores {
        by_name.entry(&score.name).or_default().push(score);
    }
    let mut taken = Vec::new();
    for (name, all) in by_name {
        let values: Vec<(f64, bool)> = all.iter().filter_map(|score| value(score)).collect();
        for _ in values.len()..all.len() {
            let why = format!("`{name}` is a text or a category without a number");
            into.leave_score_out(&why, place);
        }
        if values.is_empty() {
            continue;
        }
        let is_judged = all.iter().any(|score| score.source == EVALUATOR);
        let metric = into.metric_of(name, None, Direction::Higher, is_judged);
        let comments = all.iter().filter_map(|score| score.comment.as_deref());
        let comments: Vec<_> = comments.filter(|comment| !comment.trim().is_empty()).collect();
        let mean = mean(&values);
        let score = ToolScore {
            value: Some(mean),
            passed: values.iter().all(|(_, is_answer)| *is_answer).then_some(mean >= 1.0),
            reason: (!comments.is_empty()).then(|| comments.join("\n")),
        };
        taken.push((metric, score));
    }
    taken
}

#[expect(clippy::cast_precision_loss, reason = "scores of one answer")]
fn mean(values: &[(f64, bool)]) -> f64 {
    values.iter().map(|(value, _)| value).sum::<f64>() / values.len() as f64
}

/// The value of a score, and whether it says yes or no; `None` of what is no number.
fn value(score: &Score) -> Option<(f64, bool)> {
    let number = score.value.as_f64();
    match score.data_type.as_str() {
        "BOOLEAN" => match (&score.value, number) {
            (Value::Bool(value), _) => Some((f64::from(u8::from(*value)), true)),
            (_, Some(value)) => Some((value, true)),
            (Value::String(text), None) => yes_or_no(text),
            _ => score.string_value.as_deref().and_then(yes_or_no),
        },
        "CATEGORICAL" => {
            let text = score.string_value.as_deref().or(score.value.as_str());
            // Without a configuration, the number of a category is always 0.
            let configured = number.filter(|_| score.config_id.is_some());
            text.and_then(yes_or_no).or(configured.map(|value| (value, false)))
        }
        "TEXT" | "CORRECTION" => None,
        _ => number.map(|value| (value, false)),
    }
}

/// What words for right and wrong come to.
pub(super) fn yes_or_no(text: &str) -> Option<(f64, bool)> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "pass" | "passed" | "correct" => Some((1.0, true)),
        "no" | "false" | "fail" | "failed" | "incorrect" => Some((0.0, true)),
        _ => None,
    }
}
