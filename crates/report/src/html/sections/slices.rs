//! Where in the dataset scores and differences lie.

use evalmark_core::{
    comparison_text::ComparisonText,
    number_format::{or_none, p_value},
    verdict::{SliceFinding, Verdict},
};
use serde::Serialize;

use super::scores::SummaryTable;
use crate::summary::SummaryRow;

/// Slices that are compared, and the means of all.
#[derive(Serialize)]
pub(super) struct Slices<'a> {
    n_compared: usize,
    n_notable: usize,
    compared: Vec<ComparedSlice<'a>>,
    means: SummaryTable<'a>,
}

/// A comparison within a slice.
#[derive(Serialize)]
struct ComparedSlice<'a> {
    finding: &'a SliceFinding,
    change: String,
    bounds: String,
    q: String,
}

impl<'a> Slices<'a> {
    pub(super) fn of(summary: &'a [SummaryRow], verdict: Option<&'a Verdict>) -> Self {
        let findings = verdict.map(|verdict| &*verdict.slices).unwrap_or_default();
        let mut compared: Vec<_> = findings.iter().map(compared).collect();
        compared.sort_by(|a, b| a.finding.q.total_cmp(&b.finding.q));
        let means = SummaryTable::new(summary.iter().filter(|row| row.slice.is_some()));
        Self {
            n_compared: findings.len(),
            n_notable: findings.iter().filter(|finding| finding.stands_out).count(),
            compared,
            means,
        }
    }
}

fn compared(finding: &SliceFinding) -> ComparedSlice<'_> {
    let text = ComparisonText::of(&finding.comparison);
    ComparedSlice {
        finding,
        bounds: or_none(text.bounds()),
        change: or_none(text.change),
        q: p_value(finding.q),
    }
}
