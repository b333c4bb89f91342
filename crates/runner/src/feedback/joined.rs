//! The feedback of a suite, joined with the records of its monitor: each event counts once, for one record.
//!
//! An event names a record, or the trace of several. Where several records have that name, it is of the last that was
//! answered before it. A signal then counts by what its events name: where they name traces, each trace counts once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    path::Path,
};

use evalmark_core::feedback::{FeedbackKind, FeedbackValue};
use evalmark_report::records::{RecordNames, RecordRow, for_each_record};
use evalmark_store::{
    feedback::{FeedbackFile, KeptFeedback},
    monitor::{MonitorFolder, MonitorState},
};
use serde::Serialize;

use crate::error::{Result, RunError};

/// So many of the events are told that might be of several records.
const TOLD: usize = 20;

/// The kind of each signal: that of most of its events, and of the first where there are as many of two.
pub(super) fn kinds<'a>(
    events: impl Iterator<Item = &'a KeptFeedback>,
) -> BTreeMap<String, FeedbackKind> {
    let mut counts: BTreeMap<&str, Vec<(FeedbackKind, usize)>> = BTreeMap::new();
    for event in events {
        let kind = event.value.kind();
        let of_signal = counts.entry(&event.signal).or_default();
        match of_signal.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, n)) => *n += 1,
            None => of_signal.push((kind, 1)),
        }
    }
    let most = |of_signal: Vec<(FeedbackKind, usize)>| {
        // The first of the largest.
        let most = of_signal.into_iter().rev().max_by_key(|(_, n)| *n);
        most.map_or(FeedbackKind::Outcome, |(kind, _)| kind)
    };
    counts.into_iter().map(|(signal, kinds)| (signal.to_owned(), most(kinds))).collect()
}

/// The feedback of a suite by the record that it is of.
#[derive(Default)]
pub(crate) struct JoinedFeedback {
    events: Vec<KeptFeedback>,
    signals: BTreeMap<String, JoinedSignal>,
    /// By the place of a record among all: the places of its events.
    of_record: BTreeMap<u64, Vec<usize>>,
    last: LastRecords,
    /// What could not be told for sure.
    pub(super) doubts: JoinDoubts,
}

/// What is not for sure of a join.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JoinDoubts {
    /// Events that belong to no record.
    pub unjoined: u64,
    /// Events that are of another kind than most of their signal, and do not count.
    pub other_kind: u64,
    /// Events whose name several records have; each counts once.
    pub of_several: u64,
    /// The first of those, with the record that each counts for.
    pub joined_to: Vec<JoinedTo>,
}

/// An event whose name several records have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinedTo {
    /// The event's id.
    pub event: String,
    /// What was asked for or observed.
    pub signal: String,
    /// The record or trace that it names.
    pub names: String,
    /// So many records have that name.
    pub records: u64,
    /// The one that it counts for, with its place in the logs.
    pub record: String,
}

/// One signal.
pub(super) struct JoinedSignal {
    pub(super) kind: FeedbackKind,
    /// Whether its events name traces.
    by_trace: bool,
    /// Units that have an event: hashes of ids, or of traces.
    units: HashSet<u64>,
}

/// The last record of each id and of each trace, by the hash of its name; only where an absence says something.
#[derive(Default)]
struct LastRecords {
    hasher: RandomState,
    ids: HashMap<u64, (Option<i64>, u64)>,
    traces: HashMap<u64, (Option<i64>, u64)>,
}

/// A record that an event may be of.
struct Candidate {
    place: u64,
    at: Option<i64>,
    is_exact: bool,
    id: String,
    line: String,
}

/// A record's trace, where it is a span.
pub(super) fn trace_of(record_id: &str) -> Option<&str> {
    record_id.split_once(':').map(|(trace, _)| trace)
}

impl JoinedFeedback {
    /// That of a suite; empty where there is none.
    pub(crate) fn of_suite(
        out: &Path,
        suite: &str,
        folder: &MonitorFolder,
        state: &MonitorState,
    ) -> Result<Self> {
        Self::new(FeedbackFile::of_suite(out, suite).read()?, folder, state)
    }

