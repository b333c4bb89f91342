//! What quality costs: each metric beside money and time.

use evalmark_core::number_format::{dollars, latency, value as written};
use minijinja::value::Value;
use serde::Serialize;

use super::super::{
    data::{AnswerCost, MedianLatency, PageData},
    pictures::scatter::{Axis, Point, scatter},
};
use crate::summary::SummaryRow;

/// Metrics that are drawn.
const MOST_METRICS: usize = 8;
/// Prompts and models that have a letter.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Pictures, and whose points are whose.
#[derive(Serialize)]
pub(super) struct Tradeoffs<'a> {
    variants: Vec<Variant<'a>>,
    pictures: Vec<Tradeoff<'a>>,
    /// Whether there are more prompts and models than letters.
    is_cut: bool,
}

/// A prompt and model with its letter.
#[derive(Serialize)]
struct Variant<'a> {
    letter: String,
    prompt: &'a str,
    model: &'a str,
}

/// A metric beside money or time.
#[derive(Serialize)]
struct Tradeoff<'a> {
    metric: &'a str,
    against: &'static str,
    picture: Value,
}

impl<'a> Tradeoffs<'a> {
    pub(super) fn of(page: &'a PageData) -> Self {
        let rows: Vec<_> = page.summary.iter().filter(|row| row.slice.is_none()).collect();
        let mut variants: Vec<Variant<'a>> = Vec::new();
        let mut metrics: Vec<&str> = Vec::new();
        let mut letters = LETTERS.chars();
        let mut is_cut = false;
        for row in &rows {
            if !variants.iter().any(|v| (v.prompt, v.model) == (&*row.prompt, &*row.model)) {
                match letters.next() {
                    Some(letter) => variants.push(Variant {
                        letter: letter.to_string(),
                        prompt: &row.prompt,
                        model: &row.model,
                    }),
                    None => is_cut = true,
                }
            }
            if !metrics.contains(&&*row.metric) {
                metrics.push(&row.metric);
            }
        }
        let pictures = metrics.iter().take(MOST_METRICS).flat_map(|metric| {
            let own: Vec<_> = rows.iter().copied().filter(|row| row.metric == *metric).collect();
            [
                of_cost(metric, &own, &variants, &page.costs),
                of_latency(metric, &own, &variants, &page.latencies),
                of_first_token(metric, &own, &variants),
            ]
        });
        let pictures = pictures.flatten().collect();
        Self { variants, pictures, is_cut }
    }
}

/// US dollars for an answer, on average.
fn of_cost<'a>(
    metric: &'a str,
    rows: &[&SummaryRow],
    variants: &[Variant<'_>],
    costs: &[AnswerCost],
) -> Option<Tradeoff<'a>> {
    let per_answer = |row: &SummaryRow| {
        let is_it = |cost: &&AnswerCost| (&cost.prompt, &cost.model) == (&row.prompt, &row.model);
        let usd = &costs.iter().find(is_it)?.usd;
        Some((usd.mean, usd.ci_low.zip(usd.ci_high).map(|(low, high)| [low, high])))
    };
    let axis = Axis { name: "mean cost of an answer and its 95 % interval", write: &dollars };
    let picture = drawn(metric, rows, variants, &axis, per_answer)?;
    Some(Tradeoff { metric, against: "cost", picture })
}

/// The median service time.
fn of_latency<'a>(
    metric: &'a str,
    rows: &[&SummaryRow],
    variants: &[Variant<'_>],
    latencies: &[MedianLatency],
) -> Option<Tradeoff<'a>> {
    let times = |row: &SummaryRow| {
        let is_it = |of: &&MedianLatency| (&of.prompt, &of.model) == (&row.prompt, &row.model);
        Some((row.latency_p50_ms?, latencies.iter().find(is_it).map(|of| of.ends_ms)))
    };
    let axis = Axis { name: "median latency of an answer and its 95 % interval", write: &latency };
    let picture = drawn(metric, rows, variants, &axis, times)?;
    Some(Tradeoff { metric, against: "latency", picture })
}

/// The median time to the first token, where answers were streamed.
fn of_first_token<'a>(
    metric: &'a str,
    rows: &[&SummaryRow],
    variants: &[Variant<'_>],
) -> Option<Tradeoff<'a>> {
    let times = |row: &SummaryRow| Some((row.streams.first_token_p50_ms?, None));
    let axis = Axis { name: "median time to the first token", write: &latency };
    let picture = drawn(metric, rows, variants, &axis, times)?;
    Some(Tradeoff { metric, against: "first token", picture })
}

/// Where a point lies, and the ends of what lies around it.
type Across = (f64, Option<[f64; 2]>);

fn drawn(
    metric: &str,
    rows: &[&SummaryRow],
    variants: &[Variant<'_>],
    across: &Axis<'_>,
    x: impl Fn(&SummaryRow) -> Option<Across>,
) -> Option<Value> {
    let range = rows.first()?.range;
    let point = |row: &&SummaryRow| {
        let is_it = |v: &&Variant<'_>| (v.prompt, v.model) == (&*row.prompt, &*row.model);
        let letter = variants.iter().find(is_it)?.letter.clone();
        let estimate = row.estimate.as_ref().filter(|estimate| estimate.mean.is_finite())?;
        let (x, x_ends) = x(row)?;
        let y_ends = estimate.ci_low.zip(estimate.ci_high).map(|(low, high)| [low, high]);
        Some(Point { letter, x, x_ends, y: estimate.mean, y_ends })
    };
    let points: Vec<Point> = rows.iter().filter_map(point).collect();
    if points.is_empty() {
        return None;
    }
    let write = |value: f64| written(value, range);
    let up = Axis { name: metric, write: &write };
    let name = format!("{metric} beside {}, {} points", across.name, points.len());
    Some(scatter(&points, across, &up, &name))
}
