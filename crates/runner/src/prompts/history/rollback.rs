//! A prompt as it was at a revision, written back to the working tree.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_core::prompt_library::{LibraryError, LibraryPrompt, PromptLibrary};
use evalmark_store::{
    durable,
    git::{CommitId, FileChange, FileKind, GitRepository},
};
use serde_json::{Value, json};

use super::at_revision::found_at;
use crate::{
    Host,
    error::{Advised, Result},
    prompts::open_library,
};

/// A prompt that says again what it said at a revision.
#[derive(Clone, Debug)]
pub struct RestoredPrompt {
    /// Its name.
    pub name: String,
    /// The commit whose files were written.
    pub commit: CommitId,
    /// The hash of what it says now.
    pub hash: String,
    /// The files that were written or removed; none where all were so already.
    pub files: Vec<(PathBuf, FileChange)>,
    /// Other prompts that include one of these files, and so say something else now.
    pub also_changed: Vec<String>,
}

/// Why a prompt is not rolled back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something would be lost.
    #[error("what is not committed in {} would be lost", listed(.0))]
    Uncommitted(Vec<PathBuf>),
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is something else than a file there.
    #[error("{} is no plain file at {}", path.display(), commit.short())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// The commit.
        commit: CommitId,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Advised for RestoreError {
    fn hint(&self) -> Option<String> {
        let Self::Uncommitted(_) = self else { return None };
        Some("commit it, or write over it with `--force`".to_owned())
    }
}

/// Writes the files of a prompt, and of all that it includes, as they were at a revision. Nothing is committed.
pub fn prompt_rollback(
    folder: &Path,
    name: &str,
    revision: &str,
    force: bool,
    host: &Host<'_>,
) -> Result<RestoredPrompt> {
    let git = GitRepository::open(folder)?;
    let commit = git.commit_of(revision)?;
    let prompt = found_at(folder, name, &git, (revision, commit), host)?;
    let now = match open_library(folder, host) {
        Ok(library) => library,
        Err(error) if error.is::<LibraryError>() && !folder.exists() => PromptLibrary::default(),
        Err(error) => return Err(error),
    };
    let writes = writes(folder, &git, commit, &prompt)?;
    // A file under another name would be a second prompt of this name.
    let former = now.find(name).ok().map(|prompt| prompt.path.clone());
    let former = former.filter(|path| !writes.contains_key(path));
    if !force {
        let paths: Vec<_> = writes.keys().chain(&former).map(PathBuf::as_path).collect();
        let lost = git.uncommitted(&paths)?.into_iter();
        let lost: Vec<_> =
            lost.map(|file| git.path(&file.path)).filter(|path| path.exists()).collect();
        if !lost.is_empty() {
            return Err(RestoreError::Uncommitted(lost).into());
        }
    }
    let also_changed = also_changed(&now, &prompt, &writes);
    let mut files = Vec::new();
    for (path, (content, change)) in writes {
        if let Some(change) = change {
            write(&path, &content)?;
            files.push((path, change));
        }
    }
    if let Some(path) = former {
        durable::remove(&path)
            .map_err(|error| RestoreError::Unwritable { path: path.clone(), error })?;
        files.push((path, FileChange::Removed));
    }
    let (name, hash) = (name.to_owned(), prompt.hash.to_string());
    Ok(RestoredPrompt { name, commit, hash, files, also_changed })
}

/// The files of a prompt with their content then, and what writing it would do; `None` where nothing.
type Writes = BTreeMap<PathBuf, (Vec<u8>, Option<FileChange>)>;

fn writes(
    folder: &Path,
    git: &GitRepository,
    commit: CommitId,
    prompt: &LibraryPrompt,
) -> Result<Writes> {
    let included = prompt.content.included.keys().map(|name| folder.join(name));
    let mut writes = Writes::new();
    for path in std::iter::once(prompt.path.clone()).chain(included) {
        let no_file = || RestoreError::NoFile { path: path.clone(), commit };
        let file = git.find(commit, &git.relative(&path)?)?.ok_or_else(no_file)?;
        if file.kind != FileKind::File {
            return Err(no_file().into());
        }
        let then = git.read(&file, evalmark_core::files::MAX_TEXT)?;
        let now = fs::read(&path).ok();
        let then = match &now {
            // Lines end as they do in this checkout.
            Some(now) if has_crlf(now) && !has_crlf(&then) => with_crlf(&then),
            _ => then,
        };
        let change = match &now {
            None => Some(FileChange::Added),
            Some(now) => (*now != then).then_some(FileChange::Modified),
        };
        writes.insert(path, (then, change));
    }
    Ok(writes)
}

fn has_crlf(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\r\n")
}

fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let line = |line: &[u8]| match line.strip_suffix(b"\n") {
        Some(text) => [text, b"\r\n"].concat(),
        None => line.to_vec(),
    };
    lines.flat_map(line).collect()
}

/// The other prompts that include a file that is written otherwise.
fn also_changed(now: &PromptLibrary, prompt: &LibraryPrompt, writes: &Writes) -> Vec<String> {
    let changes = |name: &String| {
        writes.get(&now.folder.join(name)).is_some_and(|(_, change)| change.is_some())
    };
    let others = now.prompts.iter().filter(|other| other.name != prompt.name);
    let reached = others.filter(|other| other.content.included.keys().any(changes));
    reached.map(|other| other.name.clone()).collect()
}

fn write(path: &Path, content: &[u8]) -> Result<(), RestoreError> {
    let unwritable = |error| RestoreError::Unwritable { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    durable::write(path, content).map_err(unwritable)
}

/// What was written, as JSON.
pub fn rollback_document(done: &RestoredPrompt) -> Value {
    let files =
        done.files.iter().map(|(path, change)| json!({ "path": path, "change": change.as_str() }));
    json!({
        "name": done.name,
        "commit": done.commit.to_string(),
        "hash": done.hash,
        "files": files.collect::<Vec<_>>(),
        "also_changed": done.also_changed,
    })
}

#[cfg(test)]
mod tests {
    use super::{has_crlf, with_crlf};

    #[test]
    fn lines_end_as_in_the_checkout() {
        assert_eq!(with_crlf(b"a\nb\n\nc"), b"a\r\nb\r\n\r\nc");
        assert!(has_crlf(b"a\r\nb") && !has_crlf(b"a\nb\r"));
    }
}
