//! The canary's timer: looks at fixed moments from the first one on. A look that takes longer than the span between
//! two leaves out those that it ran over; none is made up for.

use std::time::Duration;

use evalmark_harness::{RequestRuntime, Stop, Tuning};
use jiff::Timestamp;

use crate::error::{Hinted, Result};

/// What time it is, and waiting.
pub trait CanaryClock {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits; `false` where that was interrupted.
    fn wait(&mut self, span: Duration) -> Result<bool>;
}

/// The clock of this machine. Ctrl-C interrupts it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl CanaryClock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&mut self, span: Duration) -> Result<bool> {
        let cannot = "no thread can be started";
        let runtime = RequestRuntime::start(Tuning::default()).context(cannot)?;
        let stop = Stop::new();
        runtime.stop_on_signals(&stop).context("signals cannot be heard")?;
        Ok(runtime.wait(span, &stop))
    }
}

/// Makes looks until one of them answers with something, or until a wait is interrupted (`None`). Each hears how many
/// were left out before it.
pub fn repeat_looks<T>(
    every: Duration,
    clock: &mut dyn CanaryClock,
    mut look: impl FnMut(u64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let mut due = clock.now();
    let mut left_out = 0;
    loop {
        if let Some(end) = look(left_out)? {
            return Ok(Some(end));
        }
        let now = clock.now();
        let Next { at, n_left_out } = next_look(due, now, every);
        (due, left_out) = (at, n_left_out);
        // A clock that was set back makes no wait longer than one span.
        let span = Duration::try_from(at.duration_since(now)).unwrap_or_default().min(every);
        if !clock.wait(span)? {
            return Ok(None);
        }
    }
}

/// The next look, and how many before it are left out.
struct Next {
    at: Timestamp,
    n_left_out: u64,
}

/// The first moment after `now` that is so many spans after `due`.
fn next_look(due: Timestamp, now: Timestamp, every: Duration) -> Next {
    let every_ns = every.as_nanos().max(1);
    let over = Duration::try_from(now.duration_since(due)).unwrap_or_default();
    let n_left_out = over.as_nanos() / every_ns;
    let spans = u32::try_from(n_left_out.saturating_add(1)).unwrap_or(u32::MAX);
    let begun = if now < due { now } else { due };
    let at = every.checked_mul(spans).and_then(|span| begun.checked_add(span).ok());
    let n_left_out = u64::try_from(n_left_out).unwrap_or(u64::MAX);
    Next { at: at.unwrap_or(Timestamp::MAX), n_left_out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunError;

    const HOUR: i64 = 3600;

    /// A clock that a test moves.
    struct Moved {
        now: i64,
        waits: usize,
        interrupted_at: usize,
    }

    impl CanaryClock for Moved {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.now).unwrap_or(Timestamp::MAX)
        }

        fn wait(&mut self, span: Duration) -> Result<bool> {
            self.waits += 1;
            self.now += i64::try_from(span.as_secs()).unwrap_or(0);
            Ok(self.waits < self.interrupted_at)
        }
    }

    /// Looks at the hours that they take: when each begins, and how many were left out before it.
    fn looks(took: &[i64], interrupted_at: usize) -> (Vec<(i64, u64)>, Option<()>) {
        use std::cell::RefCell;

        struct Shared<'a>(&'a RefCell<Moved>);
        impl CanaryClock for Shared<'_> {
            fn now(&self) -> Timestamp {
                self.0.borrow().now()
            }
            fn wait(&mut self, span: Duration) -> Result<bool> {
                self.0.borrow_mut().wait(span)
            }
        }

        let clock = RefCell::new(Moved { now: 0, waits: 0, interrupted_at });
        let mut seen = Vec::new();
        let every = Duration::from_hours(6);
        let end = repeat_looks(every, &mut Shared(&clock), |left_out| {
            seen.push((clock.borrow().now / HOUR, left_out));
            clock.borrow_mut().now += took[seen.len() - 1] * HOUR;
            Ok((seen.len() == took.len()).then_some(()))
        });
        (seen, end.expect("no error"))
    }

    #[test]
    fn looks_are_made_at_fixed_moments() {
        let check = |took: &[i64], expected: &[(i64, u64)]| {
            assert_eq!(looks(took, usize::MAX), (expected.to_vec(), Some(())), "{took:?}");
        };
        check(&[0, 0, 0], &[(0, 0), (6, 0), (12, 0)]);
        // However long one takes, within its span.
        check(&[5, 2, 0], &[(0, 0), (6, 0), (12, 0)]);
        // A look that runs over leaves others out, and none is made up for.
        check(&[7, 0, 0], &[(0, 0), (12, 1), (18, 0)]);
        check(&[25, 1, 0], &[(0, 0), (30, 4), (36, 0)]);
        check(&[6, 0], &[(0, 0), (12, 1)]);
        // A clock that is set back: the next look is a span later.
        check(&[-10, 0, 0], &[(0, 0), (-4, 0), (2, 0)]);
    }

    #[test]
    fn a_wait_that_is_interrupted_ends_it() {
        assert_eq!(looks(&[0; 9], 3), (vec![(0, 0), (6, 0), (12, 0)], None));
    }

    #[test]
    fn an_error_of_a_look_ends_it() {
        let mut clock = Moved { now: 0, waits: 0, interrupted_at: 9 };
        let end = repeat_looks(Duration::from_hours(1), &mut clock, |_| -> Result<Option<()>> {
            Err(RunError::new("no"))
        });
        assert!(end.is_err() && clock.waits == 0);
    }
}
