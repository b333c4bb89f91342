//! Which folder of HELM's output is meant: that of a run, or the only one below the folder that is named.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::hint;
use crate::results::error::ResultsError;

/// The file that makes a folder one of a run.
const STATE: &str = "scenario_state.json";
/// Files that HELM's pages read: answers as they are shown, without the settings of the run, and not of all instances.
const SHOWN: [&str; 3] = ["display_predictions.json", "display_requests.json", "instances.json"];
/// Runs that an error names.
const NAMED: usize = 8;

/// A file of a run folder, which may be packed; `None` where it is not there.
pub(super) fn in_folder(folder: &Path, name: &str) -> Option<PathBuf> {
    let packed =
        ["", ".gz", ".zst"].into_iter().map(|ending| folder.join(format!("{name}{ending}")));
    packed.into_iter().find(|path| path.is_file())
}

fn is_run(folder: &Path) -> bool {
    in_folder(folder, STATE).is_some()
}

/// The folder of the run that a path means.
pub(super) fn run_folder(named: &Path) -> Result<PathBuf, ResultsError> {
    let name = named.display().to_string();
    if named.is_file() {
        // A file of a run folder stands for the folder.
        let folder = named.parent().filter(|folder| is_run(folder));
        let wrong = || {
            let shown = named.file_name().and_then(|name| name.to_str()).filter(|name| {
                SHOWN.iter().any(|shown| {
                    name.strip_prefix(shown)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
            });
            if shown.is_some() {
                return of_shown(&name, "is written");
            }
            hint(ResultsError::of_file(
                &name,
                format!("is a file, and there is no `{STATE}` beside it"),
            ))
        };
        return folder.map(Path::to_owned).ok_or_else(wrong);
    }
    if is_run(named) {
        return Ok(named.to_owned());
    }
    if !named.is_dir() {
        return Err(ResultsError::of_file(&name, "is not there"));
    }
    if let Some(shown) = SHOWN.iter().find(|shown| in_folder(named, shown).is_some()) {
        return Err(of_shown(&name, &format!("holds no `{STATE}`, and `{shown}` is written")));
    }
    let entries = fs::read_dir(named)
        .map_err(|error| ResultsError::of_file(&name, format!("cannot be read: {error}")))?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut runs: Vec<_> = folders.filter(|folder| is_run(folder)).collect();
    runs.sort();
    match &*runs {
        [] => Err(hint(ResultsError::of_file(&name, format!("holds no `{STATE}`")))),
        [only] => Ok(only.clone()),
        several => {
            let folders = several.iter().filter_map(|run| Some(run.file_name()?.to_string_lossy()));
            let first: Vec<_> = folders.take(NAMED).collect();
            let more = if several.len() > NAMED { ", …" } else { "" };
            let message = format!("holds {} runs: {}{more}", several.len(), first.join(", "));
            Err(ResultsError::of_file(&name, message).hint("name the folder of one of them"))
        }
    }
}

/// What HELM's pages read was given without what they were made of.
fn of_shown(name: &str, what: &str) -> ResultsError {
    let problem = format!("{what} for HELM's pages, from a run's answers and scores");
    let advice = format!(
        "name the folder of the run, which `helm-run` wrote: `benchmark_output/runs/SUITE/RUN` with `{STATE}` and `per_instance_stats.json`"
    );
    ResultsError::of_file(name, problem).hint(&advice)
}
