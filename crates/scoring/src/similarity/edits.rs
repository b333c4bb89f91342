//! Distances that count edits: Levenshtein, optimal string alignment, Hamming.

use super::{
    bits::{Cell, n_words, sweep},
    symbols::Sequences,
};

/// Insertions, deletions and replacements (Levenshtein 1966).
pub(crate) fn levenshtein(sequences: &Sequences) -> usize {
    distance::<Levenshtein>(sequences)
}

/// The same, and swaps of neighbours, no part of the text being edited twice.
pub(crate) fn osa(sequences: &Sequences) -> usize {
    distance::<Osa>(sequences)
}

/// Places that differ; the shorter sequence is padded with what is equal to nothing.
pub(crate) fn hamming(a: &[u32], b: &[u32]) -> usize {
    let differ = a.iter().zip(b).filter(|(x, y)| x != y).count();
    differ + a.len().abs_diff(b.len())
}

/// Of two ways to lay the matrix the one that takes fewer words.
fn distance<C: Rows>(sequences: &Sequences) -> usize {
    let (a, b) = sequences.without_common_ends();
    let turned = n_words(b.len()) * a.len() < n_words(a.len()) * b.len();
    let (pattern, text) = if turned { (b, a) } else { (a, b) };
    let mut distance = text.len();
    let swept = sweep::<C>(pattern, text, sequences.n_symbols);
    for (word, cell) in swept.cells.iter().take(n_words(pattern.len())).enumerate() {
        let mask = u64::MAX >> (64 - (pattern.len() - word * 64).min(64));
        distance += (cell.up() & mask).count_ones() as usize;
        distance -= (cell.down() & mask).count_ones() as usize;
    }
    distance
}

/// Where the distance grows by one from a row to the next, and where it shrinks.
trait Rows: Cell {
    fn up(&self) -> u64;
    fn down(&self) -> u64;
}

/// From left to right the distance grows below this word.
const GROWS: u64 = 1;
/// It shrinks.
const SHRINKS: u64 = 2;
/// The last row ends in the first half of a swap.
const SWAPS: u64 = 4;

#[derive(Clone, Copy)]
struct Levenshtein {
    up: u64,
    down: u64,
}

impl Levenshtein {
    /// The new column from the diagonal: rows where the distance did not grow since the last row
    /// and column.
    #[inline]
    fn turn(&mut self, diagonal: u64, above: u64) -> u64 {
        let right_up = self.down | !(diagonal | self.up);
        let right_down = diagonal & self.up;
        let handed = right_up >> 63 | right_down >> 63 << 1;
        let right_up = right_up << 1 | above & GROWS;
        let right_down = right_down << 1 | (above & SHRINKS) >> 1;
        self.up = right_down | !(diagonal | right_up);
        self.down = right_up & diagonal;
        handed
    }

    #[inline]
    fn diagonal(self, matches: u64, above: u64) -> u64 {
        let matches = matches | (above & SHRINKS) >> 1;
        ((matches & self.up).wrapping_add(self.up) ^ self.up) | matches | self.down
    }
}

impl Cell for Levenshtein {
    const START: Self = Self { up: u64::MAX, down: 0 };
    const TOP: u64 = GROWS;

    #[inline]
    fn step(&mut self, matches: u64, above: u64) -> u64 {
        let diagonal = self.diagonal(matches, above);
        self.turn(diagonal, above)
    }
}

impl Rows for Levenshtein {
    fn up(&self) -> u64 {
        self.up
    }

    fn down(&self) -> u64 {
        self.down
    }
}

#[derive(Clone, Copy)]
struct Osa {
    rows: Levenshtein,
    diagonal: u64,
    matches: u64,
}

impl Cell for Osa {
    const START: Self = Self { rows: Levenshtein::START, diagonal: 0, matches: 0 };
    const TOP: u64 = GROWS;

    #[inline]
    fn step(&mut self, matches: u64, above: u64) -> u64 {
        let first_half = !self.diagonal & matches;
        let swaps = (first_half << 1 | (above & SWAPS) >> 2) & self.matches;
        self.diagonal = self.rows.diagonal(matches, above) | swaps;
        self.matches = matches;
        self.rows.turn(self.diagonal, above) | first_half >> 63 << 2
    }
}

impl Rows for Osa {
    fn up(&self) -> u64 {
        self.rows.up
    }

    fn down(&self) -> u64 {
        self.rows.down
    }
}
