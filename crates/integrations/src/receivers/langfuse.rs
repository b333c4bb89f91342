//! `langfuse`: a dataset run of Langfuse for each prompt and model, with a trace for each sample and its scores.
//!
//! Ids follow from the run, so that whatever is told twice stands there once; links of a dataset run have none, so that those
//! that are there are asked for first.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::{
    key_hosts::KeyOwner,
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretGoes, SecretUse},
};
use evalmark_net::{HttpRequest, StatusCode, Url};
use evalmark_report::{run_message::RunMessage, samples::SampleRecord};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    courier::{Courier, DeliveryError, Fate, Outgoing},
    definition::{About, DefineReceiver, Letter},
    samples::{question, sample_id, samples_of, scores, stable_id, unreadable},
    server::{below, hidden_header},
    variable::variable,
};
use crate::services::{
    langfuse::{CLOUD, PUBLIC_KEY, SECRET_KEY},
    rest::server_address,
};

const OWNERS: &[KeyOwner] = &[
    KeyOwner { variable: PUBLIC_KEY, hosts: &["langfuse.com"] },
    KeyOwner { variable: SECRET_KEY, hosts: &["langfuse.com"] },
];

/// Samples that are sent at once.
const AT_ONCE: usize = 50;

/// Bytes of a batch: Langfuse takes 3.5 MB.
const MOST_BYTES: usize = 3 << 20;

/// Characters of a text.
const MOST_LETTERS: usize = 20_000;

/// Parameters of `langfuse`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Langfuse's address. Default: `https://cloud.langfuse.com`.
    #[serde(default)]
    url: Option<String>,
    /// NAME of the environment variable that holds the public key. Default: `LANGFUSE_PUBLIC_KEY`.
    #[serde(default)]
    public_key_env: Option<String>,
    /// NAME of the environment variable that holds the secret key. Default: `LANGFUSE_SECRET_KEY`.
    #[serde(default)]
    secret_key_env: Option<String>,
    /// The dataset that the runs belong to; it is made where there is none. Default: the suite's name.
    #[serde(default)]
    dataset: Option<String>,
    /// Whether the texts of requests, answers and targets go there, too, and not only ids and scores.
    #[serde(default)]
    texts: bool,
    /// Samples at most, the first of the run.
    #[serde(default = "most_samples")]
    #[schemars(range(min = 1, max = 100_000))]
    most_samples: u32,
}

fn most_samples() -> u32 {
    1_000
}

#[derive(Debug)]
pub(super) struct Langfuse {
    url: Url,
    public_key: SecretUse,
    secret_key: SecretUse,
    dataset: Option<String>,
    has_texts: bool,
    most_samples: usize,
}

impl DefineReceiver for Langfuse {
    const ABOUT: About = About {
        name: "langfuse",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "Langfuse: a dataset run for each prompt and model, with a trace and scores for each sample.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong =
            |pointer: &str, message: String| ParamError { pointer: pointer.to_owned(), message };
        let url = server_address(params.url.as_deref().unwrap_or(CLOUD))
            .map_err(|why| wrong("/url", format!("`url` {why}")))?;
        let key = |name: Option<String>, usual: &str, pointer: &str| {
            let name = name.unwrap_or_else(|| usual.to_owned());
            variable(&name, pointer)?;
            let goes_to = SecretGoes::ToServer(url.clone());
            Ok(SecretUse { variable: name, goes_to, owners: OWNERS })
        };
        let is_name = |name: &String| !name.trim().is_empty() && name.len() <= 500;
        if params.dataset.as_ref().is_some_and(|name| !is_name(name)) {
            let message = "`dataset` is a name, not empty, of at most 500 bytes".to_owned();
            return Err(wrong("/dataset", message));
        }
        let public_key = key(params.public_key_env, PUBLIC_KEY, "/public_key_env")?;
        let secret_key = key(params.secret_key_env, SECRET_KEY, "/secret_key_env")?;
        let most_samples = params.most_samples as usize;
        let Params { dataset, texts: has_texts, .. } = params;
        Ok(Self { url, public_key, secret_key, dataset, has_texts, most_samples })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        vec![self.public_key.clone(), self.secret_key.clone()]
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let message = letter.message;
        let samples = samples_of(letter)?;
        let metrics = samples.metrics().to_vec();
        let mut api = Api { receiver: self, courier, linked: BTreeMap::new() };
        let dataset = self.dataset.as_deref().unwrap_or(&message.suite);
        let about = json!({ "suite": message.suite, "from": "evalmark" });
        let body = json!({ "name": dataset, "metadata": about });
        api.post(&["v2", "datasets"], &body, json!({}))?;
        let done = letter.progress.and_then(|progress| progress["done"].as_u64());
        let mut done = usize::try_from(done.unwrap_or_default()).unwrap_or_default();
        let mut rows = samples.take(self.most_samples).skip(done);
        loop {
            let chunk = rows.by_ref().take(AT_ONCE).collect::<Result<Vec<_>, _>>();
            let chunk = chunk.map_err(unreadable)?;
            if chunk.is_empty() {
                return Ok(Some(json!({ "dataset": dataset, "samples": done })));
            }
            let batch = Batch { letter, metrics: &metrics, dataset, samples: &chunk };
            api.tell(&batch).map_err(|error| error.with_progress(json!({ "done": done })))?;
            done += chunk.len();
        }
    }
}

