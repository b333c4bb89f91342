//! One pass over the requests: what nobody has asked yet goes into batches, and batches that are full
//! are handed in.

use std::{collections::BTreeSet, io, sync::mpsc};

use evalmark_core::{
    record::{ErrorKind, Record},
    request::{Request, RequestHash},
};

use super::{
    ask::{BatchAsk, Halt, NoSource, new_id},
    journal::Known,
    spool::{BatchLock, Spool},
};
use crate::{
    ask::Ask,
    budget::Reservation,
    ledger::{Answers, Entry, LedgerError},
    providers::batch_wire::BatchWire,
    reply::{AttemptError, Retryable},
};

/// Requests that are looked up together.
const CHUNK: usize = 256;
/// Bytes of text after which a chunk is full.
const CHUNK_BYTES: usize = 4 << 20;

/// What a pass came to.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Batches that hold requests of this ask.
    pub(super) awaited: BTreeSet<String>,
    /// Whether the budget left out some.
    pub(super) left_out: bool,
    /// Whether all requests were looked at.
    pub(super) is_all: bool,
}

/// A batch while requests go into it.
struct Open<'a> {
    id: String,
    lock: BatchLock,
    spool: Spool,
    reservation: Option<Reservation<'a>>,
}

/// A request that goes into a batch.
struct Entering<'a> {
    hash: RequestHash,
    body: Vec<u8>,
    reservation: Reservation<'a>,
}

impl<'a> BatchAsk<'a> {
    pub(super) fn gather<T, E>(
        &mut self,
        requests: impl Iterator<Item = Result<Ask<T>, E>>,
    ) -> Result<Gathered, Halt<E>> {
        let answers = self.endpoint.answers(self.run_id)?;
        let mut open = None;
        let gathered = self.gather_into(&mut open, &answers, requests);
        match (open, &gathered) {
            (Some(open), Ok(gathered)) if gathered.is_all && !self.stop.is_requested() => {
                self.hand_in(open).map_err(Halt::anywhere)?;
            }
            // Nobody has bought anything of it.
            (Some(open), _) => self.discard(&open.id, open.lock)?,
            (None, _) => {}
        }
        gathered
    }

    fn gather_into<T, E>(
        &mut self,
        open: &mut Option<Open<'a>>,
        answers: &Answers,
        mut requests: impl Iterator<Item = Result<Ask<T>, E>>,
    ) -> Result<Gathered, Halt<E>> {
        let mut gathered = Gathered { awaited: BTreeSet::new(), left_out: false, is_all: false };
        loop {
            let (mut chunk, mut bytes) = (Vec::new(), 0);
            while chunk.len() < CHUNK
                && bytes < CHUNK_BYTES
                && let Some(ask) = requests.next()
            {
                let Ask { request, .. } = ask.map_err(Halt::Source)?;
                bytes += request.text_bytes();
                chunk.push(request);
            }
            if self.stop.is_requested() {
                return Ok(gathered);
            }
            if chunk.is_empty() {
                gathered.is_all = true;
                return Ok(gathered);
            }
            self.take_in(chunk, open, answers, &mut gathered)?;
        }
    }

    /// Puts what nobody has asked of a chunk into the open batch.
    fn take_in<E>(
        &mut self,
        chunk: Vec<Request>,
        open: &mut Option<Open<'a>>,
        answers: &Answers,
        gathered: &mut Gathered,
    ) -> Result<(), Halt<E>> {
        let hashes: Vec<_> = chunk.iter().map(Request::hash).collect();
        // Batches first: what one of them held and holds no more is in the ledger by now.
        let known = self.journal().known(&hashes, &self.ask_id)?;
        answers.begin()?;
        let mut free = Vec::new();
        for ((request, hash), known) in chunk.into_iter().zip(hashes).zip(known) {
            match known {
                Known::In(batch) => {
                    if !gathered.awaited.contains(&batch) {
                        self.set_aside_bought(&batch)?;
                        gathered.awaited.insert(batch);
                    }
                }
                Known::Failed => {}
                Known::Free => {
                    if answers.answer(&hash)?.is_none() {
                        free.push((request, hash));
                    }
                }
            }
        }
        answers.end()?;
        let mut entering = Vec::new();
        for (request, hash) in free {
            let body = match self.http.body_of(&request) {
                Ok(body) => body,
                Err(error) => {
                    self.refuse(hash, &error)?;
                    continue;
                }
            };
            match self.reserve(&request) {
                Some(reservation) => entering.push(Entering { hash, body, reservation }),
                None => gathered.left_out = true,
            }
        }
        self.enter(entering, open, gathered)
    }

