//! Samples with how they ended and what judges said of them, in the order of the reports: gathered on
//! a thread of its own, while those before are scored and written; after asking, or along with it.

use std::{
    ops::Range,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use anyhow::{Result, bail};
use evalmark_core::{
    plan::{Plan, PlanError, Sample},
    record::Record,
};
use evalmark_harness::Stop;

use crate::{
    arrivals::{Arrivals, BATCH, Ended, Next},
    judges::{Judged, Judges},
    open::Opened,
    records::Records,
};

/// Batches that wait to be scored.
const AHEAD: usize = 2;

/// A sample with its end.
pub(crate) struct Gathered {
    pub(crate) sample: Sample,
    pub(crate) record: Record,
    /// By metric.
    pub(crate) said: Vec<Judged>,
}

/// Where samples and their ends come from.
pub(crate) struct Source<'a> {
    records: Box<dyn Records + 'a>,
    /// Where asking still goes on.
    arrivals: Option<&'a Arrivals>,
}

impl<'a> Source<'a> {
    /// Everything has been asked.
    pub(crate) fn after(records: Box<dyn Records + 'a>) -> Self {
        Self { records, arrivals: None }
    }

    /// Answers are still arriving; `records` has those that came too early to be kept.
    pub(crate) fn along(arrivals: &'a Arrivals, records: Box<dyn Records + 'a>) -> Self {
        Self { records, arrivals: Some(arrivals) }
    }
}

/// Hands every sample to `take`, a batch at a time. Answers `false` when it was stopped.
pub(crate) fn for_each_batch(
    opened: &Opened,
    source: Source<'_>,
    judges: &mut Judges,
    stop: &Stop,
    mut take: impl FnMut(Vec<Gathered>) -> Result<()>,
) -> Result<bool> {
    let (send, receive) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let gatherer = scope.spawn(move || gather(opened, source, judges, stop, &send));
        // Where one is not taken, the gatherer finds its channel closed, and ends.
        for batch in receive {
            take(batch)?;
        }
        gatherer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn gather(
    opened: &Opened,
    Source { mut records, arrivals }: Source<'_>,
    judges: &mut Judges,
    stop: &Stop,
    send: &SyncSender<Vec<Gathered>>,
) -> Result<bool> {
    let (plan, metrics) = (&opened.plan, &opened.metrics);
    let mut planned = Planned::new(plan);
    loop {
        let batch = match arrivals.map(Arrivals::next) {
            None => with_records(planned.batch()?, &mut *records)?,
            Some(Next::Here(batch)) => batch,
            Some(Next::Elsewhere(ranks)) => with_records(planned.at(ranks)?, &mut *records)?,
            Some(Next::End) => Vec::new(),
            Some(Next::GivenUp) => return Ok(false),
        };
        if batch.is_empty() || stop.is_requested() {
            return Ok(batch.is_empty());
        }
        let gathered = batch.into_iter().map(|(sample, record)| {
            let said = judges.judge(plan, metrics, &sample, &record)?;
            Ok(Gathered { sample, record, said })
        });
        if send.send(gathered.collect::<Result<_>>()?).is_err() {
            return Ok(false);
        }
    }
}

fn with_records(mut samples: Vec<Sample>, records: &mut dyn Records) -> Result<Vec<Ended>> {
    let ended = records.records(&mut samples)?;
    Ok(samples.into_iter().zip(ended).collect())
}

/// Samples out of the plan, in the order of the reports.
struct Planned<'a> {
    plan: &'a Plan,
    /// The next of them, and its rank where the plan is over all items.
    samples: Box<dyn Iterator<Item = Result<Sample, PlanError>> + Send>,
    next: u64,
}

impl<'a> Planned<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self { plan, samples: Box::new(plan.in_report_order()), next: 0 }
    }

    /// The next batch; empty at the end.
    fn batch(&mut self) -> Result<Vec<Sample>> {
        Ok(self.samples.by_ref().take(BATCH).collect::<Result<_, _>>()?)
    }

    /// Those of these ranks, which lie behind those of before.
    fn at(&mut self, Range { start, end }: Range<u64>) -> Result<Vec<Sample>> {
        let per_arm = self.plan.n_samples_per_arm();
        let mut skipped = 0;
        if start / per_arm == self.next / per_arm {
            // On from where it is: whoever began anew each time would read far too much.
            skipped = usize::try_from(start - self.next)?;
        } else {
            self.samples = Box::new(self.plan.from_rank(start));
        }
        self.next = end;
        let count = usize::try_from(end - start)?;
        let samples = self.samples.by_ref().skip(skipped).take(count);
        let samples: Vec<Sample> = samples.collect::<Result<_, _>>()?;
        if samples.len() < count {
            bail!("the dataset has become shorter since the run began");
        }
        Ok(samples)
    }
}
