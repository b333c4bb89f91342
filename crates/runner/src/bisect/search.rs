//! A search under way: what a commit asks, its run, and what the verdict makes of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_core::{
    model::Provider,
    verdict::{Answer, Comparison, Verdict},
};
use evalmark_harness::endpoint_key;
use evalmark_store::{
    git::{CommitId, GitRepository},
    run_record::RunOptions,
};

use super::{BisectError, BisectLook, BisectOptions, BisectStatus, loaded};
use crate::{
    EndedRun, Ending, Host, Notice, Run, RunEnd,
    budget_limits::BudgetLimits,
    error::{Hinted, Result},
    load::LoadedSuite,
    revisions::state_at,
};

/// After how many runs in a row whose answers are missing the server is taken for the reason.
const MOST_UNFINISHED: usize = 3;

/// A search under way.
pub(super) struct Search<'a> {
    suite: &'a Path,
    options: &'a BisectOptions,
    host: &'a Host<'a>,
    pub(super) git: GitRepository,
    /// The run of the good commit.
    reference: PathBuf,
    /// By the requests that were asked.
    known: BTreeMap<String, Known>,
    pub(super) looks: Vec<BisectLook>,
    pub(super) n_runs: usize,
    /// How many of the last runs lack answers.
    n_unfinished: usize,
    limits: BudgetLimits,
}

/// What was found of a set of requests.
#[derive(Clone)]
struct Known {
    status: BisectStatus,
    run: Option<PathBuf>,
    says: String,
}

impl Known {
    fn unusable(says: String, run: Option<PathBuf>) -> Self {
        Self { status: BisectStatus::Unusable, run, says }
    }
}

impl<'a> Search<'a> {
    pub(super) fn start(
        suite: &'a Path,
        options: &'a BisectOptions,
        host: &'a Host<'a>,
        git: GitRepository,
    ) -> Self {
        Self {
            suite,
            options,
            host,
            git,
            reference: PathBuf::new(),
            known: BTreeMap::new(),
            looks: Vec::new(),
            n_runs: 0,
            n_unfinished: 0,
            limits: options.limits,
        }
    }

    /// The good and the bad commit do not ask the same.
    pub(super) fn check_difference(&self, good: &LoadedSuite, bad: CommitId) -> Result<()> {
        // A bad commit that cannot be asked is told once it is looked at.
        let Ok(bad) = loaded(self.suite, bad, self.options, self.host) else { return Ok(()) };
        if requests(good)? != requests(&bad)? {
            return Ok(());
        }
        let (good, bad) = (self.options.good.clone(), self.options.bad.clone());
        Err(BisectError::SameRequests { good, bad }.into())
    }

    /// Runs the commit that all others are compared with.
    pub(super) fn run_good(&mut self, good: LoadedSuite, at: CommitId) -> Result<()> {
        let asked = requests(&good)?;
        let (out, host) = (&self.options.out, self.host);
        let options = self.run_options(at, None);
        let prepared = Run::prepare_reference(good, &options, out, self.limits, host)?;
        let ended =
            self.finish(Run::begin(prepared, None, Some(state_at(&at.to_string())), host)?, at)?;
        if let Some(why) = ended.record.incomplete {
            return Err(unfinished(at, why).into());
        }
        self.reference = ended.folder.path;
        let says = "it asks what the good commit asked".to_owned();
        let run = Some(self.reference.clone());
        self.known.insert(asked, Known { status: BisectStatus::Good, run, says });
        Ok(())
    }

    /// What a commit is.
    pub(super) fn look(&mut self, id: CommitId) -> Result<BisectStatus> {
        let commit = self.git.commit(id)?;
        let (found, is_reused) = match loaded(self.suite, id, self.options, self.host) {
            Err(error) => (Known::unusable(error.in_full(), None), false),
            Ok(loaded) => {
                let asked = requests(&loaded)?;
                let known = self.known.get(&asked).cloned();
                let is_reused = known.is_some();
                let found = known.map_or_else(|| self.compare(loaded, id), Ok)?;
                self.known.insert(asked, found.clone());
                (found, is_reused)
            }
        };
        let Known { status, run, says } = found;
        let note = format!("{} {}: {}: {says}", id.short(), commit.subject, status.as_str());
        self.host.notices.tell(&Notice::SuiteNote(&note));
        self.looks.push(BisectLook { commit, status, run, is_reused, says });
        Ok(status)
    }

