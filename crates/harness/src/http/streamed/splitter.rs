//! A body as it comes, split into events in whichever way they follow each other.

use crate::{
    json_lines::LineSplitter,
    providers::{Framing, event_frames::FrameSplitter},
    server_sent_events::{EventSplitter, StreamEvent},
};

/// Splits a body into events.
#[derive(Debug)]
pub(super) enum Splitter {
    Texts(EventSplitter),
    Frames(FrameSplitter),
    Lines(LineSplitter),
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Behind an event.
    Whole,
    /// In the middle of one.
    Cut,
    /// With bytes that are none.
    Garbled,
}

impl Splitter {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::ServerSentEvents => Self::Texts(EventSplitter::default()),
            Framing::EventFrames => Self::Frames(FrameSplitter::default()),
            Framing::JsonLines => Self::Lines(LineSplitter::default()),
        }
    }

    /// Takes in the next bytes; whether they can be read.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Texts(splitter) => splitter.push(bytes).is_ok(),
            Self::Frames(splitter) => splitter.push(bytes).is_ok(),
            Self::Lines(splitter) => splitter.push(bytes).is_ok(),
        }
    }

    /// The events so far.
    pub(super) fn events(&self) -> &[StreamEvent] {
        match self {
            Self::Texts(splitter) => &splitter.events,
            Self::Frames(splitter) => &splitter.events,
            Self::Lines(splitter) => &splitter.events,
        }
    }

    pub(super) fn into_events(self) -> Vec<StreamEvent> {
        match self {
            Self::Texts(splitter) => splitter.events,
            Self::Frames(splitter) => splitter.events,
            Self::Lines(splitter) => splitter.events,
        }
    }

    /// Whether this is a stream of events, as far as it came.
    pub(super) fn has_events(&self, is_garbled: bool) -> bool {
        match self {
            // A text that is none is something else altogether.
            Self::Texts(splitter) => splitter.has_fields && !is_garbled,
            Self::Frames(splitter) => splitter.has_frames,
            Self::Lines(splitter) => splitter.has_lines() && !is_garbled,
        }
    }

    /// Takes in the end of the body.
    pub(super) fn finish(&mut self, is_garbled: bool) -> End {
        let is_cut = match self {
            Self::Texts(splitter) => splitter.finish(),
            Self::Frames(splitter) => splitter.is_cut(),
            Self::Lines(splitter) => splitter.finish(),
        };
        match (is_garbled, is_cut) {
            (true, _) => End::Garbled,
            (false, true) => End::Cut,
            (false, false) => End::Whole,
        }
    }
}
