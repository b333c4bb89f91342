//! Every comparison with all its figures.

use evalmark_core::{
    figures::{self, Written, name_of_p_pass, name_of_p_regressed},
    metric::Direction,
    verdict::{Comparison, Flip, Measure, Verdict},
};
use serde::Serialize;

use super::super::pictures::forest::tone;
use crate::figures::{or_dash, p_value};

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
        let written = Written::of(comparison);
        let regressed =
            PValue { name: name_of_p_regressed(comparison), value: p_value(p_regressed) };
        let pass = PValue { name: name_of_p_pass(comparison), value: p_value(comparison.p_pass) };
        Self {
            tone: tone(comparison.answer),
            baseline: or_dash(written.baseline),
            candidate: or_dash(written.candidate),
            label: written.label,
            change: or_dash(written.change),
            bounds: or_dash(written.bounds),
            margin: written.margin,
            p_values: [regressed, pass],
            detectable: or_dash(written.detectable),
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
    let line = |flip: &'a Flip| FlipLine {
        item_id: &flip.item_id,
        baseline: figures::score(flip.baseline, comparison.range),
        candidate: figures::score(flip.candidate, comparison.range),
        is_worse: (flip.candidate < flip.baseline) != is_lower,
    };
    comparison.flips.iter().map(line).collect()
}
