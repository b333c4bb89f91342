//! When a change began: the split of a history whose two halves differ most clearly.
//!
//! The likelihood of one change at each look, for means about normal whose variance is that within
//! looks, or of looks about their own half where that is larger. The range holds every look whose log-likelihood is within
//! 3.68 of the best: 95 % for a change that is large against the noise (Siegmund, "Confidence sets in change-point
//! problems", International Statistical Review 1988: 1 - (1 - exp(-x))² = 5 %).

use super::look::Point;

const RANGE: f64 = 3.68;

/// Normal quantile of 95 % intervals.
const Z: f64 = 1.96;

/// A change in a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// Places in the history: the first point after the change, the likeliest and the ends of the range.
    pub(super) began: usize,
    pub(super) earliest: usize,
    pub(super) latest: usize,
}

/// The weighted mean of some points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Segment {
    pub(super) n: f64,
    pub(super) mean: f64,
    pub(super) amount: f64,
    /// The standard error of the mean.
    pub(super) stderr: f64,
}

impl Segment {
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.mean - Z * self.stderr, self.mean + Z * self.stderr)
    }
}

/// Running sums over points.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: f64,
    sum: f64,
    within: f64,
}

impl Sums {
    fn push(&mut self, point: &Point) {
        self.n += point.n;
        self.sum += point.n * point.mean;
        self.within += point.n * point.within;
    }
}

/// The likeliest change; the released run stands before all points. `upwards` tells which way it went, where that is known.
pub(super) fn change(released: &Point, points: &[Point], upwards: Option<bool>) -> Option<Change> {
    let gains = gains(released, points, upwards);
    let best = (0..gains.len()).max_by(|&a, &b| gains[a].total_cmp(&gains[b]))?;
    let variance = unit_variance(released, points, best);
    let near = |at: &usize| (gains[best] - gains[*at]) / variance <= RANGE;
    let earliest = (0..gains.len()).find(near)?;
    let latest = (0..gains.len()).rev().find(near)?;
    Some(Change { began: best, earliest, latest })
}

/// By how much a change at this place is likelier than none, as a logarithm.
pub(super) fn strength(released: &Point, points: &[Point], at: usize) -> f64 {
    let gains = gains(released, points, None);
    gains.get(at).map_or(0.0, |gain| gain / unit_variance(released, points, at))
}

/// Half of the squares between the two sides of each place.
fn gains(released: &Point, points: &[Point], upwards: Option<bool>) -> Vec<f64> {
    let mut all = Sums::default();
    points.iter().chain([released]).for_each(|point| all.push(point));
    let mut before = Sums::default();
    before.push(released);
    let one = |point: &Point| {
        let (n, after) = (before.n, all.n - before.n);
        let step = (all.sum - before.sum) / after - before.sum / n;
        let is_wanted = upwards.is_none_or(|up| up == (step > 0.0));
        let gain = if is_wanted && n > 0.0 && after > 0.0 {
            0.5 * n * after / all.n * step * step
        } else {
            0.0
        };
        before.push(point);
        gain
    };
    points.iter().map(one).collect()
}

/// The variance of one unit, where a change lies at this place.
pub(super) fn unit_variance(released: &Point, points: &[Point], at: usize) -> f64 {
    let mut all = Sums::default();
    points.iter().chain([released]).for_each(|point| all.push(point));
    let within = all.within / all.n;
    let (before, after) = points.split_at(at);
    let mut squares = 0.0;
    for side in [before, after] {
        let mut sums = Sums::default();
        for point in side {
            sums.push(point);
        }
        let mean = if sums.n > 0.0 { sums.sum / sums.n } else { 0.0 };
        squares += side.iter().map(|point| point.n * (point.mean - mean).powi(2)).sum::<f64>();
    }
    let between = if points.len() > 4 { squares / (points.len() - 2) as f64 } else { 0.0 };
    // One event in all units: less is not known of a share that was always 0 or 1.
    within.max(between).max(1.0 / (all.n + 1.0))
}

/// The mean over points; `spread` is the variance of a unit, as [`unit_variance`] has it.
pub(super) fn segment<'a>(points: impl Iterator<Item = &'a Point>, spread: f64) -> Segment {
    let (mut sums, mut amount) = (Sums::default(), 0.0);
    for point in points {
        sums.push(point);
        amount += point.n * point.amount;
    }
    if sums.n <= 0.0 {
        return Segment::default();
    }
    let (n, mean) = (sums.n, sums.sum / sums.n);
    Segment { n, mean, amount: amount / n, stderr: (spread / n).sqrt() }
}
