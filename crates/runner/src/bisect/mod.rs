//! Which commit made a suite's scores worse: prompts and models of commits are asked, and compared with a good one as a
//! gate compares runs. Dataset and metrics are those of the working tree, so that all are comparable.
//!
//! `graph.rs` chooses the next commit, and `search.rs` looks at it. A commit whose requests are those of one that was
//! looked at is not run, and the ledger answers every request that was asked before.

mod graph;
mod search;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_store::{
    git::{Commit, CommitId, GitRepository},
    run_record::RunOptions,
};
use serde_json::{Value, json};

use self::{graph::Candidates, search::Search};
use crate::{
    Ending, Host,
    budget_limits::BudgetLimits,
    error::{Advised, Result},
    load::{LoadedSuite, load},
    revisions::repository_of,
};

/// How many commits may lie between the good and the bad one.
const MOST_COMMITS: usize = 100_000;

/// What is looked for, and how it is asked.
#[derive(Clone, Debug, Default)]
pub struct BisectOptions {
    /// A revision whose scores are good.
    pub good: String,
    /// A later one whose scores are worse.
    pub bad: String,
    /// The metric that got worse; default: what the gate answers over all of them.
    pub metric: Option<String>,
    /// What the command line says of runs.
    pub run: RunOptions,
    /// Where runs are kept.
    pub out: PathBuf,
    /// What may be spent on all runs together.
    pub limits: BudgetLimits,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Bisected {
    /// The commit that the others were compared with.
    pub good: Commit,
    /// Every commit that was looked at, in this order.
    pub looks: Vec<BisectLook>,
    /// The commits of which one made the scores worse: one, unless something could not be told.
    pub first_bad: Vec<Commit>,
    /// How many commits there were to search.
    pub n_commits: usize,
    /// How many of them were run, with the good one.
    pub n_runs: usize,
}

/// A commit that was looked at.
#[derive(Clone, Debug)]
pub struct BisectLook {
    /// The commit.
    pub commit: Commit,
    /// What it is.
    pub status: BisectStatus,
    /// The run that told so; `None` where it could not be run.
    pub run: Option<PathBuf>,
    /// Whether another commit with the same requests was run.
    pub is_reused: bool,
    /// Why, in a sentence.
    pub says: String,
}

/// What a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BisectStatus {
    /// Its scores are no worse.
    Good,
    /// Its scores are worse.
    Bad,
    /// The scores cannot tell.
    Inconclusive,
    /// It cannot be asked.
    Unusable,
}

impl BisectStatus {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Inconclusive => "inconclusive",
            Self::Unusable => "unusable",
        }
    }
}

/// Why there is nothing to search.
#[derive(Debug, thiserror::Error)]
pub enum BisectError {
    /// The good commit is not before the bad one.
    #[error("{good} is not before {bad}")]
    NotBefore {
        /// As it was given.
        good: String,
        /// As it was given.
        bad: String,
        /// Whether the history is cut off somewhere.
        is_shallow: bool,
    },
    /// There are too many.
    #[error("there are more than {MOST_COMMITS} commits between {good} and {bad}")]
    TooMany {
        /// As it was given.
        good: String,
        /// As it was given.
        bad: String,
    },
    /// The gate looks at no such metric.
    #[error("the suite gates no metric `{name}`; it gates: {known}")]
    UnknownMetric {
        /// The name asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Both ask the same.
    #[error("{good} and {bad} ask the same: what got worse is no prompt and no model's parameter")]
    SameRequests {
        /// As it was given.
        good: String,
        /// As it was given.
        bad: String,
    },
    /// The bad one is not worse.
    #[error("the scores of {bad} are not worse than those of {good}: {says}")]
    NotWorse {
        /// As it was given.
        good: String,
        /// As it was given.
        bad: String,
        /// The verdict.
        says: String,
    },
    /// A run did not come to its end.
    #[error("the run at {commit} is not finished: {why}")]
    Unfinished {
        /// The commit, shortened.
        commit: String,
        /// Why.
        why: String,
        /// How it ended.
        ending: Ending,
    },
    /// Answers would be bought again.
    #[error("a search without a cache would buy the same answers again and again")]
    NoCache,
}

impl Advised for BisectError {
    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::NotBefore { is_shallow: true, .. } => {
                "this clone is shallow: `git fetch --unshallow` brings the rest of the history".to_owned()
            }
            Self::NotBefore { good, bad, .. } => {
                format!("name an ancestor of {bad}; `git merge-base {good} {bad}` tells one")
            }
            Self::TooMany { .. } => "name a later good revision".to_owned(),
            Self::SameRequests { .. } => {
                "the dataset, the metrics or the model behind its name may have changed: `evalmark trend SUITE` shows when"
                    .to_owned()
            }
            Self::Unfinished { .. } => {
                "run the search again: it goes on from the answers that are kept".to_owned()
            }
            Self::NoCache => "leave `--no-cache` away; `--cache-dir DIR` keeps the answers apart".to_owned(),
            _ => return None,
        };
        Some(advice)
    }

    fn ending(&self) -> Option<Ending> {
        match self {
            Self::Unfinished { ending, .. } => Some(*ending),
            Self::NotWorse { .. } => Some(Ending::Inconclusive),
            _ => None,
        }
    }
}

