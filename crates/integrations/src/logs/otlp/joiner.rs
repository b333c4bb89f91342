//! Halves of an answer: many instrumentations send what was said as log records, beside the span, which has the time, the
//! model and the tokens. The half that comes first waits for the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{answer::Answer, span::Attributes};

/// How long the first half waits. Both are sent within five seconds by default, and their senders wait for ten.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// Until it is known whether an application sends the other halves at all.
const TRIAL: Duration = Duration::from_secs(15);

/// One half, or both.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) answer: Answer,
    pub(super) resource: Arc<Attributes>,
    pub(super) has_span: bool,
    pub(super) has_event: bool,
    /// Those who sent a part of it and wait until it is stored.
    pub(super) waiters: Vec<oneshot::Sender<()>>,
}

/// What becomes of a half.
#[derive(Debug)]
pub(super) enum Joined {
    /// There is nothing to wait for.
    Ready(Box<Half>),
    /// It waits, and this says when it is stored with the other.
    Waits(oneshot::Receiver<()>),
}

/// Which span it is of.
pub(super) type SpanKey = (String, String);

/// The halves that wait.
#[derive(Debug, Default)]
pub(super) struct Joiner(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    halves: HashMap<SpanKey, Half>,
    /// When the first half came.
    since: Option<Instant>,
    had_span: bool,
    had_event: bool,
}

impl Half {
    /// Which span it is of.
    pub(super) fn key(&self) -> SpanKey {
        (self.answer.trace_id.clone(), self.answer.span_id.clone())
    }

    /// Whether all is there that can come.
    fn is_ready(&self) -> bool {
        self.has_span && self.answer.is_complete()
    }

    /// Takes in what another half of the same answer has.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { mut answer, has_span, has_event, waiters, resource } = other;
        // The span comes first, and of two events the earlier.
        if has_span && !self.has_span {
            std::mem::swap(&mut self.answer, &mut answer);
            self.resource = resource;
        }
        for (key, value) in answer.attributes {
            self.answer.attributes.entry(key).or_insert(value);
        }
        self.answer.exchange.take(answer.exchange);
        self.answer.error = self.answer.error.take().or(answer.error);
        self.has_span |= has_span;
        self.has_event |= has_event;
        self.waiters.extend(waiters);
    }
}

impl Joiner {
    /// Joins a half with what waits for it.
    pub(super) fn join(&self, mut half: Half) -> Joined {
        let mut waiting = self.waiting();
        let since = *waiting.since.get_or_insert_with(Instant::now);
        waiting.had_span |= half.has_span;
        waiting.had_event |= half.has_event;
        if let Some(mut earlier) = waiting.halves.remove(&half.key()) {
            earlier.merge(half);
            half = earlier;
        }
        let comes = if half.has_span { waiting.had_event } else { waiting.had_span };
        let may_come = comes || since.elapsed() < TRIAL;
        if half.is_ready() || !may_come || half.answer.trace_id.is_empty() {
            return Joined::Ready(Box::new(half));
        }
        let (stored, hears) = oneshot::channel();
        half.waiters.push(stored);
        waiting.halves.insert(half.key(), half);
        Joined::Waits(hears)
    }

    /// Takes back halves that nothing came for.
    pub(super) fn take_back(&self, keys: &[SpanKey]) -> Vec<Half> {
        let mut waiting = self.waiting();
        keys.iter().filter_map(|key| waiting.halves.remove(key)).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
