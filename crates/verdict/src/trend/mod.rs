//! A score over the runs of a suite: whether it drifts, and where it changed.
//!
//! Everything here may be looked at after every run. Each test is an e-process: a quantity that
//! starts at 1 and, where nothing changes, exceeds 1/α at any time with a chance of at most α (Ville
//! 1939). They are normal mixtures (H. Robbins, Annals of Mathematical Statistics 1970; Howard et al.,
//! "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 2021,
//! arXiv 1810.08240), fed by what each run says beyond the runs before it:
//! the items' differences from their own earlier means, so that what items have in common cancels.
//! `covariance.rs` makes these of the scores, `mixture.rs` is the e-process, `slope.rs` and
//! `change_points.rs` ask the two questions.

mod change_points;
mod covariance;
mod mixture;
mod slope;

use evalmark_core::{
    history::{Course, Trend},
    metric::Direction,
};

use self::covariance::RunMeans;
use crate::items::ItemScore;

/// Fewer runs have no course.
const FEWEST_RUNS: usize = 3;

/// Fewer items, or clusters of items, tell nothing of how much a mean varies.
const FEWEST_UNITS: usize = 5;

/// How a history is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrendRule {
    /// The chance that a test calls a change in any of the series, at any look, where none has one;
    /// within (0, 0.5).
    pub alpha: f64,
    /// How many series are looked at together.
    pub n_series: usize,
    /// Which scores are better.
    pub direction: Direction,
}

impl TrendRule {
    /// By how much a p-value is multiplied: Bonferroni's correction, under which intervals, calls
    /// and p-values agree.
    fn family(&self) -> f64 {
        self.n_series.max(1) as f64
    }
}

/// The course of one metric of one variant over its runs, the oldest first. Only items that every
/// run scored count, clusters as one; [`Trend::points`] numbers the runs from 0.
/// Its sentence is left to whoever knows what the runs are called.
///
/// The order in which a run has its items does not matter.
pub fn trend(runs: &[Vec<ItemScore>], rule: &TrendRule) -> Trend {
    let means = RunMeans::of(runs);
    let points = (0..runs.len()).collect();
    let n_items = means.n_items as u64;
    if runs.len() < FEWEST_RUNS || means.n_units < FEWEST_UNITS {
        return Trend { course: Course::CannotTell, points, n_items, ..Trend::default() };
    }
    let slope = slope::slope(&means, rule);
    let change_points = change_points::change_points(&means, rule);
    let mut trend =
        Trend { points, n_items, slope: Some(slope), change_points, ..Trend::default() };
    trend.course = course(&trend, rule);
    trend
}

/// The slope where it is told from zero, or else the latest change.
fn course(trend: &Trend, rule: &TrendRule) -> Course {
    let slope = trend.slope.as_ref().filter(|_| trend.slope_is_called(rule.alpha));
    let by_slope = slope.map(|slope| slope.per_run);
    let by_change = trend.change_points.last().map(|change| change.after - change.before);
    match by_slope.or(by_change) {
        Some(change) if change != 0.0 => {
            let is_rise = change > 0.0;
            if is_rise == (rule.direction == Direction::Higher) {
                Course::Better
            } else {
                Course::Worse
            }
        }
        _ => Course::NoneFound,
    }
}
