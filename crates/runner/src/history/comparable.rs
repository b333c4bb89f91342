//! Which runs a score's latest value can be compared with: those that scored the same items by the
//! same metric.

use std::collections::HashSet;

use evalmark_core::{history::Series, number_format};
use evalmark_store::run_record::RunRecord;
use evalmark_verdict::ItemScore;

use crate::gate::changed;

/// The share of the items that two runs must both have scored, as in a gate.
const MIN_SHARED: f64 = 0.95;

/// Items by key and content.
type Items = HashSet<(u128, u128)>;

/// Collects the comparable runs of every series, the latest first.
pub(super) struct Comparable<'a> {
    latest: &'a RunRecord,
    /// By series: the items that the latest run scored, and how many it has.
    scored: Vec<Option<(Items, usize)>>,
    /// By series: the runs, and their items.
    pub(super) scores: Vec<Vec<(usize, Vec<ItemScore>)>>,
}

impl<'a> Comparable<'a> {
    pub(super) fn new(series: &[Series], latest: &'a RunRecord) -> Self {
        let scores = series.iter().map(|_| Vec::new()).collect();
        Self { latest, scored: series.iter().map(|_| None).collect(), scores }
    }

    /// Takes a run's items in, and says of the others why they stand apart.
    pub(super) fn push(
        &mut self,
        run: usize,
        record: &RunRecord,
        scores: Vec<Option<Vec<ItemScore>>>,
        series: &mut [Series],
    ) {
        for (at, (items, series)) in scores.into_iter().zip(series).enumerate() {
            let Some(point) = series.points.iter_mut().find(|point| point.run == run) else {
                continue;
            };
            match self.check(at, &series.metric, record, items) {
                Ok(items) => self.scores[at].push((run, items)),
                Err(why) => point.apart = Some(why),
            }
        }
    }

    fn check(
        &mut self,
        at: usize,
        metric: &str,
        record: &RunRecord,
        items: Option<Vec<ItemScore>>,
    ) -> Result<Vec<ItemScore>, String> {
        let items = items.ok_or("the scores of its items are missing")?;
        if changed(metric, record, self.latest).is_some() {
            return Err("the metric was configured differently".to_owned());
        }
        let scored: Items = items
            .iter()
            .filter(|item| item.n_scored > 0)
            .map(|item| (item.key, item.content))
            .collect();
        let (latest, n_latest) =
            self.scored[at].get_or_insert_with(|| (scored.clone(), items.len()));
        let shared = scored.intersection(latest).count();
        let all = items.len().max(*n_latest).max(1);
        if (shared as f64) < MIN_SHARED * all as f64 {
            let percent = number_format::percent(shared as f64 / all as f64);
            return Err(format!(
                "other items, or too few scores: {percent} of the items have one here and in \
                 the latest run"
            ));
        }
        Ok(items)
    }
}

/// Says of every point of a run why it stands apart.
pub(super) fn set_apart(run: usize, why: &str, series: &mut [Series]) {
    let points = series.iter_mut().flat_map(|series| &mut series.points);
    for point in points.filter(|point| point.run == run) {
        point.apart = Some(why.to_owned());
    }
}
