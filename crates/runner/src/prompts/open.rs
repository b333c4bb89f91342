//! Opening a library that the user names.

use std::{
    io,
    path::{Path, PathBuf},
};

use evalmark_core::{
    files::FileAccess,
    prompt_library::{LibraryError, PromptLibrary},
};

use crate::{
    Host,
    error::{Advised, Result},
};

/// The prompts in a folder. Its files may lie anywhere below the repository that it is in.
pub fn open_library(folder: &Path, host: &Host<'_>) -> Result<PromptLibrary> {
    let access = access_of(folder, &host.permissions.roots)
        .map_err(|error| LibraryError::Unreadable { path: folder.to_owned(), error })?;
    Ok(PromptLibrary::read(folder, &access)?)
}

/// The files that a library may read.
pub(super) fn access_of(folder: &Path, roots: &[PathBuf]) -> io::Result<FileAccess> {
    FileAccess::of_suite(&folder.join("library"), roots)
}

impl Advised for LibraryError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { error, .. } if error.kind() == io::ErrorKind::NotFound => Some(
                "`evalmark prompts new NAME` writes a first prompt; `--library DIR` names another folder"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
