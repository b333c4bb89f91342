//! Datasets: rows of a file (`csv`, `json`, `yaml`, `excel`, or Parquet and Arrow through a function
//! passed in) or of several (`parts`), and the items made of them (`items`). Files are streamed, but for
//! YAML and Excel, which have their bounds; every error names its row.

mod csv;
pub(crate) mod delimiter;
pub(crate) mod encoding;
#[cfg(feature = "excel")]
pub(crate) mod excel;
#[cfg(feature = "excel")]
mod excel_time;
mod fingerprints;
mod item_batches;
mod items;
mod json;
mod json_scan;
mod json_value;
pub(crate) mod listing;
mod parts;
mod profile;
mod python_json;
mod quotes;
mod raw_rows;
mod row_set;
mod scratch;
pub(crate) mod selection;
pub(crate) mod sniff;
mod yaml;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::{
    encoding::TextEncoding,
    fingerprints::Fingerprints,
    items::{Items, answers_in},
    profile::DatasetProfile,
    python_json::as_json as python_as_json,
    row_set::RowSet,
    scratch::{DistinctCounter, OpenScratch, ScratchSpace},
    selection::{SchemaViolation, SchemaViolations, Selection},
};
pub(crate) use self::{
    item_batches::{ItemBatches, OfEachItem},
    items::content_hash,
    profile::{DatasetProfiler, ItemDigest},
    selection::{Amount, ColumnRule, ColumnType, Sample, SchemaCheck, SelectedRows, Split},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::raw_rows::{MadeRows, RawRow, RawRows};
use crate::{fields::Fields, files::FileAccess, item::ItemHash, source::Snapshot};

/// Rows of a file, in order.
pub type Rows = Box<dyn Iterator<Item = Result<Fields, DatasetError>> + Send>;

/// Reads an opened Parquet or Arrow file as rows; its path is for messages.
pub type OpenColumnar = fn(&Path, std::fs::File, Format) -> Result<Rows, DatasetError>;

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
    /// A YAML list of mappings.
    Yaml,
    /// A sheet of an Excel workbook, with a header.
    Xlsx,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, which is also Feather.
    Arrow,
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
            "yaml" | "yml" => Self::Yaml,
            "xlsx" | "xlsm" => Self::Xlsx,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        })
    }

    /// Whether it is text, in some encoding.
    pub(crate) fn is_text(self) -> bool {
        !matches!(self, Self::Xlsx | Self::Parquet | Self::Arrow)
    }

    /// Whether all rows of a file have the same columns.
    pub(crate) fn has_columns(self) -> bool {
        !matches!(self, Self::Jsonl | Self::Json | Self::Yaml)
    }
}

/// What a file does not say of itself: how its rows stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowLayout {
    /// What separates the cells of a CSV or TSV file; found out where it is `None`.
    pub delimiter: Option<u8>,
    /// The encoding of a text; UTF-8 where it is `None`.
    pub encoding: Option<TextEncoding>,
    /// The way to the list of rows in a JSON or YAML file; empty where the file is that list.
    pub rows: Vec<String>,
    /// The sheet of a workbook; the first one that is shown where it is `None`.
    pub sheet: Option<String>,
    /// The row of a sheet, from 1, that names the columns; the first one with a value where it is `None`.
    pub header_row: Option<u32>,
}

/// One of the files that a dataset consists of.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The file.
    pub path: PathBuf,
    /// What messages call it.
    pub origin: PathBuf,
    /// Where it must lie.
    pub access: FileAccess,
    /// The encoding of a text; UTF-8 where it is `None`.
    pub encoding: Option<TextEncoding>,
}

/// A file of rows, or several that are read as one.
#[derive(Clone)]
pub struct FileSpec {
    /// The file; where there are several, the folder or pattern that names them.
    pub path: PathBuf,
    /// What messages call it: its path, or where a snapshot comes from.
    pub origin: PathBuf,
    /// Its format.
    pub format: Format,
    /// How its rows stand in it.
    pub layout: RowLayout,
    /// How a Parquet or Arrow file is read.
    pub columnar: OpenColumnar,
    /// Where it must lie.
    pub access: FileAccess,
    /// The files, where there are several, in the order in which they are read.
    pub parts: Arc<[FilePart]>,
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
    /// Which rows are items, and what is computed of them; `None` where all are, as they stand there.
    pub selection: Option<Arc<Selection>>,
    /// Take only the first so many items.
    pub limit: Option<u64>,
    /// Of those, take only the items at these places.
    pub only: Option<Arc<RowSet>>,
    /// Where the first pass keeps what it cannot hold in memory.
    pub scratch: ScratchSpace,
    /// What the first pass over all items saw: an item that is read again must be the same.
    pub planned: Option<Fingerprints>,
}

