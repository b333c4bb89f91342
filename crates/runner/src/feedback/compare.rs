//! Two variants that serve at the same time, compared by what their users say, safely at any time.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use evalmark_core::{feedback::FeedbackKind, verdict::Answer};
use evalmark_report::records::{RecordNames, RecordRow, for_each_record};
use evalmark_store::monitor::{MonitorFolder, MonitorFolderError};
use evalmark_verdict::{OnlineComparison, compare_online};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    error::FeedbackUseError,
    joined::{JoinDoubts, JoinedFeedback, score},
};
use crate::{
    Ending, Host,
    error::{Result, RunError},
    monitor::{MonitoredSuite, cluster_number},
};

/// What is compared.
#[derive(Clone, Debug)]
pub struct CompareFeedbackOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
    /// What was asked for or observed.
    pub signal: String,
    /// The variant that was there before: a prompt, a model, or a prompt's hash or its beginning.
    pub before: String,
    /// The new one.
    pub after: String,
    /// The drop that is tolerated.
    pub margin: f64,
    /// The chance that the interval ever misses the difference.
    pub alpha: f64,
    /// What happens later than this after an answer is not counted, and answers younger than it are not, either.
    pub window: Duration,
}

/// What the comparison says.
#[derive(Clone, Debug, Serialize)]
pub struct FeedbackComparison {
    /// The suite's name.
    pub suite: String,
    /// What was asked for or observed.
    pub signal: String,
    /// The variants.
    pub before: FeedbackVariant,
    /// The new one.
    pub after: FeedbackVariant,
    /// Users that were paired.
    pub n_pairs: usize,
    /// The interval of the new one's mean less that of the one before, which holds at any time.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
    /// The drop that is tolerated.
    pub margin: f64,
    /// The chance that the interval ever misses.
    pub alpha: f64,
    /// What follows.
    pub answer: Answer,
    /// What was not counted, or not for sure.
    pub left_out: UncountedFeedback,
    /// What is not for sure of which event is of which record.
    #[serde(flatten)]
    pub doubts: JoinDoubts,
}

/// Of outcomes: what does not count, since its time says so or is not known, and what counts without a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UncountedFeedback {
    /// Events from before the answer.
    pub before_answer: u64,
    /// Events from after the window.
    pub after_window: u64,
    /// Events without a time, which count whenever they were.
    pub untimed: u64,
    /// Records without a time.
    pub undated_records: u64,
    /// Records whose window has not ended yet.
    pub waiting_records: u64,
}

/// One of the two.
#[derive(Clone, Debug, Serialize)]
pub struct FeedbackVariant {
    /// As it was named.
    pub name: String,
    /// Records that it served.
    pub records: u64,
    /// Users who count.
    pub users: usize,
    /// The mean of what they say.
    pub mean: Option<f64>,
}

/// One user's result: when it was known, a name for order, and what it is.
type UserResult = (i64, String, f64);

/// What a variant's users said.
#[derive(Default)]
struct Arm {
    records: u64,
    results: Vec<(UserResult, Option<u64>)>,
}

/// Compares two variants of a suite by a signal.
pub fn compare_feedback(
    options: &CompareFeedbackOptions,
    host: &Host<'_>,
) -> Result<FeedbackComparison> {
    let suite = MonitoredSuite::read(&options.suite, host)?.suite.name;
    let folder = MonitorFolder::of_suite(&options.out, &suite);
    let state = folder.state(&suite)?;
    let state = state.ok_or_else(|| MonitorFolderError::Empty(folder.path.clone()))?;
    let feedback = JoinedFeedback::of_suite(&options.out, &suite, &folder, &state)?;
    let Some((_, kind)) = feedback.signals().find(|(name, _)| *name == options.signal) else {
        let known = feedback.signals().map(|(name, _)| name.to_owned()).collect();
        return Err(FeedbackUseError::NoSignal { signal: options.signal.clone(), known }.into());
    };
    let mut reader = Reader {
        options,
        feedback: &feedback,
        happens: kind == FeedbackKind::Outcome,
        window: i64::try_from(options.window.as_micros()).unwrap_or(i64::MAX),
        now: Timestamp::now().as_microsecond(),
        left_out: UncountedFeedback::default(),
    };
    let (mut before, mut after, mut place) = (Arm::default(), Arm::default(), 0);
    for segment in &state.segments {
        for_each_record::<RunError>(
            &folder.segment(&segment.name),
            &RecordNames::default(),
            true,
            |row| {
                match (is_served_by(row, &options.before), is_served_by(row, &options.after)) {
                    (true, true) => {
                        let names = (options.before.clone(), options.after.clone());
                        return Err(FeedbackUseError::SameVariant(names.0, names.1).into());
                    }
                    (true, false) => reader.see(row, place, &mut before),
                    (false, true) => reader.see(row, place, &mut after),
                    (false, false) => {}
                }
                place += 1;
                Ok(())
            },
        )?;
    }
    let left_out = reader.left_out;
    for (arm, name) in [(&before, &options.before), (&after, &options.after)] {
        if arm.records == 0 {
            return Err(FeedbackUseError::NoVariant(name.clone()).into());
        }
    }
    let found = compared(options, suite, before, after);
    Ok(FeedbackComparison { left_out, doubts: feedback.doubts.clone(), ..found })
}

