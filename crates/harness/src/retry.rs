//! When to try again: exponential back-off with full jitter, unless the server says when.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use evalmark_core::record::ErrorKind;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::{
    reply::{AttemptError, Retryable},
    tuning::Tuning,
};

/// How often and how late a model's requests are repeated.
#[derive(Debug)]
pub(crate) struct Retry {
    attempts: u32,
    base: Duration,
    cap: Duration,
    longest_wait: Duration,
    rng: Mutex<SmallRng>,
}

impl Retry {
    pub(crate) fn new(attempts: u32, tuning: &Tuning) -> Self {
        Self {
            attempts,
            base: tuning.backoff_base,
            cap: tuning.backoff_cap,
            longest_wait: tuning.longest_wait,
            rng: Mutex::new(SmallRng::seed_from_u64(tuning.seed)),
        }
    }

    /// The delay before another attempt; `None` when `attempt`, which ended in `error`, was the
    /// last.
    pub(crate) fn delay(&self, error: &AttemptError, attempt: u32) -> Option<Duration> {
        if error.retryable == Retryable::Never
            || attempt >= self.attempts
            || self.is_too_long(error)
        {
            return None;
        }
        // A little jitter on top of the server's wish, so that not all come back at once.
        Some(match error.wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => wait + self.jitter(self.base.min(wait / 10)),
            None => self.jitter(self.upper_end(attempt)),
        })
    }

    /// Whether a request may be tried once more after so many attempts.
    pub(crate) fn may_try(&self, attempts: u32) -> bool {
        attempts < self.attempts
    }

    /// Whether the server asks for a longer wait than anyone should sit through.
    pub(crate) fn is_too_long(&self, error: &AttemptError) -> bool {
        error.retryable != Retryable::Never
            && error.wait.is_some_and(|wait| wait > self.longest_wait)
    }

    /// How long all requests of the model hold back: the server is busy, and says for how long.
    pub(crate) fn pause(&self, error: &AttemptError) -> Option<Duration> {
        let is_busy = matches!(error.failure.kind, ErrorKind::RateLimited | ErrorKind::Server);
        error.wait.filter(|wait| is_busy && *wait <= self.longest_wait)
    }

    fn upper_end(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.base.saturating_mul(doubled).min(self.cap)
    }

    /// Evenly between zero and `upper_end`.
    fn jitter(&self, upper_end: Duration) -> Duration {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        upper_end.mul_f64(rng.random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        let tuning = Tuning {
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(5),
            seed: 7,
            ..Tuning::default()
        };
        Retry::new(6, &tuning)
    }

    #[test]
    fn delays_double_up_to_the_cap_and_use_the_whole_range() {
        let (retry, error) = (retry(), AttemptError::of_status(500, String::new()));
        for (attempt, upper_end) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (5, 5.0)] {
            let delays: Vec<f64> = (0..200)
                .filter_map(|_| retry.delay(&error, attempt))
                .map(|delay| delay.as_secs_f64())
                .collect();
            assert!(delays.iter().all(|delay| (0.0..=upper_end).contains(delay)));
            assert!(delays.iter().any(|delay| *delay < 0.1 * upper_end));
            assert!(delays.iter().any(|delay| *delay > 0.9 * upper_end));
        }
        assert_eq!(retry.delay(&error, 6), None);
    }

    #[test]
    fn the_server_is_obeyed() {
        let (retry, mut error) = (retry(), AttemptError::of_status(429, String::new()));
        error.wait = Some(Duration::from_secs(20));
        let delay = retry.delay(&error, 1).expect("another attempt");
        assert!((20.0..=21.0).contains(&delay.as_secs_f64()), "{delay:?}");
        assert_eq!(retry.pause(&error), error.wait);
        // Who says "at once" is not hammered.
        error.wait = Some(Duration::ZERO);
        assert!((0..50).any(|_| retry.delay(&error, 1) > Some(Duration::from_millis(100))));
        error.wait = Some(Duration::from_hours(24));
        assert_eq!(retry.delay(&error, 1), None);
        assert_eq!(retry.pause(&error), None);
    }

    #[test]
    fn what_cannot_help_is_not_tried() {
        let retry = retry();
        for status in [400, 401, 403, 404, 413, 422] {
            assert_eq!(retry.delay(&AttemptError::of_status(status, String::new()), 1), None);
        }
        let malformed = AttemptError::new(ErrorKind::Malformed, String::new(), Retryable::Never);
        assert_eq!(retry.delay(&malformed, 1), None);
    }
}
