//! Results on their way into the ledger. A request counts as ended once its answer is on the disk: what
//! is read twice is the same.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use evalmark_core::{
    record::{Failure, Record, Timing},
    request::Request,
};
use tokio::sync::mpsc;

use super::{
    ask::BatchAsk,
    gather::number_of,
    journal::{BatchRow, Held, HeldEnd},
    result_lines::{ResultLine, ResultLines},
    settle::{cancelled, empty, expired},
};
use crate::{
    json_repair::mended,
    ledger::{Entry, LedgerError, sync_ledger},
    providers::batch_wire::{BatchResult, RemoteBatch, ResultEnd},
    reply::{Answer, AttemptError, Retryable},
};

/// Results that are committed together.
pub(super) const CHUNK: usize = 256;
/// Bytes of answers after which a chunk is full.
const CHUNK_BYTES: usize = 8 << 20;
/// Bytes of results that come compressed, at most: they are held as a whole.
const MOST_COMPRESSED: usize = 512 << 20;

/// What came of reading results.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Lines that say nothing of any request.
    pub(super) unreadable: u64,
    /// Requests that have a line, and those whose line is a success.
    pub(super) seen: HashSet<u64>,
    pub(super) succeeded: HashSet<u64>,
    /// Requests that the batch still holds and of which no line is an answer.
    pub(super) failures: BTreeMap<u64, AttemptError>,
    /// What the server says instead of results.
    pub(super) not_found: Option<String>,
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
pub(super) struct Chunk {
    ended: Vec<Ended>,
    numbers: HashSet<u64>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Ended {
    pub(super) held: Held,
    pub(super) end: HeldEnd,
    /// What the ledger gets.
    pub(super) record: Option<Record>,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.ended.len() >= CHUNK || self.bytes >= CHUNK_BYTES
    }

    pub(super) fn add(&mut self, ended: Ended) {
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
        let read = self.read_files(row, remote, &mut chunk, &mut collected).await;
        self.commit(row, &mut chunk).await?;
        match read {
            Err(Uncollected::Server(AttemptError { failure, .. }))
                if failure.message.starts_with("HTTP 404") && self.is_kept(row) =>
            {
                collected.not_found = Some(failure.message);
            }
            read => read?,
        }
        Ok(collected)
    }

    async fn read_files(
        &self,
        row: &BatchRow,
        remote: &RemoteBatch,
        chunk: &mut Chunk,
        collected: &mut Collected,
    ) -> Result<(), Uncollected> {
        let timeout = self.long_timeout();
        for request in self.wire().results(self.http.base(), remote) {
            let mut response = self.http.open_results(|| request.clone(), timeout).await?;
            let mut lines = ResultLines::new(self.http.response_limit());
            if response.is_compressed() {
                let body = self.http.whole_results(response, MOST_COMPRESSED).await?;
                self.take_lines(row, lines.push(&body), chunk, collected).await?;
            } else {
                while let Some(piece) = self.http.next_piece(&mut response, timeout).await? {
                    self.take_lines(row, lines.push(&piece), chunk, collected).await?;
                }
            }
            let last = lines.finish().into_iter().collect();
            self.take_lines(row, last, chunk, collected).await?;
        }
        Ok(())
    }

    /// Takes in answers at once. A failure counts when all is read, unless an answer to the same request
    /// stands elsewhere.
    async fn take_lines(
        &self,
        row: &BatchRow,
        lines: Vec<ResultLine>,
        chunk: &mut Chunk,
        collected: &mut Collected,
    ) -> Result<(), LedgerError> {
        for line in lines {
            let read = self.read_line(row, line).filter(|(number, _)| *number < row.n_requests);
            let Some((number, end)) = read else {
                collected.unreadable += 1;
                continue;
            };
            collected.seen.insert(number);
            if matches!(end, ResultEnd::Response { status: 200..300, .. }) {
                collected.succeeded.insert(number);
            }
            if chunk.numbers.contains(&number) {
                continue;
            }
            // What the batch does not hold, or no longer, is somebody else's or has ended.
            let Some(held) = self.journal().held(&row.id, number)? else { continue };
            let answer = match self.answer(end) {
                Ok(answer) => answer,
                Err(error) => {
                    collected.failures.entry(number).or_insert(error);
                    continue;
                }
            };
            self.endpoint.inner.breaker.answered();
            collected.failures.remove(&number);
            let record = Some(Self::answered(row, held, answer));
            chunk.add(Ended { held, end: HeldEnd::Answered, record });
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

    /// The answer that a result is.
    fn answer(&self, end: ResultEnd) -> Result<Answer, AttemptError> {
        match end {
            ResultEnd::Response { status, body } => {
                let model = self.endpoint.inner.model.clone();
                self.http.batch_answer(status, &body, &Request::chat(model, [], Arc::default(), 0))
            }
            ResultEnd::Empty => Err(empty()),
            ResultEnd::Expired => Err(expired()),
            ResultEnd::Cancelled => Err(cancelled()),
        }
    }

    /// Ends the requests of which no result is an answer; why the model takes no more requests, if one
    /// says so.
    pub(super) async fn take_failures(
        &self,
        row: &BatchRow,
        failures: BTreeMap<u64, AttemptError>,
    ) -> Result<Option<Failure>, LedgerError> {
        let (mut chunk, mut down) = (Chunk::default(), None);
        for (number, error) in failures {
            let Some(held) = self.journal().held(&row.id, number)? else { continue };
            if self.endpoint.inner.breaker.failed(&error) {
                down.get_or_insert_with(|| error.failure.clone());
            }
            chunk.add(self.failed(row, held, &error));
            if chunk.is_full() {
                self.commit(row, &mut chunk).await?;
            }
        }
        self.commit(row, &mut chunk).await?;
        Ok(down)
    }

    /// A request that came back without an answer: it is asked again where that may help.
    pub(super) fn failed(&self, row: &BatchRow, held: Held, error: &AttemptError) -> Ended {
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
    pub(super) async fn commit(
        &self,
        row: &BatchRow,
        chunk: &mut Chunk,
    ) -> Result<(), LedgerError> {
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
            let (address, receipt) = ((inner.id, held.hash), move |result| drop(told.send(result)));
            inner.writer.put(Entry::new(address, self.run_id.into(), record, receipt));
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
}
