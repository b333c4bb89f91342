//! Waiting for batches: each is looked at now and then, less often the longer it takes, until its
//! results are in the ledger.

use std::{collections::BTreeSet, time::Duration};

use evalmark_core::record::{ErrorKind, Failure};
use tokio::time::Instant;

use super::{
    ask::{BatchAsk, Halt, LEAST_PATIENCE, NoSource},
    journal::{BatchRow, Step},
    spool::BatchLock,
    status::BatchesWaiting,
    submit::Submitted,
};
use crate::{
    ledger::LedgerError,
    providers::batch_wire::{RemoteBatch, RemoteState},
    reply::{AttemptError, Retryable},
};

/// How often one looks at a batch that another process is at work on.
const OTHERS_POLL: Duration = Duration::from_millis(500);

/// A batch that is waited for.
struct Watched {
    id: String,
    lock: Option<BatchLock>,
    next_at: Instant,
    /// The time between the last look and the next.
    interval: Duration,
    /// Since when every look has failed.
    silent_since: Option<Instant>,
    failures: u32,
    /// Since when its results are not whole, and the time until they are fetched again.
    broken: Option<(Instant, Duration)>,
    seen: BatchesWaiting,
}

/// What a look came to.
enum Looked {
    /// The batch is over.
    Over,
    /// One looks again after so long.
    Again(Duration),
}

