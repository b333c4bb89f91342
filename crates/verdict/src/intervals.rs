//! Two-sided confidence intervals for one proportion or one mean; a confidence that does not lie
//! between 0 and 1 has none.

use crate::running_moments::Moments;
use crate::special::{beta_cdf, beta_lower, normal_upper, student_upper};

/// A two-sided interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The part within [low, high].
    #[must_use]
    pub fn clipped(self, low: f64, high: f64) -> Self {
        Self { low: self.low.max(low).min(high), high: self.high.max(low).min(high) }
    }

    fn around(centre: f64, half: f64) -> Self {
        Self { low: centre - half, high: centre + half }
    }
}

/// Wilson's score interval (JASA 1927) for `k` of `n`; `None` when n = 0 or k > n.
pub fn wilson(k: u64, n: u64, confidence: f64) -> Option<Interval> {
    let (k, n, z2) = counts(k, n, confidence)?;
    let centre = (k + 0.5 * z2) / (n + z2);
    let half = (z2 * (k * (n - k) / n + 0.25 * z2)).sqrt() / (n + z2);
    let inside = Interval::around(centre, half).clipped(0.0, 1.0);
    // The exact ends, where rounding would leave a stray 1e-17.
    let low = if k <= 0.0 { 0.0 } else { inside.low };
    let high = if k >= n { 1.0 } else { inside.high };
    Some(Interval { low, high })
}

/// Agresti and Coull's interval (1998) with the exact normal quantile, clipped to [0, 1].
pub fn agresti_coull(k: u64, n: u64, confidence: f64) -> Option<Interval> {
    let (k, n, z2) = counts(k, n, confidence)?;
    let centre = (k + 0.5 * z2) / (n + z2);
    let half = (z2 * centre * (1.0 - centre) / (n + z2)).sqrt();
    Some(Interval::around(centre, half).clipped(0.0, 1.0))
}

/// Clopper and Pearson's exact interval (1934), with half of the error on each side.
pub fn clopper_pearson(k: u64, n: u64, confidence: f64) -> Option<Interval> {
    if n == 0 || k > n {
        return None;
    }
    let tail = tail_of(confidence)?;
    let (hits, misses) = (k as f64, (n - k) as f64);
    let low = if k == 0 { 0.0 } else { beta_lower(tail, hits, misses + 1.0) };
    // By symmetry, so that an end close to 1 is as exact as one close to 0.
    let high = if k == n { 1.0 } else { 1.0 - beta_lower(tail, misses, hits + 1.0) };
    Some(Interval { low, high })
}

/// The exact upper bound of a share of which `k` of `n` were seen (Clopper and Pearson's).
pub(crate) fn share_upper(k: u64, n: u64, alpha: f64) -> f64 {
    if k >= n { 1.0 } else { 1.0 - beta_lower(alpha, (n - k) as f64, (k + 1) as f64) }
}

/// The same of numbers that need not be whole.
pub(crate) fn share_upper_of(k: f64, n: f64, alpha: f64) -> f64 {
    if k >= n { 1.0 } else { 1.0 - beta_lower(alpha, n - k, k + 1.0) }
}

/// The exact p-value of "the share is `share` or more" when `k` of `n` were seen.
pub(crate) fn share_p_below(k: u64, n: u64, share: f64) -> f64 {
    if k >= n { 1.0 } else { beta_cdf((n - k) as f64, (k + 1) as f64, 1.0 - share, share) }
}

/// Student's interval for the mean of `values`; `None` with fewer than two values or with one
/// that is not finite. Zero variance gives the point.
pub fn mean_t(values: &[f64], confidence: f64) -> Option<Interval> {
    let moments = Moments::of(values)?;
    let stderr = moments.stderr()?;
    let t = student_upper(tail_of(confidence)?, moments.n as f64 - 1.0);
    Some(Interval::around(moments.mean, t * stderr))
}

/// Half of the error; `None` unless the confidence lies between 0 and 1.
pub(crate) fn tail_of(confidence: f64) -> Option<f64> {
    (confidence > 0.0 && confidence < 1.0).then_some(0.5 * (1.0 - confidence))
}

fn counts(k: u64, n: u64, confidence: f64) -> Option<(f64, f64, f64)> {
    let z = normal_upper(tail_of(confidence)?);
    (n > 0 && k <= n).then_some((k as f64, n as f64, z * z))
}
