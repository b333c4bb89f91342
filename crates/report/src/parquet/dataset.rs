//! A dataset that is a Parquet file: its rows as JSON objects, in column order.

use std::{
    fs::File,
    iter,
    path::{Path, PathBuf},
};

use polars::prelude::{AnyValue, ArrowDataType, PolarsResult, Series, TimeUnit, polars_bail};
use serde_json::{Map, Number, Value};

use super::{
    frame::Frame,
    guard::guarded,
    open::{ReadError, Rows, TableReader},
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
}

/// The rows of a dataset; ends after the first error.
pub struct ParquetRows {
    rows: Rows<Map<String, Value>, DatasetReadError>,
    columns: Vec<String>,
}

/// Opens a dataset. Memory stays bounded, whatever the number of rows.
///
/// Numbers, booleans and texts (as UTF-8) stay what they are; dates and times become ISO 8601 text; lists and
/// structs become arrays and objects; null, NaN and infinity become `null`.
pub fn parquet_rows(path: &Path) -> Result<ParquetRows, DatasetReadError> {
    rows_of(path, TableReader::open(path)?)
}

/// The same with a file that is open; its path is for messages.
pub fn parquet_rows_of(path: &Path, file: File) -> Result<ParquetRows, DatasetReadError> {
    rows_of(path, TableReader::of_file(path, file)?)
}

fn rows_of(path: &Path, reader: TableReader) -> Result<ParquetRows, DatasetReadError> {
    for (name, field) in reader.schema().iter() {
        if let Some(found) = unsupported(field.dtype()) {
            let (path, column) = (path.to_owned(), name.to_string());
            return Err(DatasetReadError::UnsupportedType { path, column, found });
        }
    }
    let columns = reader.schema().iter_names().map(ToString::to_string).collect();
    Ok(ParquetRows { rows: Rows::new(reader, decode), columns })
}

impl ParquetRows {
    /// The columns, in the file's order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl Iterator for ParquetRows {
    type Item = Result<Map<String, Value>, DatasetReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

/// Names a type that has no natural form in JSON.
fn unsupported(dtype: &ArrowDataType) -> Option<String> {
    use ArrowDataType as T;
    match dtype {
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
        | T::Date32
        | T::Date64
        | T::Time32(_)
        | T::Time64(_)
        | T::Timestamp(..) => None,
        T::List(item) | T::LargeList(item) => unsupported(item.dtype()),
        T::Struct(fields) => fields.iter().find_map(|field| unsupported(field.dtype())),
        T::FixedSizeBinary(_) => Some("bytes".to_owned()),
        other => Some(format!("{other:?}")),
    }
}

fn decode(frame: &Frame<'_>) -> Result<Vec<Map<String, Value>>, DatasetReadError> {
    let mut objects = vec![Map::with_capacity(frame.data.width()); frame.data.height()];
    for column in frame.data.columns() {
        let name = column.name().to_string();
        let values = guarded(|| json_array(column.as_materialized_series())).map_err(|found| {
            let (path, column) = (frame.path.to_owned(), name.clone());
            DatasetReadError::UnsupportedType { path, column, found }
        })?;
        for (object, value) in iter::zip(&mut objects, values) {
            object.insert(name.clone(), value);
        }
    }
    Ok(objects)
}

fn json_array(series: &Series) -> PolarsResult<Vec<Value>> {
    (0..series.len()).map(|row| json(&series.get(row)?)).collect()
}

fn json(value: &AnyValue<'_>) -> PolarsResult<Value> {
    Ok(match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(value) => Value::Bool(*value),
        AnyValue::String(text) => Value::from(*text),
        AnyValue::StringOwned(text) => Value::from(text.as_str()),
        AnyValue::UInt8(value) => Value::from(*value),
        AnyValue::UInt16(value) => Value::from(*value),
        AnyValue::UInt32(value) => Value::from(*value),
        AnyValue::UInt64(value) => Value::from(*value),
        AnyValue::Int8(value) => Value::from(*value),
        AnyValue::Int16(value) => Value::from(*value),
        AnyValue::Int32(value) => Value::from(*value),
        AnyValue::Int64(value) => Value::from(*value),
        AnyValue::Float32(value) => float32(*value),
        AnyValue::Float64(value) => Value::from(*value),
        AnyValue::Decimal(digits, _, scale) => decimal(*digits, *scale),
        AnyValue::Date(days) => Value::from(date(i64::from(*days))),
        AnyValue::Time(nanoseconds) => Value::from(time(*nanoseconds)),
        AnyValue::Datetime(at, unit, zone) => Value::from(date_time(*at, *unit, zone.is_some())),
        AnyValue::DatetimeOwned(at, unit, zone) => {
            Value::from(date_time(*at, *unit, zone.is_some()))
        }
        AnyValue::List(items) => Value::Array(json_array(items)?),
        AnyValue::Struct(..) | AnyValue::StructOwned(_) => object(value)?,
        AnyValue::Binary(bytes) => match str::from_utf8(bytes) {
            Ok(text) => Value::from(text),
            Err(_) => polars_bail!(ComputeError: "bytes that are not text"),
        },
        other => polars_bail!(ComputeError: "{}", other.dtype()),
    })
}

