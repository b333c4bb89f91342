//! A mean of values that were not observed with the same chance: each counts by the inverse of its chance, as in Hájek's
//! ratio estimator (1971), with a standard error by linearisation that takes clusters as units (Särndal, Swensson and
//! Wretman, "Model Assisted Survey Sampling", 1992, section 5.7).

use std::collections::BTreeMap;

use crate::special::student_upper;

/// One observed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedValue {
    /// The value.
    pub value: f64,
    /// The inverse of the chance that it was observed; above 0.
    pub weight: f64,
    /// Values that share it are not independent; `None` is one of its own.
    pub cluster: Option<u64>,
}

/// A weighted mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedMean {
    /// The mean.
    pub mean: f64,
    /// The ends of its interval; `None` with fewer than two units.
    pub interval: Option<(f64, f64)>,
    /// Values.
    pub n: usize,
    /// Independent units: clusters, and values without one.
    pub units: usize,
    /// As many values of equal weight would say as much (Kish): `(Σw)²/Σw²`.
    pub effective: f64,
}

/// The mean of weighted values with its interval at this confidence; `None` where there is none.
pub fn weighted_mean(values: &[WeightedValue], confidence: f64) -> Option<WeightedMean> {
    let total: f64 = values.iter().map(|one| one.weight).sum();
    if values.is_empty() || !total.is_finite() || total <= 0.0 {
        return None;
    }
    let mean = values.iter().map(|one| one.weight * one.value).sum::<f64>() / total;
    let mut clusters: BTreeMap<u64, f64> = BTreeMap::new();
    let (mut squares, mut units) = (0.0, 0);
    for one in values {
        let deviation = one.weight * (one.value - mean) / total;
        if let Some(cluster) = one.cluster {
            *clusters.entry(cluster).or_default() += deviation;
        } else {
            squares += deviation * deviation;
            units += 1;
        }
    }
    squares += clusters.values().map(|sum| sum * sum).sum::<f64>();
    units += clusters.len();
    let interval = (units > 1).then(|| {
        let df = (units - 1) as f64;
        let half =
            student_upper((1.0 - confidence) / 2.0, df) * (squares * units as f64 / df).sqrt();
        (mean - half, mean + half)
    });
    let weights = values.iter().map(|one| one.weight * one.weight);
    let effective = total * total / weights.sum::<f64>();
    Some(WeightedMean { mean, interval, n: values.len(), units, effective })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::scramble;

    fn values(given: &[(f64, f64)]) -> Vec<WeightedValue> {
        let one = |&(value, weight)| WeightedValue { value, weight, cluster: None };
        given.iter().map(one).collect()
    }

    /// With equal weights it is the mean with Student's interval: 0.5 ± 12.706 · 0.5 of two values.
    #[test]
    fn equal_weights_make_the_usual_mean() {
        let found = weighted_mean(&values(&[(0.0, 3.0), (1.0, 3.0)]), 0.95).expect("a mean");
        assert!((found.mean - 0.5).abs() < 1e-12 && (found.effective - 2.0).abs() < 1e-12);
        let (low, high) = found.interval.expect("an interval");
        assert!((high - low - 12.706_204_736).abs() < 1e-6, "{low} {high}");
        assert_eq!(weighted_mean(&[], 0.95), None);
        assert_eq!(weighted_mean(&values(&[(1.0, 1.0)]), 0.95).expect("a mean").interval, None);
    }

    /// Users who are content answer four times as rarely; weights bring the mean back, and the interval holds it.
    #[test]
    fn weights_undo_who_answers() {
        let uniform = |at: u64| (scramble(at) >> 11) as f64 / 2_f64.powi(53);
        let (mut held, mut plain_held) = (0, 0);
        for run in 0..300_u64 {
            let mut seen = Vec::new();
            for at in 0..2_000_u64 {
                let draw = (run * 2_000 + at) * 2;
                let value = f64::from(u8::from(uniform(draw) < 0.8));
                let chance = if value > 0.5 { 0.1 } else { 0.4 };
                if uniform(draw + 1) < chance {
                    seen.push((value, 1.0 / chance));
                }
            }
            let holds = |given: &[(f64, f64)]| {
                let found = weighted_mean(&values(given), 0.95).and_then(|found| found.interval);
                found.is_some_and(|(low, high)| low <= 0.8 && 0.8 <= high)
            };
            held += usize::from(holds(&seen));
            let plain: Vec<_> = seen.iter().map(|(value, _)| (*value, 1.0)).collect();
            plain_held += usize::from(holds(&plain));
        }
        assert!((275..=297).contains(&held), "{held} of 300");
        assert_eq!(plain_held, 0);
    }

    #[test]
    fn clusters_are_units() {
        let mut all = values(&[(0.0, 1.0); 20]);
        all.extend(values(&[(1.0, 1.0); 20]));
        let alone = weighted_mean(&all, 0.95).expect("a mean");
        for (at, one) in all.iter_mut().enumerate() {
            one.cluster = Some((at / 10) as u64);
        }
        let clustered = weighted_mean(&all, 0.95).expect("a mean");
        assert_eq!((alone.units, clustered.units), (40, 4));
        let width = |found: WeightedMean| found.interval.map_or(0.0, |(low, high)| high - low);
        assert!(width(clustered) > 3.0 * width(alone));
    }
}
