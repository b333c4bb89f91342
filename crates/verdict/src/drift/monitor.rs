//! All streams of a release, and what each may spend of the yearly alpha.

use evalmark_core::drift::DriftReport;
use serde::{Deserialize, Serialize};

use super::{
    error::DriftError,
    reference::ReferenceSample,
    rule::{DriftRule, StreamRule},
    stream::Stream,
    sums::{StreamValue, ValueSums},
};

/// Watches streams of production values. It can be written away at any time, and goes on as if it
/// had not been.
///
/// Streams share alpha by their weights. Once some have raised an alarm the others share what those had (Holm's
/// procedure with weights): the chance that any stream without drift raises one stays alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftMonitor {
    pub(super) rule: DriftRule,
    pub(super) streams: Vec<Stream>,
    pub(super) n_looks: u64,
    /// What the look that is going on is called: one more than the last one, until it is closed.
    next: i64,
}

impl DriftMonitor {
    /// How its streams are watched.
    pub fn rule(&self) -> &DriftRule {
        &self.rule
    }

    /// Streams, each with the sample that it is held against.
    pub fn new(
        rule: DriftRule,
        streams: Vec<(StreamRule, ReferenceSample)>,
    ) -> Result<Self, DriftError> {
        rule.check()?;
        for (at, (stream, sample)) in streams.iter().enumerate() {
            stream.check(&rule)?;
            if streams[..at].iter().any(|other| other.0.name == stream.name) {
                return Err(DriftError::SameName(stream.name.clone()));
            }
            if sample.weights.is_empty() {
                return Err(DriftError::Empty(stream.name.clone()));
            }
        }
        let weights: f64 = streams.iter().map(|one| one.0.weight).sum();
        let one = |(stream, sample): (StreamRule, ReferenceSample)| {
            let share = if weights > 0.0 { stream.weight / weights } else { 0.0 };
            let alpha = rule.alpha * share;
            Stream::new(stream, sample, alpha, &rule)
        };
        let streams = streams.into_iter().map(one).collect();
        Ok(Self { streams, rule, n_looks: 0, next: 0 })
    }

    /// The place of a stream, by which values are handed over.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.streams.iter().position(|stream| stream.rule.name == name)
    }

    /// Takes in a score or an amount. One that is no number, out of range, or of a stratum that the
    /// released run has not is counted and left out; so is any of a stream that there is not.
    pub fn observe(&mut self, place: usize, value: &StreamValue<'_, f64>) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.push(value);
        }
    }

    /// Takes in a category.
    pub fn observe_category(&mut self, place: usize, value: &StreamValue<'_, &str>) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.push_category(value, self.next);
        }
    }

    /// Takes in sums of independent scores between 0 and 1 at once.
    pub fn observe_sums(&mut self, place: usize, stratum: &str, sums: &ValueSums) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.push_sums(stratum, sums);
        }
    }

    /// Ends a look, such as a day, and tests all streams; `at` says in alarms which one it was, and rises from look to
    /// look. Returns whether an alarm was raised.
    pub fn close_look(&mut self, at: i64) -> bool {
        self.n_looks += 1;
        self.next = at.saturating_add(1);
        for stream in &mut self.streams {
            stream.close_look(at, &self.rule);
        }
        let mut raised = false;
        while let Some(place) = self.clearest() {
            self.streams[place].raise(at);
            raised = true;
        }
        raised
    }

    /// The place of the stream with the clearest evidence, where that is enough for an alarm.
    fn clearest(&self) -> Option<usize> {
        let quiet = || self.streams.iter().enumerate().filter(|one| one.1.is_quiet());
        let left: f64 = quiet().map(|one| one.1.alpha).sum();
        let enough = |stream: &Stream| {
            let alpha = self.rule.alpha * stream.alpha / left;
            stream.largest / Stream::threshold(alpha)
        };
        let best = quiet().max_by(|a, b| enough(a.1).total_cmp(&enough(b.1)))?;
        (enough(best.1) >= 1.0).then_some(best.0)
    }

    /// Takes a stream's alarm back, once its cause is dealt with, and begins its tests anew. That spends its
    /// alpha once more.
    pub fn clear_alarm(&mut self, place: usize) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.clear();
        }
    }

    /// What is known of every stream.
    pub fn report(&self) -> DriftReport {
        DriftReport {
            alpha: self.rule.alpha,
            n_looks: self.n_looks,
            streams: self.streams.iter().map(|stream| self.describe(stream)).collect(),
        }
    }
}
