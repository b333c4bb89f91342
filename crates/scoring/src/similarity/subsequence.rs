//! The longest common subsequence, and the ratio made from it.

use super::{
    bits::{Cell, n_words, sweep},
    symbols::Sequences,
};

/// The length of the longest common subsequence.
pub(crate) fn subsequence(sequences: &Sequences) -> usize {
    let (a, b) = sequences.without_common_ends();
    let common = sequences.a.len() - a.len();
    let turned = n_words(b.len()) * a.len() < n_words(a.len()) * b.len();
    let (pattern, text) = if turned { (b, a) } else { (a, b) };
    common + growth(pattern, text, sequences.n_symbols).map(usize::from).sum::<usize>()
}

/// By how much the longest common subsequence of `pattern` and the first symbols of `text` grows
/// with each symbol: 0 or 1.
pub(super) fn growth(pattern: &[u32], text: &[u32], n_symbols: usize) -> impl Iterator<Item = u8> {
    let below = sweep::<Subsequence>(pattern, text, n_symbols).below;
    below.into_iter().take(if pattern.is_empty() { 0 } else { usize::MAX })
}

/// 1 - insertions and deletions / both lengths: the `ratio` of two sequences. Two empty ones are
/// equal.
pub(crate) fn indel_similarity(sequences: &Sequences) -> f64 {
    ratio(subsequence(sequences), sequences.a.len() + sequences.b.len())
}

/// The ratio of two sequences from what they share and their length together.
pub(super) fn ratio(common: usize, lengths: usize) -> f64 {
    if lengths == 0 { 1.0 } else { 1.0 - (lengths - 2 * common) as f64 / lengths as f64 }
}

/// Rows with a 0 are those where the subsequence grows (Hyyrö 2004). Rows beyond the pattern are
/// ones and let a carry through, so that what is handed down last counts the whole pattern.
#[derive(Clone, Copy)]
struct Subsequence(u64);

impl Cell for Subsequence {
    const START: Self = Self(u64::MAX);
    const TOP: u8 = 0;
    type Handed = bool;

    #[inline]
    fn step(&mut self, matches: u64, above: bool) -> bool {
        let both = self.0 & matches;
        let (sum, first) = self.0.overflowing_add(both);
        let (sum, second) = sum.overflowing_add(u64::from(above));
        self.0 = sum | (self.0 - both);
        first | second
    }

    fn pack(handed: bool) -> u8 {
        u8::from(handed)
    }

    fn unpack(byte: u8) -> bool {
        byte == 1
    }
}