    pub(super) fn new(
        events: Vec<KeptFeedback>,
        folder: &MonitorFolder,
        state: &MonitorState,
    ) -> Result<Self> {
        let kinds = kinds(events.iter());
        let n_before = events.len();
        let is_of_kind =
            |event: &KeptFeedback| kinds.get(&event.signal) == Some(&event.value.kind());
        let events: Vec<_> = events.into_iter().filter(is_of_kind).collect();
        let signal = |kind| JoinedSignal { kind, by_trace: false, units: HashSet::new() };
        let signals = kinds.into_iter().map(|(name, kind)| (name, signal(kind))).collect();
        let other_kind = (n_before - events.len()) as u64;
        let doubts = JoinDoubts { other_kind, ..JoinDoubts::default() };
        let mut joined = Self { events, signals, doubts, ..Self::default() };
        if !joined.events.is_empty() {
            let candidates = joined.candidates(folder, state)?;
            joined.join(&candidates);
        }
        Ok(joined)
    }

    /// The records that have a name of which there is an event.
    fn candidates(
        &mut self,
        folder: &MonitorFolder,
        state: &MonitorState,
    ) -> Result<HashMap<String, Vec<Candidate>>> {
        let mut found: HashMap<String, Vec<Candidate>> =
            self.events.iter().map(|event| (event.record_id.clone(), Vec::new())).collect();
        let has_outcomes = self.signals.values().any(|signal| signal.kind == FeedbackKind::Outcome);
        let mut place = 0;
        for segment in &state.segments {
            let path = folder.segment(&segment.name);
            for_each_record::<RunError>(&path, &RecordNames::default(), false, |row| {
                if has_outcomes {
                    self.last.see(row, place);
                }
                let names = [(Some(row.record_id), true), (trace_of(row.record_id), false)];
                for (name, is_exact) in names {
                    if let Some(of_name) = name.and_then(|name| found.get_mut(name)) {
                        of_name.push(Candidate {
                            place,
                            at: row.at,
                            is_exact,
                            id: row.record_id.to_owned(),
                            line: format!("{}:{}", row.file, row.line),
                        });
                    }
                }
                place += 1;
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn join(&mut self, candidates: &HashMap<String, Vec<Candidate>>) {
        let empty = Vec::new();
        for (at, event) in self.events.iter().enumerate() {
            let all = candidates.get(&event.record_id).unwrap_or(&empty);
            let has_exact = all.iter().any(|one| one.is_exact);
            let of_it: Vec<_> = all.iter().filter(|one| one.is_exact == has_exact).collect();
            let Some(one) = chosen(&of_it, event.at) else {
                self.doubts.unjoined += 1;
                continue;
            };
            if of_it.len() > 1 {
                self.doubts.of_several += 1;
                if self.doubts.joined_to.len() < TOLD {
                    self.doubts.joined_to.push(JoinedTo {
                        event: event.id.clone(),
                        signal: event.signal.clone(),
                        names: event.record_id.clone(),
                        records: of_it.len() as u64,
                        record: format!("{} ({})", one.id, one.line),
                    });
                }
            }
            self.of_record.entry(one.place).or_default().push(at);
            if let Some(signal) = self.signals.get_mut(&event.signal) {
                signal.by_trace |= !one.is_exact;
            }
        }
        self.mark_units(candidates);
    }

    /// Notes which units have an event of which outcome.
    fn mark_units(&mut self, candidates: &HashMap<String, Vec<Candidate>>) {
        let ids: HashMap<u64, &str> =
            candidates.values().flatten().map(|one| (one.place, one.id.as_str())).collect();
        for (place, events) in &self.of_record {
            let Some(id) = ids.get(place) else { continue };
            for event in events {
                if let Some(signal) = self.signals.get_mut(&self.events[*event].signal) {
                    signal.units.insert(self.last.hash(signal.unit(id)));
                }
            }
        }
    }

    /// What was said of the record at a place among all.
    pub(crate) fn of(&self, place: u64) -> impl Iterator<Item = &KeptFeedback> {
        self.of_record.get(&place).into_iter().flatten().map(|at| &self.events[*at])
    }

    /// Whether the record counts as one of which a thing did not happen: its unit has no such event, and it is the last.
    pub(super) fn lacks(&self, signal: &str, row: &RecordRow<'_>, place: u64) -> bool {
        self.signals.get(signal).is_some_and(|signal| {
            let unit = signal.unit(row.record_id);
            !signal.units.contains(&self.last.hash(unit)) && self.last.is_last(unit, row, place)
        })
    }

    /// By name, without those of which no event counts.
    pub(super) fn signals(&self) -> impl Iterator<Item = (&str, FeedbackKind)> {
        self.signals.iter().map(|(name, signal)| (name.as_str(), signal.kind))
    }

    /// Events that belong to a record.
    pub(super) fn n_joined(&self) -> u64 {
        self.events.len() as u64 - self.doubts.unjoined
    }
}

impl JoinedSignal {
    /// What counts once of a record: it, or its trace.
    fn unit<'a>(&self, record_id: &'a str) -> &'a str {
        let trace = if self.by_trace { trace_of(record_id) } else { None };
        trace.unwrap_or(record_id)
    }
}

impl LastRecords {
    fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }

    fn see(&mut self, row: &RecordRow<'_>, place: u64) {
        let (id, trace) = (self.hash(row.record_id), trace_of(row.record_id));
        let trace = trace.map(|trace| self.hash(trace));
        let later = |last: &mut (Option<i64>, u64)| *last = (row.at, place).max(*last);
        self.ids.entry(id).and_modify(later).or_insert((row.at, place));
        if let Some(trace) = trace {
            self.traces.entry(trace).and_modify(later).or_insert((row.at, place));
        }
    }

    fn is_last(&self, unit: &str, row: &RecordRow<'_>, place: u64) -> bool {
        let of = if unit == row.record_id { &self.ids } else { &self.traces };
        of.get(&self.hash(unit)).is_some_and(|(_, last)| *last == place)
    }
}

/// Of records that have an event's name: the last that was answered before it; the first where all came later.
fn chosen<'a>(all: &[&'a Candidate], at: Option<i64>) -> Option<&'a Candidate> {
    let order = |one: &&Candidate| (one.at, one.place);
    let is_before = |one: &Candidate| at.is_none_or(|at| one.at.is_none_or(|time| time <= at));
    let before = all.iter().copied().filter(|one| is_before(one)).max_by_key(order);
    before.or_else(|| all.iter().copied().min_by_key(order))
}

