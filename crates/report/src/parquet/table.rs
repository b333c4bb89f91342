//! A Parquet file being written: rows gather in plain columns and leave as row groups.

use std::{
    fmt::Display,
    io::{BufWriter, Write},
    iter,
    path::{Path, PathBuf},
};

use polars_arrow::datatypes::{ArrowSchema, Field};
use polars_parquet::write::{
    CompressionOptions, FileWriter, StatisticsOptions, Version, WriteOptions, ZstdLevel,
    get_dtype_encoding,
};
use rayon::prelude::*;

use super::{
    buffer::{Buffer, data_type},
    footer_checksum::{ChecksumWriter, FooterChecksum},
    row_groups::RowGroups,
};
use crate::columns::Kind;

/// A row group has at least so many rows, where its texts are short and its table is wide.
const GROUP_ROWS: usize = 8_192;
/// What is kept of a finished row group until the file ends takes as much memory as about so many
/// rows of the group that is being filled.
const ROWS_A_GROUP: usize = 180;
/// A row group ends before that once its texts hold this many bytes: long answers must not fill the
/// memory.
const GROUP_BYTES: usize = 32 << 20;

/// So many rows at once are many: their columns are filled in parallel.
const MANY_ROWS: usize = 64;

/// A Parquet file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Encoding failed, or the disk is full.
    #[error("cannot write {path}: {message}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// Two metrics, or two slices, have the same name.
    #[error("cannot write {path}: two of its columns would be called `{column}`")]
    SameName {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A row that does not fit the file's columns.
    #[error("cannot write {path}: a row does not fit its columns ({message})")]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        message: String,
    },
}

/// One value of one row.
pub(super) enum Cell<'a> {
    Text(Option<&'a str>),
    Texts(Option<&'a [String]>),
    Floats(Option<&'a [f64]>),
    Time(Option<i64>),
    Float(Option<f64>),
    Int64(Option<i64>),
    Int32(Option<i32>),
    Bool(Option<bool>),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Some(text))
    }

    /// A number that must not be NaN or infinite in a file: such a value is missing.
    pub(super) fn float(value: Option<f64>) -> Self {
        Self::Float(value.filter(|value| value.is_finite()))
    }

    /// A count; one beyond `i64` is missing.
    pub(super) fn count(value: Option<u64>) -> Self {
        Self::Int64(value.and_then(|value| i64::try_from(value).ok()))
    }

    /// The bytes of its texts and lists, which a row group may have so many of.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.map_or(0, str::len),
            Self::Texts(texts) => texts.unwrap_or_default().iter().map(String::len).sum(),
            Self::Floats(numbers) => size_of_val(numbers.unwrap_or_default()),
            _ => 0,
        }
    }

    /// A small count; beyond `i32` it stays at the largest.
    pub(super) fn small(value: u32) -> Self {
        Self::Int32(Some(i32::try_from(value).unwrap_or(i32::MAX)))
    }
}

/// Writes a file to wherever it is kept.
///
/// Where row groups end depends on the rows alone, so the same rows give the same bytes.
pub(super) struct TableWriter<W: Write> {
    /// For messages.
    path: PathBuf,
    columns: Vec<(String, Kind)>,
    buffers: Vec<Buffer>,
    rows: usize,
    bytes: usize,
    /// Rows of the groups before.
    written: usize,
    /// Rows of a group, at least.
    least: usize,
    groups: RowGroups,
    writer: FileWriter<ChecksumWriter<BufWriter<W>>>,
    checksum: FooterChecksum,
}

impl<W: Write> TableWriter<W> {
    /// Begins a file with these columns; its path is for messages.
    pub(super) fn create<'a>(
        path: &Path,
        out: W,
        columns: impl IntoIterator<Item = (&'a str, Kind)>,
    ) -> Result<Self, WriteError> {
        let columns: Vec<_> =
            columns.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
        let schema = schema(path, &columns)?;
        let checksum = FooterChecksum::default();
        let encodings =
            schema.iter_values().map(|field| get_dtype_encoding(field.dtype())).collect();
        let hashed_out = ChecksumWriter::new(BufWriter::new(out), checksum.clone());
        let writer = FileWriter::try_new(hashed_out, schema, options(path)?)
            .map_err(|error| encode_error(path, &error))?;
        let types = writer.parquet_schema().fields().to_vec();
        let groups = RowGroups::new(encodings, types, writer.options());
        let buffers = columns.iter().map(|(_, kind)| Buffer::new(*kind, 0)).collect();
        let path = path.to_owned();
        Ok(Self {
            path,
            columns,
            buffers,
            rows: 0,
            bytes: 0,
            written: 0,
            least: GROUP_ROWS,
            groups,
            writer,
            checksum,
        })
    }

    /// The same, for a table so narrow that its groups may be so many times as long.
    pub(super) fn narrow(self, times: usize) -> Self {
        Self { least: times * GROUP_ROWS, ..self }
    }

    /// How many rows the group has that is being filled: the longer the file, the longer its groups,
    /// so that they and what is kept of them grow with the root of its rows only.
    fn group_rows(&self) -> usize {
        group_rows(self.written, self.least)
    }

