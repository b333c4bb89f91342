//! `evalmark models probe`: each model of a suite is asked one small question, to see what works.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use evalmark_core::{
    model::{AskMode, Model, Provider},
    record::{ErrorKind, Record},
    request::{Message, Request, Task},
};
use evalmark_harness::{
    Ask, Budget, Endpoint, Event, Ledger, RequestRuntime, Stop, Tuning, ask_within,
};
use evalmark_store::run_record::RunOptions;
use serde_json::{Value, json};

use crate::{
    Ending, Findings, Host,
    ask::Asks,
    budget_limits::{BudgetLimits, budget},
    error::{Hinted, Result},
    load::{LoadedSuite, load},
    model_keys::{credentials, keys_of},
};

/// What a model is asked, also for a vector of it.
const QUESTION: &str = "Reply with this number: 7";

/// What to probe.
#[derive(Clone, Debug, Default)]
pub struct ProbeOptions {
    /// Only these models; all where none is named.
    pub models: Vec<String>,
    /// What may be spent.
    pub limits: BudgetLimits,
}

/// What became of one model.
#[derive(Clone, Debug)]
pub struct ProbedModel {
    /// The model.
    pub model: Model,
    /// What it was asked for.
    pub task: Task,
    /// What it did.
    pub outcome: ProbeOutcome,
}

/// What a model did when it was asked.
#[derive(Clone, Debug)]
pub enum ProbeOutcome {
    /// It was asked, and this came back: an answer, or a described failure.
    Asked(Box<Record>),
    /// It cannot be asked, and this is why.
    NotAsked(String),
    /// Its answers are recorded.
    Recorded,
}

impl ProbedModel {
    /// What the answer cost, where that is known.
    pub fn cost_usd(&self) -> Option<f64> {
        match &self.outcome {
            ProbeOutcome::Asked(record) if record.has_answer() => {
                self.model.record_cost_usd(record)
            }
            _ => None,
        }
    }
}

/// Asks each model of a suite one question, all of them at the same time. No answer is shared with runs.
pub fn probe(path: &Path, options: &ProbeOptions, host: &Host<'_>) -> Result<Vec<ProbedModel>> {
    let read = RunOptions { models: options.models.clone(), ..RunOptions::default() };
    let loaded = load(path, &read, host)?;
    let models = wanted(&loaded, options);
    host.permissions.check_keys(models.iter().copied())?;
    let budget = budget(&loaded, Asks::Everyone, options.limits)?;
    let folder = tempfile::tempdir().context("there is no folder for what is asked")?;
    let ledger = Ledger::open(&folder.path().join("answers.sqlite"))?;
    let network = RequestRuntime::start(Tuning::default()).context("no thread can be started")?;
    let network = network.with_credentials(credentials(models.iter().copied(), host));
    let network =
        if host.allow_exec { network.with_programs(host.program_variables) } else { network };
    let stop = Stop::new();
    network.stop_on_signals(&stop).context("cannot listen for signals")?;
    let probe_one = |model: &Model| {
        let task = task(&loaded, model);
        let outcome = outcome(
            model,
            task,
            &Means {
                suite: &loaded.suite.path,
                ledger: &ledger,
                network: &network,
                stop: &stop,
                budget: &budget,
                host,
            },
        );
        ProbedModel { model: model.clone(), task, outcome }
    };
    Ok(thread::scope(|scope| {
        let probes: Vec<_> = models.iter().map(|model| scope.spawn(|| probe_one(model))).collect();
        let join = |probe: thread::ScopedJoinHandle<'_, ProbedModel>| {
            probe.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        probes.into_iter().map(join).collect()
    }))
}

/// The models that are probed, in the suite's order.
fn wanted<'a>(loaded: &'a LoadedSuite, options: &ProbeOptions) -> Vec<&'a Model> {
    let is_wanted = |model: &&Model| {
        options.models.is_empty() || options.models.iter().any(|name| **name == *model.name)
    };
    loaded.suite.models.iter().filter(is_wanted).collect()
}

/// What a suite asks of a model: vectors, where nothing but a metric that compares them does.
fn task(loaded: &LoadedSuite, model: &Model) -> Task {
    let place = loaded.suite.model_index(&model.name);
    let is_candidate = place.is_some_and(|place| loaded.suite.candidates.contains(&place));
    let judges = loaded.metrics.iter().filter_map(|metric| metric.judge());
    let mut judges = judges.filter(|judge| judge.models().iter().any(|name| **name == *model.name));
    let embeds = judges.clone().next().is_some() && judges.all(|judge| !judge.is_opinion());
    if embeds && !is_candidate { Task::Embedding } else { Task::Chat }
}

/// What asking takes.
struct Means<'a> {
    suite: &'a Path,
    ledger: &'a Ledger,
    network: &'a RequestRuntime,
    stop: &'a Stop,
    budget: &'a Budget,
    host: &'a Host<'a>,
}

