//! Items by what they add: equal ones are one cell, and cost as much as one.

use std::{borrow::Cow, collections::HashMap};

use rayon::prelude::*;

use super::CorpusMetric;
use crate::random::scramble;

/// What one item adds to the sums of each variant.
pub(super) struct Row<'a, const VARIANTS: usize> {
    pub(super) variants: [Vec<Cow<'a, [f64]>>; VARIANTS],
    pub(super) cluster: Option<u64>,
    /// What is drawn or flipped as one.
    pub(super) unit: u64,
}

/// Items in order of their keys, and which of them are alike.
pub(super) struct Cells<'a, const VARIANTS: usize> {
    pub(super) rows: Vec<Row<'a, VARIANTS>>,
    /// By row.
    pub(super) cell_of: Vec<usize>,
    /// By cell: its first row, and how many rows it has.
    pub(super) firsts: Vec<usize>,
    pub(super) sizes: Vec<u64>,
    pub(super) sums: [Vec<f64>; VARIANTS],
}

impl<'a, const VARIANTS: usize> Cells<'a, VARIANTS> {
    pub(super) fn new(rows: Vec<Row<'a, VARIANTS>>, metric: &dyn CorpusMetric) -> Self {
        let mut seen: HashMap<Vec<u64>, usize> = HashMap::new();
        let (mut firsts, mut sizes) = (Vec::new(), Vec::new());
        let mut cell_of = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let cell = *seen.entry(bits(row)).or_insert(firsts.len());
            if cell == firsts.len() {
                firsts.push(at);
                sizes.push(0);
            }
            sizes[cell] += 1;
            cell_of.push(cell);
        }
        let sums = [(); VARIANTS].map(|()| vec![0.0; metric.width()]);
        let mut cells = Self { rows, cell_of, firsts, sizes, sums };
        let mut sums = std::mem::take(&mut cells.sums.to_vec());
        for (cell, &size) in cells.sizes.iter().enumerate() {
            for (variant, sums) in sums.iter_mut().enumerate() {
                cells.add(metric, variant, cell, sums, size as f64);
            }
        }
        for (own, sums) in cells.sums.iter_mut().zip(sums) {
            *own = sums;
        }
        cells
    }

    pub(super) fn len(&self) -> usize {
        self.firsts.len()
    }

    /// Adds what an item of the cell adds to a variant, so many times.
    pub(super) fn add(
        &self,
        metric: &dyn CorpusMetric,
        variant: usize,
        cell: usize,
        sums: &mut [f64],
        times: f64,
    ) {
        for counts in &self.rows[self.firsts[cell]].variants[variant] {
            metric.add(sums, counts, times);
        }
    }

    /// How much each cell's item moves a variant's values, on the scale of one observation: its mean
    /// over the items is the values themselves. `None` for a value that some item alone defines.
    pub(super) fn pseudo_values(
        &self,
        metric: &dyn CorpusMetric,
        variant: usize,
        values: impl Fn(&[f64]) -> Vec<Option<f64>> + Sync,
    ) -> Vec<Option<Vec<f64>>> {
        let whole = values(&self.sums[variant]);
        let n = self.rows.len() as f64;
        let without = |sums: &mut Vec<f64>, cell: usize| {
            self.add(metric, variant, cell, sums, -1.0);
            let found = values(sums);
            self.add(metric, variant, cell, sums, 1.0);
            found
        };
        let left_out: Vec<Vec<Option<f64>>> = (0..self.len())
            .into_par_iter()
            .map_init(|| self.sums[variant].clone(), without)
            .collect();
        let one = |(at, whole): (usize, Option<f64>)| {
            let whole = whole?;
            let moved =
                |rest: &Vec<Option<f64>>| Some((n - 1.0) * (whole - rest.get(at)?.as_ref()?));
            let moved: Vec<f64> = left_out.iter().map(moved).collect::<Option<_>>()?;
            let total: f64 = moved.iter().zip(&self.sizes).map(|(m, size)| m * *size as f64).sum();
            Some(moved.iter().map(|m| whole + m - total / n).collect())
        };
        whole.into_iter().enumerate().map(one).collect()
    }

    /// The most that one item's answer can move a variant's value, on the scale of one observation;
    /// `None` where the worst and the best answer cannot be told.
    pub(super) fn leverage(&self, metric: &dyn CorpusMetric, variant: usize) -> Option<f64> {
        self.leverages(metric, variant, |sums| vec![metric.value(sums)]).pop().flatten()
    }

    /// The same of each of several values.
    pub(super) fn leverages(
        &self,
        metric: &dyn CorpusMetric,
        variant: usize,
        values: impl Fn(&[f64]) -> Vec<Option<f64>> + Sync,
    ) -> Vec<Option<f64>> {
        let n_values = values(&self.sums[variant]).len();
        let moves_of = |sums: &mut Vec<f64>, cell: usize| {
            let counts = self.rows[self.firsts[cell]].variants[variant].first()?;
            let extremes = metric.extremes(counts)?;
            metric.add(sums, counts, -1.0);
            let found = extremes.map(|extreme| {
                metric.add(sums, &extreme, 1.0);
                let value = values(sums);
                metric.add(sums, &extreme, -1.0);
                value
            });
            metric.add(sums, counts, 1.0);
            let [worst, best] = found;
            let apart = |(worst, best): (Option<f64>, Option<f64>)| Some((best? - worst?).abs());
            Some(worst.into_iter().zip(best).map(apart).collect::<Vec<_>>())
        };
        let moves: Option<Vec<Vec<Option<f64>>>> = (0..self.len())
            .into_par_iter()
            .map_init(|| self.sums[variant].clone(), moves_of)
            .collect();
        let Some(moves) = moves else { return vec![None; n_values] };
        let n = self.rows.len() as f64;
        let largest = |at: usize| {
            let mut of_cells = moves.iter().map(|of| of.get(at).copied().flatten());
            let largest = of_cells.try_fold(0.0, |a: f64, b| Some(a.max(b?)));
            largest.map(|largest| largest * n)
        };
        (0..n_values).map(largest).collect()
    }

    /// A seed that the items and what they add decide.
    pub(super) fn seed(&self) -> u64 {
        let mix = |seed: u64, bits: u64| scramble(seed ^ bits).wrapping_add(1);
        let rows = self.cell_of.iter().map(|&cell| &self.rows[self.firsts[cell]]);
        rows.fold(0x6a09_e667_f3bc_c908, |seed, row| bits(row).into_iter().fold(seed, mix))
    }
}

/// All that a row adds, as something to compare.
fn bits<const VARIANTS: usize>(row: &Row<'_, VARIANTS>) -> Vec<u64> {
    let mut bits = Vec::new();
    for variant in &row.variants {
        bits.push(variant.len() as u64);
        for counts in variant {
            bits.push(counts.len() as u64);
            bits.extend(counts.iter().map(|count| count.to_bits()));
        }
    }
    bits
}
