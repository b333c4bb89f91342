//! The items of one run by series: all of them, or the same random part of every run.

use std::collections::BTreeMap;

use evalmark_core::history::Series;
use evalmark_scoring::Metric;
use evalmark_store::integrity;
use evalmark_verdict::{ItemScore, ItemScores, Variant, pseudo_scores};

use super::UsableRun;
use crate::{
    error::Result,
    metric_scale::{RunValue, corpus_metrics},
    variants::{cluster_key, key, read_some_variants},
};

/// Scores that are held at once, over all runs and series.
const MOST_SCORES: u64 = 1_000_000;

/// Items of a run that are looked at at least.
const FEWEST_ITEMS: u64 = 500;

/// Which items are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    /// An item, or its cluster, counts where the first half of its hash is at most this.
    highest: u64,
}

impl Sampling {
    /// As many items as memory allows for these runs and so many series.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^64")]
    pub(super) fn of(runs: &[UsableRun], n_series: usize) -> Self {
        let cells = (runs.len() * n_series).max(1) as u64;
        let most = (MOST_SCORES / cells).max(FEWEST_ITEMS);
        let items = runs.iter().map(|run| run.record.n_items).max().unwrap_or_default();
        let share = most as f64 / items.max(1) as f64;
        Self { highest: if share < 1.0 { (share * u64::MAX as f64) as u64 } else { u64::MAX } }
    }

    /// The items of every series, in its order; `None` for one that the run does not have.
    pub(super) fn read(
        self,
        run: &UsableRun,
        series: &[Series],
    ) -> Result<Vec<Option<Vec<ItemScore>>>> {
        let scores = run.folder.scores();
        integrity::unchanged(&run.folder, &run.record, std::slice::from_ref(&scores))?;
        let variants = read_some_variants(&scores, |item_id, cluster| {
            self.highest == u64::MAX || hash(item_id, cluster) <= self.highest
        })?;
        let metrics = corpus_metrics(&run.record)?;
        let of = |series: &Series| {
            let is_it = |v: &&Variant| (&v.prompt, &v.model) == (&series.prompt, &series.model);
            of_metric(variants.iter().find(is_it)?, &series.metric, &metrics)
        };
        Ok(series.iter().map(of).collect())
    }
}

/// The items' scores, or what each adds to a value of the whole run.
fn of_metric(
    variant: &Variant,
    metric: &str,
    metrics: &BTreeMap<String, Metric>,
) -> Option<Vec<ItemScore>> {
    match metrics.get(metric).and_then(Metric::corpus) {
        None => variant.scores(metric).map(ItemScores::to_vec),
        Some(corpus) => pseudo_scores(variant.counted(metric)?, &RunValue { corpus, all: false }),
    }
}

/// The same part of every run, whole clusters together.
#[expect(clippy::cast_possible_truncation, reason = "half of a hash is one")]
fn hash(item_id: &str, cluster: Option<&str>) -> u64 {
    cluster.map_or_else(|| key(item_id) as u64, cluster_key)
}
