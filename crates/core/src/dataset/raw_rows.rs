//! Rows as they were cut out of a file, before their values are read: reading the values of a row depends on
//! no other row.

use std::sync::Arc;

use super::{DatasetError, DatasetSpec, RowSet, csv::CsvRow, json::JsonRow};
use crate::fields::Fields;

/// Rows of a file, in order.
pub(super) type RawRows = Box<dyn Iterator<Item = Result<RawRow, DatasetError>> + Send>;

/// One of them.
pub(super) enum RawRow {
    /// The cells of a CSV file's row.
    Csv(CsvRow),
    /// The bytes of an object.
    Json(JsonRow),
    /// A row whose reader gives values.
    Made(Fields),
}

impl RawRow {
    /// What it says.
    pub(super) fn fields(self) -> Result<Fields, DatasetError> {
        match self {
            Self::Csv(row) => row.fields(),
            Self::Json(row) => row.fields(),
            Self::Made(fields) => Ok(fields),
        }
    }

    /// How many bytes it has, as far as they have been counted.
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Csv(row) => row.n_bytes(),
            Self::Json(row) => row.n_bytes(),
            Self::Made(fields) => fields.values().map(text_bytes).sum(),
        }
    }
}

fn text_bytes(value: &serde_json::Value) -> usize {
    value.as_str().map_or(0, str::len)
}

/// What raw rows say, up to the first that cannot be understood.
pub(super) struct MadeRows {
    raw: RawRows,
    done: bool,
}

impl MadeRows {
    pub(super) fn new(raw: RawRows) -> Self {
        Self { raw, done: false }
    }
}

impl Iterator for MadeRows {
    type Item = Result<Fields, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let fields = self.raw.next()?.map(RawRow::fields);
        self.done = matches!(fields, Ok(Err(_)));
        Some(fields.and_then(std::convert::identity))
    }
}

/// A row with its place among all rows, from 1; or why there is none.
pub(super) type PlacedRow = Result<(u64, RawRow), DatasetError>;

/// The rows of a dataset with their places, without those that were not drawn.
pub(super) struct PlacedRows {
    rows: RawRows,
    drawn: Option<Arc<RowSet>>,
    /// How many were read.
    row: u64,
}

impl PlacedRows {
    pub(super) fn open(
        spec: &DatasetSpec,
        drawn: Option<Arc<RowSet>>,
    ) -> Result<Self, DatasetError> {
        Ok(Self { rows: spec.file.raw_rows()?, drawn, row: 0 })
    }

    /// Gives no more.
    pub(super) fn end(&mut self) {
        self.rows = Box::new(std::iter::empty());
    }
}

impl Iterator for PlacedRows {
    type Item = PlacedRow;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            let is_drawn = self.drawn.as_ref().is_none_or(|drawn| drawn.contains(self.row));
            self.row += 1;
            if is_drawn {
                return Some(Ok((self.row, row)));
            }
        }
    }
}
