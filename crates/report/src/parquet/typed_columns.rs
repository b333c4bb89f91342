//! Typed columns of a few rows that were read, with errors that name file, row and column.

use std::{
    fmt::{self, Display},
    path::Path,
};

use polars_arrow::{
    array::{Array, BooleanArray, ListArray, PrimitiveArray, StaticArray, Utf8ViewArray},
    datatypes::{ArrowDataType, TimeUnit},
};

use super::open::ReadError;
use crate::columns::Kind;

/// Rows of a file that are held at once: every column has as many values.
#[derive(Default)]
pub(super) struct Slice {
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
}

/// One column of a slice.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) values: Box<dyn Array>,
}

/// A few rows of a slice.
pub(super) struct Frame<'a> {
    pub(super) slice: &'a Slice,
    /// Position in the slice of the first of these rows.
    pub(super) start: usize,
    /// How many rows these are.
    pub(super) height: usize,
    pub(super) path: &'a Path,
    /// Position in the file of the first of these rows, from 0.
    pub(super) first_row: u64,
}

/// One column of a frame.
pub(super) struct Values<'a, A> {
    array: &'a A,
    start: usize,
    name: &'a str,
    path: &'a Path,
    first_row: u64,
}

impl<'a> Frame<'a> {
    /// So many of its rows, from the one at this position in the file on.
    pub(super) fn rows_from(&self, first_row: u64, height: usize) -> Self {
        let skipped =
            usize::try_from(first_row.saturating_sub(self.first_row)).unwrap_or(usize::MAX);
        let start = self.start.saturating_add(skipped);
        Self { slice: self.slice, start, height, path: self.path, first_row }
    }

    pub(super) fn text(&self, name: &'a str) -> Result<Values<'a, Utf8ViewArray>, ReadError> {
        self.typed(name, Kind::Text)
    }

    pub(super) fn texts(&self, name: &'a str) -> Result<Values<'a, ListArray<i64>>, ReadError> {
        self.typed(name, Kind::Texts)
    }

    pub(super) fn float(
        &self,
        name: &'a str,
    ) -> Result<Values<'a, PrimitiveArray<f64>>, ReadError> {
        self.typed(name, Kind::Float)
    }

    /// Values that a column of these rows has.
    pub(super) fn values<A>(&self, name: &'a str, array: &'a A) -> Values<'a, A> {
        let (start, path, first_row) = (self.start, self.path, self.first_row);
        Values { array, start, name, path, first_row }
    }

    /// The values of a column, of all rows of the slice; `None` where the file has no such column.
    pub(super) fn column(&self, name: &str) -> Option<&'a dyn Array> {
        let column = self.slice.columns.iter().find(|column| column.name == name)?;
        Some(&*column.values)
    }

    /// Whether the file has this column: files of earlier versions lack later ones.
    pub(super) fn has(&self, name: &str) -> bool {
        self.column(name).is_some()
    }

    /// Texts that files of earlier versions lack.
    pub(super) fn later_text(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, Utf8ViewArray>>, ReadError> {
        self.has(name).then(|| self.text(name)).transpose()
    }

    /// A column that files of earlier versions lack.
    pub(super) fn later_float(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, PrimitiveArray<f64>>>, ReadError> {
        self.has(name).then(|| self.float(name)).transpose()
    }

    /// The same of counts.
    pub(super) fn later_int64(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, PrimitiveArray<i64>>>, ReadError> {
        self.has(name).then(|| self.int64(name)).transpose()
    }

    /// The same of truth values.
    pub(super) fn later_bool(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, BooleanArray>>, ReadError> {
        self.has(name).then(|| self.bool(name)).transpose()
    }

    /// Lists that files of earlier versions lack.
    pub(super) fn later_floats(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, ListArray<i64>>>, ReadError> {
        self.has(name).then(|| self.typed(name, Kind::Floats)).transpose()
    }

    pub(super) fn int64(
        &self,
        name: &'a str,
    ) -> Result<Values<'a, PrimitiveArray<i64>>, ReadError> {
        self.typed(name, Kind::Int64)
    }

    pub(super) fn int32(
        &self,
        name: &'a str,
    ) -> Result<Values<'a, PrimitiveArray<i32>>, ReadError> {
        self.typed(name, Kind::Int32)
    }

    pub(super) fn bool(&self, name: &'a str) -> Result<Values<'a, BooleanArray>, ReadError> {
        self.typed(name, Kind::Bool)
    }

    /// Microseconds since the Unix epoch.
    pub(super) fn time(&self, name: &'a str) -> Result<Values<'a, PrimitiveArray<i64>>, ReadError> {
        self.typed(name, Kind::Time)
    }

    fn typed<A: 'static>(&self, name: &'a str, kind: Kind) -> Result<Values<'a, A>, ReadError> {
        let Some(array) = self.column(name) else {
            return Err(ReadError::MissingColumn { path: self.path.into(), column: name.into() });
        };
        let fits = holds(array.dtype(), kind).then(|| array.as_any().downcast_ref()).flatten();
        let array = fits.ok_or_else(|| ReadError::WrongType {
            path: self.path.into(),
            column: name.into(),
            found: Named(array.dtype()).to_string(),
            expected: kind.as_str(),
        })?;
        Ok(self.values(name, array))
    }
}

/// Whether a type of the file is the one of a run folder's column. What a list holds shows when it
/// is read.
fn holds(dtype: &ArrowDataType, kind: Kind) -> bool {
    use ArrowDataType as T;
    match kind {
        Kind::Text => matches!(dtype, T::Utf8View),
        Kind::Texts | Kind::Floats => matches!(dtype, T::LargeList(_)),
        Kind::Time => matches!(dtype, T::Timestamp(TimeUnit::Microsecond, _) | T::Int64),
        Kind::Float => matches!(dtype, T::Float64),
        Kind::Int64 => matches!(dtype, T::Int64),
        Kind::Int32 => matches!(dtype, T::Int32),
        Kind::Bool => matches!(dtype, T::Boolean),
    }
}

/// A type under the name that dataframes show.
struct Named<'a>(&'a ArrowDataType);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ArrowDataType as T;
        f.write_str(match self.0 {
            T::Null => "null",
            T::Boolean => "bool",
            T::Int8 => "i8",
            T::Int16 => "i16",
            T::Int32 => "i32",
            T::Int64 => "i64",
            T::UInt8 => "u8",
            T::UInt16 => "u16",
            T::UInt32 => "u32",
            T::UInt64 => "u64",
            T::Float32 => "f32",
            T::Float64 => "f64",
            T::Utf8View => "str",
            T::BinaryView | T::FixedSizeBinary(_) => "binary",
            T::Date32 => "date",
            T::Time32(_) | T::Time64(_) => "time",
            T::Decimal(digits, scale) => return write!(f, "decimal[{digits},{scale}]"),
            T::Timestamp(unit, None) => return write!(f, "datetime[{}]", short(*unit)),
            T::Timestamp(unit, Some(_)) => return write!(f, "datetime[{}, UTC]", short(*unit)),
            T::LargeList(item) => return write!(f, "list[{}]", Named(item.dtype())),
            T::Map(entry, _) => return write!(f, "list[{}]", Named(entry.dtype())),
            T::Struct(fields) => return write!(f, "struct[{}]", fields.len()),
            other => return write!(f, "{other:?}"),
        })
    }
}

