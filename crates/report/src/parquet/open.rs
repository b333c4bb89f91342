//! A Parquet file being read: row group by row group, and large row groups in slices.

use std::{
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field};
use polars_parquet::read::{FileMetadata, RowGroupMetadata};

use super::{
    footer::{Footer, footer},
    pages::Pages,
    panic_guard::guarded,
    typed_columns::{Frame, Slice},
    wanted_rows::WantedRows,
};

/// About how many uncompressed bytes are held at once.
const SLICE_BYTES: usize = 32 << 20;
/// The most rows held at once.
const SLICE_ROWS: usize = 131_072;
/// How many rows are looked at together.
const BATCH_ROWS: usize = 1_024;

/// A Parquet file of a run folder that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system says no.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is empty, cut short, damaged, or something else than Parquet.
    #[error("{path} is not a readable Parquet file: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader stumbled over.
        message: String,
    },
    /// A column is missing: another tool wrote the file.
    #[error("{path} has no column `{column}`: was it written by evalmark?")]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A column has another type: another tool wrote the file.
    #[error("{path}: column `{column}` holds {found}, not {expected}: was it written by evalmark?")]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type in the file.
        found: String,
        /// The type that belongs there.
        expected: &'static str,
    },
    /// A value that does not belong there.
    #[error("{path}: row {row}: column `{column}` {problem}")]
    BadCell {
        /// The file.
        path: PathBuf,
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl ReadError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, message: String) -> Self {
        Self::Damaged { path: path.to_owned(), message }
    }
}

/// Rows of one row group that are held at once.
pub(super) struct Part {
    group: usize,
    rows: Range<usize>,
    /// Position in the file of the first of them.
    pub(super) first_row: u64,
}

impl Part {
    /// How many rows it has.
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }
}

/// Reads a file slice by slice. At any time one slice is held.
pub(super) struct TableReader {
    path: PathBuf,
    file: File,
    metadata: FileMetadata,
    schema: ArrowSchema,
    /// The types that the columns had where they were written, where the file tells.
    written: Option<ArrowSchema>,
    columns: Option<Vec<String>>,
    /// Whether texts are wanted as codes.
    coded: bool,
    /// Whether somebody may write to the file while it is read.
    may_change: bool,
    /// Of such a file: the row group that is read, and what was copied of it.
    copied: Option<(usize, Pages)>,
    /// The rows to give out; `None`: all of them.
    wanted: Option<WantedRows>,
    group: usize,
    offset: usize,
    /// The rows that were read last.
    slice: Slice,
    /// How many of them were given out.
    given: usize,
    /// How many rows of the file were given out.
    rows_given: u64,
}

