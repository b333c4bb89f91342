//! The folder of prompts.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{content::PromptContent, document::PromptDocument};
use crate::{
    file_snapshot::SnapshotEntry,
    files::{FileAccess, FileError},
    suite::{Mistake, Mistakes, Position, nearest},
};

/// The name of the folder that holds a library.
pub const PROMPTS_FOLDER: &str = "prompts";

/// How the files of a library end.
const EXTENSIONS: [&str; 6] = ["md", "j2", "jinja", "jinja2", "txt", "prompt"];

/// How many folders may lie in each other.
const MAX_DEPTH: usize = 16;

/// How many files a library may have.
const MAX_FILES: usize = 20_000;

/// The prompts of a folder.
#[derive(Clone, Debug, Default)]
pub struct PromptLibrary {
    /// The folder.
    pub folder: PathBuf,
    /// Those that could be read, by name.
    pub prompts: Vec<LibraryPrompt>,
    /// What is wrong with the others, file by file.
    pub mistakes: Vec<Mistakes>,
}

/// A prompt of the library.
#[derive(Clone, Debug)]
pub struct LibraryPrompt {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What its file holds.
    pub file: PromptDocument,
    /// What it says, with all that it includes.
    pub content: PromptContent,
    /// The hash of that, 32 hexadecimal digits.
    pub hash: Arc<str>,
}

/// A library that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder, or one in it, cannot be listed.
    #[error("the folder of prompts {path} cannot be read: {error}")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It may not be looked at.
    #[error("the folder of prompts {path} {error}")]
    Refused {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: FileError,
    },
    /// It has more files, or more folders in each other, than a library has.
    #[error(
        "the folder of prompts {path} holds more than {MAX_FILES} files, or folders more than {MAX_DEPTH} deep"
    )]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
    /// No prompt has this name.
    #[error("the library {folder} has no prompt `{name}`{advice}")]
    Unknown {
        /// The library.
        folder: PathBuf,
        /// The name asked for.
        name: String,
        /// What there is, behind `; `.
        advice: String,
    },
    /// The prompt has mistakes.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

impl PromptLibrary {
    /// Reads a folder of prompts: every file with front matter is one, and every other may be included.
    pub fn read(folder: &Path, access: &FileAccess) -> Result<Self, LibraryError> {
        let refused = |error| LibraryError::Refused { path: folder.to_owned(), error };
        access.folder(folder).map_err(refused)?;
        let mut files = Vec::new();
        list((folder, folder), 0, access, &mut files)?;
        files.sort();
        let mut library = Self { folder: folder.to_owned(), ..Self::default() };
        for path in files {
            match access.read_text(&path) {
                Ok(text) if PromptDocument::is_one(&text) => library.add(path, &text, access),
                Ok(_) => {}
                Err(error) => {
                    let list = vec![Mistake::new(format!("the file {error}"))];
                    library.mistakes.push(Mistakes { path, list });
                }
            }
        }
        library.prompts.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(library)
    }

    /// The prompt of this name, or why there is none.
    pub fn find(&self, name: &str) -> Result<&LibraryPrompt, LibraryError> {
        if let Some(found) = self.prompts.iter().find(|prompt| prompt.name == name) {
            return Ok(found);
        }
        let wrong =
            self.mistakes.iter().find(|wrong| default_name(&self.folder, &wrong.path) == name);
        if let Some(wrong) = wrong {
            return Err(wrong.clone().into());
        }
        Err(LibraryError::Unknown {
            folder: self.folder.clone(),
            name: name.to_owned(),
            advice: self.advice(name),
        })
    }

    /// What to say to someone who named a prompt that does not exist.
    fn advice(&self, name: &str) -> String {
        let names = || self.prompts.iter().map(|prompt| prompt.name.as_str());
        if let Some(near) = nearest(name, names()) {
            return format!("; did you mean `{near}`?");
        }
        let listed: Vec<_> = names().take(12).collect();
        if listed.is_empty() {
            return "; it holds no file with front matter".to_owned();
        }
        format!("; it has: {}", listed.join(", "))
    }

    /// The text of a file that prompts include by this name.
    pub fn fragment(&self, name: &str, access: &FileAccess) -> Option<String> {
        is_fragment_name(name).then(|| access.read_text(&self.folder.join(name)).ok()).flatten()
    }

    fn add(&mut self, path: PathBuf, text: &str, access: &FileAccess) {
        let file = match PromptDocument::parse(text) {
            Ok(file) => file,
            Err(list) => return self.mistakes.push(Mistakes { path, list }),
        };
        let name = file.front_matter.name.clone();
        let name = name.unwrap_or_else(|| default_name(&self.folder, &path));
        if let Err(message) = checked_name(&name) {
            let at = Position { line: 1, column: 1 };
            let hint = "give it another with `name:` in its front matter";
            let list = vec![Mistake::at(at, format!("the prompt's name {message}")).hint(hint)];
            return self.mistakes.push(Mistakes { path, list });
        }
        if let Some(other) = self.prompts.iter().find(|other| other.name == name) {
            let message = format!("the name `{name}` is already taken by {}", other.path.display());
            let list = vec![Mistake::at(Position { line: 1, column: 1 }, message)];
            return self.mistakes.push(Mistakes { path, list });
        }
        let content = PromptContent::of(&file.messages, &|name| self.fragment(name, access));
        let hash = content.hash();
        self.prompts.push(LibraryPrompt { name, path, file, content, hash });
    }
}

/// Whether prompts may include a file by this name: one of the library's folder, that is not hidden.
pub fn is_fragment_name(name: &str) -> bool {
    let is_plain = |part: &str| !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    !name.starts_with('/') && name.split('/').all(is_plain)
}

/// A prompt's name where its file gives it none: its path in the library, without the extension.
pub fn default_name(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

/// Whether each part of a prompt's name can name a folder on every system; says why not.
pub fn checked_name(name: &str) -> Result<(), String> {
    name.split('/').try_for_each(crate::suite::file_name)
}

/// The files of a folder of the library that may be prompts. Links are not followed, and what is hidden is left out.
fn list(
    (folder, library): (&Path, &Path),
    depth: usize,
    access: &FileAccess,
    files: &mut Vec<PathBuf>,
) -> Result<(), LibraryError> {
    let too_large = || LibraryError::TooLarge { path: library.to_owned() };
    if depth > MAX_DEPTH {
        return Err(too_large());
    }
    let unreadable = |error| LibraryError::Unreadable { path: folder.to_owned(), error };
    for (name, kind) in access.entries(folder).map_err(unreadable)? {
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(name);
        match kind {
            SnapshotEntry::Folder => list((&path, library), depth + 1, access, files)?,
            SnapshotEntry::File if is_prompt_name(&path) => files.push(path),
            _ => {}
        }
        if files.len() > MAX_FILES {
            return Err(too_large());
        }
    }
    Ok(())
}

/// Whether a file's name is that of a prompt.
pub fn is_prompt_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}
