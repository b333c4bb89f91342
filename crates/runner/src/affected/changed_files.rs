//! The files that changed, looked up by path and by folder.

use std::{collections::BTreeMap, path::PathBuf};

use evalmark_store::git::{ChangedFile, FileChange, GitRepository};

/// Files that are not as they were, by their paths in the repository.
#[derive(Clone, Debug)]
pub(super) struct ChangedFiles {
    files: BTreeMap<String, FileChange>,
    /// The real path of the working tree.
    pub(super) root: PathBuf,
}

impl ChangedFiles {
    pub(super) fn new(git: &GitRepository, files: Vec<ChangedFile>) -> Self {
        let files = files.into_iter().map(|file| (file.path, file.change)).collect();
        Self { files, root: git.root().to_owned() }
    }

    /// The file at a path, where it changed.
    pub(super) fn at(&self, path: &str) -> Option<ChangedFile> {
        let (path, change) = self.files.get_key_value(path)?;
        Some(ChangedFile { path: path.clone(), change: *change })
    }

    /// Every changed file below a folder; `""` is the whole repository.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = ChangedFile> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.files.range(prefix.clone()..);
        let below = from.take_while(move |(path, _)| path.starts_with(&prefix));
        below.map(|(path, change)| ChangedFile { path: path.clone(), change: *change })
    }

    /// The paths of those that are there.
    pub(super) fn present(&self) -> impl Iterator<Item = &str> {
        let present = self.files.iter().filter(|(_, change)| **change != FileChange::Removed);
        present.map(|(path, _)| path.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(super) fn into_list(self) -> Vec<ChangedFile> {
        self.files.into_iter().map(|(path, change)| ChangedFile { path, change }).collect()
    }
}

/// A path below a folder of the repository, without `.` and `..`; `None` where it leads out of it or is absolute.
pub(super) fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '\\']) {
        return None;
    }
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_within_the_repository() {
        let check = |folder: &str, path: &str, expected: Option<&str>| {
            assert_eq!(joined(folder, path).as_deref(), expected, "{folder} {path}");
        };
        check("suites", "../data/a.csv", Some("data/a.csv"));
        check("suites", "./p.j2", Some("suites/p.j2"));
        check("", "a//b", Some("a/b"));
        check("suites", "../../a", None);
        check("suites", "/etc/passwd", None);
        check("suites", ".", Some("suites"));
    }
}
