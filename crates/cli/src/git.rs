//! What git says of the folder that a suite is in, asked while the suite is read and checked.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread::{self, JoinHandle},
};

use serde::{Deserialize, Serialize};

/// The source tree that a suite came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Git {
    pub(crate) revision: String,
    pub(crate) clean: bool,
}

/// A question to git that may not be answered yet.
pub(crate) struct Lookup(JoinHandle<Option<Git>>);

impl Lookup {
    /// Asks about the folder of the suite at this path.
    pub(crate) fn start(suite: &Path) -> Self {
        let folder = suite.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder: PathBuf = folder.unwrap_or(Path::new(".")).into();
        Self(thread::spawn(move || ask(&folder)))
    }

    /// Waits for the answer; `None` outside git.
    pub(crate) fn finish(self) -> Option<Git> {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn ask(folder: &Path) -> Option<Git> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let revision = git(&["rev-parse", "HEAD"])?;
    let clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(Git { revision, clean })
}
