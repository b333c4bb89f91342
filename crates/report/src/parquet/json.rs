//! One value of a column as JSON: numbers with all their digits, dates and times as ISO 8601.

use std::{iter, ops::Range};

use evalmark_core::fields::Marks;
use polars_arrow::{
    array::{
        Array, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, DictionaryKey,
        FixedSizeBinaryArray, FixedSizeListArray, ListArray, MapArray, PrimitiveArray, StructArray,
        Utf8Array, Utf8ViewArray,
    },
    datatypes::{ArrowDataType, Field, IntegerType, TimeUnit},
    types::{NativeType, Offset},
};
use serde_json::{Map, Number, Value};

/// One value of a column.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) array: &'a dyn Array,
    pub(super) at: usize,
}

impl<'a> Cell<'a> {
    pub(super) fn is_null(self) -> bool {
        matches!(self.array.dtype(), ArrowDataType::Null) || self.array.is_null(self.at)
    }

    /// The column as what its type says that it is.
    fn column<A: 'static>(self) -> Result<&'a A, String> {
        self.array.as_any().downcast_ref().ok_or_else(|| format!("{:?}", self.array.dtype()))
    }

    fn number<T: NativeType>(self) -> Result<T, String> {
        Ok(self.column::<PrimitiveArray<T>>()?.value(self.at))
    }

    pub(super) fn integer(self) -> Option<i64> {
        self.number().ok()
    }

    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        let views = self.array.as_any().downcast_ref::<BinaryViewArray>();
        let fixed = self.array.as_any().downcast_ref::<FixedSizeBinaryArray>();
        let (small, large) = (self.column::<BinaryArray<i32>>(), self.column::<BinaryArray<i64>>());
        views
            .map(|views| views.value(self.at))
            .or_else(|| fixed.map(|fixed| fixed.value(self.at)))
            .or_else(|| small.ok().map(|small| small.value(self.at)))
            .or_else(|| large.ok().map(|large| large.value(self.at)))
    }

    /// The value that a key of a dictionary stands for.
    fn looked_up<K: DictionaryKey>(self) -> Result<Self, String> {
        let dictionary = self.column::<DictionaryArray<K>>()?;
        let at = dictionary.key_value(self.at);
        let array = &**dictionary.values();
        if at < array.len() {
            return Ok(Cell { array, at });
        }
        Err(format!("a key of {at} into a dictionary of {}", array.len()))
    }

    fn listed<O: Offset>(self, pointer: &str, marks: &mut Marks) -> Result<Value, String> {
        let lists: &ListArray<O> = self.column()?;
        let (start, end) = lists.offsets().start_end(self.at);
        list(&**lists.values(), start..end, pointer, marks)
    }
}

pub(super) fn json(cell: Cell<'_>, pointer: &str, marks: &mut Marks) -> Result<Value, String> {
    use ArrowDataType as T;
    if cell.is_null() {
        return Ok(Value::Null);
    }
    Ok(match cell.array.dtype() {
        T::Boolean => Value::Bool(cell.column::<BooleanArray>()?.value(cell.at)),
        T::Utf8View => Value::from(cell.column::<Utf8ViewArray>()?.value(cell.at)),
        T::Utf8 => Value::from(cell.column::<Utf8Array<i32>>()?.value(cell.at)),
        T::LargeUtf8 => Value::from(cell.column::<Utf8Array<i64>>()?.value(cell.at)),
        T::Dictionary(key, ..) => json(dictionary(cell, *key)?, pointer, marks)?,
        T::UInt8 => Value::from(cell.number::<u8>()?),
        T::UInt16 => Value::from(cell.number::<u16>()?),
        T::UInt32 => Value::from(cell.number::<u32>()?),
        T::UInt64 => Value::from(cell.number::<u64>()?),
        T::Int8 => Value::from(cell.number::<i8>()?),
        T::Int16 => Value::from(cell.number::<i16>()?),
        T::Int32 => Value::from(cell.number::<i32>()?),
        T::Int64 => Value::from(cell.number::<i64>()?),
        T::Float32 => match cell.number::<f32>()? {
            value if value.is_infinite() => infinite(pointer, marks),
            value => float32(value),
        },
        T::Float64 => match cell.number::<f64>()? {
            value if value.is_infinite() => infinite(pointer, marks),
            value => Value::from(value),
        },
        T::Decimal(_, scale) => decimal(cell.number()?, *scale, pointer, marks),
        T::Date32 => Value::from(date(i64::from(cell.number::<i32>()?))),
        T::Time32(unit) => Value::from(time(i64::from(cell.number::<i32>()?) * nanoseconds(*unit))),
        T::Time64(unit) => {
            Value::from(time(cell.number::<i64>()?.wrapping_mul(nanoseconds(*unit))))
        }
        T::Date64 => Value::from(date(cell.number::<i64>()?.div_euclid(86_400_000))),
        T::Duration(unit) => Value::from(duration(cell.number()?, *unit)),
        T::Timestamp(unit, zone) => Value::from(date_time(cell.number()?, *unit, zone.is_some())),
        T::LargeList(_) => cell.listed::<i64>(pointer, marks)?,
        T::List(_) => cell.listed::<i32>(pointer, marks)?,
        T::FixedSizeList(_, size) => {
            let start = cell.at * size;
            let lists: &FixedSizeListArray = cell.column()?;
            list(&**lists.values(), start..start + size, pointer, marks)?
        }
        T::Map(..) => {
            let maps: &MapArray = cell.column()?;
            let (start, end) = maps.offsets().start_end(cell.at);
            list(&**maps.field(), start..end, pointer, marks)?
        }
        T::Struct(fields) => object(cell, fields, pointer, marks)?,
        T::BinaryView | T::Binary | T::LargeBinary | T::FixedSizeBinary(_) => match cell.bytes() {
            Some(bytes) => bytes_as_text(bytes, pointer, marks),
            None => Value::Null,
        },
        other => return Err(format!("{other:?}")),
    })
}

