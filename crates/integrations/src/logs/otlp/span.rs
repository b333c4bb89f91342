//! A span or an event as it was sent, whatever the encoding.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value};

/// Names with values.
pub(super) type Attributes = Map<String, Value>;

/// A span: one operation, from its start to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Span {
    /// 32 hexadecimal digits.
    pub(super) trace_id: String,
    /// 16 hexadecimal digits.
    pub(super) id: String,
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) has_failed: bool,
    pub(super) status: String,
    pub(super) attributes: Attributes,
    pub(super) events: Vec<Event>,
}

/// Something that happened at one time: within a span, or sent as a log record that names the span.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Event {
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) attributes: Attributes,
    /// That of a log record; null where there is none.
    pub(super) body: Value,
    /// The span that a log record names; empty where it names none, and within a span.
    pub(super) trace_id: String,
    pub(super) span_id: String,
}

/// What one request holds one of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Span(Span),
    Event(Event),
}

/// What is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
}

/// Who takes what a request holds, with what is said of the application that sent it.
pub(super) trait TakeEntry {
    fn take(&mut self, entry: Entry, resource: &Arc<Attributes>);
    /// One entry cannot be taken; the others can.
    fn refuse(&mut self, why: Cow<'static, str>);
}
