//! What the feedback of a suite comes to: by signal, how many answers have any, and what it is on average: of those
//! who say something, and, where it is known how probable it was that each was asked, of all.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use evalmark_core::{feedback::FeedbackValue, metric::Range};
use evalmark_report::records::{RecordNames, RecordRow, for_each_record};
use evalmark_store::monitor::{MonitorFolder, MonitorFolderError};
use evalmark_verdict::{Accumulator, ScoreRange, WeightedValue, weighted_mean};
use serde::Serialize;

use super::{
    error::FeedbackUseError,
    exposures,
    index::{FeedbackIndex, score},
};
use crate::{
    Host,
    error::{Result, RunError},
    monitor::{MonitoredSuite, cluster_number},
};

/// The confidence of every interval.
const CONFIDENCE: f64 = 0.95;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct FeedbackStatusOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
    /// A log of exposures: which answers were shown with a question, and with what chance.
    pub exposures: Option<PathBuf>,
}

/// What feedback comes to.
#[derive(Clone, Debug, Serialize)]
pub struct FeedbackStatus {
    /// The suite's name.
    pub suite: String,
    /// Records of the monitor.
    pub records: u64,
    /// Records that the log of exposures has; `None` without one.
    pub exposed: Option<u64>,
    /// By signal, in the order of their names.
    pub signals: Vec<SignalStatus>,
    /// Events that belong to no record.
    pub unjoined: u64,
}

/// What the feedback of one kind comes to.
#[derive(Clone, Debug, Serialize)]
pub struct SignalStatus {
    /// What was asked for or observed.
    pub signal: String,
    /// Whether its absence says something: it happened or not.
    pub happens: bool,
    /// Records that have it.
    pub rated: u64,
    /// Records that might have it: those that were exposed, or all.
    pub of: u64,
    /// Of those who say something, as they are.
    pub raters: Option<FeedbackEstimate>,
    /// Each weighted by the inverse of the chance that it was asked; `None` where that is not known of all.
    pub weighted: Option<FeedbackEstimate>,
}

/// A mean with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FeedbackEstimate {
    /// The mean, from 0 to 1.
    pub mean: f64,
    /// The ends of its 95 % interval.
    pub low: Option<f64>,
    /// The upper one.
    pub high: Option<f64>,
    /// So many values of equal weight say as much.
    pub effective: f64,
}

/// The values of one signal.
struct Signal {
    happens: bool,
    rated: u64,
    plain: Accumulator,
    weighted: Vec<WeightedValue>,
    is_weighted: bool,
}

/// Says what the feedback of a suite comes to.
pub fn feedback_status(options: &FeedbackStatusOptions, host: &Host<'_>) -> Result<FeedbackStatus> {
    let suite = MonitoredSuite::read(&options.suite, host)?.suite.name;
    let index = FeedbackIndex::of_suite(&options.out, &suite)?;
    if index.events().next().is_none() {
        return Err(FeedbackUseError::Nothing(suite).into());
    }
    let exposures = options.exposures.as_deref().map(exposures::read).transpose()?;
    let folder = MonitorFolder::of_suite(&options.out, &suite);
    let state = folder.state(&suite)?;
    let state = state.ok_or_else(|| MonitorFolderError::Empty(folder.path.clone()))?;
    let mut signals: BTreeMap<String, Signal> =
        index.events().map(|event| (event.signal.clone(), Signal::new(&event.value))).collect();
    let (mut records, mut exposed, mut joined) = (0, 0, 0);
    for segment in &state.segments {
        let path = folder.segment(&segment.name);
        for_each_record::<RunError>(&path, &RecordNames::default(), true, |row| {
            records += 1;
            let asked = exposures
                .as_ref()
                .map_or(Asked::Unknown, |exposures| asked_of(exposures, row.record_id));
            exposed += u64::from(matches!(asked, Asked::With(_)));
            joined += see(row, &index, asked, &mut signals);
            Ok(())
        })?;
    }
    let n_events = index.events().count() as u64;
    let of = if exposures.is_some() { exposed } else { records };
    let signals = signals.into_iter().map(|(name, signal)| signal.finish(name, of));
    Ok(FeedbackStatus {
        suite,
        records,
        exposed: exposures.is_some().then_some(exposed),
        signals: signals.collect(),
        unjoined: n_events.saturating_sub(joined),
    })
}

