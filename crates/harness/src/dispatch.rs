//! The dispatcher: one task per request that is to be asked, and an orderly end.

use std::sync::Arc;

use evalmark_core::record::Failure;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
};

use crate::{
    converse::{Conversation, End},
    endpoint::Inner,
    event::Event,
    feed::Job,
    lane::LaneOut,
    ledger::Entry,
    stop::Stop,
};

/// Requests that may wait between two attempts while others use their permits, at least.
const LEAST_WAITING: usize = 16;

/// What a dispatcher works with.
pub(crate) struct Dispatcher {
    pub(crate) endpoint: Arc<Inner>,
    pub(crate) run_id: Arc<str>,
    /// Stops this ask.
    pub(crate) halt: Stop,
}

impl Dispatcher {
    /// Asks what comes in until the feeder ends or a stop is requested, then waits for what is in
    /// flight. Answers are on their way to the ledger, and it was told to commit them.
    pub(crate) async fn run<T: Send + 'static>(self, mut lane: LaneOut<Job<T>>) {
        let this = Arc::new(self);
        let concurrency = this.endpoint.concurrency;
        // Requests in back-off hold no permit, but they are bounded too.
        let window = concurrency.saturating_add(concurrency.max(LEAST_WAITING)).min(1 << 24);
        let window = Arc::new(Semaphore::new(window));
        let mut tasks = JoinSet::new();
        while this.endpoint.breaker.down().is_none() {
            let next = async {
                let slot = window.clone().acquire_owned().await.ok()?;
                Some((slot, lane.next().await?))
            };
            let Some(Some((slot, job))) = this.halt.unless(next).await else { break };
            while let Some(ended) = tasks.try_join_next() {
                check(ended);
            }
            tasks.spawn(this.clone().ask(job, slot));
        }
        if this.endpoint.breaker.down().is_some() {
            this.halt.gracefully();
        }
        // What is queued is dropped, which abandons it; the feeder takes this as a sign to end.
        drop(lane);
        this.drain(tasks).await;
        this.endpoint.writer.flush();
    }

    async fn ask<T: Send + 'static>(self: Arc<Self>, job: Job<T>, slot: OwnedSemaphorePermit) {
        let Job { request, lead, seat, queued_at } = job;
        let say = seat.voice();
        let conversation = Conversation::new(&self.endpoint, &request, &self.halt);
        let Some(end) = conversation.run(queued_at, &say).await else { return };
        if let Some(failure) = self.judge(&end) {
            say(Event::EndpointDown { failure });
            self.halt.gracefully();
        }
        self.endpoint.writer.put(Entry {
            endpoint: self.endpoint.id,
            hash: lead.hash(),
            run_id: self.run_id.clone(),
            record: end.record,
            receipt: Box::new(move |committed| match committed {
                Ok(record) => {
                    lead.land(&record);
                    seat.settle(record, false);
                }
                Err(error) => seat.break_off(error),
            }),
        });
        drop(slot);
    }

    /// Learns from how a request ended; gives the reason when this took the endpoint down.
    fn judge(&self, end: &End) -> Option<Failure> {
        let Some(trouble) = &end.trouble else {
            self.endpoint.breaker.answered();
            return None;
        };
        self.endpoint.breaker.failed(trouble).then(|| trouble.failure.clone())
    }

    /// Waits for what is in flight, or abandons it when a stop leaves no more time.
    async fn drain(&self, mut tasks: JoinSet<()>) {
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                check(ended);
            }
        };
        tokio::select! {
            () = all => {}
            () = self.halt.abandoned(self.endpoint.tuning.grace) => {}
        }
        tasks.shutdown().await;
    }
}

/// A bug in a task is a bug of the whole.
fn check(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
