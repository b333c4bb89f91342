//! The first half of a run: every sample, then every judgement, asked into the ledger.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

use evalmark_core::{
    model::{AskMode, Model, Provider},
    number_format,
    plan::{PlanError, Sample},
    record::ErrorKind,
};
use evalmark_harness::{
    Ask, AskError, Budget, Endpoint, Event, Ledger, LedgerError, OpenConnections, RequestRuntime,
    Spent, Stop, Tally, Tuning, ask_in_batches, ask_within,
};

use crate::{
    AskTag, RunError,
    error::{Hinted, Result},
    judges::{Judges, asking, requests_to},
    load::LoadedSuite,
    model_keys::ModelKeys,
    parallel_asks::all_at_once,
    records::{LedgerRecords, Records, Unasked},
};

/// Requests that are made together, and how many such chunks wait to be asked.
const CHUNK: usize = 256;
/// Bytes of text after which a chunk is full.
const CHUNK_BYTES: usize = 1 << 20;
const CHUNKS_AHEAD: usize = 2;

/// The models of a suite, ready to be asked, and the ledger that their answers go to.
pub struct Endpoints {
    /// Parallel to the suite's models; `None` where the dataset holds the answers, or where the
    /// run has no use for the model.
    by_model: Vec<Option<Endpoint>>,
    run_id: String,
    network: RequestRuntime,
    ledger: Ledger,
    budget: Budget,
    /// Requests were left out because the budget might have been passed.
    out_of_budget: AtomicBool,
    /// The first model of which an answer did not say what it cost, where that ended the spending.
    cost_unknown: OnceLock<usize>,
}

/// Who hears what happens while it is asked, and of which model.
pub(crate) type Events<'a> = dyn Fn(usize, Event<AskTag>) + Sync + 'a;

/// Why asking ended early.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error(transparent)]
    Plan(PlanError),
    #[error(transparent)]
    Record(RunError),
}

/// A sample's request, or why there is none.
type Made = Result<Ask<AskTag>, SourceError>;

/// Which models are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Candidates, then judges.
    Everyone,
    /// Judges only: the candidates' answers are there already.
    Judges,
}

pub(crate) fn used_models(loaded: &LoadedSuite, asks: Asks) -> BTreeSet<usize> {
    let judges = asking(loaded).into_iter().map(|(_, model)| model);
    let candidates = loaded.suite.candidates.iter().copied();
    judges.chain(candidates.filter(|_| asks == Asks::Everyone)).collect()
}

/// Whether two models are one that has two names, so that what one of them is being asked the other need not
/// be asked, too. Batches are handed in apart.
fn share_answers(one: &Model, other: &Model) -> bool {
    one.mode == AskMode::Direct && one.is_same_as(other)
}

/// Where a run's answers go.
pub(crate) enum LedgerFile {
    /// Where those of other runs go, too.
    Shared(PathBuf),
    /// Into its own folder.
    Own(PathBuf),
}

impl LedgerFile {
    fn open(&self) -> Result<Ledger, LedgerError> {
        match self {
            Self::Shared(path) => Ledger::open_shared(path),
            Self::Own(path) => Ledger::open(path),
        }
    }
}

/// Whom a run may ask, and what it may spend.
pub(crate) struct Means {
    pub(crate) asks: Asks,
    pub(crate) budget: Budget,
}

impl Endpoints {
    /// Opens the ledger and makes every model that the run uses ready. Nothing is sent.
    pub(crate) fn open(
        loaded: &LoadedSuite,
        ledger: &LedgerFile,
        run_id: &str,
        keys: ModelKeys,
        Means { asks, budget }: Means,
    ) -> Result<Self> {
        let network =
            RequestRuntime::start(Tuning::default()).context("no thread can be started")?;
        let network = network.with_credentials(keys.credentials);
        let network = match &keys.program_variables {
            Some(variables) => network.with_programs(variables),
            None => network,
        };
        let ledger = ledger
            .open()
            .hint("`--cache-dir DIR` names another folder for answers; `--no-cache` uses none")?;
        let used = used_models(loaded, asks);
        let models = &loaded.suite.models;
        let mut endpoints: Vec<Option<Endpoint>> = Vec::new();
        for ((i, model), keys) in models.iter().enumerate().zip(keys.by_model) {
            let is_asked =
                used.contains(&i) && !matches!(model.provider, Provider::RecordedColumn(_));
            let twin = endpoints
                .iter()
                .zip(models)
                .find_map(|(twin, other)| twin.as_ref().filter(|_| share_answers(model, other)));
            let open = || match twin {
                Some(twin) => Ok(twin.clone()),
                None => Endpoint::open(model, keys, &network, &ledger),
            };
            endpoints.push(if is_asked { Some(open()?) } else { None });
        }
        Ok(Self {
            by_model: endpoints,
            run_id: run_id.to_owned(),
            network,
            ledger,
            budget,
            out_of_budget: AtomicBool::new(false),
            cost_unknown: OnceLock::new(),
        })
    }

