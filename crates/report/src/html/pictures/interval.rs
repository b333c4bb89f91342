//! An estimate with its interval, on the scale of its range.

use evalmark_core::{estimate::Estimate, metric::Range};
use minijinja::value::Value;

use super::{
    scale::Scale,
    svg::{At, Svg},
};

const SIZE: At = At { x: 160.0, y: 16.0 };

/// The interval of an estimate; beyond its range, on a scale that just holds it. `None` where the
/// estimate is no number.
pub(in super::super) fn interval(estimate: &Estimate, range: Range) -> Option<Value> {
    let mean = Some(estimate.mean).filter(|mean| mean.is_finite())?;
    let low = estimate.ci_low.unwrap_or(mean);
    let high = estimate.ci_high.unwrap_or(mean);
    let (start, end) = (2.0, SIZE.x - 2.0);
    let most = high.max(range.max().unwrap_or(1.0));
    let scale = Scale { low: low.min(range.min()), high: most, start, end };
    let middle = SIZE.y / 2.0;
    let mut svg = Svg::new("interval", SIZE, None);
    let at = |x: f64, y: f64| At { x, y };
    svg.line("axis", at(0.0, middle), at(SIZE.x, middle));
    svg.rect("range", at(scale.at(low), middle - 3.0), at(scale.at(high), middle + 3.0));
    svg.line("mean", at(scale.at(mean), middle - 6.0), at(scale.at(mean), middle + 6.0));
    Some(svg.finish())
}
