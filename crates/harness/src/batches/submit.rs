//! Handing a batch in: its file is uploaded, the batch created, and each step written down before or
//! after it. Whether a creation came through that nobody acknowledged is found out before it is tried
//! again.

use std::{fs, future::Future, time::Duration};

use evalmark_core::record::ErrorKind;
use evalmark_net::HttpRequest;

use super::{
    ask::{BatchAsk, Halt, NoSource},
    gather::number_of,
    journal::{BatchRow, Step},
    result_lines::{ResultLine, ResultLines},
    spool::{BatchLock, spool_path},
};
use crate::{
    ledger::LedgerError,
    providers::batch_wire::{BatchPage, NewBatch, Recognition, RemoteBatch, RemoteState},
    reply::{AttemptError, FaultScope, Retryable},
};

/// Pages of the server's list of batches that one looks through.
const PAGES: usize = 100;
/// How far the server's clock may be off, microseconds.
const CLOCK_SKEW_US: i64 = 10 * 60 * 1_000_000;

/// How far handing in came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submitted {
    /// The server has the batch, or the batch is no more.
    Done,
    /// It is not known yet; one looks again after so long.
    Later(Duration),
}

/// What became of one step.
enum Taken {
    /// The journal has the next step.
    Next,
    /// The batch is no more.
    Gone,
    Later(Duration),
}

/// Why a step was not taken.
enum Untaken {
    Ledger(LedgerError),
    /// The server, or the way there.
    Server(AttemptError),
    /// A stop was requested.
    Stopped,
}

impl From<LedgerError> for Untaken {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<AttemptError> for Untaken {
    fn from(error: AttemptError) -> Self {
        Self::Server(error)
    }
}

impl BatchAsk<'_> {
    /// Hands in a sealed batch, or goes on with one whose handing in was broken off.
    pub(super) async fn submit(
        &mut self,
        id: &str,
        lock: &mut Option<BatchLock>,
    ) -> Result<Submitted, Halt<NoSource>> {
        let mut attempt = 0;
        loop {
            let Some(row) = self.journal().batch(id)? else { return Ok(Submitted::Done) };
            let taken = match row.step {
                Step::Created => return Ok(Submitted::Done),
                // Whoever wrote its file is no more.
                Step::Gathering => Ok(Taken::Gone),
                Step::Sealed | Step::Uploaded => self.hand_over(&row).await,
                Step::Creating => self.find(&row).await,
            };
            let error = match taken {
                Ok(Taken::Next) => continue,
                Ok(Taken::Gone) => {
                    if let Some(lock) = lock.take() {
                        self.discard(id, lock)?;
                    }
                    return Ok(Submitted::Done);
                }
                Ok(Taken::Later(time)) => return Ok(Submitted::Later(time)),
                Err(Untaken::Stopped) => return Ok(Submitted::Later(Duration::ZERO)),
                Err(Untaken::Ledger(error)) => return Err(error.into()),
                Err(Untaken::Server(error)) => error,
            };
            attempt += 1;
            let Some(delay) = self.endpoint.inner.retry.delay(&error, attempt) else {
                return Err(self.not_handed_in(id, lock, error)?);
            };
            self.tell_retry(&error, attempt, delay);
            if self.stop.unless(tokio::time::sleep(delay)).await.is_none() {
                return Ok(Submitted::Later(Duration::ZERO));
            }
        }
    }

    /// Lets go of a batch that the server does not take; one that it may have taken is kept.
    fn not_handed_in(
        &mut self,
        id: &str,
        lock: &mut Option<BatchLock>,
        error: AttemptError,
    ) -> Result<Halt<NoSource>, LedgerError> {
        let step = self.journal().batch(id)?.map(|row| row.step);
        let mut failure = error.failure;
        if step == Some(Step::Creating) {
            failure
                .message
                .push_str(" (whether the batch was created is found out at the next try)");
        } else if let Some(lock) = lock.take() {
            self.discard(id, lock)?;
        }
        Ok(Halt::Down(failure))
    }

    /// Uploads the file of a batch, or creates the batch.
    async fn hand_over(&self, row: &BatchRow) -> Result<Taken, Untaken> {
        let (wire, base) = (self.wire(), self.http.base());
        let path = spool_path(self.journal().folder(), &row.id);
        let entries = if row.file_id.is_some() { Ok(Vec::new()) } else { fs::read(&path) };
        let Ok(entries) = entries else { return Ok(Taken::Gone) };
        let timeout = self.long_timeout();
        if let (Some(files), None) = (wire.files(), &row.file_id) {
            let upload = || files.upload(base, &row.id, &entries);
            let exchange = self.http.batch_step(upload, timeout);
            let body = self.stop.unless(exchange).await.ok_or(Untaken::Stopped)?;
            let file_id = files.uploaded(&body.map_err(no_batch_api)?)?;
            self.journal().uploaded(&row.id, &file_id)?;
            return Ok(Taken::Next);
        }
        if self.stop.is_requested() {
            return Err(Untaken::Stopped);
        }
        self.journal().creating(&row.id, self.now_us())?;
        let new = NewBatch { name: &row.id, file_id: row.file_id.as_deref() };
        let create = || wire.create(base, new, entries.clone());
        let created = self.unless_abandoned(self.http.batch_step(create, timeout)).await;
        let created = created.ok_or(Untaken::Stopped)?.and_then(|body| wire.batch(&body));
        match created {
            Ok(remote) => self.is_created(row, &remote),
            Err(error) => {
                if is_refusal(&error) {
                    self.journal().not_created(&row.id)?;
                }
                Err(Untaken::Server(no_batch_api(error)))
            }
        }
    }

