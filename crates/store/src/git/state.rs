//! What git says of the folders that suites are in, asked while the suites are read and checked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use super::repository::GitRepository;
use crate::run_record::GitState;

/// Questions to git that may not be answered yet.
#[derive(Debug)]
pub struct GitLookup(JoinHandle<Vec<Option<GitState>>>);

impl GitLookup {
    /// Asks about the folder of each suite.
    pub fn start(suites: &[PathBuf]) -> Self {
        let folders: Vec<_> = suites.iter().map(|suite| folder(suite).to_owned()).collect();
        Self(thread::spawn(move || {
            let mut known = BTreeMap::new();
            let state = |folder: PathBuf| {
                known.entry(folder).or_insert_with_key(|folder| ask(folder)).clone()
            };
            folders.into_iter().map(state).collect()
        }))
    }

    /// Waits for the answers, in the order of the suites; `None` outside git.
    pub fn finish(self) -> Vec<Option<GitState>> {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// What git says of the folder of one suite.
pub fn look_up(suite: &Path) -> Option<GitState> {
    ask(folder(suite))
}

fn folder(suite: &Path) -> &Path {
    let folder = suite.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The commit that is checked out, and whether what git tracks is as it was committed.
fn ask(folder: &Path) -> Option<GitState> {
    let git = GitRepository::open(folder).ok()?;
    let revision = git.head().ok()?.to_string();
    Some(GitState { revision, clean: git.is_clean().ok()? })
}
