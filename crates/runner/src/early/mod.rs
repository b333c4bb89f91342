//! Early stopping: the order in which a run that may stop early asks its items, and what `run.json`
//! keeps of it. `run_sequential` asks chunk by chunk, `sequential_gate` looks at what came back.

mod run_sequential;
mod sequential_gate;

use std::ops::Range;

use evalmark_core::{
    dataset::Items,
    plan::{Plan, PlanError},
};
use evalmark_store::{
    baseline::Baseline,
    run_record::{RunRecord, StopEarly},
};
use evalmark_verdict::{ItemScore, Rule, Stopping};

use crate::{
    Host, Notice,
    error::{Advised, Result},
    load::LoadedSuite,
    variants::{cluster_key, unscored},
};

/// Items that are asked before the first look.
const FIRST_CHUNK: usize = 32;

/// The largest chunk is this part of the items. Each chunk is a pass over the dataset, so that
/// there are a few dozen passes at most, whatever the number of items.
const LARGEST_CHUNK: usize = 20;

/// Every planned item in the order of asking: random, whole clusters together. Holds 8 bytes an
/// item.
#[derive(Debug)]
pub struct Order {
    /// Places in the dataset.
    places: Vec<usize>,
    chunks: Vec<Range<usize>>,
}

impl Order {
    /// Reads the dataset once; answers with the order, and the items in that order without scores.
    pub fn read(plan: &Plan, seed: u64) -> Result<(Self, Vec<ItemScore>)> {
        let items = Items::open(&plan.dataset).map_err(PlanError::from)?;
        let items = items.map(|item| Ok(unscored(&item?)));
        let items: Vec<ItemScore> = items.collect::<Result<_, PlanError>>()?;
        // The order is a matter of the seed, the items and their clusters, not of the rule.
        let places = Stopping::new(&Rule::new(0.03, 0.05), &items, 1, seed)?.order().to_vec();
        let ordered: Vec<_> = places.iter().map(|&place| items[place]).collect();
        let chunks = chunks(&ordered);
        Ok((Self { places, chunks }, ordered))
    }

    /// The parts that are asked one after the other, with a look after each. They depend on the
    /// items alone, so that a run stops at the same item whatever its pace.
    pub fn chunks(&self) -> &[Range<usize>] {
        &self.chunks
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Places in the dataset of a part of the order.
    pub fn places(&self, part: Range<usize>) -> &[usize] {
        &self.places[part]
    }

    /// The plan over a part of the order.
    pub fn part(&self, plan: &Plan, part: Range<usize>) -> Plan {
        plan.only(self.places(part).iter().map(|place| *place as u64).collect())
    }
}

/// Chunks of whole clusters: each at least half as large as all before it together, up to a
/// twentieth of all.
fn chunks(ordered: &[ItemScore]) -> Vec<Range<usize>> {
    let largest = ordered.len().div_ceil(LARGEST_CHUNK).max(FIRST_CHUNK);
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < ordered.len() {
        let size = (start / 2).clamp(FIRST_CHUNK, largest);
        let mut end = (start + size).min(ordered.len());
        while end < ordered.len() && same_cluster(&ordered[end - 1], &ordered[end]) {
            end += 1;
        }
        chunks.push(start..end);
        start = end;
    }
    chunks
}

fn same_cluster(a: &ItemScore, b: &ItemScore) -> bool {
    a.cluster.is_some() && a.cluster == b.cluster
}

/// What `run.json` keeps from the beginning, so that `resume` asks in the same order; `None` for a
/// run that is asked whole.
pub(crate) fn begin(
    loaded: &LoadedSuite,
    baseline: Option<&Baseline>,
    host: &Host<'_>,
) -> Result<Option<StopEarly>> {
    if !loaded.suite.gate_or_default().stop_early {
        return Ok(None);
    }
    let Some(baseline) = baseline else {
        host.notices.tell(&Notice::NoEarlyStopWithoutBaseline);
        return Ok(None);
    };
    let seed = seed(loaded);
    let (_, items) = Order::read(&loaded.plan, seed)?;
    let clusters = items.chunk_by(same_cluster).map(<[_]>::len);
    Ok(Some(StopEarly {
        seed,
        baseline: baseline.name.clone(),
        planned_items: items.len() as u64,
        largest_cluster: clusters.max().unwrap_or(1) as u64,
        ended: false,
    }))
}

/// A seed out of the run's content.
fn seed(loaded: &LoadedSuite) -> u64 {
    let text = format!("evalmark order v1 {} {}", loaded.hash, loaded.plan.profile.hash);
    cluster_key(&text) >> 11
}

/// A dataset of another size than the one that a run chose its items from.
#[derive(Debug, thiserror::Error)]
#[error("the dataset has {now} items, and the run {run_id} chose from {then}")]
pub struct OtherItems {
    now: u64,
    then: u64,
    run_id: String,
}

impl Advised for OtherItems {}

/// The plan of a run that stopped early: the items that it asked.
pub(crate) fn as_stopped(plan: Plan, record: &RunRecord) -> Result<Plan> {
    let Some(stopped) = &record.stopped_early else { return Ok(plan) };
    if plan.profile.n_items != stopped.planned_items {
        let (now, then) = (plan.profile.n_items, stopped.planned_items);
        return Err(OtherItems { now, then, run_id: record.run_id.clone() }.into());
    }
    let (order, _) = Order::read(&plan, stopped.seed)?;
    let asked = usize::try_from(stopped.asked_items).unwrap_or(usize::MAX).min(order.len());
    Ok(order.part(&plan, 0..asked))
}
