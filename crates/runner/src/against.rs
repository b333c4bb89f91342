//! What a run is compared with: a baseline, or nothing, and then why.

use std::path::Path;

use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline, cannot_be_baseline},
    run_record::{RunOptions, RunRecord},
};

use crate::{RunError, error::Result, load::LoadedSuite};

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
        let is_allowed = options.new_baseline || is_optional;
        if is_asked_for && !is_allowed {
            return Err(StoreError::from(wanted.missing(None)).into());
        }
        Ok(Self { baseline: None, missing: Some(Missing { wanted, is_allowed }) })
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
                let gate = loaded.suite.gate.as_ref()?;
                let has_minima = gate.metrics.values().any(|gated| gated.min.is_some());
                (!has_minima).then(|| {
                    "the gate names no baseline and no minimum: nothing was compared".to_owned()
                })
            }
        }
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
