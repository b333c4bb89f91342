//! Slices of a dataset: which of many stand out. They explore, and never decide a gate.

use evalmark_core::verdict::Comparison;

use crate::adjust::benjamini_hochberg;
use crate::compare::Decision;

/// One slice, marked. It is no [`Decision`], so that no gate takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The comparison within the slice; its adjusted p-value is the q-value.
    pub comparison: Comparison,
    /// The share of false discoveries among all slices that stand out as much.
    pub q: f64,
    /// Whether q is at most alpha, and the bound on the difference excludes that nothing changed.
    pub stands_out: bool,
}

/// Marks slices with q-values by Benjamini and Hochberg over all of them, in their order.
pub fn slices(judged: Vec<Decision>) -> Vec<Slice> {
    let family = judged.len();
    let p_values: Vec<f64> = judged.iter().map(Decision::p_regressed).collect();
    let mark = |(mut one, q): (Decision, f64)| {
        one.settle(q, family);
        let is_bounded = one.is_bounded_below_zero();
        let mut comparison = one.comparison;
        comparison.notes.push(format!("exploratory: one of {family} slices; it decides nothing"));
        let stands_out = q <= comparison.alpha && is_bounded;
        Slice { comparison, q, stands_out }
    };
    judged.into_iter().zip(benjamini_hochberg(&p_values)).map(mark).collect()
}