fn short(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "μs",
        TimeUnit::Nanosecond => "ns",
    }
}

impl<'a, A: StaticArray> Values<'a, A> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.array.len()
    }

    /// What may be null.
    pub(super) fn get(&self, row: usize) -> Option<A::ValueT<'a>> {
        self.array.get(self.start + row)
    }

    /// What must not be null.
    pub(super) fn some(&self, row: usize) -> Result<A::ValueT<'a>, ReadError> {
        self.get(row).ok_or_else(|| self.bad(row, "is null"))
    }

    /// A complaint about this column of a row.
    pub(super) fn bad(&self, row: usize, problem: &'static str) -> ReadError {
        ReadError::BadCell {
            path: self.path.into(),
            row: self.first_row + row as u64 + 1,
            column: self.name.into(),
            problem,
        }
    }
}

impl Values<'_, PrimitiveArray<i32>> {
    /// A small count.
    pub(super) fn count(&self, row: usize) -> Result<u32, ReadError> {
        u32::try_from(self.some(row)?).map_err(|_| self.bad(row, "is negative"))
    }
}

impl Values<'_, PrimitiveArray<i64>> {
    /// A count that must be known.
    pub(super) fn known_count(&self, row: usize) -> Result<u64, ReadError> {
        u64::try_from(self.some(row)?).map_err(|_| self.bad(row, "is negative"))
    }

    /// A count that may be unknown.
    pub(super) fn maybe_count(&self, row: usize) -> Result<Option<u64>, ReadError> {
        let count = self.get(row).map(u64::try_from).transpose();
        count.map_err(|_| self.bad(row, "is negative"))
    }
}

impl Values<'_, Utf8ViewArray> {
    pub(super) fn owned(&self, row: usize) -> Result<String, ReadError> {
        Ok(self.some(row)?.to_owned())
    }

    pub(super) fn maybe_owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }
}

impl Values<'_, ListArray<i64>> {
    /// A list of numbers; `None` where there is none.
    pub(super) fn floats(&self, row: usize) -> Result<Option<Vec<f64>>, ReadError> {
        let Some(list) = self.get(row) else { return Ok(None) };
        let numbers = list.as_any().downcast_ref::<PrimitiveArray<f64>>();
        let numbers = numbers.ok_or_else(|| self.bad(row, "is not a list of numbers"))?;
        let whole: Option<Vec<f64>> = numbers.iter().map(Option::<&f64>::copied).collect();
        whole.map(Some).ok_or_else(|| self.bad(row, "holds a null"))
    }

    /// A list of texts.
    pub(super) fn texts(&self, row: usize) -> Result<Vec<String>, ReadError> {
        let list = self.some(row)?;
        let texts = list.as_any().downcast_ref::<Utf8ViewArray>();
        let texts = texts.ok_or_else(|| self.bad(row, "is not a list of texts"))?;
        let whole: Option<Vec<_>> = texts.iter().map(|text| text.map(str::to_owned)).collect();
        whole.ok_or_else(|| self.bad(row, "holds a null"))
    }
}
