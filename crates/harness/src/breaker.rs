//! The circuit breaker: an endpoint that only fails is asked no more.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use evalmark_core::{
    number_format::span,
    record::{ErrorKind, Failure},
};
use tokio::time::Instant;

use crate::reply::{AttemptError, FaultScope, Retryable};

/// At most this many requests must have failed before an endpoint counts as unreachable.
const MOST_TRIED: usize = 8;
/// Refusals of a key, with no answer between them, that end an endpoint which has answered before:
/// a gateway may have many keys, of which one has expired.
const REFUSALS: usize = 20;
/// How long a refused key waits for what becomes of the other first attempts.
const SECOND_THOUGHT: Duration = Duration::from_secs(1);
/// Attempts that must have failed before the lack of answers says anything.
const LEAST_FAILED: usize = 3;

/// What attempts and requests that have ended say about an endpoint.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// Some request got further than the endpoint's own failures.
    reached: AtomicBool,
    failed: AtomicUsize,
    threshold: usize,
    /// Refusals of the key since the last answer.
    refusals: AtomicUsize,
    silence: Silence,
    down: OnceLock<Failure>,
}

/// How long there has been no answer, while attempts failed.
#[derive(Debug)]
struct Silence {
    opened_at: Instant,
    /// Milliseconds from `opened_at` to the first failure since the last answer, and one more; 0
    /// where none has failed.
    since: AtomicU64,
    failed: AtomicUsize,
    longest: Duration,
}

/// The attempts that are under way while another has failed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    pub(crate) count: usize,
    /// How long the oldest of them has been under way, and may take.
    pub(crate) oldest: Duration,
    pub(crate) timeout: Duration,
}

impl Breaker {
    pub(crate) fn new(concurrency: usize, give_up_after: Duration) -> Self {
        Self {
            reached: AtomicBool::new(false),
            failed: AtomicUsize::new(0),
            threshold: concurrency.clamp(1, MOST_TRIED),
            refusals: AtomicUsize::new(0),
            silence: Silence {
                opened_at: Instant::now(),
                since: AtomicU64::new(0),
                failed: AtomicUsize::new(0),
                longest: give_up_after,
            },
            down: OnceLock::new(),
        }
    }

    /// Why the endpoint is down, if it is.
    pub(crate) fn down(&self) -> Option<&Failure> {
        self.down.get()
    }

    /// Takes the endpoint down; whether it was up.
    pub(crate) fn give_up(&self, failure: Failure) -> bool {
        self.down.set(failure).is_ok()
    }

    /// An attempt got an answer.
    pub(crate) fn answered(&self) {
        self.reach();
        if self.refusals.load(Ordering::Relaxed) > 0 {
            self.refusals.store(0, Ordering::Relaxed);
        }
        self.silence.end();
    }

    fn reach(&self) {
        if !self.reached.load(Ordering::Relaxed) {
            self.reached.store(true, Ordering::Relaxed);
        }
    }

    /// The server asks to come back later than anyone waits. Once that may be a mistake; if it goes
    /// on, nobody is asked any more.
    pub(crate) fn sent_away(&self, error: AttemptError) -> AttemptError {
        let times = self.refusals.fetch_add(1, Ordering::Relaxed) + 1;
        if times < REFUSALS { error } else { error.with_fault_scope(FaultScope::Silence) }
    }

