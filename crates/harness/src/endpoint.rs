//! One model, ready to be asked: who answers, within which limits, into which ledger.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use evalmark_core::{
    model::{self, AskMode, Model, ModelProgram, ModelServer},
    price::Price,
    record::{ErrorKind, Failure},
    request::Request,
};
use evalmark_net::HttpClient;
use tokio::runtime::Handle;

use crate::{
    batches::{Batches, BatchesWaiting, Journal},
    breaker::Breaker,
    budget::upper_bound,
    event::Hold,
    hedge::Hedge,
    http::Http,
    import::{import, recording_key},
    keys::Keys,
    ledger::{Answers, Ledger, LedgerError, Writer},
    limits::Limits,
    programs::{Programs, program_key},
    providers,
    recorded_answers::RecordingError,
    reply::{AttemptError, Reply, Retryable},
    request_bloom_filter::RequestFilter,
    request_runtime::RequestRuntime,
    retry::Retry,
    single_flight::Flights,
    tuning::Tuning,
};

/// Tokens of an answer, before any was seen, where the request sets no limit.
const FIRST_ANSWER: u64 = 256;

/// Requests at once for which another thread is worth its while.
const REQUESTS_PER_THREAD: usize = 8;

/// A model of the suite, ready to be asked. Cheap to clone; clones share limits and flights.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) inner: Arc<Inner>,
    network: RequestRuntime,
    ledger: Ledger,
}

/// What the tasks that ask need. It holds neither the runtime nor the ledger, so that the last
/// task to end never waits for either.
#[derive(Debug)]
pub(crate) struct Inner {
    key: String,
    /// The number of `key` in the ledger.
    pub(crate) id: i64,
    pub(crate) concurrency: usize,
    pub(crate) price: Option<Price>,
    /// Whether only its answers say what they cost.
    pub(crate) needs_told_cost: bool,
    /// Tokens of the longest answer so far.
    pub(crate) longest_answer: AtomicU64,
    provider: Provider,
    pub(crate) limits: Limits,
    pub(crate) retry: Retry,
    /// Where requests may be sent twice.
    pub(crate) hedge: Option<Hedge>,
    /// For one attempt, and for all of a request's.
    pub(crate) timeout: Duration,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) breaker: Breaker,
    pub(crate) flights: Arc<Flights>,
    pub(crate) writer: Writer,
    pub(crate) asked: Arc<RequestFilter>,
    /// Whether the ledger held no answer of it when it was opened.
    pub(crate) is_new: bool,
    /// The model's name at the provider.
    pub(crate) model: Arc<str>,
    pub(crate) give_up_after: Duration,
    is_batch: bool,
    /// Where its requests go out in batches.
    batches: Option<Batches>,
    pub(crate) tuning: Arc<Tuning>,
}

/// Who answers.
#[derive(Debug)]
enum Provider {
    /// A server.
    Server(Box<Http>),
    /// A program.
    Programs(Box<Programs>),
    /// A recording: whatever it answers is in the ledger already.
    Recorded,
}

/// Connections to a server that are left when their endpoint is closed. Dropped, they close, thousands of them in a
/// noticeable time.
#[derive(Debug)]
pub struct OpenConnections {
    _client: HttpClient,
    /// Its threads close them.
    _network: RequestRuntime,
}

/// Why a model cannot be asked. No request was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The base URL, the key or the system's certificates are of no use.
    #[error("model `{model}`: {detail}")]
    Provider {
        /// The model's name in the suite.
        model: String,
        /// What is wrong.
        detail: String,
    },
    /// The dataset holds the answers: see [`recorded_cell`](crate::recorded_cell).
    #[error("model `{model}` answers from a column of the dataset, and is never asked")]
    Column {
        /// The model's name in the suite.
        model: String,
    },
    /// The recording cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Who serves `model`, as the ledger knows it; `None` when the dataset holds the answers.