    /// Stops on Ctrl-C: first gracefully, then at once.
    pub fn stop_on_signals(&self) -> Result<Stop> {
        let stop = Stop::new();
        self.network.stop_on_signals(&stop).context("cannot listen for signals")?;
        Ok(stop)
    }

    /// Asks every sample. Each model has its own reader of the dataset, so that a slow one holds
    /// up nobody else.
    pub fn ask_samples(
        &self,
        loaded: &LoadedSuite,
        events: &Events<'_>,
        stop: &Stop,
    ) -> Result<Tally> {
        let ask_one = |&model: &usize| {
            let Some(endpoint) = &self.by_model[model] else { return Ok(Tally::default()) };
            let ask = |sample: Result<Sample, PlanError>| {
                let sample = sample.map_err(SourceError::Plan)?;
                Ok(Ask { request: sample.request.clone(), tag: AskTag::Sample(Box::new(sample)) })
            };
            let asked = (model, endpoint);
            if endpoint.asks_in_batches() {
                let samples = || loaded.plan.by_item(model).map_err(SourceError::Plan);
                let requests = || Ok(samples()?.map(ask));
                return self.ask_in_batches(asked, &requests, events, stop);
            }
            let requests = loaded.plan.by_item(model)?.map(ask);
            thread::scope(|scope| self.ask_one(asked, ahead(scope, requests), events, stop))
        };
        all_at_once(&loaded.suite.candidates, ask_one)
    }

    /// Asks every judge about every answer; `records` opens the answers at the first one.
    pub fn ask_judges<'a>(
        &self,
        loaded: &LoadedSuite,
        records: &(dyn Fn() -> Result<Box<dyn Records + 'a>> + Sync),
        events: &Events<'_>,
        stop: &Stop,
    ) -> Result<Tally> {
        let ask_one = |&(metric, judge): &(usize, usize)| {
            let Some(endpoint) = &self.by_model[judge] else { return Ok(Tally::default()) };
            let (metric, model) = (&loaded.metrics[metric], &loaded.plan.models[judge]);
            let requests = || {
                let mut records = records()?;
                Ok(loaded.plan.in_report_order().flat_map(move |sample| {
                    let asks = sample.map_err(SourceError::Plan).and_then(|mut sample| {
                        let record = records.record(&mut sample).map_err(SourceError::Record)?;
                        let requests = requests_to(model, &loaded.plan, metric, &sample, &record);
                        let tag = AskTag::Judgement { prompt: sample.prompt, judge };
                        let ask = |request| Ask { request, tag: tag.clone() };
                        Ok(requests.into_iter().map(ask).collect::<Vec<_>>())
                    });
                    match asks {
                        Ok(asks) => asks.into_iter().map(Ok).collect(),
                        Err(error) => vec![Err(error)],
                    }
                }))
            };
            if endpoint.asks_in_batches() {
                let requests = || requests().map_err(SourceError::Record);
                return self.ask_in_batches((judge, endpoint), &requests, events, stop);
            }
            self.ask_one((judge, endpoint), requests()?, events, stop)
        };
        all_at_once(&asking(loaded), ask_one)
    }

    fn ask_one(
        &self,
        (model, endpoint): (usize, &Endpoint),
        requests: impl Iterator<Item = Result<Ask<AskTag>, SourceError>> + Send,
        events: &Events<'_>,
        stop: &Stop,
    ) -> Result<Tally> {
        let events = |event| events(model, event);
        let asked = ask_within(endpoint, &self.run_id, requests, &events, stop, &self.budget);
        self.asked(model, asked)
    }

    /// The same for a model whose requests go out in batches; `requests` makes them each time that they
    /// are gone over.
    fn ask_in_batches<I>(
        &self,
        (model, endpoint): (usize, &Endpoint),
        requests: &dyn Fn() -> Result<I, SourceError>,
        events: &Events<'_>,
        stop: &Stop,
    ) -> Result<Tally>
    where
        I: Iterator<Item = Made>,
    {
        let events = |event| events(model, event);
        let Self { run_id, budget, .. } = self;
        self.asked(model, ask_in_batches(endpoint, run_id, requests, &events, stop, budget))
    }

    fn asked(&self, model: usize, asked: Result<Tally, AskError<SourceError>>) -> Result<Tally> {
        let tally = asked.map_err(|error| match error {
            AskError::Source(SourceError::Plan(error)) => error.into(),
            AskError::Source(SourceError::Record(error)) => error,
            AskError::Ledger(error) => error.into(),
        })?;
        self.out_of_budget.fetch_or(tally.out_of_budget, Ordering::Relaxed);
        if tally.cost_unknown {
            self.cost_unknown.get_or_init(|| model);
        }
        Ok(tally)
    }

    /// Batches that providers go on with although nobody waits for them any more.
    pub(crate) fn batches_left(&self) -> u64 {
        let endpoints = self.by_model.iter().flatten();
        endpoints.map(|endpoint| endpoint.batches_left().batches).sum()
    }

