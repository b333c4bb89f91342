//! The files of a repository as they were at a commit, for whoever reads files.

use std::{
    error::Error,
    ffi::OsString,
    fs::File,
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use evalmark_core::file_snapshot::{FileSnapshot, SnapshotEntry};

use super::{
    error::GitError,
    files::{FileKind, GitFile, MAX_BLOB},
    repository::{CommitId, GitRepository},
};

/// How many links may lead to each other.
const MAX_LINKS: usize = 16;

/// The files of a commit. What git does not track is read as it is now: data that lie outside of git have no history.
#[derive(Debug)]
pub struct GitSnapshot {
    git: Mutex<GitRepository>,
    commit: CommitId,
    head: Option<CommitId>,
}

impl GitSnapshot {
    /// The files of a commit.
    pub fn new(git: &GitRepository, commit: CommitId) -> Self {
        Self { git: Mutex::new(git.clone()), commit, head: git.head().ok() }
    }

    fn git(&self) -> MutexGuard<'_, GitRepository> {
        self.git.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stood at a path of the commit, behind links.
    fn entry(&self, git: &GitRepository, path: &str) -> io::Result<Option<GitFile>> {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let Some(file) = git.find(self.commit, &path).map_err(told)? else { return Ok(None) };
            if file.kind != FileKind::Link {
                return Ok(Some(file));
            }
            let target = git.read(&file, 4096).map_err(told)?;
            let target = String::from_utf8(target).map_err(told)?;
            match beside(&path, &target) {
                Some(target) => path = target,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

impl FileSnapshot for GitSnapshot {
    fn find(&self, path: &Path) -> io::Result<(PathBuf, SnapshotEntry)> {
        let git = self.git();
        let Ok(relative) = git.relative(path) else {
            return Ok((path.to_owned(), SnapshotEntry::OnDisk));
        };
        let entry = self.entry(&git, &relative)?;
        let kind = match entry.map(|file| file.kind) {
            Some(FileKind::File) => SnapshotEntry::File,
            Some(FileKind::Folder) => SnapshotEntry::Folder,
            Some(FileKind::Link) => SnapshotEntry::Missing,
            None if git.is_tracked(self.head, &relative) => SnapshotEntry::Missing,
            Some(FileKind::Submodule) | None => SnapshotEntry::OnDisk,
        };
        Ok((git.path(&relative), kind))
    }

    fn open(&self, real: &Path) -> io::Result<File> {
        let git = self.git();
        let relative = git.relative(real).map_err(told)?;
        let file = self.entry(&git, &relative)?.ok_or(io::ErrorKind::NotFound)?;
        let content = git.read(&file, MAX_BLOB).map_err(told)?;
        let mut file = tempfile::tempfile()?;
        file.write_all(&content)?;
        file.rewind()?;
        Ok(file)
    }

    fn entries(&self, folder: &Path) -> io::Result<Vec<(OsString, SnapshotEntry)>> {
        let git = self.git();
        let relative = git.relative(folder).map_err(told)?;
        let found = self.entry(&git, &relative)?.ok_or(io::ErrorKind::NotFound)?;
        let entries = git.entries(&found).map_err(told)?.into_iter().map(|entry| {
            let name = entry.path.rsplit('/').next().unwrap_or_default().to_owned();
            let kind = match entry.kind {
                FileKind::File => SnapshotEntry::File,
                FileKind::Folder => SnapshotEntry::Folder,
                FileKind::Link | FileKind::Submodule => SnapshotEntry::Missing,
            };
            (name.into(), kind)
        });
        Ok(entries.collect())
    }
}

impl GitRepository {
    /// Whether git knows something at a path by now: in the commit that is checked out, or in the index.
    fn is_tracked(&self, head: Option<CommitId>, path: &str) -> bool {
        let in_head =
            head.is_some_and(|head| self.find(head, path).is_ok_and(|file| file.is_some()));
        in_head
            || self.inner.index_or_empty().is_ok_and(|index| {
                let folder = format!("{path}/");
                index.entry_by_path(path.into()).is_some()
                    || index
                        .prefixed_entries(folder.as_str().into())
                        .is_some_and(|found| !found.is_empty())
            })
    }
}

/// The path that a link at `path` leads to; `None` where it leads out of the repository.
fn beside(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn told(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}

impl From<GitError> for io::Error {
    fn from(error: GitError) -> Self {
        told(error)
    }
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn links_are_followed_within_the_repository() {
        let check = |path: &str, target: &str, expected: Option<&str>| {
            assert_eq!(beside(path, target).as_deref(), expected, "{path} {target}");
        };
        check("a/b", "c", Some("a/c"));
        check("a/b", "../c/./d", Some("c/d"));
        check("b", "../c", None);
        check("b", "/etc/passwd", None);
    }
}