/// Searches the first commit behind `good`, up to `bad`, whose scores are worse than those of `good`.
pub fn bisect(suite: &Path, options: &BisectOptions, host: &Host<'_>) -> Result<Bisected> {
    if options.run.no_cache {
        return Err(BisectError::NoCache.into());
    }
    let git = repository_of(suite)?;
    let (good, bad) = (git.commit_of(&options.good)?, git.commit_of(&options.bad)?);
    let commits = between(&git, options, good, bad)?;
    let mut candidates = Candidates::new(&commits, bad);
    let reference = loaded(suite, good, options, host)?;
    check_metric(&reference, options)?;
    let mut search = Search::start(suite, options, host, git);
    search.check_difference(&reference, bad)?;
    search.run_good(reference, good)?;
    while let Some(next) = candidates.next() {
        match search.look(next)? {
            BisectStatus::Good => candidates.good(next),
            BisectStatus::Bad => candidates.bad(next),
            BisectStatus::Inconclusive | BisectStatus::Unusable => candidates.skip(next),
        }
    }
    // The bad commit was taken for bad so far.
    if candidates.newest() == bad && search.look(bad)? != BisectStatus::Bad {
        let says = search.looks.last().map(|look| look.says.clone()).unwrap_or_default();
        let (good, bad) = (options.good.clone(), options.bad.clone());
        return Err(BisectError::NotWorse { good, bad, says }.into());
    }
    let first_bad = candidates.left().map(|id| search.git.commit(id));
    let mut first_bad: Vec<_> = first_bad.collect::<Result<_, _>>()?;
    first_bad.sort_by_key(|commit| (commit.committed_at, commit.id));
    let good = search.git.commit(good)?;
    let (n_commits, n_runs) = (commits.len(), search.n_runs);
    Ok(Bisected { good, looks: search.looks, first_bad, n_commits, n_runs })
}

/// How a command ends on what was found.
pub fn ending_of_bisect(found: &Bisected) -> Ending {
    if found.first_bad.len() == 1 { Ending::Done } else { Ending::Inconclusive }
}

/// The commits behind the good one up to the bad one, with their parents.
fn between(
    git: &GitRepository,
    options: &BisectOptions,
    good: CommitId,
    bad: CommitId,
) -> Result<BTreeMap<CommitId, Vec<CommitId>>> {
    let (named_good, named_bad) = (options.good.clone(), options.bad.clone());
    if good == bad || git.merge_base(good, bad) != Some(good) {
        let is_shallow = git.is_shallow();
        return Err(BisectError::NotBefore { good: named_good, bad: named_bad, is_shallow }.into());
    }
    let found = git.commits_between(good, bad, MOST_COMMITS)?;
    Ok(found.ok_or(BisectError::TooMany { good: named_good, bad: named_bad })?)
}

/// The metric that is looked for is one that runs are compared by.
fn check_metric(loaded: &LoadedSuite, options: &BisectOptions) -> Result<(), BisectError> {
    let Some(name) = &options.metric else { return Ok(()) };
    let gated: Vec<&str> = match &loaded.suite.gate {
        Some(gate) => gate.metrics.keys().map(String::as_str).collect(),
        None => loaded.suite.metrics.iter().map(|metric| metric.name.as_str()).collect(),
    };
    if gated.contains(&name.as_str()) {
        return Ok(());
    }
    Err(BisectError::UnknownMetric { name: name.clone(), known: gated.join(", ") })
}

/// The suite as it asked at a commit.
fn loaded(
    suite: &Path,
    at: CommitId,
    options: &BisectOptions,
    host: &Host<'_>,
) -> Result<LoadedSuite> {
    let run = RunOptions { asked_at: Some(at.to_string()), ..options.run.clone() };
    load(suite, &run, host)
}

/// What was found, as JSON.
pub fn bisect_document(found: &Bisected) -> Value {
    let commit = |commit: &Commit| {
        json!({
            "commit": commit.id.to_string(),
            "author": commit.author,
            "date": commit.date,
            "subject": commit.subject,
        })
    };
    let looks = found.looks.iter().map(|look| {
        let mut told = commit(&look.commit);
        told["status"] = look.status.as_str().into();
        told["run_dir"] = json!(look.run);
        told["is_reused"] = look.is_reused.into();
        told["says"] = look.says.as_str().into();
        told
    });
    json!({
        "good": commit(&found.good),
        "first_bad": found.first_bad.iter().map(commit).collect::<Vec<_>>(),
        "looks": looks.collect::<Vec<_>>(),
        "n_commits": found.n_commits,
        "n_runs": found.n_runs,
    })
}