impl BatchAsk<'_> {
    /// Waits until all of these batches are over; `false` at a stop.
    pub(super) async fn watch(
        &mut self,
        awaited: BTreeSet<String>,
    ) -> Result<bool, Halt<NoSource>> {
        let first = self.endpoint.inner.tuning.batch_poll;
        let mut watched: Vec<_> = awaited.into_iter().map(|id| Watched::new(id, first)).collect();
        loop {
            let Some(place) = (0..watched.len()).min_by_key(|i| watched[*i].next_at) else {
                return Ok(true);
            };
            let due = watched[place].next_at;
            self.tell_waiting(&watched, due);
            if self.stop.unless(tokio::time::sleep_until(due)).await.is_none() {
                return Ok(false);
            }
            match self.look(&mut watched[place]).await? {
                Looked::Over => drop(watched.swap_remove(place)),
                Looked::Again(time) => watched[place].next_at = Instant::now() + time,
            }
            if self.stop.is_requested() {
                self.tell_waiting(&watched, due);
                return Ok(watched.is_empty());
            }
        }
    }

    fn tell_waiting(&self, watched: &[Watched], until: Instant) {
        let mut sum = BatchesWaiting::default();
        for Watched { seen, .. } in watched {
            sum.batches += 1;
            sum.requests += seen.requests;
            sum.ended += seen.ended;
            sum.unknown_state = sum.unknown_state.or_else(|| seen.unknown_state.clone());
        }
        self.batches.tell(sum, until.saturating_duration_since(Instant::now()));
    }

    /// Takes whatever step is next for a batch.
    async fn look(&mut self, watched: &mut Watched) -> Result<Looked, Halt<NoSource>> {
        let id = watched.id.clone();
        if watched.lock.is_none() {
            let taken = BatchLock::take(self.journal().folder(), &id);
            watched.lock = taken.map_err(|error| self.unlockable(&error))?;
        }
        let Some(row) = self.journal().batch(&id)? else {
            if let Some(lock) = watched.lock.take() {
                lock.remove();
            }
            return Ok(Looked::Over);
        };
        watched.seen.requests = row.n_requests;
        if watched.lock.is_none() {
            return Ok(Looked::Again(OTHERS_POLL));
        }
        let Some(remote_id) = row.remote_id.as_deref().filter(|_| row.step == Step::Created) else {
            return Ok(match self.submit(&id, &mut watched.lock).await? {
                Submitted::Later(time) => Looked::Again(time),
                Submitted::Done if watched.lock.is_none() => Looked::Over,
                Submitted::Done => Looked::Again(watched.interval),
            });
        };
        let state = || self.wire().state(self.http.base(), remote_id);
        let asked = self.ask_server_now(state).await;
        let Some(body) = asked else { return Ok(Looked::Again(Duration::ZERO)) };
        match body.and_then(|body| self.wire().batch(&body)) {
            Ok(remote) => self.look_at(watched, &row, &remote).await,
            Err(error) => self.not_seen(watched, &row, &error),
        }
    }

    /// Takes in how far a batch is.
    async fn look_at(
        &mut self,
        watched: &mut Watched,
        row: &BatchRow,
        remote: &RemoteBatch,
    ) -> Result<Looked, Halt<NoSource>> {
        let most = row.n_requests;
        watched.seen.unknown_state.clone_from(&remote.unknown_state);
        watched.seen.ended = remote.ended.unwrap_or(0).min(most);
        let leftover = match &remote.state {
            RemoteState::Open => {
                watched.silent_since = None;
                return Ok(Looked::Again(self.grown(watched)));
            }
            RemoteState::Refused(problems) => {
                let pause = self.refused(row, problems).await?;
                self.is_over(watched)?;
                if let Some(pause) = pause {
                    self.stop.unless(tokio::time::sleep(pause)).await;
                }
                return Ok(Looked::Over);
            }
            RemoteState::Ended(leftover) => *leftover,
        };
        let collected = match self.collect(row, remote).await {
            Some(Ok(collected)) => collected,
            Some(Err(super::collect::Uncollected::Ledger(error))) => return Err(error.into()),
            Some(Err(super::collect::Uncollected::Server(error))) => {
                return self.not_seen(watched, row, &error);
            }
            None => return Ok(Looked::Again(Duration::ZERO)),
        };
        watched.silent_since = None;
        let without_line =
            self.journal().count_held(&row.id)?.saturating_sub(collected.failures.len() as u64);
        let is_whole = without_line == 0 || collected.is_whole(row, remote, leftover);
        if !is_whole && let Some(time) = self.until_next_fetch(watched, row)? {
            let message =
                format!("the batch's results are not whole: {}", collected.fault(row, remote));
            let error = AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes);
            watched.failures += 1;
            self.tell_retry(&error, watched.failures, time);
            return Ok(Looked::Again(time));
        }
        let is_settled = is_whole || collected.lacks_for_certain(row, remote) || !self.is_kept(row);
        let fault = collected.fault(row, remote);
        if let Some(failure) = self.take_failures(row, collected.failures).await? {
            return Err(Halt::Down(failure));
        }
        if !is_settled {
            self.leave_unsettled(row, &fault).await?;
            // Whoever else waits for it may look now.
            watched.lock = None;
            return Ok(Looked::Over);
        }
        let again = self.settle_leftover(row, leftover).await?;
        self.tell_again(again);
        self.is_over(watched)?;
        Ok(Looked::Over)
    }

    /// Tells how many requests of a batch are asked again.
    fn tell_again(&mut self, again: u64) {
        if again > 0 {
            let message = format!(
                "the batch's results were read again; they have no line for {again} of its requests, \
                 which are asked in a new batch"
            );
            let error = AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes);
            self.tell_retry(&error, 1, Duration::ZERO);
        }
    }

    /// How long until results that are not whole are fetched again; `None` where that is left to the
    /// next ask. A batch that an earlier ask left is looked at once.
    fn until_next_fetch(
        &self,
        watched: &mut Watched,
        row: &BatchRow,
    ) -> Result<Option<Duration>, LedgerError> {
        let tuning = &self.endpoint.inner.tuning;
        let (since, time) = watched.broken.unwrap_or_else(|| (Instant::now(), tuning.batch_poll));
        watched.broken = Some((since, time.saturating_mul(2).min(tuning.longest_batch_poll)));
        let left = tuning.batch_results_patience.saturating_sub(since.elapsed());
        let is_told = self.journal().held_from(&row.id, 0, 1)?.iter().any(|held| held.is_told);
        Ok((!is_told && !left.is_zero()).then_some(time.min(left)))
    }

    fn is_over(&mut self, watched: &mut Watched) -> Result<(), LedgerError> {
        match watched.lock.take() {
            Some(lock) => self.discard(&watched.id, lock),
            None => Ok(()),
        }
    }

    /// The time until the next look, which grows.
    fn grown(&self, watched: &mut Watched) -> Duration {
        let tuning = &self.endpoint.inner.tuning;
        let time = watched.interval;
        watched.interval = time.mul_f64(1.5).min(tuning.longest_batch_poll);
        time
    }

    /// A look failed: one looks again, unless that is of no use.
    fn not_seen(
        &mut self,
        watched: &mut Watched,
        row: &BatchRow,
        error: &AttemptError,
    ) -> Result<Looked, Halt<NoSource>> {
        let kind = error.failure.kind;
        if matches!(kind, ErrorKind::Auth | ErrorKind::NoCredentials | ErrorKind::NoCredit) {
            return Err(Halt::Down(error.failure.clone()));
        }
        if kind == ErrorKind::BadRequest {
            return self.unknown_there(watched, row, &error.failure);
        }
        let since = *watched.silent_since.get_or_insert_with(Instant::now);
        let patience = self.endpoint.inner.give_up_after.max(LEAST_PATIENCE);
        if since.elapsed() >= patience {
            let failure = &error.failure;
            let message = format!("{} (for {patience:?}; the batch goes on)", failure.message);
            return Err(Halt::Down(Failure { kind: failure.kind, message }));
        }
        watched.failures += 1;
        let time = self.grown(watched).max(error.wait.unwrap_or_default());
        self.tell_retry(error, watched.failures, time);
        Ok(Looked::Again(time))
    }

    /// The server does not know a batch. Long after, that is how it should be.
    fn unknown_there(
        &mut self,
        watched: &mut Watched,
        row: &BatchRow,
        failure: &Failure,
    ) -> Result<Looked, Halt<NoSource>> {
        if !self.is_kept(row) {
            self.is_over(watched)?;
            return Ok(Looked::Over);
        }
        let message = format!(
            "{} (batch {} was handed in before: is it another account's key, or was the batch deleted? \
             Delete {} to ask its requests again)",
            failure.message,
            row.remote_id.as_deref().unwrap_or_default(),
            self.journal().folder().display()
        );
        Err(Halt::Down(Failure { kind: failure.kind, message }))
    }

    fn unlockable(&self, error: &std::io::Error) -> LedgerError {
        let path = self.journal().folder().display().to_string();
        LedgerError::Unusable { path, detail: error.to_string() }
    }
}

impl Watched {
    fn new(id: String, interval: Duration) -> Self {
        Self {
            id,
            lock: None,
            next_at: Instant::now(),
            interval,
            silent_since: None,
            failures: 0,
            broken: None,
            seen: BatchesWaiting::default(),
        }
    }
}
