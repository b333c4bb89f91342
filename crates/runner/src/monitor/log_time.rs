//! When a record was answered, as logs write it.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

/// Microseconds since 1970, UTC: of RFC 3339, of a date and time without a zone, which is taken for UTC, and of
/// seconds, milliseconds, microseconds and nanoseconds, which their size tells apart from 1973 on.
pub(crate) fn microseconds(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => of_text(text.trim()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => of_whole(whole),
            None => of_seconds(number.as_f64()?),
        },
        _ => None,
    }
}

/// The day of a moment, counted from 1970, UTC.
pub(crate) fn day_of(at: i64) -> i64 {
    at.div_euclid(86_400_000_000)
}

/// A moment as RFC 3339 in UTC with whole seconds.
pub(crate) fn moment(at: i64) -> String {
    let at = Timestamp::from_microsecond(at);
    at.map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn of_text(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond());
    }
    if let Ok(whole) = text.parse::<i64>() {
        return of_whole(whole);
    }
    let local = text.parse::<DateTime>().ok()?;
    let at = local.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_microsecond())
}

fn of_whole(number: i64) -> Option<i64> {
    match number.unsigned_abs() {
        0..100_000_000_000 => number.checked_mul(1_000_000),
        100_000_000_000..100_000_000_000_000 => number.checked_mul(1000),
        100_000_000_000_000..100_000_000_000_000_000 => Some(number),
        _ => Some(number / 1000),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is checked to be in range")]
fn of_seconds(number: f64) -> Option<i64> {
    let microseconds = if number.abs() < 1e11 { number * 1e6 } else { number * 1e3 };
    (microseconds.abs() < 9e18).then_some(microseconds.round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_as_logs_write_them() {
        let at = 1_767_225_600_250_000;
        let check = |value: Value, expected: Option<i64>| {
            assert_eq!(microseconds(&value), expected, "{value}");
        };
        check(json!("2026-01-01T00:00:00.25Z"), Some(at));
        check(json!("2026-01-01T02:00:00.25+02:00"), Some(at));
        check(json!("2026-01-01 00:00:00.250"), Some(at));
        check(json!("1767225600"), Some(at - 250_000));
        check(json!(1_767_225_600), Some(at - 250_000));
        check(json!(1_767_225_600.25), Some(at));
        check(json!(1_767_225_600_250_i64), Some(at));
        check(json!(1_767_225_600_250_000_i64), Some(at));
        check(json!(1_767_225_600_250_000_000_i64), Some(at));
        check(json!("yesterday"), None);
        check(json!(1e300), None);
        check(json!([1]), None);
    }
}
