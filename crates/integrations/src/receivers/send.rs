//! Delivering what waits in an outbox: one after the other to each receiver, several receivers at once, and again with growing
//! waits.
//!
//! Each attempt is written down before it begins. Where a sender is killed in the middle, or no answer comes, nobody knows
//! whether the receiver has the message: it goes out again at once where the receiver can tell a repetition, else after
//! [`DOUBT`].

use std::{
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant},
};

use evalmark_core::receiver::ReceiverSecrets;
use evalmark_net::Threads;
use evalmark_report::run_message::RunMessage;
use evalmark_store::{
    Redact,
    outbox::{Outbox, OutboxEntry, OutboxError, OutboxLock, OutboxState},
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    courier::{DeliveryError, Fate},
    definition::{Letter, Row},
    network::Network,
    rows,
    samples::samples_file,
};

/// The wait after the first failed attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait, also where a server asks for more.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The wait before a message that may have arrived goes out again to a receiver that cannot tell a repetition.
const DOUBT: Duration = Duration::from_mins(15);

/// The wait after something that only a change by somebody mends.
const REFUSED: Duration = Duration::from_hours(1);

/// How long a message is tried.
const GIVEN_UP: Duration = Duration::from_hours(24 * 7);

/// Receivers that are told at once.
const AT_ONCE: usize = 8;

/// How it is sent.
#[derive(Clone, Copy)]
pub struct SendOptions<'a> {
    /// Where secrets come from.
    pub secrets: &'a dyn ReceiverSecrets,
    /// How long another sender is waited for.
    pub lock_wait: Duration,
    /// How long it goes on where something is left.
    pub wait: Duration,
    /// Whether waits of earlier attempts count; somebody who has mended something wants to see it go out now.
    pub keeps_waits: bool,
    /// Takes secrets out of what is written.
    pub redact: Redact,
    /// Hears what becomes of each attempt.
    pub hear: &'a (dyn Fn(&DeliveryEvent<'_>) + Sync),
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug)]
pub enum DeliveryEvent<'a> {
    /// A message was delivered.
    Sent(&'a OutboxEntry),
    /// It was not, or nobody knows; the entry says why and what follows.
    Failed(&'a OutboxEntry),
    /// It is not tried any more.
    GivenUp(&'a OutboxEntry),
}

/// What was sent, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendOutcome {
    /// Messages that were delivered.
    pub n_sent: u64,
    /// Messages that wait.
    pub n_waiting: u64,
}

/// Delivers what waits, until nothing does or the time is over.
pub fn send_all(outbox: &Outbox, options: &SendOptions<'_>) -> Result<SendOutcome, OutboxError> {
    let began = Instant::now();
    let lock = outbox.lock(options.lock_wait)?;
    let threads = Threads::start()
        .map_err(|source| OutboxError::Io { path: outbox.folder().to_owned(), source })?;
    let sender = Sender { outbox, lock: &lock, threads: &threads, options };
    let (mut n_sent, mut is_first) = (0, true);
    loop {
        n_sent += sender.pass(is_first && !options.keeps_waits)?;
        is_first = false;
        let (waiting, _) = outbox.entries(OutboxState::Pending)?;
        let left = options.wait.saturating_sub(began.elapsed());
        if waiting.is_empty() || left.is_zero() {
            lock.prune(outbox)?;
            return Ok(SendOutcome { n_sent, n_waiting: waiting.len() as u64 });
        }
        sleep(left.min(Duration::from_millis(100)));
    }
}

struct Sender<'a> {
    outbox: &'a Outbox,
    lock: &'a OutboxLock,
    threads: &'a Threads,
    options: &'a SendOptions<'a>,
}

