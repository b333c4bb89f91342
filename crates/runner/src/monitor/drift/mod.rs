//! Whether production drifts from the released run: the streams that are watched, a look a day. What decides is
//! the verdict crate's.

mod streams;
mod values;

use evalmark_core::{drift::DriftReport, logs::LogSpec};
use evalmark_report::records::RecordRow;
use evalmark_scoring::Metric;
use evalmark_verdict::{DriftError, DriftMonitor, DriftRule, Variant};

use self::{
    streams::{FIRST_DAYS, metric_streams, record_streams},
    values::{Day, Days},
};

/// Days without a record that are looks all the same, so that weekdays keep their places in a week. A multiple of a week.
const LONGEST_GAP: i64 = 28;

/// Values of production by day, as far as days are known.
pub(super) struct DriftValues {
    days: Days,
}

impl DriftValues {
    pub(super) fn new(spec: &LogSpec) -> Self {
        Self { days: Days::new(spec) }
    }

    /// Takes in a record of a day with its scores.
    pub(super) fn see(
        &mut self,
        day: i64,
        row: &RecordRow<'_>,
        cluster: Option<u64>,
        scores: impl Iterator<Item = Option<f64>>,
    ) {
        self.days.see(day, row, cluster, scores);
    }

    /// Tests every day before `today`: metrics against the released run, where there is one, all else against the first
    /// days. `None` where there is nothing to test.
    pub(super) fn test(
        mut self,
        (alpha, today): (f64, i64),
        metrics: &[Metric],
        released: Option<&Variant>,
        spec: &LogSpec,
    ) -> Result<Option<DriftReport>, DriftError> {
        let of_metrics = released.map(|released| metric_streams(metrics, released, &spec.watch));
        let of_metrics = of_metrics.transpose()?.unwrap_or_default();
        // The day that is going on is tested once it is over.
        self.days.by_day.retain(|day, _| *day < today);
        let days = &self.days;
        let all: Vec<(i64, &Day)> = days.by_day.iter().map(|(at, day)| (*at, day)).collect();
        let first: Vec<_> = all.iter().take(FIRST_DAYS).map(|(_, day)| *day).collect();
        let of_records =
            if all.len() > FIRST_DAYS { record_streams(days, &first, spec)? } else { Vec::new() };
        let streams = of_metrics.iter().chain(&of_records);
        let streams: Vec<_> = streams.map(|one| (one.rule.clone(), one.sample.clone())).collect();
        if streams.is_empty() {
            return Ok(None);
        }
        let rule = DriftRule { alpha, ..DriftRule::default() };
        let mut monitor = DriftMonitor::new(rule, streams)?;
        let mut before = None;
        for (place, (at, day)) in all.into_iter().enumerate() {
            close_gap(&mut monitor, before, at);
            for stream in &of_metrics {
                stream.observe(days, day, &mut monitor);
            }
            for stream in of_records.iter().filter(|_| place >= FIRST_DAYS) {
                stream.observe(days, day, &mut monitor);
            }
            monitor.close_look(at);
            before = Some(at);
        }
        Ok(Some(monitor.report()))
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
