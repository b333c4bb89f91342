//! The way in: rounds of gathering and waiting, until nothing is left to ask.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, SystemTime},
};

use evalmark_core::{
    price::Price,
    record::{ErrorKind, Failure},
    request::Request,
};

use super::{
    gather::Gathered,
    journal::{BatchRow, Journal},
    spool::BatchLock,
    status::Batches,
};
use crate::{
    ask::{Ask, AskError},
    budget::{Budget, Reservation},
    endpoint::Endpoint,
    event::{Event, Tally},
    http::Http,
    ledger::LedgerError,
    providers::batch_wire::BatchWire,
    reply::AttemptError,
    stop::Stop,
};

/// A silence of the server that one sits through while a batch is out, at least.
pub(super) const LEAST_PATIENCE: Duration = Duration::from_hours(1);

/// As [`ask_within()`](crate::ask_within), through the provider's batch API.
///
/// The requests are gone over several times, so that none of them is held in memory while the provider
/// works: `requests` makes them anew, the same each time. An identical request is asked once. What the
/// ledger has is not asked, nor is anything that another batch of the same cache already holds: its
/// result is waited for, whichever run submitted it.
///
/// At a stop nothing waits any longer; batches that were handed in go on at the provider, and the next
/// ask finds them.
pub fn ask_in_batches<T, E, I>(
    endpoint: &Endpoint,
    run_id: &str,
    requests: &dyn Fn() -> Result<I, E>,
    events: &(dyn Fn(Event<T>) + Sync),
    stop: &Stop,
    budget: &Budget,
) -> Result<Tally, AskError<E>>
where
    I: Iterator<Item = Result<Ask<T>, E>>,
{
    let Some((batches, http)) = endpoint.batches() else {
        let message = "evalmark knows no batch API of this provider".to_owned();
        let failure = Failure { kind: ErrorKind::BadRequest, message };
        endpoint.inner.breaker.give_up(failure.clone());
        events(Event::EndpointDown { failure });
        return Ok(Tally::default());
    };
    let retrying = |failure: Failure, attempt: u32, delay: Duration| {
        events(Event::Retrying { failure, attempt, delay });
    };
    let mut asking = BatchAsk {
        endpoint,
        batches,
        http,
        run_id,
        ask_id: new_id(),
        stop,
        budget,
        reservations: HashMap::new(),
        retrying: &retrying,
        retries: 0,
    };
    let asked = asking.rounds(requests);
    batches.end_wait(stop.is_requested());
    let mut tally = Tally { retries: asking.retries, ..Tally::default() };
    match asked {
        Ok(Asked::All { out_of_budget }) => tally.out_of_budget = out_of_budget,
        Ok(Asked::Interrupted) => {
            tally.interrupted = true;
            return Ok(tally);
        }
        Err(Halt::Source(error)) => return Err(AskError::Source(error)),
        Err(Halt::Ledger(error)) => return Err(AskError::Ledger(error)),
        Err(Halt::Down(failure)) => {
            if endpoint.inner.breaker.give_up(failure.clone()) {
                events(Event::EndpointDown { failure });
            }
        }
    }
    super::tell::tell(endpoint, run_id, requests, events, &mut tally)?;
    Ok(tally)
}

/// Why an ask ends before all is asked.
pub(super) enum Halt<E> {
    Source(E),
    Ledger(LedgerError),
    /// The model takes no requests any more.
    Down(Failure),
}

