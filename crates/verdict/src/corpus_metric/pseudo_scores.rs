//! A value of a whole run as the mean of one score per item, so that what is known of means applies.

use std::borrow::Cow;

use super::{
    CorpusMetric, CountedVariant,
    cells::{Cells, Row},
};
use crate::{items::ItemScore, random::unit_of};

/// The pseudo-value of every item that has counts, as its score: their mean is the run's value (the
/// jackknife; Efron and Tibshirani 1993, 11). `None` where the value is not defined, or is not without
/// some single item.
pub fn pseudo_scores(
    side: CountedVariant<'_>,
    metric: &dyn CorpusMetric,
) -> Option<Vec<ItemScore>> {
    let counted: Vec<_> =
        side.items.iter().zip(side.counts).filter(|(_, counts)| !counts.is_empty()).collect();
    let row = |(item, counts): &(ItemScore, &super::ItemCounts)| Row {
        variants: [counts.iter().map(|one| Cow::Owned(one.to_vec())).collect()],
        cluster: item.cluster,
        unit: unit_of(item.key, item.cluster),
    };
    let cells = Cells::new(counted.iter().map(row).collect(), metric);
    let values = |sums: &[f64]| vec![metric.value(sums)];
    let pseudo = cells.pseudo_values(metric, 0, values).pop().flatten()?;
    let scored = |((item, _), &cell): (&(ItemScore, _), &usize)| ItemScore {
        sum: pseudo[cell],
        n_scored: 1,
        n_planned: 1,
        ..*item
    };
    Some(counted.iter().zip(&cells.cell_of).map(scored).collect())
}
