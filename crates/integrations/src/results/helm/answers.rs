//! `scenario_state.json`: what was asked of the model, and what it answered.

use std::collections::HashMap;

use evalmark_core::tool_results::ToolItem;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AnswerKey,
    stats::{Scores, perturbation_key, whole},
};
use crate::results::{
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    text::text_of,
};

/// The tag of a reference that is right.
const CORRECT: &str = "correct";

/// One request of an instance: the instance itself, or one of its references.
#[derive(Deserialize)]
pub(super) struct RequestState {
    instance: Instance,
    #[serde(default)]
    reference_index: Option<u32>,
    #[serde(default)]
    train_trial_index: u32,
    request: AskedRequest,
    #[serde(default)]
    result: Option<RequestResult>,
}

#[derive(Deserialize)]
struct Instance {
    input: Input,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    split: Option<String>,
    #[serde(default)]
    sub_split: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    perturbation: Value,
}

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    text: String,
    #[serde(default)]
    messages: Option<Vec<ChatMessage>>,
    #[serde(default)]
    multimedia_content: Value,
}

#[derive(Deserialize, serde::Serialize)]
struct ChatMessage {
    role: String,
    content: Value,
}

#[derive(Deserialize)]
struct Reference {
    output: Output,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct AskedRequest {
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    messages: Option<Vec<ChatMessage>>,
}

#[derive(Deserialize)]
struct RequestResult {
    success: bool,
    #[serde(default)]
    completions: Vec<Completion>,
    #[serde(default)]
    request_time: Option<f64>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    text: String,
}

/// All requests of one instance in one trial.
pub(super) struct Group {
    pub(super) key: AnswerKey,
    place: Place,
    states: Vec<RequestState>,
}

/// Requests by instance, perturbation and trial, in the order of trials.
pub(super) fn groups(states: Vec<RequestState>, file: &str) -> Result<Vec<Group>, ResultsError> {
    let mut places: HashMap<AnswerKey, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (number, state) in states.into_iter().enumerate() {
        let place = Place::new(file, format!("request_states[{number}]"));
        let Some(instance) = state.instance.id.clone() else {
            return Err(place.error("the instance has no id, which every run of HELM gives it"));
        };
        let perturbation = perturbation_key(&state.instance.perturbation);
        let key = AnswerKey { instance, perturbation, trial: state.train_trial_index };
        if let Some(known) = places.get(&key) {
            groups[*known].states.push(state);
            continue;
        }
        places.insert(key.clone(), groups.len());
        groups.push(Group { key, place, states: vec![state] });
    }
    // Trials are repetitions, and those are counted in their order.
    groups.sort_by_key(|group| group.key.trial);
    Ok(groups)
}

/// Takes over the answer to one instance.
pub(super) fn take(
    group: Group,
    scores: Option<&Scores>,
    [prompt, model]: [usize; 2],
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let Group { place, states, .. } = group;
    // What was generated is the answer; where each reference was weighed on its own, there is none.
    let main = states.iter().find(|state| state.reference_index.is_none()).or(states.first());
    let Some(main) = main else { return Ok(()) };
    let asks_references = main.reference_index.is_some();
    let mut answer = NewAnswer {
        messages: messages(&main.request),
        output: main
            .result
            .as_ref()
            .and_then(|result| Some(result.completions.first()?.text.clone())),
        ..NewAnswer::to(item(main), prompt, model)
    };
    if asks_references {
        answer.output = scores.and_then(|scores| chosen(scores, main));
    }
    let seconds: f64 = states.iter().filter_map(|state| state.result.as_ref()?.request_time).sum();
    answer.latency_ms = (seconds > 0.0).then_some(1e3 * seconds);
    answer.usage = scores.map(Scores::usage).unwrap_or_default();
    let failure = states.iter().find_map(failure);
    if let Some(why) = &failure {
        answer.fail(why.clone());
    }
    match scores {
        Some(scores) => answer.scores = scores.of_answer(failure.is_some(), into),
        None if failure.is_none() => {
            into.leave_score_out("HELM has no score of this answer", &place);
        }
        None => {}
    }
    (1..states.len()).for_each(|_| into.joined());
    into.answer(answer, &place)
}

/// Why a request has no answer.
fn failure(state: &RequestState) -> Option<String> {
    let Some(result) = &state.result else {
        return Some("the request was not executed".to_owned());
    };
    let why = || result.error.clone().filter(|why| !why.trim().is_empty());
    (!result.success).then(|| why().unwrap_or_else(|| "the request failed".to_owned()))
}

/// The reference that HELM says the model chose.
fn chosen(scores: &Scores, state: &RequestState) -> Option<String> {
    let index = usize::try_from(whole(scores.counted("predicted_index")?)?).ok()?;
    Some(state.instance.references.get(index)?.output.text.clone())
}

/// What was asked about. HELM's ids are positions in the scenario, so that the content tells items apart.
fn item(state: &RequestState) -> ToolItem {
    let Instance { input, references, split, sub_split, perturbation, .. } = &state.instance;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    put("input", json!(input.text));
    put("messages", json!(input.messages));
    put("media", input.multimedia_content.clone());
    let texts: Vec<_> = references.iter().map(|reference| &*reference.output.text).collect();
    put("references", json!(texts));
    put("split", json!(split));
    put("sub_split", json!(sub_split));
    put("perturbation", perturbation.get("name").cloned().unwrap_or_default());
    let is_right = |reference: &&Reference| reference.tags.iter().any(|tag| tag == CORRECT);
    let targets = references.iter().filter(is_right).map(|right| right.output.text.clone());
    ToolItem { id: None, fields, targets: targets.collect(), cluster: None }
}

/// What the model was sent.
fn messages(request: &AskedRequest) -> Vec<(String, String)> {
    let said = |message: &ChatMessage| {
        (message.role.clone(), text_of(&message.content).unwrap_or_default())
    };
    match &request.messages {
        Some(messages) if !messages.is_empty() => messages.iter().map(said).collect(),
        _ => vec![("user".to_owned(), request.prompt.clone())],
    }
}