impl TableReader {
    /// Opens a file, reads its footer, and checks that it describes the file.
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::io(path, source))?;
        Self::of_file(path, file)
    }

    /// The same with a file that is open; its path is for messages.
    pub(super) fn of_file(path: &Path, mut file: File) -> Result<Self, ReadError> {
        let about = file.metadata().map_err(|source| ReadError::io(path, source))?;
        if about.is_dir() {
            return Err(ReadError::io(path, io::ErrorKind::IsADirectory.into()));
        }
        let Footer { metadata, schema, written } = guarded(|| footer(&mut file, about.len()))
            .map_err(|message| ReadError::damaged(path, message))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            metadata,
            schema,
            written,
            columns: None,
            coded: false,
            may_change: false,
            copied: None,
            wanted: None,
            group: 0,
            offset: 0,
            slice: Slice::default(),
            given: 0,
            rows_given: 0,
        })
    }

    /// Reads a file that somebody may write to, or cut, meanwhile.
    pub(super) fn copied(mut self) -> Self {
        self.may_change = true;
        self
    }

    /// Reads texts as codes, where the file has them so.
    pub(super) fn coded(mut self) -> Self {
        self.coded = true;
        self
    }

    /// Reads these columns only; all of them must be there.
    pub(super) fn select(mut self, columns: Vec<String>) -> Result<Self, ReadError> {
        for column in &columns {
            if !self.schema.contains(column) {
                let (path, column) = (self.path, column.clone());
                return Err(ReadError::MissingColumn { path, column });
            }
        }
        self.columns = Some(columns);
        Ok(self)
    }

    /// Reads these columns, and of the `later` ones those that the file has: files written before
    /// a column was added lack it.
    pub(super) fn select_with(
        self,
        mut columns: Vec<String>,
        later: &[&str],
    ) -> Result<Self, ReadError> {
        columns.retain(|column| {
            self.schema.contains(column.as_str()) || !later.contains(&column.as_str())
        });
        self.select(columns)
    }

    /// Gives out these rows only, by their positions in the file; slices without one are not decoded.
    pub(super) fn only(mut self, rows: Vec<u64>) -> Self {
        self.wanted = Some(WantedRows::new(rows));
        self
    }

    /// Every column's name and type.
    pub(super) fn schema(&self) -> &ArrowSchema {
        &self.schema
    }

    /// The type that a column had where it was written, where the file tells.
    pub(super) fn written(&self, column: &str) -> Option<&ArrowDataType> {
        self.written.as_ref()?.get(column).map(Field::dtype)
    }

    /// Shows `look` the next few rows, in file order; `None` at the end.
    pub(super) fn next_batch<T, E: From<ReadError>>(
        &mut self,
        look: impl FnOnce(&Frame<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let height = loop {
            if self.given == self.slice.rows {
                match self.next_slice()? {
                    Some(slice) => (self.slice, self.given) = (slice, 0),
                    None => return Ok(None),
                }
            }
            let left = self.slice.rows - self.given;
            let run = match &mut self.wanted {
                None => 0..left,
                Some(wanted) => wanted.next_run(self.rows_given, left, BATCH_ROWS),
            };
            self.given += run.start;
            self.rows_given += run.start as u64;
            if !run.is_empty() {
                break run.len().min(BATCH_ROWS);
            }
        };
        let (slice, start, path) = (&self.slice, self.given, self.path.as_path());
        let frame = Frame { slice, start, height, path, first_row: self.rows_given };
        self.given += height;
        self.rows_given += height as u64;
        look(&frame).map(Some)
    }

    /// The next slice of rows; never an empty one.
    fn next_slice(&mut self) -> Result<Option<Slice>, ReadError> {
        self.slice = Slice::default();
        self.given = 0;
        while let Some(group) = self.metadata.row_groups.get(self.group) {
            let left = group.num_rows().saturating_sub(self.offset);
            let rows = slice_rows(group.num_rows(), group.total_byte_size()).min(left);
            if rows == 0 {
                (self.group, self.offset) = (self.group + 1, 0);
                continue;
            }
            let offset = self.offset;
            self.offset += rows;
            if self.wanted.as_ref().is_some_and(|wanted| !wanted.any_in(self.rows_given, rows)) {
                self.rows_given += rows as u64;
                continue;
            }
            return self.read_next(offset..offset + rows).map(Some);
        }
        Ok(None)
    }

    /// Reads rows of the row group that is next.
    fn read_next(&mut self, rows: Range<usize>) -> Result<Slice, ReadError> {
        let fields = fields(&self.schema, self.columns.as_deref());
        let group = &self.metadata.row_groups[self.group];
        if !self.may_change {
            return self.read(self.group, rows, fields);
        }
        let pages = match self.copied.take() {
            Some((number, pages)) if number == self.group => pages,
            _ => Pages::copy(&self.file, group, fields.iter().copied())
                .map_err(|source| ReadError::io(&self.path, source))?,
        };
        let (_, pages) = self.copied.insert((self.group, pages));
        decode(pages, group, rows, fields, self.coded)
            .map_err(|message| ReadError::damaged(&self.path, message))
    }

    /// Reads rows of a row group, on this thread, where a panic can be caught.
    fn read(
        &self,
        group: usize,
        rows: Range<usize>,
        fields: Vec<&Field>,
    ) -> Result<Slice, ReadError> {
        let group = &self.metadata.row_groups[group];
        let pages = guarded(|| Pages::map(&self.file));
        let read = pages.and_then(|pages| decode(&pages, group, rows, fields, self.coded));
        read.map_err(|message| ReadError::damaged(&self.path, message))
    }

    /// The parts of the file that are held at once.
    pub(super) fn parts(&self) -> Vec<Part> {
        let (mut parts, mut first_row) = (Vec::new(), 0);
        for (group, about) in self.metadata.row_groups.iter().enumerate() {
            let n_rows = about.num_rows();
            let most = slice_rows(n_rows, about.total_byte_size());
            for start in (0..n_rows).step_by(most) {
                let rows = start..n_rows.min(start + most);
                let of_part = rows.len() as u64;
                parts.push(Part { group, rows, first_row });
                first_row += of_part;
            }
        }
        parts
    }

    /// Shows `look` all rows of a part, in the columns that were selected.
    pub(super) fn read_part<T, E: From<ReadError>>(
        &self,
        part: &Part,
        look: impl FnOnce(&Frame<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let slice = self.read(
            part.group,
            part.rows.clone(),
            fields(&self.schema, self.columns.as_deref()),
        )?;
        let (height, path, first_row) = (slice.rows, self.path.as_path(), part.first_row);
        look(&Frame { slice: &slice, start: 0, height, path, first_row })
    }

    /// How many rows the file has.
    pub(super) fn n_rows(&self) -> u64 {
        self.metadata.row_groups.iter().map(|group| group.num_rows() as u64).sum()
    }

    /// Shows `look` the rows from one on in these columns, as many as are held at once and no more than
    /// `most`, all of them from one row group; `None` beyond the last row. Columns that the file lacks
    /// are left out.
    pub(super) fn rows_at<T>(
        &self,
        first_row: u64,
        most: usize,
        columns: &[&str],
        look: impl FnOnce(&Frame<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        let mut before = 0;
        for (at, group) in self.metadata.row_groups.iter().enumerate() {
            let n_rows = group.num_rows() as u64;
            if first_row >= before + n_rows {
                before += n_rows;
                continue;
            }
            let start = usize::try_from(first_row - before).unwrap_or(usize::MAX);
            let held = slice_rows(group.num_rows(), group.total_byte_size());
            let height = held.min(most).min(group.num_rows() - start);
            let fields = columns.iter().filter_map(|name| self.schema.get(name)).collect();
            let slice = self.read(at, start..start + height, fields)?;
            let path = self.path.as_path();
            return look(&Frame { slice: &slice, start: 0, height, path, first_row }).map(Some);
        }
        Ok(None)
    }
}

/// These columns, or all.
fn fields<'a>(schema: &'a ArrowSchema, columns: Option<&[String]>) -> Vec<&'a Field> {
    match columns {
        None => schema.iter_values().collect(),
        Some(names) => names.iter().filter_map(|name| schema.get(name)).collect(),
    }
}

