//! Every comparison with all its figures.

use evalmark_core::{
    comparison_text::{ComparisonText, name_of_p_pass, name_of_p_regressed},
    metric::Direction,
    number_format::{item_scores, or_none, p_value},
    verdict::{Comparison, Flip, Measure, Verdict},
};
use serde::Serialize;

use super::super::pictures::forest::tone;

/// The verdict over all of them, in its own words.
#[derive(Default, Serialize)]
pub(super) struct VerdictLine<'a> {
    says: &'a str,
    baseline: &'a str,
    digest: Option<&'a str>,
    correction: &'a str,
}

impl<'a> VerdictLine<'a> {
    pub(super) fn new(verdict: &'a Verdict) -> Self {
        Self {
            says: &verdict.says,
            baseline: &verdict.baseline,
            digest: verdict.baseline_digest.as_deref(),
            correction: &verdict.correction,
        }
    }
}

/// A comparison with its figures written out.
#[derive(Serialize)]
pub(super) struct ComparisonLine<'a> {
    comparison: &'a Comparison,
    tone: &'static str,
    baseline: String,
    candidate: String,
    label: &'static str,
    change: String,
    bounds: String,
    margin_name: &'static str,
    margin: String,
    p_values: [PValue; 2],
    detectable: String,
    flips: Vec<FlipLine<'a>>,
}

/// A p-value and what it is called.
#[derive(Serialize)]
struct PValue {
    name: String,
    value: String,
}

/// An item whose score changed.
#[derive(Serialize)]
struct FlipLine<'a> {
    item_id: &'a str,
    baseline: String,
    candidate: String,
    is_worse: bool,
}

impl<'a> ComparisonLine<'a> {
    pub(super) fn new(comparison: &'a Comparison) -> Self {
        let p_regressed = comparison.p_regressed_adjusted.or(comparison.p_regressed);
        let text = ComparisonText::of(comparison);
        let p = |p: Option<f64>| or_none(p.map(p_value));
        let regressed = PValue { name: name_of_p_regressed(comparison), value: p(p_regressed) };
        let pass = PValue { name: name_of_p_pass(comparison), value: p(comparison.p_pass) };
        Self {
            tone: tone(comparison.answer),
            bounds: or_none(text.bounds()),
            baseline: or_none(text.baseline),
            candidate: or_none(text.candidate),
            label: text.label,
            change: or_none(text.change),
            margin_name: comparison.margin_name(),
            margin: text.margin,
            p_values: [regressed, pass],
            detectable: or_none(text.detectable),
            flips: flips(comparison),
            comparison,
        }
    }
}

/// The items whose score changed; amounts change nearly everywhere, and none is listed.
fn flips<'a>(comparison: &'a Comparison) -> Vec<FlipLine<'a>> {
    if comparison.measure == Measure::Ratio {
        return Vec::new();
    }
    let is_lower = comparison.direction == Direction::Lower;
    let line = |flip: &'a Flip| {
        let [baseline, candidate] = item_scores([flip.baseline, flip.candidate], comparison.range);
        let is_worse = (flip.candidate < flip.baseline) != is_lower;
        FlipLine { item_id: &flip.item_id, baseline, candidate, is_worse }
    };
    comparison.flips.iter().map(line).collect()
}
