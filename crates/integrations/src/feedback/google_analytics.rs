//! Events of Google Analytics 4, as its export to `BigQuery` writes them, one JSON object a row:
//! <https://support.google.com/analytics/answer/7029846>.

use evalmark_core::feedback::{FeedbackEvent, FeedbackValue};
use serde_json::{Map, Value, json};

use super::{Events, FeedbackRules, FeedbackSource, first_text};

pub(super) const SOURCE: FeedbackSource = FeedbackSource {
    name: "ga4",
    files: "rows of the `events_` tables in BigQuery, as JSON",
    looks_like: |object| object.contains_key("event_name") && object.contains_key("event_params"),
    read,
};

/// Parameters that say how good an answer was.
const RATED: [&str; 3] = ["rating", "score", "thumbs"];

fn read(object: &Map<String, Value>, rules: &FeedbackRules, events: &mut Events) {
    let signal = first_text(object, &["event_name"]).unwrap_or_default();
    let keys = match &rules.key {
        Some(key) => vec![key.as_str()],
        None => vec!["trace_id", "record_id", "response_id"],
    };
    let record_id = keys.iter().find_map(|key| super::text(&parameter(object, key)?));
    // Most events of a site say nothing of an answer.
    let (Some(record_id), true) = (record_id, rules.wants(&signal)) else {
        events.passed_over += 1;
        return;
    };
    let rated = RATED.iter().find_map(|key| parameter(object, key));
    let written = rated.clone().unwrap_or_default();
    let value = match rated {
        Some(value) => rules.score(&signal, &value),
        None => Ok(FeedbackValue::Happened),
    };
    let by = first_text(object, &["user_id", "user_pseudo_id"]);
    let at = object.get("event_timestamp").cloned();
    // The export has no id of an event; its stream's place in a batch makes it one.
    let place = ["batch_event_index", "batch_page_id", "event_bundle_sequence_id"];
    let place: Vec<_> = place.iter().filter_map(|key| object.get(*key)).collect();
    let id = (!place.is_empty()).then(|| json!([by, at, signal, place]).to_string());
    let id = id.map(|id| format!("ga4:{id}"));
    let event = value.map(|value| FeedbackEvent {
        id,
        record_id,
        signal,
        value,
        written,
        comment: None,
        by,
        at,
        propensity: None,
    });
    events.add(rules, event);
}

/// The value of a parameter: `BigQuery` writes 64-bit integers as texts.
fn parameter(object: &Map<String, Value>, key: &str) -> Option<Value> {
    let list = object.get("event_params")?.as_array()?;
    let one = list.iter().find(|one| one.get("key").and_then(Value::as_str) == Some(key))?;
    let value = one.get("value")?.as_object()?;
    let kinds = ["string_value", "int_value", "double_value", "float_value"];
    super::first(value, &kinds).cloned()
}
