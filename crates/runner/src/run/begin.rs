//! How a run begins: anew, again where it was left, or over the answers that it has.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_harness::Budget;
use evalmark_store::{
    git::look_up,
    integrity::open_rescorable,
    run_folder::RunFolder,
    run_record::{
        FORMAT_VERSION, GitState, NamedHash, RunOptions, RunRecord, RunStatus, RunTotals,
        SampleCounts, SnapshotOrigin,
    },
};

use super::Run;
use crate::{
    Host, Notice,
    against::Against,
    ask::Asks,
    budget_limits::{BudgetLimits, budget},
    early::{self, as_stopped},
    error::{Advised, Result},
    import_results::is_own,
    load::{LoadedSuite, judged_names, load, metric_hashes},
    metric_scale::scales,
    model_keys::{ModelKeys, keys},
    redacted_keys::hide,
    run_id::{new_run_id, now},
    source_places::source_places,
    suite_of_run::is_of_run,
};

/// A suite that can be run: keys, budget and baseline are there. Nothing was asked, and no folder
/// was made.
pub struct PreparedRun {
    loaded: LoadedSuite,
    options: RunOptions,
    out: PathBuf,
    keys: ModelKeys,
    budget: Budget,
    against: Against,
}

/// What a run is compared with, as a command says it.
#[derive(Clone, Debug, Default)]
pub struct AgainstOptions {
    /// The baseline's name or folder.
    pub baseline: Option<String>,
    /// The suite's earlier name, where the baseline was made under that.
    pub baseline_suite: Option<String>,
    /// Whether the run may be the first, without a baseline.
    pub new_baseline: bool,
}

impl AgainstOptions {
    /// What a later command says goes before what an earlier one said.
    fn replace_in(self, options: &mut RunOptions) {
        options.baseline = self.baseline.or(options.baseline.take());
        options.baseline_suite = self.baseline_suite.or(options.baseline_suite.take());
        options.new_baseline |= self.new_baseline;
    }
}

/// How a run goes on.
#[derive(Clone, Debug, Default)]
pub struct ResumeOptions {
    /// What it is compared with.
    pub against: AgainstOptions,
    /// What may be spent from now on.
    pub budget: BudgetLimits,
}

impl PreparedRun {
    /// Compares the run with another one, within what may be spent by now.
    pub fn compare_with(
        mut self,
        baseline: &Path,
        limits: BudgetLimits,
        host: &Host<'_>,
    ) -> Result<Self> {
        self.options.baseline = Some(baseline.display().to_string());
        self.budget = budget(&self.loaded, Asks::Everyone, limits)?;
        let need = host.policy.baseline;
        self.against = Against::find(&self.options, true, &self.out, &self.loaded, need)?;
        self.against.has_to_decide(&self.loaded, host)?;
        Ok(self)
    }
}

impl<'a> Run<'a> {
    /// Looks up all that a new run in `out` needs beside its suite.
    pub fn prepare(
        loaded: LoadedSuite,
        options: &RunOptions,
        out: &Path,
        limits: BudgetLimits,
        host: &Host<'_>,
    ) -> Result<PreparedRun> {
        let prepared = Self::prepare_uncompared(loaded, options, out, limits, host)?;
        let is_asked_for = options.baseline.is_some();
        let need = host.policy.baseline;
        let against = Against::find(options, is_asked_for, out, &prepared.loaded, need)?;
        against.has_to_decide(&prepared.loaded, host)?;
        Ok(PreparedRun { against, ..prepared })
    }

    /// The same of a run that others are compared with, and that is compared with nothing itself.
    pub fn prepare_reference(
        mut loaded: LoadedSuite,
        options: &RunOptions,
        out: &Path,
        limits: BudgetLimits,
        host: &Host<'_>,
    ) -> Result<PreparedRun> {
        loaded.suite.gate = None;
        Self::prepare_uncompared(loaded, options, out, limits, host)
    }

    /// The same of a run whose baseline is not there yet: [`PreparedRun::compare_with`] names it.
    pub fn prepare_uncompared(
        loaded: LoadedSuite,
        options: &RunOptions,
        out: &Path,
        limits: BudgetLimits,
        host: &Host<'_>,
    ) -> Result<PreparedRun> {
        let keys = keys(&loaded, Asks::Everyone, host)?;
        host.check_receivers(&loaded.suite.receivers)?;
        let budget = budget(&loaded, Asks::Everyone, limits)?;
        let (options, out, against) = (options.clone(), out.to_owned(), Against::default());
        Ok(PreparedRun { loaded, options, out, keys, budget, against })
    }

