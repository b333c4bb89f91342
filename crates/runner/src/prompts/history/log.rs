//! The commits that changed what a prompt says, itself or through a file that it includes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use evalmark_core::prompt_library::LibraryError;
use evalmark_store::git::{Commit, CommitId, GitError, GitRepository};

use super::{
    known_scores::{KnownRun, KnownScores},
    library_history::{LibraryHistory, PromptAt},
};
use crate::{Host, error::Result, prompts::open_library};

/// How prompts' files may end, where one is looked for that is gone.
const EXTENSIONS: [&str; 6] = ["md", "j2", "jinja", "jinja2", "txt", "prompt"];

/// Which part of a history is wanted.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// The revision to begin with; default: the commit that is checked out.
    pub from: Option<String>,
    /// At most so many commits.
    pub limit: Option<usize>,
}

/// The history of a prompt, the latest change first.
#[derive(Clone, Debug)]
pub struct PromptLog {
    /// Its name.
    pub name: String,
    /// The hash of what it says in the working tree, where that is not committed.
    pub uncommitted: Option<UncommittedPrompt>,
    /// The commits that changed it.
    pub entries: Vec<LogEntry>,
    /// Whether more commits changed it than were wanted.
    pub has_more: bool,
    /// Whether the clone ends before the prompt's history does.
    pub is_cut_off: bool,
}

/// What a prompt says in the working tree, where that is not committed.
#[derive(Clone, Debug)]
pub struct UncommittedPrompt {
    /// Its hash.
    pub hash: Arc<str>,
    /// What runs measured of it.
    pub runs: Vec<KnownRun>,
}

/// A commit that changed a prompt.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// The commit.
    pub commit: Commit,
    /// What it did.
    pub change: PromptChange,
    /// The hash of what the prompt says there; `None` where it is gone.
    pub hash: Option<Arc<str>>,
    /// Its file there, by its path in the repository.
    pub path: String,
    /// The files, of the prompt and of what it includes, that the commit changed, added to it or took out of it.
    pub files: Vec<String>,
    /// What runs measured of it.
    pub runs: Vec<KnownRun>,
}

/// What a commit did to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptChange {
    /// It wrote it.
    Added,
    /// It changed what it says.
    Edited,
    /// It gave its file another path; it may say the same.
    Renamed {
        /// The path before.
        from: String,
    },
    /// It removed it.
    Removed,
    /// What was before it is not in this shallow clone.
    CutOff,
}

impl PromptChange {
    /// Its name, as in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Edited => "edited",
            Self::Renamed { .. } => "renamed",
            Self::Removed => "removed",
            Self::CutOff => "cut_off",
        }
    }
}

/// The history of a prompt of the library, with what the runs below `out` measured of it.
pub fn prompt_log(
    folder: &Path,
    name: &str,
    options: &LogOptions,
    out: &Path,
    host: &Host<'_>,
) -> Result<PromptLog> {
    let library = open_library(folder, host)?;
    let git = GitRepository::open(folder)?;
    let head = match &options.from {
        Some(revision) => git.commit_of(revision)?,
        None => git.head()?,
    };
    let mut history = LibraryHistory::new(&git, folder)?;
    let now = library.find(name);
    let mut begun = path_now(&mut history, folder, name, head, host)?;
    if begun.is_none() && options.from.is_some() {
        let newest = git.head()?;
        let newest_path = path_now(&mut history, folder, name, newest, host)?;
        if let Some(path) = newest_path {
            begun = path_then(&mut history, (newest, path), head)?;
        }
    }
    let begun = begun.map_or_else(|| former_paths(&git, folder, name), |path| Ok(vec![path]))?;
    let mut found = Walked::default();
    for path in begun {
        found = walk(&mut history, head, path, options.limit.unwrap_or(usize::MAX))?;
        if !found.entries.is_empty() {
            break;
        }
    }
    let is_known = |prompt: &evalmark_core::prompt_library::LibraryPrompt| {
        found.head.as_ref().is_some_and(|at| at.hash == prompt.hash)
    };
    let uncommitted = match &now {
        Ok(prompt) if options.from.is_none() && !is_known(prompt) => Some(prompt.hash.clone()),
        _ => None,
    };
    if found.entries.is_empty() && uncommitted.is_none() {
        return Err(now.err().unwrap_or_else(|| unknown(folder, name)).into());
    }
    let hashes =
        found.entries.iter().filter_map(|entry| entry.hash.clone()).chain(uncommitted.clone());
    let known = KnownScores::of(out, &hashes.collect())?;
    for entry in &mut found.entries {
        entry.runs = entry.hash.as_ref().map(|hash| known.runs(hash)).unwrap_or_default();
    }
    Ok(PromptLog {
        name: name.to_owned(),
        uncommitted: uncommitted.map(|hash| UncommittedPrompt { runs: known.runs(&hash), hash }),
        is_cut_off: found.entries.iter().any(|entry| entry.change == PromptChange::CutOff),
        entries: found.entries,
        has_more: found.has_more,
    })
}

fn unknown(folder: &Path, name: &str) -> LibraryError {
    let advice = "; no commit that is here has it".to_owned();
    LibraryError::Unknown { folder: folder.to_owned(), name: name.to_owned(), advice }
}

/// The path at a commit of the prompt that has this name there, or that the working tree calls so; `None` where there is
/// none.
pub(super) fn path_now(
    history: &mut LibraryHistory<'_>,
    folder: &Path,
    name: &str,
    commit: CommitId,
    host: &Host<'_>,
) -> Result<Option<String>> {
    let library = open_library(folder, host).ok();
    let own = library.as_ref().and_then(|library| library.find(name).ok());
    let own = own.map(|prompt| history.git.relative(&prompt.path)).transpose()?;
    match own {
        Some(path) if history.git.find(commit, &path)?.is_some() => Ok(Some(path)),
        _ => Ok(history.path_of(commit, name)?),
    }
}