    /// Runs the suite as it asked at a commit, and compares it with the run of the good one.
    fn compare(&mut self, loaded: LoadedSuite, at: CommitId) -> Result<Known> {
        let options = self.run_options(at, Some(self.reference.display().to_string()));
        let (out, host) = (&self.options.out, self.host);
        let prepared = match Run::prepare(loaded, &options, out, self.limits, host) {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Known::unusable(error.in_full(), None)),
        };
        let ended =
            self.finish(Run::begin(prepared, None, Some(state_at(&at.to_string())), host)?, at)?;
        if let Some(why) = ended.record.incomplete {
            self.n_unfinished += 1;
            if ended.lacks_money || self.n_unfinished == MOST_UNFINISHED {
                return Err(unfinished(at, why).into());
            }
            return Ok(Known::unusable(why, Some(ended.folder.path)));
        }
        self.n_unfinished = 0;
        let RunEnd::Finished { decision, .. } = ended.end else {
            return Err(interrupted(at).into());
        };
        let verdict = decision.map(|decision| decision.verdict);
        Ok(judged(verdict.as_ref(), self.options.metric.as_deref(), ended.folder.path))
    }

    fn run_options(&self, at: CommitId, baseline: Option<String>) -> RunOptions {
        let options = self.options.run.clone();
        RunOptions { asked_at: Some(at.to_string()), baseline, new_baseline: false, ..options }
    }

    /// Carries a run out, within what is left of the budget.
    fn finish(&mut self, run: Run<'_>, at: CommitId) -> Result<EndedRun> {
        self.n_runs += 1;
        let ended = run.finish()?;
        self.limits = self.limits.after(ended.spent);
        match ended.end {
            RunEnd::BrokenOff(error) => Err(error),
            RunEnd::Interrupted => Err(interrupted(at).into()),
            RunEnd::Finished { .. } => Ok(ended),
        }
    }
}

fn interrupted(at: CommitId) -> BisectError {
    let (commit, why) = (at.short(), "it was interrupted".to_owned());
    BisectError::Unfinished { commit, why, ending: Ending::Interrupted }
}

fn unfinished(at: CommitId, why: String) -> BisectError {
    BisectError::Unfinished { commit: at.short(), why, ending: Ending::Incomplete }
}

/// What stands for all that a suite asks: every request with the names that runs are compared by, and whom it is put to.
fn requests(loaded: &LoadedSuite) -> Result<String> {
    let suite = &loaded.suite;
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for (i, model) in suite.models.iter().enumerate() {
        add(&model.name);
        match &model.provider {
            Provider::RecordedColumn(_) => add(&suite.effective["models"][i].to_string()),
            _ => add(&endpoint_key(model)
                .context("a model cannot be told from others")?
                .unwrap_or_default()),
        }
    }
    for sample in loaded.plan.in_report_order() {
        let sample = sample?;
        add(&suite.prompts[sample.prompt].name);
        add(&sample.model.to_string());
        add(&sample.request.hash().to_string());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// What a verdict makes of a commit. Limits that hold a score by itself say nothing of what changed since the good one.
fn judged(verdict: Option<&Verdict>, metric: Option<&str>, run: PathBuf) -> Known {
    let is_wanted = |one: &&Comparison| {
        let is_limit = one.minimum.is_some() || one.maximum.is_some();
        !is_limit && metric.is_none_or(|metric| metric == one.metric)
    };
    let compared = verdict.iter().flat_map(|verdict| &verdict.comparisons);
    let compared: Vec<_> = compared.filter(is_wanted).collect();
    let first = |answers: &[Answer]| compared.iter().find(|one| answers.contains(&one.answer));
    let is_unsure = || first(&[Answer::Inconclusive, Answer::Incomparable]);
    let (status, one) = if let Some(one) = first(&[Answer::Regressed]) {
        (BisectStatus::Bad, Some(one))
    } else if let Some(one) = is_unsure() {
        (BisectStatus::Inconclusive, Some(one))
    } else if compared.is_empty() {
        (BisectStatus::Inconclusive, None)
    } else {
        (BisectStatus::Good, compared.first())
    };
    let says = match (one, metric, verdict) {
        (Some(_), None, Some(verdict)) if status == BisectStatus::Good => verdict.says.clone(),
        (Some(one), ..) => one.says.clone(),
        (None, ..) => "nothing was compared".to_owned(),
    };
    Known { status, run: Some(run), says }
}
