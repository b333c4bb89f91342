//! Hedging: whether an attempt takes unusually long, so that a duplicate may overtake it.
//!
//! After Dean and Barroso, "The Tail at Scale" (2013): a second request only past the 99th
//! percentile cuts the tail for about one request in a hundred more.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Latencies that must have been seen before one is called unusual.
const LEAST_SEEN: u64 = 100;
/// Answers for each duplicate, at least.
const ANSWERS_PER_HEDGE: u64 = 100;
/// Buckets for each doubling of the latency; from 64 microseconds on.
const BUCKETS_PER_OCTAVE: f64 = 8.0;
const BUCKETS: usize = 200;
const FIRST_BUCKET: f64 = 64e-6;

/// The latencies of an endpoint's answers, and the duplicates they allowed.
#[derive(Debug)]
pub(crate) struct Hedge(Mutex<Latencies>);

#[derive(Debug)]
struct Latencies {
    counts: [u64; BUCKETS],
    seen: u64,
    hedges: u64,
}

impl Hedge {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Latencies { counts: [0; BUCKETS], seen: 0, hedges: 0 }))
    }

    fn latencies(&self) -> MutexGuard<'_, Latencies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, latency: Duration) {
        let mut latencies = self.latencies();
        latencies.counts[bucket(latency)] += 1;
        latencies.seen += 1;
    }

    /// When an attempt that began now would take longer than 99 of 100; `None`: nobody knows.
    pub(crate) fn delay(&self) -> Option<Duration> {
        let latencies = self.latencies();
        if latencies.seen < LEAST_SEEN {
            return None;
        }
        let mut above = latencies.seen / 100;
        for (bucket, count) in latencies.counts.iter().enumerate().rev() {
            if *count > above {
                return Some(upper_end(bucket));
            }
            above -= count;
        }
        None
    }

    /// Whether one more duplicate may be sent.
    pub(crate) fn may(&self) -> bool {
        self.latencies().may()
    }

    /// As [`Hedge::may`]; the duplicate then counts as sent.
    pub(crate) fn take(&self) -> bool {
        let mut latencies = self.latencies();
        let may = latencies.may();
        latencies.hedges += u64::from(may);
        may
    }
}

impl Latencies {
    fn may(&self) -> bool {
        (self.hedges + 1) * ANSWERS_PER_HEDGE <= self.seen
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn bucket(latency: Duration) -> usize {
    let octaves = (latency.as_secs_f64() / FIRST_BUCKET).max(1.0).log2();
    (octaves * BUCKETS_PER_OCTAVE).clamp(0.0, BUCKETS as f64 - 1.0) as usize
}

fn upper_end(bucket: usize) -> Duration {
    Duration::from_secs_f64(FIRST_BUCKET * ((bucket + 1) as f64 / BUCKETS_PER_OCTAVE).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_hundredth_is_unusual() {
        let hedge = Hedge::new();
        for milliseconds in 1..100 {
            hedge.answered(Duration::from_millis(milliseconds));
        }
        assert_eq!(hedge.delay(), None);
        hedge.answered(Duration::from_secs(10));
        let delay = hedge.delay().expect("enough was seen").as_millis();
        assert!((99..=108).contains(&delay), "{delay}");
    }

    #[test]
    fn one_in_a_hundred_is_sent_again() {
        let hedge = Hedge::new();
        let mut sent = 0;
        for _ in 0..1_000 {
            hedge.answered(Duration::from_millis(5));
            sent += u32::from(hedge.take());
        }
        assert_eq!((sent, hedge.may()), (10, false));
    }
}
