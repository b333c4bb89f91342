//! A first file for a new prompt of the library.

use std::{
    io,
    path::{Path, PathBuf},
};

use evalmark_core::suite::file_name;
use evalmark_store::durable;

use crate::error::{Advised, Result};

/// A prompt that cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum NewPromptError {
    /// Its name cannot be a file's.
    #[error("the prompt's name {0}")]
    Name(String),
    /// There is such a file.
    #[error("{} is there already", .0.display())]
    Taken(PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Advised for NewPromptError {
    fn hint(&self) -> Option<String> {
        let Self::Taken(_) = self else { return None };
        Some("choose another name, or edit that file".to_owned())
    }
}

/// Writes a prompt that `evalmark prompts lint` has nothing to say about, and returns its file.
pub fn new_prompt(library: &Path, name: &str) -> Result<PathBuf> {
    name.split('/').try_for_each(file_name).map_err(NewPromptError::Name)?;
    let path = library.join(format!("{name}.md"));
    if path.exists() {
        return Err(NewPromptError::Taken(path).into());
    }
    let unwritable = |error| NewPromptError::Unwritable { path: path.clone(), error };
    let folders: Vec<_> = path.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
    for folder in folders.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        durable::create_folder(folder).map_err(unwritable)?;
    }
    durable::write(&path, FIRST_TEXT.as_bytes()).map_err(unwritable)?;
    Ok(path)
}

/// The text of a new prompt.
const FIRST_TEXT: &str = "\
---
description: What the prompt is for, in a sentence
owner: the team that answers for it
variables:
  text: { type: string, description: What a user wrote, example: I was charged twice. }
---
system:
You sort messages of customers. Answer with one word: billing, delivery or other.

user:
<message>
{{ text }}
</message>
";
