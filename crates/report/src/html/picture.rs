//! Intervals as pictures: positions on a scale from 0 to 100, for SVG attributes.

use evalmark_core::{
    estimate::Estimate,
    metric::{Direction, Range},
    number_format::{change as written_change, times},
    verdict::{Comparison, Measure},
};
use serde::Serialize;

/// An interval on its scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Picture {
    /// Left end.
    low: f64,
    /// Length.
    width: f64,
    /// The point estimate.
    mean: f64,
    /// Where no difference is, for a comparison.
    zero: Option<f64>,
    /// Where the largest acceptable loss is, for a comparison.
    margin: Option<f64>,
    /// Numbers on the axis, for a comparison: at its left end, in the middle, at its right end.
    ticks: Vec<String>,
}

/// A scale from `low` to `high`.
#[derive(Clone, Copy, Debug)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn at(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        // One decimal of a percent is finer than a screen.
        (share.clamp(0.0, 1.0) * 1e3).round() / 10.0
    }
}

/// An estimate on the scale of its range; beyond that, on one that just holds the interval.
pub(super) fn estimate(estimate: &Estimate, range: Range) -> Option<Picture> {
    let mean = Some(estimate.mean).filter(|mean| mean.is_finite())?;
    let low = estimate.ci_low.unwrap_or(mean);
    let high = estimate.ci_high.unwrap_or(mean);
    let scale = Scale { low: low.min(range.min()), high: high.max(range.max().unwrap_or(1.0)) };
    Some(picture(scale, low, mean, high))
}

/// A change, on a scale with no change in the middle that holds the bounds and the margin; a ratio
/// on one of its logarithms.
pub(super) fn change(comparison: &Comparison) -> Option<Picture> {
    let is_ratio = comparison.measure == Measure::Ratio;
    if comparison.measure == Measure::Level {
        return None;
    }
    let place = |value: f64| if is_ratio { value.ln() } else { value };
    let mean = comparison.estimate.map(place).filter(|mean| mean.is_finite())?;
    let bound = |bound: Option<f64>| bound.map(place).filter(|bound| bound.is_finite());
    let low = bound(comparison.lower).unwrap_or(mean);
    let high = bound(comparison.upper).unwrap_or(mean);
    let margin = if is_ratio { comparison.margin.ln_1p() } else { comparison.margin };
    let reach = [low, high, mean, margin].map(f64::abs).into_iter().fold(0.0, f64::max);
    let reach = if reach > 0.0 { reach * 1.15 } else { 1.0 };
    let scale = Scale { low: -reach, high: reach };
    let limit = match comparison.direction {
        _ if is_ratio => margin,
        Direction::Higher => -margin,
        Direction::Lower => margin,
    };
    let label = |value: f64| match (is_ratio, value == 0.0) {
        (true, _) => times(value.exp()),
        (false, true) => "0".to_owned(),
        (false, false) => written_change(value, comparison.range),
    };
    let (zero, margin) = (Some(scale.at(0.0)), Some(scale.at(limit)));
    let ticks = [-reach, 0.0, reach].map(label).into();
    Some(Picture { zero, margin, ticks, ..picture(scale, low, mean, high) })
}

fn picture(scale: Scale, low: f64, mean: f64, high: f64) -> Picture {
    let (left, right) = (scale.at(low), scale.at(high));
    let width = (right - left).max(0.0);
    Picture { low: left, width, mean: scale.at(mean), zero: None, margin: None, ticks: Vec::new() }
}
