//! Results on their way into the ledger. A request counts as ended once its answer is on the disk: what
//! is read twice is the same.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use evalmark_core::{
    record::{ErrorKind, Failure, Record, Timing},
    request::Request,
};
use tokio::sync::mpsc;

use super::{
    ask::{BatchAsk, Halt, NoSource},
    gather::number_of,
    journal::{BatchRow, Held, HeldEnd},
    result_lines::{ResultLine, ResultLines},
};
use crate::{
    json_repair::mended,
    ledger::{Entry, LedgerError, sync_ledger},
    providers::batch_wire::{BatchProblem, BatchResult, Leftover, RemoteBatch, ResultEnd},
    reply::{Answer, AttemptError, Retryable},
};

/// Results that are committed together.
const CHUNK: usize = 256;
/// Bytes of answers after which a chunk is full.
const CHUNK_BYTES: usize = 8 << 20;
/// Bytes of results that come compressed, at most: they are held as a whole.
const MOST_COMPRESSED: usize = 512 << 20;
/// The pause after a batch that was refused because others are at work, the first time.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// What came of reading results.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Lines that say nothing of any request.
    pub(super) unreadable: u64,
    /// Why the model takes no more requests, if a result says so.
    pub(super) down: Option<Failure>,
}

/// Why results were not read to their end.
#[derive(Debug)]
pub(super) enum Uncollected {
    Ledger(LedgerError),
    Server(AttemptError),
}

impl From<LedgerError> for Uncollected {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<AttemptError> for Uncollected {
    fn from(error: AttemptError) -> Self {
        Self::Server(error)
    }
}

/// How requests ended, until they are committed together.
#[derive(Debug, Default)]
struct Chunk {
    ended: Vec<Ended>,
    numbers: HashSet<u64>,
    bytes: usize,
}

#[derive(Debug)]
struct Ended {
    held: Held,
    end: HeldEnd,
    /// What the ledger gets.
    record: Option<Record>,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.ended.len() >= CHUNK || self.bytes >= CHUNK_BYTES
    }

    fn add(&mut self, ended: Ended) {
        let output = ended.record.as_ref().and_then(|record| record.output.as_ref());
        self.bytes += output.map_or(0, String::len);
        self.numbers.insert(ended.held.number);
        self.ended.push(ended);
    }
}

