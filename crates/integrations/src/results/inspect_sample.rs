//! A sample of a log of Inspect, and its scores as numbers: as Inspect's own `value_to_float` gives them.

use evalmark_core::{
    metric::Direction,
    record::{Outcome, Usage},
    tool_results::{ToolItem, ToolScore},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    inspect::{EvalSpec, id_text},
    text::{text_of, texts_of},
};

/// One sample in one epoch.
#[derive(Deserialize)]
pub(super) struct Sample {
    id: Value,
    epoch: u32,
    input: Value,
    #[serde(default)]
    choices: Value,
    #[serde(default)]
    target: Value,
    #[serde(default)]
    output: Output,
    scores: Option<Map<String, Value>>,
    error: Option<SampleError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    choices: Vec<Choice>,
    completion: Option<String>,
    usage: Option<TokenCounts>,
    time: Option<f64>,
    error: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    stop_reason: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct TokenCounts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct SampleError {
    message: Option<String>,
}

/// A score as Inspect writes it.
#[derive(Deserialize)]
struct Score {
    value: Value,
    explanation: Option<String>,
}

/// Takes a sample over.
pub(super) fn take(
    sample: Sample,
    eval: &EvalSpec,
    place: &Place,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let Some(epoch) = sample.epoch.checked_sub(1) else {
        return Err(place.error("the epoch is 0, and Inspect counts from 1"));
    };
    let mut fields = Map::new();
    fields.insert("input".to_owned(), bare(sample.input.clone()));
    if !sample.choices.is_null() {
        fields.insert("choices".to_owned(), sample.choices);
    }
    let targets = texts_of(&sample.target);
    let id = id_text(&sample.id);
    let item = ToolItem { id, fields, targets, ..ToolItem::default() };
    let (prompt, model) = (into.prompt("task", None), into.model(&eval.model));
    let usage = sample.output.usage.unwrap_or_default();
    let is_refusal = sample
        .output
        .choices
        .iter()
        .any(|choice| choice.stop_reason.as_deref() == Some("content_filter"));
    let mut answer = NewAnswer {
        epoch: Some(epoch),
        messages: messages(&sample.input),
        output: sample.output.completion,
        outcome: if is_refusal { Outcome::Refused } else { Outcome::Answered },
        usage: Usage { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens },
        latency_ms: sample.output.time.map(|seconds| seconds * 1e3),
        ..NewAnswer::to(item, prompt, model)
    };
    let scores = sample.scores.unwrap_or_default();
    match sample.error {
        // A sample may be scored in spite of its error, where the user says so.
        Some(error) if scores.is_empty() => {
            let error = error.message.or(sample.output.error);
            answer.fail(error.unwrap_or_else(|| "Inspect gives no reason".to_owned()));
        }
        _ => answer.scores = numbers(scores, place, into)?,
    }
    into.answer(answer, place)
}

/// What was asked without what differs from one evaluation to the next: messages have random ids.
fn bare(input: Value) -> Value {
    let Value::Array(messages) = input else { return input };
    let bare = |mut message: Value| {
        if let Some(message) = message.as_object_mut() {
            message.remove("id");
        }
        message
    };
    messages.into_iter().map(bare).collect()
}

fn messages(input: &Value) -> Vec<(String, String)> {
    let Value::Array(messages) = input else {
        return text_of(input).map(|text| ("user".to_owned(), text)).into_iter().collect();
    };
    let message = |message: &Value| {
        let role = message.get("role")?.as_str()?.to_owned();
        Some((role, message.get("content").and_then(text_of)?))
    };
    messages.iter().filter_map(message).collect()
}

/// Every scorer's value; of one that gives several, each under its name.
fn numbers(
    scores: Map<String, Value>,
    place: &Place,
    into: &mut Collector,
) -> Result<Vec<(usize, ToolScore)>, ResultsError> {
    let mut numbers = Vec::new();
    for (scorer, score) in scores {
        let wrong = |error| place.error(format!("the score of `{scorer}` is none: {error}"));
        let Score { value, explanation } = serde_json::from_value(score).map_err(wrong)?;
        let is_judged = scorer.starts_with("model_graded");
        let mut push = |name: &str, value: &Value| {
            let metric = into.metric_of(name, None, Direction::Higher, is_judged);
            numbers.push((metric, ToolScore { reason: explanation.clone(), ..number(value) }));
        };
        match &value {
            Value::Object(values) => {
                values.iter().for_each(|(key, value)| push(&format!("{scorer}.{key}"), value));
            }
            value => push(&scorer, value),
        }
    }
    Ok(numbers)
}

/// A value as a number, as `value_to_float` makes it. What that would call 0 for want of a number is missing.
fn number(value: &Value) -> ToolScore {
    let binary = |passed: bool| ToolScore::passed(passed);
    match value {
        Value::Bool(passed) => binary(*passed),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| ToolScore::missing("it is too large"), ToolScore::of)
        }
        Value::Null => ToolScore::missing("Inspect has no score of it"),
        Value::String(text) => match text.as_str() {
            "C" => binary(true),
            "I" | "N" => binary(false),
            "P" => ToolScore { passed: Some(false), ..ToolScore::of(0.5) },
            other => match other.to_ascii_lowercase().as_str() {
                "yes" | "true" => binary(true),
                "no" | "false" => binary(false),
                number => match number.parse::<f64>() {
                    Ok(value) if value.is_finite() => ToolScore::of(value),
                    _ => ToolScore::missing(format!("`{other}` is not a number")),
                },
            },
        },
        Value::Array(_) | Value::Object(_) => ToolScore::missing("it is a list of values"),
    }
}
