//! Max-T: p-values adjusted for many comparisons by flipping the signs of whole items.
//!
//! Westfall and Young, "Resampling-Based Multiple Testing" (1993), the step-down procedure. When
//! nothing changed, an item's differences (over all metrics and variants) are as likely as their
//! negatives. So the signs of whole items, or of whole clusters, are flipped at random, the same
//! for every comparison: what the comparisons have in common stays, and the correction costs no
//! more than it has to. The statistic is the sum of a comparison's differences over the root of
//! their sum of squares, which flipping leaves alone; Student's t grows with it.
//!
//! Beyond [`MOST_UNITS`] units they are flipped in that many blocks. Flips of blocks are some of
//! the flips of units, so the test is as exact, and no resample is ever written down.

use rayon::prelude::*;

use crate::missing::Pair;
use crate::random::{SplitMix, scramble};

/// Units (or blocks of units) whose signs are flipped one by one.
const MOST_UNITS: usize = 4096;

/// Flips that one task does.
const CHUNK: u32 = 64;

/// A tie but for rounding counts.
const SLACK: f64 = 1e-9;

/// One comparison's differences, summed by unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Units {
    /// Each unit and its sum, ascending by unit.
    Each(Vec<(u64, f64)>),
    /// The sum of each block of units.
    Blocks(Vec<f64>),
}

impl Units {
    /// The differences of pairs in order of their keys.
    pub(crate) fn of(pairs: &[Pair]) -> Self {
        let rows = pairs.iter().map(|pair| (pair.unit, pair.candidate - pair.baseline));
        if pairs.len() > MOST_UNITS * 16 {
            return Self::Blocks(blocks(rows));
        }
        let mut rows: Vec<(u64, f64)> = rows.collect();
        // Stable: a unit's differences are added in order of their keys.
        rows.sort_by_key(|row| row.0);
        let same = rows.chunk_by(|a, b| a.0 == b.0);
        let sums: Vec<_> =
            same.map(|rows| (rows[0].0, rows.iter().map(|row| row.1).sum())).collect();
        if sums.len() > MOST_UNITS {
            Self::Blocks(blocks(sums.into_iter()))
        } else {
            Self::Each(sums)
        }
    }

    fn in_blocks(&self) -> Vec<f64> {
        match self {
            Self::Each(sums) => blocks(sums.iter().copied()),
            Self::Blocks(blocks) => blocks.clone(),
        }
    }

    /// A number for these units, whatever the others of the family are.
    fn seed(&self) -> u64 {
        let mix = |seed: u64, id: u64, sum: f64| scramble(scramble(seed ^ id) ^ sum.to_bits());
        match self {
            Self::Each(sums) => sums.iter().fold(1, |seed, &(id, sum)| mix(seed, id, sum)),
            Self::Blocks(blocks) => blocks.iter().fold(2, |seed, &sum| mix(seed, 0, sum)),
        }
    }
}

fn blocks(rows: impl Iterator<Item = (u64, f64)>) -> Vec<f64> {
    let mut blocks = vec![0.0; MOST_UNITS];
    for (unit, difference) in rows {
        // The low bits of a scrambled number are as good as any.
        let at = usize::try_from(unit % MOST_UNITS as u64).unwrap_or(0);
        blocks[at] += difference;
    }
    blocks
}

/// P-values against "no drop" of each comparison, adjusted for all, in their order.
pub(crate) fn max_t(family: &[&Units], flips: u32) -> Vec<f64> {
    let table = Table::new(family);
    let observed = table.statistics(None);
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|&a, &b| observed[b].total_cmp(&observed[a]));
    let seed = family.iter().fold(0_u64, |seed, units| seed.wrapping_add(units.seed()));
    let chunks: Vec<u32> = (0..flips).step_by(CHUNK as usize).collect();
    let exceeded = |&from: &u32| {
        let mut counts = vec![0_u64; order.len()];
        for stream in from..(from + CHUNK).min(flips) {
            let flipped = table.statistics(Some(&mut SplitMix::stream(seed, stream)));
            // The largest of this comparison and of all that are less extreme.
            let mut largest = f64::NEG_INFINITY;
            for (count, &at) in counts.iter_mut().zip(&order).rev() {
                largest = largest.max(flipped[at]);
                *count += u64::from(largest >= observed[at] - SLACK);
            }
        }
        counts
    };
    let add = |a: Vec<u64>, b: Vec<u64>| a.iter().zip(&b).map(|(a, b)| a + b).collect();
    let none = || vec![0_u64; order.len()];
    let counts = chunks.par_iter().map(exceeded).reduce(none, add);
    let (mut adjusted, mut so_far) = (vec![1.0; family.len()], 0.0_f64);
    for (&at, count) in order.iter().zip(counts) {
        so_far = so_far.max((1 + count) as f64 / f64::from(flips + 1));
        adjusted[at] = so_far;
    }
    adjusted
}

