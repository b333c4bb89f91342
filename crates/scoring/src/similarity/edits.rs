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

/// Places that differ; the shorter text is padded with what is equal to nothing.
pub(crate) fn hamming(a: &str, b: &str) -> usize {
    if a.is_ascii() && b.is_ascii() {
        let differ = a.bytes().zip(b.bytes()).filter(|(x, y)| x != y).count();
        return differ + a.len().abs_diff(b.len());
    }
    let differ = a.chars().zip(b.chars()).filter(|(x, y)| x != y).count();
    differ + a.chars().count().abs_diff(b.chars().count())
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

/// Whether the distance grows below a word from a column to the next, and whether it shrinks: 0 or 1.
type Handed = (u64, u64);

#[derive(Clone, Copy)]
struct Levenshtein {
    up: u64,
    down: u64,
}

impl Levenshtein {
    /// Rows where the distance has not grown since the last row and column.
    #[inline]
    fn diagonal(self, matches: u64, (_, shrinks): Handed) -> u64 {
        let matches = matches | shrinks;
        ((matches & self.up).wrapping_add(self.up) ^ self.up) | matches | self.down
    }

    /// The new column from those rows.
    #[inline]
    fn turn(&mut self, diagonal: u64, (grows, shrinks): Handed) -> Handed {
        let right_up = self.down | !(diagonal | self.up);
        let right_down = diagonal & self.up;
        let handed = (right_up >> 63, right_down >> 63);
        // The lowest bit is free: adding is one instruction with the shift, `|` would be another.
        let right_up = (right_up << 1).wrapping_add(grows);
        let right_down = (right_down << 1).wrapping_add(shrinks);
        self.up = right_down | !(diagonal | right_up);
        self.down = right_up & diagonal;
        handed
    }
}

impl Cell for Levenshtein {
    const START: Self = Self { up: u64::MAX, down: 0 };
    const TOP: u8 = 1;
    type Handed = Handed;

    #[inline]
    fn step(&mut self, matches: u64, above: Handed) -> Handed {
        let diagonal = self.diagonal(matches, above);
        self.turn(diagonal, above)
    }

    fn pack((grows, shrinks): Handed) -> u8 {
        (grows | shrinks << 1).to_le_bytes()[0]
    }

    fn unpack(byte: u8) -> Handed {
        (u64::from(byte & 1), u64::from(byte >> 1 & 1))
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
    const TOP: u8 = 1;
    /// The last: whether a swap may begin in the last row.
    type Handed = (Handed, u64);

    #[inline]
    fn step(&mut self, matches: u64, (above, begun): (Handed, u64)) -> (Handed, u64) {
        let begins = !self.diagonal & matches;
        let swaps = (begins << 1 | begun) & self.matches;
        self.diagonal = self.rows.diagonal(matches, above) | swaps;
        self.matches = matches;
        (self.rows.turn(self.diagonal, above), begins >> 63)
    }

    fn pack((handed, begun): (Handed, u64)) -> u8 {
        Levenshtein::pack(handed) | (begun << 2).to_le_bytes()[0]
    }

    fn unpack(byte: u8) -> (Handed, u64) {
        (Levenshtein::unpack(byte), u64::from(byte >> 2))
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
