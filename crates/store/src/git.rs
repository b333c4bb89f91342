//! What git says of the folders that suites are in, asked while the suites are read and checked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    thread::{self, JoinHandle},
};

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

fn ask(folder: &Path) -> Option<GitState> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("--no-optional-locks")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let revision = git(&["rev-parse", "HEAD"])?;
    let clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(GitState { revision, clean })
}