    /// Makes the folder of a new run: `run_id` in that of its suite, or a name of its own.
    pub fn begin(
        prepared: PreparedRun,
        run_id: Option<&str>,
        git: Option<GitState>,
        host: &'a Host<'a>,
    ) -> Result<Self> {
        let PreparedRun { loaded, options, out, keys, budget, against } = prepared;
        let run_id = run_id.map_or_else(new_run_id, str::to_owned);
        let mut record = first_record(&loaded, git, run_id, options)?;
        record.ungated = against.ungated(&loaded);
        if let Some(warning) = against.warning() {
            host.notices.tell(&Notice::WillBeIncomplete(&warning));
        }
        record.stop_early = early::begin(&loaded, against.baseline.as_ref(), host)?;
        let folder = RunFolder::begin(&out, &record, hide)?;
        let (asks, is_new) = (Asks::Everyone, true);
        Ok(Self { loaded, folder, record, keys, asks, budget, against, is_new, host })
    }

    /// Goes on with a run; what has an answer is not asked again.
    pub fn resume(path: &Path, options: ResumeOptions, host: &'a Host<'a>) -> Result<Self> {
        let (folder, mut record) = RunFolder::open(path)?;
        is_own(&record)?;
        let mut loaded = load(&record.suite_file(), &record.options, host)?;
        same_experiment(&loaded, &record)?;
        loaded.plan = as_stopped(loaded.plan, &record)?;
        let keys = keys(&loaded, Asks::Everyone, host)?;
        host.check_receivers(&loaded.suite.receivers)?;
        let budget = budget(&loaded, Asks::Everyone, options.budget)?;
        // A run that is still watched goes on with the baseline that it began with.
        let watched = record.stop_early.as_ref().filter(|early| !early.ended);
        let watched = watched.map(|early| early.baseline.clone());
        let is_asked_for = options.against.baseline.is_some();
        options.against.replace_in(&mut record.options);
        record.options.baseline = record.options.baseline.take().or(watched);
        let (out, need) = (folder.out(), host.policy.baseline);
        let against = Against::find(&record.options, is_asked_for, &out, &loaded, need)?;
        against.has_to_decide(&loaded, host)?;
        record.ungated = against.ungated(&loaded);
        let (asks, is_new) = (Asks::Everyone, false);
        Ok(Self { loaded, folder, record, keys, asks, budget, against, is_new, host })
    }

    /// Scores a run's answers again with the suite as it is now. No model is asked, except judges
    /// about what they have not judged yet.
    pub fn rescore(path: &Path, host: &'a Host<'a>) -> Result<Self> {
        let (folder, mut record) = open_rescorable(path)?;
        is_own(&record)?;
        let mut loaded = load(&record.suite_file(), &record.options, host)?;
        is_of_run(&loaded.suite, &record)?;
        loaded.plan = as_stopped(loaded.plan, &record)?;
        same_shape(&loaded, &record)?;
        let mut same_prompts = true;
        let prompts = Arc::make_mut(&mut loaded.plan.prompts);
        for (prompt, recorded) in prompts.iter_mut().zip(&record.prompts) {
            same_prompts &= *prompt.hash == *recorded.hash;
            prompt.hash = recorded.hash.as_str().into();
        }
        record.metrics = metric_hashes(&loaded);
        record.judged = judged_names(&loaded);
        record.scales = scales(&loaded);
        record.dataset_hash.clone_from(&loaded.plan.profile.hash);
        record.dataset_source = loaded.suite.dataset.snapshot.as_ref().map(SnapshotOrigin::of);
        if same_prompts {
            record.source_places = source_places(&loaded, record.options.working_dir.as_deref());
            record.suite_hash.clone_from(&loaded.hash);
            record.effective_suite = loaded.suite.effective.clone().try_into()?;
        }
        let keys = keys(&loaded, Asks::Judges, host)?;
        host.check_receivers(&loaded.suite.receivers)?;
        let (out, need) = (folder.out(), host.policy.baseline);
        let against = Against::find(&record.options, false, &out, &loaded, need)?;
        against.has_to_decide(&loaded, host)?;
        record.ungated = against.ungated(&loaded);
        let (asks, is_new, budget) = (Asks::Judges, false, Budget::default());
        Ok(Self { loaded, folder, record, keys, asks, budget, against, is_new, host })
    }