///
/// A recording is read for its hash, which may fail.
pub fn endpoint_key(model: &Model) -> io::Result<Option<String>> {
    match &model.provider {
        model::Provider::Server(server) => {
            let found = providers::find(server.kind);
            Ok(found.map(|(speaker, _)| server_key(speaker.about.name, server)))
        }
        model::Provider::Program(program) => program_key(program).map(Some),
        model::Provider::RecordedFile(path) => recording_key(path).map(Some),
        model::Provider::RecordedColumn(_) => Ok(None),
    }
}

/// Vendors of one protocol at one address are one. Where the suite says how to ask, another way to do
/// so is another server.
fn server_key(protocol: &str, ModelServer { base_url, options, .. }: &ModelServer) -> String {
    match options {
        Some(options) => format!("{protocol}:{base_url}#{}", providers::fingerprint(options)),
        None => format!("{protocol}:{base_url}"),
    }
}

impl Endpoint {
    /// Makes `model` ready. `keys` are the provider's, where it wants any. Nothing is sent yet;
    /// a recording is imported into the ledger, unless the ledger has it already.
    pub fn open(
        model: &Model,
        keys: impl Into<Keys>,
        network: &RequestRuntime,
        ledger: &Ledger,
    ) -> Result<Self, OpenError> {
        let tuning = network.tuning();
        let (endpoint_key, (id, is_new), provider) = match &model.provider {
            model::Provider::Server(server) => {
                let kind = server.kind;
                let Some(provider) = providers::find(kind) else {
                    return Err(unusable(model, format!("there is no provider `{kind}`")));
                };
                let http = Http::open(provider, server, keys.into(), model, network)
                    .map_err(|error| unusable(model, error.to_string()))?;
                let endpoint_key = server_key(provider.0.about.name, server);
                let enrolled = ledger.enroll(&endpoint_key)?;
                (endpoint_key, enrolled, Provider::Server(Box::new(http)))
            }
            model::Provider::Program(program) => {
                let provider = programs(model, program, keys.into(), network)?;
                let endpoint_key = program_key(program)
                    .map_err(|error| unusable(model, format!("its program: {error}")))?;
                let enrolled = ledger.enroll(&endpoint_key)?;
                (endpoint_key, enrolled, provider)
            }
            model::Provider::RecordedFile(path) => {
                let (endpoint_key, id) = import(path, ledger)?;
                (endpoint_key, (id, false), Provider::Recorded)
            }
            model::Provider::RecordedColumn(_) => {
                return Err(OpenError::Column { model: model.name.to_string() });
            }
        };
        let batches = batches(&provider, model, ledger, &endpoint_key)?;
        let is_batch = model.mode == AskMode::Batch && matches!(provider, Provider::Server(_));
        let inner = Inner {
            key: endpoint_key,
            id,
            concurrency: model.limits.concurrency.max(1),
            price: model.asked_price(),
            needs_told_cost: model.price.is_none() && model.tells_cost(),
            longest_answer: AtomicU64::new(FIRST_ANSWER),
            provider,
            limits: Limits::new(&model.limits),
            retry: Retry::new(model.limits.attempts, tuning),
            hedge: model.limits.hedge.then(Hedge::new),
            timeout: model.limits.timeout,
            total_timeout: model.limits.total_timeout,
            breaker: Breaker::new(model.limits.concurrency, model.limits.give_up_after),
            flights: Arc::default(),
            writer: ledger.writer(),
            asked: ledger.asked(),
            is_new,
            model: model.model.clone(),
            give_up_after: model.limits.give_up_after,
            is_batch,
            batches,
            tuning: tuning.clone(),
        };
        Ok(Self { inner: Arc::new(inner), network: network.clone(), ledger: ledger.clone() })
    }

    /// Who serves the model, as the ledger knows it.
    pub fn key(&self) -> &str {
        &self.inner.key
    }

    /// Why the endpoint takes no more requests, if it does not. What was not asked then is simply
    /// absent from the ledger.
    pub fn down(&self) -> Option<Failure> {
        self.inner.breaker.down().cloned()
    }

