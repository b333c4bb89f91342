//! ROUGE (Lin 2004) as rouge-score 0.1.2 counts it.

use super::{
    TooLong,
    ngrams::{NGrams, shared},
    porter,
    union::union_hits,
};
use crate::similarity::{subsequence, words};

/// The most cells of a matrix of words: about a second.
const MAX_CELLS: usize = 400_000_000;

/// What a pair of lines costs besides its cells.
const CELLS_A_PAIR: usize = 16;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Shared n-grams of an order.
    Grams(usize),
    /// The longest common subsequence.
    Subsequence,
    /// The union of the longest common subsequences of each line of the target with all lines of the
    /// answer.
    Union,
}

/// How much of the answer and of the target the two share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Overlap {
    pub(crate) precision: f64,
    pub(crate) recall: f64,
}

impl Overlap {
    fn new(shared: f64, n_answer: usize, n_target: usize) -> Self {
        let share = |of: usize| shared / of.max(1) as f64;
        Self { precision: share(n_answer), recall: share(n_target) }
    }

    /// The harmonic mean.
    pub(crate) fn f1(self) -> f64 {
        let Self { precision, recall } = self;
        if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
    }
}

/// Compares two texts.
pub(crate) fn overlap(
    variant: Variant,
    stemmer: bool,
    answer: &str,
    target: &str,
) -> Result<Overlap, TooLong> {
    if variant == Variant::Union {
        let lines = |text: &str| -> Vec<Vec<String>> {
            text.split('\n').map(|line| tokens(line, stemmer)).collect()
        };
        return union(&lines(answer), &lines(target));
    }
    let (answer, target) = (tokens(answer, stemmer), tokens(target, stemmer));
    match variant {
        Variant::Grams(order) => grams(order, &answer, &target),
        Variant::Subsequence | Variant::Union => {
            if answer.len().saturating_mul(target.len()) / 64 > MAX_CELLS {
                return Err(TooLong);
            }
            let common = subsequence(&words(&answer, &target));
            Ok(Overlap::new(common as f64, answer.len(), target.len()))
        }
    }
}

/// Runs of ASCII letters and digits of the lower-cased text; anything else separates. Words of more
/// than three letters are stemmed.
fn tokens(text: &str, stemmer: bool) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let shortened = |word: &str| {
        if stemmer && word.len() > 3 { porter::stem(word) } else { word.to_owned() }
    };
    words.map(shortened).filter(|stem| !stem.is_empty()).collect()
}

fn grams(order: usize, answer: &[String], target: &[String]) -> Result<Overlap, TooLong> {
    let mut grams = NGrams::new([answer, target], order)?;
    for _ in 1..order {
        grams.lengthen();
    }
    let common = shared(&grams.counts(0), &grams.counts(1));
    Ok(Overlap::new(common as f64, grams.n_grams(0), grams.n_grams(1)))
}

fn union(answer: &[Vec<String>], target: &[Vec<String>]) -> Result<Overlap, TooLong> {
    let both = words(answer.iter().flatten(), target.iter().flatten());
    let (cells, pairs) = (both.a.len().saturating_mul(both.b.len()), answer.len() * target.len());
    if cells.saturating_add(pairs.saturating_mul(CELLS_A_PAIR)) > MAX_CELLS {
        return Err(TooLong);
    }
    let hits = union_hits(&lines(&both.a, answer), &lines(&both.b, target), both.n_symbols);
    Ok(Overlap::new(hits as f64, both.a.len(), both.b.len()))
}

/// Cuts symbols where lines end.
fn lines<'a>(mut symbols: &'a [u32], lines: &[Vec<String>]) -> Vec<&'a [u32]> {
    let mut cut = Vec::with_capacity(lines.len());
    for line in lines {
        let (first, rest) = symbols.split_at(line.len());
        cut.push(first);
        symbols = rest;
    }
    cut.retain(|line| !line.is_empty());
    cut
}
