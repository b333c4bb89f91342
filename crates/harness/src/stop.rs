//! Stopping early: first gracefully, then at once.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// A stop that whoever runs an ask can request. Clones share the request.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    graceful: CancellationToken,
    now: CancellationToken,
    /// Set before the tokens are: every request looks here, and a token is looked at under a lock.
    is_requested: Arc<AtomicBool>,
    /// The same of those that it follows.
    leaders: Arc<[Arc<AtomicBool>]>,
}

impl Stop {
    /// Nothing requested yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks nothing new; what is in flight is awaited for a grace period.
    pub fn gracefully(&self) {
        self.is_requested.store(true, Ordering::Release);
        self.graceful.cancel();
    }

    /// Abandons what is in flight, too. Answers that have arrived are still committed.
    pub fn now(&self) {
        self.gracefully();
        self.now.cancel();
    }

    /// The first call stops gracefully, the second at once: what Ctrl-C means.
    pub fn escalate(&self) {
        if self.is_requested() { self.now() } else { self.gracefully() }
    }

    /// Whether any stop was requested.
    pub fn is_requested(&self) -> bool {
        let is_set = |flag: &Arc<AtomicBool>| flag.load(Ordering::Acquire);
        is_set(&self.is_requested) || self.leaders.iter().any(is_set)
    }

    /// A stop that follows this one, and can be requested without it.
    pub(crate) fn child(&self) -> Self {
        let leaders = self.leaders.iter().chain([&self.is_requested]).cloned();
        Self {
            graceful: self.graceful.child_token(),
            now: self.now.child_token(),
            is_requested: Arc::default(),
            leaders: leaders.collect(),
        }
    }

    /// Stops at once when dropped.
    pub(crate) fn guard(&self) -> StopGuard<'_> {
        StopGuard(self)
    }

    /// `future`'s output, or `None` once a stop is requested.
    pub(crate) fn unless<F: Future>(
        &self,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + use<'_, F> {
        self.graceful.run_until_cancelled(future)
    }

    /// Resolves at a stop at once.
    pub(crate) async fn at_once(&self) {
        self.now.cancelled().await;
    }

    /// Resolves when nothing may be awaited any longer: at once, or `grace` after a graceful stop.
    pub(crate) async fn abandoned(&self, grace: Duration) {
        self.graceful.cancelled().await;
        self.now.run_until_cancelled(tokio::time::sleep(grace)).await;
    }
}

/// Stops at once when dropped.
pub(crate) struct StopGuard<'a>(&'a Stop);

impl Drop for StopGuard<'_> {
    fn drop(&mut self) {
        self.0.now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escalates_from_graceful_to_now() {
        let stop = Stop::new();
        stop.escalate();
        assert!(stop.is_requested() && !stop.now.is_cancelled());
        stop.escalate();
        assert!(stop.now.is_cancelled());
    }

    #[test]
    fn a_child_follows_but_does_not_lead() {
        let parent = Stop::new();
        let child = parent.child();
        child.now();
        assert!(!parent.is_requested());
        let (child, grandchild) = (parent.child(), parent.child().child());
        parent.gracefully();
        for follower in [child, grandchild] {
            assert!(follower.is_requested() && !follower.now.is_cancelled());
        }
        let stop = Stop::new();
        drop(stop.guard());
        assert!(stop.is_requested() && stop.now.is_cancelled());
    }
}
