//! The values of one run with their intervals: the bias-corrected and accelerated bootstrap
//! (Efron, JASA 1987), with the acceleration of the jackknife.

use std::borrow::Cow;

use evalmark_core::estimate::Estimate;

use super::{
    CorpusMetric, ItemCounts,
    cells::{Cells, Row},
    resample::resampled,
};
use crate::clustered::cluster_mean;
use crate::few_changed::{Clusters, Ends, FewChanged};
use crate::intervals::tail_of;
use crate::items::ItemScore;
use crate::random::unit_of;
use crate::rule::ScoreRange;
use crate::special::{normal_sf, normal_upper};

/// Resamples behind an interval.
const RESAMPLES: u32 = 1999;

/// Estimates of each of the values, in their order; `None` where a value is not defined.
pub type CorpusEstimate = Option<Estimate>;

/// Estimates the values of a run from its items' counts, which are parallel to the items.
///
/// Intervals of the first value are clipped to `range`, those of the others to [0, 1] or [-1, 1] where
/// the value and its resamples lie there.
pub fn corpus_estimates(
    items: &[ItemScore],
    counts: &[ItemCounts],
    metric: &dyn CorpusMetric,
    range: ScoreRange,
    confidence: f64,
) -> Vec<CorpusEstimate> {
    let mut order: Vec<usize> = (0..items.len().min(counts.len())).collect();
    order.sort_unstable_by_key(|&at| items[at].key);
    let rows = order.into_iter().filter(|&at| !counts[at].is_empty()).map(|at| Row {
        variants: [counts[at].iter().map(|counts| Cow::Borrowed(&**counts)).collect()],
        cluster: items[at].cluster,
        unit: unit_of(items[at].key, items[at].cluster),
    });
    let cells = Cells::new(rows.collect(), metric);
    let values = |sums: &[f64]| metric.values(sums);
    let whole = values(&cells.sums[0]);
    if cells.rows.is_empty() {
        return vec![None; whole.len()];
    }
    let resamples = resampled(&cells, metric, RESAMPLES, |sums| values(&sums[0]));
    let pseudo = cells.pseudo_values(metric, 0, values);
    let leverages = cells.leverages(metric, 0, values);
    let estimated = |(at, value): (usize, Option<f64>)| {
        let drawn = resamples.iter().filter_map(|draw| draw.get(at).copied().flatten()).collect();
        let influence = pseudo[at].as_deref();
        let figure = One { value: value?, pseudo: influence, drawn, cells: &cells };
        let estimate = figure.estimate(tail_of(confidence)?);
        // Where the others lie nobody says but they themselves.
        let range = if at == 0 { range } else { figure.known_range() };
        Some(figure.within(estimate, leverages[at], range, confidence))
    };
    whole.into_iter().enumerate().map(estimated).collect()
}

/// One value, what each cell's item does to it, and the same value of every resample.
struct One<'a> {
    value: f64,
    pseudo: Option<&'a [f64]>,
    drawn: Vec<f64>,
    cells: &'a Cells<'a, 1>,
}

