//! Whether production drifts from the released run: the streams that are watched, a look a day. What decides is
//! the verdict crate's.

mod distances;
mod streams;
mod values;

use evalmark_core::{drift::DriftReport, logs::LogSpec};
use evalmark_report::records::RecordRow;
use evalmark_scoring::Metric;
use evalmark_verdict::{DriftError, DriftMonitor, DriftRule, Variant};

pub(super) use self::distances::{Distances, distances};
use self::{
    streams::{FIRST_DAYS, Watched, metric_streams, record_streams},
    values::{Day, Days},
};

/// Days without a record that are looks all the same, so that weekdays keep their places in a week. A multiple of a week.
const LONGEST_GAP: i64 = 28;

/// The tests of one look at a monitor, fed with the records of one day after the other. No more days are kept than those that
/// may still get records, and the first.
pub(super) struct DriftRun<'a> {
    days: Days,
    metrics: Vec<Watched>,
    records: Vec<Watched>,
    spec: &'a LogSpec,
    /// How far vectors are from those of the first days.
    distances: Distances,
    rule: DriftRule,
    /// Days from this one on are not over.
    today: i64,
    /// The first days, until another one comes.
    first: Vec<(i64, Day)>,
    /// Whether the first days are over.
    has_begun: bool,
    /// `None` where there is nothing to test.
    monitor: Option<DriftMonitor>,
    /// The day that was tested last.
    before: Option<i64>,
}

impl<'a> DriftRun<'a> {
    /// Tests every day before `today`: metrics against the released run, where there is one, all else against the first
    /// days.
    pub(super) fn new(
        (alpha, today): (f64, i64),
        metrics: &[Metric],
        released: Option<&Variant>,
        (spec, distances): (&'a LogSpec, Distances),
    ) -> Result<Self, DriftError> {
        let of_metrics = released.map(|released| metric_streams(metrics, released, &spec.watch));
        Ok(Self {
            days: Days::new(spec),
            metrics: of_metrics.transpose()?.unwrap_or_default(),
            records: Vec::new(),
            spec,
            distances,
            rule: DriftRule { alpha, ..DriftRule::default() },
            today,
            first: Vec::new(),
            has_begun: false,
            monitor: None,
            before: None,
        })
    }

    /// Takes in a record of a day with its scores.
    pub(super) fn see(
        &mut self,
        day: i64,
        row: &RecordRow<'_>,
        cluster: Option<u64>,
        scores: impl Iterator<Item = Option<f64>>,
    ) {
        // The day that is going on is tested once it is over.
        if day < self.today {
            self.days.see(day, row, cluster, scores);
        }
    }

    /// Tests the days before this one: no more records of them come.
    pub(super) fn close_before(&mut self, day: i64) -> Result<(), DriftError> {
        while let Some(open) = self.days.by_day.first_entry().filter(|open| *open.key() < day) {
            let (at, mut values) = open.remove_entry();
            values.distances = self.distances.0.remove(&at).unwrap_or_default();
            if !self.has_begun && self.first.len() < FIRST_DAYS {
                self.first.push((at, values));
                continue;
            }
            if !self.has_begun {
                let first: Vec<_> = self.first.iter().map(|(_, day)| day).collect();
                self.records = record_streams(&self.days, &first, self.spec)?;
                self.begin()?;
            }
            self.test(at, &values, true);
        }
        Ok(())
    }

    /// What all days came to; `None` where there is nothing to test.
    pub(super) fn finish(mut self) -> Result<Option<DriftReport>, DriftError> {
        self.close_before(i64::MAX)?;
        if !self.has_begun {
            self.begin()?;
        }
        Ok(self.monitor.map(|monitor| monitor.report()))
    }

    /// Begins with the first days.
    fn begin(&mut self) -> Result<(), DriftError> {
        let streams = self.metrics.iter().chain(&self.records);
        let streams: Vec<_> = streams.map(|one| (one.rule.clone(), one.sample.clone())).collect();
        let first = std::mem::take(&mut self.first);
        self.has_begun = true;
        if !streams.is_empty() {
            self.monitor = Some(DriftMonitor::new(self.rule.clone(), streams)?);
            for (at, day) in first {
                self.test(at, &day, false);
            }
        }
        Ok(())
    }

    fn test(&mut self, at: i64, day: &Day, is_later: bool) {
        let Some(monitor) = &mut self.monitor else { return };
        close_gap(monitor, self.before, at);
        let of_records = self.records.iter().filter(|_| is_later);
        for stream in self.metrics.iter().chain(of_records) {
            stream.observe(&self.days, day, monitor);
        }
        monitor.close_look(at);
        self.before = Some(at);
    }
}

/// Looks at days without a record.
fn close_gap(monitor: &mut DriftMonitor, before: Option<i64>, at: i64) {
    let Some(before) = before else { return };
    let gap = at.saturating_sub(before) - 1;
    let looks = if gap > LONGEST_GAP { LONGEST_GAP + gap % 7 } else { gap };
    for look in at - looks..at {
        monitor.close_look(look);
    }
}
