//! The bootstrap over items: every resample draws as many items (or clusters) as there are, and the
//! values are made of what those add.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{CorpusMetric, cells::Cells};
use crate::bootstrap::PoissonTable;
use crate::random::SplitMix;

/// Up to this many items are drawn one by one; beyond, each cell occurs a Poisson number of times,
/// which for so many is the same.
const MOST_DRAWN: usize = 32_768;

/// What a resample draws from.
enum Plan {
    /// Items by their rows.
    Items,
    /// Clusters: the cells of each.
    Clusters(Vec<Vec<usize>>),
    /// Cells, by their size.
    Poisson(Vec<PoissonTable>),
}

/// Values of every resample: `all[resample]` is what `values` makes of each variant's sums.
pub(super) fn resampled<const VARIANTS: usize, T: Send>(
    cells: &Cells<'_, VARIANTS>,
    metric: &dyn CorpusMetric,
    resamples: u32,
    values: impl Fn(&[Vec<f64>; VARIANTS]) -> T + Sync,
) -> Vec<T> {
    let plan = Plan::new(cells);
    let seed = cells.seed();
    let room = || (vec![0.0; cells.len()], cells.sums.clone());
    let one = |(times, sums): &mut (Vec<f64>, [Vec<f64>; VARIANTS]), stream: u32| {
        times.fill(0.0);
        // Each resample has its own stream, so that no thread sees another's.
        plan.draw(cells, &mut SplitMix::stream(seed, stream), times);
        for (variant, sums) in sums.iter_mut().enumerate() {
            sums.fill(0.0);
            for (cell, &times) in times.iter().enumerate().filter(|(_, times)| **times > 0.0) {
                cells.add(metric, variant, cell, sums, times);
            }
        }
        values(sums)
    };
    (0..resamples).into_par_iter().map_init(room, one).collect()
}

impl Plan {
    fn new<const VARIANTS: usize>(cells: &Cells<'_, VARIANTS>) -> Self {
        let mut clusters: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (row, &cell) in cells.rows.iter().zip(&cells.cell_of) {
            clusters.entry(row.unit).or_default().push(cell);
        }
        if clusters.len() < cells.rows.len() {
            return Self::Clusters(clusters.into_values().collect());
        }
        if cells.rows.len() <= MOST_DRAWN {
            return Self::Items;
        }
        Self::Poisson(cells.sizes.iter().map(|&size| PoissonTable::new(size)).collect())
    }

    fn draw<const VARIANTS: usize>(
        &self,
        cells: &Cells<'_, VARIANTS>,
        rng: &mut SplitMix,
        times: &mut [f64],
    ) {
        match self {
            Self::Items => {
                for _ in 0..cells.cell_of.len() {
                    times[cells.cell_of[pick(rng, cells.cell_of.len())]] += 1.0;
                }
            }
            Self::Clusters(clusters) => {
                for _ in 0..clusters.len() {
                    for &cell in &clusters[pick(rng, clusters.len())] {
                        times[cell] += 1.0;
                    }
                }
            }
            Self::Poisson(tables) => {
                for (times, table) in times.iter_mut().zip(tables) {
                    *times = table.draw(rng.next());
                }
            }
        }
    }
}

/// One of `n`: multiply and shift, uneven by less than n/2^32.
fn pick(rng: &mut SplitMix, n: usize) -> usize {
    usize::try_from(((rng.next() >> 32) * n as u64) >> 32).unwrap_or(0)
}