fn outcome(model: &Model, task: Task, means: &Means<'_>) -> ProbeOutcome {
    if model.provider.is_recorded() {
        return ProbeOutcome::Recorded;
    }
    let keys = match keys_of(means.suite, model, means.host) {
        Ok(keys) => keys,
        Err(error) => {
            let hints = error.hints().join("; ");
            return ProbeOutcome::NotAsked(format!("{} ({hints})", error.in_full()));
        }
    };
    let mut once = model.clone();
    once.limits.attempts = 1;
    // An answer of a batch may take a day.
    once.mode = AskMode::Direct;
    let endpoint = match Endpoint::open(&once, keys, means.network, means.ledger) {
        Ok(endpoint) => endpoint,
        Err(error) => return ProbeOutcome::NotAsked(error.to_string()),
    };
    match asked(&endpoint, question(model, task), means) {
        Ok(record) => ProbeOutcome::Asked(Box::new(record)),
        Err(problem) => ProbeOutcome::NotAsked(problem),
    }
}

fn question(model: &Model, task: Task) -> Request {
    match task {
        Task::Chat => model.request([Message::new("user", QUESTION)], 0),
        Task::Embedding => model.embedding(QUESTION.to_owned()),
    }
}

/// The record of one request.
fn asked(endpoint: &Endpoint, request: Request, means: &Means<'_>) -> Result<Record, String> {
    let heard = Mutex::new(None);
    let hear = |event: Event<()>| {
        let record = match event {
            Event::Answered { record, .. }
            | Event::Failed { record, .. }
            | Event::Cached { record, .. } => record,
            Event::EndpointDown { failure } => Record::failed(failure.kind, failure.message, 1),
            Event::Retrying { .. } => return,
        };
        heard.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(record);
    };
    let requests = std::iter::once(Ok::<_, Infallible>(Ask { request, tag: () }));
    let tally = ask_within(endpoint, "probe", requests, &hear, means.stop, means.budget);
    let tally = tally.map_err(|error| error.to_string())?;
    let record = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(record.unwrap_or_else(|| match (tally.out_of_budget, endpoint.down()) {
        (true, _) => Record::failed(ErrorKind::Budget, "the budget would not bear the question", 0),
        (false, Some(failure)) => Record::failed(failure.kind, failure.message, 1),
        (false, None) => Record::failed(ErrorKind::EndpointDown, "interrupted", 0),
    }))
}

/// How the command ends on what it found: a model that cannot be asked is a mistake in the setup.
pub fn ending_of_probe(probed: &[ProbedModel], host: &Host<'_>) -> Ending {
    let of = |one: &ProbedModel| match &one.outcome {
        ProbeOutcome::Asked(record) => {
            Findings { is_incomplete: !record.has_answer(), ..Findings::default() }
                .ending(host.policy)
        }
        ProbeOutcome::NotAsked(_) => Ending::Usage,
        ProbeOutcome::Recorded => Ending::Done,
    };
    probed.iter().map(of).fold(Ending::Done, Ending::worse)
}

/// What became of all of them, for programs.
pub fn probe_document(probed: &[ProbedModel]) -> Value {
    let one = |probed: &ProbedModel| {
        let model = &probed.model;
        let (provider, base_url) = match &model.provider {
            Provider::Server(server) => (server.kind, Some(&server.base_url)),
            Provider::Program(program) => (program.kind, None),
            Provider::RecordedColumn(_) | Provider::RecordedFile(_) => ("recorded", None),
        };
        let record = match &probed.outcome {
            ProbeOutcome::Asked(record) => Some(record),
            ProbeOutcome::NotAsked(_) | ProbeOutcome::Recorded => None,
        };
        let failure = record.and_then(|record| record.failure.as_ref());
        let problem = match &probed.outcome {
            ProbeOutcome::NotAsked(problem) => Some(problem),
            _ => failure.map(|failure| &failure.message),
        };
        let outcome = match &probed.outcome {
            ProbeOutcome::Asked(record) => record.outcome.as_str(),
            ProbeOutcome::NotAsked(_) => "not_asked",
            ProbeOutcome::Recorded => "recorded",
        };
        json!({
            "name": model.name,
            "provider": provider,
            "model": model.model,
            "base_url": base_url,
            "task": match probed.task { Task::Chat => "chat", Task::Embedding => "embedding" },
            "outcome": outcome,
            "error_kind": failure.map(|failure| failure.kind.as_str()),
            "error": problem,
            "output": record.filter(|_| probed.task == Task::Chat).and_then(|record| record.output.as_ref()),
            "latency_ms": record.and_then(|record| record.timing.latency_ms),
            "input_tokens": record.and_then(|record| record.usage.input_tokens),
            "output_tokens": record.and_then(|record| record.usage.output_tokens),
            "cost_usd": probed.cost_usd(),
            "finish_reason": record.and_then(|record| record.finish_reason.as_ref()),
            "answered_by": record.map(|record| answered_by(model, record)),
        })
    };
    json!({ "models": probed.iter().map(one).collect::<Vec<_>>() })
}

/// The model that answered, in the server's words where it has some.
pub fn answered_by<'a>(model: &'a Model, record: &'a Record) -> &'a str {
    let details = record.details.as_ref();
    details.and_then(|details| details.model.as_deref()).unwrap_or(&model.model)
}
