//! Successes a second, over the last moments.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Successes that are remembered.
const MOST: usize = 2048;
/// The span that is looked back over, at least.
const SPAN: Duration = Duration::from_secs(2);

/// When the last successes came.
#[derive(Debug)]
pub(super) struct Meter {
    began_at: Instant,
    successes: VecDeque<Instant>,
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self { began_at: now, successes: VecDeque::new() }
    }

    pub(super) fn count(&mut self, now: Instant) {
        if self.successes.is_empty() {
            self.began_at = now;
        }
        if self.successes.len() == MOST {
            self.began_at = self.successes.pop_front().unwrap_or(now);
        }
        self.successes.push_back(now);
    }

    /// The rate over the last seconds, or over some latencies where that is longer, and whether
    /// the time was long enough to tell.
    pub(super) fn per_second(&self, now: Instant, latency: Duration) -> (f64, bool) {
        let elapsed = now.saturating_duration_since(self.began_at);
        let span = SPAN.max(latency * 4).min(elapsed);
        let from = now.checked_sub(span).unwrap_or(self.began_at);
        let older = self.successes.partition_point(|success| *success < from);
        let count = (self.successes.len() - older) as f64;
        let is_telling = span >= SPAN / 2 || self.successes.len() == MOST;
        (count / span.as_secs_f64().max(1e-3), is_telling)
    }
}