impl BatchAsk<'_> {
    /// Puts the results of a batch into the ledger; `None` at a stop.
    pub(super) async fn collect(
        &mut self,
        row: &BatchRow,
        remote: &RemoteBatch,
    ) -> Option<Result<Collected, Uncollected>> {
        let stop = self.stop.clone();
        stop.unless(self.collect_all(row, remote)).await
    }

    async fn collect_all(
        &mut self,
        row: &BatchRow,
        remote: &RemoteBatch,
    ) -> Result<Collected, Uncollected> {
        let (mut collected, mut chunk) = (Collected::default(), Chunk::default());
        let timeout = self.long_timeout();
        for request in self.wire().results(self.http.base(), remote) {
            let mut response = self.http.open_results(|| request.clone(), timeout).await?;
            let mut lines = ResultLines::new(self.http.response_limit());
            if response.is_compressed() {
                let body = self.http.whole_results(response, MOST_COMPRESSED).await?;
                self.take_lines(row, lines.push(&body), &mut chunk, &mut collected).await?;
            } else {
                while let Some(piece) = self.http.next_piece(&mut response, timeout).await? {
                    self.take_lines(row, lines.push(&piece), &mut chunk, &mut collected).await?;
                }
            }
            let last = lines.finish().into_iter().collect();
            self.take_lines(row, last, &mut chunk, &mut collected).await?;
        }
        self.commit(row, &mut chunk).await?;
        Ok(collected)
    }

    async fn take_lines(
        &mut self,
        row: &BatchRow,
        lines: Vec<ResultLine>,
        chunk: &mut Chunk,
        collected: &mut Collected,
    ) -> Result<(), LedgerError> {
        for line in lines {
            let Some((number, end)) = self.read_line(row, line) else {
                collected.unreadable += 1;
                continue;
            };
            if chunk.numbers.contains(&number) {
                continue;
            }
            // What the batch does not hold, or no longer, is somebody else's or has ended.
            let Some(held) = self.journal().held(&row.id, number)? else { continue };
            let ended = self.ended(row, held, end, collected);
            chunk.add(ended);
            if chunk.is_full() {
                self.commit(row, chunk).await?;
            }
        }
        Ok(())
    }

    /// Which request a line is about, and how that ended.
    fn read_line(&self, row: &BatchRow, line: ResultLine) -> Option<(u64, ResultEnd)> {
        match line {
            ResultLine::Whole(line) => {
                let line = self.http.line(line)?;
                let line = line.trim_start_matches('\u{feff}');
                let read = |line: &str| self.wire().result(line);
                let BatchResult { custom_id, end } = read(line).or_else(|| read(&mended(line)?))?;
                Some((number_of(&row.id, &custom_id)?, end))
            }
            ResultLine::TooLong(beginning) => {
                let beginning = String::from_utf8_lossy(&beginning);
                let (_, behind) = beginning.split_once("\"custom_id\"")?;
                let id = behind.trim_start_matches([':', ' ', '"']).split('"').next()?;
                let message = format!(
                    "{{\"error\":{{\"message\":\"the answer is larger than {} bytes\"}}}}",
                    self.http.response_limit()
                );
                let end = ResultEnd::Response { status: 413, body: message };
                Some((number_of(&row.id, id)?, end))
            }
        }
    }

    /// What becomes of a request.
    fn ended(
        &self,
        row: &BatchRow,
        held: Held,
        end: ResultEnd,
        collected: &mut Collected,
    ) -> Ended {
        let inner = &self.endpoint.inner;
        let result = match end {
            ResultEnd::Response { status, body } => {
                let request = Request::chat(inner.model.clone(), [], Arc::default(), 0);
                self.http.batch_answer(status, &body, &request)
            }
            ResultEnd::Expired => Err(expired()),
            ResultEnd::Cancelled => Err(cancelled()),
        };
        match result {
            Ok(answer) => {
                inner.breaker.answered();
                let record = Self::answered(row, held, answer);
                Ended { held, end: HeldEnd::Answered, record: Some(record) }
            }
            Err(error) => {
                if inner.breaker.failed(&error) {
                    collected.down.get_or_insert(error.failure.clone());
                }
                self.failed(row, held, &error)
            }
        }
    }

    /// A request that came back without an answer: it is asked again where that may help.
    fn failed(&self, row: &BatchRow, held: Held, error: &AttemptError) -> Ended {
        let attempts = held.attempts + 1;
        if error.retryable == Retryable::Yes && self.endpoint.inner.retry.may_try(attempts) {
            return Ended { held, end: HeldEnd::Again, record: None };
        }
        let Failure { kind, message } = error.failure.clone();
        let record = Record {
            timing: Timing { started_at_us: row.submitted_at_us, ..Timing::default() },
            ..Record::failed(kind, message, attempts)
        };
        Ended { held, end: HeldEnd::Failed, record: Some(record) }
    }

    fn answered(row: &BatchRow, held: Held, answer: Answer) -> Record {
        let mut details = answer.details.unwrap_or_default();
        details.is_batch = true;
        Record {
            outcome: answer.outcome,
            output: Some(answer.output),
            finish_reason: answer.finish_reason,
            failure: None,
            attempts: held.attempts + 1,
            // How long the answer itself took nobody tells.
            timing: Timing { started_at_us: row.submitted_at_us, ..Timing::default() },
            usage: answer.usage,
            cached: false,
            details: Some(details),
        }
    }

    /// Commits answers to the ledger, and then to the journal that the requests have ended.
    async fn commit(&self, row: &BatchRow, chunk: &mut Chunk) -> Result<(), LedgerError> {
        let Chunk { ended, .. } = std::mem::take(chunk);
        if ended.is_empty() {
            return Ok(());
        }
        let inner = &self.endpoint.inner;
        let (told, mut committed) = mpsc::unbounded_channel();
        let mut ends = Vec::with_capacity(ended.len());
        for Ended { held, end, record } in ended {
            ends.push((held.number, end));
            let Some(record) = record else { continue };
            let told = told.clone();
            inner.writer.put(Entry {
                endpoint: inner.id,
                hash: held.hash,
                run_id: Arc::from(self.run_id),
                record,
                receipt: Box::new(move |result| drop(told.send(result))),
            });
        }
        drop(told);
        inner.writer.flush();
        let mut answered = Vec::new();
        while let Some(result) = committed.recv().await {
            answered.push(result?);
        }
        sync_ledger(self.endpoint.ledger().path())?;
        self.journal().ended(&row.id, &ends, &self.ask_id)?;
        for record in answered.iter().filter(|record| record.has_answer()) {
            self.pay(row, record);
        }
        Ok(())
    }

    /// Counts what an answer cost.
    fn pay(&self, row: &BatchRow, record: &Record) {
        let n = row.n_requests.max(1);
        let estimate = (row.tokens.0 / n, row.tokens.1 / n);
        let (usage, details) = (record.usage, record.details.as_deref());
        let ((_, output), _) = self.budget.spend(estimate, self.price(), usage, details);
        self.endpoint.inner.longest_answer.fetch_max(output, Ordering::Relaxed);
    }

    /// Ends the requests of a batch that have no result.
    pub(super) async fn settle_leftover(
        &self,
        row: &BatchRow,
        leftover: Leftover,
    ) -> Result<(), LedgerError> {
        let error = match leftover {
            Leftover::Expired => expired(),
            Leftover::Cancelled => cancelled(),
            Leftover::None => {
                let message = "the batch's results have no readable line for this request; it was \
                               probably answered, and `evalmark resume` asks it again";
                AttemptError::new(ErrorKind::Malformed, message.to_owned(), Retryable::Never)
            }
        };
        self.end_all(row, |_| error_of(&error)).await
    }

    /// Ends all requests of a batch that the server refused. Where that may pass, it says how long to
    /// wait before they are handed in again.
    pub(super) async fn refused(
        &self,
        row: &BatchRow,
        problems: &[BatchProblem],
    ) -> Result<Option<Duration>, Halt<NoSource>> {
        let whole = problems.iter().find(|problem| problem.number.is_none());
        let first = problems.first();
        let may_pass = match (whole, first) {
            (Some(problem), _) => problem.may_pass(),
            // Requests beside those that are named are asked again without them.
            (None, Some(_)) => true,
            (None, None) => false,
        };
        let most = self.journal().first_held(&row.id, 1)?.first().map_or(0, |held| held.attempts);
        let of_all = {
            let why = whole.or(first).map_or("the provider does not say why", |p| &p.message);
            let message = format!("the batch was refused: {}", evalmark_net::one_line(why));
            let retryable = if may_pass { Retryable::Yes } else { Retryable::Never };
            let kind = if may_pass { ErrorKind::RateLimited } else { ErrorKind::BadRequest };
            AttemptError::new(kind, message, retryable)
        };
        let named = |held: &Held| {
            let own = problems.iter().find(|problem| problem.number == Some(held.number));
            own.map_or_else(
                || error_of(&of_all),
                |problem| {
                    let message = evalmark_net::one_line(&problem.message);
                    AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
                },
            )
        };
        self.end_all(row, named).await?;
        let doubled = REFUSED_PAUSE.saturating_mul(2_u32.saturating_pow(most));
        let pause = doubled.min(self.endpoint.inner.tuning.longest_batch_poll);
        Ok(whole.filter(|_| may_pass).map(|_| pause))
    }

    async fn end_all(
        &self,
        row: &BatchRow,
        error: impl Fn(&Held) -> AttemptError,
    ) -> Result<(), LedgerError> {
        loop {
            let held = self.journal().first_held(&row.id, CHUNK)?;
            if held.is_empty() {
                return Ok(());
            }
            let mut chunk = Chunk::default();
            for held in held {
                chunk.add(self.failed(row, held, &error(&held)));
            }
            self.commit(row, &mut chunk).await?;
        }
    }
}

impl BatchProblem {
    /// Whether the same batch may be taken later.
    fn may_pass(&self) -> bool {
        let code = self.code.to_ascii_lowercase();
        let passing =
            ["token_limit", "rate_limit", "quota", "server_error", "internal", "overload"];
        passing.iter().any(|word| code.contains(word)) && !code.contains("insufficient")
    }
}

fn expired() -> AttemptError {
    let message = "the batch expired before the provider came to this request".to_owned();
    AttemptError::new(ErrorKind::Timeout, message, Retryable::Yes)
}

/// Whoever ends a batch does not want it handed in again at once.
fn cancelled() -> AttemptError {
    let message =
        "the batch was cancelled at the provider; `evalmark resume` asks again".to_owned();
    AttemptError::new(ErrorKind::Server, message, Retryable::Never)
}

/// The same error for another request.
fn error_of(error: &AttemptError) -> AttemptError {
    let Failure { kind, message } = error.failure.clone();
    AttemptError::new(kind, message, error.retryable).with_fault_scope(error.fault_scope)
}
