//! `evalmark init --ci SERVICE` alone: a recipe for suites that are there already.

use std::path::Path;

use serde::Serialize;

use super::{
    ci_recipe::CiService,
    error::FirstSuiteError,
    new_files::{FileOutcome, NewFiles, WrittenFile},
    next_steps::{change_folder, git_add, way_below},
};

/// A recipe that was added.
#[derive(Clone, Debug, Serialize)]
pub struct AddedRecipe {
    /// Its file.
    pub files: Vec<WrittenFile>,
    /// What the job lacks yet.
    pub warnings: Vec<String>,
    /// The commands that come next, in order.
    pub next: Vec<String>,
}

/// Adds the recipe of a CI service to a folder's suites, which stay as they are.
pub fn add_recipe(
    service: CiService,
    folder: &Path,
    force: bool,
) -> Result<AddedRecipe, FirstSuiteError> {
    let replace = if force { FileOutcome::Replaced } else { FileOutcome::New };
    let mut files = NewFiles::default();
    let mut warnings = match service.write(folder, None, replace, &mut files) {
        Ok(warnings) => warnings,
        Err(error) => {
            files.take_back();
            return Err(error);
        }
    };
    if !has_suites(&folder.join("suites")) {
        warnings.push("there is no suites/*.yaml yet: the job fails until there is one".to_owned());
    }
    if !folder.join("reports/baselines").is_dir() {
        let text = "there is no baseline in reports/baselines yet: the job fails until one is promoted and \
                    committed";
        warnings.push(text.to_owned());
    }
    let paths: Vec<_> = files.paths().iter().map(|path| way_below(folder, path)).collect();
    let next = change_folder(folder).into_iter().chain([git_add(&paths)]).collect();
    Ok(AddedRecipe { files: files.keep(), warnings, next })
}

/// Whether the recipes find a suite there.
fn has_suites(folder: &Path) -> bool {
    let is_suite =
        |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|ending| ending == "yaml");
    std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_suite))
}
