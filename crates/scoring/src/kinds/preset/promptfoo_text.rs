//! `levenshtein` and `bleu` of promptfoo 0.121.20.

use std::{collections::HashMap, sync::Arc};

use evalmark_core::metric::{ParamError, Reasoning};
use rapidfuzz::distance::levenshtein;

use super::{complain, options::Options};
use crate::{
    kind::{Measure, Measurement},
    subject::Subject,
};

/// The longest text that is compared, in UTF-16 code units: the work grows with the product of both.
const MAX_LENGTH: usize = 20_000;

/// Orders of n-grams.
const MAX_N: usize = 4;

/// What stands for a precision of 0.
const SMOOTHED: f64 = 1e-7;

pub(super) fn levenshtein(options: &mut Options) -> Result<Arc<dyn Measure>, ParamError> {
    let distance = options.distance.take().unwrap_or(5.0);
    if !(distance.is_finite() && distance >= 0.0) {
        return Err(complain("distance", "a distance is a number from 0 on".to_owned()));
    }
    Ok(Arc::new(Levenshtein { most: distance }))
}

pub(super) fn bleu() -> Arc<dyn Measure> {
    Arc::new(Bleu)
}

/// 1 where so many edits of UTF-16 code units, or fewer, make the target of the answer.
#[derive(Debug)]
struct Levenshtein {
    most: f64,
}

impl Measure for Levenshtein {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer: Vec<u16> = answer.encode_utf16().collect();
        let longest = targets.iter().map(String::len).max().unwrap_or_default();
        if answer.len().max(longest) > MAX_LENGTH {
            return Measurement::Missing(format!(
                "a text of more than {MAX_LENGTH} characters is not compared"
            ));
        }
        Measurement::best_of(targets, |target| {
            let target: Vec<u16> = target.encode_utf16().collect();
            let edits = levenshtein::distance(answer.iter().copied(), target.iter().copied());
            f64::from(edits as f64 <= self.most)
        })
    }
}

/// BLEU of one answer with all targets as references, smoothed, of lower-cased words.
#[derive(Debug)]
struct Bleu;

impl Measure for Bleu {
    fn reasoning(&self) -> Option<Reasoning> {
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return Measurement::best_of(targets, |_| 0.0);
        }
        Measurement::Value(of(answer, targets), None)
    }
}

fn of(answer: &str, targets: &[String]) -> f64 {
    let lowered = answer.to_lowercase();
    let words: Vec<&str> = lowered.split_whitespace().collect();
    if words.is_empty() {
        return 0.0;
    }
    let lowered: Vec<String> = targets.iter().map(|target| target.to_lowercase()).collect();
    let references: Vec<Vec<&str>> =
        lowered.iter().map(|target| target.split_whitespace().collect()).collect();
    // A text without words is one empty word there.
    let lengths = references.iter().map(|reference| reference.len().max(1));
    let distance = |length: usize| (length.abs_diff(words.len()), length);
    let closest = lengths.min_by_key(|length| distance(*length)).unwrap_or(1);
    let orders: Vec<f64> = (1..=MAX_N)
        .filter(|n| words.len() >= *n)
        .map(|n| precision(&words, &references, n))
        .map(|precision| if precision == 0.0 { SMOOTHED } else { precision })
        .collect();
    let mean = orders.iter().map(|precision| precision.ln()).sum::<f64>() / orders.len() as f64;
    let penalty =
        if words.len() > closest { 1.0 } else { (1.0 - closest as f64 / words.len() as f64).exp() };
    (penalty * mean.exp()).clamp(0.0, 1.0)
}

/// How many of the answer's n-grams stand in the reference that has most of them.
fn precision(words: &[&str], references: &[Vec<&str>], n: usize) -> f64 {
    let found = counted(words, n);
    let shared = references.iter().map(|reference| {
        let there = counted(reference, n);
        let clipped = found.iter().map(|(gram, count)| *count.min(there.get(gram).unwrap_or(&0)));
        clipped.sum::<u64>()
    });
    shared.max().unwrap_or_default() as f64 / (words.len() + 1 - n) as f64
}

fn counted<'a>(words: &'a [&'a str], n: usize) -> HashMap<&'a [&'a str], u64> {
    let mut counts = HashMap::new();
    for gram in words.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `calculateBleuScore` of promptfoo 0.121.20 gives them.
    #[test]
    fn bleu_as_there() {
        let check = |answer: &str, targets: &[&str], expected: f64| {
            let targets: Vec<String> = targets.iter().map(|&target| target.to_owned()).collect();
            let found = of(answer, &targets);
            assert!((found - expected).abs() < 1e-9, "{answer}: {found} instead of {expected}");
        };
        check("the cat sat on the mat", &["the cat sat on the mat"], 1.0);
        check(
            "the cat sat on the mat",
            &["The cat is on the mat", "There is a cat on the mat"],
            0.010_573_712_634_405_643,
        );
        check("hello", &["hello world"], 0.367_879_441_171_442_33);
        check("", &["a"], 0.0);
        check("the the the", &["the cat"], 0.000_014_938_015_821_857_238);
        check(
            "A quick brown fox jumps",
            &["the quick brown fox jumped over"],
            0.008_187_307_530_779_816,
        );
        check("one two three four five six", &["one two three"], 0.008_408_964_152_537_146);
    }

    #[test]
    fn edits_are_counted_in_utf16() {
        let check = |answer: &str, target: &str, most: f64, expected: bool| {
            let targets = [target.to_owned()];
            let found = Levenshtein { most }.measure(Subject::of_texts(answer, &targets));
            assert!(
                matches!(found, Measurement::Value(value, _) if (value > 0.5) == expected),
                "{answer} {target}: {found:?}"
            );
        };
        check("kitten", "sitting", 3.0, true);
        check("kitten", "sitting", 2.0, false);
        check("a", "\u{1F600}a", 1.0, false);
        check("a", "\u{1F600}a", 2.0, true);
        check("same", "same", 0.0, true);
    }
}
