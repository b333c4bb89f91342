//! The circuit breaker: an endpoint that only fails is asked no more.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use evalmark_core::record::{ErrorKind, Failure};

use crate::reply::{Blame, Trouble};

/// At most this many requests must have failed before an endpoint counts as unreachable.
const MOST_TRIED: usize = 8;

/// What the requests that have ended say about an endpoint.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// Some request got further than the endpoint's own failures.
    reached: AtomicBool,
    failed: AtomicUsize,
    threshold: usize,
    down: OnceLock<Failure>,
}

impl Breaker {
    pub(crate) fn new(concurrency: usize) -> Self {
        Self {
            reached: AtomicBool::new(false),
            failed: AtomicUsize::new(0),
            threshold: concurrency.clamp(1, MOST_TRIED),
            down: OnceLock::new(),
        }
    }

    /// Why the endpoint is down, if it is.
    pub(crate) fn down(&self) -> Option<&Failure> {
        self.down.get()
    }

    /// A request got an answer.
    pub(crate) fn answered(&self) {
        if !self.reached.load(Ordering::Relaxed) {
            self.reached.store(true, Ordering::Relaxed);
        }
    }

    /// A request ended in trouble. Whether this took the endpoint down, which happens once.
    pub(crate) fn failed(&self, trouble: &Trouble) -> bool {
        let trips = match trouble.blame {
            Blame::Request => {
                self.answered();
                false
            }
            Blame::Nobody => false,
            Blame::Endpoint if self.reached.load(Ordering::Relaxed) => false,
            // A refused key is refused at the first request; a lost connection may come back.
            Blame::Endpoint if trouble.failure.kind == ErrorKind::Auth => true,
            Blame::Endpoint => self.failed.fetch_add(1, Ordering::Relaxed) + 1 >= self.threshold,
            Blame::Key => true,
        };
        trips && self.down.set(trouble.failure.clone()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Again;

    fn unreachable() -> Trouble {
        Trouble::new(ErrorKind::Connection, "refused".into(), Again::Yes).blaming(Blame::Endpoint)
    }

    #[test]
    fn a_refused_key_trips_at_once_and_once() {
        let breaker = Breaker::new(64);
        breaker.answered();
        assert!(breaker.failed(&Trouble::of_status(401, "no".into())));
        assert!(!breaker.failed(&Trouble::of_status(401, "no".into())));
        assert_eq!(breaker.down().map(|failure| failure.kind), Some(ErrorKind::Auth));
    }

    #[test]
    fn a_403_trips_unless_someone_was_answered() {
        assert!(Breaker::new(64).failed(&Trouble::of_status(403, "no".into())));
        let breaker = Breaker::new(64);
        breaker.answered();
        assert!(!breaker.failed(&Trouble::of_status(403, "flagged".into())));
    }

    #[test]
    fn unreachable_after_the_first_few() {
        let breaker = Breaker::new(3);
        assert_eq!([0; 3].map(|_| breaker.failed(&unreachable())), [false, false, true]);
    }

    #[test]
    fn a_time_out_says_nothing() {
        let breaker = Breaker::new(2);
        let timeout = Trouble::new(ErrorKind::Timeout, String::new(), Again::Yes);
        let timeout = timeout.blaming(Blame::Nobody);
        let troubles = [&unreachable(), &timeout, &timeout, &unreachable()];
        assert_eq!(troubles.map(|trouble| breaker.failed(trouble)), [false, false, false, true]);
    }

    #[test]
    fn reachable_once_means_reachable() {
        let breaker = Breaker::new(2);
        assert!(!breaker.failed(&unreachable()));
        assert!(!breaker.failed(&Trouble::of_status(400, "bad".into())));
        assert!((0..20).all(|_| !breaker.failed(&unreachable())));
    }
}
