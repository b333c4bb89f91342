//! Figures of a monitor that goes on reading, for whoever scrapes them: lines as they are counted, scores and drift as far as they
//! were looked at.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use evalmark_core::{drift::StreamDrift, metric::Range};
use evalmark_report::exposition::{FamilySample, FamilyValue, MetricFamily};
use evalmark_store::monitor::MonitorState;
use jiff::Timestamp;

use super::{MonitorStatus, MonitorStatusOptions, MonitoredMetric, monitor_status};
use crate::Host;

/// Between two looks at all records, at least.
const LEAST_WAIT: Duration = Duration::from_secs(10);

/// A look may take one part in so many of the time.
const SHARE: u32 = 20;

/// The figures of one monitor.
#[derive(Default)]
pub struct MonitorFigures {
    latest: Mutex<Latest>,
    changed: Condvar,
}

#[derive(Default)]
struct Latest {
    state: Option<MonitorState>,
    status: Option<MonitorStatus>,
    /// Whether something was read since the last look.
    is_newer: bool,
    n_failed_looks: u64,
    is_over: bool,
}

impl MonitorFigures {
    /// What has been read so far.
    pub fn note(&self, state: &MonitorState) {
        let mut latest = self.latest();
        latest.state = Some(state.clone());
        latest.is_newer = true;
        self.changed.notify_all();
    }

    /// Ends [`keep_up`](Self::keep_up).
    pub fn end(&self) {
        self.latest().is_over = true;
        self.changed.notify_all();
    }

    /// Looks at all records again where there are new ones, until [`end`](Self::end); seldom enough to leave the machine to
    /// those who read.
    pub fn keep_up(&self, options: &MonitorStatusOptions, host: &Host<'_>) {
        let mut wait = Duration::ZERO;
        while self.waits_for_news(wait) {
            let began = Instant::now();
            let looked = monitor_status(options, host);
            wait = LEAST_WAIT.max(began.elapsed() * SHARE);
            let mut latest = self.latest();
            match looked {
                Ok(status) => latest.status = Some(status),
                Err(_) => latest.n_failed_looks += 1,
            }
        }
    }

