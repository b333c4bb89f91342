//! A dataset that is a Parquet file: its rows as JSON objects, in column order.

use std::{
    collections::HashMap,
    fs::File,
    iter,
    path::{Path, PathBuf},
};

use evalmark_core::fields::{Fields, Marks};
use polars::prelude::{
    AnyValue, ArrowDataType, ArrowTimeUnit, PolarsResult, Series, TimeUnit, polars_bail,
};
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
    rows: Rows<Fields, DatasetReadError>,
    columns: Vec<String>,
}

/// Opens a dataset. Memory stays bounded, whatever the number of rows.
///
/// Numbers, booleans and texts (as UTF-8) stay what they are, decimals and 128-bit integers with all
/// their digits; dates, times and durations become ISO 8601 text; lists, structs and maps become
/// arrays and objects; null and NaN, which dataframes write for null, become `null`. A column that
/// cannot be read, bytes that are not text, and infinity are an error only where they are used.
pub fn parquet_rows(path: &Path) -> Result<ParquetRows, DatasetReadError> {
    rows_of(TableReader::open(path)?)
}

/// The same with a file that is open; its path is for messages.
pub fn parquet_rows_of(path: &Path, file: File) -> Result<ParquetRows, DatasetReadError> {
    rows_of(TableReader::of_file(path, file)?)
}

fn rows_of(reader: TableReader) -> Result<ParquetRows, DatasetReadError> {
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
    Ok(ParquetRows { rows: Rows::new(reader, move |frame| plan.decode(frame)), columns: names })
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
        self.rows.next()
    }
}

/// Names a type that has no natural form in JSON.
fn unsupported(dtype: &ArrowDataType) -> Option<String> {
    use ArrowDataType as T;
    match dtype {
        T::Decimal(digits, _) if *digits > 38 => Some(format!("decimals of {digits} digits")),
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
        | T::Timestamp(..) => None,
        T::List(item) | T::LargeList(item) | T::Map(item, _) => unsupported(item.dtype()),
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
    Duration(ArrowTimeUnit),
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
    fn read(self, value: &AnyValue<'_>, pointer: &str, marks: &mut Marks) -> Option<Value> {
        match (self, value) {
            (Self::Int128, AnyValue::Binary(bytes)) => {
                let integer = i128::from_le_bytes((*bytes).try_into().ok()?);
                Some(exact(integer.to_string(), pointer, marks))
            }
            (Self::UInt128, AnyValue::Binary(bytes)) => {
                let integer = u128::from_le_bytes((*bytes).try_into().ok()?);
                Some(exact(integer.to_string(), pointer, marks))
            }
            (Self::Duration(unit), AnyValue::Int64(count)) => {
                let per_second = match unit {
                    ArrowTimeUnit::Second => 1,
                    ArrowTimeUnit::Millisecond => 1_000,
                    ArrowTimeUnit::Microsecond => 1_000_000,
                    ArrowTimeUnit::Nanosecond => 1_000_000_000,
                };
                Some(duration(*count, per_second).into())
            }
            _ => None,
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
        let height = frame.data.height();
        let mut rows: Vec<(Map<String, Value>, Marks)> = Vec::new();
        rows.resize_with(height, || (Map::with_capacity(self.columns.len()), Marks::default()));
        for name in &self.columns {
            if let Some((_, found)) = self.unreadable.iter().find(|(other, _)| other == name) {
                let problem = format!("holds {found}, which evalmark cannot read; save it as text");
                for (values, marks) in &mut rows {
                    values.insert(name.clone(), Value::Null);
                    marks.unusable(&step("", name), &problem, "null");
                }
                continue;
            }
            let Ok(column) = frame.data.column(name) else { continue };
            let series = column.as_materialized_series();
            let written = self.written.get(name).copied();
            guarded(|| cells(series, name, written, &mut rows)).map_err(|found| {
                let (path, column) = (frame.path.to_owned(), name.clone());
                DatasetReadError::UnsupportedType { path, column, found }
            })?;
        }
        Ok(rows.into_iter().map(|(values, marks)| Fields::new(values, marks)).collect())
    }
}

/// Puts the values of a column into its rows.
fn cells(
    series: &Series,
    name: &str,
    written: Option<Written>,
    rows: &mut [(Map<String, Value>, Marks)],
) -> PolarsResult<()> {
    let pointer = step("", name);
    for (at, (values, marks)) in rows.iter_mut().enumerate() {
        let cell = series.get(at)?;
        let special = written.and_then(|written| written.read(&cell, &pointer, marks));
        let value = match special {
            Some(value) => value,
            None => json(&cell, &pointer, marks)?,
        };
        values.insert(name.to_owned(), value);
    }
    Ok(())
}

/// The pointer to what `key` leads to.
fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn json(value: &AnyValue<'_>, pointer: &str, marks: &mut Marks) -> PolarsResult<Value> {
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
        AnyValue::Float32(value) if value.is_infinite() => infinite(pointer, marks),
        AnyValue::Float64(value) if value.is_infinite() => infinite(pointer, marks),
        AnyValue::Float32(value) => float32(*value),
        AnyValue::Float64(value) => Value::from(*value),
        AnyValue::Decimal(digits, _, scale) => decimal(*digits, *scale, pointer, marks),
        AnyValue::Date(days) => Value::from(date(i64::from(*days))),
        AnyValue::Time(nanoseconds) => Value::from(time(*nanoseconds)),
        AnyValue::Datetime(at, unit, zone) => Value::from(date_time(*at, *unit, zone.is_some())),
        AnyValue::DatetimeOwned(at, unit, zone) => {
            Value::from(date_time(*at, *unit, zone.is_some()))
        }
        AnyValue::List(items) => {
            let mut elements = Vec::with_capacity(items.len());
            for at in 0..items.len() {
                elements.push(json(&items.get(at)?, &format!("{pointer}/{at}"), marks)?);
            }
            Value::Array(elements)
        }
        AnyValue::Struct(..) | AnyValue::StructOwned(_) => object(value, pointer, marks)?,
        AnyValue::Binary(bytes) => bytes_as_text(bytes, pointer, marks),
        AnyValue::BinaryOwned(bytes) => bytes_as_text(bytes, pointer, marks),
        other => polars_bail!(ComputeError: "{}", other.dtype()),
    })
}

