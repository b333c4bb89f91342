//! How long the attempts that are under way have been so, to a quarter of a second.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Attempts that began within so many milliseconds are counted together.
const SPAN_MS: u128 = 250;

/// Attempts under way, by when they began.
#[derive(Debug)]
pub(super) struct Ages {
    opened_at: Instant,
    /// Spans of time, and how many attempts of each are under way; the oldest first.
    spans: VecDeque<(u128, usize)>,
}

impl Ages {
    pub(super) fn new(now: Instant) -> Self {
        Self { opened_at: now, spans: VecDeque::new() }
    }

    fn span(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.opened_at).as_millis() / SPAN_MS
    }

    pub(super) fn begin(&mut self, now: Instant) {
        let span = self.span(now);
        match self.spans.back_mut() {
            Some((last, count)) if *last == span => *count += 1,
            _ => self.spans.push_back((span, 1)),
        }
    }

    pub(super) fn end(&mut self, sent_at: Instant) {
        let span = self.span(sent_at);
        if let Ok(place) = self.spans.binary_search_by_key(&span, |(began, _)| *began) {
            let (_, count) = &mut self.spans[place];
            *count = count.saturating_sub(1);
        }
        while self.spans.front().is_some_and(|(_, count)| *count == 0) {
            self.spans.pop_front();
        }
    }

    /// How many are under way, and how long the oldest has been, rather too long than too short.
    pub(super) fn oldest(&self, now: Instant) -> (usize, Duration) {
        let count = self.spans.iter().map(|(_, count)| count).sum();
        let Some((span, _)) = self.spans.front() else { return (count, Duration::ZERO) };
        let began = Duration::from_millis(u64::try_from(span * SPAN_MS).unwrap_or(u64::MAX));
        (count, now.saturating_duration_since(self.opened_at).saturating_sub(began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_counts() {
        let (begun, second) = (Instant::now(), Duration::from_secs(1));
        let at = |seconds: u32| begun + seconds * second;
        let mut ages = Ages::new(begun);
        assert_eq!(ages.oldest(at(9)), (0, Duration::ZERO));
        for seconds in [0, 1, 9, 30] {
            ages.begin(at(seconds));
        }
        assert_eq!(ages.oldest(at(40)), (4, 40 * second));
        ages.end(at(1));
        ages.end(at(9));
        assert_eq!(ages.oldest(at(40)), (2, 40 * second));
        ages.end(at(0));
        assert_eq!(ages.oldest(at(40)), (1, 10 * second));
        ages.end(at(30));
        assert_eq!(ages.oldest(at(40)), (0, Duration::ZERO));
    }
}