/// What an event says of an answer, from 0 to 1: one that was edited was right only if nothing was changed.
pub(crate) fn score(event: &KeptFeedback, output: Option<&str>) -> f64 {
    match &event.value {
        FeedbackValue::Score(score) => *score,
        FeedbackValue::Happened => 1.0,
        FeedbackValue::Edit(text) => {
            f64::from(u8::from(output.is_some_and(|output| output.trim() == text.trim())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(signal: &str, value: FeedbackValue) -> KeptFeedback {
        KeptFeedback {
            id: String::new(),
            record_id: "t".to_owned(),
            signal: signal.to_owned(),
            value,
            comment: None,
            by: None,
            at: None,
            propensity: None,
        }
    }

    #[test]
    fn a_signal_is_of_the_kind_of_most_of_its_events() {
        let (score, happened) = (FeedbackValue::Score(1.0), FeedbackValue::Happened);
        let check = |values: &[&FeedbackValue], expected: FeedbackKind| {
            let events: Vec<_> = values.iter().map(|value| event("s", (*value).clone())).collect();
            assert_eq!(kinds(events.iter())["s"], expected, "{values:?}");
        };
        check(&[&score, &happened, &happened], FeedbackKind::Outcome);
        check(&[&happened, &score, &score], FeedbackKind::Rating);
        check(&[&happened, &score], FeedbackKind::Outcome);
        check(&[&score, &happened], FeedbackKind::Rating);
    }

    #[test]
    fn an_event_is_of_the_last_answer_before_it() {
        let candidate = |place: u64, at: Option<i64>| Candidate {
            place,
            at,
            is_exact: true,
            id: String::new(),
            line: String::new(),
        };
        let all = [candidate(0, Some(10)), candidate(1, Some(30)), candidate(2, Some(20))];
        let check = |at: Option<i64>, expected: u64| {
            let all: Vec<_> = all.iter().collect();
            assert_eq!(chosen(&all, at).map(|one| one.place), Some(expected), "{at:?}");
        };
        check(Some(25), 2);
        check(Some(30), 1);
        check(Some(99), 1);
        check(Some(15), 0);
        check(Some(5), 0);
        check(None, 1);
    }
}
