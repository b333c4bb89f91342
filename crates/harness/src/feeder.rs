//! The feeder: pulls requests, answers them from the ledger where it can, and passes on the rest.
//!
//! It runs on a thread of its own, because reading, rendering and hashing are work for a
//! processor, and it never runs far ahead of what is asked.

use std::sync::Arc;

use evalmark_core::{record::Record, request::Request};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};

use crate::{
    ask::{Ask, AskError},
    cached_lookup::LedgerView,
    event::{Event, Tally},
    job_channel::JobSender,
    ledger::{Claim, LedgerError},
    single_flight::{Flights, Follower, Lead},
    stop::Stop,
};

/// Places for requests between the feeder and their last event, over and above those that the
/// concurrency limit gives.
const PLACES: usize = 6144;
/// Bytes of text that a place is for: a longer request takes several, so that long texts do not
/// fill the memory while they wait. Those that are asked at once have their places in any case.
const PLACE_BYTES: usize = 4096;

/// What the asking thread hears.
pub(crate) enum FeedMessage<T> {
    /// Something happened; with it goes the place of a request that has ended.
    Event(Event<T>, Option<OwnedSemaphorePermit>),
    /// The ledger can take no more.
    Broken(LedgerError),
}

/// One sample's claim on an answer.
pub(crate) struct Waiter<T> {
    tag: T,
    place: OwnedSemaphorePermit,
    messages: mpsc::UnboundedSender<FeedMessage<T>>,
}

/// A request that is to be asked.
pub(crate) struct Job<T> {
    pub(crate) request: Request,
    pub(crate) lead: Lead,
    pub(crate) waiter: Waiter<T>,
    pub(crate) queued_at: Instant,
    /// Keeps other processes from asking the same, where the ledger is shared.
    pub(crate) claim: Option<Claim>,
}

impl<T: Send> Waiter<T> {
    /// Tells how the request ended, and gives up the place.
    pub(crate) fn settle(self, record: Record, shared: bool) {
        let Self { tag, place, messages } = self;
        let event = if record.cached {
            Event::Cached { tag, record }
        } else if record.has_answer() {
            Event::Answered { tag, record, shared }
        } else {
            Event::Failed { tag, record }
        };
        drop(messages.send(FeedMessage::Event(event, Some(place))));
    }

    /// A voice for what does not end the request.
    pub(crate) fn notifier(&self) -> impl Fn(Event<T>) + Send + Sync + use<T> {
        let messages = self.messages.clone();
        move |event| drop(messages.send(FeedMessage::Event(event, None)))
    }

    /// Tells that the ledger failed, and gives up the place.
    pub(crate) fn break_off(self, error: LedgerError) {
        drop(self.messages.send(FeedMessage::Broken(error)));
    }
}

/// Where the feeder passes things on to.
pub(crate) struct Feeder<'a, T> {
    pub(crate) flights: &'a Arc<Flights>,
    pub(crate) ledger_view: LedgerView,
    pub(crate) handle: &'a Handle,
    pub(crate) places: InFlightBudget,
    pub(crate) jobs: JobSender<Job<T>>,
    pub(crate) messages: mpsc::UnboundedSender<FeedMessage<T>>,
    pub(crate) events: &'a (dyn Fn(Event<T>) + Sync),
    pub(crate) halt: &'a Stop,
}

/// What the feeder did.
#[derive(Default)]
pub(crate) struct Fed {
    /// Requests pulled from the iterator.
    pub(crate) taken: u64,
    /// Whether the iterator came to its end.
    pub(crate) is_all: bool,
    /// What it told of itself.
    pub(crate) tally: Tally,
}

/// Where requests wait, are asked, and wait for their commit.
pub(crate) struct InFlightBudget {
    free: Arc<Semaphore>,
    /// How many a request takes at most.
    most: usize,
}

impl InFlightBudget {
    /// As many as keep a model busy while rows wait for their commit, however long the texts are.
    pub(crate) fn new(concurrency: usize) -> Self {
        let busy = concurrency.clamp(1, 1 << 23);
        let count = busy + PLACES;
        Self { free: Arc::new(Semaphore::new(count)), most: count / busy }
    }

    /// How many a request takes.
    fn taken_by(&self, request: &Request) -> u32 {
        let places = (request.text_bytes() / PLACE_BYTES + 1).min(self.most);
        u32::try_from(places).unwrap_or(1)
    }
}

impl<T: Send + 'static> Feeder<'_, T> {
    /// Feeds until the iterator ends, fails, or nothing more is wanted.
    pub(crate) fn run<E>(
        self,
        requests: impl Iterator<Item = Result<Ask<T>, E>>,
    ) -> Result<Fed, AskError<E>> {
        let mut fed = Fed::default();
        for ask in requests {
            if self.halt.is_requested() {
                return Ok(fed);
            }
            fed.taken += 1;
            if !self.feed(ask.map_err(AskError::Source)?, &mut fed.tally)? {
                return Ok(fed);
            }
        }
        fed.is_all = true;
        Ok(fed)
    }

    /// Feeds one request. Whether more are wanted.
    fn feed<E>(&self, ask: Ask<T>, tally: &mut Tally) -> Result<bool, AskError<E>> {
        let Ask { request, tag } = ask;
        let places = self.places.taken_by(&request);
        let Some(place) = self.permit(&self.places.free, places) else { return Ok(false) };
        let waiter = Waiter { tag, place, messages: self.messages.clone() };
        let hash = request.hash();
        let Some((lead, waiter)) = self.flights.join(hash, waiter, follow) else { return Ok(true) };
        match self.ledger_view.answer(&hash) {
            Ok(Some(record)) => {
                lead.land(&record);
                let event = Event::Cached { tag: waiter.tag, record };
                tally.count(&event);
                (self.events)(event);
                Ok(true)
            }
            Ok(None) => {
                let job = Job { request, lead, waiter, queued_at: Instant::now(), claim: None };
                let room = self.permit(self.jobs.room(), 1);
                Ok(room.is_some_and(|room| self.jobs.send(job, room)))
            }
            Err(error) => {
                self.halt.gracefully();
                Err(AskError::Ledger(error))
            }
        }
    }

    /// Waits for places or for room; `None` when nothing more is wanted.
    fn permit(&self, semaphore: &Arc<Semaphore>, count: u32) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = semaphore.clone().try_acquire_many_owned(count) {
            return Some(permit);
        }
        // The wait may be long.
        self.ledger_view.let_go();
        let permit = self.halt.unless(semaphore.clone().acquire_many_owned(count));
        self.handle.block_on(permit)?.ok()
    }
}

/// A later identical request gets a copy of the first one's end.
fn follow<T: Send + 'static>(waiter: Waiter<T>) -> Follower {
    Box::new(move |record| waiter.settle(record.clone(), true))
}
