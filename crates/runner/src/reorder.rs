//! Answers on their way from asking to scoring, while both go on: as long as scoring keeps up it gets
//! them from here, in the order of the reports; what came too early is read from the ledger again.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use evalmark_core::{
    plan::{Plan, Sample},
    record::Record,
};
use evalmark_harness::Event;
use rangemap::RangeSet;

use crate::AskTag;

/// Samples that are scored together, at most.
pub(crate) const BATCH: usize = 512;

/// Where answers come slowly, those that are ready may be scored after so long, even if they are
/// fewer: so that little is left to do when the last one comes.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// An answer is kept where fewer than this many samples are scored before it.
const WINDOW: usize = 16 * BATCH;

/// Bytes of text that are kept, about.
const KEPT_BYTES: usize = 32 << 20;

/// A sample with its end.
pub(crate) type Ended = (Sample, Record);

/// The answers of one run on their way. Samples are known by their rank in the order of reports.
pub(crate) struct ReorderBuffer {
    plan: Plan,
    /// How long less than a batch may wait; `None`: until there is a batch.
    patience: Option<Duration>,
    state: Mutex<State>,
    /// There may be something to score.
    scorable: Condvar,
    /// Something arrived, or nothing will any more.
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// Rank of the next sample that is scored.
    next: u64,
    /// What arrived of the samples from there on.
    kept: VecDeque<Option<Box<Ended>>>,
    /// How many of them are there without a gap.
    ready: usize,
    /// Bytes of text in `kept`.
    bytes: usize,
    /// Ranks of samples that have ended and were not kept.
    elsewhere: RangeSet<u64>,
    /// How many arrived.
    arrived: u64,
    /// Who waits for `scorable` and for `news`: waking nobody costs as much as waking somebody.
    is_idle: bool,
    listeners: usize,
    /// Nothing more arrives; what did not is not there.
    is_over: bool,
    /// Nobody needs the scores any more.
    is_given_up: bool,
}

/// What is to be scored next.
pub(crate) enum Next {
    /// These.
    Here(Vec<Ended>),
    /// Those of these ranks: the records have what there is of them.
    Elsewhere(Range<u64>),
    /// Nothing: that was all.
    End,
    /// Nothing: asking ended early.
    GivenUp,
}

impl ReorderBuffer {
    /// For all samples of a plan; those of models that are not asked are there already.
    pub(crate) fn new(
        plan: &Plan,
        is_asked: impl Fn(usize) -> bool,
        patience: Option<Duration>,
    ) -> Self {
        let variants = plan.variants();
        let per_variant = plan.n_samples_per_variant();
        let unasked = (0..).zip(&variants).filter(|(_, (_, model))| !is_asked(*model));
        let elsewhere = unasked
            .map(|(variant, _): (u64, _)| variant * per_variant..(variant + 1) * per_variant);
        let state = State { elsewhere: elsewhere.collect(), ..State::default() };
        Self {
            plan: plan.clone(),
            patience,
            state: Mutex::new(state),
            scorable: Condvar::new(),
            news: Condvar::new(),
        }
    }

    /// A sample has ended, and the ledger holds its record.
    fn put(&self, sample: Sample, record: Record) {
        let rank = self.plan.rank(&sample);
        let mut state = self.state();
        let was_ready = state.ready > 0;
        state.put(rank, Box::new((sample, record)));
        // Woken for the first of a batch and for the last, not for every sample.
        let is_first = self.patience.is_some() && !was_ready && state.ready > 0;
        let is_woken = state.is_idle && (is_first || state.is_scorable());
        state.is_idle &= !is_woken;
        let is_heard = state.listeners > 0;
        drop(state);
        if is_woken {
            self.scorable.notify_one();
        }
        if is_heard {
            self.news.notify_all();
        }
    }

    /// Takes in what happened while asking.
    pub(crate) fn see(&self, event: Event<AskTag>) {
        match event {
            Event::Answered { tag: AskTag::Sample(sample), record, .. }
            | Event::Cached { tag: AskTag::Sample(sample), record }
            | Event::Failed { tag: AskTag::Sample(sample), record } => self.put(*sample, record),
            _ => {}
        }
    }

