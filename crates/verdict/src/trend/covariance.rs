//! The means of runs over the items that all of them scored, and how they vary together.

use std::{collections::HashMap, ops::Range};

use crate::{items::ItemScore, random::unit_of};

/// Means of the runs, and the products of what the units add to them.
pub(super) struct RunMeans {
    /// One per run.
    pub(super) means: Vec<f64>,
    /// Row by row: for a contrast `c` whose weights add up to nothing, `c'·products·c` is the sum over
    /// units of `(c'u/n)²`, where `u` are a unit's sums by run.
    products: Vec<f64>,
    pub(super) n_items: usize,
    /// Items, or clusters of them.
    pub(super) n_units: usize,
}

/// What one run says beyond those before it: its mean minus theirs.
pub(super) struct Step {
    /// The run's place among the runs that are looked at, from 1: the first has none before it.
    pub(super) at: usize,
    /// The difference.
    pub(super) difference: f64,
    /// Its variance where nothing changes.
    pub(super) variance: f64,
}

impl RunMeans {
    /// Of the items that every run scored with the same content.
    pub(super) fn of(runs: &[Vec<ItemScore>]) -> Self {
        let n_runs = runs.len();
        let rows = complete(runs);
        let n_items = rows.len();
        let mut units: HashMap<u64, Vec<f64>> = HashMap::new();
        let mut means = vec![0.0; n_runs];
        for (unit, row) in &rows {
            // What is common to an item's runs cancels in every contrast.
            let middle = row.iter().sum::<f64>() / n_runs as f64;
            let sums = units.entry(*unit).or_insert_with(|| vec![0.0; n_runs]);
            for (run, score) in row.iter().enumerate() {
                means[run] += score / n_items as f64;
                sums[run] += score - middle;
            }
        }
        let n_units = units.len();
        // Sums of floating-point numbers depend on their order; that of a hash map is arbitrary.
        let mut units: Vec<_> = units.into_iter().collect();
        units.sort_unstable_by_key(|(unit, _)| *unit);
        let small_sample = n_units as f64 / (n_units.max(2) - 1) as f64;
        let scale = small_sample / (n_items.max(1) as f64).powi(2);
        let mut products = vec![0.0; n_runs * n_runs];
        for (_, sums) in &units {
            for (row, left) in products.chunks_mut(n_runs.max(1)).zip(sums) {
                row.iter_mut().zip(sums).for_each(|(cell, right)| *cell += left * right * scale);
            }
        }
        Self { means, products, n_items, n_units }
    }

    /// The value of a contrast over these runs, and the sum of the squares of what units add to it: its
    /// variance where there is no change, and exactly so for sums of signs, however few items changed.
    pub(super) fn contrast(&self, runs: Range<usize>, weights: &[f64]) -> (f64, f64) {
        let n_runs = self.means.len();
        let value = self.means[runs.clone()].iter().zip(weights).map(|(mean, w)| mean * w).sum();
        let mut variance = 0.0;
        for (row, left) in runs.clone().zip(weights) {
            let cells = &self.products[row * n_runs..][runs.clone()];
            let inner: f64 = cells.iter().zip(weights).map(|(cell, right)| cell * right).sum();
            variance += left * inner;
        }
        (value, variance.max(0.0))
    }

    /// The variance of a contrast, from how much units differ in it: it holds whatever the dependence
    /// between runs.
    pub(super) fn variance_over_units(&self, runs: Range<usize>, weights: &[f64]) -> f64 {
        let (value, squares) = self.contrast(runs, weights);
        (squares - value * value / (self.n_units.max(2) - 1) as f64).max(0.0)
    }

    /// What each of these runs but the first says beyond those before it. Where runs vary
    /// independently about a constant, these are not correlated.
    pub(super) fn steps(&self, runs: &Range<usize>) -> Vec<Step> {
        let step = |at: usize| {
            let mut weights = vec![-1.0 / at as f64; at];
            weights.push(1.0);
            let (difference, variance) = self.contrast(runs.start..runs.start + at + 1, &weights);
            Step { at: at + 1, difference, variance }
        };
        (1..runs.len()).map(step).collect()
    }

    /// The mean over these runs.
    pub(super) fn mean(&self, runs: Range<usize>) -> f64 {
        let n = runs.len() as f64;
        self.means[runs].iter().sum::<f64>() / n
    }
}

/// Unit and scores by run of each item that every run has, in the first run's order.
fn complete(runs: &[Vec<ItemScore>]) -> Vec<(u64, Vec<f64>)> {
    let Some((first, later)) = runs.split_first() else { return Vec::new() };
    let mut rows: HashMap<(u128, u128), (u64, Vec<f64>)> = HashMap::new();
    let score = |item: &ItemScore| {
        let mean = item.sum / f64::from(item.n_scored);
        (item.n_scored > 0 && mean.is_finite()).then_some(mean)
    };
    for item in first {
        if let Some(mean) = score(item) {
            let unit = unit_of(item.key, item.cluster);
            rows.insert((item.key, item.content), (unit, vec![mean]));
        }
    }
    for (before, run) in later.iter().enumerate() {
        for item in run {
            if let Some(mean) = score(item)
                && let Some((_, row)) = rows.get_mut(&(item.key, item.content))
                && row.len() == before + 1
            {
                row.push(mean);
            }
        }
    }
    let mut rows: Vec<_> = rows.into_iter().filter(|(_, row)| row.1.len() == runs.len()).collect();
    rows.sort_unstable_by_key(|(item, _)| *item);
    rows.into_iter().map(|(_, row)| row).collect()
}
