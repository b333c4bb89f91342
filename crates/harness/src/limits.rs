//! What a model may use: requests at once, requests and tokens a minute.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use evalmark_core::{record::Usage, request::Request};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    breaker::Others,
    bucket::Bucket,
    congestion::{Flow, Load, Quota, Ticket},
    event::{Hold, Holder},
};

/// Characters per token, for an estimate before the provider has counted.
const BYTES_PER_TOKEN: usize = 4;
/// Tokens of an answer, before any was seen, where the request sets no limit.
const FIRST_GUESS: u64 = 256;
/// Who waits looks again after this time: it may go sooner than it seemed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The shared limits of one model: those of the suite, and below them whatever the server bears.
#[derive(Debug)]
pub(crate) struct Limits {
    /// As many as the flow lets be under way.
    permits: Semaphore,
    flow: Mutex<Regulated>,
    /// Who may not go yet waits here, one behind the other.
    door: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    /// Running means of a request's tokens, in sixteenths: of the prompt, and of the answer.
    usual_prompt: AtomicU64,
    usual_answer: AtomicU64,
}

/// The flow, and how many permits there are for it.
#[derive(Debug)]
struct Regulated {
    flow: Flow,
    permits: usize,
    /// Permits that are too many, but were out when that was learned.
    surplus: usize,
}

/// The right to make one attempt, held while it lasts.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    limits: &'a Limits,
    place: Option<SemaphorePermit<'a>>,
    ticket: Ticket,
    load: Load,
    wish: Option<Duration>,
}

impl Permit<'_> {
    /// Ends the attempt, which tells this much about the server's load; `wish`: how long the server
    /// asks everyone to wait.
    pub(crate) fn end(mut self, load: Load, wish: Option<Duration>) {
        (self.load, self.wish) = (load, wish);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.place.take() else { return };
        let mut flow = self.limits.flow();
        flow.flow.arrive(self.ticket, self.load, self.wish, Instant::now());
        flow.regulate(&self.limits.permits);
        if flow.surplus > 0 {
            flow.surplus -= 1;
            permit.forget();
        }
    }
}

impl Regulated {
    /// Makes as many permits as the flow lets be under way.
    fn regulate(&mut self, semaphore: &Semaphore) {
        let wanted = self.flow.size();
        if wanted > self.permits {
            let more = wanted - self.permits;
            let kept = more.min(self.surplus);
            self.surplus -= kept;
            semaphore.add_permits(more - kept);
        } else if wanted < self.permits {
            let fewer = self.permits - wanted;
            self.surplus += fewer - semaphore.forget_permits(fewer);
        }
        self.permits = wanted;
    }
}

impl Limits {
    pub(crate) fn new(limits: &evalmark_core::model::Limits) -> Self {
        let now = Instant::now();
        let bucket = |per_minute: Option<u32>| per_minute.map(|n| Bucket::new(n, now));
        let flow = Flow::new(limits.concurrency.clamp(1, Semaphore::MAX_PERMITS), now);
        let permits = flow.size();
        Self {
            permits: Semaphore::new(permits),
            flow: Mutex::new(Regulated { flow, permits, surplus: 0 }),
            door: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            requests: bucket(limits.requests_per_minute),
            tokens: bucket(limits.tokens_per_minute),
            usual_prompt: AtomicU64::new(0),
            usual_answer: AtomicU64::new(FIRST_GUESS * 16),
        }
    }

