//! Rows of a dataset as a Parquet file: columns of one type where all their values have it, and of text
//! where they have not.

use std::{collections::HashMap, io::Write, path::Path};

use evalmark_core::fields::Fields;
use serde_json::Value;

use super::table::{Cell, TableWriter, WriteError};
use crate::columns::Kind;

/// The columns that rows have, and what they hold.
#[derive(Clone, Debug, Default)]
pub struct ColumnTypes {
    columns: Vec<(String, ColumnValues)>,
    places: HashMap<String, usize>,
}

/// What all values of a column so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnValues {
    /// There were none.
    Nothing,
    Truths,
    Integers,
    Numbers,
    Texts,
    /// Lists of texts.
    TextLists,
    /// Anything else, as text: JSON where it is no text.
    Mixed,
}

impl ColumnTypes {
    /// Looks at a row.
    pub fn see(&mut self, row: &Fields) {
        for (name, value) in row {
            let place = *self.places.entry(name.clone()).or_insert_with(|| {
                self.columns.push((name.clone(), ColumnValues::Nothing));
                self.columns.len() - 1
            });
            let is_exact = row.cell(name).is_some_and(|cell| {
                let text = cell.text().ok().flatten();
                text.is_none_or(|text| !value.is_number() || text == value.to_string())
            });
            let seen = &mut self.columns[place].1;
            *seen = seen.with(value, is_exact);
        }
    }

    /// The names of the columns, in the order in which they first occur.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }
}

impl ColumnValues {
    /// With one more value; a number with more digits than a float has is text.
    fn with(self, value: &Value, is_exact: bool) -> Self {
        let of_value = match value {
            Value::Null => return self,
            Value::Bool(_) => Self::Truths,
            Value::Number(_) if !is_exact => Self::Mixed,
            Value::Number(number) if number.is_i64() => Self::Integers,
            Value::Number(number) if number.is_f64() => Self::Numbers,
            Value::String(_) => Self::Texts,
            Value::Array(items) if items.iter().all(Value::is_string) => Self::TextLists,
            Value::Number(_) | Value::Array(_) | Value::Object(_) => Self::Mixed,
        };
        match (self, of_value) {
            (Self::Nothing, of_value) => of_value,
            (one, other) if one == other => one,
            (Self::Integers, Self::Numbers) | (Self::Numbers, Self::Integers) => Self::Numbers,
            _ => Self::Mixed,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Truths => Kind::Bool,
            Self::Integers => Kind::Int64,
            Self::Numbers => Kind::Float,
            Self::TextLists => Kind::Texts,
            Self::Nothing | Self::Texts | Self::Mixed => Kind::Text,
        }
    }
}

/// Writes rows as a Parquet file. Memory stays bounded, whatever their number.
pub struct DatasetRowsWriter<W: Write> {
    table: TableWriter<W>,
    types: ColumnTypes,
}

/// A value on its way into a column.
enum Held {
    Text(Option<String>),
    Texts(Option<Vec<String>>),
    Float(Option<f64>),
    Int64(Option<i64>),
    Truth(Option<bool>),
}

impl<W: Write> DatasetRowsWriter<W> {
    /// Begins a file with the columns of rows that were all looked at; its path is for messages.
    pub fn create(path: &Path, out: W, types: ColumnTypes) -> Result<Self, WriteError> {
        let columns = types.columns.iter().map(|(name, values)| (name.as_str(), values.kind()));
        let table = TableWriter::create(path, out, columns)?;
        Ok(Self { table, types })
    }

    /// Adds a row.
    pub fn push(&mut self, row: &Fields) -> Result<(), WriteError> {
        let held = self.types.columns.iter().map(|(name, values)| held(row, name, *values));
        let held: Vec<Held> = held.collect();
        self.table.push(held.iter().map(|held| match held {
            Held::Text(text) => Cell::Text(text.as_deref()),
            Held::Texts(texts) => Cell::Texts(texts.as_deref()),
            Held::Float(number) => Cell::float(*number),
            Held::Int64(number) => Cell::Int64(*number),
            Held::Truth(truth) => Cell::Bool(*truth),
        }))
    }

    /// Writes what is left.
    pub fn finish(self) -> Result<(), WriteError> {
        self.table.finish().map(drop)
    }
}

fn held(row: &Fields, name: &str, values: ColumnValues) -> Held {
    let value = row.get(name);
    match values.kind() {
        Kind::Bool => Held::Truth(value.and_then(Value::as_bool)),
        Kind::Int64 => Held::Int64(value.and_then(Value::as_i64)),
        Kind::Float => Held::Float(value.and_then(Value::as_f64)),
        Kind::Texts => {
            let texts = |items: &Vec<Value>| {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            Held::Texts(value.and_then(Value::as_array).map(texts))
        }
        _ => {
            let text = row.cell(name).and_then(|cell| cell.text().ok().flatten());
            Held::Text(text.map(std::borrow::Cow::into_owned))
        }
    }
}
