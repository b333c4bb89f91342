//! A Parquet file being written: rows gather in plain columns and leave as row groups.

use std::{
    io::{BufWriter, Write},
    iter,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use polars::{
    polars_utils::compression::ZstdLevel,
    prelude::{
        BatchedWriter, BooleanChunked, Column as PolarsColumn, DataFrame, DataType, Float64Chunked,
        Float64Type, Int32Chunked, Int64Chunked, IntoColumn, IntoSeries, ListBuilderTrait,
        ListPrimitiveChunkedBuilder, ListStringChunkedBuilder, NewChunkedArray, ParquetCompression,
        ParquetWriter, PlSmallStr, PolarsResult, Schema, StringChunkedBuilder, TimeUnit, TimeZone,
    },
};

use super::seal::{Seal, Sealing};
use crate::columns::Kind;

/// A row group has at least so many rows, where its texts are short and its table is wide.
const GROUP_ROWS: usize = 16_384;
/// What is kept of a finished row group until the file ends takes as much memory as about so many
/// rows of the group that is being filled.
const ROWS_A_GROUP: usize = 180;
/// A row group ends before that once its texts hold this many bytes: long answers must not fill the
/// memory.
const GROUP_BYTES: usize = 32 << 20;

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
    Texts(&'a [String]),
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

    /// A small count; beyond `i32` it stays at the largest.
    pub(super) fn small(value: u32) -> Self {
        Self::Int32(Some(i32::try_from(value).unwrap_or(i32::MAX)))
    }
}

/// A column of the row group that is being filled.
enum Buffer {
    Text(StringChunkedBuilder),
    Texts(ListStringChunkedBuilder),
    Floats(Box<ListPrimitiveChunkedBuilder<Float64Type>>),
    Time(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Int64(Vec<Option<i64>>),
    Int32(Vec<Option<i32>>),
    Bool(Vec<Option<bool>>),
}

impl Buffer {
    /// An empty one, with room for so many rows.
    fn new(name: &PlSmallStr, kind: Kind, rows: usize) -> Self {
        let name = name.clone();
        match kind {
            Kind::Text => Self::Text(StringChunkedBuilder::new(name, rows)),
            Kind::Texts => Self::Texts(ListStringChunkedBuilder::new(name, rows, rows)),
            Kind::Floats => {
                let inner = DataType::Float64;
                Self::Floats(Box::new(ListPrimitiveChunkedBuilder::new(name, rows, rows, inner)))
            }
            Kind::Time => Self::Time(Vec::with_capacity(rows)),
            Kind::Float => Self::Float(Vec::with_capacity(rows)),
            Kind::Int64 => Self::Int64(Vec::with_capacity(rows)),
            Kind::Int32 => Self::Int32(Vec::with_capacity(rows)),
            Kind::Bool => Self::Bool(Vec::with_capacity(rows)),
        }
    }

    /// Appends a value and gives the bytes of text it holds; `None` when the types differ.
    fn push(&mut self, cell: &Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Self::Text(column), Cell::Text(text)) => {
                column.append_option(*text);
                return Some(text.map_or(0, str::len));
            }
            (Self::Texts(column), Cell::Texts(texts)) => {
                column.append_values_iter(texts.iter().map(String::as_str));
                return Some(texts.iter().map(String::len).sum());
            }
            (Self::Floats(column), Cell::Floats(values)) => {
                column.append_opt_slice(*values);
                return Some(values.map_or(0, std::mem::size_of_val));
            }
            (Self::Time(column), Cell::Time(at)) => column.push(*at),
            (Self::Float(column), Cell::Float(value)) => column.push(*value),
            (Self::Int64(column), Cell::Int64(value)) => column.push(*value),
            (Self::Int32(column), Cell::Int32(value)) => column.push(*value),
            (Self::Bool(column), Cell::Bool(value)) => column.push(*value),
            _ => return None,
        }
        Some(0)
    }

    fn finish(self, name: PlSmallStr) -> PolarsColumn {
        match self {
            Self::Text(column) => column.finish().into_column(),
            Self::Texts(mut column) => column.finish().into_column(),
            Self::Floats(mut column) => column.finish().into_column(),
            Self::Time(values) => Int64Chunked::from_slice_options(name, &values)
                .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
                .into_series()
                .into_column(),
            Self::Float(values) => Float64Chunked::from_slice_options(name, &values).into_column(),
            Self::Int64(values) => Int64Chunked::from_slice_options(name, &values).into_column(),
            Self::Int32(values) => Int32Chunked::from_slice_options(name, &values).into_column(),
            Self::Bool(values) => BooleanChunked::from_slice_options(name, &values).into_column(),
        }
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::String,
        Kind::Texts => DataType::List(Box::new(DataType::String)),
        Kind::Floats => DataType::List(Box::new(DataType::Float64)),
        Kind::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
        Kind::Float => DataType::Float64,
        Kind::Int64 => DataType::Int64,
        Kind::Int32 => DataType::Int32,
        Kind::Bool => DataType::Boolean,
    }
}

