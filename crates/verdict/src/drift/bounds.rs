//! How low the true mean of values between 0 and 1 may be, of which there is a sample.
//!
//! Gaffke's bound (2004; Learned-Miller and Thomas, arXiv 1905.06208): the alpha-quantile of `Σ W_i z_i`, where the
//! `z_i` are the values and a 0, and W is uniform on the simplex. On zeros and ones it is Clopper and
//! Pearson's exact bound, and it holds in small samples and at ceilings where Student's does not. Its distribution is that of a
//! weighted sum of exponential variables, here by the saddlepoint formula of Lugannani and Rice (1980).
//!
//! Where units count more than once, such as users who come on several days, the mean is a ratio: the sum of `w_i z_i` over that
//! of the `w_i`. Whether it may be m is then asked of `m + w_i (z_i - m)/w`, for the largest weight w: these lie between 0 and 1, are independent from unit
//! to unit, and average m if the ratio is m.

use crate::intervals::share_upper_of;
use crate::special::{normal_sf, solve};

/// A unit's value between 0 and 1, and how often it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WeightedValue {
    pub(super) value: f64,
    pub(super) weight: f64,
}

impl WeightedValue {
    pub(super) fn mirrored(self) -> Self {
        Self { value: 1.0 - self.value, ..self }
    }
}

/// Units of one value and one weight; the largest weight is 1.
struct Group {
    value: f64,
    weight: f64,
    count: f64,
}

/// The weighted mean, and the variance of units about it.
pub(super) fn mean_and_variance(units: &[WeightedValue]) -> (f64, f64) {
    let total: f64 = units.iter().map(|unit| unit.weight).sum();
    let mean = units.iter().map(|unit| unit.weight * unit.value).sum::<f64>() / total;
    let squares = units.iter().map(|unit| unit.weight * (unit.value - mean).powi(2));
    (mean, squares.sum::<f64>() / total)
}

/// The lower bound of the weighted mean at this one-sided error, of units in any order.
pub(super) fn mean_lower(units: &[WeightedValue], alpha: f64) -> f64 {
    let groups = grouped(units);
    let weighs_one = groups.iter().all(|group| group.weight >= 1.0);
    if weighs_one && groups.iter().all(|group| group.value <= 0.0 || group.value >= 1.0) {
        let ones = groups.iter().filter(|group| group.value >= 1.0);
        let n = units.len() as f64;
        return 1.0 - share_upper_of(n - ones.map(|group| group.count).sum::<f64>(), n, alpha);
    }
    let weighed = |group: &Group| group.weight * group.count;
    let sum: f64 = groups.iter().map(|group| weighed(group) * group.value).sum();
    let total: f64 = groups.iter().map(weighed).sum();
    // The last one is the 0 that the bound adds.
    let all_ones =
        groups.split_last().is_some_and(|(_, all)| all.iter().all(|one| one.value >= 1.0));
    let chance =
        |mean: f64| if all_ones { tail_of_ones(&groups, mean) } else { tail(&groups, mean) };
    let highest = sum / total;
    let lowest = highest * 1e-9;
    if highest <= 0.0 || chance(lowest) >= alpha {
        return 0.0;
    }
    solve(lowest, highest, |mean| chance(mean) - alpha)
}

/// How far the mean of so many ranks may lie from ½: ranks are uniform, or, where some are equal, nearer
/// to ½, and so sub-Gaussian with the variance 1/12.
pub(super) fn rank_half_width(n: f64, alpha: f64) -> f64 {
    ((1.0 / alpha).ln() / (6.0 * n)).sqrt()
}

/// How often each value is there with each weight; the 0 that the bound adds is the last.
fn grouped(units: &[WeightedValue]) -> Vec<Group> {
    let order = |a: &WeightedValue, b: &WeightedValue| {
        a.value.total_cmp(&b.value).then(a.weight.total_cmp(&b.weight))
    };
    let mut sorted = units.to_vec();
    sorted.sort_unstable_by(order);
    let heaviest = units.iter().map(|unit| unit.weight).fold(0.0, f64::max);
    let group = |group: &[WeightedValue]| {
        let WeightedValue { value, weight } = group[0];
        Group { value, weight: weight / heaviest, count: group.len() as f64 }
    };
    let groups = sorted.chunk_by(|a, b| order(a, b).is_eq()).map(group);
    groups.chain([Group { value: 0.0, weight: 1.0, count: 1.0 }]).collect()
}

/// The same as [`tail`] where all values but the 0 are ones, exactly.
fn tail_of_ones(groups: &[Group], mean: f64) -> f64 {
    let odds = (1.0 - mean) / mean;
    let ones = groups.iter().filter(|group| group.value >= 1.0);
    (-ones.map(|group| group.count * (group.weight * odds).ln_1p()).sum::<f64>()).exp()
}

