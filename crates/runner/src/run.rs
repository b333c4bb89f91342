//! From a planned run to its end: ask, judge, score, report, gate. `run` begins it, `resume` goes
//! on with it, and the way is the same.

mod answer;
mod begin;
mod html_page;
mod progress_file;
mod verdict;

use std::{
    panic::resume_unwind,
    thread::{self, ScopedJoinHandle},
};

use evalmark_core::{dataset::DatasetError, plan::PlanError, policy::Policy, verdict::Verdict};
use evalmark_harness::{Budget, Spent};
use evalmark_report::summary::SummaryRow;
use evalmark_store::{
    integrity::TOO_MANY_MISSING,
    run_folder::RunFolder,
    run_record::{FORMAT_VERSION, RunRecord, RunStatus, RunTotals},
};

use crate::{
    Ending, Findings, Host, Notice, Notices, RunError,
    against::Against,
    ask::{Asks, Endpoints, LedgerFile, Means},
    error::{Advised, Result},
    gate::GateOutcome,
    leaderboard::keep_boards,
    load::{LoadedSuite, metric_hashes},
    model_keys::ModelKeys,
    named_thread::named_thread,
    redacted_keys::hide,
    run_id::now,
    score_samples::Scored,
    shared_ledger::shared_ledger,
};

use self::progress_file::ProgressFile;
pub use self::{
    begin::{AgainstOptions, OtherExperiment, PreparedRun, ResumeOptions},
    html_page::{CutOffRemark, cut_off_remarks},
};
pub(crate) use self::{
    begin::{first_record, record_now, same_experiment},
    html_page::{Compared, write_html},
};

/// A run that is ready to go: everything that could be wrong has been looked at.
pub struct Run<'a> {
    pub(crate) loaded: LoadedSuite,
    pub(crate) folder: RunFolder,
    pub(crate) record: RunRecord,
    pub(crate) keys: ModelKeys,
    pub(crate) asks: Asks,
    pub(crate) budget: Budget,
    pub(crate) against: Against,
    /// Whether its folder was made for it.
    pub(crate) is_new: bool,
    pub(crate) host: &'a Host<'a>,
}

/// A run after it was carried out.
pub struct EndedRun {
    /// The suite.
    pub loaded: LoadedSuite,
    /// The run's folder.
    pub folder: RunFolder,
    /// The content of `run.json`.
    pub record: RunRecord,
    /// How far it came.
    pub end: RunEnd,
    /// What was spent just now.
    pub spent: Spent,
    /// Whether the budget was too small, or cannot be held.
    pub lacks_money: bool,
}

/// How far a run came.
pub enum RunEnd {
    /// To its end.
    Finished {
        /// The rows of `summary.parquet`.
        rows: Vec<SummaryRow>,
        /// `None` where nothing was gated.
        decision: Option<Box<GateOutcome>>,
    },
    /// It was interrupted, and can be resumed.
    Interrupted,
    /// It was broken off by an error, and can be resumed.
    BrokenOff(RunError),
}

/// Whether a run is gated, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upto {
    Scores,
    Verdict,
}

impl EndedRun {
    /// How the run ends, by the user's policy.
    pub fn ending(&self, policy: Policy) -> Ending {
        self.findings().ending(policy)
    }

    /// Its verdict, `None` where nothing was gated or where it was interrupted; the error that broke
    /// it off.
    pub fn into_verdict(self) -> Result<Option<Verdict>> {
        match self.end {
            RunEnd::Finished { decision, .. } => Ok(decision.map(|decision| decision.verdict)),
            RunEnd::Interrupted => Ok(None),
            RunEnd::BrokenOff(error) => Err(error),
        }
    }

    /// What its ending follows from.
    pub(crate) fn findings(&self) -> Findings {
        match &self.end {
            RunEnd::Finished { decision, .. } => Findings {
                is_incomplete: self.record.incomplete.is_some(),
                ..decision.as_deref().map(GateOutcome::findings).unwrap_or_default()
            },
            RunEnd::Interrupted => Findings { is_interrupted: true, ..Findings::default() },
            RunEnd::BrokenOff(_) => Findings { is_incomplete: true, ..Findings::default() },
        }
    }
}

