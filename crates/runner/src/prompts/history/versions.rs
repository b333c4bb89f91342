//! Two versions of a prompt side by side: texts word by word, what the front matter says, one rendered example, and what
//! runs measured of each.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    changes::{DiffPart, diff},
    files::{FileAccess, FileError},
    prompt_library::{
        FrontMatter, LibraryError, LibraryPrompt, PromptContent, PromptDocument, PromptLibrary,
        PromptMessage,
    },
    suite::Mistakes,
};
use evalmark_store::git::{CommitId, GitRepository};
use serde_json::Value;

use super::{
    at_revision::{PromptThen, prompt_then},
    known_scores::{KnownRun, KnownScores},
};
use crate::{
    Host,
    error::{Advised, Result},
    prompts::{
        open::access_of,
        render::{FillOptions, RenderedPrompt, render_within},
    },
};

/// Two versions of a prompt.
#[derive(Clone, Debug)]
pub struct PromptDiff {
    /// The first.
    pub before: PromptVersion,
    /// The second.
    pub after: PromptVersion,
    /// The texts of both, messages and included files; those that are the same, too.
    pub texts: Vec<DiffedText>,
    /// What their front matters say otherwise.
    pub values: Vec<NamedValue>,
    /// The messages of both as a model would read them.
    pub rendered: Vec<DiffedText>,
    /// Id of the item that filled them, where one did.
    pub item: Option<String>,
    /// Why they were not filled in.
    pub not_rendered: Option<String>,
}

/// A version of a prompt.
#[derive(Clone, Debug)]
pub struct PromptVersion {
    /// As it was named.
    pub named: String,
    /// The commit, where it is not of the working tree.
    pub commit: Option<CommitId>,
    /// Its file.
    pub path: PathBuf,
    /// The hash of what it says.
    pub hash: Arc<str>,
    /// What runs measured of it.
    pub runs: Vec<KnownRun>,
}

/// A text of two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffedText {
    /// What it is: a role, or a file that is included.
    pub name: String,
    /// Both, word by word.
    pub diff: Vec<DiffPart>,
}

/// A value of the front matter that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedValue {
    /// Its key, with dots between those in each other.
    pub key: String,
    /// What the first version has; null where it has none.
    pub before: Value,
    /// What the second has.
    pub after: Value,
}

/// A version that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Nothing is called so.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// There is none at that revision.
    #[error("at {revision}, {reason}")]
    AtRevision {
        /// The revision.
        revision: String,
        /// What is wrong there.
        reason: LibraryError,
    },
    /// The file cannot be read.
    #[error("the file {} {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: FileError,
    },
    /// It has mistakes.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

impl Advised for VersionError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::AtRevision { .. } => {
                Some("`evalmark prompts log NAME` lists the commits that have it".to_owned())
            }
            _ => None,
        }
    }
}

/// A version with all that it takes to fill it in.
struct Opened {
    named: String,
    commit: Option<CommitId>,
    folder: PathBuf,
    access: FileAccess,
    prompt: LibraryPrompt,
}

/// Compares two versions: a prompt's name, `NAME@REVISION`, or a file.
pub fn prompt_diff(
    folder: &Path,
    [before, after]: [&str; 2],
    fill: &FillOptions,
    out: &Path,
    host: &Host<'_>,
) -> Result<PromptDiff> {
    let (before, after) = (open(folder, before, host)?, open(folder, after, host)?);
    let hashes = [&before, &after].map(|version| version.prompt.hash.clone());
    let known = KnownScores::of(out, &BTreeSet::from(hashes))?;
    let filled = [&before, &after].map(|version| {
        let library = (version.folder.as_path(), &version.access);
        render_within(library, &version.prompt, fill, host)
    });
    let (rendered, item, not_rendered) = match filled {
        [Ok(one), Ok(other)] => (rendered(&one, &other), one.item, None),
        [Err(error), _] | [_, Err(error)] if fill.suite.is_none() => {
            (Vec::new(), None, Some(error.in_full()))
        }
        [Err(error), _] | [_, Err(error)] => return Err(error),
    };
    let texts = texts(&before.prompt.content, &after.prompt.content);
    let said = [&before, &after].map(|version| said(&version.prompt.file.front_matter));
    let told = |opened: Opened| PromptVersion {
        runs: known.runs(&opened.prompt.hash),
        named: opened.named,
        commit: opened.commit,
        path: opened.prompt.path,
        hash: opened.prompt.hash,
    };
    Ok(PromptDiff {
        before: told(before),
        after: told(after),
        texts,
        values: differing(&said),
        rendered,
        item,
        not_rendered,
    })
}

