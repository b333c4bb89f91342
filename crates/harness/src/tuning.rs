//! What the harness does where a suite is silent: delays, sizes, clock and seed.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, SystemTime},
};

/// Settings of the harness, the same for every model. Tests shorten the delays.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Upper end of the delay before the second attempt; it doubles with each further one. The
    /// delay itself is drawn evenly from zero to that end ("full jitter").
    pub backoff_base: Duration,
    /// The upper end never exceeds this.
    pub backoff_cap: Duration,
    /// A server that asks (`Retry-After`) to wait for longer than this is not waited for: the
    /// request fails and says so.
    pub longest_wait: Duration,
    /// How long requests in flight are awaited after a graceful stop.
    pub grace: Duration,
    /// How long after a batch was created one looks at it again; the time grows by half with each
    /// look.
    pub batch_poll: Duration,
    /// And never exceeds this.
    pub longest_batch_poll: Duration,
    /// How long the results of a batch that has ended are fetched again while they cannot be read; the
    /// time between doubles, from `batch_poll`.
    pub batch_results_patience: Duration,
    /// A batch whose creation was not acknowledged may appear so much later.
    pub batch_doubt: Duration,
    /// Requests in one batch, at most, where that is fewer than the server takes.
    pub batch_requests: usize,
    /// Largest response body, in bytes.
    pub response_limit: usize,
    /// Wall clock, for `started_at` and for a `Retry-After` that is a date.
    pub now: fn() -> SystemTime,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(30),
            longest_wait: Duration::from_mins(10),
            grace: Duration::from_secs(10),
            batch_poll: Duration::from_secs(1),
            longest_batch_poll: Duration::from_mins(5),
            batch_results_patience: Duration::from_mins(5),
            batch_doubt: Duration::from_secs(5),
            batch_requests: usize::MAX,
            response_limit: 16 << 20,
            now: SystemTime::now,
            // Jitter spreads the retries of many machines, so it must differ between processes.
            seed: RandomState::new().build_hasher().finish(),
        }
    }
}
