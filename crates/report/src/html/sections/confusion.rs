//! Which class was taken for which, where answers are labels.

use std::collections::BTreeMap;

use minijinja::value::Value;
use serde::Serialize;

use super::super::pictures::confusion::{Matrix, confusion};
use crate::run_values::ConfusionRow;

/// Classes that are drawn: the most frequent ones.
const MOST_CLASSES: usize = 16;
/// What answers without a class are called.
const INVALID: &str = "invalid";
/// What the classes beyond are called.
const OTHERS: &str = "others";

/// One metric of one prompt and model.
#[derive(Serialize)]
pub(super) struct ConfusionPanel<'a> {
    prompt: &'a str,
    model: &'a str,
    metric: &'a str,
    picture: Value,
    /// Classes that are not drawn by themselves.
    n_others: usize,
}

pub(super) fn panels(rows: &[ConfusionRow]) -> Vec<ConfusionPanel<'_>> {
    let mut panels = Vec::new();
    let same = |a: &ConfusionRow, b: &ConfusionRow| {
        (&a.prompt, &a.model, &a.metric) == (&b.prompt, &b.model, &b.metric)
    };
    for own in rows.chunk_by(same) {
        let Some(first) = own.first() else { continue };
        let (classes, n_others) = classes(own);
        let picture = draw(own, &classes, n_others > 0, first);
        panels.push(ConfusionPanel {
            prompt: &first.prompt,
            model: &first.model,
            metric: &first.metric,
            picture,
            n_others,
        });
    }
    panels
}

/// The most frequent classes, in alphabetical order, and how many there are beyond.
fn classes(rows: &[ConfusionRow]) -> (Vec<String>, usize) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(&row.target).or_default() += row.count;
        if let Some(predicted) = &row.predicted {
            *counts.entry(predicted).or_default() += row.count;
        }
    }
    let mut by_count: Vec<_> = counts.into_iter().collect();
    by_count.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let n_others = by_count.len().saturating_sub(MOST_CLASSES);
    by_count.truncate(MOST_CLASSES);
    let mut classes: Vec<_> = by_count.into_iter().map(|(name, _)| name.to_owned()).collect();
    classes.sort();
    (classes, n_others)
}

fn draw(
    rows: &[ConfusionRow],
    classes: &[String],
    has_others: bool,
    first: &ConfusionRow,
) -> Value {
    let mut targets = classes.to_vec();
    let mut predicted = classes.to_vec();
    if has_others {
        targets.push(OTHERS.to_owned());
        predicted.push(OTHERS.to_owned());
    }
    let has_invalid = rows.iter().any(|row| row.predicted.is_none());
    if has_invalid {
        predicted.push(INVALID.to_owned());
    }
    let place = |name: &str| classes.iter().position(|c| c == name).unwrap_or(classes.len());
    let mut counts = vec![vec![0; predicted.len()]; targets.len()];
    for row in rows {
        let column = row.predicted.as_deref().map_or(predicted.len() - 1, place);
        if let Some(count) =
            counts.get_mut(place(&row.target)).and_then(|line| line.get_mut(column))
        {
            *count += row.count;
        }
    }
    let name = format!(
        "confusion matrix of {} for {}: {} right classes by {} predicted",
        first.metric,
        first.prompt,
        targets.len(),
        predicted.len()
    );
    confusion(&Matrix { targets: &targets, predicted: &predicted, counts: &counts }, &name)
}