    /// No more is asked for now.
    pub fn tidy(&self) {
        self.ledger.tidy();
    }

    /// Closes the ledger, with all answers in it, and ends programs; connections to servers are left.
    pub(crate) fn close(self) -> Vec<OpenConnections> {
        self.by_model.into_iter().flatten().filter_map(Endpoint::close).collect()
    }

    /// The records of samples, as this run sees them.
    pub fn records(&self, loaded: &LoadedSuite) -> Result<LedgerRecords<'_>> {
        let answers = |endpoint: &Option<Endpoint>| {
            endpoint.as_ref().map(|endpoint| endpoint.answers(&self.run_id)).transpose()
        };
        Ok(LedgerRecords {
            models: loaded.plan.models.clone(),
            answers: self.by_model.iter().map(answers).collect::<Result<_, _>>()?,
            unasked: Box::new(|model| self.unasked(model)),
        })
    }

    /// Whether a model is asked; where it is not, the dataset holds the answers.
    pub fn asks(&self, model: usize) -> bool {
        self.by_model[model].is_some()
    }

    /// The models that are asked, by their places in the suite.
    pub fn asked_models(&self) -> Vec<(usize, Endpoint)> {
        let endpoints = self.by_model.iter().enumerate();
        endpoints.filter_map(|(model, endpoint)| Some((model, endpoint.clone()?))).collect()
    }

    /// Why a model was not asked everything.
    pub fn unasked(&self, model: usize) -> Option<Unasked> {
        let down = self.by_model[model].as_ref()?.down();
        let down = down.map(|failure| (ErrorKind::EndpointDown, failure.message));
        let why = match self.cost_unknown() {
            Some(_) => "what an answer cost is unknown, so that the budget cannot be kept",
            None => "the budget was reached",
        };
        let budget = || (ErrorKind::Budget, why.to_owned());
        down.or_else(|| self.out_of_budget().then(budget))
    }

    /// What the judges said, as this run sees it.
    pub fn judges(&self, loaded: &LoadedSuite) -> Result<Judges> {
        let asked: BTreeSet<usize> = asking(loaded).into_iter().map(|(_, model)| model).collect();
        let answers = |(i, endpoint): (usize, &Option<Endpoint>)| {
            let endpoint = endpoint.as_ref().filter(|_| asked.contains(&i));
            endpoint.map(|endpoint| endpoint.answers(&self.run_id)).transpose()
        };
        let by_model = self.by_model.iter().enumerate().map(answers);
        let unasked = (0..self.by_model.len()).map(|model| self.unasked(model)).collect();
        Ok(Judges { by_model: by_model.collect::<Result<_, _>>()?, unasked })
    }

    /// Whether requests were left out because the budget might have been passed.
    pub fn out_of_budget(&self) -> bool {
        self.out_of_budget.load(Ordering::Relaxed)
    }

    /// The place in the suite of the model of which an answer did not say what it cost, where that
    /// is why requests were left out.
    pub fn cost_unknown(&self) -> Option<usize> {
        self.cost_unknown.get().copied()
    }

    /// US dollars that were spent; what nobody knows the price of costs nothing.
    pub fn spent_usd(&self) -> f64 {
        self.budget.spent().cost_usd
    }

    /// What was spent within the budget.
    pub fn amount_spent(&self) -> Spent {
        self.budget.spent()
    }

    /// What was spent, in the unit of the budget.
    pub fn spent(&self) -> String {
        let spent = self.budget.spent();
        let dollars = number_format::dollars(spent.cost_usd);
        let tokens = number_format::counted(spent.tokens, "token");
        match (self.budget.max_cost_usd(), self.budget.max_tokens()) {
            (_, None) => dollars,
            (None, Some(_)) => tokens,
            (Some(_), Some(_)) => format!("{dollars}, {tokens}"),
        }
    }

    /// Whether some endpoint takes no more requests.
    pub fn any_down(&self) -> bool {
        self.by_model.iter().flatten().any(|endpoint| endpoint.down().is_some())
    }
}

/// The same, made ahead on a thread of its own: reading and rendering, while others are looked up.
fn ahead<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    mut requests: impl Iterator<Item = Made> + Send + 'scope,
) -> impl Iterator<Item = Made> + Send {
    let (send, receive) = sync_channel(CHUNKS_AHEAD);
    scope.spawn(move || {
        loop {
            let chunk = chunk(&mut requests);
            // Nobody takes it where the asking has ended.
            if chunk.is_empty() || send.send(chunk).is_err() {
                return;
            }
        }
    });
    receive.into_iter().flatten()
}

/// The next requests, as many as are made together.
fn chunk(requests: &mut impl Iterator<Item = Made>) -> Vec<Made> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < CHUNK
        && bytes < CHUNK_BYTES
        && let Some(request) = requests.next()
    {
        bytes += request.as_ref().map_or(0, |ask| ask.request.text_bytes());
        chunk.push(request);
    }
    chunk
}