/// A row of each unit's sums over the comparisons, scaled to a sum of squares of 1.
struct Table {
    width: usize,
    rows: Vec<f64>,
}

impl Table {
    fn new(family: &[&Units]) -> Self {
        let width = family.len();
        let mut rows = Self::aligned(family).unwrap_or_else(|| {
            let columns: Vec<_> = family.iter().map(|units| units.in_blocks()).collect();
            (0..MOST_UNITS).flat_map(|at| columns.iter().map(move |column| column[at])).collect()
        });
        for at in 0..width {
            let column = || (at..rows.len()).step_by(width);
            let squares: f64 = column().map(|i| rows[i] * rows[i]).sum();
            let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 };
            for i in column() {
                rows[i] *= scale;
            }
        }
        Self { width, rows }
    }

    /// Units side by side; `None` when they are too many, or in blocks already.
    fn aligned(family: &[&Units]) -> Option<Vec<f64>> {
        let mut columns = Vec::with_capacity(family.len());
        for units in family {
            let Units::Each(sums) = units else { return None };
            columns.push(sums);
        }
        let mut ids: Vec<u64> = columns.iter().flat_map(|sums| sums.iter().map(|s| s.0)).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > MOST_UNITS {
            return None;
        }
        let mut rows = vec![0.0; ids.len() * family.len()];
        for (at, sums) in columns.into_iter().enumerate() {
            let mut row = 0;
            for &(id, sum) in sums {
                // Both ascend.
                row += ids[row..].partition_point(|&other| other < id);
                rows[row * family.len() + at] = sum;
            }
        }
        Some(rows)
    }

    /// How much each comparison drops, under random signs or as it was.
    fn statistics(&self, signs: Option<&mut SplitMix>) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        let mut draw = signs;
        for rows in self.rows.chunks(64 * self.width) {
            let bits = draw.as_mut().map_or(0, |draw| draw.next());
            for (i, row) in rows.chunks_exact(self.width).enumerate() {
                // A set bit keeps the sign of a drop negative, a clear one turns it.
                let sign = if bits >> i & 1 == 1 { 1.0 } else { -1.0 };
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += sign * value;
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(values: &[f64]) -> Units {
        Units::Each(values.iter().enumerate().map(|(i, &v)| (i as u64, v)).collect())
    }

    #[test]
    fn one_comparison_is_the_sign_flip_test() {
        let drops = [-0.5, -0.1, -0.4, 0.2, -0.3, -0.6, 0.1, -0.2, -0.7, -0.3];
        let raised: Vec<f64> = drops.iter().map(|d: &f64| -d).collect();
        let exact = crate::sign_flip::sign_flip_exact(&raised).expect("ten values").greater;
        let found = max_t(&[&units(&drops)], 19_999)[0];
        assert!((found - exact).abs() < 4.0 * (exact / 2e4).sqrt(), "{found} is not {exact}");
    }

    #[test]
    fn copies_of_a_comparison_cost_nothing() {
        let drops: Vec<f64> = (0..40).map(|i| (f64::from(i) * 1.3).sin() - 0.3).collect();
        let alone = max_t(&[&units(&drops)], 9999)[0];
        let copies = [&units(&drops), &units(&drops), &units(&drops)];
        let together = max_t(&copies, 9999);
        assert!(together.iter().all(|p| (p - alone).abs() < 0.01), "{together:?}, {alone}");
        let nothing = max_t(&[&units(&drops), &units(&[0.0; 40])], 999);
        assert!(nothing[1] >= 0.3, "{nothing:?}");
    }

    #[test]
    fn units_that_only_one_comparison_has_stay_apart() {
        let one = Units::Each(vec![(1, -1.0), (5, -1.0)]);
        let other = Units::Each(vec![(3, -2.0), (5, 4.0), (9, 1.0)]);
        let rows = Table::aligned(&[&one, &other]).expect("few units");
        assert_eq!(rows, [-1.0, 0.0, 0.0, -2.0, -1.0, 4.0, 0.0, 1.0]);
    }
}
