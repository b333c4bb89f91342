//! A dataset that is a Parquet file: its rows as JSON objects, in column order.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
};

use evalmark_core::fields::{ColumnNames, Fields, Marks};
use polars_arrow::datatypes::{ArrowDataType, TimeUnit};
use serde_json::Value;

use super::{
    json::{Cell, duration, exact, json, step},
    open::{ReadError, Rows, TableReader},
    panic_guard::guarded,
    typed_columns::Frame,
};

/// A dataset in Parquet that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetReadError {
    /// The file cannot be read at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A column has a type that has no natural form in JSON.
    #[error(
        "{path}: column `{column}` holds {found}, which evalmark cannot read; \
         leave the column out or save it as text"
    )]
    UnsupportedType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// It is no Arrow file.
    #[error("{path} is not a readable Arrow file: {message}")]
    NotArrow {
        /// The file.
        path: PathBuf,
        /// What the reader stumbled over.
        message: String,
    },
    /// A file that cannot be read on.
    #[error("{path}: row {row} and those behind it cannot be read: {message}")]
    RestUnreadable {
        /// The file.
        path: PathBuf,
        /// The row, from 1.
        row: u64,
        /// What the reader stumbled over.
        message: String,
    },
}

/// The rows of a dataset; ends after the first error.
pub struct ParquetRows {
    path: PathBuf,
    rows: Rows<Fields, DatasetReadError>,
    columns: Vec<String>,
    n_given: u64,
}

/// Opens a dataset. Memory stays bounded, whatever the number of rows.
///
/// Numbers, booleans and texts (as UTF-8) stay what they are, decimals and 128-bit integers with all
/// their digits; dates, times and durations become ISO 8601 text; lists, structs and maps become
/// arrays and objects; null and NaN, which dataframes write for null, become `null`. A column that
/// cannot be read, bytes that are not text, and infinity are an error only where they are used.
pub fn parquet_rows(path: &Path) -> Result<ParquetRows, DatasetReadError> {
    rows_of(path, TableReader::open(path)?)
}

/// The same with a file that is open; its path is for messages.
pub fn parquet_rows_of(path: &Path, file: File) -> Result<ParquetRows, DatasetReadError> {
    rows_of(path, TableReader::of_file(path, file)?)
}

fn rows_of(path: &Path, reader: TableReader) -> Result<ParquetRows, DatasetReadError> {
    // It is whoever's file: they may write to it while it is read.
    let reader = reader.copied();
    let names: Vec<_> = reader.schema().iter_names().map(ToString::to_string).collect();
    let mut plan = Plan { columns: names.clone(), unreadable: Vec::new(), written: HashMap::new() };
    for (name, field) in reader.schema().iter() {
        if let Some(found) = unsupported(field.dtype()) {
            plan.unreadable.push((name.to_string(), found));
        } else if let Some(written) = reader.written(name).and_then(Written::of) {
            plan.written.insert(name.to_string(), written);
        }
    }
    let is_readable = |name: &&String| !plan.unreadable.iter().any(|(other, _)| other == *name);
    let readable: Vec<_> = names.iter().filter(is_readable).cloned().collect();
    let reader = if readable.is_empty() || plan.unreadable.is_empty() {
        reader
    } else {
        reader.select(readable)?
    };
    let rows = Rows::new(reader, move |frame| plan.decode(frame));
    Ok(ParquetRows { path: path.to_owned(), rows, columns: names, n_given: 0 })
}

impl ParquetRows {
    /// The columns, in the file's order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl Iterator for ParquetRows {
    type Item = Result<Fields, DatasetReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        self.n_given += 1;
        let rest_unreadable = |message: String| {
            let (path, row) = (self.path.clone(), self.n_given);
            DatasetReadError::RestUnreadable { path, row, message }
        };
        Some(row.map_err(|error| match error {
            DatasetReadError::Read(ReadError::Damaged { message, .. }) => rest_unreadable(message),
            DatasetReadError::Read(ReadError::Io { source, .. }) => {
                rest_unreadable(source.to_string())
            }
            other => other,
        }))
    }
}