    fn flow(&self) -> MutexGuard<'_, Regulated> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit that nobody has to wait for; `None` where that is not sure.
    pub(crate) fn permit_at_once(&self) -> Option<Permit<'_>> {
        if self.requests.is_some() || self.tokens.is_some() || self.is_waited_for() {
            return None;
        }
        let place = self.permits.try_acquire().ok()?;
        let ticket = self.flow().flow.go(Instant::now()).ok()?;
        Some(self.permitted(place, ticket))
    }

    fn permitted<'a>(&'a self, place: SemaphorePermit<'a>, ticket: Ticket) -> Permit<'a> {
        Permit { limits: self, place: Some(place), ticket, load: Load::Unknown, wish: None }
    }

    /// Whether somebody may not go yet.
    fn is_waited_for(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Waits for a permit that will use about `tokens`. Cancelling it while it waits is harmless
    /// but for the rates, which count it as used.
    pub(crate) async fn permit(&self, tokens: u64) -> Permit<'_> {
        let place = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => match self.permits.acquire().await {
                Ok(permit) => permit,
                Err(_) => unreachable!("the semaphore is never closed"),
            },
        };
        self.rates(tokens).await;
        let ticket = self.go().await;
        self.permitted(place, ticket)
    }

    /// Waits until the flow lets an attempt go.
    async fn go(&self) -> Ticket {
        if !self.is_waited_for()
            && let Ok(ticket) = self.flow().flow.go(Instant::now())
        {
            return ticket;
        }
        let _waiting = Waiting::new(&self.waiting);
        let _first = self.door.lock().await;
        loop {
            let now = Instant::now();
            // On a line of its own, so that nobody sleeps with the lock.
            let gone = self.flow().flow.go(now);
            match gone {
                Ok(ticket) => return ticket,
                Err(until) => tokio::time::sleep_until(until.min(now + LOOK_AGAIN)).await,
            }
        }
    }

    async fn rates(&self, tokens: u64) {
        let now = Instant::now();
        let wait = |bucket: &Option<Bucket>, units: f64| {
            bucket.as_ref().map_or(Duration::ZERO, |bucket| bucket.take(units, now))
        };
        let wait = wait(&self.requests, 1.0).max(wait(&self.tokens, tokens as f64));
        if !wait.is_zero() {
            tokio::time::sleep_until(now + wait).await;
        }
    }

    /// The attempts that are under way.
    pub(crate) fn others(&self, timeout: Duration) -> Others {
        let (count, oldest) = self.flow().flow.under_way(Instant::now());
        Others { count, oldest, timeout }
    }

    /// Usual time of an answer; zero before the first.
    pub(crate) fn usual_latency(&self) -> Duration {
        self.flow().flow.latency()
    }

    /// Whether an attempt was one of those that tried the suite's limit, in vain.
    pub(crate) fn is_of_opening(&self, sent_at: Instant) -> bool {
        self.flow().flow.is_of_opening(sent_at)
    }

    /// What holds the next attempt back, if something does.
    pub(crate) fn hold(&self) -> Option<Hold> {
        let now = Instant::now();
        let own = |bucket: &Option<Bucket>| bucket.as_ref().map(|bucket| bucket.owed(now));
        let own = own(&self.requests).max(own(&self.tokens)).filter(|wait| !wait.is_zero());
        let own = own.map(|time| Hold { by: Holder::OwnRate, time });
        self.flow().flow.held(now).or(own)
    }

    /// Heeds what the server says is left.
    pub(crate) fn heed(&self, quota: Quota, is_answered: bool) {
        self.flow().flow.heed(quota, is_answered);
    }

    /// Tokens that `request` may use; 0 where nobody counts them.
    pub(crate) fn estimate(&self, request: &Request) -> u64 {
        if self.tokens.is_none() {
            return 0;
        }
        let bytes = request.text_bytes();
        let usual = self.usual_answer.load(Ordering::Relaxed) / 16;
        let answer = match request.max_output_tokens {
            Some(0) => 0,
            // Before any answer was seen, the limit is the better guess, however large.
            Some(limit) if self.usual_prompt.load(Ordering::Relaxed) == 0 => limit,
            Some(limit) => usual.min(limit),
            None => usual,
        };
        (bytes / BYTES_PER_TOKEN) as u64 + answer
    }

    /// Tokens that a request usually uses, as far as the provider counted.
    pub(crate) fn usual_tokens(&self) -> u64 {
        let usual = |mean: &AtomicU64| mean.load(Ordering::Relaxed) / 16;
        usual(&self.usual_prompt) + usual(&self.usual_answer)
    }

    /// Corrects an estimate by what the provider counted.
    pub(crate) fn settle(&self, estimated: u64, usage: Usage) {
        let (Some(input), Some(output)) = (usage.input_tokens, usage.output_tokens) else { return };
        let is_first = self.usual_prompt.load(Ordering::Relaxed) == 0;
        let learn = |mean: &AtomicU64, tokens: u64| {
            let tokens = tokens.min(1 << 40) * 16;
            let usual = mean.load(Ordering::Relaxed);
            mean.store(if is_first { tokens } else { (usual * 7 + tokens) / 8 }, Ordering::Relaxed);
        };
        learn(&self.usual_answer, output);
        learn(&self.usual_prompt, input.max(1));
        if let Some(tokens) = &self.tokens {
            tokens.give_back(estimated as f64 - (input + output) as f64);
        }
    }
}

/// One more that waits, as long as this is there.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{model, request::Message};

    use super::*;

    fn request(max_output_tokens: Option<u64>) -> Request {
        let messages = [Message::new("user", "x".repeat(400))];
        let request = Request::chat("m".into(), messages, Arc::default(), 0);
        Request { max_output_tokens, ..request }
    }

    #[test]
    fn tokens_are_estimated_and_then_learned() {
        let limits = Limits::new(&model::Limits {
            tokens_per_minute: Some(60_000),
            ..model::Limits::default()
        });
        assert_eq!(limits.estimate(&request(Some(16))), 116);
        assert_eq!(limits.estimate(&request(None)), 356);
        limits.settle(356, Usage { input_tokens: Some(100), output_tokens: Some(16) });
        assert_eq!(limits.estimate(&request(None)), 116);
        // What is really used counts, not what might be.
        assert_eq!(limits.estimate(&request(Some(4_096))), 116);
        limits.settle(116, Usage { input_tokens: Some(100), output_tokens: Some(96) });
        assert_eq!(limits.estimate(&request(Some(4_096))), 126);
        assert_eq!(limits.usual_tokens(), 126);
    }

    #[test]
    fn nobody_counts_tokens_without_a_limit() {
        let limits = Limits::new(&model::Limits::default());
        assert_eq!(limits.estimate(&request(Some(16))), 0);
    }
}
