//! What every test here needs: a folder, a ledger, a model at a server, and requests to it.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use evalmark_core::{
    model::{self, AskMode, Limits, Model, Provider},
    record::{Outcome, Record},
    request::{Message, Request},
};
use evalmark_harness::{
    Ask, AskError, Budget, Endpoint, Event, Ledger, RequestRuntime, Secret, Stop, Tally, Tuning,
    ask, ask_within,
};
use evalmark_loopback::{Reply, Server};
use tempfile::TempDir;

/// Everything but the model.
pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    pub(crate) network: RequestRuntime,
    pub(crate) ledger: Ledger,
    pub(crate) stop: Stop,
}

/// An ask that has ended.
#[derive(Debug)]
pub(crate) struct RequestFilter {
    pub(crate) tally: Tally,
    pub(crate) events: Vec<Event<u64>>,
}

/// Delays that a test can wait for.
pub(crate) fn tuning() -> Tuning {
    Tuning {
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(4),
        grace: Duration::from_secs(5),
        seed: 7,
        ..Tuning::default()
    }
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::tuned(tuning())
    }

    pub(crate) fn tuned(tuning: Tuning) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).expect("a ledger");
        let network = RequestRuntime::start(tuning).expect("threads");
        Self { folder, network, ledger, stop: Stop::new() }
    }

    pub(crate) fn open(&self, model: &Model) -> Endpoint {
        self.open_with(model, None)
    }

    pub(crate) fn open_with(&self, model: &Model, key: Option<&str>) -> Endpoint {
        let key = key.map(Secret::new);
        Endpoint::open(model, key, &self.network, &self.ledger).expect("an endpoint")
    }

    /// Asks requests 0 to `n` in run `run`.
    pub(crate) fn ask(&self, endpoint: &Endpoint, n: u64) -> RequestFilter {
        self.ask_all(endpoint, "run", (0..n).map(|tag| asking(&tag.to_string(), tag)))
    }

    /// Asks requests 0 to `n` as `model` makes them.
    pub(crate) fn ask_model(&self, endpoint: &Endpoint, model: &Model, n: u64) -> RequestFilter {
        let request = |tag: u64| model.request([Message::new("user", tag.to_string())], 0);
        self.ask_all(endpoint, "run", (0..n).map(|tag| Ask { request: request(tag), tag }))
    }

    pub(crate) fn ask_all(
        &self,
        endpoint: &Endpoint,
        run_id: &str,
        asks: impl Iterator<Item = Ask<u64>> + Send,
    ) -> RequestFilter {
        self.try_ask(endpoint, run_id, asks.map(Ok::<_, Infallible>)).expect("an end")
    }

    /// Asks requests 0 to `n` in run `run`, within `budget`.
    pub(crate) fn ask_within(&self, endpoint: &Endpoint, n: u64, budget: &Budget) -> RequestFilter {
        let asks = (0..n).map(|tag| Ok::<_, Infallible>(asking(&tag.to_string(), tag)));
        let events = Mutex::new(Vec::new());
        let hear = |event| events.lock().expect("no panic").push(event);
        let tally = ask_within(endpoint, "run", asks, &hear, &self.stop, budget).expect("an end");
        RequestFilter { tally, events: events.into_inner().expect("no panic") }
    }

    pub(crate) fn try_ask<E: Send>(
        &self,
        endpoint: &Endpoint,
        run_id: &str,
        asks: impl Iterator<Item = Result<Ask<u64>, E>> + Send,
    ) -> Result<RequestFilter, AskError<E>> {
        let events = Mutex::new(Vec::new());
        let hear = |event| events.lock().expect("no panic").push(event);
        let tally = ask(endpoint, run_id, asks, &hear, &self.stop)?;
        Ok(RequestFilter { tally, events: events.into_inner().expect("no panic") })
    }
}

/// How request `prompt` ended, as `run_id` sees it.
pub(crate) fn get(endpoint: &Endpoint, run_id: &str, prompt: &str) -> Option<Record> {
    let answers = endpoint.answers(run_id).expect("a reader");
    answers.get(&request(prompt).hash()).expect("a whole ledger")
}

impl RequestFilter {
    /// The records of all that ended, by tag.
    pub(crate) fn records(&self) -> Vec<(u64, Record)> {
        let mut records: Vec<_> = self.events.iter().filter_map(record_of).collect();
        records.sort_by_key(|(tag, _)| *tag);
        records
    }

    /// Asserts that samples 0 to `n` ended, each once, each with its own prompt as its answer.
    pub(crate) fn assert_all_answered(&self, n: u64) {
        let records = self.records();
        assert_eq!(
            records.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(),
            (0..n).collect::<Vec<_>>()
        );
        for (tag, record) in records {
            assert_eq!(record.outcome, Outcome::Answered, "{record:?}");
            assert_eq!(record.output, Some(tag.to_string()));
        }
        assert_eq!((self.tally.ended(), self.tally.failed, self.tally.abandoned), (n, 0, 0));
    }

    pub(crate) fn downs(&self) -> Vec<String> {
        let down = |event: &Event<u64>| match event {
            Event::EndpointDown { failure } => Some(failure.message.clone()),
            _ => None,
        };
        self.events.iter().filter_map(down).collect()
    }
}

fn record_of(event: &Event<u64>) -> Option<(u64, Record)> {
    match event {
        Event::Cached { tag, record }
        | Event::Answered { tag, record, .. }
        | Event::Failed { tag, record } => Some((*tag, record.clone())),
        Event::Retrying { .. } | Event::EndpointDown { .. } => None,
    }
}

pub(crate) fn limits() -> Limits {
    Limits { concurrency: 8, timeout: Duration::from_secs(20), ..Limits::default() }
}

/// A model at `base_url`.
pub(crate) fn model_at(base_url: &str, limits: Limits) -> Model {
    Model {
        name: "small".into(),
        provider: Provider::Server(model::ModelServer::open("openai", base_url)),
        model: "m".into(),
        params: Arc::default(),
        max_output_tokens: None,
        is_streamed: false,
        splits_reasoning: false,
        mode: AskMode::Direct,
        limits,
        price: None,
        ca_file: None,
    }
}

pub(crate) fn model(server: &Server) -> Model {
    model_at(&server.url(), limits())
}

pub(crate) fn request(prompt: &str) -> Request {
    Request::chat("m".into(), [Message::new("user", prompt)], Arc::default(), 0)
}

pub(crate) fn asking(prompt: &str, tag: u64) -> Ask<u64> {
    Ask { request: request(prompt), tag }
}

/// A stream of a chat completion with this text, in two pieces.
pub(crate) fn stream(text: &str) -> Reply {
    let part = |delta: &str, reason: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n")
    };
    let text = format!("{{\"content\":{}}}", serde_json::Value::from(text));
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n";
    let body = [&*part(&text, "null"), &part("{}", "\"stop\""), usage, "data: [DONE]\n\n"].concat();
    Reply::bytes(body).header("content-type", "text/event-stream")
}
