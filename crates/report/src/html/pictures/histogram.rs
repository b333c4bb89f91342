//! Scores as bars, the baseline's as an outline over them.

use evalmark_core::{metric::Range, number_format};
use minijinja::value::Value;

use super::{
    super::data::ScoreDistribution,
    scale::Scale,
    svg::{Anchor, At, Svg},
};

const SIZE: At = At { x: 260.0, y: 110.0 };
const BOTTOM: f64 = 90.0;

/// The distribution of a metric's scores, with what it shows in words as its name.
pub(in super::super) fn histogram(of: &ScoreDistribution, range: Range, name: &str) -> Value {
    let share = |counts: &[u64]| -> Vec<f64> {
        let all = counts.iter().sum::<u64>().max(1) as f64;
        counts.iter().map(|count| *count as f64 / all).collect()
    };
    let (candidate, baseline) = (share(&of.counts), share(&of.baseline));
    let most = candidate.iter().chain(&baseline).fold(0.0, |most: f64, share| most.max(*share));
    let up = Scale { low: 0.0, high: most.max(f64::MIN_POSITIVE), start: BOTTOM, end: 6.0 };
    let width = SIZE.x / candidate.len().max(1) as f64;
    let mut svg = Svg::new("histogram", SIZE, Some(name));
    let at = |x: f64, y: f64| At { x, y };
    for (n, share) in candidate.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let x = n as f64 * width;
        svg.rect("bar", at(x + 1.0, up.at(*share)), at(x + width - 1.0, BOTTOM));
    }
    for (n, share) in baseline.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let (x, y) = (n as f64 * width, up.at(*share));
        svg.line("outline", at(x, y), at(x + width, y));
    }
    svg.line("axis", at(0.0, BOTTOM), at(SIZE.x, BOTTOM));
    let end = |value: f64| number_format::value(value, range);
    svg.text("tick", at(0.0, SIZE.y - 4.0), Anchor::Start, &end(of.low));
    svg.text("tick", at(SIZE.x, SIZE.y - 4.0), Anchor::End, &end(of.high));
    svg.finish()
}
