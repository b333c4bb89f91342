//! `evalmark init --ci` where there are suites already: the recipe alone.

use std::path::{Path, PathBuf};

use evalmark_core::model::Provider;
use serde::Serialize;

use super::{
    ci_recipe::CiService,
    create::FirstSuiteOptions,
    error::FirstSuiteError,
    new_files::{NewFiles, WrittenFile},
};
use crate::{Host, LoadedSuite, RunOptions, load};

/// A recipe that was added to suites that were there.
#[derive(Clone, Debug, Serialize)]
pub struct AddedRecipe {
    /// Files, with what became of each.
    pub files: Vec<WrittenFile>,
    /// What is worth a warning.
    pub warnings: Vec<String>,
    /// The commands that come next, in order.
    pub next: Vec<String>,
}

impl FirstSuiteOptions {
    /// The service whose recipe is all that is wanted: nothing is said of a suite, and some are there.
    #[must_use]
    pub fn recipe_only(&self) -> Option<CiService> {
        let says = [&self.target, &self.provider, &self.model, &self.base_url, &self.name];
        let is_new = self.example || self.dataset.is_some() || says.iter().any(|one| one.is_some());
        self.ci.filter(|_| !is_new && !suites_of(&self.folder).is_empty())
    }
}

/// Writes the recipe, with the keys that the suites name; or nothing.
pub fn add_recipe(
    ci: CiService,
    options: &FirstSuiteOptions,
    host: &Host<'_>,
) -> Result<AddedRecipe, FirstSuiteError> {
    let (mut keys, mut warnings) = (Vec::new(), Vec::new());
    for path in suites_of(&options.folder) {
        match load(&path, &RunOptions::default(), host) {
            Ok(suite) => {
                keys.extend(keys_of(&suite));
                if suite.suite.gate.is_none() {
                    let path = path.display();
                    warnings.push(format!("the job fails until {path} has a gate"));
                }
            }
            Err(_) => warnings.push(format!(
                "{} has mistakes, which `evalmark check` names; its keys are not in the recipe",
                path.display()
            )),
        }
    }
    keys.sort();
    keys.dedup();
    let mut files = NewFiles::default();
    let written = ci.write(&options.folder, &keys, options.replaces(), &mut files)?;
    warnings.splice(0..0, written.remarks);
    let next = vec![format!("git add {}", written.path.display())];
    Ok(AddedRecipe { files: files.keep(), warnings, next })
}

/// Suites of a folder, by name.
fn suites_of(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder.join("suites")) else { return Vec::new() };
    let is_suite = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
    let mut suites: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_suite).collect();
    suites.sort();
    suites
}

fn keys_of(suite: &LoadedSuite) -> Vec<String> {
    let keys = |provider: &Provider| match provider {
        Provider::Server(server) => server.key.variables().to_vec(),
        _ => Vec::new(),
    };
    suite.suite.models.iter().flat_map(|model| keys(&model.provider)).collect()
}
