//! Where a baseline is looked for, and what is said where there is none.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::suite::{file_name, near_and_known};

use super::{BaselineError, baselines_in, folders, slot::Slot};
use crate::{
    named_run::advice,
    run_folder::{BASELINES, RunFolder},
    run_record::RunRecord,
};

/// Folders above a suite's own in which baselines are looked for, where there is no repository.
const FOLDERS_ABOVE: usize = 1;

/// A baseline that something is to be compared with.
#[derive(Clone, Debug)]
pub struct WantedBaseline {
    /// Its name, or the folder of a baseline or run.
    pub name: String,
    /// The suite of what is compared with it.
    pub suite: String,
    /// The suite that it was made by, where that was called otherwise.
    pub of_suite: Option<String>,
    /// The folder for run folders and baselines.
    pub out: PathBuf,
    /// The file of the suite of what is compared with it.
    pub suite_file: PathBuf,
    /// BLAKE3 of the items of what is compared with it, as `run.json` has it.
    pub dataset_hash: String,
    /// Names of the metrics of what is compared with it.
    pub metrics: Vec<String>,
}

impl WantedBaseline {
    /// The baseline `name` of a run's suite.
    pub fn of_run(
        name: &str,
        of_suite: Option<&str>,
        folder: &RunFolder,
        record: &RunRecord,
    ) -> Self {
        Self {
            name: name.to_owned(),
            suite: record.suite.clone(),
            of_suite: of_suite.map(str::to_owned),
            out: folder.out(),
            suite_file: record.suite_file(),
            dataset_hash: record.dataset_hash.clone(),
            metrics: record.metrics.iter().map(|metric| metric.name.clone()).collect(),
        }
    }

    /// The suite whose baselines are looked through.
    pub(super) fn owner(&self) -> &str {
        self.of_suite.as_deref().unwrap_or(&self.suite)
    }

    /// Folders that hold the suite's baselines, the first that has the name wins: that of the
    /// output folder, and those of the suite's repository from the suite's folder upwards.
    pub(super) fn shelves(&self) -> Vec<PathBuf> {
        let mut shelves = vec![self.out.join(BASELINES)];
        let above = above(&self.suite_file).into_iter();
        for shelf in above.map(|folder| folder.join("reports/baselines")) {
            if shelves.iter().all(|known| !is_same(known, &shelf)) {
                shelves.push(shelf);
            }
        }
        shelves.into_iter().map(|shelf| shelf.join(self.owner())).collect()
    }

    /// Where it is.
    pub(super) fn place(&self) -> Option<PathBuf> {
        let slots = self.slots();
        if let Some(path) = slots.iter().find_map(Slot::current) {
            return Some(path.to_owned());
        }
        let suite = self.suite_file.parent().unwrap_or(Path::new("."));
        let mut as_path = [PathBuf::from(&self.name), suite.join(&self.name)].into_iter();
        as_path.find(|path| path.join("run.json").is_file())
    }

    /// The places that have its name.
    fn slots(&self) -> Vec<Slot> {
        if file_name(&self.name).is_err() {
            return Vec::new();
        }
        self.shelves().iter().map(|shelf| Slot::new(shelf, &self.name)).collect()
    }

    /// Fails where the baseline that was found is another suite's.
    pub(super) fn fits(&self, found: &RunRecord) -> Result<(), BaselineError> {
        if found.suite == self.suite || self.of_suite.as_ref() == Some(&found.suite) {
            return Ok(());
        }
        Err(BaselineError::OtherSuite {
            name: self.name.clone(),
            owner: found.suite.clone(),
            suite: self.suite.clone(),
            may_be_renamed: self.may_be_earlier(found),
        })
    }

    /// Whether a baseline of another suite may be of this one under an earlier name: it has the same
    /// items, or metrics of the same names.
    fn may_be_earlier(&self, found: &RunRecord) -> bool {
        let earlier: BTreeSet<_> = found.metrics.iter().map(|metric| &metric.name).collect();
        found.dataset_hash == self.dataset_hash || earlier == self.metrics.iter().collect()
    }

    /// The name that a promoted run can have, as an argument.
    pub fn promoted_name(&self) -> &str {
        if file_name(&self.name).is_ok() { &self.name } else { "NAME" }
    }

    /// What is missing, in a clause.
    pub fn summary(&self) -> String {
        format!("there is no baseline `{}` of the suite `{}`", self.name, self.owner())
    }