/// Writes a file to wherever it is kept.
///
/// Where row groups end depends on the rows alone, so the same rows give the same bytes.
pub(super) struct TableWriter<W: Write> {
    /// For messages.
    path: PathBuf,
    columns: Vec<(PlSmallStr, Kind)>,
    buffers: Vec<Buffer>,
    rows: usize,
    bytes: usize,
    /// Rows of the groups before.
    written: usize,
    /// Rows of a group, at least.
    least: usize,
    writer: BatchedWriter<Sealing<BufWriter<W>>>,
    seal: Seal,
}

impl<W: Write> TableWriter<W> {
    /// Begins a file with these columns; its path is for messages.
    pub(super) fn create<'a>(
        path: &Path,
        out: W,
        columns: impl IntoIterator<Item = (&'a str, Kind)>,
    ) -> Result<Self, WriteError> {
        let columns: Vec<_> =
            columns.into_iter().map(|(name, kind)| (PlSmallStr::from_str(name), kind)).collect();
        let schema = schema(path, &columns)?;
        let seal = Seal::default();
        let writer = ParquetWriter::new(Sealing::new(BufWriter::new(out), seal.clone()))
            .with_compression(ParquetCompression::Zstd(Some(level(path)?)))
            .batched(&schema)
            .map_err(|error| encode_error(path, &error))?;
        let buffers = empty(&columns, 0);
        let path = path.to_owned();
        Ok(Self {
            path,
            columns,
            buffers,
            rows: 0,
            bytes: 0,
            written: 0,
            least: GROUP_ROWS,
            writer,
            seal,
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
        let mut cells = cells.into_iter();
        for (buffer, (name, kind)) in iter::zip(&mut self.buffers, &self.columns) {
            let bytes = cells.next().and_then(|cell| buffer.push(&cell));
            let Some(bytes) = bytes else {
                let message = format!("`{name}` is missing, or not {kind}");
                return Err(WriteError::Misfit { path: self.path.clone(), message });
            };
            self.bytes += bytes;
        }
        if cells.next().is_some() {
            let message = "it has too many values".to_owned();
            return Err(WriteError::Misfit { path: self.path.clone(), message });
        }
        self.rows += 1;
        if self.rows >= self.group_rows() || self.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), WriteError> {
        // After a full group there may well be another.
        let is_full = self.rows == self.group_rows();
        self.written += self.rows;
        let room = if is_full { self.group_rows() } else { 0 };
        let buffers = std::mem::replace(&mut self.buffers, empty(&self.columns, room));
        let columns = iter::zip(buffers, &self.columns)
            .map(|(buffer, (name, _))| buffer.finish(name.clone()))
            .collect();
        let written: PolarsResult<()> =
            DataFrame::new(self.rows, columns).and_then(|group| self.writer.write_batch(&group));
        (self.rows, self.bytes) = (0, 0);
        written.map_err(|error| encode_error(&self.path, &error))
    }

    /// Writes what is left; answers with the BLAKE3 of all that was written, 64 hexadecimal digits.
    pub(super) fn finish(mut self) -> Result<String, WriteError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        // Polars would add its Arrow schema, and pandas cannot read the string views in it. Without
        // it every reader goes by the plain Parquet types.
        let metadata = Some(vec![self.seal.entry()]);
        let mut out = self.writer.get_writer().lock().unwrap_or_else(PoisonError::into_inner);
        out.end(metadata).map_err(|error| encode_error(&self.path, &error))?;
        Ok(self.seal.digest())
    }
}

/// That of Arrow's own writers: files are a little larger than at zstd's default, and take far less
/// time.
fn level(path: &Path) -> Result<ZstdLevel, WriteError> {
    ZstdLevel::try_new(1).map_err(|error| encode_error(path, &error))
}

fn schema(path: &Path, columns: &[(PlSmallStr, Kind)]) -> Result<Schema, WriteError> {
    let mut schema = Schema::with_capacity(columns.len());
    for (name, kind) in columns {
        if schema.insert(name.clone(), data_type(*kind)).is_some() {
            return Err(WriteError::SameName { path: path.to_owned(), column: name.to_string() });
        }
    }
    Ok(schema)
}

fn empty(columns: &[(PlSmallStr, Kind)], rows: usize) -> Vec<Buffer> {
    columns.iter().map(|(name, kind)| Buffer::new(name, *kind, rows)).collect()
}

fn group_rows(written: usize, least: usize) -> usize {
    written.saturating_mul(ROWS_A_GROUP).isqrt().max(least)
}

fn encode_error(path: &Path, error: &polars::prelude::PolarsError) -> WriteError {
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
        assert_eq!(groups(1_000_000), (62, GROUP_ROWS));
        let (count, rows) = groups(1_000_000_000);
        assert!((4_000..6_000).contains(&count), "{count}");
        assert!((400_000..450_000).contains(&rows), "{rows}");
    }
}
