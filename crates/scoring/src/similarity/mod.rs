//! Likeness of two sequences as pure functions: edits, common subsequences, windows, tokens.
//!
//! Everything compares sequences of symbols: small numbers that stand for characters or words
//! (`symbols.rs`). What is quadratic runs 64 cells at a time (`bits.rs`).

mod bits;
mod dice;
mod edits;
mod subsequence;
mod symbols;
mod tokens;
mod transpositions;
mod windows;

pub(crate) use dice::sorensen_dice;
pub(crate) use edits::{hamming, levenshtein, osa};
pub(crate) use subsequence::{indel_similarity, subsequence};
pub(crate) use symbols::{Sequences, characters, words};
pub(crate) use tokens::{sorted_words, token_set_ratio};
pub(crate) use transpositions::{damerau_levenshtein, jaro, jaro_winkler};
pub(crate) use windows::{partial_ratio, partial_work};
