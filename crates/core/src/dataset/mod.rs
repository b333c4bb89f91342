//! Datasets: rows of a file (`csv`, `json`, or Parquet through a function passed in), and the items
//! made of them (`items`). Files are streamed, never held whole; every error names its row.

mod csv;
pub(crate) mod delimiter;
mod encoding;
mod items;
mod json;
mod json_value;
mod profile;
mod python_json;
mod quotes;
pub(crate) mod sniff;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) use self::{items::content_hash, profile::DatasetProfiler};
pub use self::{
    items::{Fingerprints, Items, answers_in},
    profile::DatasetProfile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{fields::Fields, files::FileAccess, source::Snapshot};

/// Rows of a file, in order.
pub type Rows = Box<dyn Iterator<Item = Result<Fields, DatasetError>> + Send>;

/// Reads an opened Parquet file as rows; its path is for messages.
pub type OpenParquet = fn(&Path, std::fs::File) -> Result<Rows, DatasetError>;

/// Format of a dataset file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that a file's ending tells.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "jsonl" | "ndjson" => Self::Jsonl,
            "json" => Self::Json,
            "parquet" | "pq" => Self::Parquet,
            _ => return None,
        })
    }
}

/// A file of rows.
#[derive(Clone)]
pub struct FileSpec {
    /// The file.
    pub path: PathBuf,
    /// What messages call it: its path, or where a snapshot comes from.
    pub origin: PathBuf,
    /// Its format.
    pub format: Format,
    /// What separates the cells of a CSV or TSV file; found out where it is `None`.
    pub delimiter: Option<u8>,
    /// How a Parquet file is read.
    pub parquet: OpenParquet,
    /// Where it must lie.
    pub access: FileAccess,
}

/// A dataset as declared in a suite, checked.
#[derive(Clone, Debug)]
pub struct DatasetSpec {
    /// Its file.
    pub file: FileSpec,
    /// What the file is a snapshot of; `None` where it is the suite's own.
    pub snapshot: Option<Snapshot>,
    /// Column with a unique id.
    pub id: Option<String>,
    /// Columns with the right answers.
    pub targets: Vec<String>,
    /// Whether an item may have an empty target.
    pub allow_empty_target: bool,
    /// Whether an item may have targets that a metric cannot use; the metric then has no score of it.
    pub allow_unusable_target: bool,
    /// Whether a target may be an object: some metric reads JSON.
    pub allow_object_target: bool,
    /// Column that marks items that are not independent.
    pub cluster: Option<String>,
    /// Columns to break results down by.
    pub slices: Vec<String>,
    /// Columns that are no part of an item's content: recorded answers, labels, notes.
    pub ignored: Vec<String>,
    /// Columns with human labels of the answers.
    pub labels: Vec<String>,
    /// Take only the first so many items.
    pub limit: Option<u64>,
    /// Of those, take only the items whose place says so.
    pub only: Option<Arc<[bool]>>,
    /// What the first pass over all items saw: an item that is read again must be the same.
    pub planned: Option<Fingerprints>,
}

impl fmt::Debug for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSpec").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DatasetSpec {
    /// Whether the row at this place is among the selected items.
    fn takes(&self, index: u64) -> bool {
        let Some(only) = &self.only else { return true };
        usize::try_from(index).ok().and_then(|at| only.get(at)).is_some_and(|taken| *taken)
    }
}

impl FileSpec {
    /// The file's rows, from the first.
    pub fn rows(&self) -> Result<Rows, DatasetError> {
        let file = self.access.open(&self.path);
        let file = file.map_err(|error| DatasetError::of_file(&self.origin, error.to_string()))?;
        match self.format {
            Format::Csv | Format::Tsv => csv::open(&self.origin, file, self.format, self.delimiter),
            Format::Jsonl => json::open_lines(&self.origin, file),
            Format::Json => json::open_array(&self.origin, file),
            Format::Parquet => {
                (self.parquet)(&self.origin, sniff::not_something_else(&self.origin, file)?)
            }
        }
    }
}

/// What is wrong with a dataset, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", path.display(), place.as_deref().map(|p| format!(", {p}")).unwrap_or_default())]
pub struct DatasetError {
    /// The file.
    pub path: PathBuf,
    /// The row, in the words of the format, e.g. `row 7 (line 9)`.
    pub place: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl DatasetError {
    /// An error about the whole file.
    pub fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place: None, message: message.into() }
    }

    /// An error about one row.
    pub fn of_row(path: &Path, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place: Some(place.into()), message: message.into() }
    }
}
