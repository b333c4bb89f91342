//! What a monitor's records show: by metric and day, and against a baseline.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_core::{
    drift::{DriftReport, StreamDrift},
    estimate::Estimate,
    metric::{Direction, Range},
    receiver::ReceiverSpec,
};
use evalmark_report::records::{RecordRow, for_each_record};
use evalmark_scoring::Metric;
use evalmark_store::monitor::{MonitorFolder, MonitorFolderError, MonitorState};
use evalmark_verdict::{Accumulator, ScoreRange};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    drift::{DriftRun, distances},
    log_time::day_of,
    open::MonitoredSuite,
    reference::{Reference, Scope, reference},
};
use crate::{
    BaselineMean, Ending, Host,
    error::{Hinted, Result, RunError},
};

/// Clocks of other machines may be ahead by so many microseconds: 10 minutes.
pub(super) const CLOCK_SKEW: i64 = 600_000_000;

/// The confidence of every interval.
const CONFIDENCE: f64 = 0.95;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct MonitorStatusOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
    /// The baseline to compare with; default: the released run, where there is one, and else the gate's baseline.
    pub baseline: Option<String>,
    /// The environment whose released prompt to compare with, where no baseline is named.
    pub release: Option<String>,
    /// The folder of releases.
    pub releases: PathBuf,
    /// The prompt of the baseline that is in production, where it has several.
    pub prompt: Option<String>,
    /// The model of the baseline that is in production, where it has several.
    pub model: Option<String>,
    /// The chance of any false alarm in a year; within (0, 0.5).
    pub alpha: f64,
}

impl MonitorStatusOptions {
    /// Those of a suite that is held against what is released, or against the baseline that its gate names.
    pub fn of(suite: &Path, out: &Path) -> Self {
        let (suite, out) = (suite.to_owned(), out.to_owned());
        Self {
            suite,
            out,
            baseline: None,
            release: None,
            releases: PathBuf::from("releases"),
            prompt: None,
            model: None,
            alpha: 0.05,
        }
    }
}

/// What a monitor's records show.
#[derive(Clone, Debug)]
pub struct MonitorStatus {
    /// The suite's name.
    pub suite: String,
    /// What was read.
    pub state: MonitorState,
    /// By metric of the suite.
    pub metrics: Vec<MonitoredMetric>,
    /// The baseline or release that they are compared with.
    pub reference: Option<String>,
    /// Records that were scored by metrics which have changed since.
    pub outdated: u64,
    /// Records that are dated in the future: their times do not count.
    pub from_future: u64,
    /// Time of the newest record, microseconds since 1970; `None` where no record has one.
    pub newest_at_us: Option<i64>,
    /// Since when records count for drift: RFC 3339; `None` where all do.
    pub since: Option<String>,
    /// Records that do not count for drift: earlier ones, and those of other prompts than the released one.
    pub left_out: u64,
    /// Whether production drifts; a look is a day, counted from 1970.
    pub drift: DriftTest,
    /// Who can be told of it.
    pub receivers: Vec<ReceiverSpec>,
    /// The folder of runs.
    pub out: PathBuf,
}

/// What was found about drift.
#[derive(Clone, Debug, Default)]
pub struct DriftTest {
    /// Every stream, tested on every day that is over; `None` where there is none yet.
    pub report: Option<DriftReport>,
    /// Why metrics are not tested, where they are not.
    pub metrics_untested: Option<String>,
}

impl DriftTest {
    /// The streams that have an alarm.
    pub fn alarms(&self) -> impl Iterator<Item = &StreamDrift> {
        self.report.iter().flat_map(DriftReport::alarmed)
    }
}

/// One metric over all records and by day.
#[derive(Clone, Debug, Serialize)]
pub struct MonitoredMetric {
    /// The metric's name.
    pub metric: String,
    /// Which values are better.
    pub better: Direction,
    /// Where its values lie.
    #[serde(skip)]
    pub range: Range,
    /// Over all records; `None` where none was scored.
    pub all: Option<Estimate>,
    /// The days with records, in their order; records without a time come first.
    pub days: Vec<MonitorDay>,
    /// What the baseline holds.
    pub references: Vec<MonitorReference>,
}

/// One metric on one day.
#[derive(Clone, Debug, Serialize)]
pub struct MonitorDay {
    /// `2026-11-28`, UTC; `None` where records have no time.
    pub day: Option<String>,
    /// Records of the day.
    pub records: u64,
    /// Its mean; `None` where none was scored.
    pub estimate: Option<Estimate>,
}

/// The mean of one prompt and model of a baseline.
#[derive(Clone, Debug, Serialize)]
pub struct MonitorReference {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The mean.
    pub mean: f64,
}

