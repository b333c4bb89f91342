//! A whole run's value against a minimum (or maximum): its pseudo-values are weighed as scores are.

use std::borrow::Cow;

use super::{
    CorpusMetric, CountedVariant,
    cells::{Cells, Row},
    compare::{Oriented, counted_items},
};
use crate::against_minimum::{blank, graded};
use crate::clustered;
use crate::compare::{Decision, Flips};
use crate::decide::{Case, Cause, Kind};
use crate::items::{CompareError, ComparisonSubject, Side};
use crate::missing::{Assumption, Missing, Pair};
use crate::pairing::{Changes, by_key};
use crate::random::unit_of;
use crate::rule::{Rule, ScoreRange};
use crate::test_result::TestResult;

/// Judges the value of a whole run against a minimum, as [`minimum`](crate::minimum()) does a mean.
pub fn corpus_metric_minimum(
    subject: &ComparisonSubject,
    variant: CountedVariant<'_>,
    metric: &dyn CorpusMetric,
    min: f64,
    rule: &Rule,
) -> Result<Decision, CompareError> {
    rule.check()?;
    let ScoreRange { low, high } = rule.range;
    if !(min.is_finite() && (low..=high).contains(&min)) {
        return Err(CompareError::Minimum { minimum: min, low, high });
    }
    let items = counted_items(variant);
    let order = by_key(Side::Candidate, (&items).into(), ScoreRange::ANY)?;
    let comparison = blank(subject, (&items).into(), min, &Rule { margin: 0.0, ..rule.clone() });
    if items.is_empty() {
        return Ok(Decision::refused(comparison, Cause::NoItems, Changes::default()));
    }
    let mut missing = Missing::default();
    for item in &items {
        missing.candidate.take(item.tally(), 1);
    }
    let (oriented, min) = (Oriented { metric, rule }, rule.restore(min));
    let rule = Rule { margin: 0.0, ..rule.oriented() };
    let case = Case::build(Kind::Level(min), missing, &rule, |assumption| {
        let row = |&at: &usize| {
            let counts = &variant.counts[at];
            let mut all: Vec<_> = counts.iter().map(|one| Cow::Borrowed(&**one)).collect();
            let extreme = match assumption {
                Assumption::Complete => None,
                Assumption::WorstForCandidate => Some(0),
                Assumption::BestForCandidate => Some(1),
            };
            if let (Some(extreme), 1..) = (extreme, items[at].n_missing()) {
                // Of an item without any answer nobody knows what it could have added.
                let extreme = metric.extremes(counts.first()?)?[extreme].clone();
                all.extend((0..items[at].n_missing()).map(|_| Cow::Owned(extreme.clone())));
            }
            let unit = unit_of(items[at].key, items[at].cluster);
            Some(Row { variants: [all], cluster: items[at].cluster, unit })
        };
        let rows: Option<Vec<_>> = match assumption {
            Assumption::Complete => Some(order.iter().filter_map(row).collect()),
            _ => order.iter().map(row).collect(),
        };
        let rows = rows?.into_iter().filter(|row| !row.variants[0].is_empty()).collect();
        weigh(rows, &oriented, min, &rule)
    });
    Ok(Decision::decided(comparison, case, &Flips::default(), Changes::default()))
}

fn weigh(
    rows: Vec<Row<'_, 1>>,
    metric: &dyn CorpusMetric,
    min: f64,
    rule: &Rule,
) -> Option<TestResult> {
    let cells = Cells::new(rows, metric);
    let value = metric.value(&cells.sums[0])?;
    let values = |sums: &[f64]| vec![metric.value(sums)];
    let pseudo = cells.pseudo_values(metric, 0, values).pop().flatten()?;
    let level = |(row, &cell): (&Row<'_, 1>, &usize)| Pair {
        baseline: min,
        candidate: pseudo[cell],
        cluster: row.cluster,
        unit: row.unit,
    };
    let levels: Vec<Pair> = cells.rows.iter().zip(&cells.cell_of).map(level).collect();
    // No item moves the value further than the most that one can.
    let reach = cells.leverage(metric, 0).unwrap_or(0.0);
    let seen = pseudo.iter().map(|pseudo| (pseudo - min).abs()).fold(0.0, f64::max);
    let (low, high) = (min - reach.max(seen), min + reach.max(seen));
    let weighing = Rule { range: ScoreRange { low, high }, ..rule.clone() };
    let mut found = if clustered::dependent(&levels) {
        clustered::weigh_level(&levels, min, &weighing)?
    } else {
        graded(&levels, min, &weighing)?
    };
    (found.candidate_mean, found.estimate) = (value, value - min);
    Some(found.within_range(min, rule))
}
