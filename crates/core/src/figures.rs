//! Numbers as people read them, the same in every table, sentence and report.

use crate::{
    metric::{Direction, Range},
    verdict::{Comparison, Measure},
};

/// Three decimals; of a value too small for them, three significant digits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 3 to 11")]
pub fn decimal(value: f64) -> String {
    let size = value.abs();
    // Beyond these, significant digits would be a line of noughts.
    let is_small = (1e-9..0.01).contains(&size);
    let places = if is_small { -size.log10().floor() + 2.0 } else { 3.0 };
    format!("{value:.0$}", places as usize)
}

/// A score or a mean: a percentage where values lie in [0, 1].
pub fn value(value: f64, range: Range) -> String {
    if range.is_share() { percent(value) } else { bare(value, range) }
}

/// The same without a unit.
pub fn bare(value: f64, range: Range) -> String {
    match range {
        Range::Binary | Range::Unit => amount(value),
        Range::Hundred => format!("{value:.1}"),
        Range::Signed | Range::Open => decimal(value),
    }
}

/// A difference with its sign, without a unit: in points where values lie in [0, 1].
pub fn difference(value: f64, range: Range) -> String {
    if range.is_share() {
        return points(value);
    }
    let text = bare(value, range);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// The unit of a difference: percentage points where values lie in [0, 1].
pub fn unit(range: Range) -> &'static str {
    if range.is_share() { " points" } else { "" }
}

/// `71.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A difference in percentage points, with its sign.
pub fn points(difference: f64) -> String {
    let text = format!("{:+.1}", 100.0 * difference);
    if text == "-0.0" { "+0.0".to_owned() } else { text }
}