/// What one metric showed on one day.
struct DayScores {
    records: u64,
    scores: Accumulator,
}

/// The days of one metric, and all of them together.
struct MetricDays {
    range: ScoreRange,
    /// Those that may still get records.
    open: BTreeMap<Option<i64>, DayScores>,
    days: Vec<MonitorDay>,
    all: Accumulator,
}

/// Says what the records of a suite's monitor show.
pub fn monitor_status(options: &MonitorStatusOptions, host: &Host<'_>) -> Result<MonitorStatus> {
    let suite = MonitoredSuite::read(&options.suite, host)?;
    host.check_receivers(&suite.suite.receivers)?;
    let name = suite.suite.name.clone();
    let folder = MonitorFolder::of_suite(&options.out, &name);
    let state = folder.state(&name)?;
    let state = state.ok_or_else(|| MonitorFolderError::Empty(folder.path.clone()))?;
    let reference = reference(&suite, options, host)?;
    let scope = reference.as_ref().map(|reference| reference.scope.clone()).unwrap_or_default();
    let restarted = folder.restarts()?.last().map(|restart| restart.at.as_microsecond());
    let scope = scope.from(restarted);
    let now = (host.clock)().as_microsecond();
    let released = reference.as_ref().and_then(|one| one.released.as_ref().ok());
    let test = (options.alpha, day_of(now));
    let distances = distances(&suite, (&folder, &state), (&scope, now))?;
    let run = DriftRun::new(test, &suite.metrics, released, (&suite.spec, distances))?;
    let mut records = Records::new(&suite, run);
    records.read(&suite, &folder, &state, (&scope, now))?;
    let drift = tested(records.drift.finish()?, &suite, reference.as_ref());
    let (reference, means) = reference.map_or((None, Vec::new()), |of| (Some(of.name), of.means));
    let metrics = suite.metrics.iter().zip(records.metrics);
    let metrics = metrics.map(|(metric, days)| days.finish(metric, &means)).collect();
    let Records { outdated, left_out, from_future, newest_at_us, .. } = records;
    let since = scope.since.and_then(|since| Timestamp::from_microsecond(since).ok());
    let since = since.map(|since| since.to_string());
    let (receivers, out) = (suite.suite.receivers, options.out.clone());
    Ok(MonitorStatus {
        suite: name,
        state,
        metrics,
        reference,
        outdated,
        from_future,
        newest_at_us,
        since,
        left_out,
        drift,
        receivers,
        out,
    })
}

/// What a monitor's records hold.
struct Records<'a> {
    metrics: Vec<MetricDays>,
    drift: DriftRun<'a>,
    outdated: u64,
    from_future: u64,
    newest_at_us: Option<i64>,
    left_out: u64,
}

impl<'a> Records<'a> {
    fn new(suite: &MonitoredSuite, drift: DriftRun<'a>) -> Self {
        let metrics = suite.metrics.iter().map(MetricDays::new).collect();
        Self { metrics, drift, outdated: 0, from_future: 0, newest_at_us: None, left_out: 0 }
    }

    /// Reads segments in the order of their times, and is done with a day once none is left that may have records of it: no
    /// more than such days is in memory.
    fn read(
        &mut self,
        suite: &MonitoredSuite,
        folder: &MonitorFolder,
        state: &MonitorState,
        (scope, now): (&Scope, i64),
    ) -> Result<()> {
        let mut segments: Vec<_> = state.segments.iter().collect();
        segments.sort_by_key(|segment| segment.first_at_us);
        for segment in segments {
            if let Some(first) = segment.first_at_us {
                self.close_before(day_of(first.min(now)))?;
            }
            let hashes = suite.hashes[..suite.metrics.len()].iter();
            let is_current: Vec<_> = hashes.map(|hash| segment.metrics.contains(hash)).collect();
            if is_current.contains(&false) {
                self.outdated += segment.rows;
            }
            let path = folder.segment(&segment.name);
            let seen = for_each_record::<RunError>(&path, &suite.names, false, |row| {
                self.see(row, &is_current, (scope, now));
                Ok(())
            });
            let advice =
                "bring the file back, or remove the monitor's folder and read the logs again";
            seen.hint(advice)?;
        }
        Ok(())
    }

    fn close_before(&mut self, day: i64) -> Result<()> {
        self.metrics.iter_mut().for_each(|metric| metric.close_before(day));
        Ok(self.drift.close_before(day)?)
    }

