//! Ratios of texts as bags of words, as rapidfuzz makes them.

use std::cmp::Ordering;

use super::{
    subsequence::{ratio, subsequence},
    symbols::characters,
};
use crate::python::is_space;

/// The words of a text in their order, one blank between two.
pub(crate) fn sorted_words(text: &str) -> String {
    sorted(text).join(" ")
}

/// The best ratio among the shared words, those with the rest of the one, and those with the rest
/// of the other; 0 where either side has no word.
pub(crate) fn token_set_ratio(a: &str, b: &str) -> f64 {
    let (a, b) = (distinct(a), distinct(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (shared, only_a, only_b) = parts(&a, &b);
    if !shared.is_empty() && (only_a.is_empty() || only_b.is_empty()) {
        return 1.0;
    }
    let rests = characters(&only_a.join(" "), &only_b.join(" "));
    let shared = shared.join(" ").chars().count();
    let blank = usize::from(shared > 0);
    let (with_a, with_b) = (shared + blank + rests.a.len(), shared + blank + rests.b.len());
    let both = ratio(shared + blank + subsequence(&rests), with_a + with_b);
    if shared == 0 {
        return both;
    }
    [with_a, with_b].into_iter().map(|with| ratio(shared, shared + with)).fold(both, f64::max)
}

/// What both have, only the one, and only the other; of sorted words without repetition.
fn parts<'a>(a: &[&'a str], b: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let (mut shared, mut only_a, mut only_b) = (Vec::new(), Vec::new(), Vec::new());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    loop {
        let order = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => x.cmp(y),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (shared, only_a, only_b),
        };
        let (from_a, from_b) = (a.next_if(|_| order.is_le()), b.next_if(|_| order.is_ge()));
        match order {
            Ordering::Equal => shared.extend(from_a),
            Ordering::Less => only_a.extend(from_a),
            Ordering::Greater => only_b.extend(from_b),
        }
    }
}

fn distinct(text: &str) -> Vec<&str> {
    let mut words = sorted(text);
    words.dedup();
    words
}

/// Words in their order. rapidfuzz splits at white space, but at U+0085 and U+00A0 only in a text that
/// has a character above U+00FF.
fn sorted(text: &str) -> Vec<&str> {
    let narrow = text.chars().all(|c| c <= '\u{FF}');
    let blank = |c: char| is_space(c) && !(narrow && matches!(c, '\u{85}' | '\u{A0}'));
    let mut words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}
