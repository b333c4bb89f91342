//! A small suite asked again and again, held against the released baseline: whether the model that answers is
//! still the one that was released.
//!
//! [`canary_look`] makes one look; [`repeat_looks`] makes them on a timer. `streams.rs` makes streams of scores and of answers, which the verdict crate tests.

mod streams;
mod timer;

use std::{path::PathBuf, time::Duration};

use evalmark_core::{drift::DriftReport, number_format::counted, policy::BaselineNeed};
use evalmark_store::{
    LocalFolder,
    baseline::Baseline,
    canary::{CanaryLookRecord, CanaryState, FORMAT_VERSION, lock, path_of},
    run_record::{NamedHash, RunOptions},
};
use evalmark_verdict::{DriftError, DriftMonitor, DriftRule};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::streams::{Answers, Scores, Stream};
pub use self::timer::{CanaryClock, SystemClock, repeat_looks};
use crate::{
    BudgetLimits, Ending, Findings, Host, Notice, RunError,
    against::Against,
    error::{Advised, Hinted, Result},
    load::{LoadedSuite, load, metric_hashes},
    metric_scale::scales,
    redacted_keys::hide,
    run::{EndedRun, Run, RunEnd},
};

/// Seconds of a year.
const YEAR: u64 = 365 * 86_400;

/// What is looked at, and how.
#[derive(Clone, Debug)]
pub struct CanaryOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of run folders and baselines.
    pub out: PathBuf,
    /// How often a look is made.
    pub every: Duration,
    /// The chance of any false alarm in a year.
    pub alpha: f64,
    /// Whether earlier looks and their alarms are forgotten.
    pub restart: bool,
    /// What is asked of the suite, and how; the baseline, too.
    pub options: RunOptions,
    /// What a look may spend.
    pub budget: BudgetLimits,
}

/// What became of a look.
pub enum CanaryEnd {
    /// It was made.
    Looked(Box<CanaryLook>),
    /// Too many answers are missing: it does not count.
    Incomplete(Box<EndedRun>),
    /// It was interrupted, and does not count.
    Interrupted,
}

/// A look, with what all looks so far show.
pub struct CanaryLook {
    /// The suite's name.
    pub suite: String,
    /// The baseline.
    pub baseline: String,
    /// The folder of the run that asked.
    pub run_dir: PathBuf,
    /// Where the looks are kept.
    pub path: PathBuf,
    /// Whether this look raised an alarm.
    pub raised: bool,
    /// All streams.
    pub report: DriftReport,
}

/// Why there can be no canary.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// Nothing to hold answers against.
    #[error("a canary needs a baseline, and the suite's gate names none")]
    NoBaseline,
    /// The suite asks something else than the baseline's run did.
    #[error("the baseline `{baseline}` was made with {what}")]
    OtherBaseline {
        /// As it is named.
        baseline: String,
        /// What is different.
        what: String,
    },
    /// No metric of the suite has a score in the baseline.
    #[error("the baseline `{0}` has no score of a metric of this suite")]
    NoScores(String),
    /// The looks so far were made at another pace, or at another chance of false alarms: what they say would not hold.
    #[error("the looks so far were made with {before}, and not with {now}")]
    OtherPace {
        /// As it was.
        before: String,
        /// As it is asked for.
        now: String,
    },
    /// The looks so far cannot be gone on with.
    #[error("{} cannot be continued", .0.display())]
    State(PathBuf, #[source] serde_json::Error),
    /// The statistics refuse it.
    #[error(transparent)]
    Drift(#[from] DriftError),
}

impl CanaryOptions {
    fn rule(&self) -> DriftRule {
        let a_year = YEAR / self.every.as_secs().max(1);
        let looks_per_year = u32::try_from(a_year).unwrap_or(u32::MAX).max(1);
        DriftRule { alpha: self.alpha, looks_per_year, ..DriftRule::default() }
    }

    /// Whether looks that were made by this rule can go on as is asked for.
    fn goes_on(&self, before: &DriftRule) -> Result<(), CanaryError> {
        let now = self.rule();
        let pace = |rule: &DriftRule| {
            format!("{} a year", counted(u64::from(rule.looks_per_year), "look"))
        };
        let alpha = |rule: &DriftRule| format!("`--alpha {}`", rule.alpha);
        if before.looks_per_year != now.looks_per_year {
            return Err(CanaryError::OtherPace { before: pace(before), now: pace(&now) });
        }
        if before.alpha.to_bits() != now.alpha.to_bits() {
            return Err(CanaryError::OtherPace { before: alpha(before), now: alpha(&now) });
        }
        Ok(())
    }
}

impl Advised for CanaryError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoBaseline => "name one with `--baseline NAME`",
            Self::OtherBaseline { .. } | Self::NoScores(_) => {
                "promote a run of the suite as it is now: `evalmark baseline promote RUN_DIR NAME`"
            }
            Self::OtherPace { .. } => {
                "go on with the `--every` and `--alpha` of before, or begin anew with `--restart`, which forgets earlier looks and their alarms"
            }
            Self::State(..) => "begin anew with `--restart`",
            Self::Drift(_) => return None,
        };
        Some(hint.to_owned())
    }

    fn ending(&self) -> Option<Ending> {
        matches!(self, Self::NoBaseline | Self::OtherBaseline { .. } | Self::NoScores(_))
            .then_some(Ending::Incomplete)
    }
}

