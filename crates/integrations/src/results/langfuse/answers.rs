//! The answers of a run: of an experiment in version 4, and of a dataset run's traces in version 3.

use std::collections::{BTreeSet, HashMap};

use evalmark_core::{
    record::Usage,
    tool_results::{ToolItem, ToolScore},
};
use serde_json::{Map, Value};

use super::scores::of_answer;
use crate::{
    results::{
        collect::{Collector, NewAnswer, Place},
        error::ResultsError,
        server::of_server,
        text::{moment, text_of, texts_of},
    },
    services::langfuse::{
        DatasetItem, DatasetRun, DatasetRunItem, ExperimentItem, LangfuseServer, Observation,
        Score, Trace,
    },
};

/// The level of what went wrong.
pub(super) const ERROR: &str = "ERROR";

/// What was asked and what is expected, under the dataset's id where there is one.
pub(super) fn item(id: Option<String>, input: Value, expected: &Value) -> ToolItem {
    let fields = match input {
        Value::Object(fields) => fields,
        other => Map::from_iter([("input".to_owned(), other)]),
    };
    ToolItem { id, fields, targets: texts_of(expected), ..ToolItem::default() }
}

/// An answer to an item.
pub(super) fn answer(
    item: ToolItem,
    input: &Value,
    output: &Value,
    into: &mut Collector,
) -> NewAnswer {
    let (prompt, model) = (into.prompt("prompt", None), into.model("model"));
    let question = text_of(input).map(|text| ("user".to_owned(), text));
    NewAnswer {
        messages: question.into_iter().collect(),
        output: text_of(output),
        ..NewAnswer::to(item, prompt, model)
    }
}

/// Gives an answer its scores, of which none has a value where it failed.
pub(super) fn scored(
    answer: &mut NewAnswer,
    failure: Option<String>,
    scores: Vec<(usize, ToolScore)>,
) {
    match failure {
        None => answer.scores = scores,
        Some(why) => {
            answer.fail(why);
            let missing = |(metric, _)| (metric, ToolScore::missing("there is no answer"));
            answer.scores = scores.into_iter().map(missing).collect();
        }
    }
}

/// Takes an experiment over, its repetitions in the order of time.
pub(super) fn take_experiment(
    mut items: Vec<ExperimentItem>,
    name: &str,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    items.sort_by(|a, b| (&a.start_time, &a.trace_id).cmp(&(&b.start_time, &b.trace_id)));
    let experiments: BTreeSet<_> = items.iter().map(|item| &*item.experiment_id).collect();
    if experiments.len() > 1 {
        let ids: Vec<_> = experiments.into_iter().collect();
        let message = format!("there are several experiments of this name: {}", ids.join(", "));
        return Err(ResultsError::of_file(name, message)
            .hint("name the dataset, too: `DATASET/RUN`; or one of these ids"));
    }
    let results = &mut into.results;
    if let Some(first) = items.first() {
        results.evaluated_at = moment(&first.start_time).or(results.evaluated_at.take());
        results.title.get_or_insert_with(|| first.experiment_name.clone());
    }
    let mut epochs: HashMap<String, u32> = HashMap::new();
    for one in items {
        let place = Place::new(name, format!("trace {}", one.trace_id));
        let scores = of_answer(&one.scores, &place, into);
        // Items of a dataset have ids; those of a list that a program holds are told by their content.
        let id = one.experiment_dataset_id.is_some().then(|| one.item.clone());
        let epoch = epochs.entry(one.item.clone()).or_default();
        let item = item(id.clone(), one.input.clone(), &one.expected_output);
        let mut answer = answer(item, &one.input, &one.output, into);
        answer.epoch = id.is_some().then_some(*epoch);
        *epoch += 1;
        answer.latency_ms = one.end_time.as_deref().and_then(|end| between(&one.start_time, end));
        let failure =
            (one.level == ERROR).then(|| "the experiment's task ended with an error".to_owned());
        scored(&mut answer, failure, scores);
        into.answer(answer, &place)?;
    }
    Ok(())
}

