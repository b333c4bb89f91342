//! Files of the library on their way to a registry and from there.

use std::path::PathBuf;

use evalmark_core::{
    files::FileError,
    prompt_library::{LibraryPrompt, PromptLibrary},
    suite::file_name,
};
use evalmark_store::{durable, git};

use super::{new_prompt::NewPromptError, open::access_of};
use crate::{
    Host,
    error::{Advised, Result},
};

/// A prompt's file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{} {error}", path.display())]
pub struct PromptFileError {
    /// The file.
    path: PathBuf,
    /// Why.
    error: FileError,
}

impl Advised for PromptFileError {}

/// The text of a prompt's file, as it stands there.
pub fn prompt_file(
    library: &PromptLibrary,
    prompt: &LibraryPrompt,
    host: &Host<'_>,
) -> Result<String> {
    let unreadable = |error| PromptFileError { path: prompt.path.clone(), error };
    let access = access_of(&library.folder, &host.permissions.roots)
        .map_err(|error| unreadable(FileError::Unreadable(error)))?;
    Ok(access.read_text(&prompt.path).map_err(unreadable)?)
}

/// The commit of the tree around a library; ends in `+changes` where tracked files differ from it.
pub fn library_commit(library: &PromptLibrary) -> Option<String> {
    let state = git::look_up(&library.folder.join("library"))?;
    let changes = if state.clean { "" } else { "+changes" };
    Some(format!("{}{changes}", state.revision))
}

/// Writes a prompt's file, over the one that it has, or at the path that its name says.
pub fn write_prompt_file(
    library: &PromptLibrary,
    name: &str,
    text: &str,
    force: bool,
) -> Result<PathBuf> {
    name.split('/').try_for_each(file_name).map_err(NewPromptError::Name)?;
    let known = library.prompts.iter().find(|prompt| prompt.name == name);
    let path = known.map(|prompt| prompt.path.clone());
    let path = path.unwrap_or_else(|| library.folder.join(format!("{name}.md")));
    // A file of that path that is no prompt, or one with a mistake, is somebody's work.
    if known.is_none() && path.exists() && !force {
        return Err(NewPromptError::Taken(path).into());
    }
    let unwritable = |error| NewPromptError::Unwritable { path: path.clone(), error };
    let folders: Vec<_> = path.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
    for folder in folders.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        durable::create_folder(folder).map_err(unwritable)?;
    }
    durable::write(&path, text.as_bytes()).map_err(unwritable)?;
    Ok(path)
}
