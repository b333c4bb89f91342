//! How numbers are written for people, the same in every export.

use evalmark_core::verdict::{Comparison, Measure};

/// Three decimals; of a value too small for them, three digits that count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 3 to 11")]
pub fn decimal(value: f64) -> String {
    let size = value.abs();
    // Beyond these, digits that count would be a line of noughts.
    let is_small = (1e-9..0.01).contains(&size);
    let places = if is_small { -size.log10().floor() + 2.0 } else { 3.0 };
    format!("{value:.0$}", places as usize)
}

/// A score or a difference; a dash where there is none.
pub(crate) fn score(value: Option<f64>) -> String {
    value.map_or_else(dash, decimal)
}

/// A comparison's estimate: a difference with its sign, anything else as it is.
pub(crate) fn estimate(comparison: &Comparison) -> String {
    figure(comparison)(comparison.estimate)
}

/// The bounds of a comparison's estimate.
pub(crate) fn bounds(comparison: &Comparison) -> String {
    interval(comparison.lower, comparison.upper, figure(comparison))
}

fn figure(comparison: &Comparison) -> fn(Option<f64>) -> String {
    match comparison.measure {
        Measure::Difference => difference,
        Measure::Ratio | Measure::Level => score,
    }
}

/// A difference, with its sign.
pub(crate) fn difference(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:+.3}"))
}

/// An interval in brackets.
pub(crate) fn interval(
    low: Option<f64>,
    high: Option<f64>,
    digits: fn(Option<f64>) -> String,
) -> String {
    match (low, high) {
        (None, None) => dash(),
        _ => format!("[{}, {}]", digits(low), digits(high)),
    }
}

/// A p-value.
pub(crate) fn p_value(value: Option<f64>) -> String {
    match value {
        None => dash(),
        Some(value) if value < 0.001 => "< 0.001".to_owned(),
        Some(value) => format!("{value:.3}"),
    }
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
        assert_eq!(score(Some(0.66666)), "0.667");
        assert_eq!(score(None), "–");
        let small = [0.0, 0.01, -0.009_876, 5.349e-5, 1e-9, 1e-10, 1234.5];
        let shown =
            ["0.000", "0.010", "-0.00988", "0.0000535", "0.00000000100", "0.000", "1234.500"];
        assert_eq!(small.map(decimal), shown);
        assert_eq!(difference(Some(0.02)), "+0.020");
        assert_eq!(interval(Some(-0.1), None, difference), "[-0.100, –]");
        assert_eq!(p_value(Some(0.0)), "< 0.001");
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(duration(Some(1234.0)), "1.23 s");
        assert_eq!(cost(Some(0.00012)), "$0.00012");
    }
}
