//! Dates, times and durations of Excel as ISO 8601.

use calamine::ExcelDateTime;

/// Seconds of a day, in milliseconds.
const DAY: i64 = 86_400_000;

/// The number of Excel's last day, 9999-12-31.
const LAST_DAY: f64 = 2_958_466.0;

/// A date (`2024-02-29`), a date with a time, a time alone (`12:30:00`) or a duration (`PT1.5S`); `None`
/// for what Excel itself cannot show.
pub(super) fn iso(at: &ExcelDateTime) -> Option<String> {
    let days = at.as_f64();
    if !days.is_finite() || days >= LAST_DAY {
        return None;
    }
    if at.is_duration() {
        return Some(duration(days));
    }
    if days < 0.0 {
        return None;
    }
    let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let time = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    if days < 1.0 {
        return Some(time);
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let is_midnight = (hour, minute, second, milli) == (0, 0, 0, 0);
    Some(if is_midnight { date } else { format!("{date}T{time}") })
}

#[expect(clippy::cast_possible_truncation, reason = "fewer days than Excel has")]
fn duration(days: f64) -> String {
    let millis = (days.max(-LAST_DAY) * DAY as f64).round() as i64;
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, rest) = (millis.unsigned_abs() / 1_000, millis.unsigned_abs() % 1_000);
    let fraction = format!(".{rest:03}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}PT{seconds}{fraction}S")
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn days_since_1900_are_dates() {
        let check = |days, is_1904, expected: Option<&str>| {
            let at = ExcelDateTime::new(days, DateTime, is_1904);
            assert_eq!(iso(&at).as_deref(), expected, "{days}");
        };
        check(45_351.0, false, Some("2024-02-29"));
        check(45_351.5, false, Some("2024-02-29T12:00:00"));
        check(43_889.0, true, Some("2024-02-29"));
        check(0.75, false, Some("18:00:00"));
        check(-1.0, false, None);
        check(f64::NAN, false, None);
        check(1e12, false, None);
        let of = |days| iso(&ExcelDateTime::new(days, TimeDelta, false));
        assert_eq!(of(1.5).as_deref(), Some("PT129600S"));
        assert_eq!(of(-0.5).as_deref(), Some("-PT43200S"));
    }
}
