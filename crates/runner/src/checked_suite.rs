//! A suite that was checked: what it comes to, and what is wrong with it, for programs and at the line of its file or of
//! the prompt's.

use std::path::{Path, PathBuf};

use evalmark_core::{
    policy::Consequence,
    source_place::{SourcePlace, relative_path, source_root},
    suite::{Mistake, SuiteError},
};
use evalmark_report::finding::{Finding, FindingRule};

use evalmark_store::run_record::RunOptions;
use serde_json::{Value, json};

use crate::{Host, LoadedSuite, RunError, load::load, programs::program_remarks};

/// A suite that was looked at.
pub struct CheckedSuite {
    /// Its file.
    pub path: PathBuf,
    /// `None` where it cannot be run.
    pub loaded: Option<LoadedSuite>,
    /// What is wrong with it.
    pub errors: Vec<RunError>,
    /// What a run of it would start, and what of that is missing.
    pub remarks: Vec<String>,
}

impl CheckedSuite {
    /// Reads and checks a suite; asks nothing.
    pub fn check(path: &Path, host: &Host<'_>) -> Self {
        let path = path.to_owned();
        match load(&path, &RunOptions::default(), host) {
            Ok(loaded) => {
                let refused = loaded.check_keys(host).err();
                let receivers = host.check_receivers(&loaded.suite.receivers).err();
                let errors = refused.into_iter().map(RunError::from);
                let errors = errors.chain(receivers.map(RunError::from)).collect();
                let remarks = program_remarks(&loaded, host);
                Self { path, loaded: Some(loaded), errors, remarks }
            }
            Err(error) => Self { path, loaded: None, errors: vec![error], remarks: Vec::new() },
        }
    }

    /// What a CI system shows of it, which was read in `working_dir`: mistakes, and what is unwise.
    pub fn findings(&self, working_dir: &Path) -> Vec<Finding> {
        let tree = Tree::of(&self.path, working_dir);
        let mistakes = self.errors.iter().flat_map(|error| of_error(&self.path, error, &tree));
        let warnings = self
            .loaded
            .iter()
            .flat_map(|loaded| loaded.suite.warnings.iter().chain(loaded.plan.warnings.iter()));
        let unwise = warnings.map(|warning| Finding {
            rule: FindingRule::UnwiseSuite,
            consequence: Consequence::Warning,
            title: "the suite is unwise".to_owned(),
            ..finding(vec![warning.clone()], tree.place(&self.path, 1), None)
        });
        mistakes.chain(unwise).collect()
    }

    /// It for programs: what it comes to, and what is wrong with it.
    pub fn json(&self) -> Value {
        let plan = self.loaded.as_ref().map(|loaded| &loaded.plan);
        let metrics = self.loaded.as_ref().map(|loaded| loaded.metrics.len());
        let errors = self.errors.iter().flat_map(|error| match error.find::<SuiteError>() {
            Some(SuiteError::Wrong(mistakes)) => mistakes.list.iter().map(mistake).collect(),
            _ => vec![json!({
                "line": null,
                "column": null,
                "message": error.in_full(),
                "hint": error.hints().first(),
            })],
        });
        json!({
            "path": self.path,
            "suite": self.loaded.as_ref().map(|loaded| &loaded.suite.name),
            "is_valid": self.errors.is_empty(),
            "prompts": plan.map(|plan| plan.prompts.len()),
            "models": plan.map(|plan| plan.candidates.len()),
            "items": plan.map(|plan| plan.profile.n_items),
            "epochs": plan.map(|plan| plan.epochs),
            "samples": plan.map(evalmark_core::plan::Plan::n_samples),
            "metrics": metrics,
            "remarks": self.loaded.as_ref().map(|_| &self.remarks),
            "errors": errors.collect::<Vec<_>>(),
        })
    }
}

fn mistake(mistake: &Mistake) -> Value {
    let place = Some(mistake.position).filter(|position| position.line > 0);
    json!({
        "line": place.map(|position| position.line),
        "column": place.map(|position| position.column),
        "message": mistake.message,
        "hint": mistake.hint,
    })
}

fn of_error(path: &Path, error: &RunError, tree: &Tree<'_>) -> Vec<Finding> {
    if let Some(SuiteError::Wrong(mistakes)) = error.find::<SuiteError>() {
        return mistakes.list.iter().map(|mistake| of_mistake(path, mistake, tree)).collect();
    }
    let hints = error.hints().into_iter().map(|hint| format!("hint: {hint}"));
    let message = std::iter::once(error.in_full()).chain(hints).collect();
    vec![finding(message, tree.place(path, 1), None)]
}

/// The source tree that a suite is in.
struct Tree<'a> {
    working_dir: &'a Path,
    root: PathBuf,
}

impl<'a> Tree<'a> {
    fn of(suite: &Path, working_dir: &'a Path) -> Self {
        let suite = std::fs::canonicalize(suite).unwrap_or_else(|_| working_dir.join(suite));
        Self { working_dir, root: source_root(&suite, working_dir).to_owned() }
    }

    fn place(&self, path: &Path, line: u64) -> SourcePlace {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| self.working_dir.join(path));
        SourcePlace { path: relative_path(&real, &self.root), line }
    }
}

fn of_mistake(path: &Path, mistake: &Mistake, tree: &Tree<'_>) -> Finding {
    let Mistake { position, message, hint, elsewhere } = mistake;
    let hint = hint.iter().map(|hint| format!("hint: {hint}"));
    let message = std::iter::once(message.clone()).chain(hint).collect();
    if let Some(place) = elsewhere {
        return finding(message, tree.place(&place.path, place.line), None);
    }
    let column = Some(position.column).filter(|column| *column > 0);
    finding(message, tree.place(path, position.line.max(1)), column)
}

fn finding(message: Vec<String>, place: SourcePlace, column: Option<u64>) -> Finding {
    let identity = [place.path.clone()].into_iter().chain(message.first().cloned()).collect();
    Finding {
        rule: FindingRule::InvalidSuite,
        consequence: Consequence::Failure,
        title: "the suite has a mistake".to_owned(),
        message,
        place: Some(place),
        column,
        identity,
    }
}
