//! The files of a suite that another tool's were made into: all or none, and only where the suite passes
//! `evalmark check`.

use std::path::{Path, PathBuf};

use evalmark_core::imported_suite::ImportedSuite;

use super::{
    create::checked,
    error::FirstSuiteError,
    new_files::{FileOutcome, NewFiles, WrittenFile},
};
use crate::Host;

/// The files that were written: those of each suite, the suite itself first.
pub fn write_imported_suites(
    imported: &[ImportedSuite],
    folder: &Path,
    host: &Host<'_>,
) -> Result<Vec<WrittenFile>, FirstSuiteError> {
    let mut files = NewFiles::default();
    let written = imported.iter().try_for_each(|one| write(one, folder, &mut files, host));
    match written {
        Ok(()) => Ok(files.keep()),
        Err(error) => {
            files.take_back();
            Err(match error {
                FirstSuiteError::Exists(path) => FirstSuiteError::InTheWay(path),
                other => other,
            })
        }
    }
}

fn write(
    imported: &ImportedSuite,
    folder: &Path,
    files: &mut NewFiles,
    host: &Host<'_>,
) -> Result<(), FirstSuiteError> {
    let here = folder == Path::new(".");
    let folder = if here { PathBuf::new() } else { folder.to_owned() };
    let suites = folder.join("suites");
    let suite = suites.join(format!("{}.yaml", imported.name));
    let dataset = folder.join("datasets").join(format!("{}.jsonl", imported.name));
    files.write(&suite, &imported.suite, FileOutcome::New)?;
    files.write(&dataset, &imported.dataset, FileOutcome::New)?;
    for prompt in &imported.prompts {
        files.write(&suites.join(&prompt.path), &prompt.text, FileOutcome::New)?;
    }
    checked(&suite, host).map_err(|error| match error {
        FirstSuiteError::Mistaken { problem, advice } => {
            FirstSuiteError::ImportMistaken { problem, advice }
        }
        other => other,
    })
}
