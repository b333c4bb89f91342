//! Whom a monitor asks about records: the models of the suite's metrics, the ledger, and the budget.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use evalmark_core::{
    logs::{LogJudges, WatchedEmbedding},
    model::{Model, Provider},
    prompt::Prompt,
};
use evalmark_harness::{Ledger, RequestRuntime, Tuning};
use evalmark_scoring::{Judge, Metric};
use evalmark_store::monitor::PeriodSpending;
use jiff::Timestamp;

use super::{super::MonitoredSuite, seat::Seat};
use crate::{
    Host, MonitorError,
    error::{Hinted, Result, RunError},
    model_keys::{credentials, keys_of},
    shared_ledger::shared_ledger,
};

/// Whom a monitor asks about records.
pub(in super::super) struct Panel {
    pub(super) spec: LogJudges,
    /// Metrics that a model judges, and their places in the suite.
    pub(super) metrics: Vec<Metric>,
    pub(super) places: Vec<usize>,
    /// Whose vectors are watched.
    pub(super) embedding: Option<WatchedEmbedding>,
    pub(super) models: Vec<Model>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) run_id: String,
    pub(super) ledger: Ledger,
    pub(super) network: RequestRuntime,
    /// Parallel to the models; `None` where nobody asks the model, or the record holds its answers.
    pub(super) seats: Vec<Option<Mutex<Seat>>>,
    pub(super) spent: Mutex<Option<PeriodSpending>>,
    pub(super) clock: fn() -> Timestamp,
}

impl Panel {
    /// Those of a suite that wants models asked; keys that are not there, or may not go where the suite sends them, are an
    /// error. Nothing is sent.
    pub(in super::super) fn open(of: &MonitoredSuite, host: &Host<'_>) -> Result<Option<Self>> {
        let judged = of.metrics.iter().enumerate().filter(|(_, metric)| metric.judge().is_some());
        let (places, metrics): (Vec<_>, Vec<_>) =
            judged.map(|(place, metric)| (place, metric.clone())).unzip();
        let Some(spec) = of.spec.judges.clone() else { return Ok(None) };
        let embedding = of.spec.watch.embedding.clone();
        if metrics.is_empty() && embedding.is_none() {
            return Ok(None);
        }
        let suite = &of.suite;
        let names = metrics.iter().filter_map(Metric::judge).flat_map(Judge::models);
        let names: Vec<_> =
            names.chain(embedding.as_ref().map(|watched| &watched.model)).cloned().collect();
        let is_asked = |model: &&Model| names.iter().any(|name| **name == *model.name);
        let asked: Vec<&Model> = suite.models.iter().filter(is_asked).collect();
        host.permissions.check_keys(asked.iter().copied())?;
        has_prices(&spec, &asked)?;
        let ledger = ledger(host)?;
        let network = RequestRuntime::start(Tuning::default());
        let network = network.context("no thread can be started")?;
        let network = network.with_credentials(credentials(asked.iter().copied(), host));
        let network =
            if host.allow_exec { network.with_programs(host.program_variables) } else { network };
        let seat = |model: &Model| -> Result<Option<Mutex<Seat>>> {
            if !is_asked(&model) || matches!(model.provider, Provider::RecordedColumn(_)) {
                return Ok(None);
            }
            let keys = keys_of(&suite.path, model, host)?;
            let seat = Seat::open(model, keys, &network, &ledger)?;
            Ok(Some(Mutex::new(seat)))
        };
        let seats = suite.models.iter().map(seat).collect::<Result<_>>()?;
        Ok(Some(Self {
            spec,
            metrics,
            places,
            embedding,
            models: suite.models.clone(),
            prompts: suite.prompts.clone(),
            run_id: format!("monitor-{}", suite.name),
            ledger,
            network,
            seats,
            spent: Mutex::new(None),
            clock: host.clock,
        }))
    }

    /// What a process before this one has spent.
    pub(in super::super) fn goes_on(&self, spent: Option<&PeriodSpending>) {
        *self.spent() = spent.cloned();
    }

    /// Whether models are asked about the record of this id.
    pub(in super::super) fn draws(&self, id: &str) -> bool {
        self.spec.is_drawn(id)
    }

    pub(super) fn spent(&self) -> MutexGuard<'_, Option<PeriodSpending>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers that runs share.
fn ledger(host: &Host<'_>) -> Result<Ledger> {
    let advice = "`--cache-dir DIR` names another folder for answers";
    let path: PathBuf = shared_ledger(None, host).map_err(RunError::new).hint(advice)?;
    Ledger::open_shared(&path).hint(advice)
}

/// Whether a budget in dollars can be kept.
fn has_prices(spec: &LogJudges, asked: &[&Model]) -> Result<(), MonitorError> {
    let is_server = |model: &&&Model| matches!(model.provider, Provider::Server(_));
    let unpriced = asked.iter().filter(is_server).find(|model| !model.has_known_cost());
    match (spec.max_cost_usd, unpriced) {
        (Some(_), Some(model)) => Err(MonitorError::UnknownPrice(model.name.to_string())),
        _ => Ok(()),
    }
}
