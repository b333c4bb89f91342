//! The traces of a run: what was asked, answered and expected in each, and its assessments.

use std::collections::{BTreeSet, HashMap};

use evalmark_core::{
    record::Usage,
    tool_results::{ToolItem, ToolScore},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::scores::{OfTrace, of_trace};
use crate::{
    results::{
        collect::{Collector, NewAnswer, Place},
        error::ResultsError,
        text::{text_of, texts_of},
    },
    services::mlflow::{RootSpan, TraceInfo},
};

/// Expectations that are the answer itself, by the names that `MLflow`'s own judges use.
const TARGETS: [&str; 3] = ["expected_response", "expected_output", "expected_answer"];
/// Where a trace keeps its tokens.
const TOKENS: &str = "mlflow.trace.tokenUsage";
/// Where a trace keeps its cost.
const COST: &str = "mlflow.trace.cost";

#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Cost {
    total_cost: Option<f64>,
}

/// Takes the traces of a run over.
pub(super) fn take_traces(
    traces: Vec<TraceInfo>,
    mut spans: HashMap<String, RootSpan>,
    (run_id, name): (&str, &str),
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let mut n_previews = 0_u64;
    let mut pending = Vec::new();
    let mut of_scorers = BTreeSet::new();
    for trace in traces {
        let place = Place::new(name, format!("trace {}", trace.trace_id));
        let root = spans.remove(&trace.trace_id).unwrap_or_default();
        n_previews += u64::from(root.inputs.is_none());
        let of = of_trace(&trace, root.id.as_deref(), run_id, &place, into);
        of_scorers.extend(of.by_scorers.iter().copied());
        let answer = answer(&trace, root, of, into);
        pending.push((answer, place));
    }
    for (mut answer, place) in pending {
        // A trace without any assessment was never scored; where only some are absent, the scorers had no opinion.
        if answer.scores.is_empty() {
            let missing = || ToolScore::missing("the trace has no assessment");
            answer.scores = of_scorers.iter().map(|metric| (*metric, missing())).collect();
        }
        into.answer(answer, &place)?;
    }
    if n_previews > 0 {
        into.remark(format!(
            "{n_previews} traces have no spans on this server: what they asked is as the server shortens it"
        ));
    }
    Ok(())
}

fn answer(trace: &TraceInfo, root: RootSpan, of: OfTrace, into: &mut Collector) -> NewAnswer {
    let preview = |text: &Option<String>| {
        let text = text.as_deref()?;
        Some(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())))
    };
    let inputs = root.inputs.or_else(|| preview(&trace.request_preview)).unwrap_or_default();
    let outputs = root.outputs.or_else(|| preview(&trace.response_preview));
    let question = text_of(&inputs);
    let (prompt, model) = (into.prompt("prompt", None), into.model("model"));
    let mut answer = NewAnswer {
        messages: question.map(|text| ("user".to_owned(), text)).into_iter().collect(),
        output: outputs.as_ref().and_then(text_of),
        latency_ms: trace.execution_duration.as_deref().and_then(milliseconds),
        usage: usage(trace),
        cost_usd: cost(trace),
        ..NewAnswer::to(item(inputs, of.expectations), prompt, model)
    };
    let scores = of.scores;
    let error = match trace.state.as_str() {
        "ERROR" => Some(root.error.unwrap_or_else(|| "the trace ended with an error".to_owned())),
        "IN_PROGRESS" => Some("the trace is not finished".to_owned()),
        _ => None,
    };
    // Scorers see no answer where it failed, and many call that wrong.
    answer.scores = match error {
        Some(why) => {
            answer.fail(why);
            let missing = |(metric, _)| (metric, ToolScore::missing("there is no answer"));
            scores.into_iter().map(missing).collect()
        }
        None => scores,
    };
    answer
}

/// What was asked, and what is expected. A trace's id is its own, so that the content tells items apart.
fn item(inputs: Value, expectations: Vec<(String, Value)>) -> ToolItem {
    let mut fields = match inputs {
        Value::Object(fields) => fields,
        other => Map::from_iter([("inputs".to_owned(), other)]),
    };
    let mut targets = Vec::new();
    for (name, value) in expectations {
        if targets.is_empty() && TARGETS.contains(&name.as_str()) {
            targets = texts_of(&value);
        } else {
            fields.insert(format!("expectations.{name}"), value);
        }
    }
    ToolItem { fields, targets, ..ToolItem::default() }
}

/// A duration as protocol buffers write it: `0.002s`.
fn milliseconds(text: &str) -> Option<f64> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    // What is too short to be measured has no time.
    (seconds > 0.0).then_some(1e3 * seconds)
}

fn usage(trace: &TraceInfo) -> Usage {
    let told = trace.trace_metadata.get(TOKENS);
    let tokens = told.and_then(|text| serde_json::from_str::<Tokens>(text).ok());
    tokens.map_or_else(Usage::default, |tokens| Usage {
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
    })
}

fn cost(trace: &TraceInfo) -> Option<f64> {
    serde_json::from_str::<Cost>(trace.trace_metadata.get(COST)?).ok()?.total_cost
}
