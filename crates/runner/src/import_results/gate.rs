//! The verdict on two results of another tool: both become runs, and the later one is gated against the earlier.

use evalmark_core::tool_results::ToolResults;

use super::{ImportOptions, ImportedRun, import_side, record::suite_name};
use crate::{
    EndedRunGate, Ending, GateOptions, Host,
    error::{Advised, Hinted, Result},
    gate::gate,
    run_id::new_run_id,
};

/// Both runs, and the verdict.
pub struct GatedResults {
    /// The earlier results.
    pub before: ImportedRun,
    /// The later ones, whose folder keeps the verdict.
    pub after: ImportedRun,
    /// The verdict.
    pub gate: EndedRunGate,
}

/// Imports both results and gates the later ones against the earlier. `as_it_is` decides on the scores that there
/// are, even where too many are missing.
pub fn gate_results(
    [before, after]: [&ToolResults; 2],
    options: &ImportOptions,
    as_it_is: bool,
    host: &Host<'_>,
) -> Result<GatedResults> {
    same_task(before, after)?;
    let suite = options.suite.clone().unwrap_or_else(|| suite_name(after));
    let run_id = options.run_id.clone().unwrap_or_else(new_run_id);
    let of = |which: &str| ImportOptions {
        suite: Some(suite.clone()),
        run_id: Some(format!("{run_id}-{which}")),
        ..options.clone()
    };
    let earlier = before;
    let before = import_side(earlier, Some(after), &of("before"))?;
    let after =
        import_side(after, Some(earlier), &of("after")).inspect_err(|_| before.folder.discard())?;
    let gated = GateOptions {
        baseline: before.folder.path.display().to_string(),
        baseline_suite: None,
        new_baseline: false,
        as_it_is,
    };
    let gate = gate(&after.folder.path, &gated, host)?;
    Ok(GatedResults { before, after, gate })
}

/// Fails where the two are results of different tasks.
fn same_task(before: &ToolResults, after: &ToolResults) -> Result<()> {
    match (&before.task, &after.task) {
        (Some(a), Some(b)) if a != b => {
            let (before, after) = (a.clone(), b.clone());
            Err(OtherTask { before, after }).ends(Ending::Incomplete)
        }
        _ => Ok(()),
    }
}

/// Two results that are not of the same task.
#[derive(Debug, thiserror::Error)]
#[error("the results cannot be compared: BEFORE is of `{before}`, AFTER is of `{after}`")]
pub struct OtherTask {
    before: String,
    after: String,
}

impl Advised for OtherTask {
    fn hint(&self) -> Option<String> {
        Some("name two files of one task".to_owned())
    }
}
