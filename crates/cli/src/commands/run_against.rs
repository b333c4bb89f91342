//! `evalmark run --against REV`: what the suites asked at a revision is run first, and is what they are compared with.

use std::path::PathBuf;

use anyhow::Result;
use evalmark_runner::{
    BudgetLimits, Host, LoadedSuite, PreparedRun, Run, RunEnd, load_all, state_at,
};
use evalmark_store::run_record::RunOptions;

use super::run::RunArgs;
use crate::print::Printer;

/// A suite on its way to be run.
pub(super) struct Planned {
    prepared: PreparedRun,
    reference: Option<Reference>,
}

/// What a suite asked at a commit, ready to be run.
struct Reference {
    prepared: PreparedRun,
    run_id: Option<String>,
    commit: String,
}

/// Loads every suite as it asked at a commit, too, so that all are checked before anything is asked.
pub(super) fn plan_against(
    suites: &[PathBuf],
    loaded: Vec<LoadedSuite>,
    commit: &str,
    options: &RunOptions,
    args: &RunArgs,
    host: &Host<'_>,
) -> Result<Vec<Planned>> {
    let limits = args.budget.limits();
    let then =
        RunOptions { asked_at: Some(commit.to_owned()), prompts_at: None, ..options.clone() };
    let run_id = args.run_id.as_ref().map(|id| format!("{id}-base"));
    let plan = |(now, before)| {
        let prepared = Run::prepare_reference(before, &then, &args.out, limits, host)?;
        let (run_id, commit) = (run_id.clone(), commit.to_owned());
        let reference = Some(Reference { prepared, run_id, commit });
        let prepared = Run::prepare_uncompared(now, options, &args.out, limits, host)?;
        Ok(Planned { prepared, reference })
    };
    loaded.into_iter().zip(load_all(suites, &then, host)?).map(plan).collect()
}

impl Planned {
    /// A suite that is compared with no revision.
    pub(super) fn alone(prepared: PreparedRun) -> Self {
        Self { prepared, reference: None }
    }

    /// Runs what comes first, and returns what comes then; `None` where that was interrupted.
    pub(super) fn ready(
        self,
        limits: BudgetLimits,
        printer: Printer,
        host: &Host<'_>,
    ) -> Result<Option<PreparedRun>> {
        let Some(reference) = self.reference else { return Ok(Some(self.prepared)) };
        let git = Some(state_at(&reference.commit));
        let begun = Run::begin(reference.prepared, reference.run_id.as_deref(), git, host)?;
        let ended = begun.finish()?;
        match ended.end {
            RunEnd::Interrupted => return Ok(None),
            RunEnd::BrokenOff(error) => return Err(error.into()),
            RunEnd::Finished { .. } => {}
        }
        let folder = ended.folder.path;
        let short: String = reference.commit.chars().take(10).collect();
        printer.remark(&format!("as it asked at {short}: {}", folder.display()));
        let limits = limits.after(ended.spent);
        Ok(Some(self.prepared.compare_with(&folder, limits, host)?))
    }
}
