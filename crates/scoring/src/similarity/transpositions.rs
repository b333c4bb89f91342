//! Measures that look at where symbols stand: Damerau–Levenshtein, Jaro, Jaro–Winkler, all by the
//! crate `rapidfuzz`.
//!
//! It is fastest on bytes, so that sequences of few symbols are handed over as bytes.

use rapidfuzz::{
    HashableChar,
    distance::{damerau_levenshtein as damerau, jaro as plain, jaro_winkler as winkler},
};

use super::symbols::characters;

/// Insertions, deletions, replacements and swaps of neighbours, without restriction.
pub(crate) fn damerau_levenshtein(a: &str, b: &str) -> usize {
    with_symbols(a, b, &mut Damerau)
}

/// Shared characters within a window, and their order.
pub(crate) fn jaro(a: &str, b: &str) -> f64 {
    with_symbols(a, b, &mut Jaro)
}

/// Jaro with a bonus for each of at most 4 shared first characters, where Jaro is above 0.7.
pub(crate) fn jaro_winkler(a: &str, b: &str, prefix_weight: f64) -> f64 {
    with_symbols(a, b, &mut JaroWinkler(prefix_weight))
}

/// A function of two sequences of whatever symbols.
trait OfSymbols {
    type Value;
    fn value<S: HashableChar + Copy + PartialEq>(&mut self, a: &[S], b: &[S]) -> Self::Value;
}

fn with_symbols<F: OfSymbols>(a: &str, b: &str, function: &mut F) -> F::Value {
    if a.is_ascii() && b.is_ascii() {
        return function.value(a.as_bytes(), b.as_bytes());
    }
    let sequences = characters(a, b);
    let bytes = |symbols: &[u32]| -> Option<Vec<u8>> {
        symbols.iter().map(|symbol| u8::try_from(*symbol).ok()).collect()
    };
    match (bytes(&sequences.a), bytes(&sequences.b)) {
        (Some(a), Some(b)) => function.value(&a, &b),
        _ => function.value(&sequences.a, &sequences.b),
    }
}

struct Damerau;

impl OfSymbols for Damerau {
    type Value = usize;

    fn value<S: HashableChar + Copy + PartialEq>(&mut self, a: &[S], b: &[S]) -> usize {
        damerau::distance(a.iter().copied(), b.iter().copied())
    }
}

struct Jaro;

impl OfSymbols for Jaro {
    type Value = f64;

    fn value<S: HashableChar + Copy + PartialEq>(&mut self, a: &[S], b: &[S]) -> f64 {
        plain::similarity(a.iter().copied(), b.iter().copied())
    }
}

struct JaroWinkler(f64);

impl OfSymbols for JaroWinkler {
    type Value = f64;

    fn value<S: HashableChar + Copy + PartialEq>(&mut self, a: &[S], b: &[S]) -> f64 {
        let args = winkler::Args::default().prefix_weight(self.0);
        winkler::similarity_with_args(a.iter().copied(), b.iter().copied(), &args)
    }
}
