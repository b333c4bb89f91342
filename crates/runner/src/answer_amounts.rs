//! What an answer of each prompt and model costs, and how long it takes, with intervals: items are the
//! units, as they are for scores.

use std::path::Path;

use evalmark_report::{
    ReadError,
    html::{AnswerCost, MedianLatency},
    latency::LatencyHistogram,
    summary::SummaryRow,
    usage::{AmountRef, for_each_amount},
};
use evalmark_verdict::{Accumulator, ScoreRange, ValueError, quantile_ends};

use crate::{
    RunError,
    error::{Hinted, Result},
    summary::CONFIDENCE,
    variants::cluster_key,
};

/// Costs beyond nothing have no largest value.
const COSTS: ScoreRange = ScoreRange { low: 0.0, high: f64::INFINITY };

/// Of every prompt and model for which it is known.
#[derive(Default)]
pub(crate) struct AnswerAmounts {
    pub(crate) costs: Vec<AnswerCost>,
    pub(crate) latencies: Vec<MedianLatency>,
}

/// The means or shares of items, whose epochs go by.
struct ItemMeans {
    items: Accumulator,
    sum: f64,
    n: u32,
}

/// One prompt and model while its answers go by.
struct Variant {
    prompt: String,
    model: String,
    /// The median latency, as the summary has it.
    median_ms: Option<f64>,
    costs: ItemMeans,
    /// Of an item, the share of answers that took no longer than the median.
    within_median: ItemMeans,
    latencies: LatencyHistogram,
    item_id: String,
    cluster: Option<u64>,
}

/// What answers cost and how long they take, out of a `samples.parquet` and the summary of its run.
pub(crate) fn answer_amounts(samples: &Path, summary: &[SummaryRow]) -> Result<AnswerAmounts> {
    let mut amounts = AnswerAmounts::default();
    let mut current: Option<Variant> = None;
    for_each_amount::<AmountError>(samples, |row| {
        let is_same = |v: &Variant| v.prompt == row.prompt && v.model == row.model;
        if !current.as_ref().is_some_and(is_same)
            && let Some(done) = current.replace(Variant::new(&row, summary))
        {
            done.finish(&mut amounts)?;
        }
        current.as_mut().map_or(Ok(()), |variant| variant.push(&row))
    })
    .and_then(|()| current.map_or(Ok(()), |last| last.finish(&mut amounts)))
    .map_err(RunError::new)
    .context("the costs and latencies of the answers cannot be read")?;
    Ok(amounts)
}

/// They cannot be read, or no run can have them.
#[derive(Debug, thiserror::Error)]
enum AmountError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl ItemMeans {
    fn new(range: ScoreRange) -> Self {
        Self { items: Accumulator::new(range), sum: 0.0, n: 0 }
    }

    fn push(&mut self, value: f64) {
        self.sum += value;
        self.n += 1;
    }

    fn close_item(&mut self, cluster: Option<u64>) -> Result<(), ValueError> {
        if self.n > 0 {
            self.items.push(self.sum / f64::from(self.n), cluster)?;
            (self.sum, self.n) = (0.0, 0);
        }
        Ok(())
    }
}

impl Variant {
    fn new(row: &AmountRef<'_>, summary: &[SummaryRow]) -> Self {
        let is_own = |of: &&SummaryRow| {
            of.slice.is_none() && (&*of.prompt, &*of.model) == (row.prompt, row.model)
        };
        Self {
            prompt: row.prompt.to_owned(),
            model: row.model.to_owned(),
            median_ms: summary.iter().find(is_own).and_then(|own| own.latency_p50_ms),
            costs: ItemMeans::new(COSTS),
            within_median: ItemMeans::new(ScoreRange::UNIT),
            latencies: LatencyHistogram::new(),
            item_id: String::new(),
            cluster: None,
        }
    }

    fn push(&mut self, row: &AmountRef<'_>) -> Result<(), AmountError> {
        if self.item_id != row.item_id {
            self.close_item()?;
            row.item_id.clone_into(&mut self.item_id);
            self.cluster = row.cluster.map(cluster_key);
        }
        if let Some(usd) = row.cost_usd {
            self.costs.push(usd);
        }
        if let Some((ms, median)) = row.latency_ms.zip(self.median_ms) {
            self.within_median.push(if ms <= median { 1.0 } else { 0.0 });
            self.latencies.record(ms);
        }
        Ok(())
    }

    fn close_item(&mut self) -> Result<(), ValueError> {
        self.costs.close_item(self.cluster)?;
        self.within_median.close_item(self.cluster)
    }

    fn finish(mut self, amounts: &mut AnswerAmounts) -> Result<(), AmountError> {
        self.close_item()?;
        let shares = self.within_median.items.finish(CONFIDENCE);
        let ends = shares.and_then(|within| quantile_ends(0.5, &within));
        let [low, high] = [0, 1].map(|end| self.latencies.quantile(ends?[end]));
        let (prompt, model) = (self.prompt, self.model);
        if let Some((low, high)) = low.zip(high) {
            let (prompt, model) = (prompt.clone(), model.clone());
            amounts.latencies.push(MedianLatency { prompt, model, ends_ms: [low, high] });
        }
        if let Some(usd) = self.costs.items.finish(CONFIDENCE) {
            amounts.costs.push(AnswerCost { prompt, model, usd });
        }
        Ok(())
    }
}