/// Takes a dataset run over, trace by trace.
pub(super) fn take_run(
    server: &LangfuseServer,
    (run, items): (DatasetRun, Vec<DatasetItem>),
    name: &str,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let items: HashMap<_, _> = items.into_iter().map(|item| (item.id.clone(), item)).collect();
    let mut traces = Vec::new();
    for of in run.dataset_run_items {
        let place = Place::new(name, format!("trace {}", of.trace));
        let Some(item) = items.get(&of.item) else {
            into.leave_out("its item is no longer in the dataset", &place);
            continue;
        };
        match server.trace(&of.trace) {
            Ok(trace) => traces.push((of, item, trace, place)),
            Err(error) if error.is_not_found() => into.leave_out("its trace was deleted", &place),
            Err(error) => return Err(of_server(name, &place.at, &error, super::KEYS)),
        }
    }
    traces.sort_by(|a, b| (&a.2.timestamp, &a.0.trace).cmp(&(&b.2.timestamp, &b.0.trace)));
    if let Some((_, _, first, _)) = traces.first() {
        into.results.evaluated_at = moment(&first.timestamp).or(into.results.evaluated_at.take());
    }
    let mut epochs: HashMap<&str, u32> = HashMap::new();
    for (of, item, trace, place) in &traces {
        let epoch = epochs.entry(&item.id).or_default();
        let mut answer = of_trace(of, item, trace, place, into);
        answer.epoch = Some(*epoch);
        *epoch += 1;
        into.answer(answer, place)?;
    }
    Ok(())
}

fn of_trace(
    of: &DatasetRunItem,
    dataset_item: &DatasetItem,
    trace: &Trace,
    place: &Place,
    into: &mut Collector,
) -> NewAnswer {
    let linked = of.observation.as_ref();
    let observation = linked.and_then(|id| trace.observations.iter().find(|one| one.id == *id));
    let is_its =
        |score: &&Score| score.observation_id.is_none() || score.observation_id.as_ref() == linked;
    let scores: Vec<_> = trace.scores.iter().filter(is_its).cloned().collect();
    for _ in scores.len()..trace.scores.len() {
        into.leave_score_out("the score is of an observation within the trace", place);
    }
    let scores = of_answer(&scores, place, into);
    let output = observation.map_or(&trace.output, |observation| &observation.output);
    let content = item(
        Some(dataset_item.id.clone()),
        dataset_item.input.clone(),
        &dataset_item.expected_output,
    );
    let mut answer = answer(content, &dataset_item.input, output, into);
    answer.latency_ms = trace.latency.filter(|seconds| *seconds > 0.0).map(|seconds| 1e3 * seconds);
    answer.cost_usd = trace.total_cost.filter(|cost| *cost >= 0.0);
    answer.usage = usage(&trace.observations);
    scored(&mut answer, failure(trace, observation, output), scores);
    answer
}

/// Why a trace has no answer. A step within it may fail and be tried again.
fn failure(trace: &Trace, linked: Option<&Observation>, output: &Value) -> Option<String> {
    let is_outer = |one: &&Observation| match linked {
        Some(linked) => one.id == linked.id,
        None => one.parent_observation_id.is_none(),
    };
    let failed = |one: &&Observation| one.level == ERROR;
    let all = || trace.observations.iter().filter(failed);
    let found = all().find(is_outer).or_else(|| all().next().filter(|_| output.is_null()))?;
    let why = found.status_message.clone().filter(|why| !why.trim().is_empty());
    Some(why.unwrap_or_else(|| "an observation ended with an error".to_owned()))
}

fn usage(observations: &[Observation]) -> Usage {
    let sum = |name: &str| {
        let counts = observations.iter().filter_map(|one| one.usage_details.get(name)?.as_u64());
        counts.reduce(u64::saturating_add)
    };
    Usage { input_tokens: sum("input"), output_tokens: sum("output") }
}

fn between(start: &str, end: &str) -> Option<f64> {
    let (start, end) =
        (start.parse::<jiff::Timestamp>().ok()?, end.parse::<jiff::Timestamp>().ok()?);
    Some(1e3 * (end - start).total(jiff::Unit::Second).ok()?).filter(|ms| *ms > 0.0)
}