    /// Adds one row: a value for every column, in order.
    pub(super) fn push<'a>(
        &mut self,
        cells: impl IntoIterator<Item = Cell<'a>>,
    ) -> Result<(), WriteError> {
        let misfit = |message| WriteError::Misfit { path: self.path.clone(), message };
        self.bytes += fill(&mut self.buffers, &self.columns, cells).map_err(misfit)?;
        self.rows += 1;
        if self.rows >= self.group_rows() || self.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    /// Adds rows, column by column on all cores where they are many: `cell` says what a row has in a column.
    pub(super) fn extend<R: Sync>(
        &mut self,
        rows: &[R],
        cell: impl for<'a> Fn(&'a R, usize) -> Cell<'a> + Sync,
    ) -> Result<(), WriteError> {
        let (n_columns, cell) = (self.columns.len(), &cell);
        if rows.len() < MANY_ROWS {
            let cells = |row| (0..n_columns).map(move |column| cell(row, column));
            return rows.iter().try_for_each(|row| self.push(cells(row)));
        }
        let bytes = |row| (0..n_columns).map(|column| cell(row, column).bytes()).sum();
        let bytes: Vec<usize> = rows.par_iter().with_min_len(MANY_ROWS).map(bytes).collect();
        let mut from = 0;
        while from < rows.len() {
            let most = self.group_rows();
            let is_full = |(rows, bytes)| rows >= most || bytes >= GROUP_BYTES;
            let (mut to, mut filled) = (from, (self.rows, self.bytes));
            while to < rows.len() && !is_full(filled) {
                filled = (filled.0 + 1, filled.1 + bytes[to]);
                to += 1;
            }
            let columns = self.buffers.par_iter_mut().zip(&self.columns).enumerate();
            let misfit = columns.try_for_each(|(column, (buffer, (name, kind)))| {
                let mut cells = rows[from..to].iter().map(|row| cell(row, column));
                let fits = cells.all(|cell| buffer.push(&cell).is_some());
                if fits { Ok(()) } else { Err(format!("`{name}` is not {kind}")) }
            });
            let misfit =
                misfit.map_err(|message| WriteError::Misfit { path: self.path.clone(), message });
            misfit?;
            (self.rows, self.bytes) = filled;
            if is_full(filled) {
                self.write_group()?;
            }
            from = to;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), WriteError> {
        // After a full group there may well be another.
        let is_full = self.rows == self.group_rows();
        self.written += self.rows;
        let room = if is_full { self.group_rows() } else { 0 };
        let columns = self.buffers.iter().zip(&self.columns);
        let next = columns.map(|(buffer, (_, kind))| buffer.like(*kind, room)).collect();
        let buffers = std::mem::replace(&mut self.buffers, next);
        let written = self.groups.push((self.rows, buffers), &mut self.writer);
        (self.rows, self.bytes) = (0, 0);
        written.map_err(|error| encode_error(&self.path, &error))
    }

    /// Writes what is left; answers with the BLAKE3 of all that was written, 64 hexadecimal digits.
    pub(super) fn finish(mut self) -> Result<String, WriteError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        let written = self.groups.finish(&mut self.writer);
        written.map_err(|error| encode_error(&self.path, &error))?;
        // Polars would add its Arrow schema, and pandas cannot read the string views in it. Without
        // it every reader goes by the plain Parquet types.
        let written = self.writer.end(Some(vec![self.checksum.entry()]));
        written.map_err(|error| encode_error(&self.path, &error))?;
        Ok(self.checksum.digest())
    }
}

/// Appends a cell to each column; answers with the bytes of their texts, or with what does not fit.
fn fill<'a>(
    buffers: &mut [Buffer],
    columns: &[(String, Kind)],
    cells: impl IntoIterator<Item = Cell<'a>>,
) -> Result<usize, String> {
    let (mut columns, mut bytes) = (iter::zip(buffers, columns), 0);
    // Chained cells are gone through part by part, which takes less time than asking for each.
    cells.into_iter().try_for_each(|cell| {
        let (buffer, (name, kind)) = columns.next().ok_or("it has too many values")?;
        bytes += cell.bytes();
        buffer.push(&cell).ok_or_else(|| format!("`{name}` is not {kind}"))?;
        Ok::<_, String>(())
    })?;
    match columns.next() {
        Some((_, (name, _))) => Err(format!("`{name}` is missing")),
        None => Ok(bytes),
    }
}

/// Pages with statistics, in zstd. Its level is that of Arrow's own writers: files are a little larger
/// than at zstd's default, and take far less time.
fn options(path: &Path) -> Result<WriteOptions, WriteError> {
    let level = ZstdLevel::try_new(1).map_err(|error| encode_error(path, &error))?;
    Ok(WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Zstd(Some(level)),
        data_page_size: None,
    })
}

fn schema(path: &Path, columns: &[(String, Kind)]) -> Result<ArrowSchema, WriteError> {
    let mut schema = ArrowSchema::with_capacity(columns.len());
    for (name, kind) in columns {
        let field = Field::new(name.as_str().into(), data_type(*kind), true);
        if schema.insert(field.name.clone(), field).is_some() {
            return Err(WriteError::SameName { path: path.to_owned(), column: name.clone() });
        }
    }
    Ok(schema)
}

fn group_rows(written: usize, least: usize) -> usize {
    written.saturating_mul(ROWS_A_GROUP).isqrt().max(least)
}

fn encode_error(path: &Path, error: &impl Display) -> WriteError {
    WriteError::Encode { path: path.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of a file of so many rows, and rows of the last one.
    fn groups(rows: usize) -> (usize, usize) {
        let (mut written, mut count) = (0, 0);
        while written < rows {
            written += group_rows(written, GROUP_ROWS);
            count += 1;
        }
        (count, group_rows(written, GROUP_ROWS))
    }

    #[test]
    fn groups_of_a_long_file_are_long_and_few() {
        assert_eq!(groups(200_000), (25, GROUP_ROWS));
        assert_eq!(groups(1_000_000), (104, 13_433));
        let (count, rows) = groups(1_000_000_000);
        assert!((4_000..6_000).contains(&count), "{count}");
        assert!((400_000..450_000).contains(&rows), "{rows}");
    }
}