impl Run<'_> {
    /// Carries the run out. What goes wrong before the first request is an error; what goes wrong
    /// later breaks it off, and it can be resumed.
    pub fn finish(self) -> Result<EndedRun> {
        let resume = format!("`evalmark resume {}` continues it", self.folder.path.display());
        let host = self.host;
        let ended = self.carry_out(Upto::Verdict)?;
        host.record_run(&ended.folder, &ended.record)?;
        if let RunEnd::Finished { decision: Some(decision), .. } = &ended.end {
            host.record_gate(&ended.folder, &ended.record, &decision.verdict)?;
        }
        Ok(ended.advise(|error| {
            if error.is::<PlanError>() || error.is::<DatasetError>() {
                // The dataset was read without an error before.
                return format!(
                    "none of this is a result: restore the dataset and {resume}; or start a new \
                     run with `evalmark run`, which requests only what is new"
                );
            }
            resume.clone()
        }))
    }

    /// Asks, scores and writes the report files, without a verdict. `go_on` is the way to go on
    /// where it is broken off.
    pub fn answers(self, go_on: &str) -> Result<EndedRun> {
        Ok(self.carry_out(Upto::Scores)?.advise(|_| go_on.to_owned()))
    }

    fn carry_out(self, upto: Upto) -> Result<EndedRun> {
        let (folder, is_new) = (self.folder.clone(), self.is_new);
        self.try_out(upto).inspect_err(|_| {
            if is_new {
                folder.discard();
            }
        })
    }

    fn try_out(self, upto: Upto) -> Result<EndedRun> {
        let _lock = self.folder.lock()?;
        self.host.check_audit()?;
        let file = ProgressFile::new(self.folder.clone());
        let host = self.host;
        let hear = |notice: &Notice<'_>| {
            file.hear(notice);
            host.notices.tell(notice);
        };
        let host = Host { notices: Notices::new(&hear), ..*host };
        Run { host: &host, ..self }.under_lock(upto)
    }

    fn under_lock(mut self, upto: Upto) -> Result<EndedRun> {
        let endpoints = self.open_endpoints()?;
        self.mark_running()?;
        let answered = self.answer(&endpoints);
        let spent = endpoints.amount_spent();
        let lacks_money = endpoints.out_of_budget() || endpoints.cost_unknown().is_some();
        let (end, connections) = thread::scope(|scope| {
            // The ledger closes while verdict and page are made; without a thread for that, it closes right here.
            let closing = named_thread(scope, "close", move || endpoints.close()).ok();
            let end = answered.and_then(|scored| self.conclude(scored, upto));
            let closed = closing.map(ScopedJoinHandle::join);
            (end, closed.map(|closed| closed.unwrap_or_else(|panic| resume_unwind(panic))))
        });
        // Thousands of connections would take the cores from verdict and page, and nobody waits for them.
        drop(thread::Builder::new().name("close".to_owned()).spawn(move || drop(connections)));
        let end = end.unwrap_or_else(|error| {
            self.broken_off();
            RunEnd::BrokenOff(error)
        });
        let Self { loaded, folder, record, .. } = self;
        Ok(EndedRun { loaded, folder, record, end, spent, lacks_money })
    }

    /// From the scores to the last file.
    fn conclude(&mut self, scored: Option<Scored>, upto: Upto) -> Result<RunEnd> {
        let Some(scored) = scored else { return Ok(RunEnd::Interrupted) };
        let decision = if upto == Upto::Verdict { self.gate()? } else { None };
        let verdict = decision.as_ref().map(|decision| &decision.verdict);
        let compared = verdict.map(|verdict| Compared {
            verdict,
            baseline: self.against.baseline.as_ref(),
            lacks: None,
        });
        write_html(&self.folder, &self.record, scored.rows.clone(), compared.as_ref())?;
        Ok(RunEnd::Finished { rows: scored.rows, decision: decision.map(Box::new) })
    }

    /// From here on the files are those of an earlier pass.
    fn mark_running(&mut self) -> Result<()> {
        if self.asks == Asks::Judges || self.record.status == RunStatus::Running {
            return Ok(());
        }
        self.record.status = RunStatus::Running;
        // All answers are scored again, by the programs as they are now.
        self.record.metrics = metric_hashes(&self.loaded);
        Ok(self.folder.write(&self.record, hide)?)
    }

    /// The run ended in an error, and nobody is at work on it any more.
    fn broken_off(&mut self) {
        if self.record.status == RunStatus::Running {
            self.record.status = RunStatus::Interrupted;
            // The error that is told is the one that came first.
            drop(self.folder.write(&self.record, hide));
        }
    }

    fn open_endpoints(&mut self) -> Result<Endpoints> {
        let options = &self.record.options;
        let ledger = if options.no_cache {
            LedgerFile::Own(self.folder.own_ledger())
        } else {
            LedgerFile::Shared(shared_ledger(options.cache_dir.as_deref(), self.host)?)
        };
        let keys = std::mem::take(&mut self.keys);
        let means = Means { asks: self.asks, budget: self.budget.clone() };
        Endpoints::open(&self.loaded, &ledger, &self.record.run_id, keys, means)
    }

    fn interrupted(&mut self, endpoints: &Endpoints) -> Result<()> {
        self.record.status = RunStatus::Interrupted;
        self.folder.write(&self.record, hide)?;
        let batches = endpoints.batches_left();
        self.host.notices.tell(&Notice::Interrupted { run: &self.folder.path, batches });
        Ok(())
    }

    /// Gives the files their names and brings `run.json` up to date. Until that is done, the run
    /// says that it is not whole.
    fn close(&mut self, scored: &mut Scored, endpoints: &Endpoints) -> Result<()> {
        if metric_hashes(&self.loaded) != self.record.metrics {
            return Err(ProgramChanged.into());
        }
        let record = &mut self.record;
        record.format_version = FORMAT_VERSION;
        record.counts = scored.counts.clone();
        record.judging = scored.judging.finish();
        record.totals = RunTotals { spent_usd: record.totals.spent_usd, ..scored.totals.clone() };
        record.finished_at = Some(now());
        record.incomplete = unfinished(endpoints, &scored.rows);
        let files = std::mem::take(&mut scored.files);
        let digests = files.iter().map(|file| (file.file_name(), file.digest().to_owned()));
        record.files = digests.collect();
        if record.status != RunStatus::Running {
            record.status = RunStatus::Scoring;
            self.folder.write(record, hide)?;
        }
        self.folder.take_in(files)?;
        keep_boards(&self.folder, record)?;
        let is_whole = scored.counts.failed == 0 && scored.counts.unscored.is_empty();
        record.status = if is_whole { RunStatus::Complete } else { RunStatus::Partial };
        Ok(self.folder.write(record, hide)?)
    }
}