impl CanaryEnd {
    /// How the command ends: as a regression while any alarm stands.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Looked(look) if look.report.alarmed().next().is_some() => Ending::Regressed,
            Self::Looked(_) => Ending::Done,
            Self::Incomplete(run) => run.ending(evalmark_core::policy::Policy::default()),
            Self::Interrupted => Findings { is_interrupted: true, ..Findings::default() }
                .ending(evalmark_core::policy::Policy::default()),
        }
    }
}

/// Streams before a look.
enum Watched {
    /// As the looks so far left them.
    Before(Box<CanaryState>, Box<DriftMonitor>),
    /// The first look: scores are held against the baseline, and answers against those of its run, where that is
    /// still there.
    New(Vec<Stream>, Option<Answers>),
}

/// Asks the suite once, without answers of earlier runs, and tests all looks so far.
pub fn canary_look(of: &CanaryOptions, host: &Host<'_>) -> Result<CanaryEnd> {
    of.rule().check().map_err(CanaryError::from)?;
    let options = RunOptions { no_cache: true, ..of.options.clone() };
    let loaded = load(&of.suite, &options, host)?;
    let against = Against::find(&options, true, &of.out, &loaded, BaselineNeed::Always)?;
    let baseline = against.baseline.ok_or(CanaryError::NoBaseline)?;
    fits(&baseline, &loaded)?;
    let suite = loaded.suite.name.clone();
    let _lock = lock(&of.out, &suite)
        .map_err(RunError::new)
        .hint("another canary of this suite is at work: wait for it to end")?;
    let watched = watched(of, &loaded, &baseline, host)?;
    let prepared = Run::prepare_reference(loaded, &options, &of.out, of.budget, host)?;
    let run = Run::begin(prepared, None, None, host)?;
    let ended = run.answers("the next look asks anew")?;
    match ended.end {
        RunEnd::Interrupted => Ok(CanaryEnd::Interrupted),
        RunEnd::BrokenOff(error) => Err(error),
        RunEnd::Finished { .. } if ended.record.incomplete.is_some() => {
            Ok(CanaryEnd::Incomplete(Box::new(ended)))
        }
        RunEnd::Finished { .. } => {
            let look = test(of, &baseline, watched, &ended)?;
            Ok(CanaryEnd::Looked(Box::new(look)))
        }
    }
}

/// What is known before the look.
fn watched(
    of: &CanaryOptions,
    loaded: &LoadedSuite,
    baseline: &Baseline,
    host: &Host<'_>,
) -> Result<Watched> {
    let suite = &loaded.suite.name;
    let before = if of.restart { None } else { earlier(of, suite, baseline, host)? };
    if let Some(mut state) = before {
        let monitor: DriftMonitor = serde_json::from_value(state.streams.take())
            .map_err(|error| CanaryError::State(path_of(&of.out, suite), error))?;
        of.goes_on(monitor.rule())?;
        return Ok(Watched::Before(Box::new(state), Box::new(monitor)));
    }
    let scores = Scores::read(&baseline.folder)?;
    let streams = scores.streams(&scales(loaded)).map_err(CanaryError::from)?;
    if streams.is_empty() {
        return Err(CanaryError::NoScores(baseline.name.clone()).into());
    }
    Ok(Watched::New(streams, Answers::of_baseline(baseline, &of.out, suite)))
}

