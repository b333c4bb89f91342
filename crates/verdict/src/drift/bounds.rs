//! How low the true mean of values between 0 and 1 may be, of which there is a sample.
//!
//! Gaffke's bound (2004; Learned-Miller and Thomas, arXiv 1905.06208): the alpha-quantile of `Σ W_i z_i`, where the
//! `z_i` are the values and a 0, and W is uniform on the simplex. On zeros and ones it is Clopper and
//! Pearson's exact bound, and it holds in small samples and at ceilings where Student's does not. Its distribution is that of a
//! weighted sum of exponential variables, here by the saddlepoint formula of Lugannani and Rice (1980).

use crate::intervals::share_upper_of;
use crate::special::{normal_sf, solve};

/// The lower bound at this one-sided error, of values in any order.
pub(super) fn mean_lower(values: &[f64], alpha: f64) -> f64 {
    let groups = grouped(values);
    let n = values.len() as f64;
    if groups.iter().all(|&(value, _)| value <= 0.0 || value >= 1.0) {
        let ones: f64 = groups.iter().filter(|group| group.0 >= 1.0).map(|group| group.1).sum();
        return 1.0 - share_upper_of(n - ones, n, alpha);
    }
    let sum: f64 = groups.iter().map(|&(value, count)| value * count).sum();
    let highest = sum / (n + 1.0);
    let lowest = highest * 1e-9;
    if tail(&groups, lowest) >= alpha {
        return 0.0;
    }
    solve(lowest, highest, |mean| tail(&groups, mean) - alpha)
}

/// How far the mean of so many ranks may lie from ½: ranks are uniform, or, where some are equal, nearer
/// to ½, and so sub-Gaussian with the variance 1/12.
pub(super) fn rank_half_width(n: f64, alpha: f64) -> f64 {
    ((1.0 / alpha).ln() / (6.0 * n)).sqrt()
}

/// Different values, with the 0 that the bound adds, and how often each is there.
fn grouped(values: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.push(0.0);
    sorted.sort_unstable_by(f64::total_cmp);
    let same = |a: &f64, b: &f64| a.total_cmp(b).is_eq();
    sorted.chunk_by(same).map(|group| (group[0], group.len() as f64)).collect()
}

/// `P(Σ E_i (z_i - mean) ≤ 0)` for exponential `E_i`.
fn tail(groups: &[(f64, f64)], mean: f64) -> f64 {
    // With K(t) = -Σ ln(1 - t a) for a = z - mean, the saddlepoint is where K' is zero, below 0.
    let slope = |t: f64| -> f64 {
        groups.iter().map(|&(z, count)| count * (z - mean) / (1.0 - t * (z - mean))).sum()
    };
    if slope(0.0) <= 0.0 {
        return 0.5;
    }
    // 1 - ta is positive from t = -1/mean on, where a = -mean.
    let t = solve(-(1.0 - 1e-12) / mean, 0.0, slope);
    let (mut log, mut curvature) = (0.0, 0.0);
    for &(z, count) in groups {
        let a = z - mean;
        let rest = 1.0 - t * a;
        log -= count * rest.ln();
        curvature += count * (a / rest).powi(2);
    }
    let w = -(-2.0 * log).max(0.0).sqrt();
    let u = t * curvature.sqrt();
    if w > -1e-4 {
        return 0.5;
    }
    let density = (-0.5 * w * w).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (normal_sf(-w) + density * (1.0 / w - 1.0 / u)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Near Clopper and Pearson's bound, where one value is not quite a one.
    #[test]
    fn the_saddlepoint_is_close_to_the_exact_bound() {
        for (n, ones) in [(5, 5), (20, 18), (200, 150), (1000, 30)] {
            for alpha in [0.025, 0.001] {
                let mut values = vec![1.0; ones];
                values.resize(n, 0.0);
                let exact = mean_lower(&values, alpha);
                values[0] = 1.0 - 1e-9;
                let close = mean_lower(&values, alpha);
                assert!(
                    (close - exact).abs() < 0.004,
                    "{ones} of {n} at {alpha}: {close}, {exact}"
                );
            }
        }
    }

    #[test]
    fn a_ceiling_still_has_an_error() {
        let lower = mean_lower(&[1.0; 50], 0.05);
        assert!((lower - 0.05_f64.powf(1.0 / 50.0)).abs() < 1e-9, "{lower}");
        assert!(mean_lower(&[0.0; 50], 0.05) <= 0.0);
        let near = mean_lower(&[0.999; 50], 0.05);
        assert!(near > 0.9 && near < lower, "{near}");
    }
}
