//! chrF and chrF++ (Popović 2015, 2017) as sacrebleu 2.6.0 counts them.

use std::cmp::Ordering;

use super::{
    TooLong,
    ngrams::{NGrams, shared},
};
use crate::python::{is_space, split};

/// What stands for a precision or recall of nothing.
const EPS: f64 = 1e-16;

/// Which n-grams count, and how they become a score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chrf {
    /// The highest order of characters.
    pub(crate) char_order: usize,
    /// The highest order of words.
    pub(crate) word_order: usize,
    /// How much more recall counts than precision.
    pub(crate) beta: f64,
    /// Whether white space is characters too.
    pub(crate) whitespace: bool,
    /// Whether orders that one text is too short for count as almost nothing, instead of not at all.
    pub(crate) eps_smoothing: bool,
}

impl Chrf {
    /// N-grams of the answer, of the reference, and shared ones, by order, against the reference
    /// with the best score.
    pub(crate) fn counts(self, answer: &str, references: &[&str]) -> Result<Vec<f64>, TooLong> {
        let texts: Vec<&str> = std::iter::once(answer).chain(references.iter().copied()).collect();
        let characters = texts.iter().map(|text| {
            text.chars().filter(|c| self.whitespace || !is_space(*c)).collect::<Vec<char>>()
        });
        let mut counts = vec![Vec::new(); references.len()];
        push_orders(&mut counts, NGrams::new(characters, self.char_order)?, self.char_order);
        if self.word_order > 0 {
            let words = texts.iter().map(|text| words(text));
            push_orders(&mut counts, NGrams::new(words, self.word_order)?, self.word_order);
        }
        let better = |best: Vec<f64>, next: Vec<f64>| {
            let order = self.score(&next).total_cmp(&self.score(&best));
            if order == Ordering::Greater { next } else { best }
        };
        Ok(counts.into_iter().reduce(better).unwrap_or_default())
    }

    /// The score of counts or of their sums, from 0 to 100.
    pub(crate) fn score(self, counts: &[f64]) -> f64 {
        let factor = self.beta.powi(2);
        let (mut smoothed, mut precisions, mut recalls, mut n_orders) = (0.0, 0.0, 0.0, 0.0);
        let orders = counts.as_chunks::<3>().0;
        for [answer, reference, matches] in orders {
            let precision = if *answer > 0.0 { matches / answer } else { EPS };
            let recall = if *reference > 0.0 { matches / reference } else { EPS };
            let weight = factor * precision + recall;
            let mean = (1.0 + factor) * precision * recall / weight;
            smoothed += if weight > 0.0 { mean } else { EPS };
            if *answer > 0.0 && *reference > 0.0 {
                precisions += precision;
                recalls += recall;
                n_orders += 1.0;
            }
        }
        if self.eps_smoothing {
            return (100.0 * smoothed / orders.len() as f64).min(100.0);
        }
        if precisions + recalls == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precisions / n_orders, recalls / n_orders);
        let mean = (1.0 + factor) * precision * recall / (factor * precision + recall);
        (100.0 * mean).min(100.0)
    }
}

/// The counts of each order, of the first text against each of the others.
fn push_orders(counts: &mut [Vec<f64>], mut grams: NGrams, max_order: usize) {
    for order in 1..=max_order {
        let answer = grams.counts(0);
        for (reference, counts) in counts.iter_mut().enumerate() {
            let n_reference = grams.n_grams(reference + 1);
            let n_answer = if n_reference > 0 { grams.n_grams(0) } else { 0 };
            let n_shared = shared(&answer, &grams.counts(reference + 1));
            counts.extend([n_answer as f64, n_reference as f64, n_shared as f64]);
        }
        if order < max_order {
            grams.lengthen();
        }
    }
}

/// Words, one mark of ASCII punctuation cut off the end, or else the beginning.
fn words(text: &str) -> Vec<&str> {
    split(text)
        .flat_map(|word| if word.chars().count() == 1 { [word, ""] } else { cut(word) })
        .filter(|word| !word.is_empty())
        .collect()
}

fn cut(word: &str) -> [&str; 2] {
    let marked = |c: char| c.is_ascii_punctuation();
    if word.ends_with(marked) {
        word.split_at(word.len() - 1).into()
    } else if word.starts_with(marked) {
        word.split_at(1).into()
    } else {
        [word, ""]
    }
}