fn open(folder: &Path, named: &str, host: &Host<'_>) -> Result<Opened> {
    let unreadable = |error| LibraryError::Unreadable { path: folder.to_owned(), error };
    if let Some((name, revision)) = named.split_once('@') {
        let git = GitRepository::open(folder)?;
        let commit = git.commit_of(revision)?;
        let found = prompt_then(folder, name, &git, (revision, commit), host)?;
        let PromptThen { folder, access, prompt } = found;
        return Ok(Opened {
            named: named.to_owned(),
            commit: Some(commit),
            folder,
            access,
            prompt,
        });
    }
    let file = Path::new(named);
    let access = if folder.is_dir() {
        let access = access_of(folder, &host.permissions.roots).map_err(unreadable)?;
        let library = PromptLibrary::read(folder, &access)?;
        match library.find(named) {
            Ok(prompt) => {
                let (prompt, folder) = (prompt.clone(), folder.to_owned());
                return Ok(Opened {
                    named: named.to_owned(),
                    commit: None,
                    folder,
                    access,
                    prompt,
                });
            }
            Err(error) if !file.is_file() => return Err(error.into()),
            Err(_) => Some(access),
        }
    } else {
        None
    };
    open_file(file, folder, access, host)
}

/// A prompt in a file that the user names: it includes files of the library, where it is in one, and else of its own
/// folder.
fn open_file(
    file: &Path,
    library: &Path,
    access: Option<FileAccess>,
    host: &Host<'_>,
) -> Result<Opened> {
    let failed = |error| VersionError::File { path: file.to_owned(), error };
    let within =
        |folder: &Path| Some(file.canonicalize().ok()?.starts_with(folder.canonicalize().ok()?));
    let own = file.parent().unwrap_or(Path::new(""));
    let (folder, access) = if let Some(access) = access.filter(|_| within(library) == Some(true)) {
        (library, access)
    } else {
        let access = access_of(own, &host.permissions.roots);
        (own, access.map_err(|error| failed(FileError::Unreadable(error)))?)
    };
    let text = FileAccess::unlimited().read_text(file).map_err(failed)?;
    let document = if PromptDocument::is_one(&text) {
        PromptDocument::parse(&text)
            .map_err(|list| VersionError::from(Mistakes { path: file.to_owned(), list }))?
    } else {
        let message = PromptMessage { role: "user", text, line: 1 };
        let (front_matter, variable_lines) = (FrontMatter::default(), Vec::new());
        PromptDocument { front_matter, messages: vec![message], variable_lines }
    };
    let files = PromptLibrary { folder: folder.to_owned(), ..PromptLibrary::default() };
    let content = PromptContent::of(&document.messages, &|name| files.fragment(name, &access));
    let prompt = LibraryPrompt {
        name: file.display().to_string(),
        path: file.to_owned(),
        hash: content.hash(),
        file: document,
        content,
    };
    let (named, folder) = (file.display().to_string(), folder.to_owned());
    Ok(Opened { named, commit: None, folder, access, prompt })
}

/// The texts of two contents, a pair each: messages by their order, and included files by their names.
fn texts(before: &PromptContent, after: &PromptContent) -> Vec<DiffedText> {
    let mut texts = messages(&before.messages, &after.messages);
    let names: BTreeSet<_> = before.included.keys().chain(after.included.keys()).collect();
    texts.extend(names.into_iter().map(|name| {
        let [before, after] =
            [before, after].map(|of| of.included.get(name).map_or("", String::as_str));
        DiffedText { name: format!("included {name}"), diff: diff(before, after) }
    }));
    texts
}

fn rendered(before: &RenderedPrompt, after: &RenderedPrompt) -> Vec<DiffedText> {
    messages(&before.messages, &after.messages)
}

fn messages(before: &[(String, String)], after: &[(String, String)]) -> Vec<DiffedText> {
    let mut texts = Vec::new();
    let mut add = |name: &str, before: &str, after: &str| {
        texts.push(DiffedText { name: name.to_owned(), diff: diff(before, after) });
    };
    for i in 0..before.len().max(after.len()) {
        match (before.get(i), after.get(i)) {
            (Some((role, one)), Some((other_role, other))) if role == other_role => {
                add(role, one, other);
            }
            (one, other) => {
                if let Some((role, text)) = one {
                    add(role, text, "");
                }
                if let Some((role, text)) = other {
                    add(role, "", text);
                }
            }
        }
    }
    texts
}

/// What a front matter says, by its keys, with dots between those in each other.
fn said(front_matter: &FrontMatter) -> Vec<(String, Value)> {
    let mut said = Vec::new();
    flatten("", &serde_json::to_value(front_matter).unwrap_or_default(), &mut said);
    said
}

fn flatten(at: &str, value: &Value, said: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let key = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                flatten(&key, value, said);
            }
        }
        value => said.push((at.to_owned(), value.clone())),
    }
}

fn differing([before, after]: &[Vec<(String, Value)>; 2]) -> Vec<NamedValue> {
    let of = |said: &[(String, Value)], key: &str| {
        said.iter().find(|(known, _)| known == key).map_or(Value::Null, |(_, value)| value.clone())
    };
    let added = after.iter().filter(|(key, _)| !before.iter().any(|(known, _)| known == key));
    let keys = before.iter().chain(added).map(|(key, _)| key);
    let both = keys.map(|key| NamedValue {
        key: key.clone(),
        before: of(before, key),
        after: of(after, key),
    });
    both.filter(|value| value.before != value.after).collect()
}