    /// Nothing more arrives.
    pub(crate) fn close(&self) {
        self.change(|state| state.is_over = true);
    }

    /// Nothing more arrives, and nobody needs the scores.
    pub(crate) fn give_up(&self) {
        self.change(|state| (state.is_over, state.is_given_up) = (true, true));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.scorable.notify_one();
        self.news.notify_all();
    }

    /// Waits for what is to be scored next.
    pub(crate) fn next(&self) -> Next {
        let mut state = self.state();
        while !state.is_scorable() {
            state.is_idle = true;
            let Some(patience) = self.patience.filter(|_| state.ready > 0) else {
                state = self.scorable.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let fills = |state: &mut State| !state.is_scorable();
            let waited = self.scorable.wait_timeout_while(state, patience, fills);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = after;
            if timeout.timed_out() {
                break;
            }
        }
        state.is_idle = false;
        state.next(self.plan.n_samples())
    }

    /// What `look_up` finds, or `None` once nothing arrives any more; waits for news while it finds
    /// nothing.
    pub(crate) fn wait_for<T, E>(
        &self,
        mut look_up: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        loop {
            let State { arrived, is_over, .. } = *self.state();
            let found = look_up()?;
            if found.is_some() || is_over {
                return Ok(found);
            }
            let mut state = self.state();
            state.listeners += 1;
            let nothing_new = |state: &mut State| state.arrived == arrived && !state.is_over;
            let state = self.news.wait_while(state, nothing_new);
            state.unwrap_or_else(PoisonError::into_inner).listeners -= 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, rank: u64, ended: Box<Ended>) {
        self.arrived += 1;
        let Some(place) = rank.checked_sub(self.next) else { return };
        let bytes = size(&ended);
        match usize::try_from(place) {
            Ok(place) if place < WINDOW && self.bytes + bytes <= KEPT_BYTES => {
                if place >= self.kept.len() {
                    self.kept.resize_with(place + 1, || None);
                }
                self.kept[place] = Some(ended);
                self.bytes += bytes;
                self.count_ready();
            }
            _ => self.elsewhere.insert(rank..rank + 1),
        }
    }

    fn count_ready(&mut self) {
        while self.kept.get(self.ready).is_some_and(Option::is_some) {
            self.ready += 1;
        }
    }

    fn is_scorable(&self) -> bool {
        self.is_over || self.ready >= BATCH || self.gap_is_elsewhere()
    }

    /// Whether the sample behind those that are ready is not waited for.
    fn gap_is_elsewhere(&self) -> bool {
        !self.elsewhere.is_empty() && self.elsewhere.contains(&(self.next + self.ready as u64))
    }

    fn next(&mut self, total: u64) -> Next {
        if self.is_given_up {
            return Next::GivenUp;
        }
        if self.ready > 0 {
            let count = self.ready.min(BATCH);
            let here: Vec<Ended> = self.kept.drain(..count).flatten().map(|ended| *ended).collect();
            self.bytes -= here.iter().map(size).sum::<usize>();
            self.next += here.len() as u64;
            self.ready -= count;
            return Next::Here(here);
        }
        if self.next >= total {
            return Next::End;
        }
        let range = self.missing(total);
        let count = usize::try_from(range.end - range.start).unwrap_or(BATCH).min(self.kept.len());
        self.kept.drain(..count);
        self.count_ready();
        self.next = range.end;
        self.elsewhere.remove(range.clone());
        Next::Elsewhere(range)
    }

    /// Ranks of the next samples that are not kept, at most a batch.
    fn missing(&self, total: u64) -> Range<u64> {
        let start = self.next;
        let gap = self.kept.iter().position(Option::is_some).map(|gap| start + gap as u64);
        let elsewhere = self.elsewhere.get(&start).map(|range| range.end);
        // Once nothing arrives any more, all that is not kept has to be looked for.
        let end = if self.is_over { total } else { elsewhere.unwrap_or(start + 1) };
        start..end.min(gap.unwrap_or(total)).min(start + BATCH as u64).min(total)
    }
}

/// Bytes of text, about.
pub(crate) fn size((sample, record): &Ended) -> usize {
    sample.request.text_bytes() + record.output.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests;