    /// One of a calibration's runs, which is compared with nothing.
    pub(crate) fn ungated(
        loaded: LoadedSuite,
        (folder, record, is_new): (RunFolder, RunRecord, bool),
        host: &'a Host<'a>,
    ) -> Result<Self> {
        let (keys, asks) = (keys(&loaded, Asks::Everyone, host)?, Asks::Everyone);
        let (budget, against) = (Budget::default(), Against::default());
        Ok(Self { loaded, folder, record, keys, asks, budget, against, is_new, host })
    }
}

/// The record of a run that begins now, in the source tree that its suite is in.
pub(crate) fn record_now(
    loaded: &LoadedSuite,
    run_id: String,
    options: RunOptions,
) -> Result<RunRecord> {
    first_record(loaded, look_up(&loaded.suite.path), run_id, options)
}

/// What `run.json` says before the first request.
pub(crate) fn first_record(
    loaded: &LoadedSuite,
    git: Option<GitState>,
    run_id: String,
    options: RunOptions,
) -> Result<RunRecord> {
    let (suite, plan) = (&loaded.suite, &loaded.plan);
    let named = |prompt: &evalmark_core::prompt::Prompt| NamedHash {
        name: prompt.name.to_string(),
        hash: prompt.hash.to_string(),
    };
    Ok(RunRecord {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id,
        suite: suite.name.clone(),
        suite_path: suite.path.clone(),
        source_places: source_places(loaded, options.working_dir.as_deref()),
        suite_hash: loaded.hash.clone(),
        dataset_hash: plan.profile.hash.clone(),
        dataset_source: suite.dataset.snapshot.as_ref().map(SnapshotOrigin::of),
        n_items: plan.profile.n_items,
        columns: Some(plan.profile.columns.clone()),
        epochs: plan.epochs,
        status: RunStatus::Running,
        started_at: now(),
        finished_at: None,
        git,
        prompts: plan.prompts.iter().map(named).collect(),
        models: plan.candidates.iter().map(|i| plan.models[*i].name.to_string()).collect(),
        metrics: metric_hashes(loaded),
        judged: judged_names(loaded),
        judging: BTreeMap::new(),
        scales: scales(loaded),
        options,
        counts: SampleCounts { planned: plan.n_samples(), ..SampleCounts::default() },
        totals: RunTotals::default(),
        slices: suite.dataset.slices.clone(),
        stop_early: None,
        stopped_early: None,
        incomplete: None,
        files: BTreeMap::new(),
        answers_left_out: None,
        ungated: None,
        imported: None,
        effective_suite: suite.effective.clone().try_into()?,
    })
}

/// Whether suite and dataset are still what the run began with.
pub(crate) fn same_experiment(
    loaded: &LoadedSuite,
    record: &RunRecord,
) -> Result<(), OtherExperiment> {
    let run_id = || record.run_id.clone();
    if loaded.hash != record.suite_hash {
        return Err(OtherExperiment::Suite { run_id: run_id() });
    }
    if loaded.plan.profile.hash != record.dataset_hash {
        return Err(OtherExperiment::Dataset { run_id: run_id() });
    }
    Ok(())
}

/// Whether the suite still has the prompts, models and epochs that the run has answers to.
fn same_shape(loaded: &LoadedSuite, record: &RunRecord) -> Result<(), OtherExperiment> {
    let plan = &loaded.plan;
    let prompts: Vec<_> = plan.prompts.iter().map(|prompt| &*prompt.name).collect();
    let models: Vec<_> = plan.candidates.iter().map(|i| &*plan.models[*i].name).collect();
    let recorded: Vec<_> = record.prompts.iter().map(|prompt| &*prompt.name).collect();
    if prompts == recorded
        && models == record.models
        && plan.epochs == record.epochs
        && plan.profile.n_items == record.n_items
    {
        return Ok(());
    }
    Err(OtherExperiment::Shape { run_id: record.run_id.clone() })
}

/// What is no longer as it was when a run began.
#[derive(Debug, thiserror::Error)]
pub enum OtherExperiment {
    /// The suite.
    #[error("the suite has changed since the run {run_id} began")]
    Suite {
        /// The run.
        run_id: String,
    },
    /// The dataset.
    #[error("the dataset has changed since the run {run_id} began")]
    Dataset {
        /// The run.
        run_id: String,
    },
    /// What there are answers to.
    #[error("the suite has other prompts, models, epochs or items than the run {run_id}")]
    Shape {
        /// The run.
        run_id: String,
    },
}

impl Advised for OtherExperiment {
    fn hint(&self) -> Option<String> {
        let advice = "start a new run with `evalmark run`; answers to unchanged requests are kept";
        Some(advice.to_owned())
    }
}