/// Whether a record's user was asked.
#[derive(Clone, Copy)]
enum Asked {
    /// There is no log of exposures.
    Unknown,
    /// The log does not have the record.
    No,
    /// With this chance.
    With(f64),
}

impl Asked {
    fn chance(self) -> Option<f64> {
        if let Self::With(chance) = self { Some(chance) } else { None }
    }
}

/// What a log of exposures says of a record.
fn asked_of(exposures: &HashMap<String, f64>, record_id: &str) -> Asked {
    let trace = record_id.split_once(':').map(|(trace, _)| trace);
    let chance = exposures.get(record_id).or_else(|| exposures.get(trace?));
    chance.map_or(Asked::No, |chance| Asked::With(*chance))
}

/// Takes a record in; answers with how many events belong to it.
fn see(
    row: &RecordRow<'_>,
    index: &FeedbackIndex,
    asked: Asked,
    signals: &mut BTreeMap<String, Signal>,
) -> u64 {
    let cluster = row.cluster.map(cluster_number);
    let output = row.texts.and_then(|texts| texts.output);
    let mut said: BTreeMap<&str, (f64, f64, Option<f64>)> = BTreeMap::new();
    let mut events = 0;
    for event in index.of(row.record_id) {
        events += 1;
        let one = said.entry(&event.signal).or_insert((0.0, 0.0, event.propensity));
        one.0 += score(event, output);
        one.1 += 1.0;
    }
    // Who was not asked could not answer, and counts for nothing.
    if matches!(asked, Asked::No) {
        return events;
    }
    for (name, signal) in signals {
        match said.get(name.as_str()) {
            Some((sum, n, own)) => {
                let value = if signal.happens { 1.0 } else { sum / n };
                signal.add(value, own.or(asked.chance()), cluster);
                signal.rated += 1;
            }
            None if signal.happens => signal.add(0.0, asked.chance(), cluster),
            None => {}
        }
    }
    events
}

impl Signal {
    fn new(value: &FeedbackValue) -> Self {
        Self {
            happens: *value == FeedbackValue::Happened,
            rated: 0,
            plain: Accumulator::new(ScoreRange::of(Range::Unit)),
            weighted: Vec::new(),
            is_weighted: true,
        }
    }

    fn add(&mut self, value: f64, chance: Option<f64>, cluster: Option<u64>) {
        // From 0 to 1, as every event is.
        let _ = self.plain.push(value, cluster);
        match chance {
            Some(chance) if self.is_weighted => {
                self.weighted.push(WeightedValue { value, weight: 1.0 / chance, cluster });
            }
            _ => {
                self.is_weighted = false;
                self.weighted = Vec::new();
            }
        }
    }

    fn finish(self, signal: String, of: u64) -> SignalStatus {
        let weighted = weighted_mean(&self.weighted, CONFIDENCE).filter(|_| self.is_weighted);
        let plain = self.plain.finish(CONFIDENCE);
        SignalStatus {
            signal,
            happens: self.happens,
            rated: self.rated,
            of,
            raters: plain.map(|plain| FeedbackEstimate {
                mean: plain.mean,
                low: plain.ci_low,
                high: plain.ci_high,
                effective: plain.n_items as f64,
            }),
            weighted: weighted.map(|found| FeedbackEstimate {
                mean: found.mean,
                low: found.interval.map(|ends| ends.0.max(0.0)),
                high: found.interval.map(|ends| ends.1.min(1.0)),
                effective: found.effective,
            }),
        }
    }
}
