//! Tango's score test and interval for a difference of paired proportions.
//!
//! T. Tango, "Equivalence test and confidence interval for the difference in proportions for
//! the paired-sample design", Statistics in Medicine 17 (1998) 891-908. The difference is A
//! minus B, `only_a` the pairs that A alone got right, `only_b` those that B alone got right.

use crate::special::{bisect, normal_sf, normal_upper};

/// The score statistic against a true difference of `delta0`, which lies within (-1, 1).
pub fn tango_z(only_a: u64, only_b: u64, n: u64, delta0: f64) -> f64 {
    if delta0 > 0.0 {
        // By symmetry; the formula below cancels no digits when delta0 is not positive.
        return -tango_z(only_b, only_a, n, -delta0);
    }
    if n == 0 {
        return 0.0;
    }
    let (a, b, n) = (only_a as f64, only_b as f64, n as f64);
    let numerator = a - b - n * delta0;
    let linear = -b - a + (2.0 * n - a + b) * delta0;
    let constant = -b * delta0 * (1.0 - delta0);
    let discriminant = (linear * linear - 8.0 * n * constant).max(0.0);
    let q = (discriminant.sqrt() - linear) / (4.0 * n);
    let variance = n * (2.0 * (q + delta0) - delta0 * (1.0 + delta0));
    if numerator.abs() <= 1e-14 * n {
        0.0
    } else if variance <= 0.0 {
        f64::INFINITY.copysign(numerator)
    } else {
        numerator / variance.sqrt()
    }
}

/// P-value against "the difference is `delta0` or less".
pub fn tango_p_greater(only_a: u64, only_b: u64, n: u64, delta0: f64) -> f64 {
    normal_sf(tango_z(only_a, only_b, n, delta0))
}

/// P-value against "the difference is `delta0` or more".
pub fn tango_p_less(only_a: u64, only_b: u64, n: u64, delta0: f64) -> f64 {
    normal_sf(-tango_z(only_a, only_b, n, delta0))
}

/// Lower and upper bound, each wrong with probability `alpha`, by inverting the score test.
///
/// They lie within [-1, 1]; without a discordant pair they are ∓z²/(n + z²).
pub fn tango_bounds(only_a: u64, only_b: u64, n: u64, alpha: f64) -> (f64, f64) {
    (tango_lower(only_a, only_b, n, alpha), -tango_lower(only_b, only_a, n, alpha))
}

fn tango_lower(only_a: u64, only_b: u64, n: u64, alpha: f64) -> f64 {
    if n == 0 || only_b >= n {
        return -1.0;
    }
    let z = normal_upper(alpha);
    let difference = (only_a as f64 - only_b as f64) / n as f64;
    bisect(-1.0, difference, |delta0| tango_z(only_a, only_b, n, delta0) > z)
}
