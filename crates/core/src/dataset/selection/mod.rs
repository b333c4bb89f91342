//! Which rows of a dataset are items, and which columns are computed for them: first `columns`, then
//! `filter`, `split` and `sample`; a limit comes last.

mod draw;
mod schema;
mod split;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde_json::Value;

pub use self::schema::{SchemaViolation, SchemaViolations};
pub(crate) use self::{
    draw::{Amount, Sample, drawn},
    schema::{ColumnRule, ColumnType, SchemaCheck},
    split::Split,
};
use super::{DatasetError, DatasetSpec, RowSet, raw_rows::PlacedRows};
use crate::{
    expression::{Evaluated, Expression, NoValue},
    fields::Fields,
    number_format::count,
    suite::near_and_known,
};

/// Of a column that splits rows, so many values are remembered: one with more does not divide rows.
const MOST_SPLIT_VALUES: usize = 1_000;

/// What a suite selects of its dataset.
#[derive(Debug, Default)]
pub struct Selection {
    /// Computed columns, in order: a later one may use an earlier one.
    pub(crate) columns: Vec<(String, Expression)>,
    /// Rows for which it is true.
    pub(crate) filter: Option<Expression>,
    /// One part of the rows.
    pub(crate) split: Option<Split>,
    /// Some of the rows, drawn by a seed.
    pub(crate) sample: Option<Sample>,
    /// What the columns of the selected rows hold.
    pub(crate) schema: Vec<ColumnRule>,
    /// The rows that were drawn, by their place among all rows.
    pub(crate) drawn: OnceLock<Result<Arc<RowSet>, DatasetError>>,
    /// Values of the split's column that rows had, so far and up to a bound.
    pub(crate) split_values: Mutex<BTreeSet<String>>,
}

impl Selection {
    /// Whether it changes nothing, and leaves nothing out.
    pub(crate) fn is_everything(&self) -> bool {
        self.columns.is_empty()
            && self.filter.is_none()
            && self.split.is_none()
            && self.sample.is_none()
            && self.schema.is_empty()
    }

    /// The row with the computed columns.
    pub(crate) fn computed(&self, row: Fields) -> Result<Fields, String> {
        let mut row = row;
        for (name, expression) in &self.columns {
            let value = expression
                .value(row.context(expression.uses("item")))
                .map_err(|error| format!("the computed column `{name}`: {}", told(&error)))?;
            row = row.with(name, value);
        }
        Ok(row)
    }

    /// Whether the filter and the split take a row.
    fn takes(&self, spec: &DatasetSpec, row: &Fields) -> Result<bool, String> {
        if let Some(filter) = &self.filter {
            match filter.evaluate(row.context(filter.uses("item"))) {
                Ok(Evaluated::Truth(true)) => {}
                Ok(Evaluated::Truth(false)) => return Ok(false),
                Ok(Evaluated::Number(_)) => {
                    return Err(
                        "`dataset.filter` gives a number; write what it is compared with, as \
                                in `score | float > 0.5`"
                            .to_owned(),
                    );
                }
                Err(error) => return Err(format!("`dataset.filter`: {}", told(&error))),
            }
        }
        let Some(split) = &self.split else { return Ok(true) };
        if let Split::Column { column, .. } = split {
            let value = column_text(row, column)?;
            let mut values = self.split_values.lock().unwrap_or_else(PoisonError::into_inner);
            if values.len() < MOST_SPLIT_VALUES && !values.contains(&value) {
                values.insert(value);
            }
        }
        split.takes(spec, row)
    }

    /// What is worth a warning, once all rows were gone through, of which so many are items.
    pub(crate) fn remarks(&self, n_items: u64) -> Vec<String> {
        let sample = match &self.sample {
            Some(Sample { amount: Amount::Rows(wanted), .. }) if *wanted > n_items => {
                Some(format!(
                    "`dataset.sample` asks for {} rows, and there are {} to draw from: all of them are taken",
                    count(*wanted),
                    count(n_items)
                ))
            }
            _ => None,
        };
        self.without_rows().into_iter().chain(sample).collect()
    }

    /// Values that the split takes and that no row has, each with those that there are.
    pub(crate) fn without_rows(&self) -> Vec<String> {
        let Some(Split::Column { column, take }) = &self.split else { return Vec::new() };
        let values = self.split_values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= MOST_SPLIT_VALUES {
            return Vec::new();
        }
        let known: Vec<&str> = values.iter().map(String::as_str).collect();
        let absent = take.iter().filter(|value| !values.contains(*value));
        absent
            .map(|value| {
                let advice = near_and_known(value, &known, "there are").unwrap_or_default();
                format!("`dataset.split` takes `{value}`, which no row has in `{column}`; {advice}")
            })
            .collect()
    }
}

fn told(error: &NoValue) -> String {
    match error {
        NoValue::Undefined(message) => format!(
            "{message}; a column that some rows lack is asked for with `item.NAME is defined`"
        ),
        other => other.to_string(),
    }
}

impl DatasetSpec {
    /// A row with its computed columns; `None` where filter or split leave it out.
    pub(super) fn selected(&self, row: Fields) -> Result<Option<Fields>, String> {
        let Some(selection) = &self.selection else { return Ok(Some(row)) };
        let row = selection.computed(row)?;
        let is_taken = selection.takes(self, &row)?;
        Ok(is_taken.then_some(row))
    }
}

/// The selected rows of a dataset, each with its place among all rows, from 1.
pub(crate) struct SelectedRows {
    spec: Arc<DatasetSpec>,
    rows: PlacedRows,
}

impl SelectedRows {
    pub(crate) fn open(spec: &Arc<DatasetSpec>) -> Result<Self, DatasetError> {
        let drawn = match &spec.selection {
            Some(selection) => drawn(spec, selection)?,
            None => None,
        };
        Ok(Self { spec: spec.clone(), rows: PlacedRows::open(spec, drawn)? })
    }

    /// The rows that are drawn from.
    fn undrawn(spec: &Arc<DatasetSpec>) -> Result<Self, DatasetError> {
        Ok(Self { spec: spec.clone(), rows: PlacedRows::open(spec, None)? })
    }
}

impl Iterator for SelectedRows {
    type Item = Result<(u64, Fields), DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (place, row) = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            let fields = match row.fields() {
                Ok(fields) => fields,
                Err(error) => {
                    self.rows.end();
                    return Some(Err(error));
                }
            };
            match self.spec.selected(fields) {
                Ok(Some(fields)) => return Some(Ok((place, fields))),
                Ok(None) => {}
                Err(message) => return Some(Err(self.spec.error_of_row(place, message))),
            }
        }
    }
}

/// A number in [0, 1) that follows from a seed and a key alone.
pub(crate) fn uniform(seed: u64, purpose: &'static str, key: &str) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    hasher.update(&seed.to_le_bytes());
    hasher.update(key.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A column's text, for keys and groups; empty where it is null.
fn column_text(row: &Fields, column: &str) -> Result<String, String> {
    let cells = row.find(column).map_err(|error| error.to_string())?;
    match &*cells {
        [cell] => Ok(cell.text()?.unwrap_or_default().into_owned()),
        _ => Err(format!("`{column}` is not one value")),
    }
}

/// Whether a value is there at all.
fn is_missing(value: &Value) -> bool {
    matches!(value, Value::Null) || value.as_str().is_some_and(str::is_empty)
}
