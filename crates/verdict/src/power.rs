//! Planning: power, sample size and the smallest drop that a paired comparison can detect.
//!
//! Proportions follow the usual normal formula for McNemar's test (Connor, Biometrics 1987)
//! with one tail only, t tests the non-central t distribution.

use crate::special::{bisect, noncentral_t_sf, normal_sf, normal_upper, solve, student_upper};

/// Error rate and number of sides of the planned test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Error rate over all sides.
    pub alpha: f64,
    /// Whether the error is shared between two sides.
    pub two_sided: bool,
}

impl Level {
    /// A one-sided test at `alpha`.
    pub fn one_sided(alpha: f64) -> Self {
        Self { alpha, two_sided: false }
    }

    /// A two-sided test at `alpha`.
    pub fn two_sided(alpha: f64) -> Self {
        Self { alpha, two_sided: true }
    }

    fn tail(self) -> f64 {
        if self.two_sided { 0.5 * self.alpha } else { self.alpha }
    }
}

/// Pairs needed (not rounded) to find a `difference` of paired proportions with the given
/// `power` when a share `discordant` of the pairs differs:
/// `[z_{1-α}√π + z_{power}√(π-Δ²)]²/Δ²`. Infinite when the difference is 0.
pub fn paired_proportions_n(discordant: f64, difference: f64, level: Level, power: f64) -> f64 {
    let square = difference * difference;
    let spread = (discordant - square).max(0.0).sqrt();
    let root = normal_upper(level.tail()) * discordant.sqrt() + normal_upper(1.0 - power) * spread;
    if square > 0.0 { root * root / square } else { f64::INFINITY }
}

/// The inverse of [`paired_proportions_n`]: the power of `n` pairs.
pub fn paired_proportions_power(discordant: f64, difference: f64, n: f64, level: Level) -> f64 {
    let spread = (discordant - difference * difference).max(0.0).sqrt();
    let excess =
        difference.abs() * n.sqrt() - normal_upper(level.tail()) * discordant.max(0.0).sqrt();
    if spread > 0.0 {
        normal_sf(-excess / spread)
    } else if excess >= 0.0 {
        1.0
    } else {
        0.0
    }
}

/// The smallest drop of a proportion that `n` pairs detect with the given `power`, when a share
/// `discordant` of them differs anyway; `None` when not even a drop of 1 would be found.
pub fn paired_proportions_drop(n: u64, discordant: f64, level: Level, power: f64) -> Option<f64> {
    let n = n as f64;
    // A drop of D makes at least a share D of the pairs differ.
    let needed = |drop: f64| paired_proportions_n(discordant.max(drop), drop, level, power);
    (needed(1.0) <= n).then(|| bisect(0.0, 1.0, |drop| needed(drop) > n))
}

/// Power of a paired t test for a mean difference of `effect` standard deviations; 0 with fewer
/// than two pairs.
pub fn paired_t_power(effect: f64, n: f64, level: Level) -> f64 {
    if n < 2.0 {
        return 0.0;
    }
    t_power(effect, n, level, student_upper(level.tail(), n - 1.0))
}

fn t_power(effect: f64, n: f64, level: Level, critical: f64) -> f64 {
    let (df, shift) = (n - 1.0, effect * n.sqrt());
    let near = noncentral_t_sf(critical, df, shift);
    if level.two_sided { near + noncentral_t_sf(critical, df, -shift) } else { near }
}

/// Pairs needed (not rounded) by a paired t test to find a mean difference of `effect` standard
/// deviations with the given `power`; at least 2, infinite when the effect is 0.
pub fn paired_t_n(effect: f64, level: Level, power: f64) -> f64 {
    let effect = effect.abs();
    if !(effect > 0.0 && power < 1.0) {
        return f64::INFINITY;
    }
    let z = normal_upper(level.tail());
    let root = (z + normal_upper(1.0 - power)) / effect;
    // The normal approximation and its first correction.
    let approximate = root * root + 0.5 * z * z;
    if approximate > 1e6 {
        return approximate;
    }
    let short = |n: f64| paired_t_power(effect, n, level) - power;
    let mut high = approximate + 3.0;
    while short(high) < 0.0 && high < 1e9 {
        high *= 2.0;
    }
    // With fewer than two pairs there is no variance, so no test.
    if short(2.0) >= 0.0 { 2.0 } else { solve(2.0, high, short) }
}

/// The smallest mean difference, in standard deviations, that `n` pairs detect with the given
/// `power` by a paired t test; `None` with fewer than two pairs or a power outside of (0, 1).
pub fn paired_t_effect(n: u64, level: Level, power: f64) -> Option<f64> {
    if n < 2 || !(power > 0.0 && power < 1.0) {
        return None;
    }
    let n = n as f64;
    let critical = student_upper(level.tail(), n - 1.0);
    let short = |effect: f64| t_power(effect, n, level, critical) - power;
    let mut high = 1.0;
    while short(high) < 0.0 && high < 1e12 {
        high *= 2.0;
    }
    Some(solve(0.0, high, short))
}

/// Rounds a number of items up; `None` when it is not a number that fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie within u64"
)]
pub(crate) fn whole_items(n: f64) -> Option<u64> {
    // A hair less than a whole number is that number: the formula rounds, not the plan.
    let up = (n - 1e-9 * n.abs()).ceil();
    (up.is_finite() && (0.0..1e18).contains(&up)).then_some(up as u64)
}