/// No number that a prompt or a target could hold.
fn infinite(pointer: &str, marks: &mut Marks) -> Value {
    marks.unusable(pointer, "is infinite; write a number or null", "Infinity");
    Value::Null
}

/// Bytes as the text that they are; what is none is an error where it is used.
fn bytes_as_text(bytes: &[u8], pointer: &str, marks: &mut Marks) -> Value {
    if let Ok(text) = str::from_utf8(bytes) {
        return Value::from(text);
    }
    let content: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    marks.unusable(pointer, "holds bytes that are not text; save it as text", content.concat());
    Value::Null
}

fn object(value: &AnyValue<'_>, pointer: &str, marks: &mut Marks) -> PolarsResult<Value> {
    let mut object = Map::new();
    let mut insert = |name: &str, value: &AnyValue<'_>| -> PolarsResult<()> {
        let value = json(value, &step(pointer, name), marks)?;
        object.insert(name.to_owned(), value);
        Ok(())
    };
    match value {
        AnyValue::Struct(_, _, fields) => {
            for (field, value) in iter::zip(*fields, value._iter_struct_av()) {
                insert(field.name(), &value)?;
            }
        }
        AnyValue::StructOwned(owned) => {
            for (field, value) in iter::zip(&owned.1, &owned.0) {
                insert(field.name(), value)?;
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

/// A decimal with all its digits, those behind the point too.
fn decimal(digits: i128, scale: usize, pointer: &str, marks: &mut Marks) -> Value {
    let sign = if digits < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if fraction.is_empty() { "" } else { "." };
    exact(format!("{sign}{whole}{point}{fraction}"), pointer, marks)
}

/// A number with these digits; the value is near it, or the same.
fn exact(digits: String, pointer: &str, marks: &mut Marks) -> Value {
    let short = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits.as_str()
    };
    let value = serde_json::from_str(short).map_or(Value::Null, Value::Number);
    if value != digits {
        marks.number(pointer, digits);
    }
    value
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

/// A duration as ISO 8601 has it, in seconds: `PT1.5S`.
fn duration(count: i64, per_second: u64) -> String {
    let sign = if count < 0 { "-" } else { "" };
    let (seconds, rest) = (count.unsigned_abs() / per_second, count.unsigned_abs() % per_second);
    let fraction = format!(".{:09}", rest * (1_000_000_000 / per_second));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}PT{seconds}{fraction}S")
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
        let check = |digits, scale, expected: &str, near: &str| {
            let mut marks = Marks::default();
            let value = decimal(digits, scale, "/d", &mut marks);
            assert_eq!(value.to_string(), near);
            let row = Fields::new(Map::from_iter([("d".to_owned(), value)]), marks);
            let cell = row.cell("d").expect("a cell");
            assert_eq!(cell.text().expect("usable").as_deref(), Some(expected));
        };
        check(1234, 2, "12.34", "12.34");
        check(-5, 3, "-0.005", "-0.005");
        check(700, 2, "7.00", "7");
        check(42, 0, "42", "42");
        check(0, 2, "0.00", "0");
        check(
            1_234_567_890_123_456_789_012,
            2,
            "12345678901234567890.12",
            "1.2345678901234567e+19",
        );
        check(98_765_432_109_876_543_210, 0, "98765432109876543210", "9.876543210987654e+19");
    }

    #[test]
    fn durations_are_iso_8601() {
        let check = |count, per_second, expected| assert_eq!(duration(count, per_second), expected);
        check(1_500, 1_000, "PT1.5S");
        check(-90, 1, "-PT90S");
        check(1, 1_000_000_000, "PT0.000000001S");
        check(i64::MIN, 1_000, "-PT9223372036854775.808S");
    }

    #[test]
    fn single_precision_reads_as_written() {
        assert_eq!(float32(0.1).to_string(), "0.1");
        assert_eq!(float32(f32::NAN), Value::Null);
    }
}
