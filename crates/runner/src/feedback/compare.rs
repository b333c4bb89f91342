//! Two variants that serve at the same time, compared by what their users say, safely at any time.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use evalmark_core::{feedback::FeedbackValue, verdict::Answer};
use evalmark_report::records::{RecordNames, RecordRow, for_each_record};
use evalmark_store::{
    feedback::KeptFeedback,
    monitor::{MonitorFolder, MonitorFolderError},
};
use evalmark_verdict::{OnlineComparison, compare_online};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    error::FeedbackUseError,
    index::{FeedbackIndex, score},
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
    let index = FeedbackIndex::of_suite(&options.out, &suite)?;
    let folder = MonitorFolder::of_suite(&options.out, &suite);
    let state = folder.state(&suite)?;
    let state = state.ok_or_else(|| MonitorFolderError::Empty(folder.path.clone()))?;
    let of_signal = |event: &&KeptFeedback| event.signal == options.signal;
    let Some(first) = index.events().find(of_signal) else {
        let known: std::collections::BTreeSet<_> =
            index.events().map(|event| event.signal.clone()).collect();
        let (signal, known) = (options.signal.clone(), known.into_iter().collect());
        return Err(FeedbackUseError::NoSignal { signal, known }.into());
    };
    let reader = Reader {
        options,
        index: &index,
        happens: first.value == FeedbackValue::Happened,
        window: i64::try_from(options.window.as_micros()).unwrap_or(i64::MAX),
        now: Timestamp::now().as_microsecond(),
    };
    let (mut before, mut after) = (Arm::default(), Arm::default());
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
                    (true, false) => reader.see(row, &mut before),
                    (false, true) => reader.see(row, &mut after),
                    (false, false) => {}
                }
                Ok(())
            },
        )?;
    }
    for (arm, name) in [(&before, &options.before), (&after, &options.after)] {
        if arm.records == 0 {
            return Err(FeedbackUseError::NoVariant(name.clone()).into());
        }
    }
    Ok(compared(options, suite, before, after))
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
    index: &'a FeedbackIndex,
    /// Whether a record without an event has a value, too.
    happens: bool,
    /// Microseconds.
    window: i64,
    now: i64,
}

impl Reader<'_> {
    fn see(&self, row: &RecordRow<'_>, arm: &mut Arm) {
        arm.records += 1;
        let output = row.texts.and_then(|texts| texts.output);
        let events =
            self.index.of(row.record_id).filter(|event| event.signal == self.options.signal);
        let result = if self.happens {
            let Some(at) = row.at else { return };
            let end = at.saturating_add(self.window);
            if end > self.now {
                return;
            }
            let has = events.into_iter().any(|event| event.at.is_none_or(|when| when <= end));
            Some((at, f64::from(u8::from(has))))
        } else {
            let (mut sum, mut n, mut known) = (0.0, 0.0, i64::MAX);
            for event in events {
                sum += score(event, output);
                n += 1.0;
                known = known.min(event.at.or(row.at).unwrap_or(i64::MAX));
            }
            (n > 0.0).then(|| (known, sum / n))
        };
        if let Some((at, value)) = result {
            let result = (at, row.record_id.to_owned(), value);
            arm.results.push((result, row.cluster.map(cluster_number)));
        }
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