/// `P(Σ E_i w_i (z_i - mean) ≤ 0)` for exponential `E_i`.
fn tail(groups: &[Group], mean: f64) -> f64 {
    let groups: Vec<_> =
        groups.iter().map(|group| (group.weight * (group.value - mean), group.count)).collect();
    // With K(t) = -Σ ln(1 - t a) for a = w(z - mean), the saddlepoint is where K' is zero, below 0.
    let slope =
        |t: f64| -> f64 { groups.iter().map(|&(a, count)| count * a / (1.0 - t * a)).sum() };
    if slope(0.0) <= 0.0 {
        return 0.5;
    }
    // 1 - ta is positive from t = -1/mean on, where a = -mean.
    let t = solve(-(1.0 - 1e-12) / mean, 0.0, slope);
    let (mut log, mut curvature) = (0.0, 0.0);
    for &(a, count) in &groups {
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
    use proptest::prelude::*;

    use super::*;

    fn units(values: &[f64]) -> Vec<WeightedValue> {
        values.iter().map(|&value| WeightedValue { value, weight: 1.0 }).collect()
    }

    /// Near Clopper and Pearson's bound, where one value is not quite a one.
    #[test]
    fn the_saddlepoint_is_close_to_the_exact_bound() {
        for (n, ones) in [(5, 5), (20, 18), (200, 150), (1000, 30)] {
            for alpha in [0.025, 0.001] {
                let mut values = vec![1.0; ones];
                values.resize(n, 0.0);
                let exact = mean_lower(&units(&values), alpha);
                values[0] = 1.0 - 1e-9;
                let close = mean_lower(&units(&values), alpha);
                assert!(
                    (close - exact).abs() < 0.004,
                    "{ones} of {n} at {alpha}: {close}, {exact}"
                );
            }
        }
    }

    #[test]
    fn a_ceiling_still_has_an_error() {
        let lower = mean_lower(&units(&[1.0; 50]), 0.05);
        assert!((lower - 0.05_f64.powf(1.0 / 50.0)).abs() < 1e-9, "{lower}");
        assert!(mean_lower(&units(&[0.0; 50]), 0.05) <= 0.0);
        let near = mean_lower(&units(&[0.999; 50]), 0.05);
        assert!(near > 0.9 && near < lower, "{near}");
    }

    /// Of users with one to seven days, of whom the many days are worse: the ratio is below its bound as often as stated.
    #[test]
    fn the_bound_of_a_ratio_holds() {
        let mut state = 7_u64;
        let mut uniform = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 11) as f64 / 9_007_199_254_740_992.0
        };
        // One in ten comes on seven days, and is right half of the time.
        let truth = (0.1 * 7.0 * 0.5 + 0.9 * 0.95) / (0.1 * 7.0 + 0.9);
        for n in [30, 300] {
            let mut missed = 0;
            for _ in 0..1000 {
                let mut unit = || {
                    let is_regular = uniform() < 0.1;
                    let (weight, right) = if is_regular { (7_u32, 0.5) } else { (1, 0.95) };
                    let ones = (0..weight).filter(|_| uniform() < right).count();
                    let weight = f64::from(weight);
                    WeightedValue { value: ones as f64 / weight, weight }
                };
                let units: Vec<_> = (0..n).map(|_| unit()).collect();
                missed += u32::from(mean_lower(&units, 0.05) > truth);
            }
            // 5 % and three standard errors.
            assert!(missed <= 70, "{n} units: {missed} of 1000");
        }
    }

    proptest! {
        #[test]
        fn a_bound_lies_below_the_mean_and_knows_no_unit_of_weight(
            values in prop::collection::vec((0.0_f64..=1.0, 1_u8..8), 1..60),
            alpha in 0.0005_f64..0.3, times in 0.1_f64..50.0,
        ) {
            let unit = |times: f64| move |&(value, weight): &(f64, u8)| WeightedValue {
                value, weight: times * f64::from(weight),
            };
            let units: Vec<_> = values.iter().map(unit(1.0)).collect();
            let more: Vec<_> = values.iter().map(unit(times)).collect();
            let (bound, same) = (mean_lower(&units, alpha), mean_lower(&more, alpha));
            prop_assert!((0.0..=mean_and_variance(&units).0).contains(&bound), "{bound}");
            prop_assert!((bound - same).abs() < 1e-9, "{bound} {same}");
        }

        /// Certain answers of users with unequal weights are known less well than those of as many with equal ones, exactly
        /// where all are right.
        #[test]
        fn unequal_weights_tell_less(weights in prop::collection::vec(1_u8..8, 2..60), alpha in 0.0005_f64..0.3) {
            let unit = |weight: f64| WeightedValue { value: 1.0, weight };
            let unequal: Vec<_> = weights.iter().map(|&weight| unit(f64::from(weight))).collect();
            let equal: Vec<_> = weights.iter().map(|_| unit(1.0)).collect();
            prop_assert!(mean_lower(&unequal, alpha) <= mean_lower(&equal, alpha) + 1e-9);
        }
    }
}
