//! The interval of a quantile of one run, such as the median latency, after Woodruff (Confidence Intervals
//! for Medians and Other Position Measures, JASA 47, 1952): the share of values that do not exceed
//! the quantile that was found has an interval, which knows of items and clusters; moved to the share
//! that was asked for, its ends say which quantiles are the ends of the interval.

use evalmark_core::estimate::Estimate;

/// The shares, within (0, 1), whose quantiles are the ends of the interval of the quantile `q`.
///
/// `at_most` estimates the share of values that do not exceed the quantile that was found, in [0, 1].
/// `None` where so few values bound no quantile.
pub fn quantile_ends(q: f64, at_most: &Estimate) -> Option<[f64; 2]> {
    let (low, high) = at_most.ci_low.zip(at_most.ci_high)?;
    // Of few values the shares are coarse: the longer arm to both sides, and one item more.
    let half = (at_most.mean - low).max(high - at_most.mean) + 1.0 / at_most.n_items as f64;
    let ends = [q - half, q + half];
    (ends[0] > 0.0 && ends[1] < 1.0).then_some(ends)
}
