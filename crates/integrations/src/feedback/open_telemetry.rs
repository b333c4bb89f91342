//! Evaluation events of OpenTelemetry's conventions for generative AI, in log records as OTLP writes them in JSON:
//! <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/>.

use evalmark_core::feedback::FeedbackEvent;
use serde_json::{Map, Value};

use super::{Events, FeedbackRules, FeedbackSource, first, first_text};

pub(super) const SOURCE: FeedbackSource = FeedbackSource {
    name: "otlp",
    files: "log records with `gen_ai.evaluation.result` events, as OTLP's JSON has them",
    looks_like: |object| object.contains_key("resourceLogs"),
    read,
};

const EVENT: &str = "gen_ai.evaluation.result";

fn read(object: &Map<String, Value>, rules: &FeedbackRules, events: &mut Events) {
    for resource in list(object.get("resourceLogs")) {
        for scope in list(resource.get("scopeLogs")) {
            for record in list(scope.get("logRecords")).iter().filter_map(Value::as_object) {
                of_record(record, rules, events);
            }
        }
    }
}

fn of_record(record: &Map<String, Value>, rules: &FeedbackRules, events: &mut Events) {
    let named = first_text(record, &["eventName"])
        .or_else(|| super::text(&attribute(record, "event.name")?));
    if named.as_deref() != Some(EVENT) {
        events.passed_over += 1;
        return;
    }
    events.add(rules, event(record, rules));
}

fn event(record: &Map<String, Value>, rules: &FeedbackRules) -> Result<FeedbackEvent, String> {
    let texts = |key: &str| super::text(&attribute(record, key)?);
    let signal = texts("gen_ai.evaluation.name").unwrap_or_else(|| "feedback".to_owned());
    let (trace, span) = (first_text(record, &["traceId"]), first_text(record, &["spanId"]));
    let record_id = match (&rules.key, trace, span) {
        (Some(key), ..) => texts(key),
        (None, Some(trace), Some(span)) => Some(format!("{trace}:{span}")),
        (None, Some(trace), None) => Some(trace),
        (None, None, _) => texts("gen_ai.response.id"),
    };
    let record_id =
        record_id.ok_or("it names no record: it has neither `traceId` nor `gen_ai.response.id`")?;
    let value = attribute(record, "gen_ai.evaluation.score.value")
        .or_else(|| attribute(record, "gen_ai.evaluation.score.label"))
        .ok_or_else(|| format!("`{signal}` has no score"))?;
    Ok(FeedbackEvent {
        id: None,
        record_id,
        value: rules.score(&signal, &value)?,
        written: value,
        signal,
        comment: texts("gen_ai.evaluation.explanation"),
        by: texts("user.id").or_else(|| texts("enduser.id")),
        at: first(record, &["timeUnixNano", "observedTimeUnixNano"]).cloned(),
        propensity: None,
    })
}

/// The value of an attribute; OTLP's JSON writes 64-bit integers as texts.
fn attribute(record: &Map<String, Value>, key: &str) -> Option<Value> {
    let found = list(record.get("attributes"))
        .iter()
        .find(|one| one.get("key").and_then(Value::as_str) == Some(key))?;
    let value = found.get("value")?.as_object()?;
    first(value, &["stringValue", "doubleValue", "intValue", "boolValue"]).cloned()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
