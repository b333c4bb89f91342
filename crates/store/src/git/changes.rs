//! What is not as it was at a commit: committed since, staged, changed in the working tree, or new there.

use std::{collections::BTreeMap, fs, path::Path};

use gix::{
    bstr::ByteSlice,
    status::{
        Item, Submodule, UntrackedFiles, index_worktree::iter::Summary, tree_index::TrackRenames,
    },
};

use super::{
    error::{GitError, unreadable},
    files::MAX_BLOB,
    repository::{CommitId, GitRepository},
};

/// A file that is not as it was. A renamed file is one that was removed and one that was added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedFile {
    /// Its path in the repository.
    pub path: String,
    /// What happened to it.
    pub change: FileChange,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileChange {
    /// It was not there.
    Added,
    /// It has another content, or is something else.
    Modified,
    /// It is gone.
    Removed,
}

impl FileChange {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }
}

impl GitRepository {
    /// Every file of the working tree that is not as it was at a commit, sorted. What git ignores is left out; what it
    /// does not track yet counts.
    pub fn changed_since(&self, commit: CommitId) -> Result<Vec<ChangedFile>, GitError> {
        let wrong = || unreadable("the state of the working tree");
        let tree = self.tree(commit)?.id;
        let status = self.inner.status(gix::progress::Discard).map_err(wrong())?;
        let status = status
            .untracked_files(UntrackedFiles::Files)
            .index_worktree_rewrites(None)
            .index_worktree_submodules(Submodule::Given {
                ignore: gix::submodule::config::Ignore::All,
                check_dirty: false,
            })
            .tree_index_track_renames(TrackRenames::Disabled)
            .head_tree(tree);
        let mut found: BTreeMap<String, (FileChange, bool)> = BTreeMap::new();
        // From the root, wherever the process is.
        for item in status.into_iter([":/".into()]).map_err(wrong())? {
            let item = item.map_err(wrong())?;
            let Ok(path) = item.location().to_str().map(str::to_owned) else { continue };
            let Some(change) = change_of(&item) else { continue };
            let entry = found.entry(path).or_insert((change, false));
            // What was changed twice may be as it was.
            entry.1 |= entry.0 != change || matches!(item, Item::IndexWorktree(_));
        }
        let mut changed = Vec::new();
        for (path, (change, is_unsure)) in found {
            let change = if is_unsure { self.compared(commit, &path)? } else { Some(change) };
            changed.extend(change.map(|change| ChangedFile { path, change }));
        }
        Ok(changed)
    }

    /// Whether every file that git tracks is as it was committed, and nothing else is staged.
    pub fn is_clean(&self) -> Result<bool, GitError> {
        let is_dirty =
            self.inner.is_dirty().map_err(unreadable("the state of the working tree"))?;
        Ok(!is_dirty)
    }

    /// Every file that git tracks, or is about to, by its path in the repository.
    pub fn tracked_files(&self) -> Result<Vec<String>, GitError> {
        let index = self.inner.index_or_empty().map_err(unreadable("the index"))?;
        let paths = index.entries().iter().map(|entry| entry.path(&index));
        Ok(paths.filter_map(|path| path.to_str().ok().map(str::to_owned)).collect())
    }

    /// What became of a file since a commit; `None` where its content is the same, but for the ends of its lines.
    fn compared(&self, commit: CommitId, path: &str) -> Result<Option<FileChange>, GitError> {
        let before = self.find(commit, path)?;
        let now = self.path(path);
        let about = fs::symlink_metadata(&now);
        let Ok(about) = about else { return Ok(before.map(|_| FileChange::Removed)) };
        let Some(before) = before else { return Ok(Some(FileChange::Added)) };
        if !about.is_file() || about.len() > MAX_BLOB {
            return Ok(Some(FileChange::Modified));
        }
        let (Ok(before), Ok(now)) = (self.read(&before, MAX_BLOB), fs::read(&now)) else {
            return Ok(Some(FileChange::Modified));
        };
        Ok((even(&before) != even(&now)).then_some(FileChange::Modified))
    }

    /// Which of these paths, files or folders, hold something that is not committed.
    pub fn uncommitted(&self, paths: &[&Path]) -> Result<Vec<ChangedFile>, GitError> {
        let wanted: Vec<_> =
            paths.iter().map(|path| self.relative(path)).collect::<Result<_, _>>()?;
        let is_wanted = |path: &str| {
            wanted.iter().any(|wanted| {
                path.strip_prefix(wanted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let mut changed = self.changed_since(self.head()?)?;
        changed.retain(|file| is_wanted(&file.path));
        Ok(changed)
    }
}

fn change_of(item: &Item) -> Option<FileChange> {
    use gix::diff::index::ChangeRef;
    match item {
        Item::TreeIndex(ChangeRef::Addition { .. }) => Some(FileChange::Added),
        Item::TreeIndex(ChangeRef::Deletion { .. }) => Some(FileChange::Removed),
        Item::TreeIndex(_) => Some(FileChange::Modified),
        Item::IndexWorktree(item) => match item.summary()? {
            Summary::Added | Summary::IntentToAdd => Some(FileChange::Added),
            Summary::Removed => Some(FileChange::Removed),
            _ => Some(FileChange::Modified),
        },
    }
}

/// A text whose lines end alike on every system; what is no text is left as it is.
fn even(bytes: &[u8]) -> Vec<u8> {
    if bytes.contains(&0) { bytes.to_vec() } else { bytes.replace("\r\n", "\n") }
}
