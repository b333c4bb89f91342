//! What a request holds: lines of whole answers, halves of others, and what is nobody's answer.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use tokio::sync::oneshot;

use super::{
    answer::Answer,
    conventions::{DETAILS, Exchange, is_answer},
    intake::{Encoding, Refusal},
    joiner::{Half, SpanKey},
    json, protobuf,
    span::{Attributes, Entry, Event, Signal, Span, TakeEntry},
};

/// Why an answer without any text is refused.
const NO_CONTENT: &str = "a span of a model's answer has no text: the application does not record content; set \
                          OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT for it, or what its instrumentation has \
                          for that";

/// A request with more entries that cannot be taken is refused as a whole.
const MOST_REFUSED: usize = 10_000;

/// A line is no longer than this.
const MAX_LINE: usize = 16 << 20;

/// What a request holds.
#[derive(Default)]
pub(super) struct Found {
    /// Whole answers.
    pub(super) lines: Vec<u8>,
    pub(super) n_lines: u64,
    pub(super) halves: Vec<Half>,
    pub(super) left_out: u64,
    /// Entries that cannot be taken: why.
    pub(super) refused: Vec<Cow<'static, str>>,
    n_refused: usize,
    pub(super) waiters: Vec<oneshot::Sender<()>>,
    pub(super) with_attributes: bool,
    /// The place of a half among the others.
    places: HashMap<SpanKey, usize>,
}

/// Reads a request.
pub(super) fn read_entries(
    body: &[u8],
    encoding: Encoding,
    signal: Signal,
    with_attributes: bool,
) -> Result<Found, Refusal> {
    let mut found = Found::new(with_attributes);
    let read = match encoding {
        Encoding::Json => json::read(body, signal, &mut found).map_err(|error| error.to_string()),
        Encoding::Protobuf => {
            protobuf::read(body, signal, &mut found).map_err(|error| error.to_string())
        }
    };
    read.map_err(Refusal::Bad)?;
    if found.n_refused > MOST_REFUSED {
        let n = found.n_refused;
        return Err(Refusal::Bad(format!(
            "{n} entries cannot be taken; of the first, {}",
            found.refused[0]
        )));
    }
    Ok(found)
}

impl Found {
    /// Nothing yet.
    pub(super) fn new(with_attributes: bool) -> Self {
        Self { with_attributes, ..Self::default() }
    }

    /// Adds an answer for which nothing more comes.
    pub(super) fn add(&mut self, half: Half) {
        self.waiters.extend(half.waiters);
        if half.answer.is_whole() {
            self.add_line(&half.answer, &half.resource);
        } else {
            self.refuse(NO_CONTENT.into());
        }
    }

    fn add_line(&mut self, answer: &Answer, resource: &Attributes) {
        let line = answer.line(self.with_attributes.then_some(resource)).to_string();
        if line.len() > MAX_LINE {
            self.refuse("a span of a model's answer has more than 16 MiB".into());
            return;
        }
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
        self.n_lines += 1;
    }

    fn take_span(&mut self, span: Span, resource: &Arc<Attributes>) {
        if !is_answer(&span.attributes) {
            self.left_out += 1;
            return;
        }
        let answer = Answer::of_span(span);
        if answer.is_complete() {
            self.add_line(&answer, resource);
            return;
        }
        self.add_half(answer, resource, true);
    }

    fn take_event(&mut self, event: Event, resource: &Arc<Attributes>) {
        let mut exchange = Exchange::default();
        if !exchange.add_event(&event) {
            self.left_out += 1;
            return;
        }
        let is_details =
            event.name == DETAILS || event.attributes.contains_key("gen_ai.operation.name");
        if event.trace_id.is_empty() && !is_details {
            self.refuse("a log record of a message names no span".into());
            return;
        }
        if is_details
            && event.attributes.contains_key("gen_ai.operation.name")
            && !is_answer(&event.attributes)
        {
            self.left_out += 1;
            return;
        }
        let answer = Answer::of_event(event, exchange);
        self.add_half(answer, resource, false);
    }

    fn add_half(&mut self, answer: Answer, resource: &Arc<Attributes>, has_span: bool) {
        let half = Half {
            answer,
            resource: resource.clone(),
            has_span,
            has_event: !has_span,
            waiters: Vec::new(),
        };
        if half.answer.trace_id.is_empty() {
            self.halves.push(half);
            return;
        }
        if let Some(place) = self.places.get(&half.key()) {
            self.halves[*place].merge(half);
        } else {
            self.places.insert(half.key(), self.halves.len());
            self.halves.push(half);
        }
    }
}

impl TakeEntry for Found {
    fn take(&mut self, entry: Entry, resource: &Arc<Attributes>) {
        match entry {
            Entry::Span(span) => self.take_span(span, resource),
            Entry::Event(event) => self.take_event(event, resource),
        }
    }

    fn refuse(&mut self, why: Cow<'static, str>) {
        self.n_refused += 1;
        if self.refused.len() < MOST_REFUSED {
            self.refused.push(why);
        }
    }
}
