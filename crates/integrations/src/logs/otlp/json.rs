//! Requests in JSON, as OTLP has it: ids are hexadecimal, and whole numbers of 64 bits may be texts. One entry is built at
//! a time; the others stay as they were sent.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::{
    MAX_DEPTH, MAX_VALUES,
    span::{Attributes, Entry, Event, Signal, Span, TakeEntry},
};

/// A list has no more entries than this.
const MOST_ENTRIES: usize = 1 << 18;

/// A list of entries that are not read yet.
#[derive(Default)]
struct Unread<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Unread<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(UnreadVisitor)
    }
}

struct UnreadVisitor;

impl<'de> Visitor<'de> for UnreadVisitor {
    type Value = Unread<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            if entries.len() == MOST_ENTRIES {
                return Err(de::Error::custom("a list has too many entries"));
            }
            entries.push(entry);
        }
        Ok(Unread(entries))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(
        borrow,
        default,
        alias = "resource_spans",
        alias = "resourceLogs",
        alias = "resource_logs"
    )]
    resource_spans: Unread<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfResource<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "scope_spans", alias = "scopeLogs", alias = "scope_logs")]
    scope_spans: Unread<'a>,
}

#[derive(Deserialize)]
struct OfScope<'a> {
    #[serde(borrow, default, alias = "logRecords", alias = "log_records")]
    spans: Unread<'a>,
}

#[derive(Deserialize)]
struct RawResource {
    #[serde(default)]
    attributes: Vec<Pair>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSpan {
    trace_id: String,
    span_id: String,
    name: String,
    #[serde(deserialize_with = "whole")]
    start_time_unix_nano: u64,
    #[serde(deserialize_with = "whole")]
    end_time_unix_nano: u64,
    attributes: Vec<Pair>,
    events: Vec<RawEvent>,
    status: RawStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStatus {
    message: String,
    code: Value,
}

/// An event of a span, or a log record.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawEvent {
    #[serde(alias = "eventName")]
    name: String,
    #[serde(deserialize_with = "whole")]
    time_unix_nano: u64,
    #[serde(deserialize_with = "whole")]
    observed_time_unix_nano: u64,
    attributes: Vec<Pair>,
    body: Value,
    trace_id: String,
    span_id: String,
}

#[derive(Deserialize)]
struct Pair {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: Value,
}

/// Hands over every entry of a request; one that cannot be read is refused, and the others are not.
pub(super) fn read(
    body: &[u8],
    signal: Signal,
    taker: &mut dyn TakeEntry,
) -> Result<(), serde_json::Error> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    for of_resource in request.resource_spans.0 {
        let of_resource: OfResource<'_> = serde_json::from_str(of_resource.get())?;
        let resource = Arc::new(of_resource.resource.map(resource).unwrap_or_default());
        for of_scope in of_resource.scope_spans.0 {
            let of_scope: OfScope<'_> = serde_json::from_str(of_scope.get())?;
            for entry in of_scope.spans.0 {
                match entry_of(entry.get(), signal) {
                    Ok(entry) => taker.take(entry, &resource),
                    Err(why) => taker.refuse(why.into()),
                }
            }
        }
    }
    Ok(())
}

fn resource(raw: &RawValue) -> Attributes {
    if has_too_many_values(raw.get()) {
        return Map::new();
    }
    let resource: Result<RawResource, _> = serde_json::from_str(raw.get());
    resource.map(|resource| attributes(resource.attributes)).unwrap_or_default()
}

fn entry_of(text: &str, signal: Signal) -> Result<Entry, String> {
    if has_too_many_values(text) {
        return Err("an entry has too many values".to_owned());
    }
    let not_read = |error: serde_json::Error| format!("an entry cannot be read: {error}");
    Ok(match signal {
        Signal::Traces => {
            Entry::Span(serde_json::from_str::<RawSpan>(text).map_err(not_read)?.into())
        }
        Signal::Logs => {
            Entry::Event(serde_json::from_str::<RawEvent>(text).map_err(not_read)?.into())
        }
    })
}

/// A bound from above that takes no memory: commas and brackets, within texts too.
fn has_too_many_values(text: &str) -> bool {
    let n = |a: u8, b: u8, c: u8| memchr::memchr3_iter(a, b, c, text.as_bytes());
    // Texts have many commas, and values have few.
    n(b',', b'[', b'{').nth(8 * MAX_VALUES).is_some()
}

impl From<RawSpan> for Span {
    fn from(raw: RawSpan) -> Self {
        let code = &raw.status.code;
        Self {
            trace_id: raw.trace_id.to_ascii_lowercase(),
            id: raw.span_id.to_ascii_lowercase(),
            name: raw.name,
            start: raw.start_time_unix_nano,
            end: raw.end_time_unix_nano,
            has_failed: *code == 2 || *code == "STATUS_CODE_ERROR",
            status: raw.status.message,
            attributes: attributes(raw.attributes),
            events: raw.events.into_iter().map(Event::from).collect(),
        }
    }
}

impl From<RawEvent> for Event {
    fn from(raw: RawEvent) -> Self {
        let time = match raw.time_unix_nano {
            0 => raw.observed_time_unix_nano,
            time => time,
        };
        Self {
            name: raw.name,
            time,
            attributes: attributes(raw.attributes),
            body: value(raw.body, 0),
            trace_id: raw.trace_id.to_ascii_lowercase(),
            span_id: raw.span_id.to_ascii_lowercase(),
        }
    }
}

fn attributes(pairs: Vec<Pair>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, value(pair.value, 0))).collect()
}

/// A value, out of the object that says of which kind it is.
fn value(tagged: Value, depth: usize) -> Value {
    let Value::Object(tagged) = tagged else { return Value::Null };
    let Some((kind, content)) = tagged.into_iter().next() else { return Value::Null };
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let inner = |content: Value| match content {
        Value::Object(mut list) => match list.swap_remove("values") {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    match (kind.as_str(), content) {
        ("intValue" | "int_value", Value::String(number)) => {
            number.parse::<i64>().map_or(Value::Null, Value::from)
        }
        ("doubleValue" | "double_value", Value::String(number)) => {
            number.parse::<f64>().map_or(Value::Null, Value::from)
        }
        ("arrayValue" | "array_value", list) => {
            inner(list).into_iter().map(|one| value(one, depth + 1)).collect()
        }
        ("kvlistValue" | "kvlist_value", list) => {
            let pairs = inner(list).into_iter().filter_map(|one| match one {
                Value::Object(mut pair) => {
                    let Some(Value::String(key)) = pair.swap_remove("key") else { return None };
                    let content = pair.swap_remove("value").unwrap_or_default();
                    Some((key, value(content, depth + 1)))
                }
                _ => None,
            });
            Value::Object(pairs.collect())
        }
        (_, plain @ (Value::String(_) | Value::Bool(_) | Value::Number(_))) => plain,
        _ => Value::Null,
    }
}

/// A whole number, or a text with one.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Null => Some(0),
        _ => None,
    };
    number.ok_or_else(|| de::Error::custom("a time is a whole number of nanoseconds"))
}
