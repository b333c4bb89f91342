//! One request from its first attempt to its last, with each kind of waiting on its own clock.

use std::time::{Duration, SystemTime};

use evalmark_core::{
    record::{ErrorKind, Outcome, Record, Timing, Usage},
    request::Request,
};
use tokio::time::Instant;

use crate::{
    endpoint::Inner,
    event::Event,
    flow::Load,
    reply::{Answer, Reply, Trouble},
    stop::Stop,
};

/// How a request ended.
pub(crate) struct End {
    pub(crate) record: Record,
    /// The last attempt's trouble, where there is no answer.
    pub(crate) trouble: Option<Trouble>,
}

/// A request that is being asked.
pub(crate) struct Conversation<'a> {
    endpoint: &'a Inner,
    request: &'a Request,
    halt: &'a Stop,
    attempts: u32,
    queue: Duration,
    backoff: Duration,
    started_at_us: i64,
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(endpoint: &'a Inner, request: &'a Request, halt: &'a Stop) -> Self {
        Self {
            endpoint,
            request,
            halt,
            attempts: 0,
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
        let mut waiting_since = queued_at;
        loop {
            let trouble = match self.attempt(waiting_since).await? {
                Ok(end) => return Some(end),
                Err(trouble) => trouble,
            };
            let Some(delay) = self.endpoint.retry.delay(&trouble, self.attempts) else {
                return Some(self.failed(trouble));
            };
            say(Event::Retrying { failure: trouble.failure, attempt: self.attempts, delay });
            let backoff_since = Instant::now();
            self.halt.unless(tokio::time::sleep(delay)).await?;
            waiting_since = Instant::now();
            self.backoff += waiting_since - backoff_since;
        }
    }

    /// Waits for a turn and uses it. `None`: halted while waiting.
    async fn attempt(&mut self, waiting_since: Instant) -> Option<Result<End, Trouble>> {
        let Inner { limits, retry, breaker, tuning, .. } = self.endpoint;
        let tokens = limits.estimate(self.request);
        let turn = self.halt.unless(limits.turn(tokens)).await?;
        // Another ask may have found the endpoint down.
        if self.halt.is_requested() || breaker.down().is_some() {
            return None;
        }
        let begun = Instant::now();
        self.queue += begun.saturating_duration_since(waiting_since);
        self.started_at_us = microseconds((tuning.now)());
        self.attempts += 1;
        let Reply { result, quota } = self.endpoint.attempt(self.request).await;
        // Before the turn passes on, so that whoever gets it waits too.
        if let Some(quota) = quota {
            limits.heed(quota);
        }
        if let Some(pause) = result.as_ref().err().and_then(|trouble| retry.pause(trouble)) {
            limits.pause(pause);
        }
        turn.end(result.as_ref().map_or_else(|trouble| trouble.load, |_| Load::Normal));
        Some(result.map(|answer| {
            limits.settle(tokens, answer.usage);
            self.answered(answer, begun.elapsed())
        }))
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
        };
        End { record, trouble: None }
    }

    fn failed(&self, mut trouble: Trouble) -> End {
        if let Some(wait) = trouble.wait.filter(|_| self.endpoint.retry.is_too_long(&trouble)) {
            let asked = format!(" (and asks to come back in {} s)", wait.as_secs());
            trouble.failure.message.push_str(&asked);
        }
        // Nobody was asked for what is not in a recording.
        let is_asked = trouble.failure.kind != ErrorKind::NotRecorded;
        let record = Record {
            outcome: Outcome::Failed,
            output: None,
            finish_reason: None,
            failure: Some(trouble.failure.clone()),
            attempts: if is_asked { self.attempts } else { 0 },
            timing: self.timing(None),
            usage: Usage::default(),
            cached: false,
        };
        End { record, trouble: Some(trouble) }
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
