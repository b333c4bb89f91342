//! The means of this run, with their intervals.

use evalmark_core::{
    estimate::Estimate,
    number_format::{dollars, interval, latency, or_none, quantity, value},
};
use minijinja::value::Value;
use serde::Serialize;

use super::super::pictures::interval::interval as picture;
use crate::summary::SummaryRow;

/// A summary row with its figures written out.
#[derive(Serialize)]
struct SummaryLine<'a> {
    row: &'a SummaryRow,
    picture: Option<Value>,
    mean: String,
    interval: String,
    latency: String,
    latency_p95: String,
    first_token: String,
    first_token_p95: String,
    rate: String,
    cost: String,
}

impl<'a> SummaryLine<'a> {
    fn new(row: &'a SummaryRow) -> Self {
        let estimate = row.estimate.as_ref();
        let ends = |estimate: &Estimate| interval(estimate.ci_low, estimate.ci_high, row.range);
        Self {
            picture: estimate.and_then(|estimate| picture(estimate, row.range)),
            mean: or_none(estimate.map(|estimate| value(estimate.mean, row.range))),
            interval: estimate.map(ends).unwrap_or_default(),
            latency: or_none(row.latency_p50_ms.map(latency)),
            latency_p95: or_none(row.latency_p95_ms.map(latency)),
            first_token: or_none(row.streams.first_token_p50_ms.map(latency)),
            first_token_p95: or_none(row.streams.first_token_p95_ms.map(latency)),
            rate: or_none(row.streams.tokens_per_second_p50.map(quantity)),
            cost: or_none(row.cost_usd.map(dollars)),
            row,
        }
    }
}

/// Summary rows, and which columns any of them has something for.
#[derive(Serialize)]
pub(super) struct SummaryTable<'a> {
    lines: Vec<SummaryLine<'a>>,
    /// What any row tells: `latency`, `first_token`, `rate`, `tokens`, `cost`.
    has: Vec<&'static str>,
}

impl<'a> SummaryTable<'a> {
    pub(super) fn new(rows: impl Iterator<Item = &'a SummaryRow> + Clone) -> Self {
        let any = |has: fn(&SummaryRow) -> bool| rows.clone().any(has);
        let told = [
            ("latency", any(|row| row.latency_p50_ms.is_some())),
            ("first_token", any(|row| row.streams.first_token_p50_ms.is_some())),
            ("rate", any(|row| row.streams.tokens_per_second_p50.is_some())),
            ("tokens", any(|row| row.input_tokens.or(row.output_tokens).is_some())),
            ("cost", any(|row| row.cost_usd.is_some())),
        ];
        let has = told.into_iter().filter(|(_, is_told)| *is_told).map(|(name, _)| name).collect();
        Self { has, lines: rows.map(SummaryLine::new).collect() }
    }

    /// The rows over all items.
    pub(super) fn of_all(summary: &'a [SummaryRow]) -> Self {
        Self::new(summary.iter().filter(|row| row.slice.is_none()))
    }
}
