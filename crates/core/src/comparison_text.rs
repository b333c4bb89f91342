//! A comparison's figures as people read them, the same in every table, sentence and report.

use crate::{
    metric::Direction,
    number_format::{
        change, declared_change, declared_decrease, declared_growth, declared_value,
        detectable_change, detectable_percent, difference, dollars, growth, latency, quantity,
        speed, times, value, values,
    },
    suite::Amount,
    verdict::{Comparison, Measure},
};

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

/// A comparison's figures as text; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonText {
    /// The baseline's mean.
    pub baseline: Option<String>,
    /// The candidate's mean.
    pub candidate: Option<String>,
    /// What the change is: `difference` or `ratio`; the estimate is a level's `mean`.
    pub label: &'static str,
    /// The change, with its unit and direction.
    pub change: Option<String>,
    /// The lower bound on the change, without its unit.
    pub lower: Option<String>,
    /// The upper bound on the change, without its unit.
    pub upper: Option<String>,
    /// The margin; of a mean that is held to a limit, the limit without its name.
    pub margin: String,
    /// The smallest loss that this many items detect with 80 % power.
    pub detectable: Option<String>,
}

impl ComparisonText {
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
        let [baseline, candidate] = match (comparison.baseline_mean, comparison.candidate_mean) {
            (Some(before), Some(after)) => values([before, after], range).map(Some),
            (before, after) => [before, after].map(|mean| mean.map(|mean| value(mean, range))),
        };
        let bound = |bound: Option<f64>| bound.map(|bound| difference(bound, range));
        Self {
            baseline,
            candidate,
            label: "difference",
            change: comparison.estimate.map(|estimate| change(estimate, range)),
            lower: bound(comparison.lower),
            upper: bound(comparison.upper),
            margin: declared_change(comparison.margin, range),
            detectable: comparison.detectable_drop.map(|drop| detectable_change(drop, range)),
        }
    }

    fn of_ratio(comparison: &Comparison) -> Self {
        let amount = |mean: f64| match Amount::named(&comparison.metric) {
            Some(Amount::LatencyP95 | Amount::FirstTokenP95) => latency(mean),
            Some(Amount::TokensPerSecond) => format!("{} tokens/s", quantity(mean)),
            Some(Amount::CostUsd) => dollars(mean),
            Some(Amount::OutputTokens) => format!("{} tokens", quantity(mean)),
            None => quantity(mean),
        };
        Self {
            baseline: comparison.baseline_mean.map(amount),
            candidate: comparison.candidate_mean.map(amount),
            label: "ratio",
            change: comparison.estimate.map(match Amount::named(&comparison.metric) {
                Some(Amount::TokensPerSecond) => speed,
                _ => growth,
            }),
            lower: comparison.lower.map(times),
            upper: comparison.upper.map(times),
            margin: match comparison.better() {
                Direction::Lower => declared_growth(comparison.margin),
                Direction::Higher => declared_decrease(comparison.margin),
            },
            detectable: comparison.detectable_drop.map(detectable_percent),
        }
    }

    fn of_level(comparison: &Comparison) -> Self {
        let range = comparison.range;
        let mean = |mean: f64| value(mean, range);
        let limit = comparison.minimum.or(comparison.maximum);
        Self {
            baseline: None,
            candidate: comparison.candidate_mean.map(mean),
            label: "mean",
            change: comparison.estimate.map(mean),
            lower: comparison.lower.map(mean),
            upper: comparison.upper.map(mean),
            margin: limit.map_or_else(String::new, |limit| declared_value(limit, range)),
            detectable: comparison.detectable_drop.map(|drop| detectable_change(drop, range)),
        }
    }

    /// Both bounds in brackets; one that the scores do not give is told as such.
    pub fn bounds(&self) -> Option<String> {
        if self.lower.is_none() && self.upper.is_none() {
            return None;
        }
        let [lower, upper] =
            [&self.lower, &self.upper].map(|bound| bound.as_deref().unwrap_or("no bound"));
        Some(format!("[{lower}, {upper}]"))
    }
}

impl Comparison {
    /// Which values are better. Verdicts of earlier versions do not say it of amounts.
    pub fn better(&self) -> Direction {
        match (self.measure, Amount::named(&self.metric)) {
            (Measure::Ratio, Some(amount)) => amount.direction(),
            _ => self.direction,
        }
    }

    /// What the margin is: that, or the limit that a mean is held to.
    pub fn margin_name(&self) -> &'static str {
        match (self.measure, self.direction) {
            (Measure::Level, Direction::Higher) => "minimum",
            (Measure::Level, Direction::Lower) => "maximum",
            _ => "margin",
        }
    }

    /// What a loss is called: a drop, or a rise where less is better.
    pub fn loss(&self) -> &'static str {
        match (self.measure, self.better()) {
            (Measure::Ratio, Direction::Lower) => "increase",
            (Measure::Ratio, Direction::Higher) => "decrease",
            (Measure::Level, Direction::Higher) => "shortfall",
            (Measure::Level, Direction::Lower) => "excess",
            (Measure::Difference, Direction::Higher) => "drop",
            (Measure::Difference, Direction::Lower) => "rise",
        }
    }
}
