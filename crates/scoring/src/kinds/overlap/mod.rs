//! Kinds that count what a text shares with another: one file each, and what they have in common.

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

use evalmark_core::metric::Complaint;

use crate::{kind::Finding, overlap::TooLong};

/// A value from counts, which also go into the value of the whole run.
fn counted<const N: usize>(
    counts: Result<[f64; N], TooLong>,
    value: impl FnOnce([f64; N]) -> f64,
) -> Finding {
    match counts {
        Ok(counts) => {
            Finding::Counted { value: value(counts), counts: counts.to_vec(), reason: None }
        }
        Err(TooLong) => too_long(),
    }
}

fn too_long() -> Finding {
    Finding::Missing("answer and target are too long to compare".to_owned())
}

fn no_target() -> Finding {
    Finding::Missing("the item has no target".to_owned())
}

/// Adds counts to sums; counts of another metric add nothing.
fn add(sums: &mut [f64], counts: &[f64], times: f64) {
    if sums.len() == counts.len() {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += times * count);
    }
}

fn complain<T>(pointer: &str, message: String) -> Result<T, Complaint> {
    Err(Complaint { pointer: pointer.to_owned(), message })
}