/// Percentage points without a sign.
pub fn amount(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// The score of one item, without needless digits: `1`, `0.5`, `34.1`.
pub fn score(score: f64, range: Range) -> String {
    if !range.is_share() {
        return bare(score, range);
    }
    let text = format!("{score:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A ratio to the baseline: `1.02×`.
pub fn times(ratio: f64) -> String {
    format!("{ratio:.2}×")
}

/// A ratio to the baseline with its direction: `1.02× (2.0 % more)`.
pub fn growth(ratio: f64) -> String {
    let change = format!("{:.1}", 100.0 * (ratio - 1.0).abs());
    let direction = if ratio > 1.0 { "more" } else { "less" };
    if change == "0.0" {
        format!("{} (no change)", times(ratio))
    } else {
        format!("{} ({change} % {direction})", times(ratio))
    }
}

/// An amount such as milliseconds, dollars or tokens.
fn quantity(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        format!("{value:.1}")
    } else if size == 0.0 {
        "0".to_owned()
    } else {
        decimal(value)
    }
}

/// `1 item`, `2 items`: a count with its noun, which takes an `s`.
pub fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A whole number with its thousands apart: `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    groups.fold(head.to_owned(), |text, group| format!("{text},{group}"))
}

/// A p-value.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// What the p-value against "no drop" is called.
pub fn name_of_p_regressed(comparison: &Comparison) -> String {
    match (comparison.measure, comparison.direction) {
        (Measure::Level, Direction::Higher) => "p-value (minimum met)".to_owned(),
        (Measure::Level, Direction::Lower) => "p-value (maximum met)".to_owned(),
        _ => format!("p-value (no {})", comparison.loss()),
    }
}

/// What the p-value against "a drop of the margin or more" is called.
pub fn name_of_p_pass(comparison: &Comparison) -> String {
    match (comparison.measure, comparison.direction) {
        (Measure::Level, Direction::Higher) => "p-value (minimum missed)".to_owned(),
        (Measure::Level, Direction::Lower) => "p-value (maximum exceeded)".to_owned(),
        _ => format!("p-value ({} of the margin or more)", comparison.loss()),
    }
}

/// A comparison's figures, written; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The baseline's mean.
    pub baseline: Option<String>,
    /// The candidate's mean.
    pub candidate: Option<String>,
    /// What the change is: `difference` or `ratio`; the estimate is a level's `mean`.
    pub label: &'static str,
    /// The change, with its unit and direction.
    pub change: Option<String>,
    /// Both bounds on the change, in brackets.
    pub bounds: Option<String>,
    /// The margin, or the limit that a mean is held to.
    pub margin: String,
    /// The smallest loss that this many items detect with 80 % power.
    pub detectable: Option<String>,
}

impl Written {
    /// The figures of a comparison.
    pub fn of(comparison: &Comparison) -> Self {
        match comparison.measure {
            Measure::Difference => Self::of_difference(comparison),
            Measure::Ratio => Self::of_ratio(comparison),
            Measure::Level => Self::of_level(comparison),
        }
    }

    fn of_difference(comparison: &Comparison) -> Self {
        let range = comparison.range;
        let mean = |mean: Option<f64>| mean.map(|mean| value(mean, range));
        let unit = unit(range);
        let signed = |value: f64| difference(value, range);
        let plain = |value: f64| signed(value).trim_start_matches('+').to_owned() + unit;
        Self {
            baseline: mean(comparison.baseline_mean),
            candidate: mean(comparison.candidate_mean),
            label: "difference",
            change: comparison.estimate.map(|estimate| signed(estimate) + unit),
            bounds: bounds(comparison, signed),
            margin: plain(comparison.margin),
            detectable: comparison.detectable_drop.map(plain),
        }
    }

    fn of_ratio(comparison: &Comparison) -> Self {
        Self {
            baseline: comparison.baseline_mean.map(quantity),
            candidate: comparison.candidate_mean.map(quantity),
            label: "ratio",
            change: comparison.estimate.map(growth),
            bounds: bounds(comparison, times),
            margin: format!("up to {}", times(1.0 + comparison.margin)),
            detectable: comparison.detectable_drop.map(percent),
        }
    }

    fn of_level(comparison: &Comparison) -> Self {
        let range = comparison.range;
        let mean = |mean: f64| value(mean, range);
        let limit = match (comparison.minimum, comparison.maximum) {
            (Some(minimum), _) => format!("minimum {}", mean(minimum)),
            (None, Some(maximum)) => format!("maximum {}", mean(maximum)),
            (None, None) => String::new(),
        };
        Self {
            baseline: None,
            candidate: comparison.candidate_mean.map(mean),
            label: "mean",
            change: comparison.estimate.map(mean),
            bounds: bounds(comparison, mean),
            margin: limit,
            detectable: comparison.detectable_drop.map(|drop| {
                difference(drop, range).trim_start_matches('+').to_owned() + unit(range)
            }),
        }
    }
}

/// Both bounds in brackets; one that the scores do not give is told as such.
fn bounds(comparison: &Comparison, write: impl Fn(f64) -> String) -> Option<String> {
    if comparison.lower.is_none() && comparison.upper.is_none() {
        return None;
    }
    let [lower, upper] = [comparison.lower, comparison.upper]
        .map(|bound| bound.map_or_else(|| "no bound".to_owned(), &write));
    Some(format!("[{lower}, {upper}]"))
}

impl Comparison {
    /// What a loss is called: a drop, or a rise where less is better.
    pub fn loss(&self) -> &'static str {
        match (self.measure, self.direction) {
            (Measure::Ratio, _) => "increase",
            (Measure::Level, Direction::Higher) => "shortfall",
            (Measure::Level, Direction::Lower) => "excess",
            (Measure::Difference, Direction::Higher) => "drop",
            (Measure::Difference, Direction::Lower) => "rise",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let small = [0.0, 0.01, -0.009_876, 5.349e-5, 1e-9, 1e-10, 1234.5];
        let shown =
            ["0.000", "0.010", "-0.00988", "0.0000535", "0.00000000100", "0.000", "1234.500"];
        assert_eq!(small.map(decimal), shown);
        assert_eq!(value(0.838, Range::Unit), "83.8 %");
        assert_eq!(value(34.12, Range::Hundred), "34.1");
        assert_eq!([1.0, 0.0, 0.5].map(|one| score(one, Range::Unit)), ["1", "0", "0.5"]);
        assert_eq!(difference(-0.163, Range::Binary), "-16.3");
        assert_eq!(difference(-0.0, Range::Binary), "+0.0");
        assert_eq!(difference(2.5, Range::Open), "+2.500");
        assert_eq!(
            [1.016, 0.9, 1.0].map(growth),
            ["1.02× (1.6 % more)", "0.90× (10.0 % less)", "1.00× (no change)"]
        );
        assert_eq!(
            [1234.5, 12.34, 0.000_012_34, 0.0].map(quantity),
            ["1234", "12.3", "0.0000123", "0"]
        );
        let counts = [0, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(counts.map(grouped), ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([0.0, 0.0312].map(p_value), ["< 0.001", "0.031"]);
    }
}