    /// The error where there is none; `run` may become the baseline.
    pub fn missing(&self, run: Option<&Path>) -> BaselineError {
        BaselineError::Missing { summary: self.summary(), hint: self.advice(run) }
    }

    /// The error where something that may be a run's folder, too, is neither.
    pub fn not_a_run(&self) -> BaselineError {
        let summary = format!(
            "`{}` is neither a run folder nor a baseline of the suite `{}`",
            self.name,
            self.owner()
        );
        let run = advice(Path::new(&self.name), &self.out).ok();
        let hints: Vec<_> = self.near_miss().into_iter().chain(run).collect();
        BaselineError::NotARun { summary, hint: hints.join("; ") }
    }

    /// What to do about it.
    fn advice(&self, run: Option<&Path>) -> String {
        let mut advice = Vec::new();
        advice.extend(self.near_miss());
        advice.extend(self.of_another_suite());
        advice.extend(self.half_there());
        let shelves: Vec<_> = self.shelves().iter().map(|shelf| shown(shelf)).collect();
        advice.push(format!("looked in {} and for a folder of that name", shelves.join(", ")));
        let name = self.promoted_name();
        let (run, which) = match run {
            Some(run) => (run.display().to_string(), "this run"),
            None => ("RUN_DIR".to_owned(), "a run"),
        };
        advice.push(format!(
            "`evalmark baseline promote {run} {name}` makes {which} the baseline; `--new-baseline` \
             (or `gate.baseline_optional: true`) says that there is none yet"
        ));
        advice.join("; ")
    }

    fn near_miss(&self) -> Option<String> {
        let known: Vec<String> = self
            .shelves()
            .iter()
            .flat_map(|shelf| baselines_in(shelf).unwrap_or_default())
            .collect();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        near_and_known(&self.name, &known, "the suite's baselines")
    }

    /// A baseline of that name which another suite has: the suite may have been renamed.
    fn of_another_suite(&self) -> Option<String> {
        let shelves = self.shelves().into_iter().filter_map(|s| Some(s.parent()?.to_owned()));
        let mut owners = shelves.flat_map(|shelf| {
            let suites = folders(&shelf).unwrap_or_default();
            let has = |suite: &String| {
                let path = shelf.join(suite).join(&self.name);
                RunFolder { path }.read().is_ok_and(|found| self.may_be_earlier(&found))
            };
            suites.into_iter().filter(has).collect::<Vec<_>>()
        });
        let owner = owners.find(|owner| owner != self.owner())?;
        Some(format!(
            "the suite `{owner}` has one; if that is this suite's earlier name, say so with \
             `--baseline-suite {owner}` or `gate.baseline_suite: {owner}`"
        ))
    }

    /// The folder of a baseline whose scores are there, and whose record is not.
    pub(super) fn without_record(&self) -> Option<PathBuf> {
        let mut paths = self.slots().into_iter().map(|slot| slot.path);
        paths.find(|path| path.join("scores.parquet").is_file() && !path.join("run.json").is_file())
    }

    /// A folder of that name that holds no run record.
    fn half_there(&self) -> Option<String> {
        let is_half = |path: &PathBuf| path.is_dir() && !path.join("run.json").is_file();
        let half = self.slots().into_iter().map(|slot| slot.path).find(is_half)?;
        Some(format!("{} has no run.json", shown(&half)))
    }
}

/// The suite's folder and those above it, up to the root of its repository; outside one, the few
/// next.
fn above(suite_file: &Path) -> Vec<PathBuf> {
    let Ok(file) = fs::canonicalize(suite_file) else { return Vec::new() };
    let folders: Vec<_> = file.ancestors().skip(1).map(Path::to_owned).collect();
    let root = folders.iter().position(|folder| folder.join(".git").exists());
    let count = 1 + root.unwrap_or(FOLDERS_ABOVE);
    folders.into_iter().take(count).collect()
}

fn is_same(a: &Path, b: &Path) -> bool {
    let absolute = |path: &Path| {
        fs::canonicalize(path)
            .or_else(|_| std::path::absolute(path))
            .unwrap_or_else(|_| path.to_owned())
    };
    absolute(a) == absolute(b)
}

/// A path from the working folder, where it lies below that.
fn shown(path: &Path) -> String {
    let here = fs::canonicalize(".").ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.as_deref().unwrap_or(path).display().to_string()
}
