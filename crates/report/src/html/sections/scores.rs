//! The means of this run, with their intervals.

use evalmark_core::estimate::Estimate;
use minijinja::value::Value;
use serde::Serialize;

use super::super::pictures::interval::interval as picture;
use crate::{
    figures::{cost, duration, interval, score},
    summary::SummaryRow,
};

/// A summary row with its figures written out.
#[derive(Serialize)]
pub(super) struct SummaryLine<'a> {
    row: &'a SummaryRow,
    picture: Option<Value>,
    mean: String,
    interval: String,
    latency: String,
    latency_p95: String,
    cost: String,
}

impl<'a> SummaryLine<'a> {
    pub(super) fn new(row: &'a SummaryRow) -> Self {
        let estimate = row.estimate.as_ref();
        let ends = |estimate: &Estimate| interval(estimate.ci_low, estimate.ci_high, row.range);
        Self {
            picture: estimate.and_then(|estimate| picture(estimate, row.range)),
            mean: score(estimate.map(|estimate| estimate.mean), row.range),
            interval: estimate.map(ends).unwrap_or_default(),
            latency: duration(row.latency_p50_ms),
            latency_p95: duration(row.latency_p95_ms),
            cost: cost(row.cost_usd),
            row,
        }
    }
}

/// The rows over all items.
pub(super) fn lines(summary: &[SummaryRow]) -> Vec<SummaryLine<'_>> {
    summary.iter().filter(|row| row.slice.is_none()).map(SummaryLine::new).collect()
}
