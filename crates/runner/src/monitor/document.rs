//! What a monitor's records show, for programs.

use std::collections::BTreeMap;

use evalmark_core::{drift::StreamDrift, drift_text::RECORD_PREFIX};
use evalmark_store::monitor::JudgingState;
use serde_json::{Value, json};

use super::status::{DriftTest, MonitorStatus, day_name};

/// What a monitor's records show, for programs.
pub fn monitor_document(status: &MonitorStatus) -> Value {
    let state = &status.state;
    json!({
        "suite": status.suite,
        "written_at": state.written_at,
        "lines": state.counts,
        "missing": state.missing,
        "damaged": state.damaged,
        "judging": judging_document(&state.judging),
        "outdated": status.outdated,
        "baseline": status.reference,
        "from_future": status.from_future,
        "since": status.since,
        "left_out_of_drift": status.left_out,
        "metrics": status.metrics,
        "drift": drift_document(&status.drift),
    })
}

/// What became of the records that models were to be asked about; null where none ever were.
pub(super) fn judging_document(judging: &JudgingState) -> Value {
    if judging.is_empty() {
        return Value::Null;
    }
    let counts = &judging.counts;
    json!({
        "drawn": counts.drawn,
        "judged": counts.judged,
        "nothing_to_ask": counts.nothing_to_ask,
        "waiting": judging.n_waiting(),
        "unjudged": counts.unjudged().into_iter().collect::<BTreeMap<_, _>>(),
        "cost_usd": judging.cost_usd,
        "period": judging.spent.as_ref().map(|spent| &spent.period),
        "period_cost_usd": judging.spent.as_ref().map(|spent| spent.cost_usd),
        "period_tokens": judging.spent.as_ref().map(|spent| spent.tokens),
    })
}

fn drift_document(drift: &DriftTest) -> Value {
    let Some(report) = &drift.report else {
        let why = "there is no stream to test yet";
        return json!({ "tested": false, "why": drift.metrics_untested.as_deref().unwrap_or(why) });
    };
    json!({
        "tested": true,
        "metrics_untested": drift.metrics_untested,
        "false_alarms_a_year": report.alpha,
        "days": report.n_looks,
        "alarms": drift.alarms().filter_map(alarm_document).collect::<Vec<_>>(),
        "streams": report.streams.iter().map(stream_document).collect::<Vec<_>>(),
    })
}

fn alarm_document(stream: &StreamDrift) -> Option<Value> {
    let alarm = stream.alarm.as_ref()?;
    Some(json!({
        "stream": stream.name,
        "metric": metric_of(stream),
        "category": stream.category,
        "raised_on": day_name(alarm.at),
        "moved": alarm.moved,
        "began": day_name(alarm.began),
        "began_earliest": day_name(alarm.began_earliest),
        "began_latest": day_name(alarm.began_latest),
        "before": alarm.before,
        "now": alarm.now,
        "unseen": stream.unseen.iter().map(|one| &one.name).collect::<Vec<_>>(),
        "alongside": alarm.alongside,
    }))
}

fn stream_document(stream: &StreamDrift) -> Value {
    json!({
        "stream": stream.name,
        "metric": metric_of(stream),
        "kind": stream.kind,
        "raises_alarms": stream.threshold.is_some() || stream.alarm.is_some(),
        "category": stream.category,
        "before": stream.released,
        "now": stream.production,
        "evidence": stream.evidence,
        "threshold": stream.threshold,
        "unseen": stream.unseen.iter().map(|one| &one.name).collect::<Vec<_>>(),
        "has_alarm": stream.alarm.is_some(),
    })
}

/// The metric, where the stream is one.
fn metric_of(stream: &StreamDrift) -> Option<&str> {
    (!stream.name.starts_with(RECORD_PREFIX)).then_some(&*stream.name)
}