/// Scores of one run by two programs.
#[derive(Debug, thiserror::Error)]
#[error("the program of a metric was changed while it scored")]
pub struct ProgramChanged;

impl Advised for ProgramChanged {}

impl EndedRun {
    /// Adds what to do to the error that broke it off.
    fn advise(mut self, advice: impl Fn(&RunError) -> String) -> Self {
        if let RunEnd::BrokenOff(error) = self.end {
            let advice = advice(&error);
            self.end = RunEnd::BrokenOff(error.with_hint(advice));
        }
        self
    }
}

/// Why a run that ended is not finished.
fn unfinished(endpoints: &Endpoints, rows: &[SummaryRow]) -> Option<String> {
    let why = if endpoints.cost_unknown().is_some() {
        "what an answer cost is unknown"
    } else if endpoints.out_of_budget() {
        "the budget was too small"
    } else if endpoints.any_down() {
        "a model was given up on"
    } else if lacks_too_much(rows) {
        "too many of its scores are missing"
    } else {
        return None;
    };
    Some(why.to_owned())
}

fn lacks_too_much(rows: &[SummaryRow]) -> bool {
    rows.iter()
        .filter(|row| row.slice.is_none())
        .any(|row| row.n_missing as f64 > TOO_MANY_MISSING * row.n_planned as f64)
}
