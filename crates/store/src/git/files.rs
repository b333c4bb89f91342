//! Files at a revision: found, listed, read, and followed through renames.

use std::fmt;

use gix::{bstr::ByteSlice, diff::Rewrites, object::tree::diff::ChangeDetached};

use super::{
    error::{GitError, unreadable},
    repository::{CommitId, GitRepository},
};

/// The largest file that is read from git, in bytes.
pub const MAX_BLOB: u64 = 1 << 30;

/// How many files of a folder are listed.
const MAX_FILES: usize = 200_000;

/// How many folders may lie in each other.
const MAX_DEPTH: usize = 64;

/// A file or folder at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFile {
    /// Its path in the repository.
    pub path: String,
    /// The hash of its content: the same content has the same.
    pub content: ContentId,
    /// What it is.
    pub kind: FileKind,
}

/// What git's hash of a file or folder is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(gix::ObjectId);

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    File,
    /// A link, whose content is where it leads.
    Link,
    /// A folder.
    Folder,
    /// Another repository.
    Submodule,
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl GitRepository {
    /// What stands at a path of a commit; `None` where there is nothing.
    pub fn find(&self, commit: CommitId, path: &str) -> Result<Option<GitFile>, GitError> {
        let tree = self.tree(commit)?;
        let (path, wrong) =
            (path.trim_matches('/'), || unreadable(format!("`{path}` at {}", commit.short())));
        if path.is_empty() {
            let content = ContentId(tree.id);
            return Ok(Some(GitFile { path: String::new(), content, kind: FileKind::Folder }));
        }
        let entry = tree.lookup_entry(path.split('/').map(str::as_bytes));
        let entry = entry.map_err(wrong())?;
        Ok(entry.map(|entry| GitFile {
            path: path.to_owned(),
            content: ContentId(entry.object_id()),
            kind: kind_of(entry.mode()),
        }))
    }

    /// Every file below a folder of a commit, links and submodules among them; none where there is no such folder.
    pub fn files_below(&self, commit: CommitId, folder: &str) -> Result<Vec<GitFile>, GitError> {
        let mut files = Vec::new();
        if let Some(found) =
            self.find(commit, folder)?.filter(|found| found.kind == FileKind::Folder)
        {
            self.add_files(&found, 0, &mut files)?;
        }
        Ok(files)
    }

    fn add_files(
        &self,
        folder: &GitFile,
        depth: usize,
        files: &mut Vec<GitFile>,
    ) -> Result<(), GitError> {
        if depth > MAX_DEPTH {
            return Err(GitError::TooMany(folder.path.clone()));
        }
        for entry in self.entries(folder)? {
            if entry.kind == FileKind::Folder {
                self.add_files(&entry, depth + 1, files)?;
            } else {
                files.push(entry);
            }
            if files.len() > MAX_FILES {
                return Err(GitError::TooMany(folder.path.clone()));
            }
        }
        Ok(())
    }

    /// What a folder holds. Names that are no UTF-8 are left out.
    pub fn entries(&self, folder: &GitFile) -> Result<Vec<GitFile>, GitError> {
        let wrong = || unreadable(format!("the folder `{}`", folder.path));
        let tree = self.inner.find_tree(folder.content.0).map_err(wrong())?;
        let mut entries = Vec::new();
        for entry in tree.iter() {
            let entry = entry.map_err(wrong())?;
            let Ok(name) = entry.filename().to_str() else { continue };
            let path = if folder.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}/{name}", folder.path)
            };
            entries.push(GitFile {
                path,
                content: ContentId(entry.object_id()),
                kind: kind_of(entry.mode()),
            });
        }
        Ok(entries)
    }

    /// The content of a file.
    pub fn read(&self, file: &GitFile, limit: u64) -> Result<Vec<u8>, GitError> {
        let wrong = || unreadable(format!("`{}`", file.path));
        let bytes = self.inner.find_header(file.content.0).map_err(wrong())?.size();
        let limit = limit.min(MAX_BLOB);
        if bytes > limit {
            return Err(GitError::TooLarge { path: file.path.clone(), bytes, limit });
        }
        Ok(self.inner.find_blob(file.content.0).map_err(wrong())?.take_data())
    }

    /// The name under which a file of a commit stood in a parent, where the commit renamed it: with the same content, or
    /// with half of it, as git has it.
    pub fn renamed_from(
        &self,
        parent: CommitId,
        commit: CommitId,
        path: &str,
    ) -> Result<Option<String>, GitError> {
        let (old, new) = (self.tree(parent)?, self.tree(commit)?);
        let options = gix::diff::Options::default().with_rewrites(Some(Rewrites::default()));
        let changes = self.inner.diff_tree_to_tree(&old, &new, options);
        let changes = changes.map_err(unreadable(format!("the changes of {}", commit.short())))?;
        let source = changes.into_iter().find_map(|change| match change {
            ChangeDetached::Rewrite { source_location, location, copy: false, .. }
                if location == path.as_bytes() =>
            {
                source_location.to_str().map(str::to_owned).ok()
            }
            _ => None,
        });
        Ok(source)
    }

    pub(super) fn tree(&self, commit: CommitId) -> Result<gix::Tree<'_>, GitError> {
        let wrong = || unreadable(format!("the files of {}", commit.short()));
        self.inner.find_commit(commit.0).map_err(wrong())?.tree().map_err(wrong())
    }
}

fn kind_of(mode: gix::objs::tree::EntryMode) -> FileKind {
    use gix::objs::tree::EntryKind::{Blob, BlobExecutable, Commit, Link, Tree};
    match mode.kind() {
        Tree => FileKind::Folder,
        Blob | BlobExecutable => FileKind::File,
        Link => FileKind::Link,
        Commit => FileKind::Submodule,
    }
}
