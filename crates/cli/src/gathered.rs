//! Samples with how they ended and what judges said of them, in the order of the reports: read ahead
//! on a thread of its own, while those before are scored and written.

use std::{
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use anyhow::Result;
use evalmark_core::{plan::Sample, record::Record};
use evalmark_harness::Stop;

use crate::{
    judges::{Judged, Judges},
    open::Opened,
    records::Records,
};

/// Samples that are scored together.
const BATCH: usize = 1024;

/// Batches that wait to be scored.
const AHEAD: usize = 2;

/// A sample with its end.
pub(crate) struct Gathered {
    pub(crate) sample: Sample,
    pub(crate) record: Record,
    /// By metric.
    pub(crate) said: Vec<Judged>,
}

/// Hands every sample to `take`, a batch at a time. Answers `false` when it was stopped.
pub(crate) fn for_each_batch(
    opened: &Opened,
    records: &mut dyn Records,
    judges: &mut Judges,
    stop: &Stop,
    mut take: impl FnMut(Vec<Gathered>) -> Result<()>,
) -> Result<bool> {
    let (send, receive) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let gatherer = scope.spawn(move || gather(opened, records, judges, stop, &send));
        // Where one is not taken, the gatherer finds its channel closed, and ends.
        for batch in receive {
            take(batch)?;
        }
        gatherer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn gather(
    opened: &Opened,
    records: &mut dyn Records,
    judges: &mut Judges,
    stop: &Stop,
    send: &SyncSender<Vec<Gathered>>,
) -> Result<bool> {
    let (plan, metrics) = (&opened.plan, &opened.metrics);
    let mut samples = plan.in_report_order();
    loop {
        let mut batch: Vec<Sample> = samples.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() || stop.is_requested() {
            return Ok(batch.is_empty());
        }
        let ended = records.records(&mut batch)?;
        let gathered = batch.into_iter().zip(ended).map(|(sample, record)| {
            let said = judges.judge(plan, metrics, &sample, &record)?;
            Ok(Gathered { sample, record, said })
        });
        if send.send(gathered.collect::<Result<_>>()?).is_err() {
            return Ok(false);
        }
    }
}
