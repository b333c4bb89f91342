//! Samples with how they ended and what judges said of them, in the order of the reports: collected on
//! a thread of its own, while those before are scored and written; after asking, or along with it.

use std::{
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use evalmark_core::{
    plan::{Plan, PlanError, Sample},
    record::Record,
};
use evalmark_harness::Stop;
use evalmark_scoring::split_reasoning;

use crate::{
    all_cores::AllCores,
    error::{Advised, Result},
    judges::{JudgeReplies, Judges},
    load::LoadedSuite,
    named_thread::named_thread,
    records::Records,
    reorder::{BATCH, Ended, Next, ReorderBuffer, size},
};

/// Batches that wait to be scored.
const AHEAD: usize = 2;
/// Bytes of text after which a batch is full.
const BATCH_BYTES: usize = 8 << 20;
/// Samples whose records are fetched together.
const FEW: usize = 64;

/// A sample with its end.
pub(crate) struct Collected {
    pub sample: Sample,
    pub record: Record,
    /// By metric.
    pub judge_replies: Vec<JudgeReplies>,
}

/// Where samples and their ends come from.
pub(crate) struct Source<'a> {
    records: Box<dyn Records + 'a>,
    /// Where asking still goes on.
    arrivals: Option<&'a ReorderBuffer>,
}

impl<'a> Source<'a> {
    /// Everything has been asked.
    pub(crate) fn after(records: Box<dyn Records + 'a>) -> Self {
        Self { records, arrivals: None }
    }

    /// Answers are still arriving; `records` has those that came too early to be kept.
    pub(crate) fn along(arrivals: &'a ReorderBuffer, records: Box<dyn Records + 'a>) -> Self {
        Self { records, arrivals: Some(arrivals) }
    }
}

/// Hands every sample to `take`, a batch at a time. Answers `false` when it was stopped.
pub(crate) fn for_each_batch(
    loaded: &LoadedSuite,
    source: Source<'_>,
    judges: &mut Judges,
    stop: &Stop,
    mut take: impl FnMut(Vec<Collected>) -> Result<()>,
) -> Result<bool> {
    let (send, receive) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let collect = move || collect(loaded, source, judges, stop, &send);
        let collector = named_thread(scope, "collect", collect)?;
        // Where one is not taken, the collector finds its channel closed, and ends.
        for batch in receive {
            take(batch)?;
        }
        collector.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn collect(
    loaded: &LoadedSuite,
    Source { mut records, arrivals }: Source<'_>,
    judges: &mut Judges,
    stop: &Stop,
    send: &SyncSender<Vec<Collected>>,
) -> Result<bool> {
    let (plan, metrics) = (&loaded.plan, &loaded.metrics);
    let hand_over = |batch: Vec<Ended>| -> Result<bool> {
        if stop.is_requested() {
            return Ok(false);
        }
        let collected = batch.into_iter().map(|(sample, mut record)| {
            if plan.models[sample.model].splits_reasoning {
                split_reasoning(&mut record);
            }
            let judge_replies = judges.judge(plan, metrics, &sample, &record)?;
            Ok(Collected { sample, record, judge_replies })
        });
        Ok(send.send(collected.collect::<Result<_>>()?).is_ok())
    };
    let mut planned = Planned::new(plan);
    loop {
        let goes_on = match arrivals.map_or_else(|| planned.rest(), ReorderBuffer::next) {
            Next::Here(batch) => hand_over(batch)?,
            Next::Elsewhere(ranks) => {
                planned.go_to(ranks.start)?;
                let mut goes_on = true;
                while goes_on && planned.place < ranks.end {
                    goes_on = hand_over(planned.batch(ranks.end, &mut *records)?)?;
                }
                goes_on
            }
            Next::End => return Ok(true),
            Next::GivenUp => false,
        };
        if !goes_on {
            return Ok(false);
        }
    }
}

/// The dataset ends before the plan does.
#[derive(Debug, thiserror::Error)]
#[error("the dataset has become shorter since the run began")]
pub struct ShorterDataset;

impl Advised for ShorterDataset {}

/// Samples out of the plan, in the order of the reports.
struct Planned<'a> {
    plan: &'a Plan,
    samples: Box<dyn Iterator<Item = Result<Sample, PlanError>> + Send>,
    /// That of the next one: its rank where the plan is over all items.
    place: u64,
}

impl<'a> Planned<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self { plan, samples: Box::new(plan.from_rank(0, AllCores)), place: 0 }
    }

    /// All that were not taken yet.
    fn rest(&self) -> Next {
        let end = self.plan.n_samples();
        if self.place < end { Next::Elsewhere(self.place..end) } else { Next::End }
    }

    /// Leaves out those before this rank, which is not behind the next one's.
    fn go_to(&mut self, rank: u64) -> Result<()> {
        let per_variant = self.plan.n_samples_per_variant();
        if rank / per_variant == self.place / per_variant {
            // On from where it is: whoever began anew each time would read far too much.
            let skipped = usize::try_from(rank - self.place)?;
            self.samples.by_ref().take(skipped).try_for_each(|sample| sample.map(drop))?;
        } else {
            self.samples = Box::new(self.plan.from_rank(rank, AllCores));
        }
        self.place = rank;
        Ok(())
    }

    /// The next batch with its records. It ends before the place `end`.
    fn batch(&mut self, end: u64, records: &mut dyn Records) -> Result<Vec<Ended>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while self.place < end && batch.len() < BATCH && bytes < BATCH_BYTES {
            let mut samples = self.some(end)?;
            let ended = records.records(&mut samples)?;
            let ended = samples.into_iter().zip(ended);
            batch.extend(ended.inspect(|ended| bytes += size(ended)));
        }
        Ok(batch)
    }

    /// The next few, at most those before the place `end`.
    fn some(&mut self, end: u64) -> Result<Vec<Sample>> {
        let count = FEW.min(usize::try_from(end - self.place)?);
        let samples: Vec<Sample> = self.samples.by_ref().take(count).collect::<Result<_, _>>()?;
        if samples.len() < count {
            return Err(ShorterDataset.into());
        }
        self.place += count as u64;
        Ok(samples)
    }
}
