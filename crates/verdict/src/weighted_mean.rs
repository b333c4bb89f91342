//! A mean of values from 0 to 1 that were not observed with the same chance: each counts by the inverse of its chance, as in
//! Hájek's ratio estimator (1971), with a standard error by linearisation that takes clusters as units (Särndal, Swensson and
//! Wretman, "Model Assisted Survey Sampling", 1992, section 5.7).
//!
//! Few values, or equal ones, have no spread, and are not certain for that. Its interval is therefore Agresti and Coull's
//! ("Approximate is better than 'exact'", The American Statistician 52, 1998), as Franco, Little, Louis and Slud have it for
//! samples with weights and clusters ("Comparative Study of Confidence Intervals for Proportions in Complex Sample
//! Surveys", Journal of Survey Statistics and Methodology 7, 2019): two units at each end of the range are added, and a unit
//! weighs what one of as many equal ones would that say as much (Kish's effective sample size).

use std::collections::BTreeMap;

use crate::special::student_upper;

/// One observed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedValue {
    /// The value, from 0 to 1.
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
    /// The ends of its interval, from 0 to 1.
    pub interval: (f64, f64),
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
    let units = units(values);
    let interval = interval(&units, mean, confidence);
    let units = units.len();
    let weights = values.iter().map(|one| one.weight * one.weight);
    let effective = total * total / weights.sum::<f64>();
    Some(WeightedMean { mean, interval, n: values.len(), units, effective })
}

/// What is independent of everything else: a cluster, or a value without one.
#[derive(Default)]
struct Unit {
    weight: f64,
    /// The sum of its weighted values.
    sum: f64,
}

fn units(values: &[WeightedValue]) -> Vec<Unit> {
    let mut clusters: BTreeMap<u64, Unit> = BTreeMap::new();
    let mut units = Vec::new();
    for one in values {
        let (weight, sum) = (one.weight, one.weight * one.value);
        match one.cluster {
            Some(cluster) => {
                let unit = clusters.entry(cluster).or_default();
                unit.weight += weight;
                unit.sum += sum;
            }
            None => units.push(Unit { weight, sum }),
        }
    }
    units.extend(clusters.into_values());
    units
}

/// The interval, by the linearised standard error of the units and of those that are added at each end of the range.
fn interval(units: &[Unit], mean: f64, confidence: f64) -> (f64, f64) {
    /// Units that are added at each end.
    const ADDED: f64 = 2.0;
    let total: f64 = units.iter().map(|unit| unit.weight).sum();
    let weight = units.iter().map(|unit| unit.weight * unit.weight).sum::<f64>() / total;
    let (n, all) = (units.len() as f64 + 2.0 * ADDED, total + 2.0 * ADDED * weight);
    let centre = (mean * total + ADDED * weight) / all;
    let of_unit = |unit: &Unit| ((unit.sum - unit.weight * centre) / all).powi(2);
    let squares = units.iter().map(of_unit).sum::<f64>()
        + ADDED * (weight / all).powi(2) * (centre.powi(2) + (1.0 - centre).powi(2));
    let half = student_upper((1.0 - confidence) / 2.0, n - 1.0) * (squares * n / (n - 1.0)).sqrt();
    ((centre - half).max(0.0).min(mean), (centre + half).min(1.0).max(mean))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::scramble;

    fn values(given: &[(f64, f64)]) -> Vec<WeightedValue> {
        let one = |&(value, weight)| WeightedValue { value, weight, cluster: None };
        given.iter().map(one).collect()
    }

    /// Of many values it is the usual mean with the usual interval: 0.7 ± 1.96 · √(0.21/40,000).
    #[test]
    fn equal_weights_make_the_usual_mean() {
        let given: Vec<_> = (0..40_000).map(|at| (f64::from(u8::from(at % 10 < 7)), 3.0)).collect();
        let found = weighted_mean(&values(&given), 0.95).expect("a mean");
        assert!((found.mean - 0.7).abs() < 1e-9 && (found.effective - 40_000.0).abs() < 1e-6);
        let (low, high) = found.interval;
        assert!((high - low - 2.0 * 0.004_491).abs() < 1e-5, "{low} {high}");
        assert_eq!(weighted_mean(&[], 0.95), None);
    }

    #[test]
    fn what_has_no_spread_is_not_certain() {
        let check = |value: f64, n: usize, least: f64| {
            let found = weighted_mean(&values(&vec![(value, 5.0); n]), 0.95).expect("a mean");
            let (low, high) = found.interval;
            assert!(low <= value && value <= high && (0.0..=1.0).contains(&low) && high <= 1.0);
            assert!(high - low >= least, "{value} {n}: {low} {high}");
        };
        check(1.0, 1, 0.9);
        check(1.0, 2, 0.6);
        check(0.0, 5, 0.4);
        check(0.5, 3, 0.5);
        check(1.0, 50, 0.05);
        check(0.7, 1_000, 0.002);
    }

    /// Of samples of each size, from shares in the middle and at the ends, with equal weights, with two weights and with
    /// clusters, and of ratings that are hardly ever bad: 95 % intervals hold the truth in 93 % of 2,000 at least.
    #[test]
    fn small_samples_are_covered() {
        let uniform = |at: u64| (scramble(at) >> 11) as f64 / 2_f64.powi(53);
        let mut draw = 0;
        let mut next = || {
            draw += 1;
            uniform(draw)
        };
        for n in [1, 2, 3, 5, 10, 30, 100] {
            for share in [0.5, 0.8, 0.95, 0.99] {
                for (form, worst) in
                    [("equal", 0.0), ("two weights", 0.0), ("clusters", 0.0), ("ratings", 0.4)]
                {
                    let (good, mut held) = (if worst > 0.0 { 0.999 } else { 1.0 }, 0);
                    let truth = share * good + (1.0 - share) * worst;
                    for _ in 0..2_000 {
                        let mut seen = Vec::new();
                        for at in 0..n {
                            let value = if next() < share { good } else { worst };
                            let weight =
                                if form == "two weights" && next() < 0.5 { 4.0 } else { 1.0 };
                            let cluster = (form == "clusters").then_some(at);
                            let one = WeightedValue { value, weight, cluster };
                            seen.extend(vec![one; if cluster.is_some() { 3 } else { 1 }]);
                        }
                        let (low, high) = weighted_mean(&seen, 0.95).expect("a mean").interval;
                        held += usize::from(low <= truth && truth <= high);
                    }
                    assert!(held >= 1_860, "{form}, {n} of {share}: {held} of 2,000");
                }
            }
        }
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
                let (low, high) = weighted_mean(&values(given), 0.95).expect("a mean").interval;
                low <= 0.8 && 0.8 <= high
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
        let width = |found: WeightedMean| found.interval.1 - found.interval.0;
        assert!(width(clustered) > 2.0 * width(alone));
    }
}
