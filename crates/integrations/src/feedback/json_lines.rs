//! Feedback as an application of one's own writes it: an object an event, with keys under their usual names.

use evalmark_core::feedback::{FeedbackEvent, FeedbackValue, short};
use serde_json::{Map, Value};

use super::{Events, FeedbackRules, FeedbackSource, first, first_text};

pub(super) const SOURCE: FeedbackSource = FeedbackSource {
    name: "jsonl",
    files: "JSON objects with `trace_id` and `thumbs`, `rating`, `value`, `edited` or `event`",
    looks_like: |_| true,
    read,
};

/// Keys of the record's id; `id` is the record's where none of these is there.
const RECORD: [&str; 6] =
    ["record_id", "trace_id", "traceId", "response_id", "request_id", "log_id"];
/// Keys that name the signal.
const SIGNAL: [&str; 5] = ["name", "signal", "kind", "type", "event"];
/// Keys of a value, which name the signal where nothing else does.
const VALUE: [&str; 7] = ["value", "score", "rating", "thumbs", "thumb", "csat", "label"];
const EDIT: [&str; 4] = ["edited", "edit", "corrected", "correction"];

fn read(object: &Map<String, Value>, rules: &FeedbackRules, events: &mut Events) {
    events.add(rules, event(object, rules));
}

fn event(object: &Map<String, Value>, rules: &FeedbackRules) -> Result<FeedbackEvent, String> {
    let named = match &rules.key {
        Some(key) => first_text(object, &[key]),
        None => first_text(object, &RECORD),
    };
    let own_id = first_text(object, &["event_id", "feedback_id"]);
    let (record_id, id) = match (named, first_text(object, &["id"])) {
        (Some(record), id) => (record, own_id.or(id)),
        (None, Some(id)) if rules.key.is_none() => (id, own_id),
        (None, _) => {
            let key = rules.key.as_deref().unwrap_or("trace_id");
            return Err(format!("it names no record: it has no `{key}`"));
        }
    };
    let edit = first_text(object, &EDIT);
    let value_key = VALUE.into_iter().find(|key| object.get(*key).is_some_and(|v| !v.is_null()));
    let signal = first_text(object, &SIGNAL);
    let (signal, value, written) = match (edit, value_key) {
        (Some(edit), _) => {
            let written = edit.clone().into();
            (signal.unwrap_or_else(|| "edit".to_owned()), FeedbackValue::Edit(edit), written)
        }
        (None, Some(key)) => {
            let is_named = !["value", "score", "label"].contains(&key);
            let signal =
                signal.unwrap_or_else(|| if is_named { key } else { "feedback" }.to_owned());
            let value = rules.score(&signal, &object[key])?;
            (signal, value, object[key].clone())
        }
        (None, None) => {
            let signal = signal.ok_or_else(|| "it says nothing: it has no value".to_owned())?;
            (signal, FeedbackValue::Happened, Value::Null)
        }
    };
    Ok(FeedbackEvent {
        id,
        record_id,
        signal,
        value,
        written,
        comment: first_text(object, &["comment", "text", "reason", "explanation"]),
        by: first_text(object, &["user", "user_id", "by", "rater"]),
        at: first(object, &["at", "time", "timestamp", "created_at"]).cloned(),
        propensity: first(object, &["propensity"]).map(propensity).transpose()?,
    })
}

/// The chance that the user was asked, also where it is written as a text.
fn propensity(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let wrong = || format!("a propensity of {} is not above 0 and at most 1", short(value));
    number.filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(wrong)
}