    fn see(&mut self, row: &RecordRow<'_>, is_current: &[bool], (scope, now): (&Scope, i64)) {
        let known = row.at.filter(|at| *at <= now.saturating_add(CLOCK_SKEW));
        self.from_future += u64::from(row.at.is_some() && known.is_none());
        let row = &RecordRow { at: known, ..*row };
        let day = row.at.map(day_of);
        let cluster = row.cluster.map(cluster_number);
        let current = |(score, is_current): (&Option<f64>, &bool)| score.filter(|_| *is_current);
        let scores = row.scores.iter().zip(is_current).map(current);
        self.newest_at_us = self.newest_at_us.max(row.at.map(|at| at.min(now)));
        for (metric, score) in self.metrics.iter_mut().zip(scores.clone()) {
            metric.see(day, score, cluster);
        }
        if !scope.has(row.at, row.prompt_hash) {
            self.left_out += 1;
        } else if let Some(day) = day {
            self.drift.see(day, row, cluster, scores);
        }
    }
}

/// Whether production drifts.
fn tested(
    report: Option<DriftReport>,
    suite: &MonitoredSuite,
    reference: Option<&Reference>,
) -> DriftTest {
    let (released, mut metrics_untested) = match reference.map(|reference| &reference.released) {
        None => (None, Some("there is no baseline to hold them against".to_owned())),
        Some(Err(why)) => (None, Some(why.clone())),
        Some(Ok(released)) => (Some(released), None),
    };
    let is_tested = |metric: &Metric| {
        let mut streams = report.iter().flat_map(|report| &report.streams);
        streams.any(|stream| stream.name == metric.name())
    };
    if released.is_some() && !suite.metrics.iter().any(is_tested) {
        metrics_untested = Some("the baseline has no scores of them".to_owned());
    }
    DriftTest { report, metrics_untested }
}

impl MetricDays {
    fn new(metric: &Metric) -> Self {
        let range = ScoreRange::of(metric.range());
        let all = Accumulator::new(range);
        Self { range, open: BTreeMap::new(), days: Vec::new(), all }
    }

    fn see(&mut self, day: Option<i64>, score: Option<f64>, cluster: Option<u64>) {
        let range = self.range;
        let none = || DayScores { records: 0, scores: Accumulator::new(range) };
        let day = self.open.entry(day).or_insert_with(none);
        day.records += 1;
        if let Some(score) = score {
            // A score that no estimate can take in was not written.
            let _ = day.scores.push(score, cluster);
            let _ = self.all.push(score, cluster);
        }
    }

    /// Ends the days before this one.
    fn close_before(&mut self, day: i64) {
        let later = self.open.split_off(&Some(day));
        let mut over = std::mem::replace(&mut self.open, later);
        // Records without a time may be anywhere.
        self.open.extend(over.remove_entry(&None));
        self.days.extend(over.into_iter().map(MonitorDay::of));
    }

    fn finish(self, metric: &Metric, means: &[BaselineMean]) -> MonitoredMetric {
        // Records without a time stand first.
        let (timeless, open): (Vec<_>, Vec<_>) =
            self.open.into_iter().partition(|(day, _)| day.is_none());
        let days = timeless.into_iter().map(MonitorDay::of);
        let days = days.chain(self.days).chain(open.into_iter().map(MonitorDay::of));
        let of_metric = means.iter().filter(|mean| mean.metric == metric.name());
        let references = of_metric.filter_map(|mean| {
            let (prompt, model) = (mean.prompt.clone(), mean.model.clone());
            Some(MonitorReference { prompt, model, mean: mean.mean? })
        });
        MonitoredMetric {
            metric: metric.name().to_owned(),
            better: metric.direction(),
            range: metric.range(),
            all: self.all.finish(CONFIDENCE),
            days: days.collect(),
            references: references.collect(),
        }
    }
}

impl MonitorDay {
    fn of((day, scores): (Option<i64>, DayScores)) -> Self {
        let estimate = scores.scores.finish(CONFIDENCE);
        Self { day: day.map(day_name), records: scores.records, estimate }
    }
}

pub(crate) fn cluster_number(cluster: &str) -> u64 {
    let hash = blake3::hash(cluster.as_bytes());
    let bytes = hash.as_bytes().first_chunk::<8>();
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The date of a day, counted from 1970.
pub fn day_name(day: i64) -> String {
    let at = day.checked_mul(86_400).and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "unknown".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// How a look at a monitor ends: an alarm is a regression.
pub fn ending_of_monitor(status: &MonitorStatus) -> Ending {
    let has_alarm = status.drift.alarms().next().is_some();
    match (status.state.counts.kept, has_alarm) {
        (0, _) => Ending::Incomplete,
        (_, true) => Ending::Regressed,
        (_, false) => Ending::Done,
    }
}
