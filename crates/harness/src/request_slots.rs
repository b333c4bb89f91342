//! How many requests a dispatcher has in hand: as many as may be asked at once, and others for those that wait
//! for something else than their turn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

/// Requests that may wait while others use their slots, at least.
const LEAST_WAITING: usize = 16;

/// The slots of one dispatcher.
#[derive(Debug)]
pub(crate) struct RequestSlots {
    free: Semaphore,
    lent: Mutex<Lent>,
}

/// The slots of requests that wait.
#[derive(Debug)]
struct Lent {
    /// How many more may be lent.
    left: usize,
    /// Requests in hand beyond those that may be: so many will not be followed when they end.
    owed: usize,
}

/// The right to have a request in hand. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct RequestSlot(Arc<RequestSlots>);

/// A slot that another request may use. Dropping it takes the slot back, from the next request that ends.
#[derive(Debug)]
struct Loan<'a>(&'a RequestSlots);

impl RequestSlots {
    /// As many as may be asked at once.
    pub(crate) fn new(concurrency: usize) -> Arc<Self> {
        let count = concurrency.clamp(1, Semaphore::MAX_PERMITS / 2);
        let lent = Lent { left: count.max(LEAST_WAITING), owed: 0 };
        Arc::new(Self { free: Semaphore::new(count), lent: Mutex::new(lent) })
    }

    /// Waits for a slot.
    pub(crate) async fn take(self: &Arc<Self>) -> RequestSlot {
        if let Ok(permit) = self.free.acquire().await {
            permit.forget();
        }
        RequestSlot(self.clone())
    }

    /// Waits, while another request may use the slot, unless many wait already.
    pub(crate) async fn lent_during<F: Future>(&self, wait: F) -> F::Output {
        let _loan = self.lend();
        wait.await
    }

    fn lend(&self) -> Option<Loan<'_>> {
        let mut lent = self.lent();
        lent.left = lent.left.checked_sub(1)?;
        // Where one too many is in hand, it is the one that uses the slot.
        match lent.owed.checked_sub(1) {
            Some(owed) => lent.owed = owed,
            None => self.free.add_permits(1),
        }
        Some(Loan(self))
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        let mut lent = self.0.lent();
        if lent.owed > 0 {
            lent.owed -= 1;
        } else {
            self.0.free.add_permits(1);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut lent = self.0.lent();
        lent.left += 1;
        match self.0.free.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(_) => lent.owed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_lets_somebody_else_go_on_and_nobody_more() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let slots = RequestSlots::new(2);
        let take = || runtime.block_on(slots.take());
        let free = || slots.free.available_permits();
        let (first, second) = (take(), take());
        assert_eq!(free(), 0);
        let loan = slots.lend().expect("a loan");
        let third = take();
        assert_eq!(free(), 0);
        // Three are in hand and none waits any more: when the first of them ends, none follows it.
        drop(loan);
        drop(third);
        assert_eq!(free(), 0);
        drop((first, second));
        assert_eq!(free(), 2);
        // What nobody has used is taken back at once.
        drop(slots.lend().expect("a loan"));
        assert_eq!(free(), 2);
    }

    #[test]
    fn who_waits_again_and_again_lets_in_one_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let slots = RequestSlots::new(1);
        let take = || runtime.block_on(slots.take());
        let first = take();
        let loan = slots.lend();
        let second = take();
        drop(loan);
        for _ in 0..10 {
            drop(slots.lend().expect("a loan"));
            assert_eq!(slots.free.available_permits(), 0);
        }
        drop((first, second));
        assert_eq!(slots.free.available_permits(), 1);
    }

    #[test]
    fn no_more_are_lent_than_may_wait() {
        for (concurrency, most) in [(1, 16), (16, 16), (100, 100)] {
            let slots = RequestSlots::new(concurrency);
            let loans: Vec<_> = std::iter::from_fn(|| slots.lend()).collect();
            assert_eq!(loans.len(), most);
            drop(loans);
            assert_eq!(slots.free.available_permits(), concurrency);
            assert!(slots.lend().is_some());
        }
    }
}
