//! What an answer of each prompt and model costs, with an interval: items are the units, as they are
//! for scores.

use std::path::Path;

use evalmark_report::{
    ReadError,
    html::AnswerCost,
    usage::{UsageRef, for_each_usage},
};
use evalmark_verdict::{Accumulator, ScoreRange, ValueError};

use crate::{
    RunError,
    error::{Hinted, Result},
    summary::CONFIDENCE,
    variants::cluster_key,
};

/// Costs beyond nothing have no largest value.
const RANGE: ScoreRange = ScoreRange { low: 0.0, high: f64::INFINITY };

/// One prompt and model while its answers go by.
struct Variant {
    prompt: String,
    model: String,
    costs: Accumulator,
    item: Option<Item>,
}

/// An item whose epochs go by.
struct Item {
    id: String,
    cluster: Option<u64>,
    sum: f64,
    n: u32,
}

/// What answers cost, out of a `samples.parquet`; nothing of those whose price is not known.
pub(crate) fn answer_costs(samples: &Path) -> Result<Vec<AnswerCost>> {
    let mut costs = Vec::new();
    let mut current: Option<Variant> = None;
    for_each_usage::<CostError>(samples, |row| {
        let Some(usd) = row.cost_usd else { return Ok(()) };
        let is_same = |v: &Variant| v.prompt == row.prompt && v.model == row.model;
        if !current.as_ref().is_some_and(is_same) {
            costs.extend(current.take().map(Variant::finish).transpose()?.flatten());
        }
        current.get_or_insert_with(|| Variant::new(&row)).push(&row, usd)
    })
    .map_err(RunError::new)
    .context("the costs of the answers cannot be read")?;
    costs.extend(current.map(Variant::finish).transpose().map_err(RunError::new)?.flatten());
    Ok(costs)
}

/// The costs cannot be read, or no run can have them.
#[derive(Debug, thiserror::Error)]
enum CostError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl Variant {
    fn new(row: &UsageRef<'_>) -> Self {
        Self {
            prompt: row.prompt.to_owned(),
            model: row.model.to_owned(),
            costs: Accumulator::new(RANGE),
            item: None,
        }
    }

    fn push(&mut self, row: &UsageRef<'_>, usd: f64) -> Result<(), CostError> {
        if let Some(item) = self.item.as_mut().filter(|item| item.id == row.item_id) {
            item.sum += usd;
            item.n += 1;
            return Ok(());
        }
        self.close_item()?;
        let cluster = row.cluster.map(cluster_key);
        self.item = Some(Item { id: row.item_id.to_owned(), cluster, sum: usd, n: 1 });
        Ok(())
    }

    fn close_item(&mut self) -> Result<(), ValueError> {
        match self.item.take() {
            None => Ok(()),
            Some(item) => self.costs.push(item.sum / f64::from(item.n), item.cluster),
        }
    }

    fn finish(mut self) -> Result<Option<AnswerCost>, CostError> {
        self.close_item()?;
        let usd = self.costs.finish(CONFIDENCE);
        Ok(usd.map(|usd| AnswerCost { prompt: self.prompt, model: self.model, usd }))
    }
}