impl<E> From<LedgerError> for Halt<E> {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// The error of a source that cannot fail, for steps that read no requests.
pub(super) enum NoSource {}

impl Halt<NoSource> {
    /// The same where there are requests.
    pub(super) fn anywhere<E>(self) -> Halt<E> {
        match self {
            Self::Source(none) => match none {},
            Self::Ledger(error) => Halt::Ledger(error),
            Self::Down(failure) => Halt::Down(failure),
        }
    }
}

enum Asked {
    All { out_of_budget: bool },
    Interrupted,
}

/// An ask that is under way.
pub(super) struct BatchAsk<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) batches: &'a Batches,
    pub(super) http: &'a Http,
    pub(super) run_id: &'a str,
    /// What requests that this ask gives up on are marked with.
    pub(super) ask_id: String,
    pub(super) stop: &'a Stop,
    pub(super) budget: &'a Budget,
    /// What is set aside for batches.
    pub(super) reservations: HashMap<String, Reservation<'a>>,
    pub(super) retrying: &'a dyn Fn(Failure, u32, Duration),
    pub(super) retries: u64,
}

impl<'a> BatchAsk<'a> {
    fn rounds<T, E, I>(&mut self, requests: &dyn Fn() -> Result<I, E>) -> Result<Asked, Halt<E>>
    where
        I: Iterator<Item = Result<Ask<T>, E>>,
    {
        loop {
            let source = requests().map_err(Halt::Source)?;
            let Gathered { awaited, left_out, is_all } = self.gather(source)?;
            if self.stop.is_requested() || !is_all {
                return Ok(Asked::Interrupted);
            }
            if awaited.is_empty() {
                return Ok(Asked::All { out_of_budget: left_out });
            }
            if !self.wait(awaited)? {
                return Ok(Asked::Interrupted);
            }
        }
    }

    /// Waits until batches are over; whether that was not interrupted.
    fn wait<E>(&mut self, awaited: BTreeSet<String>) -> Result<bool, Halt<E>> {
        let handle = self.endpoint.handle().clone();
        handle.block_on(self.watch(awaited)).map_err(Halt::anywhere)
    }

    /// Sets aside what a batch costs that an earlier ask handed in, and that nobody else waits for.
    pub(super) fn set_aside_bought(&mut self, id: &str) -> Result<(), LedgerError> {
        if self.reservations.contains_key(id) {
            return Ok(());
        }
        let Some(BatchRow { tokens, .. }) = self.journal().batch(id)? else { return Ok(()) };
        if let Ok(Some(_)) = BatchLock::take(self.journal().folder(), id) {
            let reservation = self.budget.reserve_bought(tokens, self.price());
            self.reservations.insert(id.to_owned(), reservation);
        }
        Ok(())
    }

    pub(super) fn journal(&self) -> &'a Journal {
        &self.batches.journal
    }

    pub(super) fn wire(&self) -> &'static dyn BatchWire {
        self.batches.wire
    }

    pub(super) fn price(&self) -> Option<Price> {
        self.endpoint.inner.price
    }

    pub(super) fn now_us(&self) -> i64 {
        let now = (self.endpoint.inner.tuning.now)();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// The time for an exchange that carries a whole batch.
    pub(super) fn long_timeout(&self) -> Duration {
        self.endpoint.inner.timeout.max(Duration::from_mins(10))
    }

    /// Tells that a step is taken again later.
    pub(super) fn tell_retry(&mut self, error: &AttemptError, attempt: u32, delay: Duration) {
        self.retries += 1;
        (self.retrying)(error.failure.clone(), attempt, delay);
    }

    /// Lets go of a batch that is over: its row first, then its files.
    pub(super) fn discard(&mut self, id: &str, lock: BatchLock) -> Result<(), LedgerError> {
        self.journal().remove(id)?;
        drop(std::fs::remove_file(super::spool::spool_path(self.journal().folder(), id)));
        lock.remove();
        self.reservations.remove(id);
        Ok(())
    }

    /// What a request may cost.
    pub(super) fn reserve(&self, request: &Request) -> Option<Reservation<'a>> {
        let estimate = self.endpoint.inner.estimate(request);
        let free = self.budget.without_limit(estimate, self.price());
        free.or_else(|| self.budget.reserve_now(estimate, self.price()))
    }
}

/// A name that no other batch or ask has.
pub(super) fn new_id() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