    /// Waits for so long, and then until something new was read; `false` where it is over.
    fn waits_for_news(&self, least: Duration) -> bool {
        let until = Instant::now() + least;
        let mut latest = self.latest();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if latest.is_over {
                return false;
            }
            if left.is_zero() && latest.is_newer {
                latest.is_newer = false;
                return true;
            }
            let most = if left.is_zero() { LEAST_WAIT } else { left };
            let waited = self.changed.wait_timeout(latest, most);
            latest = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The figures as of now.
    pub fn families(&self) -> Vec<MetricFamily> {
        let latest = self.latest();
        let mut families = Vec::new();
        if let Some(state) = &latest.state {
            families.extend(of_lines(state));
            families.extend(of_judges(state));
        }
        if let Some(status) = &latest.status {
            families.extend(of_scores(status));
            families.extend(of_drift(status));
        }
        let failed = FamilySample::number(Vec::new(), latest.n_failed_looks as f64);
        let help = "Looks at the records that failed; `evalmark monitor status` says why.";
        families.push(MetricFamily::counter("evalmark_monitor_failed_looks", help).with([failed]));
        families
    }
}

fn of_suite(suite: &str) -> Vec<(&'static str, String)> {
    vec![("suite", suite.to_owned())]
}

fn of_lines(state: &MonitorState) -> Vec<MetricFamily> {
    let counts = &state.counts;
    let suite = || of_suite(&state.suite);
    let counter = |name, help, n: u64| {
        MetricFamily::counter(name, help).with([FamilySample::number(suite(), n as f64)])
    };
    let missing = state.missing.iter().map(|(field, n)| {
        let labels = [suite(), vec![("field", field.clone())]].concat();
        FamilySample::number(labels, *n as f64)
    });
    let committed = seconds(&state.written_at).map(|at| FamilySample::number(suite(), at));
    vec![
        counter("evalmark_monitor_lines", "Lines of logs that were read.", counts.read),
        counter("evalmark_monitor_damaged_lines", "Lines that are no records.", counts.damaged),
        counter("evalmark_monitor_records", "Lines that became records.", counts.kept),
        counter("evalmark_monitor_failed_records", "Records without an answer.", counts.failed),
        counter(
            "evalmark_monitor_sampled_records",
            "Records whose texts were kept.",
            counts.sampled,
        ),
        MetricFamily::counter(
            "evalmark_monitor_missing_fields",
            "Records that lack a field which the suite names.",
        )
        .with(missing),
        MetricFamily::gauge("evalmark_monitor_committed_seconds", "When records were last stored.")
            .in_unit("seconds")
            .with(committed),
    ]
}

fn of_judges(state: &MonitorState) -> Vec<MetricFamily> {
    let judging = &state.judging;
    if judging.is_empty() {
        return Vec::new();
    }
    let suite = || of_suite(&state.suite);
    let one = |n: f64| [FamilySample::number(suite(), n)];
    let unjudged = judging.counts.unjudged().map(|(reason, n)| {
        let labels = [suite(), vec![("reason", reason.to_owned())]].concat();
        FamilySample::number(labels, n as f64)
    });
    let judged = judging.counts.judged as f64;
    vec![
        MetricFamily::counter("evalmark_monitor_judged_records", "Records that models judged.")
            .with(one(judged)),
        MetricFamily::counter(
            "evalmark_monitor_unjudged_records",
            "Records that were drawn for models to judge and stay unjudged.",
        )
        .with(unjudged),
        MetricFamily::gauge("evalmark_monitor_waiting_records", "Records that wait for judges.")
            .with(one(judging.n_waiting() as f64)),
        MetricFamily::counter("evalmark_monitor_judge_cost_usd", "US dollars spent on judges.")
            .with(one(judging.cost_usd)),
    ]
}

fn of_scores(status: &MonitorStatus) -> Vec<MetricFamily> {
    let suite = || of_suite(&status.suite);
    let labels = |one: &MonitoredMetric| [suite(), vec![("metric", one.metric.clone())]].concat();
    let all = status.metrics.iter().filter_map(|one| Some((one, one.all.as_ref()?)));
    let values = all.clone().map(|(one, estimate)| {
        let sum = estimate.mean * estimate.n_items as f64;
        // A sum that can shrink is no counter.
        let sum = Some(sum).filter(|_| one.range != Range::Signed);
        let value = FamilyValue::Values { count: estimate.n_items, sum };
        FamilySample { labels: labels(one), value }
    });
    let means = all.map(|(one, estimate)| FamilySample::number(labels(one), estimate.mean));
    let references = status.metrics.iter().flat_map(|one| {
        one.references.iter().map(move |of| {
            let of_variant = vec![("prompt", of.prompt.clone()), ("model", of.model.clone())];
            FamilySample::number([labels(one), of_variant].concat(), of.mean)
        })
    });
    let newest = status.newest_at_us.map(|at| at as f64 / 1_000_000.0);
    let lag = newest.and_then(|newest| {
        let stored = seconds(&status.state.written_at)?;
        Some(FamilySample::number(suite(), (stored - newest).max(0.0)))
    });
    let future = FamilySample::number(suite(), status.from_future as f64);
    let newest = newest.map(|newest| FamilySample::number(suite(), newest));
    let help = "Between the time of the newest record and when it was stored.";
    vec![
        MetricFamily::summary("evalmark_monitor_scores", "Scores of all records, and their sum.")
            .with(values),
        MetricFamily::gauge("evalmark_monitor_score_mean", "Mean score of all records.")
            .with(means),
        MetricFamily::gauge("evalmark_monitor_baseline_score", "The same in the baseline.")
            .with(references),
        MetricFamily::gauge("evalmark_monitor_newest_record_seconds", "Time of the newest record.")
            .in_unit("seconds")
            .with(newest),
        MetricFamily::gauge(
            "evalmark_monitor_future_records",
            "Records that are dated in the future: their times do not count.",
        )
        .with([future]),
        MetricFamily::gauge("evalmark_monitor_lag_seconds", help).in_unit("seconds").with(lag),
    ]
}

fn of_drift(status: &MonitorStatus) -> Vec<MetricFamily> {
    let Some(report) = &status.drift.report else { return Vec::new() };
    let family = |name, help, value: fn(&StreamDrift) -> Option<f64>| {
        let samples = report.streams.iter().filter_map(move |stream| {
            let labels = [of_suite(&status.suite), vec![("stream", stream.name.clone())]].concat();
            Some(FamilySample::number(labels, value(stream)?))
        });
        MetricFamily::gauge(name, help).with(samples)
    };
    let looks = FamilySample::number(of_suite(&status.suite), report.n_looks as f64);
    vec![
        family(
            "evalmark_drift_alarm",
            "1 where the stream is no longer as the released run was, else 0.",
            |one| Some(f64::from(u8::from(one.alarm.is_some()))),
        ),
        family("evalmark_drift_evidence", "Logarithm of the evidence of drift.", |one| {
            Some(one.evidence)
        }),
        family("evalmark_drift_threshold", "Evidence that raises an alarm.", |one| one.threshold),
        family("evalmark_drift_released", "The stream's level in the released run.", |one| {
            Some(one.released.mean)
        }),
        family("evalmark_drift_production", "The stream's level in production.", |one| {
            Some(one.production.mean)
        }),
        family("evalmark_drift_began_seconds", "When the drift likeliest began.", |one| {
            one.alarm.as_ref().map(|alarm| alarm.began as f64 * 86_400.0)
        })
        .in_unit("seconds"),
        MetricFamily::gauge("evalmark_drift_looks", "Days that were tested.").with([looks]),
    ]
}

fn seconds(moment: &str) -> Option<f64> {
    Some(moment.parse::<Timestamp>().ok()?.as_millisecond() as f64 / 1_000.0)
}