/// Samples that are told together.
struct Batch<'a> {
    letter: &'a Letter<'a>,
    metrics: &'a [String],
    dataset: &'a str,
    samples: &'a [SampleRecord],
}

/// The part of Langfuse's public API that is used.
struct Api<'a> {
    receiver: &'a Langfuse,
    courier: &'a mut dyn Courier,
    /// Traces that a dataset run has already.
    linked: BTreeMap<String, BTreeSet<String>>,
}

/// The answer to a batch.
#[derive(Default, Deserialize)]
struct IngestionAnswer {
    #[serde(default)]
    errors: Vec<IngestionError>,
}

/// Why an event was not taken.
#[derive(Deserialize)]
struct IngestionError {
    #[serde(default)]
    status: u16,
    #[serde(default)]
    message: Option<String>,
}

impl Api<'_> {
    fn send(&mut self, mut request: HttpRequest, sample: Value) -> Result<Vec<u8>, DeliveryError> {
        let Langfuse { public_key, secret_key, url, .. } = self.receiver;
        let public = self.courier.key(public_key, url)?;
        let secret = self.courier.key(secret_key, url)?;
        let both = STANDARD.encode(format!("{}:{}", public.expose(), secret.expose()));
        request.headers.insert("authorization", hidden_header(&format!("Basic {both}"))?);
        self.courier.send(Outgoing { request, sample })
    }

    fn post(
        &mut self,
        path: &[&str],
        body: &Value,
        sample: Value,
    ) -> Result<Vec<u8>, DeliveryError> {
        let url = below(&self.receiver.url, &[&["api", "public"], path].concat());
        self.send(HttpRequest::post_json(url, body.to_string().into_bytes()), sample)
    }

    /// Tells of some samples: their items, their traces with scores, and their places in dataset runs.
    fn tell(&mut self, batch: &Batch<'_>) -> Result<(), DeliveryError> {
        let message = batch.letter.message;
        let mut items = BTreeSet::new();
        for sample in batch.samples {
            if items.insert(item_id(batch.dataset, sample)) {
                let body = self.receiver.item(batch.dataset, sample);
                self.post(&["dataset-items"], &body, json!({}))?;
            }
        }
        let events = batch.samples.iter().flat_map(|sample| self.receiver.events(batch, sample));
        let events: Vec<_> = events.collect();
        self.ingest(&events)?;
        for sample in batch.samples {
            let (run, trace) = (run_name(message, sample), sample_id(message, sample));
            if self.is_linked(batch.dataset, &run, &trace)? {
                continue;
            }
            let body = json!({
                "runName": run,
                "runDescription": message.says,
                "metadata": { "verdict": message.answer, "link": message.link, "commit": message.commit },
                "datasetItemId": item_id(batch.dataset, sample),
                "traceId": trace,
            });
            self.post(&["dataset-run-items"], &body, json!({}))?;
            self.linked.entry(run).or_default().insert(trace);
        }
        Ok(())
    }

    /// Sends events in batches that Langfuse takes.
    fn ingest(&mut self, events: &[Value]) -> Result<(), DeliveryError> {
        let mut rest = events;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|event| {
                bytes += event.to_string().len() + 1;
                bytes <= MOST_BYTES
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            let body = json!({ "batch": now });
            let answer = self.post(&["ingestion"], &body, json!({ "errors": [] }))?;
            refused(&serde_json::from_slice(&answer).unwrap_or_default())?;
            rest = later;
        }
        Ok(())
    }

    /// Whether a dataset run has a trace already.
    fn is_linked(&mut self, dataset: &str, run: &str, trace: &str) -> Result<bool, DeliveryError> {
        if !self.linked.contains_key(run) {
            let path = ["api", "public", "datasets", dataset, "runs", run];
            let request = HttpRequest::get(below(&self.receiver.url, &path));
            let found = match self.send(request, json!({ "datasetRunItems": [] })) {
                Err(error) if error.status == Some(StatusCode::NOT_FOUND) => Vec::new(),
                answer => answer?,
            };
            let found: Value = serde_json::from_slice(&found).unwrap_or_default();
            let items = found["datasetRunItems"].as_array().into_iter().flatten();
            let traces = items.filter_map(|item| item["traceId"].as_str().map(str::to_owned));
            self.linked.insert(run.to_owned(), traces.collect());
        }
        Ok(self.linked.get(run).is_some_and(|traces| traces.contains(trace)))
    }
}