/// Names a type that has no natural form in JSON.
pub(super) fn unsupported(dtype: &ArrowDataType) -> Option<String> {
    use ArrowDataType as T;
    match dtype {
        T::Decimal(digits, scale) if *digits > 38 || scale > digits => {
            Some(format!("decimals of {digits} digits"))
        }
        T::Null
        | T::Boolean
        | T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::UInt64
        | T::Float32
        | T::Float64
        | T::Decimal(..)
        | T::Utf8
        | T::LargeUtf8
        | T::Utf8View
        // Often text that its writer did not label as such; whether it is, its values show.
        | T::Binary
        | T::LargeBinary
        | T::BinaryView
        | T::FixedSizeBinary(_)
        | T::Date32
        | T::Date64
        | T::Time32(_)
        | T::Time64(_)
        | T::Duration(_)
        | T::Timestamp(..) => None,
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) | T::Map(item, _) => {
            unsupported(item.dtype())
        }
        T::Dictionary(_, values, _) => unsupported(values),
        T::Struct(fields) => fields.iter().find_map(|field| unsupported(field.dtype())),
        T::Decimal256(digits, _) => Some(format!("decimals of {digits} digits")),
        T::Float16 => Some("16-bit floats".to_owned()),
        T::Interval(_) => Some("intervals".to_owned()),
        other => Some(format!("{other:?}")),
    }
}

/// What the plain types of Parquet do not tell of a column.
#[derive(Clone, Copy)]
enum Written {
    Int128,
    UInt128,
    Duration(TimeUnit),
}

impl Written {
    fn of(dtype: &ArrowDataType) -> Option<Self> {
        match dtype {
            ArrowDataType::Int128 => Some(Self::Int128),
            ArrowDataType::UInt128 => Some(Self::UInt128),
            ArrowDataType::Duration(unit) => Some(Self::Duration(*unit)),
            _ => None,
        }
    }

    /// The value that a plain one stands for.
    fn read(self, cell: Cell<'_>, pointer: &str, marks: &mut Marks) -> Option<Value> {
        match self {
            Self::Int128 => {
                let integer = i128::from_le_bytes(cell.bytes()?.try_into().ok()?);
                Some(exact(integer.to_string(), pointer, marks))
            }
            Self::UInt128 => {
                let integer = u128::from_le_bytes(cell.bytes()?.try_into().ok()?);
                Some(exact(integer.to_string(), pointer, marks))
            }
            Self::Duration(unit) => {
                let count = cell.integer()?;
                Some(duration(count, unit).into())
            }
        }
    }
}

/// How a file's columns are read.
struct Plan {
    /// In the file's order.
    columns: Vec<String>,
    /// Columns with what they hold.
    unreadable: Vec<(String, String)>,
    written: HashMap<String, Written>,
}

impl Plan {
    fn decode(&self, frame: &Frame<'_>) -> Result<Vec<Fields>, DatasetReadError> {
        let mut rows: Vec<(Vec<Value>, Marks)> = Vec::new();
        rows.resize_with(frame.height, || {
            (Vec::with_capacity(self.columns.len()), Marks::default())
        });
        let is_there =
            |name: &&String| self.unreadable(name).is_some() || frame.column(name).is_some();
        let names: ColumnNames = self.columns.iter().filter(is_there).cloned().collect();
        for name in &self.columns {
            if let Some(found) = self.unreadable(name) {
                let problem = format!("holds {found}, which evalmark cannot read; save it as text");
                for (values, marks) in &mut rows {
                    values.push(Value::Null);
                    marks.unusable(&step("", name), &problem, "null");
                }
                continue;
            }
            let Some(column) = frame.column(name) else { continue };
            let first = Cell { array: column, at: frame.start };
            let written = self.written.get(name).copied();
            guarded(|| cells(first, name, written, &mut rows)).map_err(|found| {
                let (path, column) = (frame.path.to_owned(), name.clone());
                DatasetReadError::UnsupportedType { path, column, found }
            })?;
        }
        let row = |(values, marks)| Fields::of_row(names.clone(), values, marks);
        Ok(rows.into_iter().map(row).collect())
    }

    fn unreadable(&self, name: &str) -> Option<&str> {
        let mut unreadable = self.unreadable.iter();
        unreadable.find_map(|(other, found)| (other == name).then_some(found.as_str()))
    }
}

/// Puts the values of a column, from `first` on, into its rows.
fn cells(
    first: Cell<'_>,
    name: &str,
    written: Option<Written>,
    rows: &mut [(Vec<Value>, Marks)],
) -> Result<(), String> {
    let pointer = step("", name);
    for (row, (values, marks)) in rows.iter_mut().enumerate() {
        let cell = Cell { at: first.at + row, ..first };
        let special = match written {
            Some(written) if !cell.is_null() => written.read(cell, &pointer, marks),
            _ => None,
        };
        let value = match special {
            Some(value) => value,
            None => json(cell, &pointer, marks)?,
        };
        values.push(value);
    }
    Ok(())
}
