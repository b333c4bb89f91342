//! What a suite asked at a revision, measured with the dataset, the metrics and the gate that it has now.
//!
//! `--prompts-at` puts the prompts of a revision beside those of the working tree; `--against` and `bisect` ask what the
//! suite asked at a revision, prompts and models, and score that like the working tree.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    files::{FileAccess, FileError, MAX_TEXT, decoded},
    model::{Provider, RecordedColumn},
    suite::{EarlierAsk, Suite, SuiteError},
};
use evalmark_store::{
    git::{CommitId, GitRepository, GitSnapshot},
    run_record::{GitState, RunOptions},
};

use crate::{
    Host, Notice,
    error::{Advised, Result},
};

/// What cannot be asked as it was at a revision.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// The suite had mistakes, or has some with the data of now.
    #[error("as it was at {at}, the suite cannot be asked")]
    Wrong {
        /// The commit, shortened.
        at: String,
        /// Its mistakes.
        source: Box<SuiteError>,
    },
    /// Its text is none.
    #[error("{} at {at} {reason}", path.display())]
    Unreadable {
        /// The suite.
        path: PathBuf,
        /// The commit, shortened.
        at: String,
        /// What it is instead.
        reason: String,
    },
    /// The run's commit is written otherwise.
    #[error("`{0}` is no id of a commit")]
    NoCommit(String),
    /// The suite may read no files.
    #[error("{} {error}", path.display())]
    Files {
        /// The suite.
        path: PathBuf,
        /// Why.
        error: FileError,
    },
}

impl Advised for RevisionError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Wrong { .. } => Some(
                "prompts of a revision are filled in with the dataset as it is now; name a later revision"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// The commit that a revision names in the repository of a suite, in full: names such as `main` move.
pub fn named_commit(suite: &Path, revision: &str) -> Result<String> {
    Ok(repository_of(suite)?.commit_of(revision)?.to_string())
}

/// The state of a source tree at a commit, as `run.json` keeps it.
pub fn state_at(commit: &str) -> GitState {
    GitState { revision: commit.to_owned(), clean: true }
}

pub(crate) fn repository_of(suite: &Path) -> Result<GitRepository> {
    Ok(GitRepository::open(suite.parent().unwrap_or(Path::new("")))?)
}

/// The suite with what it asked at a commit: its prompts, and its models where they are wanted.
///
/// A suite that is not there yet is read as it is now, with the files of its prompts as they were.
pub(crate) fn asked_at(
    path: &Path,
    commit: &str,
    with_models: bool,
    options: &RunOptions,
    host: &Host<'_>,
) -> Result<Suite> {
    let git = repository_of(path)?;
    let commit: CommitId =
        commit.parse().map_err(|_| RevisionError::NoCommit(commit.to_owned()))?;
    asked_at_commit(path, (&git, commit), with_models, options, host)
}

pub(crate) fn asked_at_commit(
    path: &Path,
    (git, commit): (&GitRepository, CommitId),
    with_models: bool,
    options: &RunOptions,
    host: &Host<'_>,
) -> Result<Suite> {
    let at = commit.short();
    let unreadable =
        |reason| RevisionError::Unreadable { path: path.to_owned(), at: at.clone(), reason };
    let files = |error| RevisionError::Files { path: path.to_owned(), error };
    let access = FileAccess::of_suite(path, &host.permissions.roots);
    let access = access.map_err(|error| files(error.into()))?;
    let text = match git.find(commit, &git.relative(path)?)? {
        Some(file) => decoded(git.read(&file, MAX_TEXT)?).map_err(unreadable)?,
        None => FileAccess::unlimited().read_text(path).map_err(files)?,
    };
    let access = access.at(Arc::new(GitSnapshot::new(git, commit)));
    let earlier = EarlierAsk { text: &text, access, with_models };
    let suite = Suite::asked_before(path, &earlier, host.readers(options));
    Ok(suite.map_err(|error| RevisionError::Wrong { at, source: Box::new(error) })?)
}

/// Puts the prompts of a commit beside those of a suite. What says the same as now is left out, and told.
pub(crate) fn add_prompts_at(
    suite: &mut Suite,
    commit: &str,
    options: &RunOptions,
    host: &Host<'_>,
) -> Result<()> {
    let then = asked_at(&suite.path, commit, false, options, host)?;
    let short: String = commit.chars().take(10).collect();
    let mut same = Vec::new();
    for (i, mut prompt) in then.prompts.into_iter().enumerate() {
        let is_same = |now: &evalmark_core::prompt::Prompt| {
            now.name == prompt.name && now.hash == prompt.hash
        };
        if suite.prompts.iter().any(is_same) {
            same.push(format!("`{}`", prompt.name));
            continue;
        }
        prompt.name = format!("{}@{short}", prompt.name).into();
        let mut effective = then.effective["prompts"][i].clone();
        effective["name"] = (*prompt.name).into();
        if let Some(prompts) = suite.effective["prompts"].as_array_mut() {
            prompts.push(effective);
        }
        suite.prompts.push(prompt);
        add_columns(suite, &then.models, i);
    }
    if !same.is_empty() {
        let note = format!(
            "at {short}, what is now in the working tree stood already: {}",
            same.join(", ")
        );
        host.notices.tell(&Notice::SuiteNote(&note));
    }
    Ok(())
}

/// Recorded answers to each prompt in a column of its own go with the prompt.
fn add_columns(suite: &mut Suite, then: &[evalmark_core::model::Model], prompt: usize) {
    for (now, then) in suite.models.iter_mut().zip(then) {
        if let (
            Provider::RecordedColumn(RecordedColumn::ByPrompt(columns)),
            Provider::RecordedColumn(RecordedColumn::ByPrompt(of_then)),
        ) = (&mut now.provider, &then.provider)
        {
            columns.extend(of_then.get(prompt).cloned());
        }
    }
}
