//! Kinds that count what a text shares with another: one file each, and what they have in common.
//!
//! None of their run values tells the [`extremes`](crate::kind::Corpus::extremes) of an item: an answer
//! may be as long as it likes, and the longer a wrong one is, the worse is the value of the whole run.
//! Nor is the target always the best answer: where the others are too short for BLEU, more words make
//! up for them. So a verdict that would depend on missing answers is none.

mod bleu;
mod chrf;
mod error_rate;
mod rouge;
mod ter;
mod token_f1;

pub(super) use bleu::BleuKind;
pub(super) use chrf::ChrfKind;
pub(super) use error_rate::{Cer, Wer};
pub(super) use rouge::RougeKind;
pub(super) use ter::TerKind;
pub(super) use token_f1::TokenF1;

use evalmark_core::metric::ParamError;

use crate::{
    kind::{Measure, Measurement},
    overlap::TooLong,
    subject::Subject,
};

/// A value from counts, which also go into the value of the whole run.
fn counted<const N: usize>(
    counts: Result<[f64; N], TooLong>,
    value: impl FnOnce([f64; N]) -> f64,
) -> Measurement {
    match counts {
        Ok(counts) => {
            Measurement::Counted { value: value(counts), counts: counts.to_vec(), reason: None }
        }
        Err(TooLong) => too_long(),
    }
}

fn too_long() -> Measurement {
    Measurement::Missing("answer and target are too long to compare".to_owned())
}

fn no_target() -> Measurement {
    Measurement::Missing("the item has no target".to_owned())
}

/// What an answer adds that does not hold what was asked for: as much as an empty one. Left out of the
/// sums, it would not count at all, where its own value is 0.
fn counts_of_empty(measure: &dyn Measure, subject: Subject<'_>) -> Option<Vec<f64>> {
    match measure.measure(Subject { answer: "", ..subject }) {
        Measurement::Counted { counts, .. } => Some(counts),
        _ => None,
    }
}

/// Adds counts to sums; counts of another metric add nothing.
fn add(sums: &mut [f64], counts: &[f64], times: f64) {
    if sums.len() == counts.len() {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += times * count);
    }
}

fn complain<T>(pointer: &str, message: String) -> Result<T, ParamError> {
    Err(ParamError { pointer: pointer.to_owned(), message })
}
