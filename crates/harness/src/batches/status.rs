//! What an endpoint needs for batches, and what it tells of those that are waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::journal::Journal;
use crate::{
    event::{Hold, Holder},
    providers::batch_wire::BatchWire,
};

/// Batches that are waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchesWaiting {
    /// How many there are.
    pub batches: u64,
    /// Requests in them.
    pub requests: u64,
    /// Of those, the ones that have ended at the provider, as far as it says so.
    pub ended: u64,
    /// What the provider calls the state of one of them, where nobody knows what that means.
    pub unknown_state: Option<Arc<str>>,
}

/// The batches of an endpoint.
#[derive(Debug)]
pub(crate) struct Batches {
    pub(super) journal: Journal,
    pub(super) wire: &'static dyn BatchWire,
    waiting: Mutex<Option<Waiting>>,
}

#[derive(Clone, Debug)]
struct Waiting {
    waiting: BatchesWaiting,
    until: Instant,
}

impl Batches {
    pub(crate) fn new(journal: Journal, wire: &'static dyn BatchWire) -> Self {
        Self { journal, wire, waiting: Mutex::default() }
    }

    /// What is waited for, until the next look.
    pub(crate) fn hold(&self) -> Option<Hold> {
        let Waiting { waiting, until } = self.waiting().clone()?;
        let time = until.saturating_duration_since(Instant::now());
        Some(Hold { by: Holder::Batches(waiting), time })
    }

    /// Batches that the provider goes on with, whoever waits for them.
    pub(crate) fn left(&self) -> BatchesWaiting {
        self.waiting().clone().map(|waiting| waiting.waiting).unwrap_or_default()
    }

    pub(super) fn tell(&self, waiting: BatchesWaiting, time: Duration) {
        *self.waiting() = Some(Waiting { waiting, until: Instant::now() + time });
    }

    /// Nothing is waited for any more; what goes on at the provider is kept in mind where the wait was
    /// broken off.
    pub(super) fn end_wait(&self, is_broken_off: bool) {
        if !is_broken_off {
            *self.waiting() = None;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