    fn is_created(&self, row: &BatchRow, remote: &RemoteBatch) -> Result<Taken, Untaken> {
        self.journal().created(&row.id, &remote.id)?;
        drop(fs::remove_file(spool_path(self.journal().folder(), &row.id)));
        Ok(Taken::Next)
    }

    /// What becomes of a step that may buy something: a stop waits for it as for requests in flight.
    async fn unless_abandoned<F: Future>(&self, step: F) -> Option<F::Output> {
        tokio::select! {
            output = step => Some(output),
            () = self.stop.abandoned(self.endpoint.inner.tuning.grace) => None,
        }
    }

    /// Looks whether the server has a batch whose creation was not acknowledged.
    async fn find(&self, row: &BatchRow) -> Result<Taken, Untaken> {
        let mut open = false;
        let mut behind = None;
        for _ in 0..PAGES {
            let page = self.page(behind.as_deref()).await?;
            let is_last = page.next.is_none() || page.batches.iter().any(|b| is_before(b, row));
            for batch in &page.batches {
                match self.is_own(row, batch).await? {
                    Some(true) => return self.is_created(row, batch),
                    Some(false) => {}
                    None => open = true,
                }
            }
            if is_last {
                break;
            }
            behind = page.next;
        }
        let tuning = &self.endpoint.inner.tuning;
        if open {
            return Ok(Taken::Later(tuning.longest_batch_poll.min(Duration::from_mins(1))));
        }
        let age = self.now_us().saturating_sub(row.submitted_at_us);
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        if age < tuning.batch_doubt {
            return Ok(Taken::Later(tuning.batch_doubt.saturating_sub(age)));
        }
        self.journal().not_created(&row.id)?;
        Ok(Taken::Next)
    }

    async fn page(&self, behind: Option<&str>) -> Result<BatchPage, Untaken> {
        let list = || self.wire().list(self.http.base(), behind);
        let body = self.ask_server(list).await?;
        let body = body.map_err(|mut error| {
            if matches!(error.failure.kind, ErrorKind::BadRequest) {
                let advice = format!(
                    " (whether a batch was created cannot be known without the server's list of \
                     batches; delete {} to ask its requests again)",
                    self.journal().folder().display()
                );
                error.failure.message.push_str(&advice);
            }
            error
        })?;
        Ok(self.wire().page(&body)?)
    }

    /// Whether the server's batch is ours; `None` where its results will tell.
    async fn is_own(&self, row: &BatchRow, batch: &RemoteBatch) -> Result<Option<bool>, Untaken> {
        if self.wire().recognition() == Recognition::Listed {
            let has_name = batch.name.as_deref() == Some(&*row.id);
            let has_file = batch.file_id.is_some() && batch.file_id == row.file_id;
            return Ok(Some(has_name || has_file));
        }
        let is_as_large = batch.total.is_none_or(|total| total == row.n_requests);
        if is_before(batch, row) || !is_as_large || self.journal().knows_remote(&batch.id)? {
            return Ok(Some(false));
        }
        if batch.state == RemoteState::Open {
            return Ok(None);
        }
        let Some(line) = self.first_line(batch).await? else { return Ok(Some(false)) };
        let result = self.http.line(line).and_then(|line| self.wire().result(&line));
        Ok(Some(result.is_some_and(|result| number_of(&row.id, &result.custom_id).is_some())))
    }

    /// The first line of a batch's results.
    async fn first_line(&self, batch: &RemoteBatch) -> Result<Option<Vec<u8>>, Untaken> {
        let requests = self.wire().results(self.http.base(), batch);
        let Some(request) = requests.first() else { return Ok(None) };
        let timeout = self.long_timeout();
        let mut response = self.http.open_results(|| request.clone(), timeout).await?;
        let mut lines = ResultLines::new(self.http.response_limit());
        while let Some(piece) = self.http.next_piece(&mut response, timeout).await? {
            if let Some(line) = lines.push(&piece).into_iter().next() {
                return Ok(whole(line));
            }
        }
        Ok(lines.finish().and_then(whole))
    }

    /// Asks the server for something that buys nothing.
    pub(super) async fn ask_server_now(
        &self,
        request: impl Fn() -> HttpRequest,
    ) -> Option<Result<String, AttemptError>> {
        let timeout = self.endpoint.inner.timeout;
        self.stop.unless(self.http.batch_step(request, timeout)).await
    }

    async fn ask_server(
        &self,
        request: impl Fn() -> HttpRequest,
    ) -> Result<Result<String, AttemptError>, Untaken> {
        self.ask_server_now(request).await.ok_or(Untaken::Stopped)
    }
}

fn whole(line: ResultLine) -> Option<Vec<u8>> {
    match line {
        ResultLine::Whole(line) => Some(line),
        ResultLine::TooLong(_) => None,
    }
}

/// Whether a batch at the server was created before ours can have been.
fn is_before(batch: &RemoteBatch, row: &BatchRow) -> bool {
    let earliest = row.submitted_at_us.saturating_sub(CLOCK_SKEW_US);
    batch.created_at_us.is_some_and(|created_at| created_at < earliest)
}

/// Whether the server certainly did not do what it was asked to.
fn is_refusal(error: &AttemptError) -> bool {
    use ErrorKind::{Auth, BadRequest, NoCredit, RateLimited};
    matches!(error.failure.kind, Auth | BadRequest | NoCredit | RateLimited)
}

/// Where there is no such path, there may be no batch API.
fn no_batch_api(mut error: AttemptError) -> AttemptError {
    let message = &mut error.failure.message;
    if message.starts_with("HTTP 404") || message.starts_with("HTTP 405") {
        message.push_str(" (`mode: batch` needs a server with the provider's batch API)");
    }
    if error.retryable == Retryable::Never && error.fault_scope == FaultScope::Request {
        error.fault_scope = FaultScope::Endpoint;
    }
    error
}