/// What the results of both arms come to.
fn compared(
    options: &CompareFeedbackOptions,
    suite: String,
    before: Arm,
    after: Arm,
) -> FeedbackComparison {
    let (n_before, n_after) = (before.records, after.records);
    let (old, new) = (before.users(), after.users());
    let found = compare_online(&old, &new, options.margin, options.alpha);
    let variant = |name: &String, records, users: &[f64], mean| FeedbackVariant {
        name: name.clone(),
        records,
        users: users.len(),
        mean,
    };
    let OnlineComparison { mean_before, mean_after, n_pairs, low, high, answer, .. } = found;
    FeedbackComparison {
        suite,
        signal: options.signal.clone(),
        before: variant(&options.before, n_before, &old, mean_before),
        after: variant(&options.after, n_after, &new, mean_after),
        n_pairs,
        ci_low: low,
        ci_high: high,
        margin: options.margin,
        alpha: options.alpha,
        answer,
        left_out: UncountedFeedback::default(),
        doubts: JoinDoubts::default(),
    }
}

/// How a comparison ends, as a gate does.
pub fn ending_of_feedback(found: &FeedbackComparison) -> Ending {
    match found.answer {
        Answer::Pass | Answer::Improved => Ending::Done,
        Answer::Regressed => Ending::Regressed,
        Answer::Inconclusive => Ending::Inconclusive,
        Answer::Incomparable => Ending::Incomplete,
    }
}

/// Whether a record was served by what somebody named.
fn is_served_by(row: &RecordRow<'_>, name: &str) -> bool {
    /// So much of a hash tells it from others.
    const SHORTEST: usize = 7;
    let is_hash = |hash: &str| hash == name || name.len() >= SHORTEST && hash.starts_with(name);
    row.prompt == Some(name) || row.model == Some(name) || row.prompt_hash.is_some_and(is_hash)
}

/// Reads what was said of each record.
struct Reader<'a> {
    options: &'a CompareFeedbackOptions,
    feedback: &'a JoinedFeedback,
    /// Whether a record without an event has a value, too.
    happens: bool,
    /// Microseconds.
    window: i64,
    now: i64,
    left_out: UncountedFeedback,
}

impl Reader<'_> {
    fn see(&mut self, row: &RecordRow<'_>, place: u64, arm: &mut Arm) {
        arm.records += 1;
        let result = if self.happens { self.outcome(row, place) } else { self.rating(row, place) };
        if let Some((at, value)) = result {
            let result = (at, row.record_id.to_owned(), value);
            arm.results.push((result, row.cluster.map(cluster_number)));
        }
    }

    /// Whether it happened from the answer on until the window's end, once that has passed.
    fn outcome(&mut self, row: &RecordRow<'_>, place: u64) -> Option<(i64, f64)> {
        let events = self.feedback.of(place).filter(|event| event.signal == self.options.signal);
        let times: Vec<_> = events.map(|event| event.at).collect();
        // Another record of its trace counts in its place.
        if times.is_empty() && !self.feedback.lacks(&self.options.signal, row, place) {
            return None;
        }
        let Some(at) = row.at else {
            self.left_out.undated_records += 1;
            return None;
        };
        let end = at.saturating_add(self.window);
        if end > self.now {
            self.left_out.waiting_records += 1;
            return None;
        }
        let mut has = false;
        for time in times {
            match time {
                Some(time) if time < at => self.left_out.before_answer += 1,
                Some(time) if time > end => self.left_out.after_window += 1,
                Some(_) => has = true,
                None => {
                    self.left_out.untimed += 1;
                    has = true;
                }
            }
        }
        Some((at, f64::from(u8::from(has))))
    }

    /// The mean of what was said, and since when it was known.
    fn rating(&self, row: &RecordRow<'_>, place: u64) -> Option<(i64, f64)> {
        let output = row.texts.and_then(|texts| texts.output);
        let (mut sum, mut n, mut known) = (0.0, 0.0, i64::MAX);
        for event in self.feedback.of(place) {
            if event.signal == self.options.signal {
                sum += score(event, output);
                n += 1.0;
                known = known.min(event.at.or(row.at).unwrap_or(i64::MAX));
            }
        }
        (n > 0.0).then(|| (known, sum / n))
    }
}

impl Arm {
    /// The results in the order in which they were known; a user counts once, by the first.
    fn users(mut self) -> Vec<f64> {
        self.results.sort_unstable_by(|((at, id, _), _), ((other, other_id, _), _)| {
            (at, id).cmp(&(other, other_id))
        });
        let mut seen = HashSet::new();
        let first =
            |(_, user): &(UserResult, Option<u64>)| user.is_none_or(|user| seen.insert(user));
        self.results.into_iter().filter(first).map(|((_, _, value), _)| value).collect()
    }
}