impl One<'_> {
    fn estimate(&self, tail: f64) -> Estimate {
        let mut drawn = self.drawn.clone();
        drawn.sort_unstable_by(f64::total_cmp);
        // A value that many resamples leave undefined has no interval.
        let is_defined = drawn.len() as f64 > 0.95 * f64::from(RESAMPLES);
        let ends = if is_defined { self.ends(&drawn, tail) } else { None };
        Estimate {
            mean: self.value,
            stderr: self.stderr(),
            ci_low: ends.map(|ends| ends.0),
            ci_high: ends.map(|ends| ends.1),
            ci_method: "bca_bootstrap".to_owned(),
            n_items: self.cells.rows.len() as u64,
        }
    }

    /// The pseudo-value of every row, with its unit.
    fn by_row(&self) -> Option<(Vec<f64>, Vec<u64>)> {
        let pseudo = self.pseudo?;
        let values = self.cells.cell_of.iter().map(|&cell| pseudo[cell]).collect();
        Some((values, self.cells.rows.iter().map(|row| row.unit).collect()))
    }

    fn stderr(&self) -> Option<f64> {
        let (values, units) = self.by_row()?;
        cluster_mean(&values, &units)?.se_cr1
    }

    /// The shares of the resamples at which the interval ends, and their values.
    fn ends(&self, drawn: &[f64], tail: f64) -> Option<(f64, f64)> {
        let n = drawn.len() as f64;
        let below = drawn.partition_point(|&drawn| drawn < self.value) as f64;
        let at_most = drawn.partition_point(|&drawn| drawn <= self.value) as f64;
        // Ties count half, and no share is 0 or 1.
        let share = (f64::midpoint(below, at_most) + 0.5) / (n + 1.0);
        let bias = normal_quantile(share);
        let bent = self.acceleration();
        let at = |tail: f64| {
            let z = bias + normal_quantile(tail);
            quantile(drawn, normal_sf(-bias - z / (1.0 - bent * z)))
        };
        Some((at(tail)?.min(self.value), at(1.0 - tail)?.max(self.value)))
    }

    /// A sixth of the skewness of the mean of the pseudo-values.
    fn acceleration(&self) -> f64 {
        let Some(pseudo) = self.pseudo else { return 0.0 };
        let (mut squares, mut cubes) = (0.0, 0.0);
        for (pseudo, &size) in pseudo.iter().zip(&self.cells.sizes) {
            let apart = pseudo - self.value;
            squares += apart * apart * size as f64;
            cubes += apart * apart * apart * size as f64;
        }
        if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
    }

    /// Where nearly all items (or clusters) do the same to the value, what so few cannot have shown is
    /// added: an exact bound on the share of those that do not, times the most that one can do.
    /// Where nobody can tell that, a value that never varied has no interval.
    fn within(
        &self,
        mut estimate: Estimate,
        leverage: Option<f64>,
        range: ScoreRange,
        confidence: f64,
    ) -> Estimate {
        let tail = tail_of(confidence).unwrap_or(0.025);
        if let Some(few) = leverage.and_then(|leverage| self.few_changed(leverage, tail)) {
            let (low, high) = (few.lower(tail), few.upper(tail));
            estimate.ci_low = Some(estimate.ci_low.unwrap_or(self.value).min(low));
            estimate.ci_high = Some(estimate.ci_high.unwrap_or(self.value).max(high));
        }
        let clip = |end: Option<f64>| end.map(|end| end.max(range.low).min(range.high));
        let (ci_low, ci_high) = (clip(estimate.ci_low), clip(estimate.ci_high));
        let is_point = ci_low.zip(ci_high).is_some_and(|(low, high)| low >= high);
        if is_point {
            let ci_method = "none".to_owned();
            return Estimate { ci_low: None, ci_high: None, ci_method, ..estimate };
        }
        Estimate { ci_low, ci_high, ..estimate }
    }

    /// The items' pseudo-values by what is drawn as one, where nearly all of them are equal.
    fn few_changed(&self, leverage: f64, tail: f64) -> Option<FewChanged> {
        let (values, units) = self.by_row()?;
        let (low, high) =
            values.iter().fold((self.value, self.value), |(low, high): (f64, f64), &value| {
                (low.min(value), high.max(value))
            });
        let ends = Ends { low: low - leverage, high: high + leverage };
        let clusters = Clusters::of(values.iter().copied().zip(units.iter().copied()));
        if clusters.len() < values.len() {
            FewChanged::find(&clusters, ends)
        } else {
            FewChanged::find_among_items(&clusters, ends, tail)
        }
    }

    /// From 0 to 1 (or from -1) where the value and all its resamples lie there.
    fn known_range(&self) -> ScoreRange {
        let all = || self.drawn.iter().copied().chain([self.value]);
        let within = |low: f64, high: f64| all().all(|value| (low..=high).contains(&value));
        if within(0.0, 1.0) {
            ScoreRange::UNIT
        } else if within(-1.0, 1.0) {
            ScoreRange { low: -1.0, high: 1.0 }
        } else {
            ScoreRange::ANY
        }
    }
}

fn normal_quantile(share: f64) -> f64 {
    if share < 0.5 { -normal_upper(share) } else { normal_upper(1.0 - share) }
}

/// The value below which a share of the drawn ones lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the number of resamples"
)]
fn quantile(drawn: &[f64], share: f64) -> Option<f64> {
    let at = (share * (drawn.len() + 1) as f64) as usize;
    drawn.get(at.saturating_sub(1).min(drawn.len().checked_sub(1)?)).copied()
}