/// What Langfuse refused of a batch. Events have ids: those that it took are there once, however often they are sent.
fn refused(answer: &IngestionAnswer) -> Result<(), DeliveryError> {
    let Some(first) = answer.errors.first() else { return Ok(()) };
    let is_passing = |error: &IngestionError| error.status == 429 || error.status >= 500;
    let fate =
        if answer.errors.iter().all(is_passing) { Fate::NotArrived(None) } else { Fate::Refused };
    let (n, status) = (answer.errors.len(), first.status);
    let words = evalmark_net::one_line(first.message.as_deref().unwrap_or("no reason"));
    let words: String = words.chars().take(200).collect();
    Err(DeliveryError::new(fate, format!("Langfuse refuses {n} of the events: {words} ({status})")))
}

impl Langfuse {
    fn item(&self, dataset: &str, sample: &SampleRecord) -> Value {
        let mut item = json!({
            "datasetName": dataset,
            "id": item_id(dataset, sample),
            "metadata": { "item_id": sample.item_id, "item_hash": sample.item_hash },
        });
        if self.has_texts {
            item["input"] = clipped(&question(sample));
            item["expectedOutput"] = clipped(&json!(sample.targets));
        }
        item
    }

    /// The trace of a sample, and its scores.
    fn events(&self, batch: &Batch<'_>, sample: &SampleRecord) -> Vec<Value> {
        let (letter, message) = (batch.letter, batch.letter.message);
        let trace = sample_id(message, sample);
        let event = |kind: &str, body: Value| {
            let id = body["id"].as_str().unwrap_or_default();
            // Another verdict is another message, whose events Langfuse takes as new ones.
            let id = stable_id(&["event", letter.id, kind, id]);
            json!({ "id": id, "type": kind, "timestamp": letter.created_at, "body": body })
        };
        let began = Timestamp::from_microsecond(sample.record.timing.started_at_us);
        let began = began.map_or_else(|_| message.started_at.clone(), |began| began.to_string());
        let failure = sample.record.failure.as_ref();
        let mut body = json!({
            "id": trace,
            "name": format!("{} · {}", sample.prompt, sample.model),
            "timestamp": began,
            "sessionId": format!("{}/{}", message.suite, message.run_id),
            "tags": ["evalmark", sample.outcome],
            "version": sample.prompt_hash,
            "metadata": {
                "suite": message.suite, "run_id": message.run_id, "item_id": sample.item_id,
                "prompt": sample.prompt, "model": sample.model, "epoch": sample.epoch,
                "error": failure.map(|failure| failure.kind.as_str()),
                "latency_ms": sample.record.timing.latency_ms, "cost_usd": sample.cost_usd,
            },
        });
        if self.has_texts {
            body["input"] = clipped(&question(sample));
            body["output"] = clipped(&json!(sample.record.output));
        }
        let score = |(metric, value): (&str, f64)| {
            let id = stable_id(&["score", &trace, metric]);
            let body = json!({
                "id": id, "traceId": trace, "name": metric, "value": value, "dataType": "NUMERIC",
            });
            event("score-create", body)
        };
        let scores: Vec<_> = scores(batch.metrics, sample).map(score).collect();
        let mut events = vec![event("trace-create", body)];
        events.extend(scores);
        events
    }
}

fn item_id(dataset: &str, sample: &SampleRecord) -> String {
    stable_id(&["item", dataset, &sample.item_id, &sample.item_hash])
}

fn run_name(message: &RunMessage, sample: &SampleRecord) -> String {
    format!("{} · {} · {}", message.run_id, sample.prompt, sample.model)
}

/// A value whose text is not too long for a batch.
fn clipped(value: &Value) -> Value {
    let text = value.to_string();
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => value.clone(),
    }
}