/// These rows of a row group.
fn decode(
    pages: &Pages,
    group: &RowGroupMetadata,
    rows: Range<usize>,
    fields: Vec<&Field>,
    coded: bool,
) -> Result<Slice, String> {
    let column = |field: &Field| {
        if let Some(codes) = coded.then(|| Pages::codes(group, field)).flatten()
            && let Ok(column) = guarded(|| pages.column(group, &codes, rows.clone()))
        {
            return Ok(column);
        }
        guarded(|| pages.column(group, field, rows.clone()))
    };
    let columns: Result<Vec<_>, String> = fields.into_iter().map(column).collect();
    columns.map(|columns| Slice { columns, rows: rows.len() })
}

/// How many rows of a row group to hold at once.
fn slice_rows(rows: usize, bytes: usize) -> usize {
    let per_row = (bytes / rows.max(1)).max(1);
    (SLICE_BYTES / per_row).clamp(1, SLICE_ROWS)
}

/// Rows of a file, one by one, decoded a few at a time.
pub(super) struct Rows<T, E> {
    reader: TableReader,
    decode: Decode<T, E>,
    ready: std::vec::IntoIter<T>,
    done: bool,
}

type Decode<T, E> = Box<dyn FnMut(&Frame<'_>) -> Result<Vec<T>, E> + Send>;

impl<T, E: From<ReadError>> Rows<T, E> {
    pub(super) fn new(
        reader: TableReader,
        decode: impl FnMut(&Frame<'_>) -> Result<Vec<T>, E> + Send + 'static,
    ) -> Self {
        Self { reader, decode: Box::new(decode), ready: Vec::new().into_iter(), done: false }
    }
}

/// Ends after the first error.
impl<T, E: From<ReadError>> Iterator for Rows<T, E> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.next() {
                return Some(Ok(row));
            }
            if self.done {
                return None;
            }
            match self.reader.next_batch(&mut self.decode) {
                Ok(Some(rows)) => self.ready = rows.into_iter(),
                Ok(None) => self.done = true,
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
