//! HELM: the folder of one run, with `scenario_state.json` (what was asked and answered) and `per_instance_stats.json`
//! (the scores of each answer). `run_spec.json` and `stats.json` beside them tell what was evaluated.

mod answers;
mod files;
mod stats;

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

use self::{
    answers::{RequestState, groups, take},
    files::{in_folder, run_folder},
    stats::{InstanceStats, MetricName, of_instances},
};
use super::{
    Importer, ResultsRequest,
    collect::{Collector, Place},
    error::ResultsError,
    input::Input,
};

pub(super) const IMPORTER: Importer = Importer {
    name: "helm",
    files: "the folder of one run of `helm-run`, with `scenario_state.json` and `per_instance_stats.json`",
    server: None,
    read,
};

/// What HELM asked and what it got.
#[derive(Deserialize)]
struct ScenarioState {
    adapter_spec: AdapterSpec,
    request_states: Vec<RequestState>,
}

/// How instances become requests, as far as it names prompt and model.
#[derive(Deserialize)]
struct AdapterSpec {
    #[serde(default)]
    method: String,
    #[serde(default)]
    instructions: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    model_deployment: String,
}

/// What was run.
#[derive(Deserialize)]
struct RunSpec {
    name: String,
    scenario_spec: ScenarioSpec,
}

#[derive(Deserialize)]
struct ScenarioSpec {
    class_name: String,
    #[serde(default)]
    args: Map<String, Value>,
}

/// A value of the whole run.
#[derive(Deserialize)]
struct RunStat {
    name: MetricName,
}

/// Requests that belong together: of one instance, perturbed in one way, in one trial.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AnswerKey {
    instance: String,
    /// The perturbation as JSON; empty where there is none.
    perturbation: String,
    trial: u32,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for named in request.files {
        let folder = run_folder(named)?;
        read_run(&folder, into)?;
    }
    Ok(())
}

/// How the files of a run are had.
fn hint(error: ResultsError) -> ResultsError {
    error.hint("`helm-run --run-entries … --suite SUITE` writes `benchmark_output/runs/SUITE/RUN`: name that folder")
}

fn parsed<T: serde::de::DeserializeOwned>(
    folder: &Path,
    name: &str,
    into: &mut Collector,
) -> Result<T, ResultsError> {
    let path = in_folder(folder, name).unwrap_or_else(|| folder.join(name));
    let (value, file) = Input::open(&path).map_err(hint)?.json().map_err(hint)?;
    into.file(file);
    Ok(value)
}

fn read_run(folder: &Path, into: &mut Collector) -> Result<(), ResultsError> {
    let state: ScenarioState = parsed(folder, "scenario_state.json", into)?;
    let instances: Vec<InstanceStats> = parsed(folder, "per_instance_stats.json", into)?;
    if in_folder(folder, "run_spec.json").is_some() {
        let spec = parsed(folder, "run_spec.json", into)?;
        name_task(spec, folder, into)?;
    }
    let file = folder.join("per_instance_stats.json").display().to_string();
    let mut scores = of_instances(instances, &file)?;
    let adapter = &state.adapter_spec;
    let model = if adapter.model.is_empty() { &adapter.model_deployment } else { &adapter.model };
    let instructions = Some(adapter.instructions.as_str()).filter(|text| !text.trim().is_empty());
    let method = if adapter.method.is_empty() { "prompt" } else { &adapter.method };
    let prompt = into.prompt(method, instructions);
    let model = into.model(if model.is_empty() { "model" } else { model });
    let file = folder.join("scenario_state.json").display().to_string();
    for group in groups(state.request_states, &file)? {
        let scores = scores.remove(&group.key);
        take(group, scores.as_ref(), [prompt, model], into)?;
    }
    unanswered(&scores, into);
    if in_folder(folder, "stats.json").is_some() {
        of_the_whole_run(folder, into)?;
    }
    Ok(())
}

/// What makes two runs of HELM comparable is the scenario with its arguments, whatever it is asked with.
fn name_task(spec: RunSpec, folder: &Path, into: &mut Collector) -> Result<(), ResultsError> {
    let class = spec.scenario_spec.class_name;
    let class = class.rsplit('.').next().unwrap_or(&class);
    let mut args: Vec<_> = spec.scenario_spec.args.into_iter().collect();
    args.sort_by(|a, b| a.0.cmp(&b.0));
    let args: Vec<_> = args.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let task = [class, &args.join(",")].join(":").trim_end_matches(':').replace('"', "");
    let results = &mut into.results;
    if let Some(other) = results.task.as_ref().filter(|other| **other != task) {
        let place =
            Place::new(&folder.join("run_spec.json").display().to_string(), "scenario_spec");
        let message = format!("is a run of `{task}`, and the one before it of `{other}`");
        return Err(place.error(message).hint("name folders of one scenario"));
    }
    results.task = Some(task);
    results.title.get_or_insert(spec.name);
    Ok(())
}

/// Scores of instances that were never asked.
fn unanswered(scores: &HashMap<AnswerKey, stats::Scores>, into: &mut Collector) {
    let mut rest: Vec<_> = scores.values().collect();
    rest.sort_by_key(|scores| scores.number);
    for scores in rest {
        into.leave_out("there are scores, and no request of `scenario_state.json`", &scores.place);
    }
}

/// Values of a whole run that no answer has: they are no scores.
fn of_the_whole_run(folder: &Path, into: &mut Collector) -> Result<(), ResultsError> {
    let all: Vec<RunStat> = parsed(folder, "stats.json", into)?;
    let known: Vec<String> = into.results.metrics.iter().map(|m| m.name.clone()).collect();
    let file = folder.join("stats.json").display().to_string();
    let mut seen = std::collections::BTreeSet::new();
    for (at, stat) in all.iter().enumerate() {
        let name = &stat.name.name;
        let is_of_answers = known.iter().any(|known| {
            known
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        });
        if !is_of_answers && !stats::is_bookkeeping(name) && seen.insert(name.clone()) {
            let place = Place::new(&file, format!("[{at}].name"));
            into.leave_score_out(
                &format!("`{name}` is a value of the whole run, and of no answer"),
                &place,
            );
        }
    }
    Ok(())
}
