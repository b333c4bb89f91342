//! What the feedback of a suite comes to: by signal, how many answers have any, and what it is on average: of those
//! who say something, and, where it is known how probable it was that each was asked, of all.

use std::{collections::BTreeMap, path::PathBuf};

use evalmark_core::{feedback::FeedbackKind, metric::Range};
use evalmark_report::records::{RecordNames, RecordRow, for_each_record};
use evalmark_store::{
    feedback::FeedbackFile,
    monitor::{MonitorFolder, MonitorFolderError},
};
use evalmark_verdict::{Accumulator, ScoreRange, WeightedValue, weighted_mean};
use serde::Serialize;

use super::{
    error::FeedbackUseError,
    exposures::{ExposureCounts, Exposures},
    joined::{JoinDoubts, JoinedFeedback, score},
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
    /// How the log of exposures fits the records; `None` without one.
    pub exposures: Option<ExposureCounts>,
    /// By signal, in the order of their names.
    pub signals: Vec<SignalStatus>,
    /// What is not for sure of which event is of which record.
    #[serde(flatten)]
    pub doubts: JoinDoubts,
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
    /// Records that might have it: those that were exposed, or all; of an outcome whose events name traces, each trace once.
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
    /// Of an outcome: those where it did not happen.
    without: u64,
    plain: Accumulator,
    weighted: Vec<WeightedValue>,
    is_weighted: bool,
}

/// Says what the feedback of a suite comes to.
pub fn feedback_status(options: &FeedbackStatusOptions, host: &Host<'_>) -> Result<FeedbackStatus> {
    let suite = MonitoredSuite::read(&options.suite, host)?.suite.name;
    let folder = MonitorFolder::of_suite(&options.out, &suite);
    let state = folder.state(&suite)?;
    if FeedbackFile::of_suite(&options.out, &suite).read()?.is_empty() {
        return Err(FeedbackUseError::Nothing(suite).into());
    }
    let mut exposures = options.exposures.as_deref().map(Exposures::read).transpose()?;
    let state = state.ok_or_else(|| MonitorFolderError::Empty(folder.path.clone()))?;
    let feedback = JoinedFeedback::of_suite(&options.out, &suite, &folder, &state)?;
    let mut signals: BTreeMap<String, Signal> =
        feedback.signals().map(|(name, kind)| (name.to_owned(), Signal::new(kind))).collect();
    let mut records = 0;
    for segment in &state.segments {
        let path = folder.segment(&segment.name);
        for_each_record::<RunError>(&path, &RecordNames::default(), true, |row| {
            let asked = match &mut exposures {
                None => Asked::Unknown,
                Some(exposures) => exposures.of(row.record_id).map_or(Asked::No, Asked::With),
            };
            if let (Asked::No, Some(exposures)) = (asked, &mut exposures) {
                exposures.leave_out(feedback.of(records).count() as u64);
            } else {
                see(row, records, &feedback, asked, &mut signals);
            }
            records += 1;
            Ok(())
        })?;
    }
    let exposed = exposures.as_ref().map(Exposures::exposed);
    let of = exposed.unwrap_or(records);
    let signals = signals.into_iter().map(|(name, signal)| signal.finish(name, of));
    Ok(FeedbackStatus {
        suite,
        records,
        exposed,
        exposures: exposures.as_ref().map(Exposures::counts),
        signals: signals.collect(),
        doubts: feedback.doubts.clone(),
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

/// Takes in a record whose user may have been asked: who was not could not answer, and counts for nothing.
fn see(
    row: &RecordRow<'_>,
    place: u64,
    feedback: &JoinedFeedback,
    asked: Asked,
    signals: &mut BTreeMap<String, Signal>,
) {
    let cluster = row.cluster.map(cluster_number);
    let output = row.texts.and_then(|texts| texts.output);
    let mut said: BTreeMap<&str, (f64, f64, Option<f64>)> = BTreeMap::new();
    for event in feedback.of(place) {
        let one = said.entry(&event.signal).or_default();
        one.0 += score(event, output);
        one.1 += 1.0;
        one.2 = one.2.or(event.propensity);
    }
    for (name, signal) in signals {
        match said.get(name.as_str()) {
            Some((sum, n, own)) => {
                let value = if signal.happens { 1.0 } else { sum / n };
                signal.add(value, own.or(asked.chance()), cluster);
                signal.rated += 1;
            }
            None if signal.happens && feedback.lacks(name, row, place) => {
                signal.add(0.0, asked.chance(), cluster);
                signal.without += 1;
            }
            None => {}
        }
    }
}

impl Signal {
    fn new(kind: FeedbackKind) -> Self {
        Self {
            happens: kind == FeedbackKind::Outcome,
            rated: 0,
            without: 0,
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
            of: if self.happens { self.rated + self.without } else { of },
            raters: plain.map(|plain| FeedbackEstimate {
                mean: plain.mean,
                low: plain.ci_low,
                high: plain.ci_high,
                effective: plain.n_items as f64,
            }),
            weighted: weighted.map(|found| FeedbackEstimate {
                mean: found.mean,
                low: Some(found.interval.0),
                high: Some(found.interval.1),
                effective: found.effective,
            }),
        }
    }
}
