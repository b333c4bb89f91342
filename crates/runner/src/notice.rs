//! What the engine tells while it works. Whoever shows it, a terminal or a page, subscribes with one
//! function.

use std::{
    fmt::{self, Display},
    path::Path,
};

use evalmark_core::{
    number_format::{count, counted},
    plan::{Plan, Sample},
};
use evalmark_harness::{Endpoint, Event};
use evalmark_scoring::Metric;

use crate::{RunError, run::EndedRun};

/// What the engine tells while it works; its text is for people.
pub enum Notice<'a> {
    /// What to know about a suite.
    SuiteNote(&'a str),
    /// What may be wrong with a suite or its dataset.
    SuiteWarning(&'a str),
    /// The suite has no gate of its own.
    DefaultGate,
    /// The suite's file is gone; the gate is the one that the run was made with.
    SuiteGone {
        /// As the run names it.
        suite: &'a Path,
        /// Where the gate is kept.
        kept: &'a Path,
    },
    /// The suite's file is another suite by now; the gate is the one that the run was made with.
    SuiteIsAnother {
        /// As the run names it.
        suite: &'a Path,
        /// The suite that is there now.
        found: &'a str,
        /// The run's suite.
        own: &'a str,
        /// Where the gate is kept.
        kept: &'a Path,
    },
    /// The run will end as incomplete, as things stand before the first request.
    WillBeIncomplete(&'a str),
    /// What may be wrong with the baseline.
    BaselineWarning(&'a str),
    /// The baseline is missing, and that is not allowed.
    BaselineMissing(&'a RunError),
    /// Run and baseline cannot be compared.
    Incomparable(&'a RunError),
    /// The run's folder does not keep a verdict, and why.
    VerdictNotKept {
        /// The file that it would be kept in.
        path: &'a Path,
        /// The reason, in a clause.
        why: &'static str,
    },
    /// There is no baseline yet, and how this run becomes one.
    FirstRun(&'a str),
    /// The gate compares nothing, and why.
    Ungated(&'a str),
    /// How later runs are compared with this one.
    HowToCompare(&'a str),
    /// A margin is below what the suite resolves.
    MarginUnresolved(&'a str),
    /// A run that should stop early has no baseline.
    NoEarlyStopWithoutBaseline,
    /// A run that should stop early cannot, and why.
    CannotStopEarly(&'a str),
    /// Only a drop can stop the run early, and why.
    OnlyDropStops(&'a str),
    /// Asking begins.
    AskingBegins(&'a Asking<'a>),
    /// Something happened to a request.
    Asked {
        /// The place in the suite of the model that was asked.
        model: usize,
        /// What happened.
        event: &'a Event<AskTag>,
    },
    /// Nothing more is asked for now.
    AskingEnds,
    /// Requests were left out to stay within the budget.
    BudgetReached {
        /// What was spent, in the budget's unit.
        spent: &'a str,
        /// Samples that were not requested; `None` where only judges were not asked.
        left_out: Option<u64>,
        /// The run's folder.
        run: &'a Path,
    },
    /// Requests were left out because an answer did not say what it cost, under a limit in dollars.
    CostUnknown {
        /// The model's name.
        model: &'a str,
        /// Samples that were not requested; `None` where none was left out.
        left_out: Option<u64>,
    },
    /// The run was interrupted.
    Interrupted {
        /// The run's folder.
        run: &'a Path,
        /// Batches that go on at their providers.
        batches: u64,
    },
    /// One of several runs has its answers and scores.
    RunAnswered(&'a EndedRun),
    /// The answers of judges are not exported, and why.
    JudgesLeftOut(&'a RunError),
    /// An earlier process was stopped while it wrote the audit log; its half line was taken out.
    AuditRecovered {
        /// The log.
        path: &'a Path,
        /// The line.
        line: u64,
    },
    /// Others can read a private key.
    KeyExposed(&'a str),
}

/// How much a notice weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Progress: it is counted rather than told.
    Progress,
    /// Of no use to those who want results alone.
    Detail,
    /// Worth knowing.
    Remark,
    /// As a warning, but of no use to those who want results alone.
    EarlyWarning,
    /// Something may be wrong.
    Warning,
    /// Something is wrong.
    Error,
}

/// What a pass over samples asks.
#[derive(Debug)]
pub struct Asking<'a> {
    /// What is being done, e.g. `Running`.
    pub doing: &'static str,
    /// Requests of the whole pass.
    pub total: u64,
    /// What is asked of which models.
    pub plan: &'a Plan,
    /// The suite's metrics.
    pub metrics: &'a [Metric],
    /// The models that are asked, by their places in the suite.
    pub endpoints: Vec<(usize, Endpoint)>,
}

/// What an answer's event is recognised by.
#[derive(Clone, Debug)]
pub enum AskTag {
    /// A candidate's answer.
    Sample(Box<Sample>),
    /// A judgement: it is the judge's answer, and the judge that costs.
    Judgement {
        /// Whose answer was judged.
        prompt: usize,
        /// Who judged.
        judge: usize,
    },
}

impl AskTag {
    /// The place of the prompt in the plan.
    pub fn prompt(&self) -> usize {
        match self {
            Self::Sample(sample) => sample.prompt,
            Self::Judgement { prompt, .. } => *prompt,
        }
    }

    /// The place in the suite of the model that answers.
    pub fn model(&self) -> usize {
        match self {
            Self::Sample(sample) => sample.model,
            Self::Judgement { judge, .. } => *judge,
        }
    }
}

/// Who hears notices.
#[derive(Clone, Copy)]
pub struct Notices<'a>(&'a (dyn Fn(&Notice<'_>) + Sync));

impl<'a> Notices<'a> {
    /// One function hears them all.
    pub fn new(hear: &'a (dyn Fn(&Notice<'_>) + Sync)) -> Self {
        Self(hear)
    }

    /// Tells one.
    pub fn tell(self, notice: &Notice<'_>) {
        (self.0)(notice);
    }
}

impl fmt::Debug for Notices<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}

impl Notice<'_> {
    /// How much it weighs.
    pub fn level(&self) -> NoticeLevel {
        match self {
            Self::AskingBegins(_) | Self::Asked { .. } | Self::AskingEnds => NoticeLevel::Progress,
            Self::DefaultGate
            | Self::FirstRun(_)
            | Self::NoEarlyStopWithoutBaseline
            | Self::CannotStopEarly(_)
            | Self::OnlyDropStops(_) => NoticeLevel::Detail,
            Self::SuiteNote(_)
            | Self::SuiteGone { .. }
            | Self::HowToCompare(_)
            | Self::RunAnswered(_)
            | Self::VerdictNotKept { .. }
            | Self::Interrupted { .. } => NoticeLevel::Remark,
            Self::WillBeIncomplete(_) => NoticeLevel::EarlyWarning,
            Self::SuiteWarning(_)
            | Self::SuiteIsAnother { .. }
            | Self::BaselineWarning(_)
            | Self::Ungated(_)
            | Self::MarginUnresolved(_)
            | Self::BudgetReached { .. }
            | Self::CostUnknown { .. }
            | Self::AuditRecovered { .. }
            | Self::KeyExposed(_)
            | Self::JudgesLeftOut(_) => NoticeLevel::Warning,
            Self::BaselineMissing(_) | Self::Incomparable(_) => NoticeLevel::Error,
        }
    }
}

impl Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SuiteNote(text)
            | Self::SuiteWarning(text)
            | Self::BaselineWarning(text)
            | Self::FirstRun(text)
            | Self::Ungated(text)
            | Self::HowToCompare(text)
            | Self::KeyExposed(text)
            | Self::MarginUnresolved(text) => f.write_str(text),
            Self::DefaultGate => f.write_str(
                "no `gate:` in the suite: every metric is gated at alpha 0.05, margin 0.03",
            ),
            Self::SuiteGone { suite, kept } => {
                let (suite, kept) = (suite.display(), kept.display());
                write!(f, "the suite {suite} no longer exists; the gate is the one kept in {kept}")
            }
            Self::SuiteIsAnother { suite, found, own, kept } => {
                let (suite, kept) = (suite.display(), kept.display());
                write!(
                    f,
                    "{suite} is the suite `{found}` now, and the run is of `{own}`; the gate is the \
                     one kept in {kept}"
                )
            }
            Self::VerdictNotKept { path, why } => {
                write!(f, "{} was not written: {why}", path.display())
            }
            Self::WillBeIncomplete(why) => write!(f, "{why}: the run will end with exit code 4"),
            Self::NoEarlyStopWithoutBaseline => {
                f.write_str("without a baseline, a run cannot stop early")
            }
            Self::CannotStopEarly(why) => write!(f, "this run cannot stop early: {why}"),
            Self::OnlyDropStops(why) => write!(f, "only a drop can stop this run early: {why}"),
            Self::AskingBegins(asking) => {
                write!(f, "{} {}", asking.doing, counted(asking.total, "request"))
            }
            Self::Asked { .. } => f.write_str("a request ended"),
            Self::AskingEnds => f.write_str("nothing more is requested"),
            Self::BudgetReached { spent, left_out, run } => {
                write!(f, "Budget reached ({spent}); ")?;
                match left_out {
                    Some(1) => f.write_str("the remaining request was not sent"),
                    Some(left) => {
                        write!(f, "the remaining {} requests were not sent", count(*left))
                    }
                    None => f.write_str("the remaining requests to judges were not sent"),
                }?;
                let run = run.display();
                write!(f, ". `evalmark resume {run}` continues with a new budget")
            }
            Self::CostUnknown { model, left_out } => cost_unknown(f, model, *left_out),
            Self::Interrupted { run, batches } => interrupted(f, run, *batches),
            Self::BaselineMissing(error) | Self::Incomparable(error) => error.fmt(f),
            Self::RunAnswered(run) => write!(f, "{} has its answers", run.folder.path.display()),
            Self::AuditRecovered { path, line } => audit_recovered(f, path, *line),
            Self::JudgesLeftOut(error) => {
                write!(f, "the answers of judges are left out: {}", error.in_full())
            }
        }
    }
}

fn audit_recovered(f: &mut fmt::Formatter<'_>, path: &Path, line: u64) -> fmt::Result {
    let path = path.display();
    write!(
        f,
        "{path}:{line}: an earlier process was stopped while it wrote this line, which was taken out"
    )
}

fn cost_unknown(f: &mut fmt::Formatter<'_>, model: &str, left_out: Option<u64>) -> fmt::Result {
    write!(
        f,
        "model `{model}`: what an answer cost is unknown, because `cost_usd` does not find exactly one \
         number of at least 0 in it, and `--max-cost` cannot be kept"
    )?;
    match left_out {
        None => {}
        Some(1) => f.write_str("; the remaining request was not sent")?,
        Some(left) => write!(f, "; the remaining {} requests were not sent", count(left))?,
    }
    f.write_str(". Correct `cost_usd`, or give the model a `price`")
}

fn interrupted(f: &mut fmt::Formatter<'_>, run: &Path, batches: u64) -> fmt::Result {
    f.write_str("interrupted; every answer that arrived is kept")?;
    match batches {
        0 => {}
        1 => f.write_str(", and a batch goes on at the provider")?,
        n => write!(f, ", and {n} batches go on at their providers")?,
    }
    write!(f, ". Resume with:\n  evalmark resume {}", run.display())
}
