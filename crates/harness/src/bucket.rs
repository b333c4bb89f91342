//! A token bucket: so many requests, or tokens, a minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The bucket holds at most what flows in within this share of a minute.
const BURSTS_PER_MINUTE: f64 = 60.0;

/// Units are taken at once and paid back by waiting, so that who comes first goes first, and a
/// request larger than the bucket waits longer instead of for ever.
#[derive(Debug)]
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Units there are; negative when they are owed.
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket for `per_minute` units a minute.
    ///
    /// What a burst may take is kept back from the flow, so that no minute, wherever it begins,
    /// sees more than `per_minute` units.
    pub(crate) fn new(per_minute: u32, now: Instant) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        let capacity = (per_minute / BURSTS_PER_MINUTE).floor().max(1.0);
        let per_second = (per_minute - (capacity - 1.0)) / 60.0;
        Self { capacity, per_second, state: Mutex::new(State { level: capacity, at: now }) }
    }

    /// Takes `units` and says how long to wait before using them.
    pub(crate) fn take(&self, units: f64, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let flowed = now.saturating_duration_since(state.at).as_secs_f64() * self.per_second;
        state.level = (state.level + flowed).min(self.capacity) - units;
        state.at = state.at.max(now);
        Duration::from_secs_f64((-state.level).max(0.0) / self.per_second)
    }

    /// How long it takes until what is owed has flowed in.
    pub(crate) fn owed(&self, now: Instant) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let flowed = now.saturating_duration_since(state.at).as_secs_f64() * self.per_second;
        Duration::from_secs_f64((-state.level - flowed).max(0.0) / self.per_second)
    }

    /// Corrects an estimate: gives `units` back, or takes more when negative.
    pub(crate) fn give_back(&self, units: f64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.level = (state.level + units).min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When `n` requests at once may go, in seconds.
    fn starts(per_minute: u32, n: u32) -> Vec<f64> {
        let now = Instant::now();
        let bucket = Bucket::new(per_minute, now);
        (0..n).map(|_| bucket.take(1.0, now).as_secs_f64()).collect()
    }

    fn check_no_minute_exceeds(per_minute: u32) {
        let starts = starts(per_minute, per_minute * 3);
        for (first, start) in starts.iter().enumerate() {
            let within = starts[first..].iter().take_while(|s| **s < start + 59.999).count();
            assert!(within <= per_minute as usize, "{within} of {per_minute} from {start}");
        }
        // Nor is much given away.
        let last = starts.last().copied().unwrap_or_default();
        assert!(last < 3.1 * 60.0, "{last}");
    }

    #[test]
    fn no_minute_exceeds_the_limit() {
        [1, 2, 59, 60, 61, 600, 3001].into_iter().for_each(check_no_minute_exceeds);
    }

    #[test]
    fn more_than_the_bucket_holds_waits_and_estimates_are_corrected() {
        let now = Instant::now();
        let bucket = Bucket::new(60, now);
        assert_eq!(bucket.take(31.0, now), Duration::from_secs(30));
        bucket.give_back(30.0);
        assert_eq!(bucket.take(1.0, now), Duration::from_secs(1));
        assert_eq!(bucket.take(1.0, now + Duration::from_mins(10)), Duration::ZERO);
    }
}
