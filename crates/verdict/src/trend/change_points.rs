//! Where a score changed and stayed: the runs before and after every possible place, together one
//! e-process.
//!
//! The e-processes of all places, each with its share of the wealth, add up to one (a mixture over
//! change points: T. L. Lai, IEEE Transactions on Information Theory 1998; Shin, Ramdas, Rinaldo,
//! "E-detectors", arXiv 2203.03532). Where it is called, the place that explains most of
//! the squares is told (Sen and Srivastava, Annals of Statistics 1975), and both parts are looked at in the same way: binary segmentation
//! (Scott and Knott, Biometrics 1974; Vostrikova, Doklady 1981).

use std::ops::Range;

use evalmark_core::history::ChangePoint;

use super::{
    TrendRule,
    covariance::{RunMeans, Step},
    mixture::{Evidence, p_value},
    slope::variance_of_a_run,
};

/// The variance, in runs, at which a mixture is sharpest: that of four runs before and four after.
const USUAL_VARIANCE: f64 = 2.0;

/// All changes, the oldest first.
pub(super) fn change_points(runs: &RunMeans, rule: &TrendRule) -> Vec<ChangePoint> {
    let mut places = Vec::new();
    let whole = 0..runs.means.len();
    let mut parts = vec![whole];
    while let Some(part) = parts.pop() {
        let Some((at, p)) = likeliest(runs, &part, rule) else { continue };
        if p <= rule.alpha {
            places.push((at, p));
            parts.extend([part.start..at, at..part.end]);
        }
    }
    places.sort_unstable_by_key(|(at, _)| *at);
    let mut ends: Vec<usize> = places.iter().map(|(at, _)| *at).chain([runs.means.len()]).collect();
    ends.insert(0, 0);
    let told = |(index, (point, p)): (usize, (usize, f64))| ChangePoint {
        point,
        before: runs.mean(ends[index]..point),
        after: runs.mean(point..ends[index + 2]),
        p,
    };
    places.into_iter().enumerate().map(told).collect()
}

/// The likeliest place in a part of the runs, and the p-value against "no change" there.
fn likeliest(runs: &RunMeans, part: &Range<usize>, rule: &TrendRule) -> Option<(usize, f64)> {
    let steps = runs.steps(part);
    let noise = variance_of_a_run(steps.iter().find(|step| step.variance > 0.0)?);
    let (mut logs, mut best) = (Vec::new(), (part.start, 0.0));
    for before in 1..part.len() {
        let evidence = change_after(runs, part, &steps, before, noise);
        let before_wealth = 1.0 / (before * (before + 1)) as f64;
        logs.push(before_wealth.ln() + evidence.log());
        let after = part.len() - before;
        let balance = (before * after) as f64 / part.len() as f64;
        // What the change explains of the squares: single variances would favour places where little
        // varies.
        let explained = evidence.sum * evidence.sum / balance;
        if explained > best.1 {
            best = (part.start + before, explained);
        }
    }
    // The wealth of places that are still to come.
    logs.push(-(part.len() as f64).ln());
    Some((best.0, p_value(log_sum(&logs), rule.family())))
}

/// The evidence for a change after so many runs: `Σ (k/t)·d_t` over the later runs, which is
/// `k(T-k)/T` times the difference of the means before and after.
fn change_after(
    runs: &RunMeans,
    part: &Range<usize>,
    steps: &[Step],
    before: usize,
    noise: f64,
) -> Evidence {
    let (mut sum, mut variance) = (0.0, 0.0);
    for step in &steps[before - 1..] {
        let weight = before as f64 / step.at as f64;
        sum += weight * step.difference;
        variance += weight * weight * step.variance;
    }
    let (n, before) = (part.len(), before as f64);
    let after = n as f64 - before;
    let weight = |run: usize| {
        if (run as f64) < before { -after / n as f64 } else { before / n as f64 }
    };
    let weights: Vec<f64> = (0..n).map(weight).collect();
    let of_units = runs.variance_over_units(part.clone(), &weights);
    Evidence::new(sum, variance.max(of_units), noise * USUAL_VARIANCE)
}

/// The logarithm of the sum of what these are the logarithms of.
fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}
