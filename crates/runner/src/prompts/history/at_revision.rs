//! A prompt of the library as it was at a revision: under its name, or, where it was renamed since, under the one that it
//! had then.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    files::FileAccess,
    prompt_library::{LibraryError, LibraryPrompt, PromptLibrary},
};
use evalmark_store::git::{CommitId, GitError, GitRepository, GitSnapshot};

use super::{
    library_history::LibraryHistory,
    log::{path_now, path_then},
    versions::VersionError,
};
use crate::{Host, error::Result, prompts::open::access_of};

/// A prompt as it was, with what it takes to fill it in.
pub(super) struct PromptThen {
    /// The library's folder then.
    pub(super) folder: PathBuf,
    /// The files that it could read.
    pub(super) access: FileAccess,
    /// The prompt.
    pub(super) prompt: LibraryPrompt,
}

/// A prompt as it was at a commit, followed through renames as `git log --follow` does.
pub(super) fn prompt_then(
    folder: &Path,
    name: &str,
    git: &GitRepository,
    (revision, commit): (&str, CommitId),
    host: &Host<'_>,
) -> Result<PromptThen> {
    match found_at(folder, name, git, (revision, commit), host) {
        Ok(prompt) => {
            let access = access_at(folder, git, commit, host)?;
            Ok(PromptThen { folder: folder.to_owned(), access, prompt })
        }
        Err(error) => renamed_since(folder, name, git, commit, host)?.ok_or(error),
    }
}

/// The same under another name or in another folder; `None` where there is none.
fn renamed_since(
    folder: &Path,
    name: &str,
    git: &GitRepository,
    commit: CommitId,
    host: &Host<'_>,
) -> Result<Option<PromptThen>> {
    let (head, mut history) = (git.head()?, LibraryHistory::new(git, folder)?);
    let Some(now) = path_now(&mut history, folder, name, head, host)? else { return Ok(None) };
    let Some(path) = path_then(&mut history, (head, now), commit)? else { return Ok(None) };
    let folder = folder_as_named(folder, git, &history.folder_of(&path))?;
    let access = access_at(&folder, git, commit, host)?;
    let Ok(library) = PromptLibrary::read(&folder, &access) else { return Ok(None) };
    let is_it = |prompt: &LibraryPrompt| git.relative(&prompt.path).is_ok_and(|own| own == path);
    let prompt = library.prompts.into_iter().find(is_it);
    Ok(prompt.map(|prompt| PromptThen { folder, access, prompt }))
}

/// The library's folder then, seen from where the one of today is named.
fn folder_as_named(now: &Path, git: &GitRepository, then: &str) -> Result<PathBuf, GitError> {
    let own = git.relative(now)?;
    let root = now.to_str().and_then(|now| now.strip_suffix(own.as_str()));
    Ok(root.map_or_else(|| git.path(then), |root| Path::new(root).join(then)))
}

/// A prompt of the library as it was at a commit.
pub(super) fn found_at(
    folder: &Path,
    name: &str,
    git: &GitRepository,
    (revision, commit): (&str, CommitId),
    host: &Host<'_>,
) -> Result<LibraryPrompt> {
    let at = |reason| VersionError::AtRevision { revision: revision.to_owned(), reason };
    let access = access_at(folder, git, commit, host)?;
    let library = PromptLibrary::read(folder, &access).map_err(at)?;
    Ok(library.find(name).map_err(at)?.clone())
}

/// The files that a library could read at a commit.
fn access_at(
    folder: &Path,
    git: &GitRepository,
    commit: CommitId,
    host: &Host<'_>,
) -> Result<FileAccess, LibraryError> {
    let unreadable = |error| LibraryError::Unreadable { path: folder.to_owned(), error };
    // The folder may be gone by now.
    let here = if folder.is_dir() { folder } else { git.root() };
    let access = access_of(here, &host.permissions.roots).map_err(unreadable)?;
    Ok(access.at(Arc::new(GitSnapshot::new(git, commit))))
}
