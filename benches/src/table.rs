//! One row of the table: a rate, what it should be, what it was, and how far off it may be.

use std::fmt;

/// The table's head, in Markdown.
pub const HEAD: &str = "\
| rate | rule | shape | n | nominal | observed | tolerance | R | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// Where an observed rate has to lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// No higher than this.
    AtMost(f64),
    /// No lower than this.
    AtLeast(f64),
    /// Between these two.
    Within(f64, f64),
    /// Anywhere: the rate is shown, not held to its nominal value.
    None,
}

impl Tolerance {
    /// Whether the rate lies there.
    pub fn holds(self, observed: f64) -> bool {
        match self {
            Self::AtMost(limit) => observed <= limit,
            Self::AtLeast(limit) => observed >= limit,
            Self::Within(low, high) => (low..=high).contains(&observed),
            Self::None => true,
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::AtMost(limit) => write!(f, "≤ {}", percent(limit)),
            Self::AtLeast(limit) => write!(f, "≥ {}", percent(limit)),
            Self::Within(low, high) => write!(f, "{:.2} to {}", 100.0 * low, percent(high)),
            Self::None => f.write_str("none"),
        }
    }
}

/// What was simulated and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// False alarms, false passes, coverage, power, …
    pub rate: &'static str,
    /// The tests that a verdict rests on.
    pub rule: String,
    /// How the scores are distributed, and the margin where it matters.
    pub shape: String,
    /// Items, or what counts as the sample.
    pub n: String,
    /// What the rate should be.
    pub nominal: f64,
    /// What it was.
    pub observed: f64,
    /// Where it has to lie.
    pub tolerance: Tolerance,
    /// Simulated evaluations.
    pub repeats: u32,
}

impl Row {
    /// Whether the rate lies where it has to.
    pub fn holds(&self) -> bool {
        self.tolerance.holds(self.observed)
    }
}

/// In Markdown, under [`HEAD`].
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, rule, shape, n, tolerance, repeats, .. } = self;
        let (nominal, observed) = (percent(self.nominal), percent(self.observed));
        let result = match tolerance {
            Tolerance::None => "shown",
            _ if self.holds() => "pass",
            _ => "**FAIL**",
        };
        write!(
            f,
            "| {rate} | {rule} | {shape} | {n} | {nominal} | {observed} | {tolerance} | {repeats} | {result} |"
        )
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Three standard errors of a rate over so many repeats.
pub(crate) fn three_sigma(rate: f64, repeats: u32) -> f64 {
    3.0 * (rate * (1.0 - rate) / f64::from(repeats)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_markdown() {
        let mut row = Row {
            rate: "false alarms",
            rule: "rule".into(),
            shape: "shape".into(),
            n: "20".into(),
            nominal: 0.05,
            observed: 0.0512,
            tolerance: Tolerance::AtMost(0.05 + three_sigma(0.05, 10_000)),
            repeats: 10_000,
        };
        let text =
            "| false alarms | rule | shape | 20 | 5.00 % | 5.12 % | ≤ 5.65 % | 10000 | pass |";
        assert_eq!(row.to_string(), text);
        row.tolerance = Tolerance::AtMost(0.05);
        assert!(row.to_string().ends_with("| **FAIL** |"));
    }

    #[test]
    fn tolerances_include_their_ends() {
        for (tolerance, inside, outside) in [
            (Tolerance::AtMost(0.1), 0.1, 0.11),
            (Tolerance::AtLeast(0.9), 0.9, 0.89),
            (Tolerance::Within(0.7, 0.8), 0.8, 0.81),
            (Tolerance::Within(0.7, 0.8), 0.7, 0.69),
        ] {
            assert!(tolerance.holds(inside) && !tolerance.holds(outside), "{tolerance}");
        }
    }
}