impl Sender<'_> {
    /// Tries what is due once; answers with how much was delivered.
    fn pass(&self, ignores_waits: bool) -> Result<u64, OutboxError> {
        let (entries, _) = self.outbox.entries(OutboxState::Pending)?;
        let mut queues: BTreeMap<String, Vec<OutboxEntry>> = BTreeMap::new();
        for entry in entries {
            let receiver = &entry.receiver;
            let queue = format!("{} {}", receiver.kind, receiver.params);
            queues.entry(queue).or_default().push(entry);
        }
        let queues: Vec<_> = queues.into_values().collect();
        let mut n_sent = 0;
        for together in queues.chunks(AT_ONCE) {
            let counts = std::thread::scope(|scope| {
                let told = |queue: &'_ [OutboxEntry]| self.queue(queue.to_vec(), ignores_waits);
                let running: Vec<_> =
                    together.iter().map(|queue| scope.spawn(move || told(queue))).collect();
                let joined = running.into_iter().map(|thread| thread.join().unwrap_or(Ok(0)));
                joined.collect::<Result<Vec<_>, _>>()
            });
            n_sent += counts?.into_iter().sum::<u64>();
        }
        Ok(n_sent)
    }

    /// Tells one receiver what is due, the oldest first. Where one attempt fails, the others wait for the next pass: a server
    /// that is down is not asked for each.
    fn queue(&self, queue: Vec<OutboxEntry>, ignores_waits: bool) -> Result<u64, OutboxError> {
        let mut n_sent = 0;
        for mut entry in queue {
            if self.lock.is_settled(self.outbox, &entry.id) {
                self.lock.drop_pending(self.outbox, &entry.id)?;
                continue;
            }
            let now = Timestamp::now();
            if since(entry.created_at, now) > GIVEN_UP {
                self.lock.settle(self.outbox, OutboxState::GivenUp, &entry, self.options.redact)?;
                (self.options.hear)(&DeliveryEvent::GivenUp(&entry));
                continue;
            }
            let row = rows().iter().find(|row| row.kind.name == entry.receiver.kind);
            if let Some(row) = row
                && self.is_left_alone(&mut entry, row, ignores_waits, now)?
            {
                continue;
            }
            if !self.attempt(entry, row)? {
                break;
            }
            n_sent += 1;
        }
        Ok(n_sent)
    }

    /// Whether an entry waits for longer: it is not due, or may have arrived not long ago.
    fn is_left_alone(
        &self,
        entry: &mut OutboxEntry,
        row: &Row,
        ignores_waits: bool,
        now: Timestamp,
    ) -> Result<bool, OutboxError> {
        // An earlier sender was killed in the middle of an attempt.
        if let Some(began) = entry.sending_since.take() {
            entry.is_in_doubt = true;
            entry.last_error = Some("the sender ended before the receiver answered".to_owned());
            if !row.about.tells_repetitions {
                entry.not_before = later(began, DOUBT);
            }
            self.lock.update(self.outbox, entry, self.options.redact)?;
        }
        let is_certain = !entry.is_in_doubt || row.about.tells_repetitions;
        Ok(!(entry.is_due(now) || ignores_waits && is_certain))
    }

    /// One attempt; answers whether it was delivered.
    fn attempt(&self, mut entry: OutboxEntry, row: Option<&Row>) -> Result<bool, OutboxError> {
        let redact = self.options.redact;
        entry.attempts += 1;
        entry.sending_since = Some(Timestamp::now());
        self.lock.update(self.outbox, &entry, redact)?;
        let delivered = self.deliver(&entry, row);
        entry.sending_since = None;
        let now = Timestamp::now();
        match delivered {
            Ok(receipt) => {
                entry.receipt = receipt;
                entry.progress = None;
                entry.sent_at = Some(now);
                entry.is_in_doubt = false;
                (entry.not_before, entry.last_error) = (None, None);
                self.lock.settle(self.outbox, OutboxState::Sent, &entry, redact)?;
                (self.options.hear)(&DeliveryEvent::Sent(&entry));
                Ok(true)
            }
            Err(error) => {
                let tells = row.is_some_and(|row| row.about.tells_repetitions);
                let backoff = backoff(entry.attempts);
                let wait = match error.fate {
                    Fate::NotArrived(asked) => {
                        asked.unwrap_or_default().min(LONGEST_ASKED).max(backoff)
                    }
                    Fate::InDoubt if tells => backoff,
                    Fate::InDoubt => DOUBT,
                    Fate::Refused => REFUSED,
                };
                entry.is_in_doubt = error.fate == Fate::InDoubt;
                entry.not_before = later(now, wait);
                entry.last_error = Some(error.message);
                entry.progress = error.progress.map(|progress| *progress).or(entry.progress);
                self.lock.update(self.outbox, &entry, redact)?;
                (self.options.hear)(&DeliveryEvent::Failed(&entry));
                Ok(false)
            }
        }
    }

    fn deliver(
        &self,
        entry: &OutboxEntry,
        row: Option<&Row>,
    ) -> Result<Option<Value>, DeliveryError> {
        let row = row.ok_or_else(|| {
            let kind = entry.receiver.kind.escape_debug();
            DeliveryError::refused(format!("this version has no receiver `{kind}`"))
        })?;
        let message: RunMessage = serde_json::from_value(entry.message.clone())
            .map_err(|error| DeliveryError::refused(format!("the message: {error}")))?;
        let earlier = if row.about.updates { self.earlier(entry, &message) } else { None };
        let samples = samples_file(self.outbox.folder(), &message);
        let letter = Letter {
            id: &entry.id,
            created_at: &entry.created_at.to_string(),
            message: &message,
            template: entry.receiver.template.as_deref(),
            earlier: earlier.as_ref(),
            progress: entry.progress.as_ref(),
            samples: samples.as_deref(),
        };
        let mut network = Network {
            secrets: self.options.secrets,
            threads: self.threads,
            folder: self.outbox.folder(),
            used: Vec::new(),
        };
        (row.deliver)(&entry.receiver.params, &letter, &mut network)
    }

    /// What the receiver answered to the last message about the same run.
    fn earlier(&self, entry: &OutboxEntry, message: &RunMessage) -> Option<Value> {
        let (sent, _) = self.outbox.entries(OutboxState::Sent).ok()?;
        let is_about_it = |other: &OutboxEntry| {
            other.receiver.kind == entry.receiver.kind
                && other.receiver.params == entry.receiver.params
                && other.message["suite"] == *message.suite
                && other.message["run_id"] == *message.run_id
        };
        sent.into_iter().rev().filter(is_about_it).find_map(|other| other.receipt)
    }
}

fn backoff(attempts: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST_WAIT)
}

fn later(moment: Timestamp, wait: Duration) -> Option<Timestamp> {
    moment.checked_add(wait).ok()
}

fn since(earlier: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(earlier).unsigned_abs()
}
