//! Precision, recall and F1 of one class, and their averages over classes (scikit-learn's
//! `precision_recall_fscore_support` with `zero_division=0`).
//!
//! Averages run over the classes that were right or predicted at least once: a declared class that
//! nothing is known of does not pull them down. An invalid answer is no class.

use super::confusion::{Confusion, ratio};

/// Precision, recall and F1; what is not defined is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub(crate) f1: f64,
}

/// How the rates of several classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// Every class counts the same.
    Macro,
    /// Every answer counts the same.
    Micro,
    /// Every class counts as often as it is right.
    Weighted,
}

impl Rates {
    fn new(hits: f64, predicted: f64, truth: f64) -> Self {
        Self {
            precision: ratio(hits, predicted).unwrap_or(0.0),
            recall: ratio(hits, truth).unwrap_or(0.0),
            f1: ratio(2.0 * hits, predicted + truth).unwrap_or(0.0),
        }
    }

    fn add(&mut self, other: Self, weight: f64) {
        self.precision += weight * other.precision;
        self.recall += weight * other.recall;
        self.f1 += weight * other.f1;
    }

    fn over(self, total: f64) -> Self {
        Self { precision: self.precision / total, recall: self.recall / total, f1: self.f1 / total }
    }
}

impl Confusion<'_> {
    /// The rates of one class.
    pub(crate) fn rates(&self, class: usize) -> Rates {
        Rates::new(self.hits(class), self.predicted(class), self.truth(class))
    }

    /// The rates over all classes; `None` without an answer.
    pub(crate) fn average(&self, average: Average) -> Option<Rates> {
        let seen = |&class: &usize| self.truth(class) > 0.0 || self.predicted(class) > 0.0;
        let seen: Vec<usize> = (0..self.classes()).filter(seen).collect();
        if seen.is_empty() {
            return None;
        }
        if average == Average::Micro {
            let sum = |of: fn(&Self, usize) -> f64| seen.iter().map(|&class| of(self, class)).sum();
            return Some(Rates::new(sum(Self::hits), sum(Self::predicted), sum(Self::truth)));
        }
        let (mut sums, mut total) = (Rates::default(), 0.0);
        for &class in &seen {
            let weight = if average == Average::Macro { 1.0 } else { self.truth(class) };
            sums.add(self.rates(class), weight);
            total += weight;
        }
        (total > 0.0).then(|| sums.over(total))
    }
}
