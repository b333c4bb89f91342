//! Requests in protobuf: `ExportTraceServiceRequest` and `ExportLogsServiceRequest` of OTLP 1.x, whose outer messages are
//! numbered alike. One entry is built at a time.

use std::{fmt::Write, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use super::{
    MAX_DEPTH, MAX_VALUES,
    span::{Attributes, Entry, Event, Signal, Span, TakeEntry},
    wire::{Content, MessageFields, NotProtobuf},
};

/// Hands over every entry of a request.
pub(super) fn read(
    body: &[u8],
    signal: Signal,
    taker: &mut dyn TakeEntry,
) -> Result<(), NotProtobuf> {
    for of_resource in messages(body, 1) {
        let of_resource = of_resource?;
        let resource = Arc::new(resource(of_resource)?);
        for of_scope in messages(of_resource, 2) {
            for entry in messages(of_scope?, 2) {
                let mut values = ValueReader { left: MAX_VALUES };
                let entry = match signal {
                    Signal::Traces => values.span(entry?).map(Entry::Span),
                    Signal::Logs => values.log_record(entry?).map(Entry::Event),
                };
                match entry {
                    Ok(entry) => taker.take(entry, &resource),
                    Err(Unusable::NotProtobuf) => return Err(NotProtobuf),
                    Err(Unusable::TooMuch) => taker.refuse("an entry has too many values".into()),
                }
            }
        }
    }
    Ok(())
}

/// Why an entry is not taken.
enum Unusable {
    NotProtobuf,
    TooMuch,
}

impl From<NotProtobuf> for Unusable {
    fn from(NotProtobuf: NotProtobuf) -> Self {
        Self::NotProtobuf
    }
}

/// The messages of a field.
fn messages(message: &[u8], number: u64) -> impl Iterator<Item = Result<&[u8], NotProtobuf>> {
    MessageFields::of(message).filter_map(move |field| match field {
        Ok((found, content)) if found == number => Some(content.bytes()),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// What is said of the application.
fn resource(of_resource: &[u8]) -> Result<Attributes, NotProtobuf> {
    let mut attributes = Map::new();
    let mut values = ValueReader { left: MAX_VALUES };
    for resource in messages(of_resource, 1) {
        for attribute in messages(resource?, 1) {
            match values.attribute(attribute?, &mut attributes) {
                Err(Unusable::NotProtobuf) => return Err(NotProtobuf),
                // What one wants to know of an application is little.
                Err(Unusable::TooMuch) => return Ok(attributes),
                Ok(()) => {}
            }
        }
    }
    Ok(attributes)
}

fn hexadecimal(id: &[u8]) -> String {
    // No id has more than 16 bytes.
    let mut text = String::new();
    for byte in id.iter().take(16) {
        // Memory takes it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads entries, up to so many values.
struct ValueReader {
    left: usize,
}

impl ValueReader {
    fn count(&mut self) -> Result<(), Unusable> {
        self.left = self.left.checked_sub(1).ok_or(Unusable::TooMuch)?;
        Ok(())
    }

    fn span(&mut self, message: &[u8]) -> Result<Span, Unusable> {
        let mut span = Span::default();
        for field in MessageFields::of(message) {
            match field? {
                (1, id) => span.trace_id = hexadecimal(id.bytes()?),
                (2, id) => span.id = hexadecimal(id.bytes()?),
                (5, name) => span.name = name.text()?,
                (7, time) => span.start = time.number()?,
                (8, time) => span.end = time.number()?,
                (9, attribute) => self.attribute(attribute.bytes()?, &mut span.attributes)?,
                (11, event) => {
                    self.count()?;
                    let event = self.event(event.bytes()?)?;
                    span.events.push(event);
                }
                (15, status) => {
                    for field in MessageFields::of(status.bytes()?) {
                        match field? {
                            (2, message) => span.status = message.text()?,
                            (3, code) => span.has_failed = code.number()? == 2,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(span)
    }

    fn event(&mut self, message: &[u8]) -> Result<Event, Unusable> {
        let mut event = Event::default();
        for field in MessageFields::of(message) {
            match field? {
                (1, time) => event.time = time.number()?,
                (2, name) => event.name = name.text()?,
                (3, attribute) => self.attribute(attribute.bytes()?, &mut event.attributes)?,
                _ => {}
            }
        }
        Ok(event)
    }

    fn log_record(&mut self, message: &[u8]) -> Result<Event, Unusable> {
        let (mut event, mut observed) = (Event::default(), 0);
        for field in MessageFields::of(message) {
            match field? {
                (1, time) => event.time = time.number()?,
                (11, time) => observed = time.number()?,
                (5, body) => event.body = self.value(body.bytes()?, 0)?,
                (6, attribute) => self.attribute(attribute.bytes()?, &mut event.attributes)?,
                (9, id) => event.trace_id = hexadecimal(id.bytes()?),
                (10, id) => event.span_id = hexadecimal(id.bytes()?),
                (12, name) => event.name = name.text()?,
                _ => {}
            }
        }
        if event.time == 0 {
            event.time = observed;
        }
        Ok(event)
    }

    fn attribute(&mut self, message: &[u8], attributes: &mut Attributes) -> Result<(), Unusable> {
        let (key, value) = self.pair(message, 0)?;
        attributes.insert(key, value);
        Ok(())
    }

    fn pair(&mut self, message: &[u8], depth: usize) -> Result<(String, Value), Unusable> {
        let (mut key, mut value) = (String::new(), Value::Null);
        for field in MessageFields::of(message) {
            match field? {
                (1, name) => key = name.text()?,
                (2, content) => value = self.value(content.bytes()?, depth)?,
                _ => {}
            }
        }
        Ok((key, value))
    }

    fn value(&mut self, message: &[u8], depth: usize) -> Result<Value, Unusable> {
        if depth > MAX_DEPTH {
            return Err(Unusable::TooMuch);
        }
        self.count()?;
        let mut value = Value::Null;
        for field in MessageFields::of(message) {
            value = match field? {
                (1, text) => Value::String(text.text()?),
                (2, truth) => Value::Bool(truth.number()? != 0),
                (3, number) => Value::from(number.number()?.cast_signed()),
                (4, Content::Fixed64(bits)) => Value::from(f64::from_bits(bits)),
                (5, list) => {
                    let each = messages(list.bytes()?, 1);
                    let values = each.map(|one| self.value(one?, depth + 1));
                    Value::Array(values.collect::<Result<_, _>>()?)
                }
                (6, pairs) => {
                    let each = messages(pairs.bytes()?, 1);
                    let pairs = each.map(|one| self.pair(one?, depth + 1));
                    Value::Object(pairs.collect::<Result<_, _>>()?)
                }
                (7, bytes) => Value::String(BASE64_STANDARD.encode(bytes.bytes()?)),
                _ => continue,
            };
        }
        Ok(value)
    }
}
