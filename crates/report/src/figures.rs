//! How numbers are written for people, the same in every export.

use evalmark_core::{figures, metric::Range};

/// A score or a mean as people read it; a dash where there is none.
pub(crate) fn score(value: Option<f64>, range: Range) -> String {
    value.map_or_else(dash, |score| figures::value(score, range))
}

/// What there is, or a dash.
pub(crate) fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(dash)
}

/// An interval in brackets, without a unit.
pub(crate) fn interval(low: Option<f64>, high: Option<f64>, range: Range) -> String {
    let end = |end: Option<f64>| end.map_or_else(dash, |end| figures::bare(end, range));
    match (low, high) {
        (None, None) => dash(),
        _ => format!("[{}, {}]", end(low), end(high)),
    }
}

/// A p-value.
pub(crate) fn p_value(value: Option<f64>) -> String {
    value.map_or_else(dash, figures::p_value)
}

/// A count, in groups of three digits.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Milliseconds, in a fitting unit.
pub(crate) fn duration(ms: Option<f64>) -> String {
    match ms {
        None => dash(),
        Some(ms) if ms < 1e3 => format!("{ms:.0} ms"),
        Some(ms) if ms < 6e4 => format!("{:.2} s", ms / 1e3),
        Some(ms) => format!("{:.1} min", ms / 6e4),
    }
}

/// US dollars.
pub(crate) fn cost(usd: Option<f64>) -> String {
    match usd {
        None => dash(),
        Some(usd) if usd > 0.0 && usd < 0.01 => format!("${usd:.5}"),
        Some(usd) => format!("${usd:.2}"),
    }
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(score(Some(0.66666), Range::Unit), "66.7 %");
        assert_eq!(score(None, Range::Unit), "–");
        assert_eq!(interval(Some(0.1), None, Range::Unit), "[10.0, –]");
        assert_eq!(p_value(Some(0.0)), "< 0.001");
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(duration(Some(1234.0)), "1.23 s");
        assert_eq!(cost(Some(0.00012)), "$0.00012");
    }
}
