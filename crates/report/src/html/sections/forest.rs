//! All comparisons in one plot, worst first.

use evalmark_core::{
    comparison_text::ComparisonText,
    number_format::{count, or_none},
    verdict::Comparison,
};
use minijinja::value::Value;
use serde::Serialize;

use super::{
    super::pictures::forest::{Forest, Unit, tone},
    display_names::model_of,
};

/// Comparisons that one scale holds.
#[derive(Serialize)]
pub(super) struct ForestGroup {
    /// What the axis shows.
    unit: &'static str,
    axis: Value,
    rows: Vec<ForestRow>,
}

/// One comparison.
#[derive(Serialize)]
struct ForestRow {
    /// Its place among all, worst first.
    place: usize,
    answer: &'static str,
    tone: &'static str,
    prompt: String,
    model: Option<String>,
    metric: String,
    picture: Option<Value>,
    change: String,
    bounds: String,
    margin: String,
    /// Items that were right before, and are now, where scores are right or wrong.
    lost: Option<String>,
    gained: Option<String>,
}

/// The comparisons, which come worst first, by the unit that they are measured in.
pub(super) fn groups(comparisons: &[&Comparison]) -> Vec<ForestGroup> {
    let mut units: Vec<Unit> = Vec::new();
    for comparison in comparisons {
        let unit = Unit::of(comparison);
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    let group = |unit: Unit| {
        let numbered = comparisons.iter().copied().enumerate();
        let own: Vec<_> = numbered.filter(|(_, c)| Unit::of(c) == unit).collect();
        let only: Vec<_> = own.iter().map(|(_, comparison)| *comparison).collect();
        let forest = Forest::of(unit, &only);
        let rows =
            own.iter().map(|(place, comparison)| row(*place, comparison, &forest, comparisons));
        ForestGroup { unit: unit.says(), axis: forest.axis(), rows: rows.collect() }
    };
    units.into_iter().map(group).collect()
}

fn row(
    place: usize,
    comparison: &Comparison,
    forest: &Forest,
    comparisons: &[&Comparison],
) -> ForestRow {
    let text = ComparisonText::of(comparison);
    ForestRow {
        place,
        answer: comparison.answer.as_str(),
        tone: tone(comparison.answer),
        prompt: comparison.prompt.clone(),
        model: model_of(comparison, comparisons).map(str::to_owned),
        metric: comparison.metric.clone(),
        picture: forest.row(comparison),
        bounds: or_none(text.bounds()),
        change: or_none(text.change),
        margin: text.margin,
        lost: comparison.only_baseline.map(count),
        gained: comparison.only_candidate.map(count),
    }
}