    /// Why the next request is not sent yet, if something holds it back.
    pub fn hold(&self) -> Option<Hold> {
        let batches = self.inner.batches.as_ref();
        batches.and_then(Batches::hold).or_else(|| self.inner.limits.hold())
    }

    /// Whether its requests go out in batches: [`ask_in_batches()`](crate::ask_in_batches) asks it then.
    pub fn asks_in_batches(&self) -> bool {
        self.inner.is_batch
    }

    /// Batches that the provider went on with when the last ask was stopped.
    pub fn batches_left(&self) -> BatchesWaiting {
        self.inner.batches.as_ref().map(Batches::left).unwrap_or_default()
    }

    /// What it takes to ask in batches, where the model is asked so.
    pub(crate) fn batches(&self) -> Option<(&Batches, &Http)> {
        match (&self.inner.batches, &self.inner.provider) {
            (Some(batches), Provider::Server(http)) => Some((batches, http)),
            _ => None,
        }
    }

    /// What the ledger knows of this endpoint's answers, as run `run_id` sees it.
    pub fn answers(&self, run_id: &str) -> Result<Answers, LedgerError> {
        self.ledger.answers(&self.inner.key, run_id)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Lets go of its ledger, whose last owner waits for it, and of its programs, which end; answers with its
    /// connections, where a server answers.
    pub fn close(self) -> Option<OpenConnections> {
        let client = match &self.inner.provider {
            Provider::Server(http) => http.client(),
            Provider::Programs(_) | Provider::Recorded => return None,
        };
        Some(OpenConnections { _client: client, _network: self.network })
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.network.handle()
    }

    /// The threads that its requests are spread over.
    pub(crate) fn spread(&self) -> Vec<Handle> {
        self.network.spread(self.inner.concurrency.div_ceil(REQUESTS_PER_THREAD))
    }
}

impl Inner {
    /// Tokens that a request may use: of its prompt, and of an answer.
    pub(crate) fn estimate(&self, request: &Request) -> (u64, u64) {
        match self.provider {
            Provider::Server(_) | Provider::Programs(_) => {
                upper_bound(request, self.longest_answer.load(Ordering::Relaxed))
            }
            Provider::Recorded => (0, 0),
        }
    }

    /// Makes one attempt, within `timeout`.
    pub(crate) async fn attempt(&self, request: &Request, timeout: Duration) -> Reply {
        match &self.provider {
            Provider::Server(http) => http.ask(request, timeout, self.limits.usual_tokens()).await,
            Provider::Programs(programs) => programs.ask(request, timeout).await,
            Provider::Recorded => {
                let message = "the recording has no answer to this request".into();
                Err(AttemptError::new(ErrorKind::NotRecorded, message, Retryable::Never)).into()
            }
        }
    }
}

/// The program of a model, with the variables that it names.
fn programs(
    model: &Model,
    program: &ModelProgram,
    keys: Keys,
    network: &RequestRuntime,
) -> Result<Provider, OpenError> {
    let Some(variables) = network.program_variables() else {
        return Err(unusable(model, "it is a program, and none may be started".to_owned()));
    };
    let own = match keys {
        Keys::Variables(own) => own,
        _ => Vec::new(),
    };
    let limit = network.tuning().response_limit;
    Ok(Provider::Programs(Box::new(Programs::new(program, variables, &own, limit))))
}

/// What it takes to ask in batches, where the model is asked so and its protocol has them.
fn batches(
    provider: &Provider,
    model: &Model,
    ledger: &Ledger,
    endpoint_key: &str,
) -> Result<Option<Batches>, LedgerError> {
    let Provider::Server(http) = provider else { return Ok(None) };
    let wire = http.batch_wire().filter(|_| model.mode == AskMode::Batch);
    let open = |wire| Ok(Batches::new(Journal::open(ledger.path(), endpoint_key)?, wire));
    wire.map(open).transpose()
}

fn unusable(model: &Model, detail: String) -> OpenError {
    OpenError::Provider { model: model.name.to_string(), detail }
}
