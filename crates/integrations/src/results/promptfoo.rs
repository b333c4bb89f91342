//! promptfoo: the file of `promptfoo eval --output FILE.json`, or `FILE.jsonl`.

use std::collections::HashMap;

use evalmark_core::{
    record::Usage,
    tool_results::{ToolItem, ToolScore},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Importer, ResultsRequest,
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    input::Input,
    text::{moment, name_of, text_of},
};

pub(super) const IMPORTER: Importer = Importer {
    name: "promptfoo",
    files: "what `promptfoo eval --output FILE.json` or `FILE.jsonl` writes",
    server: None,
    read,
};

/// Assertions that a model grades.
const JUDGED: [&str; 14] = [
    "llm-rubric",
    "model-graded-closedqa",
    "model-graded-factuality",
    "factuality",
    "g-eval",
    "answer-relevance",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "conversation-relevance",
    "select-best",
    "max-score",
    "search-rubric",
    "trajectory:goal-success",
];

/// `failureReason` of what failed rather than being wrong.
const FAILED: i64 = 2;

#[derive(Deserialize)]
struct Document {
    results: Option<Results>,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Results {
    timestamp: Option<String>,
    #[serde(default)]
    prompts: Vec<Prompt>,
    #[serde(rename = "results")]
    all: Vec<EvalResult>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    promptfoo_version: Option<String>,
}

#[derive(Deserialize)]
struct Prompt {
    id: Option<String>,
    raw: Option<String>,
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EvalResult {
    success: bool,
    score: Option<f64>,
    prompt: Prompt,
    prompt_id: Option<String>,
    provider: Provider,
    #[serde(default)]
    vars: Map<String, Value>,
    #[serde(default)]
    test_case: TestCase,
    response: Option<Response>,
    grading_result: Option<GradingResult>,
    named_scores: Option<Map<String, Value>>,
    error: Option<Value>,
    failure_reason: Option<i64>,
    latency_ms: Option<f64>,
    cost: Option<f64>,
    #[serde(default)]
    token_usage: TokenUsage,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Provider {
    Named { id: Option<String>, label: Option<String> },
    Text(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TestCase {
    assert: Option<Vec<Assertion>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Assertion {
    r#type: Option<String>,
    value: Option<Value>,
    threshold: Option<f64>,
    metric: Option<String>,
    assert: Vec<Assertion>,
}

#[derive(Deserialize)]
struct Response {
    output: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GradingResult {
    reason: Option<String>,
    named_score_weights: Map<String, Value>,
    component_results: Option<Vec<Component>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Component {
    score: Option<f64>,
    assertion: Option<Assertion>,
    /// Those of an assert-set, which follow it once more.
    #[serde(rename = "componentResults")]
    parts: Option<Vec<Value>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct TokenUsage {
    prompt: Option<u64>,
    completion: Option<u64>,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for path in request.files {
        let mut input = Input::open(path)?;
        let name = input.name().to_owned();
        if is_lines(input.head()) {
            let no_texts = HashMap::new();
            let file = input.json_lines(|line, result: EvalResult| {
                take(&result, &no_texts, &Place::new(&name, format!("line {line}")), into)
            });
            into.file(file.map_err(not_promptfoo)?);
            continue;
        }
        let (document, file) = input.json::<Document>().map_err(not_promptfoo)?;
        into.file(file);
        document_into(document, &name, into)?;
    }
    Ok(())
}

/// Whether a file has one result a line: the first is an object that is closed on its line.
fn is_lines(head: &[u8]) -> bool {
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has = |key: &[u8]| first.windows(key.len()).any(|window| window == key);
    first.starts_with(b"{")
        && (has(b"\"gradingResult\"") || has(b"\"testIdx\""))
        && !has(b"\"evalId\"")
}

fn not_promptfoo(error: ResultsError) -> ResultsError {
    error.hint("promptfoo writes it with `promptfoo eval --output results.json`")
}

fn document_into(document: Document, name: &str, into: &mut Collector) -> Result<(), ResultsError> {
    let Some(results) = document.results else {
        let message = "has no `results`: it is not a result of a promptfoo evaluation";
        return Err(not_promptfoo(ResultsError::of_file(name, message)));
    };
    into.results.tool_version = document.metadata.promptfoo_version;
    into.results.title = document.config.description;
    into.results.evaluated_at = results.timestamp.as_deref().and_then(moment);
    let text = |prompt: Prompt| Some((prompt.id?, prompt.raw?));
    let texts: HashMap<_, _> = results.prompts.into_iter().filter_map(text).collect();
    for (at, result) in results.all.into_iter().enumerate() {
        take(&result, &texts, &Place::new(name, format!("results.results[{at}]")), into)?;
    }
    Ok(())
}

/// One result: an item is what its variables are and what is asserted of its answer. `testIdx` is a position, and
/// repeats have one each.
fn take(
    result: &EvalResult,
    texts: &HashMap<String, String>,
    place: &Place,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let text = result.prompt_id.as_ref().and_then(|id| texts.get(id));
    let label = result.prompt.label.as_deref().or(result.prompt.raw.as_deref());
    let prompt = into.prompt(&name_of(label.unwrap_or("prompt")), text.map(String::as_str));
    let model = into.model(&match &result.provider {
        Provider::Named { id, label } => {
            label.clone().or_else(|| id.clone()).unwrap_or_else(|| "provider".to_owned())
        }
        Provider::Text(name) => name.clone(),
    });
    let asserted = result.test_case.assert.as_deref().unwrap_or_default();
    // A conversation, or a session's random id, is no part of the question.
    let is_item = |name: &String| name != "_conversation" && name != "sessionId";
    let item = ToolItem {
        fields: result.vars.iter().filter(|(name, _)| is_item(name)).map(owned).collect(),
        targets: asserted.iter().flat_map(Assertion::targets).collect(),
        ..ToolItem::default()
    };
    let tokens = result.token_usage;
    let mut answer = NewAnswer {
        messages: messages(result.prompt.raw.as_deref()),
        output: result.response.as_ref().and_then(|answer| text_of(answer.output.as_ref()?)),
        latency_ms: result.latency_ms,
        usage: Usage { input_tokens: tokens.prompt, output_tokens: tokens.completion },
        cost_usd: result.cost,
        ..NewAnswer::to(item, prompt, model)
    };
    let has_failed = match result.failure_reason {
        Some(reason) => reason == FAILED,
        // Earlier versions did not tell why.
        None => result.error.is_some() && result.grading_result.is_none(),
    };
    if has_failed {
        let error = result.error.as_ref().and_then(text_of);
        answer.fail(error.unwrap_or_else(|| "promptfoo gives no reason".to_owned()));
    } else {
        answer.scores = scores(result, into, place);
    }
    into.answer(answer, place)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// What was sent: a chat as promptfoo writes it down, or a text.
fn messages(raw: Option<&str>) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Message {
        role: String,
        content: Value,
    }
    let Some(raw) = raw else { return Vec::new() };
    match serde_json::from_str::<Vec<Message>>(raw) {
        Ok(messages) if !messages.is_empty() => {
            let text =
                |message: Message| (message.role, text_of(&message.content).unwrap_or_default());
            messages.into_iter().map(text).collect()
        }
        _ => vec![("user".to_owned(), raw.to_owned())],
    }
}

/// `pass`, `score`, and the scores that have a name.
fn scores(result: &EvalResult, into: &mut Collector, place: &Place) -> Vec<(usize, ToolScore)> {
    let grading = result.grading_result.as_ref();
    let reason = grading.and_then(|grading| grading.reason.clone());
    let is_judged = |metric: Option<&str>| {
        let components = grading.and_then(|grading| grading.component_results.as_deref());
        let assertions = components.unwrap_or_default().iter().filter_map(|c| c.assertion.as_ref());
        let mut of_metric =
            assertions.filter(|a| metric.is_none() || a.metric.as_deref() == metric);
        of_metric.any(|a| a.r#type.as_deref().is_some_and(is_judged))
    };
    let direction = evalmark_core::metric::Direction::Higher;
    let judged = is_judged(None);
    let pass = into.metric_of("pass", None, direction, judged);
    let mut scores = vec![(pass, ToolScore { reason, ..ToolScore::passed(result.success) })];
    let score = result.score.map(ToolScore::of);
    let score = score.unwrap_or_else(|| ToolScore::missing("promptfoo gives no score"));
    scores.push((into.metric_of("score", None, direction, judged), score));
    for (name, value) in result.named_scores.iter().flatten() {
        if matches!(name.as_str(), "pass" | "score") {
            into.leave_score_out(
                "a named score is called as promptfoo's own `pass` or `score`",
                place,
            );
            continue;
        }
        let judged = is_judged(Some(name));
        let metric = into.metric_of(name, None, direction, judged);
        scores.push((metric, named_score(name, value, grading)));
    }
    scores
}

fn is_judged(kind: &str) -> bool {
    JUDGED.contains(&kind.strip_prefix("not-").unwrap_or(kind))
}

/// A named score. promptfoo writes 0 for one whose assertions have no weight, whatever they scored: then it is the mean
/// of what they scored.
fn named_score(name: &str, value: &Value, grading: Option<&GradingResult>) -> ToolScore {
    let weight = grading.and_then(|grading| grading.named_score_weights.get(name)?.as_f64());
    if weight == Some(0.0) {
        let components = grading.and_then(|grading| grading.component_results.as_deref());
        let of_metric = components.unwrap_or_default().iter().filter(|component| {
            let metric = component.assertion.as_ref().and_then(|a| a.metric.as_deref());
            component.parts.is_none() && metric == Some(name)
        });
        let scores: Vec<f64> = of_metric.filter_map(|component| component.score).collect();
        if scores.is_empty() {
            return ToolScore::missing("promptfoo gives it no weight and no score");
        }
        return ToolScore::of(scores.iter().sum::<f64>() / scores.len() as f64);
    }
    match value.as_f64() {
        Some(value) => ToolScore::of(value),
        None => ToolScore::missing("promptfoo's score is not a number"),
    }
}

impl Assertion {
    /// What it expects, as a text.
    fn targets(&self) -> Vec<String> {
        if !self.assert.is_empty() {
            let all = self.assert.iter().flat_map(Self::targets);
            let threshold = self.threshold.map(|least| format!("at least {least} of a set"));
            return threshold.into_iter().chain(all).collect();
        }
        let kind = self.r#type.as_deref().unwrap_or("assertion");
        let value = self.value.as_ref().and_then(text_of).unwrap_or_default();
        let threshold = self.threshold.map(|least| format!(" (threshold {least})"));
        vec![format!("{kind}: {value}{}", threshold.unwrap_or_default())]
    }
}
