//! inspect-ai's `exact` and `f1`: texts as words, numbers among them as floats.

use super::super::{Compare, f1, shared_words, squad::without_punctuation};
use crate::{
    kind::{Measure, Measurement},
    python::{blank_articles, casefold, parse_float, repr, split, squeeze, strip},
    subject::Subject,
};
use evalmark_core::metric::Reasoning;

/// `exact`: a target of no words at all never matches.
#[derive(Debug)]
pub(super) struct Exact;

impl Compare for Exact {
    fn value(&self, answer: &str, target: &str) -> f64 {
        let target = normalize(target, &[]);
        f64::from(!target.is_empty() && target == normalize(answer, &[]))
    }
}

/// `f1`: of words with multiplicity, the best over the targets, to two decimals.
#[derive(Debug)]
pub(super) struct F1 {
    stop_words: Vec<String>,
}

impl F1 {
    pub(super) fn new(stop_words: &[String]) -> Self {
        Self { stop_words: stop_words.iter().map(|word| normalize_token(word)).collect() }
    }

    fn value(&self, found: &[&str], target: &str) -> f64 {
        let target = normalize(target, &self.stop_words);
        let wanted: Vec<&str> = split(&target).collect();
        f1(shared_words(found, &wanted), found.len(), wanted.len())
    }
}

impl Measure for F1 {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = normalize(answer, &self.stop_words);
        let found: Vec<&str> = split(&answer).collect();
        // A float shown with two decimals is rounded as Python's `round` does: half to even, on
        // the exact binary value.
        Measurement::best_of(targets, |target| {
            let value = self.value(&found, target);
            format!("{value:.2}").parse().unwrap_or(value)
        })
    }
}

/// Cut at blanks and hyphens, each piece normalised, what is left joined by blanks.
fn normalize(text: &str, stop_words: &[String]) -> String {
    let tokens = text.split([' ', '-']).map(normalize_token);
    let kept: Vec<String> =
        tokens.filter(|token| !token.is_empty() && !stop_words.contains(token)).collect();
    kept.join(" ")
}

fn normalize_token(token: &str) -> String {
    let token = remove_punctuation(casefold(token));
    let token = parse_float(&token).map_or(token, repr);
    squeeze(&blank_articles(&token))
}

/// Numbers keep theirs: `3.14` and, without what stands around it, `(3.14)`.
fn remove_punctuation(token: String) -> String {
    if parse_float(&token).is_some() {
        return token;
    }
    let inner = strip_punctuation(&token);
    if parse_float(inner).is_some() { inner.to_owned() } else { without_punctuation(&token) }
}

/// Drops ASCII punctuation and ASCII white space at both ends.
pub(super) fn strip_punctuation(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_punctuation() || matches!(c, '\t'..='\r' | ' '))
}

/// A text without white space around, folded on request.
pub(super) fn prepared(text: &str, ignore_case: bool) -> String {
    let text = strip(text);
    if ignore_case { casefold(text) } else { text.to_owned() }
}
