//! `partial_ratio`: the best ratio of the shorter text with any part of the longer one.
//!
//! rapidfuzz compares with each window as long as the shorter text, and with each shorter beginning
//! and end of the longer one, one by one. All beginnings come out of one sweep here, and all ends
//! out of another. The windows do too, where they are many, out of one pass over the matrix
//! (semi-local comparison, Tiskin 2008), which bounds the work by the product of the lengths.

use super::{
    bits::n_words,
    subsequence::{growth, ratio},
    symbols::Sequences,
};

/// The ratio of the shorter sequence with the most similar part of the longer one, no longer than
/// it; of two of one length each is searched for the other.
pub(crate) fn partial_ratio(sequences: &Sequences) -> f64 {
    let (a, b) = (&sequences.a, &sequences.b);
    if a.is_empty() || b.is_empty() {
        return f64::from(a.is_empty() && b.is_empty());
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut best = at_ends(short, long, sequences.n_symbols);
    if short.len() == long.len() {
        best = best.max(at_ends(long, short, sequences.n_symbols));
    } else if best < 1.0 {
        let common = if are_few(short, long) {
            one_by_one(short, long, sequences.n_symbols)
        } else {
            at_once(short, long)
        };
        best = best.max(ratio(common, 2 * short.len()));
    }
    best
}

/// Cells of work, those that are done 64 at a time counted as one.
pub(crate) fn partial_work(a: usize, b: usize) -> usize {
    let (short, long) = (a.min(b), a.max(b));
    let windows = (long - short).saturating_mul(n_words(short));
    n_words(short).saturating_add(windows.min(long)).saturating_mul(short)
}

/// The best ratio of `short` with a beginning or end of `long`, none longer than `short`.
fn at_ends(short: &[u32], long: &[u32], n_symbols: usize) -> f64 {
    let reversed = |symbols: &[u32]| symbols.iter().rev().copied().collect::<Vec<u32>>();
    let beginning = best_prefix(short, &long[..short.len()], n_symbols);
    let end = reversed(&long[long.len() - short.len()..]);
    beginning.max(best_prefix(&reversed(short), &end, n_symbols))
}

fn best_prefix(pattern: &[u32], text: &[u32], n_symbols: usize) -> f64 {
    let mut common = 0;
    let ratios = growth(pattern, text, n_symbols).zip(1..).map(|(more, length)| {
        common += usize::from(more);
        ratio(common, pattern.len() + length)
    });
    ratios.fold(0.0, f64::max)
}

/// What a sweep costs before its first step, in steps: its table is cleared.
const SETUP: usize = 256;

/// Whether sweeping each window is less work than the matrix.
fn are_few(short: &[u32], long: &[u32]) -> bool {
    let sweep = n_words(short.len()) * short.len() + SETUP;
    (long.len() - short.len()).saturating_mul(sweep) <= short.len().saturating_mul(long.len())
}

/// The most that `short` shares with a window of its length.
fn one_by_one(short: &[u32], long: &[u32], n_symbols: usize) -> usize {
    let common = |window| growth(short, window, n_symbols).map(usize::from).sum::<usize>();
    long.windows(short.len()).map(common).max().unwrap_or(0)
}

/// The same for all windows at once.
///
/// Strands run through the matrix of `short` (rows) and `long` (columns) from the left and the top
/// to the right and the bottom; two strands cross at most once, and never where symbols match. What
/// `short` has in common with `long[l..r]` is then `r - l` less the strands that come in at the top
/// from `l` on and leave at the bottom before `r`.
fn at_once(short: &[u32], long: &[u32]) -> usize {
    let leaving = strands(short, long);
    let mut exit = vec![usize::MAX; long.len()];
    for (column, strand) in leaving.iter().enumerate() {
        if let Some(entry) = (*strand as usize).checked_sub(short.len()) {
            exit[entry] = column;
        }
    }
    let width = short.len();
    let mut through = exit[..width].iter().filter(|column| **column < width).count();
    let mut best = width - through;
    for (left, strand) in leaving[width..].iter().enumerate() {
        through += usize::from(*strand as usize > width + left);
        through -= usize::from(exit[left] < left + width);
        best = best.max(width - through);
    }
    best
}

/// The strand that leaves at the bottom of each column. Strands are numbered along the left side
/// from below, then along the top.
fn strands(short: &[u32], long: &[u32]) -> Vec<u32> {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let mut down: Vec<u32> = (0..long.len()).map(|column| number(short.len() + column)).collect();
    for (row, symbol) in short.iter().enumerate() {
        let mut across = number(short.len() - 1 - row);
        for (down, other) in down.iter_mut().zip(long) {
            let (low, high) = (across.min(*down), across.max(*down));
            let bounce = symbol == other;
            let next = if bounce { *down } else { low };
            *down = if bounce { across } else { high };
            across = next;
        }
    }
    down
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_windows_at_once_are_all_windows(
            short in prop::collection::vec(0_u32..4, 1..80),
            more in prop::collection::vec(0_u32..4, 1..200),
        ) {
            let long = [&more[..], &short[..]].concat();
            for long in [&long[..], &more[..]].into_iter().filter(|l| l.len() > short.len()) {
                prop_assert_eq!(at_once(&short, long), one_by_one(&short, long, 4));
            }
        }
    }
}