fn dictionary(cell: Cell<'_>, key: IntegerType) -> Result<Cell<'_>, String> {
    match key {
        IntegerType::Int8 => cell.looked_up::<i8>(),
        IntegerType::Int16 => cell.looked_up::<i16>(),
        IntegerType::Int32 => cell.looked_up::<i32>(),
        IntegerType::Int64 => cell.looked_up::<i64>(),
        IntegerType::UInt8 => cell.looked_up::<u8>(),
        IntegerType::UInt16 => cell.looked_up::<u16>(),
        IntegerType::UInt32 => cell.looked_up::<u32>(),
        IntegerType::UInt64 => cell.looked_up::<u64>(),
        IntegerType::Int128 | IntegerType::UInt128 => Err("keys of 128 bits".to_owned()),
    }
}

fn list(
    array: &dyn Array,
    items: Range<usize>,
    pointer: &str,
    marks: &mut Marks,
) -> Result<Value, String> {
    let item = |(n, at)| json(Cell { array, at }, &format!("{pointer}/{n}"), marks);
    Ok(Value::Array(items.enumerate().map(item).collect::<Result<_, _>>()?))
}

fn object(
    cell: Cell<'_>,
    fields: &[Field],
    pointer: &str,
    marks: &mut Marks,
) -> Result<Value, String> {
    let columns = cell.column::<StructArray>()?.values();
    let mut object = Map::with_capacity(fields.len());
    for (field, array) in iter::zip(fields, columns) {
        let cell = Cell { array: &**array, ..cell };
        object.insert(field.name.to_string(), json(cell, &step(pointer, &field.name), marks)?);
    }
    Ok(Value::Object(object))
}

/// The pointer to what `key` leads to.
pub(super) fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
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
pub(super) fn exact(digits: String, pointer: &str, marks: &mut Marks) -> Value {
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
pub(super) fn duration(count: i64, unit: TimeUnit) -> String {
    let per_second = per_second(unit).unsigned_abs();
    let sign = if count < 0 { "-" } else { "" };
    let (seconds, rest) = (count.unsigned_abs() / per_second, count.unsigned_abs() % per_second);
    let fraction = format!(".{:09}", rest * (1_000_000_000 / per_second));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}PT{seconds}{fraction}S")
}

/// How many of these units a second has.
fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// How many nanoseconds this unit has.
fn nanoseconds(unit: TimeUnit) -> i64 {
    1_000_000_000 / per_second(unit)
}

/// Date and time; with `Z` when the column has a time zone, because it is stored as UTC.
fn date_time(at: i64, unit: TimeUnit, zoned: bool) -> String {
    let per_day = per_second(unit) * 86_400;
    let of_day = at.rem_euclid(per_day) * nanoseconds(unit);
    let zone = if zoned { "Z" } else { "" };
    format!("{}T{}{zone}", date(at.div_euclid(per_day)), time(of_day))
}

#[cfg(test)]
mod tests {
    use evalmark_core::fields::Fields;

    use super::*;

    #[test]
    fn dates_and_times_are_iso_8601() {
        let check = |at, unit, zoned, expected| assert_eq!(date_time(at, unit, zoned), expected);
        check(0, TimeUnit::Millisecond, false, "1970-01-01T00:00:00");
        check(-1, TimeUnit::Millisecond, false, "1969-12-31T23:59:59.999");
        check(1_709_210_096_500_000, TimeUnit::Microsecond, true, "2024-02-29T12:34:56.5Z");
        check(1, TimeUnit::Nanosecond, false, "1970-01-01T00:00:00.000000001");
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
        let check = |count, unit, expected| assert_eq!(duration(count, unit), expected);
        check(1_500, TimeUnit::Millisecond, "PT1.5S");
        check(-90, TimeUnit::Second, "-PT90S");
        check(1, TimeUnit::Nanosecond, "PT0.000000001S");
        check(i64::MIN, TimeUnit::Millisecond, "-PT9223372036854775.808S");
    }

    #[test]
    fn single_precision_reads_as_written() {
        assert_eq!(float32(0.1).to_string(), "0.1");
        assert_eq!(float32(f32::NAN), Value::Null);
    }
}
