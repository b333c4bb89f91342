//! A message as documents of the Elastic Common Schema: one of the run, one of each comparison and one of each score.

use evalmark_report::run_message::MessageEvent;
use serde_json::{Value, json};

use super::definition::Letter;

/// What the first document is about.
fn action(event: MessageEvent) -> &'static str {
    match event {
        MessageEvent::RunEnded => "run",
        MessageEvent::Drift => "drift",
        MessageEvent::Released => "release",
    }
}

/// ECS's word for it.
fn event_kind(action: &str) -> &'static str {
    match action {
        "run" => "event",
        "drift" => "alert",
        _ => "metric",
    }
}

/// The documents about a run, an alarm or a release.
pub(super) fn documents(letter: &Letter<'_>) -> Vec<Value> {
    let message = letter.message;
    let base = json!({
        "@timestamp": letter.created_at,
        "ecs": { "version": "8.17.0" },
        "service": { "name": "evalmark" },
    });
    let outcome = match &*message.answer {
        "pass" | "improved" => "success",
        "regressed" | "drift" => "failure",
        _ => "unknown",
    };
    let of_run =
        json!({ "suite": message.suite, "run_id": message.run_id, "commit": message.commit });
    let document = |kind: &str, message_text: &str, more: Value| {
        let mut document = base.clone();
        document["event"] = json!({
            "kind": event_kind(kind),
            "dataset": "evalmark.runs",
            "action": kind,
            "outcome": outcome,
            "url": message.link,
        });
        document["message"] = message_text.into();
        let mut own = of_run.clone();
        if let (Some(own), Value::Object(more)) = (own.as_object_mut(), more) {
            own.extend(more);
        }
        document["evalmark"] = own;
        document
    };
    let run = json!({ "answer": message.answer, "fails": message.fails, "baseline": message.baseline, "started_at": message.started_at });
    let mut documents = vec![document(
        action(message.event),
        &format!("{}. {}", message.headline(), message.says),
        run,
    )];
    for one in &message.comparisons {
        let more = json!({
            "prompt": one.prompt, "model": one.model, "metric": one.metric,
            "answer": one.answer, "change": one.change_value, "is_ratio": one.is_ratio,
        });
        documents.push(document("comparison", &one.line(), more));
    }
    for one in &message.scores {
        let more = json!({
            "prompt": one.prompt, "model": one.model, "metric": one.metric, "score": one.value,
            "lower": one.lower, "upper": one.upper, "n_scored": one.n_scored, "n_missing": one.n_missing,
        });
        documents.push(document("score", &one.line(), more));
    }
    documents
}