impl fmt::Debug for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSpec").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DatasetSpec {
    /// Takes no more items than so many, beside what the suite says.
    pub fn limit_to(&mut self, most: Option<u64>) {
        self.limit = [self.limit, most].into_iter().flatten().min();
    }

    /// The file that a row stands in, from 1 over all files, and its row there.
    pub fn place_of_row(&self, row: u64) -> (PathBuf, u64) {
        let mut before = 0;
        for part in &*self.file.parts {
            let Ok(rows) = self.file.part(part).rows() else { break };
            let n_rows = rows.take_while(Result::is_ok).count() as u64;
            if row <= before + n_rows {
                return (part.origin.clone(), row - before);
            }
            before += n_rows;
        }
        (self.file.origin.clone(), row)
    }

    /// The hash of a row's content.
    pub fn content_hash(&self, row: &Fields) -> ItemHash {
        content_hash(self, row)
    }

    /// What is wrong with a row.
    pub(crate) fn error_of_row(&self, row: u64, message: impl Into<String>) -> DatasetError {
        let (file, row) = self.place_of_row(row);
        DatasetError::of_row(&file, format!("row {row}"), message)
    }

    /// What is wrong where a temporary file cannot be used.
    pub fn scratch_error(&self, error: &std::io::Error) -> DatasetError {
        let message = format!(
            "has more rows than are kept track of in memory, and a temporary file cannot be used for the \
             others: {error}; free some space, or name a folder with room in the variable `TMPDIR`"
        );
        DatasetError::of_file(&self.file.origin, message)
    }

    /// Whether the row at this place is among the selected items.
    fn takes(&self, index: u64) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(index))
    }
}

impl FileSpec {
    /// A file, which is looked for when it is opened.
    pub fn new(path: PathBuf, format: Format, columnar: OpenColumnar, access: FileAccess) -> Self {
        let (origin, layout, parts) = (path.clone(), RowLayout::default(), Arc::default());
        Self { path, origin, format, layout, columnar, access, parts }
    }

    /// The rows, from the first.
    pub fn rows(&self) -> Result<Rows, DatasetError> {
        Ok(Box::new(MadeRows::new(self.raw_rows()?)))
    }

    /// The same, before their values are read.
    fn raw_rows(&self) -> Result<RawRows, DatasetError> {
        if !self.parts.is_empty() {
            return Ok(Box::new(parts::PartRows::new(self.clone())));
        }
        let file = self.access.open(&self.path);
        let file = file.map_err(|error| DatasetError::of_file(&self.origin, error.to_string()))?;
        let made = match self.format {
            Format::Csv | Format::Tsv => {
                return csv::open(&self.origin, file, self.format, &self.layout);
            }
            Format::Jsonl => return json::open_lines(&self.origin, file, &self.layout),
            Format::Json => return json::open_array(&self.origin, file, &self.layout),
            Format::Yaml => yaml::open(&self.origin, file, &self.layout)?,
            binary => {
                let file = sniff::not_something_else(&self.origin, file, binary)?;
                match binary {
                    Format::Xlsx => open_excel(&self.origin, file, &self.layout)?,
                    columnar => (self.columnar)(&self.origin, file, columnar)?,
                }
            }
        };
        Ok(Box::new(made.map(|row| row.map(RawRow::Made))))
    }

    /// The files that it consists of.
    pub(crate) fn files(&self) -> Vec<FilePart> {
        if !self.parts.is_empty() {
            return self.parts.to_vec();
        }
        let (path, origin) = (self.path.clone(), self.origin.clone());
        vec![FilePart { path, origin, access: self.access.clone(), encoding: self.layout.encoding }]
    }

    /// One of its files alone.
    #[must_use]
    pub fn part(&self, part: &FilePart) -> Self {
        Self {
            path: part.path.clone(),
            origin: part.origin.clone(),
            access: part.access.clone(),
            layout: RowLayout { encoding: part.encoding, ..self.layout.clone() },
            parts: Arc::default(),
            ..self.clone()
        }
    }
}

#[cfg(feature = "excel")]
fn open_excel(path: &Path, file: std::fs::File, layout: &RowLayout) -> Result<Rows, DatasetError> {
    excel::open(path, file, layout)
}

#[cfg(not(feature = "excel"))]
fn open_excel(path: &Path, _: std::fs::File, _: &RowLayout) -> Result<Rows, DatasetError> {
    let message = "is an Excel workbook, and this evalmark was built without the feature `excel`";
    Err(DatasetError::of_file(path, message))
}

/// The way that a suite writes, as keys: `data.items`, or `/data/my.items` for keys with points.
pub(crate) fn rows_path(text: &str) -> Vec<String> {
    match text.strip_prefix('/') {
        Some(pointer) => {
            pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
        }
        None => text.split('.').map(str::to_owned).collect(),
    }
}

/// A key as a step of a JSON pointer.
fn pointer_step(key: &str) -> String {
    crate::fields::pointer_to("", key)
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