/// The path that a prompt had at an earlier commit, by the renames since, through every parent of a merge; `None` where
/// the commit is not before, or the prompt was not there.
pub(super) fn path_then(
    history: &mut LibraryHistory<'_>,
    (from, path): (CommitId, String),
    earlier: CommitId,
) -> Result<Option<String>, GitError> {
    let mut seen = BTreeSet::from([from]);
    let mut queue = BTreeMap::from([((history.git.commit(from)?.committed_at, from), path)]);
    while let Some(((_, id), path)) = queue.pop_last() {
        let here = history.at(id, &path)?;
        if id == earlier {
            return Ok(here.map(|_| path));
        }
        let commit = history.git.commit(id)?;
        for there in in_parents(history, &commit, &path, here.as_ref())? {
            if there.prompt.is_some() && seen.insert(there.parent) {
                let at = history.git.commit(there.parent)?.committed_at;
                queue.insert((at, there.parent), there.path);
            }
        }
    }
    Ok(None)
}

/// Where a prompt may have stood that is gone.
fn former_paths(git: &GitRepository, folder: &Path, name: &str) -> Result<Vec<String>, GitError> {
    let path = |extension| git.relative(&folder.join(format!("{name}.{extension}")));
    EXTENSIONS.into_iter().map(path).collect()
}

/// What was found of a prompt on the way back.
#[derive(Default)]
struct Walked {
    /// The prompt where the walk began.
    head: Option<PromptAt>,
    entries: Vec<LogEntry>,
    has_more: bool,
}

/// A prompt in a parent of a commit.
struct InParent {
    parent: CommitId,
    path: String,
    prompt: Option<PromptAt>,
}

/// Goes back from a commit, the latest first, as `git log` does: through a merge to the parent that it took the prompt
/// from, and to all of them where it took it from none.
fn walk(
    history: &mut LibraryHistory<'_>,
    head: CommitId,
    path: String,
    limit: usize,
) -> Result<Walked, GitError> {
    let mut walked = Walked { head: history.at(head, &path)?, ..Walked::default() };
    let mut seen = BTreeSet::from([head]);
    let mut queue = BTreeMap::from([((history.git.commit(head)?.committed_at, head), path)]);
    while let Some(((_, id), path)) = queue.pop_last() {
        let commit = history.git.commit(id)?;
        let here = history.at(id, &path)?;
        let before = in_parents(history, &commit, &path, here.as_ref())?;
        let same = before.iter().position(|there| is_same(here.as_ref(), &path, there));
        let next = match same {
            Some(at) => before.get(at..=at).unwrap_or_default(),
            None => &before,
        };
        for there in next.iter().filter(|there| seen.insert(there.parent)) {
            let at = history.git.commit(there.parent)?.committed_at;
            queue.insert((at, there.parent), there.path.clone());
        }
        let is_first = before.is_empty() && here.is_some();
        if is_first || (same.is_none() && !before.is_empty()) {
            if walked.entries.len() == limit {
                walked.has_more = true;
                break;
            }
            walked.entries.push(entry(commit, path, here, &before));
        }
    }
    Ok(walked)
}

/// Whether a commit left a prompt of a parent as it was, where it was.
fn is_same(here: Option<&PromptAt>, path: &str, there: &InParent) -> bool {
    match (here, there.prompt.as_ref()) {
        (Some(here), Some(before)) => here.hash == before.hash && there.path == path,
        (None, None) => true,
        _ => false,
    }
}

/// The prompt in every parent of a commit: in the file of the same path, in the one that was renamed, or in the one that
/// has its name.
fn in_parents(
    history: &mut LibraryHistory<'_>,
    commit: &Commit,
    path: &str,
    here: Option<&PromptAt>,
) -> Result<Vec<InParent>, GitError> {
    let mut found = Vec::new();
    for parent in commit.parents.iter().copied() {
        let mut at = path.to_owned();
        if history.git.find(parent, path)?.is_none()
            && let Some(here) = here
        {
            let renamed = history.git.renamed_from(parent, commit.id, path)?;
            let renamed = match renamed {
                Some(from) => Some(from),
                None => history.path_of(parent, &here.name)?,
            };
            at = renamed.unwrap_or(at);
        }
        found.push(InParent { prompt: history.at(parent, &at)?, parent, path: at });
    }
    Ok(found)
}

fn entry(commit: Commit, path: String, here: Option<PromptAt>, before: &[InParent]) -> LogEntry {
    let known = before.iter().find_map(|there| Some((there.prompt.as_ref()?, &there.path)));
    let change = match (&here, known) {
        (None, _) => PromptChange::Removed,
        (Some(_), None) if commit.is_boundary => PromptChange::CutOff,
        (Some(_), None) => PromptChange::Added,
        (Some(_), Some((_, from))) if *from != path => PromptChange::Renamed { from: from.clone() },
        (Some(_), Some(_)) => PromptChange::Edited,
    };
    let (none, mut files) = (BTreeMap::new(), BTreeSet::new());
    let now = here.as_ref().map_or(&none, |prompt| &prompt.files);
    for there in before {
        let before = there.prompt.as_ref().map_or(&none, |prompt| &prompt.files);
        let paths = now.keys().chain(before.keys());
        files.extend(paths.filter(|path| now.get(*path) != before.get(*path)).cloned());
    }
    if before.is_empty() {
        files.extend(now.keys().cloned());
    }
    let (files, hash) = (files.into_iter().collect(), here.map(|prompt| prompt.hash));
    LogEntry { commit, change, hash, path, files, runs: Vec::new() }
}
