//! One request from its first attempt to its last, with each kind of waiting on its own clock.

use std::time::{Duration, SystemTime};

use evalmark_core::{
    record::{ErrorKind, Outcome, Record, Timing, Usage},
    request::Request,
};
use tokio::time::Instant;

use crate::{
    budget::{Budget, Reservation},
    congestion::Load,
    dispatch::{Counts, Dispatcher},
    endpoint::Inner,
    event::Event,
    hedge::Hedge,
    limits::Permit,
    reply::{Answer, AttemptError, Reply},
    request_slots::RequestSlots,
    stop::Stop,
};

/// How a request ended.
pub(crate) struct End {
    pub(crate) record: Record,
    /// The last attempt's error, if there is no answer.
    pub(crate) error: Option<AttemptError>,
}

/// A permit, and what to do with it.
struct Sending<'a> {
    permit: Permit<'a>,
    /// Tokens that the permit was taken for.
    tokens: u64,
    begun: Instant,
    timeout: Duration,
}

/// When an attempt began, and what came of it.
type Sent = (Instant, Result<Answer, AttemptError>);

/// A request that is being asked.
pub(crate) struct RequestRunner<'a> {
    endpoint: &'a Inner,
    request: &'a Request,
    halt: &'a Stop,
    budget: &'a Budget,
    counts: &'a Counts,
    slots: &'a RequestSlots,
    first_at: Option<Instant>,
    attempts: u32,
    /// Attempts that do not count towards the suite's limit of them.
    excused: u32,
    queue: Duration,
    backoff: Duration,
    started_at_us: i64,
}

impl<'a> RequestRunner<'a> {
    pub(crate) fn new(dispatcher: &'a Dispatcher, request: &'a Request) -> Self {
        let Dispatcher { endpoint, halt, budget, counts, slots, .. } = dispatcher;
        Self {
            endpoint,
            request,
            halt,
            budget,
            counts,
            slots,
            first_at: None,
            attempts: 0,
            excused: 0,
            queue: Duration::ZERO,
            backoff: Duration::ZERO,
            started_at_us: 0,
        }
    }

    /// Asks until there is an answer or no point in asking on. `None`: halted before an end.
    pub(crate) async fn run<T>(
        mut self,
        queued_at: Instant,
        say: &impl Fn(Event<T>),
    ) -> Option<End> {
        let (mut waiting_since, mut last) = (queued_at, None);
        loop {
            let Some(permit) = self.permit().await? else {
                // Only a request that has failed before has a time limit to wait within.
                return last.map(|error| self.failed(self.without_time(error)));
            };
            let error = match self.attempt(permit, waiting_since).await? {
                Ok(end) => return Some(end),
                Err(error) => self.weighed(error),
            };
            let Some(delay) = self.endpoint.retry.delay(&error, self.attempts - self.excused)
            else {
                return Some(self.failed(error));
            };
            if self.is_out_of_time(delay) {
                return Some(self.failed(self.without_time(error)));
            }
            let failure = error.failure.clone();
            say(Event::Retrying { failure, attempt: self.attempts, delay });
            let backoff_since = Instant::now();
            let pause = self.halt.unless(tokio::time::sleep(delay));
            self.slots.lent_during(pause).await?;
            waiting_since = Instant::now();
            self.backoff += waiting_since - backoff_since;
            last = Some(error);
        }
    }

    /// Waits for a permit, after the first attempt no longer than there is time to use it.
    /// `None`: halted while waiting.
    async fn permit(&self) -> Option<Option<(Permit<'a>, u64)>> {
        let limits = &self.endpoint.limits;
        let tokens = limits.estimate(self.request);
        if !self.halt.is_requested()
            && let Some(permit) = limits.permit_at_once()
        {
            return Some(Some((permit, tokens)));
        }
        let permit = limits.permit(tokens);
        let deadline = self.first_at.zip(self.endpoint.total_timeout);
        let latest = deadline.and_then(|(first_at, total)| {
            first_at.checked_add(total.saturating_sub(self.least_time(total)))
        });
        let permit = match latest {
            Some(latest) => self.halt.unless(tokio::time::timeout_at(latest, permit)).await?.ok(),
            None => Some(self.halt.unless(permit).await?),
        };
        Some(permit.map(|permit| (permit, tokens)))
    }

    /// What a failed attempt means in the light of all others.
    fn weighed(&self, error: AttemptError) -> AttemptError {
        let Inner { limits, breaker, timeout, retry, .. } = self.endpoint;
        if retry.is_too_long(&error) {
            return breaker.sent_away(error);
        }
        breaker.weigh(error, limits.others(*timeout), Instant::now())
    }

