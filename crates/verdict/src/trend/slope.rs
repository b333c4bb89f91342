//! Whether a score rises or falls from run to run: the least-squares slope, looked at after every
//! run.
//!
//! With `d_t` what run t says beyond the runs before it, `Σ (t-1)/2·d_t` is the numerator
//! `Σ (t - t̄)·v_t` of the slope, written as a sum to which each run adds a part that is not correlated
//! with the others (recursive residuals; Brown, Durbin, Evans, JRSS B 1975).

use evalmark_core::history::Slope;

use super::{
    TrendRule,
    covariance::{RunMeans, Step},
    mixture::{Evidence, p_value},
};

/// The run at which the mixture is sharpest.
const USUAL_RUNS: f64 = 8.0;

/// The slope over all runs.
pub(super) fn slope(runs: &RunMeans, rule: &TrendRule) -> Slope {
    let n_runs = runs.means.len();
    let steps = runs.steps(&(0..n_runs));
    // The variance of a single run, from the first that differs at all.
    let noise = steps.iter().find(|step| step.variance > 0.0).map_or(0.0, variance_of_a_run);
    let usual = noise * squares(USUAL_RUNS);
    let (mut sum, mut variance) = (0.0, 0.0);
    let mut slope = Slope { p: 1.0, ..Slope::default() };
    for step in &steps {
        let weight = 0.5 * (step.at - 1) as f64;
        sum += weight * step.difference;
        variance += weight * weight * step.variance;
        // The same variance from units alone, should runs depend on each other.
        let of_units = runs.variance_over_units(0..step.at, &centred(step.at));
        let evidence = Evidence::new(sum, variance.max(of_units), usual);
        slope = looked_at(&slope, step.at, &evidence, rule);
    }
    slope
}

/// The slope after one more run.
fn looked_at(before: &Slope, n_runs: usize, evidence: &Evidence, rule: &TrendRule) -> Slope {
    let squares = squares(n_runs as f64);
    let per_run = evidence.sum / squares;
    let reach = evidence.reach(rule.family() / rule.alpha).map(|reach| reach / squares);
    let p = p_value(evidence.log(), rule.family());
    let is_first = before.first_called.is_none() && p <= rule.alpha && n_runs >= super::FEWEST_RUNS;
    Slope {
        per_run,
        lower: reach.map(|reach| per_run - reach),
        upper: reach.map(|reach| per_run + reach),
        p,
        first_called: if is_first { Some(n_runs - 1) } else { before.first_called },
    }
}

/// The variance of one run's mean, where this step's variance is that of a difference.
pub(super) fn variance_of_a_run(step: &Step) -> f64 {
    step.variance * (step.at - 1) as f64 / step.at as f64
}

/// `Σ (t - t̄)²` over n runs.
fn squares(n: f64) -> f64 {
    (n * n * n - n) / 12.0
}

/// `t - t̄` over n runs.
fn centred(n: usize) -> Vec<f64> {
    let middle = 0.5 * (n as f64 - 1.0);
    (0..n).map(|run| run as f64 - middle).collect()
}