    /// Claims requests, and writes down those that no other batch holds.
    fn enter<E>(
        &mut self,
        mut entering: Vec<Entering<'a>>,
        open: &mut Option<Open<'a>>,
        gathered: &mut Gathered,
    ) -> Result<(), Halt<E>> {
        let limits = self.wire().limits();
        let most = limits.requests.min(self.endpoint.inner.tuning.batch_requests).max(1);
        while !entering.is_empty() {
            if open.is_none() {
                *open = Some(self.begin()?);
            }
            let Some(batch) = open.as_mut() else { continue };
            let now = batch.fitting(&entering, most, limits.bytes, self.wire());
            if now == 0 {
                if batch.spool.entries() == 0 {
                    // Not even alone.
                    let Entering { hash, body, .. } = entering.remove(0);
                    self.refuse(hash, &too_large(body.len(), limits.bytes))?;
                } else if let Some(full) = open.take() {
                    self.hand_in(full).map_err(Halt::anywhere)?;
                }
                continue;
            }
            let rest = entering.split_off(now);
            gathered.awaited.insert(batch.id.clone());
            let hashes: Vec<_> = entering.iter().map(|entering| entering.hash).collect();
            let first = batch.spool.entries() as u64;
            let ours = self.journal().claim(&batch.id, &hashes, first, &self.ask_id)?;
            let others = self.journal().known(&hashes, &self.ask_id)?;
            for ((request, is_ours), known) in entering.into_iter().zip(ours).zip(others) {
                if is_ours {
                    let written = batch.add(request, self.wire());
                    written.map_err(|error| unwritable(self, &error))?;
                } else if let Known::In(other) = known {
                    gathered.awaited.insert(other);
                }
            }
            entering = rest;
        }
        Ok(())
    }

    fn begin(&self) -> Result<Open<'a>, LedgerError> {
        let (id, folder) = (new_id(), self.journal().folder());
        let begin = || {
            let lock = BatchLock::take(folder, &id)?.ok_or(io::ErrorKind::WouldBlock)?;
            let spool = Spool::create(folder, &id, self.wire().framing())?;
            Ok((lock, spool))
        };
        let (lock, spool) = begin().map_err(|error| unwritable(self, &error))?;
        self.journal().begin(&id)?;
        Ok(Open { id, lock, spool, reservation: None })
    }

    /// Seals a batch and hands it in. What is not known of that then is left to whoever waits for it.
    fn hand_in(&mut self, open: Open<'a>) -> Result<(), Halt<NoSource>> {
        let Open { id, lock, spool, reservation } = open;
        let n_requests = spool.entries() as u64;
        if n_requests == 0 {
            return Ok(self.discard(&id, lock)?);
        }
        spool.seal().map_err(|error| unwritable(self, &error))?;
        let tokens = reservation.as_ref().map_or((0, 0), Reservation::tokens);
        self.journal().seal(&id, n_requests, tokens)?;
        if let Some(reservation) = reservation {
            self.reservations.insert(id.clone(), reservation);
        }
        let handle = self.endpoint.handle().clone();
        let mut lock = Some(lock);
        handle.block_on(self.submit(&id, &mut lock)).map(drop)
    }

    /// A request that cannot even be handed in fails.
    fn refuse(&self, hash: RequestHash, error: &AttemptError) -> Result<(), LedgerError> {
        let failure = &error.failure;
        let record = Record::failed(failure.kind, failure.message.clone(), 0);
        let inner = &self.endpoint.inner;
        let (told, committed) = mpsc::channel();
        let receipt = move |result: Result<_, _>| drop(told.send(result.map(drop)));
        inner.writer.put(Entry::new((inner.id, hash), self.run_id.into(), record, receipt));
        inner.writer.flush();
        // A ledger that is closed tells nobody anything.
        committed.recv().unwrap_or(Ok(()))
    }
}

impl<'a> Open<'a> {
    /// How many of the requests fit, in their order.
    fn fitting(
        &self,
        entering: &[Entering<'_>],
        most: usize,
        most_bytes: usize,
        wire: &dyn BatchWire,
    ) -> usize {
        let room = most.saturating_sub(self.spool.entries());
        // Names of requests are about as long as this one.
        let around = wire.entry(&custom_id(&self.id, u64::MAX), b"").len() + 8;
        let mut bytes = self.spool.bytes_with(b"");
        let fits = |request: &&Entering<'_>| {
            bytes += around + request.body.len();
            bytes <= most_bytes
        };
        entering.iter().take(room).take_while(fits).count()
    }

    fn add(&mut self, request: Entering<'a>, wire: &dyn BatchWire) -> io::Result<()> {
        let number = self.spool.entries() as u64;
        self.spool.add(&wire.entry(&custom_id(&self.id, number), &request.body))?;
        match &mut self.reservation {
            Some(reservation) => reservation.merge(request.reservation),
            none => *none = Some(request.reservation),
        }
        Ok(())
    }
}

/// What a request is called in its batch.
fn custom_id(id: &str, number: u64) -> String {
    format!("{id}-{number}")
}

/// Which request of the batch `id` a name stands for; `None` where it is none of that batch.
pub(super) fn number_of(id: &str, custom_id: &str) -> Option<u64> {
    custom_id.strip_prefix(id)?.strip_prefix('-')?.parse().ok()
}

fn too_large(bytes: usize, most: usize) -> AttemptError {
    let message = format!("the request has {bytes} bytes, and a batch takes {most}");
    AttemptError::new(ErrorKind::TooLarge, message, Retryable::Never)
}

fn unwritable(asking: &BatchAsk<'_>, error: &io::Error) -> LedgerError {
    let path = asking.journal().folder().display().to_string();
    if error.kind() == io::ErrorKind::StorageFull {
        return LedgerError::Full { path };
    }
    LedgerError::Unusable { path, detail: error.to_string() }
}
