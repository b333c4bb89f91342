//! Events of Mixpanel, as its raw export writes them, one JSON object a line:
//! <https://developer.mixpanel.com/reference/raw-event-export>.

use evalmark_core::feedback::{FeedbackEvent, FeedbackValue};
use serde_json::{Map, Value};

use super::{Events, FeedbackRules, FeedbackSource, first, first_text};

pub(super) const SOURCE: FeedbackSource = FeedbackSource {
    name: "mixpanel",
    files: "events of the raw export",
    looks_like: |object| {
        object.get("properties").is_some_and(Value::is_object) && object.contains_key("event")
    },
    read,
};

fn read(object: &Map<String, Value>, rules: &FeedbackRules, events: &mut Events) {
    let signal = first_text(object, &["event"]).unwrap_or_default();
    let empty = Map::new();
    let properties = object.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let keys = match &rules.key {
        Some(key) => vec![key.as_str()],
        None => vec!["trace_id", "record_id", "response_id"],
    };
    let record_id = first_text(properties, &keys);
    let (Some(record_id), true) = (record_id, rules.wants(&signal)) else {
        events.passed_over += 1;
        return;
    };
    let rated = first(properties, &["rating", "score", "thumbs"]);
    let written = rated.cloned().unwrap_or_default();
    let value = match rated {
        Some(value) => rules.score(&signal, value),
        None => Ok(FeedbackValue::Happened),
    };
    let event = value.map(|value| FeedbackEvent {
        id: first_text(properties, &["$insert_id"]).map(|id| format!("mixpanel:{id}")),
        record_id,
        signal,
        value,
        written,
        comment: first_text(properties, &["comment"]),
        by: first_text(properties, &["distinct_id", "$user_id"]),
        at: properties.get("time").cloned(),
        propensity: None,
    });
    events.add(rules, event);
}
