//! `DeepEval`: `test_run_TIME.json`, which `deepeval test run` and `evaluate` write to their results folder.

use std::collections::HashMap;

use evalmark_core::{
    metric::Direction,
    tool_results::{ToolItem, ToolScore},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Importer, ResultsRequest,
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    input::Input,
    text::text_of,
};

pub(super) const IMPORTER: Importer = Importer {
    name: "deepeval",
    files: "the `test_run_….json` of `DEEPEVAL_RESULTS_FOLDER`, or of `DisplayConfig(results_folder=…)`",
    server: None,
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestRun {
    test_cases: Vec<TestCase>,
    #[serde(default)]
    conversational_test_cases: Vec<TestCase>,
    hyperparameters: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestCase {
    name: Option<String>,
    input: Option<Value>,
    actual_output: Option<Value>,
    expected_output: Option<Value>,
    context: Option<Value>,
    retrieval_context: Option<Value>,
    /// Of a conversation.
    turns: Option<Vec<Turn>>,
    expected_outcome: Option<Value>,
    success: Option<bool>,
    #[serde(default)]
    metrics_data: Option<Vec<MetricData>>,
    token_cost: Option<f64>,
    completion_time: Option<f64>,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricData {
    name: String,
    score: Option<f64>,
    threshold: Option<f64>,
    success: Option<bool>,
    reason: Option<String>,
    error: Option<String>,
    evaluation_model: Option<String>,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for path in request.files {
        let input = Input::open(path)?;
        let name = input.name().to_owned();
        let (run, file) = input.json::<TestRun>().map_err(|error| {
            error.hint(
                "DeepEval writes `test_run_….json` to the folder of `DEEPEVAL_RESULTS_FOLDER`",
            )
        })?;
        into.file(file);
        let model = run.hyperparameters.as_ref().and_then(|all| all.get("model")).and_then(text_of);
        let model = into.model(model.as_deref().unwrap_or("model"));
        let directions = directions(run.test_cases.iter().chain(&run.conversational_test_cases));
        let named = [
            ("testCases", run.test_cases),
            ("conversationalTestCases", run.conversational_test_cases),
        ];
        for (list, cases) in named {
            for (at, case) in cases.into_iter().enumerate() {
                take(case, model, &directions, &Place::new(&name, format!("{list}[{at}]")), into)?;
            }
        }
    }
    Ok(())
}

/// Metrics of which lower values are better, such as `Bias`: an answer passes with a score below their threshold.
fn directions<'a>(cases: impl Iterator<Item = &'a TestCase>) -> HashMap<String, Direction> {
    let mut directions = HashMap::new();
    for data in cases.flat_map(|case| case.metrics_data.iter().flatten()) {
        let (Some(score), Some(threshold), Some(success)) =
            (data.score, data.threshold, data.success)
        else {
            continue;
        };
        if (success && score < threshold) || (!success && score > threshold) {
            directions.insert(data.name.clone(), Direction::Lower);
        }
    }
    directions
}

fn take(
    case: TestCase,
    model: usize,
    directions: &HashMap<String, Direction>,
    place: &Place,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let scores = scores(&case, directions, into);
    let turns = case.turns.unwrap_or_default();
    let of_user = turns.iter().filter(|turn| turn.role == "user");
    let asked: Vec<Value> =
        of_user.filter_map(|turn| turn.content.clone()).map(Value::from).collect();
    let last = turns.iter().rev().find(|turn| turn.role == "assistant");
    let turns_asked = (!asked.is_empty()).then(|| Value::from(asked));
    let parts = [
        ("input", case.input.clone()),
        ("turns", turns_asked),
        ("context", case.context),
        ("retrievalContext", case.retrieval_context),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| {
        Some((name.to_owned(), value.filter(|value| !value.is_null())?))
    });
    let targets = [case.expected_output, case.expected_outcome].into_iter().flatten();
    let item = ToolItem {
        id: case.name.filter(|name| !is_position(name)),
        fields: parts.collect(),
        targets: targets.filter_map(|value| text_of(&value)).collect(),
        ..ToolItem::default()
    };
    let prompt = into.prompt("prompt", None);
    let output = case.actual_output.as_ref().and_then(text_of);
    let output = output.or_else(|| last.and_then(|turn| turn.content.clone()));
    let mut answer = NewAnswer {
        messages: case
            .input
            .iter()
            .filter_map(text_of)
            .map(|text| ("user".to_owned(), text))
            .collect(),
        cost_usd: case.token_cost,
        latency_ms: case.completion_time.map(|seconds| seconds * 1e3),
        scores,
        ..NewAnswer::to(item, prompt, model)
    };
    if output.is_none() {
        answer.fail("the test case has no actual output");
    }
    answer.output = output;
    into.answer(answer, place)
}

/// Whether a name is one that the tool gives: the case's position.
fn is_position(name: &str) -> bool {
    let number = name.rsplit_once("test_case_").map_or("", |(_, number)| number);
    name.is_empty() || !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Every metric's score, and `pass`, which is whether all of them passed. A metric that failed has an error and no score.
fn scores(
    case: &TestCase,
    directions: &HashMap<String, Direction>,
    into: &mut Collector,
) -> Vec<(usize, ToolScore)> {
    let data = case.metrics_data.as_deref().unwrap_or_default();
    let mut scores = Vec::new();
    let mut names: HashMap<&str, u32> = HashMap::new();
    for one in data {
        let nth = names.entry(&one.name).and_modify(|n| *n += 1).or_insert(1);
        let name = if *nth == 1 { one.name.clone() } else { format!("{} ({nth})", one.name) };
        let direction = directions.get(&one.name).copied().unwrap_or_default();
        let metric = into.metric_of(&name, None, direction, one.evaluation_model.is_some());
        let score = match (&one.error, one.score) {
            (None, Some(_)) => {
                ToolScore { value: one.score, passed: one.success, reason: one.reason.clone() }
            }
            (Some(error), _) => ToolScore::missing(error.clone()),
            (None, None) => ToolScore::missing("DeepEval gives no score"),
        };
        scores.push((metric, score));
    }
    if let (Some(success), false) = (case.success, data.is_empty()) {
        let is_judged = data.iter().any(|one| one.evaluation_model.is_some());
        let pass = into.metric_of("pass", None, Direction::Higher, is_judged);
        let has_errors = data.iter().any(|one| one.error.is_some());
        let score = if has_errors {
            ToolScore::missing("a metric failed")
        } else {
            ToolScore::passed(success)
        };
        scores.push((pass, score));
    }
    scores
}
