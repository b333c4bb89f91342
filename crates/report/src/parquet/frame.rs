//! Typed columns of a few rows that were read, with errors that name file, row and column.

use std::path::Path;

use polars::prelude::{
    BooleanType, ChunkedArray, DataFrame, DataType, Float64Type, Int32Type, Int64Type, ListType,
    PolarsDataType, PolarsResult, Series, StringType, TimeUnit,
};

use super::open::ReadError;
use crate::columns::Kind;

/// A few rows of a file.
pub(super) struct Frame<'a> {
    pub(super) data: &'a DataFrame,
    pub(super) path: &'a Path,
    /// Position in the file of the first of these rows, from 0.
    pub(super) first_row: u64,
}

/// One column of a frame.
pub(super) struct Values<'a, T: PolarsDataType> {
    array: &'a ChunkedArray<T>,
    name: &'a str,
    path: &'a Path,
    first_row: u64,
}

impl<'a> Frame<'a> {
    pub(super) fn text(&self, name: &'a str) -> Result<Values<'a, StringType>, ReadError> {
        self.typed(name, Kind::Text, Series::str)
    }

    pub(super) fn texts(&self, name: &'a str) -> Result<Values<'a, ListType>, ReadError> {
        self.typed(name, Kind::Texts, Series::list)
    }

    pub(super) fn float(&self, name: &'a str) -> Result<Values<'a, Float64Type>, ReadError> {
        self.typed(name, Kind::Float, Series::f64)
    }

    /// Whether the file has this column: files of earlier versions lack later ones.
    pub(super) fn has(&self, name: &str) -> bool {
        self.data.column(name).is_ok()
    }

    /// A column that files of earlier versions lack.
    pub(super) fn later_float(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, Float64Type>>, ReadError> {
        self.has(name).then(|| self.float(name)).transpose()
    }

    /// Lists that files of earlier versions lack.
    pub(super) fn later_floats(
        &self,
        name: &'a str,
    ) -> Result<Option<Values<'a, ListType>>, ReadError> {
        let lists = || self.typed(name, Kind::Floats, Series::list);
        self.has(name).then(lists).transpose()
    }

    pub(super) fn int64(&self, name: &'a str) -> Result<Values<'a, Int64Type>, ReadError> {
        self.typed(name, Kind::Int64, Series::i64)
    }

    pub(super) fn int32(&self, name: &'a str) -> Result<Values<'a, Int32Type>, ReadError> {
        self.typed(name, Kind::Int32, Series::i32)
    }

    pub(super) fn bool(&self, name: &'a str) -> Result<Values<'a, BooleanType>, ReadError> {
        self.typed(name, Kind::Bool, Series::bool)
    }

    /// Microseconds since the Unix epoch.
    pub(super) fn time(&self, name: &'a str) -> Result<Values<'a, Int64Type>, ReadError> {
        self.typed(name, Kind::Time, |series| match series.dtype() {
            DataType::Datetime(TimeUnit::Microseconds, _) => Ok(series.datetime()?.physical()),
            _ => series.i64(),
        })
    }

    fn typed<T: PolarsDataType>(
        &self,
        name: &'a str,
        kind: Kind,
        view: fn(&Series) -> PolarsResult<&ChunkedArray<T>>,
    ) -> Result<Values<'a, T>, ReadError> {
        let missing = |_| ReadError::MissingColumn { path: self.path.into(), column: name.into() };
        let series = self.data.column(name).map_err(missing)?.as_materialized_series();
        let array = view(series).map_err(|_| ReadError::WrongType {
            path: self.path.into(),
            column: name.into(),
            found: series.dtype().to_string(),
            expected: kind.as_str(),
        })?;
        Ok(Values { array, name, path: self.path, first_row: self.first_row })
    }
}

impl<'a, T: PolarsDataType> Values<'a, T> {
    /// What may be null.
    pub(super) fn get(&self, row: usize) -> Option<T::Physical<'a>> {
        self.array.get(row)
    }

    /// What must not be null.
    pub(super) fn some(&self, row: usize) -> Result<T::Physical<'a>, ReadError> {
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

impl Values<'_, Int32Type> {
    /// A small count.
    pub(super) fn count(&self, row: usize) -> Result<u32, ReadError> {
        u32::try_from(self.some(row)?).map_err(|_| self.bad(row, "is negative"))
    }
}

impl Values<'_, Int64Type> {
    /// A count that may be unknown.
    pub(super) fn maybe_count(&self, row: usize) -> Result<Option<u64>, ReadError> {
        let count = self.get(row).map(u64::try_from).transpose();
        count.map_err(|_| self.bad(row, "is negative"))
    }
}

impl Values<'_, StringType> {
    pub(super) fn owned(&self, row: usize) -> Result<String, ReadError> {
        Ok(self.some(row)?.to_owned())
    }

    pub(super) fn maybe_owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }
}

impl Values<'_, ListType> {
    /// A list of numbers; `None` where there is none.
    pub(super) fn floats(&self, row: usize) -> Result<Option<Vec<f64>>, ReadError> {
        let Some(list) = self.array.get_as_series(row) else { return Ok(None) };
        let numbers = list.f64().map_err(|_| self.bad(row, "is not a list of numbers"))?;
        Ok(Some(numbers.iter().flatten().collect()))
    }

    /// A list of texts.
    pub(super) fn texts(&self, row: usize) -> Result<Vec<String>, ReadError> {
        let Some(list) = self.array.get_as_series(row) else { return Ok(Vec::new()) };
        let texts = list.str().map_err(|_| self.bad(row, "is not a list of texts"))?;
        Ok(texts.iter().flatten().map(str::to_owned).collect())
    }
}
