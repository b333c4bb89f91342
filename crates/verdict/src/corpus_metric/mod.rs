//! Values of a whole run that are no means of its answers' scores: macro F1, corpus BLEU.
//!
//! Each answer adds counts to sums, and the value is a function of the sums ([`CorpusMetric`]). What one
//! item weighs is what leaving it out changes (the jackknife; Efron and Tibshirani 1993, 11); what
//! chance does to the value is seen by drawing items, or whole clusters, again (the bootstrap).
//! `estimate` makes the interval of one run's value, `compare` judges the difference of two.

mod against_minimum;
mod cells;
mod compare;
mod estimate;
mod pseudo_scores;
mod resample;

pub use against_minimum::corpus_metric_minimum;
pub use compare::{CountedVariant, compare_corpus_metric};
pub use estimate::{CorpusEstimate, corpus_estimates};
pub use pseudo_scores::pseudo_scores;

/// A value of a whole run, made of sums over its answers.
pub trait CorpusMetric: Sync {
    /// How many sums there are.
    fn width(&self) -> usize;

    /// Adds an answer's counts to the sums, `times` over; `times` may be negative.
    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64);

    /// The value; `None` where it is not defined.
    fn value(&self, sums: &[f64]) -> Option<f64>;

    /// Every value that is to be estimated; the first one is [`Self::value`].
    fn values(&self, sums: &[f64]) -> Vec<Option<f64>> {
        vec![self.value(sums)]
    }

    /// Counts of the worst and of the best answer that there could have been to an item of which
    /// these counts are known; `None` where they cannot be told.
    fn extremes(&self, _counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        None
    }
}

/// Counts of one item's answers, one list for each that has a score.
pub type ItemCounts = Vec<Box<[f64]>>;