    /// An attempt failed: whether to try again, and what is at fault, in the light of all others.
    pub(crate) fn weigh(
        &self,
        mut error: AttemptError,
        others: Others,
        now: Instant,
    ) -> AttemptError {
        let is_refusal = error.failure.kind == ErrorKind::Auth;
        if is_refusal && matches!(error.fault_scope, FaultScope::Key | FaultScope::Endpoint) {
            if self.is_one_of_many(others) {
                let is_key = error.fault_scope == FaultScope::Key;
                let retryable = if is_key { Retryable::Yes } else { Retryable::Never };
                let was_reached = self.reached.load(Ordering::Relaxed);
                let wait = if was_reached { error.wait } else { Some(SECOND_THOUGHT) };
                error =
                    AttemptError { retryable, wait, ..error.with_fault_scope(FaultScope::Nobody) };
            } else {
                error.fault_scope = FaultScope::Key;
            }
        }
        match self.silence.lasts_too_long(others, now) {
            Some(silence) if error.fault_scope != FaultScope::Account => {
                let noted = format!(
                    " (not one answer for {}; `limits: {{ give_up_after: … }}` sets how long to wait)",
                    span(silence)
                );
                error.failure.message.push_str(&noted);
                AttemptError {
                    retryable: Retryable::Never,
                    ..error.with_fault_scope(FaultScope::Silence)
                }
            }
            _ => error,
        }
    }

    /// Counts a refusal of the key, and says whether another key may do. Where none was accepted
    /// yet, the second refusal speaks for all, and the first where nothing else is under way.
    fn is_one_of_many(&self, others: Others) -> bool {
        let refusals = self.refusals.fetch_add(1, Ordering::Relaxed) + 1;
        let enough = match (self.reached.load(Ordering::Relaxed), others.count) {
            (true, _) => REFUSALS,
            (false, 0) => 1,
            (false, _) => 2,
        };
        refusals < enough
    }

    /// A request ended without an answer. Whether this took the endpoint down, which happens once.
    pub(crate) fn failed(&self, error: &AttemptError) -> bool {
        let trips = match error.fault_scope {
            FaultScope::Request => {
                self.reach();
                false
            }
            FaultScope::Nobody => false,
            FaultScope::Endpoint if self.reached.load(Ordering::Relaxed) => false,
            FaultScope::Endpoint => {
                self.failed.fetch_add(1, Ordering::Relaxed) + 1 >= self.threshold
            }
            FaultScope::Key | FaultScope::Account | FaultScope::Silence => true,
        };
        trips && self.down.set(error.failure.clone()).is_ok()
    }
}

