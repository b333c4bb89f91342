//! A response that comes piece by piece: its events, and when the first of them held a piece of the
//! answer.

mod splitter;

use std::time::Duration;

use evalmark_core::record::Usage;
use evalmark_net::{ExchangeError, HttpResponse};
use tokio::time::Instant;

use self::splitter::{End, Splitter};
use crate::{
    providers::{
        StreamFormat,
        broken_stream::{broken_frame, cut_off},
    },
    reply::{Answer, AttemptError},
    server_sent_events::StreamEvent,
};

/// How long the end of the body may take once the answer is whole. With it the connection can be used
/// again; without it, an answer that nothing is missing of would wait for nothing.
const END_WITHIN: Duration = Duration::from_millis(100);

/// A body that came piece by piece.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) body: StreamedBody,
    pub(super) times: Times,
}

/// What came.
#[derive(Debug)]
pub(super) enum StreamedBody {
    /// Events.
    Events(Vec<StreamEvent>),
    /// No events, but a body as it comes without streaming.
    Whole(Vec<u8>),
}

/// Why no body came.
#[derive(Debug)]
pub(super) enum StreamedError {
    Exchange(ExchangeError),
    CutOff(AttemptError),
}

impl From<ExchangeError> for StreamedError {
    fn from(error: ExchangeError) -> Self {
        Self::Exchange(error)
    }
}

/// When pieces of an answer came; all unknown where it came whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The first one.
    first: Option<Instant>,
    /// Whether others came after it, and not all at once.
    has_later: bool,
    /// The last one, or the end.
    last: Option<Instant>,
}

impl Times {
    /// Adds to an answer when its first token came, since the attempt began, and how fast the others
    /// followed.
    pub(super) fn added_to(self, mut answer: Answer, begun: Instant) -> Answer {
        if let Some(first) = self.first {
            let details = answer.details.get_or_insert_default();
            details.first_token_ms = Some((first - begun).as_secs_f64() * 1e3);
            details.tokens_per_second = self.rate(answer.usage);
        }
        answer
    }

    /// Tokens a second. What came all at once was held back on the way, and tells nothing.
    fn rate(self, usage: Usage) -> Option<f64> {
        let seconds = (self.last? - self.first?).as_secs_f64();
        let tokens = usage.plausible().output_tokens?;
        (self.has_later && seconds > 0.0 && tokens > 0).then(|| tokens as f64 / seconds)
    }
}

/// Reads a body of at most `limit` bytes, event by event.
pub(super) async fn read(
    mut response: HttpResponse,
    streaming: &dyn StreamFormat,
    limit: usize,
) -> Result<Streamed, StreamedError> {
    if response.is_compressed() {
        // Nobody asked for that, and when its pieces came says nothing.
        let body = response.body(limit).await?;
        return whole(body, streaming);
    }
    let (mut reader, mut body) = (Reader::new(streaming), Vec::new());
    let end = loop {
        let chunk = if reader.is_over {
            let end = tokio::time::timeout(END_WITHIN, response.chunk()).await;
            // The answer is whole, whatever becomes of the connection.
            end.unwrap_or(Ok(None)).unwrap_or(None)
        } else {
            match response.chunk().await {
                Ok(chunk) => chunk,
                Err(error) => break Err(error),
            }
        };
        let Some(chunk) = chunk else { break Ok(()) };
        if body.len() + chunk.len() > limit {
            return Err(ExchangeError::TooLarge { limit }.into());
        }
        reader.take(&chunk);
        body.extend_from_slice(&chunk);
    };
    end?;
    if !reader.has_events() {
        // It may be compressed without saying so.
        return whole(response.decoded(body, limit)?, streaming);
    }
    reader.finish(body)
}

/// A body that came at once: its events, if it has any, without times.
fn whole(body: Vec<u8>, streaming: &dyn StreamFormat) -> Result<Streamed, StreamedError> {
    let mut reader = Reader::new(streaming);
    reader.take(&body);
    Ok(Streamed { times: Times::default(), ..reader.finish(body)? })
}

/// Takes a body in, piece by piece.
struct Reader<'a> {
    streaming: &'a dyn StreamFormat,
    splitter: Splitter,
    /// Events that were looked at.
    seen: usize,
    times: Times,
    /// Whether nothing more is to come.
    is_over: bool,
    /// Whether what came cannot be read.
    is_garbled: bool,
}

impl<'a> Reader<'a> {
    fn new(streaming: &'a dyn StreamFormat) -> Self {
        Self {
            streaming,
            splitter: Splitter::new(streaming.framing()),
            seen: 0,
            times: Times::default(),
            is_over: false,
            is_garbled: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.is_garbled {
            return;
        }
        let now = Instant::now();
        self.is_garbled = !self.splitter.push(bytes);
        if self.is_over {
            // What it took may come behind the answer.
            return;
        }
        for event in &self.splitter.events()[self.seen..] {
            self.is_over |= self.streaming.is_last(event);
            // Two moments are all that there is to know.
            let Times { first, has_later, .. } = &mut self.times;
            if !*has_later && *first != Some(now) && self.streaming.holds_text(event) {
                *has_later = first.is_some();
                first.get_or_insert(now);
            }
        }
        let n_events = self.splitter.events().len();
        if n_events > self.seen {
            self.times.last = Some(now);
        }
        self.seen = n_events;
    }

    /// Whether this is a stream of events, as far as it came.
    fn has_events(&self) -> bool {
        self.splitter.has_events(self.is_garbled)
    }

    fn finish(mut self, body: Vec<u8>) -> Result<Streamed, StreamedError> {
        let end = self.splitter.finish(self.is_garbled);
        if !self.has_events() && !is_only_remarks(&body) {
            return Ok(Streamed { body: StreamedBody::Whole(body), times: Times::default() });
        }
        match end {
            End::Cut if !self.is_over => return Err(StreamedError::CutOff(cut_off())),
            End::Garbled if !self.is_over => return Err(StreamedError::CutOff(broken_frame())),
            End::Whole | End::Cut | End::Garbled => {}
        }
        let body = StreamedBody::Events(self.splitter.into_events());
        Ok(Streamed { body, times: self.times })
    }
}

/// Whether a body holds nothing but what keeps a connection alive.
fn is_only_remarks(body: &[u8]) -> bool {
    let mut lines = body.split(|byte| matches!(byte, b'\n' | b'\r')).peekable();
    body.starts_with(b":") && lines.all(|line| line.is_empty() || line.starts_with(b":"))
}

/// The events of a body that comes in these pieces; `None` where it has none.
#[cfg(test)]
pub(crate) fn streamed_body(
    streaming: &dyn StreamFormat,
    pieces: &[&[u8]],
) -> Result<Option<Vec<StreamEvent>>, AttemptError> {
    let mut reader = Reader::new(streaming);
    for piece in pieces {
        reader.take(piece);
    }
    match reader.finish(pieces.concat()) {
        Ok(Streamed { body: StreamedBody::Events(events), .. }) => Ok(Some(events)),
        Ok(Streamed { body: StreamedBody::Whole(_), .. }) => Ok(None),
        Err(StreamedError::CutOff(error)) => Err(error),
        Err(StreamedError::Exchange(error)) => unreachable!("nothing is sent: {error}"),
    }
}

#[cfg(test)]
mod tests;
