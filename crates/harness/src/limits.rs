//! What a model may use: requests at once, requests and tokens a minute.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use evalmark_core::{record::Usage, request::Request};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::bucket::Bucket;

/// Characters per token, for an estimate before the provider has counted.
const BYTES_PER_TOKEN: usize = 4;
/// Tokens of an answer, before any was seen, where the request sets no limit.
const FIRST_GUESS: u64 = 256;

/// The shared limits of one model.
#[derive(Debug)]
pub(crate) struct Limits {
    permits: Semaphore,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    /// Until when the server asked everyone to wait.
    paused_until: Mutex<Option<Instant>>,
    /// Running mean of the answers' tokens.
    usual_answer: AtomicU64,
}

/// The right to make one attempt, held while it lasts.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Limits {
    pub(crate) fn new(limits: &evalmark_core::model::Limits) -> Self {
        let now = Instant::now();
        let bucket = |per_minute: Option<u32>| per_minute.map(|n| Bucket::new(n, now));
        Self {
            permits: Semaphore::new(limits.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            requests: bucket(limits.requests_per_minute),
            tokens: bucket(limits.tokens_per_minute),
            paused_until: Mutex::new(None),
            usual_answer: AtomicU64::new(FIRST_GUESS),
        }
    }

    /// Waits for a turn that will use about `tokens`. Cancelling it while it waits is harmless
    /// but for the rates, which count it as used.
    pub(crate) async fn turn(&self, tokens: u64) -> Turn<'_> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => match self.permits.acquire().await {
                Ok(permit) => permit,
                Err(_) => unreachable!("the semaphore is never closed"),
            },
        };
        self.rates(tokens).await;
        while let Some(until) = self.paused_until().filter(|until| *until > Instant::now()) {
            tokio::time::sleep_until(until).await;
        }
        Turn { _permit: permit }
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

    fn paused_until(&self) -> Option<Instant> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every attempt that has not begun wait for `delay`.
    pub(crate) fn pause(&self, delay: Duration) {
        let until = Instant::now() + delay;
        let mut paused_until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused_until = Some(paused_until.map_or(until, |earlier| earlier.max(until)));
    }

    /// Tokens that `request` may use; 0 where nobody counts them.
    pub(crate) fn estimate(&self, request: &Request) -> u64 {
        if self.tokens.is_none() {
            return 0;
        }
        let bytes: usize = request.messages.iter().map(|message| message.content.len()).sum();
        let limit = ["max_tokens", "max_completion_tokens"]
            .iter()
            .find_map(|name| request.params.get(*name)?.as_u64());
        let answer = limit.unwrap_or_else(|| self.usual_answer.load(Ordering::Relaxed));
        (bytes / BYTES_PER_TOKEN) as u64 + answer
    }

    /// Corrects an estimate by what the provider counted.
    pub(crate) fn settle(&self, estimated: u64, usage: Usage) {
        let Some(tokens) = &self.tokens else { return };
        if let Some(output) = usage.output_tokens {
            let usual = self.usual_answer.load(Ordering::Relaxed);
            self.usual_answer.store((usual * 7 + output) / 8, Ordering::Relaxed);
        }
        if let (Some(input), Some(output)) = (usage.input_tokens, usage.output_tokens) {
            tokens.give_back(estimated as f64 - (input + output) as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{model, request::Message};
    use serde_json::json;

    use super::*;

    fn request(params: serde_json::Value) -> Request {
        let serde_json::Value::Object(params) = params else { panic!("params are an object") };
        Request {
            model: "m".into(),
            messages: vec![Message { role: "user".into(), content: "x".repeat(400) }],
            params: Arc::new(params),
            epoch: 0,
        }
    }

    #[test]
    fn tokens_are_estimated_and_then_learned() {
        let limits = Limits::new(&model::Limits {
            tokens_per_minute: Some(60_000),
            ..model::Limits::default()
        });
        assert_eq!(limits.estimate(&request(json!({ "max_tokens": 16 }))), 116);
        assert_eq!(limits.estimate(&request(json!({}))), 356);
        limits.settle(356, Usage { input_tokens: Some(100), output_tokens: Some(16) });
        assert_eq!(limits.estimate(&request(json!({}))), 326);
    }

    #[test]
    fn nobody_counts_tokens_without_a_limit() {
        let limits = Limits::new(&model::Limits::default());
        assert_eq!(limits.estimate(&request(json!({ "max_tokens": 16 }))), 0);
    }
}