impl Silence {
    fn end(&self) {
        if self.since.load(Ordering::Relaxed) > 0 {
            self.since.store(0, Ordering::Relaxed);
            self.failed.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a failed attempt, and says how long there was no answer where that is too long.
    ///
    /// An attempt that has been under way for longer than a failing server takes may yet be
    /// answered, if its time limit allows that.
    fn lasts_too_long(&self, others: Others, now: Instant) -> Option<Duration> {
        let elapsed = now.saturating_duration_since(self.opened_at).as_millis();
        let now = u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_add(1);
        let begun = self.since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let since = begun.map_or_else(|since| since, |_| now);
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        let silence = Duration::from_millis(now.saturating_sub(since));
        let is_at_work = others.count > 0 && others.oldest >= self.longest / 4;
        let longest = if is_at_work { self.longest.max(others.timeout) } else { self.longest };
        (silence >= longest && failed >= LEAST_FAILED).then_some(silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(concurrency: usize) -> Breaker {
        Breaker::new(concurrency, Duration::from_mins(5))
    }

    fn unreachable() -> AttemptError {
        AttemptError::new(ErrorKind::Connection, "refused".into(), Retryable::Yes)
            .with_fault_scope(FaultScope::Endpoint)
    }

    /// Whether an attempt that ended with this status ends all, is tried again, or just fails.
    fn refused(breaker: &Breaker, status: u16, count: usize) -> &'static str {
        let error = AttemptError::of_status(status, "no".into());
        let others = Others { count, ..Others::default() };
        let error = breaker.weigh(error, others, Instant::now());
        match (breaker.failed(&error), error.retryable) {
            (true, _) => "down",
            (false, Retryable::Yes) => "again",
            (false, Retryable::Never) => "fails",
        }
    }

    #[test]
    fn a_refused_key_trips_at_once_where_it_speaks_for_all() {
        let alone = breaker(64);
        assert_eq!(refused(&alone, 401, 0), "down");
        assert_eq!(refused(&alone, 401, 0), "fails", "it is told once");
        assert_eq!(alone.down().map(|failure| failure.kind), Some(ErrorKind::Auth));
        assert_eq!(refused(&breaker(64), 403, 0), "down");
        let many = breaker(64);
        assert_eq!([(); 2].map(|()| refused(&many, 401, 9)), ["again", "down"]);
    }

    #[test]
    fn one_key_of_many_may_be_refused() {
        let breaker = breaker(64);
        breaker.answered();
        for _ in 0..10 {
            assert!((0..REFUSALS - 1).all(|_| refused(&breaker, 401, 9) == "again"));
            breaker.answered();
            assert!((0..REFUSALS - 1).all(|_| refused(&breaker, 403, 0) == "fails"));
            breaker.answered();
        }
        assert!((0..REFUSALS - 1).all(|_| refused(&breaker, 401, 0) == "again"));
        assert_eq!(refused(&breaker, 401, 0), "down");
    }

    #[test]
    fn an_account_without_credit_trips_whatever_came_before() {
        let breaker = breaker(64);
        breaker.answered();
        let error = AttemptError::new(ErrorKind::NoCredit, "no".into(), Retryable::Never);
        let error = breaker.weigh(
            error.with_fault_scope(FaultScope::Account),
            Others::default(),
            Instant::now(),
        );
        assert!(breaker.failed(&error));
    }

    #[test]
    fn unreachable_after_the_first_few() {
        let breaker = breaker(3);
        assert_eq!([0; 3].map(|_| breaker.failed(&unreachable())), [false, false, true]);
    }

    #[test]
    fn a_time_out_says_nothing() {
        let breaker = breaker(2);
        let timeout = AttemptError::new(ErrorKind::Timeout, String::new(), Retryable::Yes);
        let timeout = timeout.with_fault_scope(FaultScope::Nobody);
        let errors = [&unreachable(), &timeout, &timeout, &unreachable()];
        assert_eq!(errors.map(|error| breaker.failed(error)), [false, false, false, true]);
    }

    #[test]
    fn reachable_once_means_reachable() {
        let breaker = breaker(2);
        assert!(!breaker.failed(&unreachable()));
        assert!(!breaker.failed(&AttemptError::of_status(400, "bad".into())));
        assert!((0..20).all(|_| !breaker.failed(&unreachable())));
    }

    const MINUTE: Duration = Duration::from_mins(1);

    /// Whether a refusal after so many minutes ends all.
    fn gives_up(breaker: &Breaker, begun: Instant, minutes: u32, others: Others) -> bool {
        let busy = AttemptError::of_status(429, "busy".into());
        let error = breaker.weigh(busy, others, begun + minutes * MINUTE);
        assert_eq!(error.fault_scope == FaultScope::Silence, error.retryable == Retryable::Never);
        error.fault_scope == FaultScope::Silence
    }

    #[test]
    fn a_server_that_never_answers_is_given_up() {
        let (breaker, begun, none) = (breaker(64), Instant::now(), Others::default());
        assert!(!gives_up(&breaker, begun, 60, none), "nothing was asked before");
        assert!((61..65).all(|minute| !gives_up(&breaker, begun, minute, none)));
        breaker.answered();
        assert!((65..70).all(|minute| !gives_up(&breaker, begun, minute, none)));
        assert!(gives_up(&breaker, begun, 70, none));
    }

    #[test]
    fn a_slow_server_is_not_given_up_while_it_works() {
        let (breaker, begun) = (breaker(64), Instant::now());
        let working = Others { count: 1, oldest: 3 * MINUTE, timeout: 30 * MINUTE };
        assert!((0..30).all(|minute| !gives_up(&breaker, begun, minute, working)));
        let young = Others { oldest: Duration::from_secs(1), ..working };
        assert!(gives_up(&breaker, begun, 30, young) && gives_up(&breaker, begun, 30, working));
    }
}
