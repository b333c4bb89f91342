//! Asking: the one way in.

use std::{sync::Arc, thread};

use evalmark_core::request::Request;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    budget::Budget,
    cached_lookup::LedgerView,
    claimed_requests::Sharing,
    dispatch::{Counts, Dispatcher},
    endpoint::Endpoint,
    event::{Event, Tally},
    feeder::{FeedMessage, Feeder, InFlightBudget},
    job_channel::job_channel,
    ledger::LedgerError,
    request_slots::RequestSlots,
    stop::Stop,
};

/// A request, and what its events are to be recognised by.
#[derive(Clone, Debug)]
pub struct Ask<T> {
    /// What to ask.
    pub request: Request,
    /// Handed back with each of the request's events.
    pub tag: T,
}

/// Why an ask ended early. Answers that had arrived are in the ledger, unless it is the ledger
/// that failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError<E> {
    /// The iterator of requests failed.
    #[error(transparent)]
    Source(E),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Asks `endpoint` every request that the ledger has no answer to, and returns when all have
/// ended: in an answer, in a described failure, or abandoned because of a stop or of an endpoint
/// that is down.
///
/// An answer or failure is in the ledger before its event is told and before it is counted.
/// Requests are pulled as they are needed, on a thread of their own, so that memory does not grow
/// with their number; `events` is called on that thread and on the calling one. Requests that are
/// identical (same hash) and in flight at the same time are asked once.
///
/// Several asks may run at once, on threads of their own, over one endpoint or several: one
/// endpoint's limits, flights and failures are shared by its asks and are nothing to the others.
/// Must not be called from within an asynchronous task, because it blocks.
pub fn ask<T, E, I>(
    endpoint: &Endpoint,
    run_id: &str,
    requests: I,
    events: &(dyn Fn(Event<T>) + Sync),
    stop: &Stop,
) -> Result<Tally, AskError<E>>
where
    T: Send + 'static,
    E: Send,
    I: Iterator<Item = Result<Ask<T>, E>> + Send,
{
    ask_within(endpoint, run_id, requests, events, stop, &Budget::default())
}

/// As [`ask()`], and spends no more than `budget`, which other asks may share.
///
/// When the next request might pass the budget's limit none is sent any more, what is in flight
/// ends, and [`Tally::out_of_budget`] says so. What was left out can be asked later.
pub fn ask_within<T, E, I>(
    endpoint: &Endpoint,
    run_id: &str,
    requests: I,
    events: &(dyn Fn(Event<T>) + Sync),
    stop: &Stop,
    budget: &Budget,
) -> Result<Tally, AskError<E>>
where
    T: Send + 'static,
    E: Send,
    I: Iterator<Item = Result<Ask<T>, E>> + Send,
{
    let halt = stop.child();
    // However this function is left, nothing goes on behind it.
    let _guard = halt.guard();
    let (messages, mut heard) = mpsc::unbounded_channel();
    let (sender, receiver) = job_channel(endpoint.inner.concurrency);
    let feeder = Feeder {
        flights: &endpoint.inner.flights,
        ledger_view: LedgerView::new(endpoint.answers(run_id)?, endpoint.inner.clone()),
        handle: endpoint.handle(),
        places: InFlightBudget::new(endpoint.inner.concurrency),
        jobs: sender,
        messages,
        events,
        halt: &halt,
    };
    let counts = Arc::new(Counts::default());
    let dispatcher = Dispatcher {
        endpoint: endpoint.inner.clone(),
        run_id: run_id.into(),
        stop: stop.clone(),
        halt: halt.clone(),
        budget: budget.clone(),
        counts: counts.clone(),
        sharing: Sharing::of(endpoint, run_id),
        slots: RequestSlots::new(endpoint.inner.concurrency),
        threads: endpoint.spread(),
    };
    let dispatcher = endpoint.handle().spawn(dispatcher.run(receiver));
    let (fed, heard) = thread::scope(|scope| {
        let feeder = scope.spawn(|| feeder.run(requests));
        let heard = listen(&mut heard, events, &halt);
        (feeder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), heard)
    });
    join(endpoint, dispatcher);
    let (mut tally, fed) = (heard?, fed?);
    tally.cached += fed.tally.cached;
    counts.add_to(&mut tally);
    tally.abandoned = fed.taken - tally.ended();
    tally.interrupted = stop.is_requested() && (tally.abandoned > 0 || !fed.is_all);
    Ok(tally)
}

/// Tells and counts events until nobody is left who could say more.
fn listen<T>(
    heard: &mut mpsc::UnboundedReceiver<FeedMessage<T>>,
    events: &(dyn Fn(Event<T>) + Sync),
    halt: &Stop,
) -> Result<Tally, LedgerError> {
    let mut tally = Tally::default();
    let mut broken = None;
    while let Some(word) = heard.blocking_recv() {
        match word {
            FeedMessage::Event(event, place) => {
                tally.count(&event);
                events(event);
                drop(place);
            }
            FeedMessage::Broken(error) => {
                // Answers that cannot be kept are not worth asking for.
                halt.now();
                broken = broken.or(Some(error));
            }
        }
    }
    broken.map_or(Ok(tally), Err)
}

/// Waits for the dispatcher, which by now has little left to do.
fn join(endpoint: &Endpoint, dispatcher: JoinHandle<()>) {
    if let Err(error) = endpoint.handle().block_on(dispatcher)
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
