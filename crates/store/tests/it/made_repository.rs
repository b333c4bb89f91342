//! A git repository that the program `git` makes, in which every commit is a minute later than the last. Tests of other
//! crates use it, too.

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A repository.
pub(crate) struct MadeRepository {
    pub(crate) root: PathBuf,
    pub(crate) minute: Cell<u64>,
}

impl MadeRepository {
    /// An empty one in an empty folder; `more` stands behind `git init`.
    pub(crate) fn new(root: PathBuf, more: &[&str]) -> Self {
        let made = Self { root, minute: Cell::new(0) };
        made.git(&[&["init", "-q", "-b", "main"], more].concat());
        made
    }

    /// What git says in it.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.root, arguments)
    }

    /// What git says in another folder.
    pub(crate) fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.tried_in(folder, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// How git ends, which may fail.
    pub(crate) fn tried_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        let minute = self.minute.get();
        let date = format!("2026-01-01T{:02}:{:02}:00+02:00", minute / 60, minute % 60);
        Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(folder)
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    /// Commits all that there is, and returns the commit.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.minute.set(self.minute.get() + 1);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }
}