fn object(value: &AnyValue<'_>) -> PolarsResult<Value> {
    let mut object = Map::new();
    match value {
        AnyValue::Struct(_, _, fields) => {
            for (field, value) in iter::zip(*fields, value._iter_struct_av()) {
                object.insert(field.name().to_string(), json(&value)?);
            }
        }
        AnyValue::StructOwned(owned) => {
            for (field, value) in iter::zip(&owned.1, &owned.0) {
                object.insert(field.name().to_string(), json(value)?);
            }
        }
        _ => {}
    }
    Ok(Value::Object(object))
}

/// A single-precision number as people write it: 0.1, not 0.10000000149011612.
fn float32(value: f32) -> Value {
    let number = value.to_string().parse().ok().and_then(Number::from_f64);
    number.map_or(Value::Null, Value::Number)
}

/// A decimal: an integer where it has no fraction, else the nearest double.
fn decimal(digits: i128, scale: usize) -> Value {
    let sign = if digits < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let text = format!("{sign}{whole}{point}{fraction}");
    serde_json::from_str(&text).map_or(Value::Null, Value::Number)
}

/// `YYYY-MM-DD`, from days since 1970-01-01: <https://howardhinnant.github.io/date_algorithms.html>.
fn date(days: i64) -> String {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `hh:mm:ss`, with as many digits of a second as there are.
fn time(nanoseconds: i64) -> String {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = format!(".{:09}", nanoseconds.rem_euclid(1_000_000_000));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{hour:02}:{minute:02}:{second:02}{fraction}")
}

/// Date and time; with `Z` when the column has a time zone, because it is stored as UTC.
fn date_time(at: i64, unit: TimeUnit, zoned: bool) -> String {
    let per_second = match unit {
        TimeUnit::Nanoseconds => 1_000_000_000,
        TimeUnit::Microseconds => 1_000_000,
        TimeUnit::Milliseconds => 1_000,
    };
    let per_day = per_second * 86_400;
    let of_day = at.rem_euclid(per_day) * (1_000_000_000 / per_second);
    let zone = if zoned { "Z" } else { "" };
    format!("{}T{}{zone}", date(at.div_euclid(per_day)), time(of_day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_iso_8601() {
        let check = |at, unit, zoned, expected| assert_eq!(date_time(at, unit, zoned), expected);
        check(0, TimeUnit::Milliseconds, false, "1970-01-01T00:00:00");
        check(-1, TimeUnit::Milliseconds, false, "1969-12-31T23:59:59.999");
        check(1_709_210_096_500_000, TimeUnit::Microseconds, true, "2024-02-29T12:34:56.5Z");
        check(1, TimeUnit::Nanoseconds, false, "1970-01-01T00:00:00.000000001");
        assert_eq!(date(-719_468), "0000-03-01");
        assert_eq!(date(2_932_896), "9999-12-31");
    }

    #[test]
    fn decimals_keep_their_digits() {
        let check = |digits, scale, expected: &str| {
            assert_eq!(decimal(digits, scale).to_string(), expected);
        };
        check(1234, 2, "12.34");
        check(-5, 3, "-0.005");
        check(700, 2, "7");
        check(42, 0, "42");
    }

    #[test]
    fn single_precision_reads_as_written() {
        assert_eq!(float32(0.1).to_string(), "0.1");
        assert_eq!(float32(f32::NAN), Value::Null);
    }
}
