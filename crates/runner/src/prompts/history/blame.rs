//! Which commit wrote each line of a prompt, and of the files that it includes.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

use evalmark_store::git::{BlamedLine, Commit, CommitId, GitRepository};

use super::at_revision::prompt_then;
use crate::{Host, error::Result, prompts::open_library};

/// The lines of a prompt and of what it includes.
#[derive(Clone, Debug)]
pub struct BlamedText {
    /// The prompt's name.
    pub name: String,
    /// Its file, and behind it the files that it includes, in the order of their names.
    pub files: Vec<BlamedFile>,
    /// Every commit that wrote one of the lines.
    pub commits: BTreeMap<CommitId, Commit>,
}

/// The lines of a file.
#[derive(Clone, Debug)]
pub struct BlamedFile {
    /// Its path in the repository.
    pub path: String,
    /// Its lines.
    pub lines: Vec<BlamedLine>,
}

/// Says which commit wrote each line of a prompt: in the working tree, or at a revision.
pub fn prompt_blame(
    folder: &Path,
    name: &str,
    revision: Option<&str>,
    host: &Host<'_>,
) -> Result<BlamedText> {
    let git = GitRepository::open(folder)?;
    let at = revision.map(|revision| git.commit_of(revision)).transpose()?;
    let (prompt, folder) = match at {
        None => (open_library(folder, host)?.find(name)?.clone(), folder.to_owned()),
        Some(commit) => {
            let revision = (revision.unwrap_or_default(), commit);
            let found = prompt_then(folder, name, &git, revision, host)?;
            (found.prompt, found.folder)
        }
    };
    let included = prompt.content.included.keys().map(|name| folder.join(name));
    let mut files = Vec::new();
    for path in std::iter::once(prompt.path).chain(included) {
        let path = git.relative(&path)?;
        files.push(BlamedFile { lines: git.blame(&path, at)?, path });
    }
    let mut commits = BTreeMap::new();
    for id in files.iter().flat_map(|file| &file.lines).filter_map(|line| line.commit) {
        if let Entry::Vacant(entry) = commits.entry(id) {
            entry.insert(git.commit(id)?);
        }
    }
    Ok(BlamedText { name: name.to_owned(), files, commits })
}
