//! Scores of Langfuse, as its public API (`GET /api/public/scores`) and its exports write them:
//! <https://langfuse.com/docs/evaluation/evaluation-methods/data-model>.

use evalmark_core::feedback::{FeedbackEvent, FeedbackValue};
use serde_json::{Map, Value};

use super::{Events, FeedbackRules, FeedbackSource, first, first_text};

pub(super) const SOURCE: FeedbackSource = FeedbackSource {
    name: "langfuse",
    files: "scores, as `GET /api/public/scores` answers or as they are exported",
    looks_like: |object| {
        let has = |key: &str| object.contains_key(key);
        has("traceId") && (has("dataType") || has("observationId") || has("configId"))
    },
    read,
};

fn read(object: &Map<String, Value>, rules: &FeedbackRules, events: &mut Events) {
    // A score of a session or of a dataset run says nothing of one answer.
    let keys = match &rules.key {
        Some(key) => vec![key.as_str()],
        None => vec!["traceId"],
    };
    let Some(record_id) = first_text(object, &keys) else {
        events.passed_over += 1;
        return;
    };
    events.add(rules, event(object, record_id, rules));
}

fn event(
    object: &Map<String, Value>,
    record_id: String,
    rules: &FeedbackRules,
) -> Result<FeedbackEvent, String> {
    let signal = first_text(object, &["name"]).ok_or("a score has no name")?;
    let kind = object.get("dataType").and_then(Value::as_str).unwrap_or_default();
    let keys = match kind {
        "CORRECTION" | "CATEGORICAL" => ["stringValue", "value"],
        _ => ["value", "stringValue"],
    };
    let written = first(object, &keys).cloned().unwrap_or_default();
    let value = match kind {
        "CORRECTION" => {
            let text = first_text(object, &keys);
            FeedbackValue::Edit(text.ok_or("a correction has no text")?)
        }
        _ => rules.score(&signal, &written)?,
    };
    Ok(FeedbackEvent {
        id: first_text(object, &["id"]).map(|id| format!("langfuse:{id}")),
        record_id,
        signal,
        value,
        written,
        comment: first_text(object, &["comment"]),
        by: first_text(object, &["authorUserId"]),
        at: first(object, &["timestamp", "createdAt"]).cloned(),
        propensity: None,
    })
}