/// Takes a look in, tests, and keeps the state.
fn test(
    of: &CanaryOptions,
    baseline: &Baseline,
    watched: Watched,
    ended: &EndedRun,
) -> Result<CanaryLook> {
    let answers = Answers::read(&ended.folder)?;
    let (mut state, mut monitor, is_reference) = begun(of, baseline, watched, &answers, ended)?;
    // Looks are told apart by their second.
    let next = state.looks.last().map_or(i64::MIN, |last| last.at.saturating_add(1));
    let at = Timestamp::now().as_second().max(next);
    Scores::read(&ended.folder)?.observe(&ended.record.scales, &mut monitor);
    if !is_reference {
        answers.observe(&mut monitor);
    }
    let raised = monitor.close_look(at);
    let path = path_of(&of.out, &state.suite);
    state.looks.push(CanaryLookRecord { at, run_id: ended.record.run_id.clone() });
    state.streams =
        serde_json::to_value(&monitor).map_err(|error| CanaryError::State(path.clone(), error))?;
    state.write(&LocalFolder::new(&of.out), hide)?;
    Ok(CanaryLook {
        suite: state.suite,
        baseline: state.baseline,
        run_dir: ended.folder.path.clone(),
        path,
        raised,
        report: monitor.report(),
    })
}

/// The streams as they were left, or new ones, and whether these answers are what later ones are held against.
fn begun(
    of: &CanaryOptions,
    baseline: &Baseline,
    watched: Watched,
    answers: &Answers,
    ended: &EndedRun,
) -> Result<(CanaryState, DriftMonitor, bool), CanaryError> {
    let (mut streams, released) = match watched {
        Watched::Before(state, monitor) => return Ok((*state, *monitor, false)),
        Watched::New(streams, released) => (streams, released),
    };
    streams.extend(released.as_ref().unwrap_or(answers).streams()?);
    let state = CanaryState {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: ended.record.suite.clone(),
        baseline: baseline.name.clone(),
        baseline_digest: baseline.digest.clone(),
        looks: Vec::new(),
        streams: Value::Null,
    };
    Ok((state, DriftMonitor::new(of.rule(), streams)?, released.is_none()))
}

/// The looks so far, unless they were held against another baseline.
fn earlier(
    of: &CanaryOptions,
    suite: &str,
    baseline: &Baseline,
    host: &Host<'_>,
) -> Result<Option<CanaryState>> {
    let state = CanaryState::find(&LocalFolder::new(&of.out), suite)
        .map_err(RunError::new)
        .hint("begin anew with `--restart`")?;
    let (same, other): (Option<_>, Option<_>) = match state {
        Some(state) if state.baseline_digest == baseline.digest => (Some(state), None),
        other => (None, other),
    };
    if other.is_some() {
        let told = format!(
            "the baseline `{}` is not the one of earlier looks: the canary begins anew",
            baseline.name
        );
        host.notices.tell(&Notice::BaselineWarning(&told));
    }
    Ok(same)
}

/// Whether the baseline's run asked the same.
fn fits(baseline: &Baseline, loaded: &LoadedSuite) -> Result<(), CanaryError> {
    let before = &baseline.record;
    let other = |what: String| CanaryError::OtherBaseline { baseline: baseline.name.clone(), what };
    if before.dataset_hash != loaded.plan.profile.hash {
        return Err(other("other items of the dataset".to_owned()));
    }
    let plan = &loaded.plan;
    let prompts = plan.prompts.iter();
    let prompts =
        prompts.map(|one| NamedHash { name: one.name.to_string(), hash: one.hash.to_string() });
    let prompts: Vec<_> = prompts.collect();
    for (what, now, then) in
        [("prompt", &prompts, &before.prompts), ("metric", &metric_hashes(loaded), &before.metrics)]
    {
        if let Some(new) = now.iter().find(|one| !then.contains(one)) {
            return Err(other(format!("another {what} `{}`, or none", new.name)));
        }
    }
    let mut models = plan.candidates.iter().map(|&at| &*plan.models[at].name);
    match models.find(|&model| !before.models.iter().any(|one| one == model)) {
        Some(model) => Err(other(format!("no model `{model}`"))),
        None => Ok(()),
    }
}

/// A look, for programs.
pub fn canary_document(look: &CanaryLook, exit_code: u8) -> Value {
    json!({
        "suite": look.suite,
        "baseline": look.baseline,
        "run_dir": look.run_dir,
        "path": look.path,
        "raised": look.raised,
        "drift": look.report,
        "exit_code": exit_code,
    })
}