    /// Uses a permit. `None`: halted, or the endpoint was found down.
    async fn attempt(
        &mut self,
        (permit, tokens): (Permit<'a>, u64),
        waiting_since: Instant,
    ) -> Option<Result<End, AttemptError>> {
        let Inner { breaker, tuning, .. } = self.endpoint;
        // Another ask may have found the endpoint down.
        if self.halt.is_requested() || breaker.down().is_some() {
            return None;
        }
        let begun = Instant::now();
        self.queue += begun.saturating_duration_since(waiting_since);
        self.started_at_us = microseconds((tuning.now)());
        self.attempts += 1;
        let timeout = self.endpoint.timeout.min(self.time_left(begun));
        let first = Sending { permit, tokens, begun, timeout };
        let (begun, result) = match self.endpoint.hedge.as_ref().and_then(Hedge::delay) {
            // In a box: it holds two attempts, and would make every request's task larger.
            Some(delay) => Box::pin(self.race(first, delay)).await,
            None => self.send(first).await,
        };
        if let Err(AttemptError { load: Load::TooMany | Load::Overloaded, .. }) = &result {
            // Who was refused only because all were sent at once has as many attempts as ever.
            self.excused += u32::from(self.endpoint.limits.is_of_opening(begun));
        }
        Some(result.map(|answer| {
            let latency = begun.elapsed();
            if let Some(hedge) = &self.endpoint.hedge {
                hedge.answered(latency);
            }
            self.answered(answer, latency)
        }))
    }

    /// Time left for all attempts, at least enough to fail in order.
    fn time_left(&mut self, now: Instant) -> Duration {
        let first_at = *self.first_at.get_or_insert(now);
        let total = self.endpoint.total_timeout.unwrap_or(Duration::MAX);
        total.saturating_sub(now - first_at).max(Duration::from_millis(1))
    }

    /// Whether there is no time for another attempt after `delay`.
    fn is_out_of_time(&self, delay: Duration) -> bool {
        let (Some(total), Some(first_at)) = (self.endpoint.total_timeout, self.first_at) else {
            return false;
        };
        first_at.elapsed() + delay + self.least_time(total) >= total
    }

    /// Time that an attempt needs to have a chance: half of what answers usually take, or else a
    /// small part of all there is.
    fn least_time(&self, total: Duration) -> Duration {
        let usual = self.endpoint.limits.usual_latency() / 2;
        usual.max(total.min(self.endpoint.timeout) / 20).min(total / 2)
    }

    fn without_time(&self, mut error: AttemptError) -> AttemptError {
        let total = self.endpoint.total_timeout.unwrap_or_default();
        let noted = format!(" (and the total time of {total:?} is used up)");
        error.failure.message.push_str(&noted);
        error
    }

    /// Uses a permit, and tells the limits what came of it. With the result comes the attempt's start.
    async fn send(&self, sending: Sending<'_>) -> Sent {
        let Inner { limits, retry, .. } = self.endpoint;
        let Sending { permit, tokens, begun, timeout } = sending;
        let Reply { result, quota } = self.endpoint.attempt(self.request, timeout).await;
        // Before the permit is released, so that the next request waits as well.
        if let Some(quota) = quota {
            limits.heed(quota, result.is_ok());
        }
        let error = result.as_ref().err();
        permit.end(error.map_or(Load::Normal, |t| t.load), error.and_then(|t| retry.pause(t)));
        if let Ok(answer) = &result {
            self.endpoint.breaker.answered();
            limits.settle(tokens, answer.usage);
        }
        (begun, result)
    }

    /// Lets a duplicate run against `first` once that takes unusually long; the first answer wins.
    async fn race(&self, first: Sending<'_>, delay: Duration) -> Sent {
        let duplicate = async {
            tokio::time::sleep(delay).await;
            self.duplicate().await
        };
        let first = self.send(first);
        tokio::pin!(first);
        let duplicate = tokio::select! {
            biased;
            sent = &mut first => return sent,
            duplicate = duplicate => duplicate,
        };
        let Some((reservation, sending)) = duplicate else { return first.await };
        let second = self.send(sending);
        tokio::pin!(second);
        let (sent, is_first) = tokio::select! {
            sent = &mut first => (sent, true),
            sent = &mut second => (sent, false),
        };
        if let Ok(answer) = &sent.1 {
            // Whoever was slower was paid, too; about the same, as it was the same question.
            self.counts.hedge_paid(reservation.settle(answer.usage, answer.details.as_deref()).0);
            return sent;
        }
        let other = if is_first { second.await } else { first.await };
        if other.1.is_ok() { other } else { sent }
    }

    /// Prepares to send the request once more, if that is allowed and there is still room for it.
    async fn duplicate(&self) -> Option<(Reservation<'a>, Sending<'a>)> {
        let Inner { limits, hedge, timeout, price, .. } = self.endpoint;
        let hedge = hedge.as_ref().filter(|hedge| hedge.may())?;
        let tokens = limits.estimate(self.request);
        let permit = limits.permit(tokens).await;
        if self.halt.is_requested() {
            return None;
        }
        let reservation = self.budget.reserve_now(self.endpoint.estimate(self.request), *price)?;
        if !hedge.take() {
            return None;
        }
        self.counts.hedge_sent();
        let sending = Sending { permit, tokens, begun: Instant::now(), timeout: *timeout };
        Some((reservation, sending))
    }

    fn answered(&self, answer: Answer, latency: Duration) -> End {
        let record = Record {
            outcome: answer.outcome,
            output: Some(answer.output),
            finish_reason: answer.finish_reason,
            failure: None,
            attempts: self.attempts,
            timing: self.timing(Some(latency)),
            usage: answer.usage,
            cached: false,
            details: answer.details,
        };
        End { record, error: None }
    }

    fn failed(&self, mut error: AttemptError) -> End {
        if let Some(wait) = error.wait.filter(|_| self.endpoint.retry.is_too_long(&error)) {
            let asked = format!(" (and asks to come back in {} s)", wait.as_secs());
            error.failure.message.push_str(&asked);
        }
        // Nobody was asked for what is not in a recording.
        let is_asked = error.failure.kind != ErrorKind::NotRecorded;
        let record = Record {
            outcome: Outcome::Failed,
            output: None,
            finish_reason: None,
            failure: Some(error.failure.clone()),
            attempts: if is_asked { self.attempts } else { 0 },
            timing: self.timing(None),
            usage: Usage::default(),
            cached: false,
            details: None,
        };
        End { record, error: Some(error) }
    }

    fn timing(&self, latency: Option<Duration>) -> Timing {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        Timing {
            started_at_us: self.started_at_us,
            queue_ms: milliseconds(self.queue),
            backoff_ms: milliseconds(self.backoff),
            latency_ms: latency.map(milliseconds),
        }
    }
}

/// Since the Unix epoch; 0 for a clock that stands before it.
fn microseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
