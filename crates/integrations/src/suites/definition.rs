//! The form that every importer of suites fills in, and what it is asked.

use std::path::Path;

use evalmark_core::{files::FileAccess, imported_suite::ImportedSuite};

/// An importer: a line in the table.
#[derive(Clone, Copy)]
pub struct SuiteImporter {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it reads, in a sentence.
    pub summary: &'static str,
    /// Reads a file into suites: one, unless the file asks several things.
    pub read: fn(&SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError>,
}

/// What is to be imported.
#[derive(Clone, Copy)]
pub struct SuiteRequest<'a> {
    /// The file.
    pub file: &'a Path,
    /// Name of the suite; default: the file's, or its folder's.
    pub name: Option<&'a str>,
    /// A file with the rows, where the imported one only says where they are to be had.
    pub data: Option<&'a Path>,
    /// A file with values of variables.
    pub environment: Option<&'a Path>,
    /// Which files may be read.
    pub access: &'a FileAccess,
}

/// A file that cannot be imported at all.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SuiteImportError {
    /// The file, with its line where one is known.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SuiteImportError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into(), hint: None }
    }
}
