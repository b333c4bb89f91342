//! From the body of a request to lines that are stored: it is unpacked and read within bounds, its halves are joined, and
//! whoever sent it hears of it once the lines are kept.

use std::{
    io::Read,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
};

use evalmark_core::logs::LogDamage;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{
    MAX_BODY,
    joiner::{Half, Joined, Joiner, PATIENCE, SpanKey},
    reading::{Found, read_entries},
    span::Signal,
};

/// Bodies and lines that are not stored yet take no more than this, in KiB.
const MOST_HELD: usize = 64 << 10;

/// Requests whose lines wait to be stored.
pub(super) const MOST_WAITING: usize = 256;

/// Requests that are read at a time.
const READERS: usize = 2;

/// Lines of one request, on their way to whoever stores them.
pub(super) struct Sent {
    pub(super) lines: Vec<u8>,
    pub(super) n_lines: u64,
    pub(super) damaged: Vec<LogDamage>,
    pub(super) left_out: u64,
    /// Everybody who waits until they are stored.
    pub(super) waiters: Vec<oneshot::Sender<()>>,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Deflate,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Protobuf,
}

/// What was taken of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Entries that were refused.
    pub(super) n_refused: u64,
    /// Why the first was.
    pub(super) why: Option<String>,
}

/// Why nothing was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It cannot be read.
    Bad(String),
    /// It is too large.
    TooLarge,
    /// Later it may be taken.
    Busy,
}

/// Takes requests in.
pub(super) struct Intake {
    queue: SyncSender<Sent>,
    room: Arc<Semaphore>,
    readers: Semaphore,
    joiner: Joiner,
    with_attributes: bool,
}

/// The memory that a request takes.
pub(super) struct Held {
    room: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    n: usize,
}

impl Held {
    /// Makes room for a body of so many bytes.
    pub(super) fn grow(&mut self, n: usize) -> Result<(), Refusal> {
        if n > MAX_BODY {
            return Err(Refusal::TooLarge);
        }
        let (before, after) = (self.n.div_ceil(1024), n.div_ceil(1024));
        if after > before {
            let more = u32::try_from(after - before).map_err(|_| Refusal::TooLarge)?;
            let more = self.room.clone().try_acquire_many_owned(more).map_err(|_| Refusal::Busy)?;
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                none => *none = Some(more),
            }
            self.n = n;
        }
        Ok(())
    }

    /// Leaves the room to others.
    pub(super) fn release(&mut self) {
        (self.permit, self.n) = (None, 0);
    }
}

impl Intake {
    pub(super) fn new(queue: SyncSender<Sent>, with_attributes: bool) -> Self {
        Self {
            queue,
            room: Arc::new(Semaphore::new(MOST_HELD)),
            readers: Semaphore::new(READERS),
            joiner: Joiner::default(),
            with_attributes,
        }
    }

    /// Room for one request, which grows with it.
    pub(super) fn room(&self) -> Held {
        Held { room: self.room.clone(), permit: None, n: 0 }
    }

    /// Takes a request in; answers once what it holds is stored.
    pub(super) async fn take(
        self: &Arc<Self>,
        body: Vec<u8>,
        (packing, encoding, signal): (Packing, Encoding, Signal),
        mut held: Held,
    ) -> Result<Taken, Refusal> {
        let with_attributes = self.with_attributes;
        let turn = self.readers.acquire().await.map_err(|_| Refusal::Busy)?;
        let (found, held) = spawn_blocking(move || {
            let body = unpack(body, packing, &mut held)?;
            read_entries(&body, encoding, signal, with_attributes).map(|found| (found, held))
        })
        .await
        .map_err(|_| Refusal::Bad("it cannot be read".to_owned()))??;
        drop(turn);
        let taken = self.keep(found).await;
        drop(held);
        taken
    }

    async fn keep(&self, mut found: Found) -> Result<Taken, Refusal> {
        let (mut waits, mut halves) =
            (Vec::new(), WaitingHalves { joiner: &self.joiner, keys: Vec::new() });
        for half in std::mem::take(&mut found.halves) {
            let key = half.key();
            match self.joiner.join(half) {
                Joined::Ready(half) => found.add(*half),
                Joined::Waits(hears) => {
                    waits.push(hears);
                    halves.keys.push(key);
                }
            }
        }
        let mut taken = Taken::default();
        self.store(found, &mut taken).await?;
        let deadline = Instant::now() + PATIENCE;
        for hears in waits {
            match timeout_at(deadline, hears).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Refusal::Busy),
                Err(_) => break,
            }
        }
        let late = halves.take_back();
        if !late.is_empty() {
            let mut alone = Found::new(self.with_attributes);
            for half in late {
                alone.add(half);
            }
            self.store(alone, &mut taken).await?;
        }
        Ok(taken)
    }

    /// Hands lines over, and waits until they are stored.
    async fn store(&self, found: Found, taken: &mut Taken) -> Result<(), Refusal> {
        let Found { lines, n_lines, refused, left_out, mut waiters, .. } = found;
        if n_lines == 0 && refused.is_empty() && left_out == 0 {
            return Ok(());
        }
        taken.n_refused += refused.len() as u64;
        taken.why = taken.why.take().or_else(|| refused.first().map(ToString::to_string));
        let damaged = refused.into_iter();
        let damaged =
            damaged.map(|why| LogDamage { line: None, problem: format!("refused: {why}") });
        let (stored, hears) = oneshot::channel();
        waiters.push(stored);
        let sent = Sent { lines, n_lines, damaged: damaged.collect(), left_out, waiters };
        match self.queue.try_send(sent) {
            Ok(()) => hears.await.map_err(|_| Refusal::Busy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Refusal::Busy),
        }
    }
}

/// Halves of one request that wait; whoever sends it again brings them anew.
struct WaitingHalves<'a> {
    joiner: &'a Joiner,
    keys: Vec<SpanKey>,
}

impl WaitingHalves<'_> {
    fn take_back(&mut self) -> Vec<Half> {
        self.joiner.take_back(&std::mem::take(&mut self.keys))
    }
}

impl Drop for WaitingHalves<'_> {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// A body as it was before it was packed.
fn unpack(body: Vec<u8>, packing: Packing, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let mut reader: Box<dyn Read> = match packing {
        Packing::Plain => return Ok(body),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(&*body)),
        Packing::Deflate => Box::new(flate2::read::ZlibDecoder::new(&*body)),
    };
    let (mut unpacked, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let n = reader.read(&mut piece);
        match n.map_err(|error| Refusal::Bad(format!("the body cannot be unpacked: {error}")))? {
            0 => return Ok(unpacked),
            n => {
                held.grow(body.len().max(unpacked.len() + n))?;
                unpacked.extend_from_slice(&piece[..n]);
            }
        }
    }
}
