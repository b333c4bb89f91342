//! What is wrong with a suite as CI systems show it: at the line of its file, or of the prompt's.

use std::path::Path;

use evalmark_core::{
    policy::Consequence,
    source_place::{SourcePlace, relative_path, source_root},
    suite::{Mistake, SuiteError},
};
use evalmark_report::finding::{Finding, Rule};

use crate::RunError;

/// What `errors` say of the suite at `path`, which was read in `working_dir`.
pub fn suite_findings(path: &Path, errors: &[RunError], working_dir: &Path) -> Vec<Finding> {
    let tree = Tree::of(path, working_dir);
    let of_error = |error: &RunError| {
        if let Some(SuiteError::Wrong(mistakes)) = error.find::<SuiteError>() {
            return mistakes.list.iter().map(|mistake| of_mistake(path, mistake, &tree)).collect();
        }
        let hints = error.hints().into_iter().map(|hint| format!("hint: {hint}"));
        let message = std::iter::once(error.in_full()).chain(hints).collect();
        vec![finding(message, tree.place(path, 1), None)]
    };
    errors.iter().flat_map(of_error).collect()
}

/// The source tree that a suite is in.
struct Tree<'a> {
    working_dir: &'a Path,
    root: std::path::PathBuf,
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
        rule: Rule::InvalidSuite,
        consequence: Consequence::Failure,
        title: "the suite has a mistake".to_owned(),
        message,
        place: Some(place),
        column,
        identity,
    }
}
