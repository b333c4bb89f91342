//! What a run is compared with: a baseline, or nothing, and then why.

use std::path::Path;

use evalmark_core::policy::BaselineNeed;
use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline, cannot_be_baseline},
    run_record::{RunOptions, RunRecord},
};

use crate::{
    Host, Notice, RunError,
    error::{Advised, Result},
    load::LoadedSuite,
};

/// What a run is compared with.
#[derive(Debug, Default)]
pub(crate) struct Against {
    pub baseline: Option<Baseline>,
    /// The baseline that was wanted and is not there.
    pub missing: Option<Missing>,
}

/// A baseline that is not there.
#[derive(Debug)]
pub(crate) struct Missing {
    wanted: WantedBaseline,
    /// Whether the suite or the command line says that there need not be one.
    pub is_allowed: bool,
}

impl Against {
    /// The baseline that the command line names, which must be there unless the run is the first;
    /// else the suite's.
    pub(crate) fn find(
        options: &RunOptions,
        is_asked_for: bool,
        out: &Path,
        loaded: &LoadedSuite,
        need: BaselineNeed,
    ) -> Result<Self> {
        let gate = loaded.suite.gate.as_ref();
        let named = options.baseline.as_ref().or(gate.and_then(|gate| gate.baseline.as_ref()));
        let Some(name) = named else { return Ok(Self::default()) };
        let of_suite = gate.and_then(|gate| gate.baseline_suite.clone());
        let wanted = WantedBaseline {
            name: name.clone(),
            suite: loaded.suite.name.clone(),
            of_suite: options.baseline_suite.clone().or(of_suite),
            out: out.to_owned(),
            suite_file: loaded.suite.path.clone(),
            dataset_hash: loaded.plan.profile.hash.clone(),
            metrics: loaded.metrics.iter().map(|metric| metric.name().to_owned()).collect(),
        };
        if let Some(baseline) = Baseline::find(&wanted)? {
            return Ok(Self { baseline: Some(baseline), missing: None });
        }
        let is_optional = gate.is_some_and(|gate| gate.baseline_optional);
        let is_allowed = may_be_missing(need, options.new_baseline, is_optional);
        if is_asked_for && !is_allowed {
            return Err(StoreError::from(wanted.missing(None)).into());
        }
        Ok(Self { baseline: None, missing: Some(Missing { wanted, is_allowed }) })
    }

    /// Whether the run decides something, before anything is asked: where it has to, a suite that gates
    /// nothing is an error; in a CI job, it is a warning.
    pub(crate) fn has_to_decide(&self, loaded: &LoadedSuite, host: &Host<'_>) -> Result<()> {
        if self.baseline.is_some() || self.missing.is_some() || has_minima(loaded) {
            return Ok(());
        }
        let ungated = UngatedSuite {
            suite: loaded.suite.name.clone(),
            what: if loaded.suite.gate.is_some() {
                "its gate names no baseline and no minimum"
            } else {
                "it has no gate"
            },
        };
        match host.policy.baseline {
            BaselineNeed::BySuite => Ok(()),
            BaselineNeed::InCi => {
                let warning = format!("{ungated}, so that this job passes whatever the scores are");
                host.notices.tell(&Notice::SuiteWarning(&warning));
                Ok(())
            }
            BaselineNeed::Always => Err(ungated.into()),
        }
    }

    /// Why the run will end as incomplete, before anything is asked.
    pub(crate) fn warning(&self) -> Option<String> {
        let missing = self.missing.as_ref().filter(|missing| !missing.is_allowed)?;
        Some(missing.says())
    }

    /// Why nothing is compared, in a sentence; `None` where something is.
    pub(crate) fn ungated(&self, loaded: &LoadedSuite) -> Option<String> {
        match (&self.baseline, &self.missing) {
            (Some(_), _) => None,
            (None, Some(missing)) => Some(missing.says()),
            (None, None) => {
                loaded.suite.gate.as_ref()?;
                (!has_minima(loaded)).then(|| {
                    "the gate names no baseline and no minimum: nothing was compared".to_owned()
                })
            }
        }
    }
}

/// Whether a suite's gate holds a metric to a limit of its own.
fn has_minima(loaded: &LoadedSuite) -> bool {
    let gate = loaded.suite.gate.as_ref();
    gate.is_some_and(|gate| gate.metrics.values().any(|gated| gated.min.is_some()))
}

/// Whether a baseline may be missing. `is_new` says the command line; `is_optional`, the suite.
pub(crate) fn may_be_missing(need: BaselineNeed, is_new: bool, is_optional: bool) -> bool {
    match need {
        BaselineNeed::BySuite => is_new || is_optional,
        BaselineNeed::InCi => is_new,
        BaselineNeed::Always => false,
    }
}

/// A suite that would decide nothing, where a baseline is required.
#[derive(Debug, thiserror::Error)]
#[error("the suite `{suite}` gates nothing: {what}")]
pub struct UngatedSuite {
    suite: String,
    what: &'static str,
}

impl Advised for UngatedSuite {
    fn hint(&self) -> Option<String> {
        let advice = "add `gate: { baseline: main }` to the suite, name a baseline with `--baseline \
                      NAME`, or leave `--require-baseline` away";
        Some(advice.to_owned())
    }
}

impl Missing {
    pub(crate) fn name(&self) -> &str {
        &self.wanted.name
    }

    /// What is said of a run that may be the first.
    pub(crate) fn first_run(&self, run: &Path, record: &RunRecord) -> String {
        let (name, run, promoted) = (self.name(), run.display(), self.wanted.promoted_name());
        match cannot_be_baseline(record) {
            None => format!(
                "no baseline `{name}` yet: `evalmark baseline promote {run} {promoted}` makes this run \
                 the one to compare with"
            ),
            Some(why) => format!("no baseline `{name}` yet, and this run cannot become one: {why}"),
        }
    }

    /// In a sentence.
    pub(crate) fn says(&self) -> String {
        let says = self.wanted.summary();
        if self.is_allowed { format!("{says} yet: nothing was compared") } else { says }
    }

    /// With what to do about it, where `run` may become the baseline.
    pub(crate) fn error(&self, run: Option<&Path>) -> RunError {
        StoreError::from(self.wanted.missing(run)).into()
    }
}

/// What to do where a gate names neither baseline nor minimum.
pub(crate) fn how_to_compare(run: &Path, record: &RunRecord) -> String {
    let first = match cannot_be_baseline(record) {
        None => run.display().to_string(),
        Some(_) => "RUN_DIR".to_owned(),
    };
    format!(
        "to compare later runs with this one: `evalmark baseline promote {first} main`, and \
         `baseline: main` under `gate`"
    )
}
