//! Files that are written all or none: what was there before comes back where one cannot be written or
//! what they say turns out wrong.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_store::durable;
use serde::Serialize;

use super::error::FirstSuiteError;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileOutcome {
    /// It is new.
    New,
    /// It had another content.
    Replaced,
    /// Lines were added to it.
    Extended,
    /// It was there as it should be, or is the user's own.
    Kept,
}

/// A file of a first suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: FileOutcome,
}

/// Files that are written, and can be taken back.
#[derive(Default)]
pub(super) struct NewFiles {
    written: Vec<WrittenFile>,
    /// What to do to have it as it was: the old content, or none.
    before: Vec<(PathBuf, Option<Vec<u8>>)>,
    folders: Vec<PathBuf>,
}

impl NewFiles {
    /// Writes a file. Where another is there already, `outcome` says what is done to it: only
    /// [`FileOutcome::Extended`] and [`FileOutcome::Replaced`] change it.
    pub(super) fn write(
        &mut self,
        path: &Path,
        text: &str,
        outcome: FileOutcome,
    ) -> Result<(), FirstSuiteError> {
        let unwritable =
            |source: io::Error| FirstSuiteError::Unwritable { path: path.to_owned(), source };
        let before = match fs::read(path) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unwritable(error)),
        };
        let outcome = match &before {
            None => FileOutcome::New,
            Some(before) if before == text.as_bytes() => FileOutcome::Kept,
            Some(_) if outcome == FileOutcome::New => {
                return Err(FirstSuiteError::Exists(path.to_owned()));
            }
            Some(_) => outcome,
        };
        if outcome != FileOutcome::Kept {
            self.make_folder(path.parent().unwrap_or(Path::new(""))).map_err(unwritable)?;
            durable::write(path, text.as_bytes()).map_err(unwritable)?;
            self.before.push((path.to_owned(), before));
        }
        self.written.push(WrittenFile { path: path.to_owned(), outcome });
        Ok(())
    }

    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing =
            folder.ancestors().take_while(|one| !one.as_os_str().is_empty() && !one.exists());
        let mut missing: Vec<_> = missing.map(Path::to_owned).collect();
        missing.reverse();
        for one in missing {
            durable::create_folder(&one)?;
            self.folders.push(one);
        }
        Ok(())
    }

    /// Leaves everything as it was.
    pub(super) fn take_back(self) {
        for (path, before) in self.before.into_iter().rev() {
            // What cannot be taken back stays: the error that is told is the first.
            drop(match before {
                Some(before) => durable::write(&path, &before),
                None => durable::remove(&path),
            });
        }
        for folder in self.folders.iter().rev() {
            drop(durable::remove_empty_folder(folder));
        }
    }

    /// The files, in the order in which they were written.
    pub(super) fn keep(self) -> Vec<WrittenFile> {
        self.written
    }
}
