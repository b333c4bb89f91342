//! Events in binary frames, `application/vnd.amazon.eventstream`: two lengths, headers, a payload, and
//! checksums of both, split as their bytes come.
//!
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>

use flate2::Crc;
use serde_json::{Value, json};

use crate::server_sent_events::StreamEvent;

/// Two lengths and their checksum.
const PRELUDE: usize = 12;
/// The checksum behind a frame.
const CHECKSUM: usize = 4;
/// The longest frame that the format knows: 16 MiB of payload, 128 KiB of headers.
const LONGEST: usize = PRELUDE + CHECKSUM + (16 << 20) + (128 << 10);
/// What an event that reports a failure is called; its data are `__type` and `message`.
pub(crate) const EXCEPTION: &str = "exception";

/// The bytes are no frames, or not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenFrame;

/// Splits a stream into the events of its frames, whatever the pieces it comes in.
#[derive(Debug, Default)]
pub(crate) struct FrameSplitter {
    /// The events so far.
    pub(crate) events: Vec<StreamEvent>,
    /// Whether there was the beginning of a frame, so that this is a stream at all.
    pub(crate) has_frames: bool,
    /// Of the frame that has not ended yet.
    pending: Vec<u8>,
    is_broken: bool,
}

impl FrameSplitter {
    /// Takes in the next bytes. What comes behind a broken frame is not looked at.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), BrokenFrame> {
        if !self.is_broken {
            self.pending.extend_from_slice(bytes);
            self.is_broken = self.split().is_err();
        }
        if self.is_broken { Err(BrokenFrame) } else { Ok(()) }
    }

    /// Whether the stream breaks off in the middle of a frame.
    pub(crate) fn is_cut(&self) -> bool {
        !self.pending.is_empty()
    }

    fn split(&mut self) -> Result<(), BrokenFrame> {
        let mut start = 0;
        while let Some(length) = length(&self.pending[start..])? {
            self.has_frames = true;
            let Some(frame) = self.pending.get(start..start + length) else { break };
            self.events.extend(event(frame)?);
            start += length;
        }
        self.pending.drain(..start);
        Ok(())
    }
}

/// The length of the frame that begins there; `None` where that is not known yet.
fn length(bytes: &[u8]) -> Result<Option<usize>, BrokenFrame> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    let (total, headers) = (number(&prelude[..4]), number(&prelude[4..8]));
    let is_sound = checksum(&prelude[..8]) == number(&prelude[8..])
        && (PRELUDE + CHECKSUM..=LONGEST).contains(&total)
        && headers <= total - PRELUDE - CHECKSUM;
    if is_sound { Ok(Some(total)) } else { Err(BrokenFrame) }
}

/// What a whole frame says; `None` where that is nothing.
fn event(frame: &[u8]) -> Result<Option<StreamEvent>, BrokenFrame> {
    let (content, sum) = frame.split_at(frame.len() - CHECKSUM);
    if checksum(content) != number(sum) {
        return Err(BrokenFrame);
    }
    let (headers, payload) = content[PRELUDE..].split_at(number(&content[4..8]));
    let headers = Headers::read(headers).ok_or(BrokenFrame)?;
    let data = std::str::from_utf8(payload).map_err(|_| BrokenFrame)?;
    let (kind, message) = match headers.get(":message-type") {
        Some("exception") => (headers.get(":exception-type"), said(data)),
        Some("error") => (headers.get(":error-code"), headers.get(":error-message").into()),
        _ => {
            let name = headers.get(":event-type").unwrap_or_default().to_owned();
            let event = StreamEvent { name, data: data.to_owned() };
            return Ok((!event.data.is_empty()).then_some(event));
        }
    };
    let failure = json!({ "__type": kind.map(capitalised), "message": message });
    Ok(Some(StreamEvent { name: EXCEPTION.to_owned(), data: failure.to_string() }))
}

/// What an exception's payload says.
fn said(payload: &str) -> Value {
    let json: Value = serde_json::from_str(payload).unwrap_or_default();
    let message =
        ["message", "Message", "originalMessage"].iter().find_map(|name| json[*name].as_str());
    message.unwrap_or(payload).into()
}

/// Types of failures as they are called where there is no stream.
fn capitalised(kind: &str) -> String {
    let mut letters = kind.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The headers that are texts.
#[derive(Debug, Default)]
struct Headers<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Headers<'a> {
    /// `None` where they are not what the format says.
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut texts = Vec::new();
        while let Some((&length, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(length.into())?;
            let (&kind, rest) = rest.split_first()?;
            let (length, rest) = match kind {
                0 | 1 => (0, rest),
                2 => (1, rest),
                3 => (2, rest),
                4 => (4, rest),
                5 | 8 => (8, rest),
                6 | 7 => {
                    let (length, rest) = rest.split_at_checked(2)?;
                    (number(length), rest)
                }
                9 => (16, rest),
                _ => return None,
            };
            let (value, rest) = rest.split_at_checked(length)?;
            if kind == 7 {
                texts.push((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?));
            }
            bytes = rest;
        }
        Some(Self(texts))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

/// A number, the most significant byte first.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn checksum(bytes: &[u8]) -> usize {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum() as usize
}

#[cfg(test)]
mod tests {
    use evalmark_loopback::bedrock::{exception, frame};
    use proptest::prelude::*;

    use super::*;

    /// Names and data of the events, `…` where the stream breaks off, and `!` where it is broken.
    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let mut splitter = FrameSplitter::default();
        let mut is_broken = false;
        for piece in pieces {
            is_broken |= splitter.push(piece).is_err();
        }
        let end = match (is_broken, splitter.is_cut()) {
            (true, _) => Some("!"),
            (false, true) => Some("…"),
            _ => None,
        };
        let shown = splitter.events.iter().map(|event| format!("{}={}", event.name, event.data));
        shown.chain(end.map(str::to_owned)).collect()
    }

    fn stream() -> Vec<u8> {
        [
            frame("messageStart", r#"{"role":"assistant"}"#),
            frame("contentBlockDelta", r#"{"delta":{"text":"é"}}"#),
            exception("throttlingException", r#"{"message":"slow down"}"#),
        ]
        .concat()
    }

    #[test]
    fn frames_are_what_the_format_says() {
        // As the reference has it: one header, and a payload.
        let known = [
            0, 0, 0, 0x3d, 0, 0, 0, 0x20, 0x07, 0xfd, 0x83, 0x96, 12, b'c', b'o', b'n', b't', b'e',
            b'n', b't', b'-', b't', b'y', b'p', b'e', 7, 0, 16, b'a', b'p', b'p', b'l', b'i', b'c',
            b'a', b't', b'i', b'o', b'n', b'/', b'j', b's', b'o', b'n', b'{', b'\'', b'f', b'o',
            b'o', b'\'', b':', b'\'', b'b', b'a', b'r', b'\'', b'}', 0x8d, 0x9c, 0x08, 0xb1,
        ];
        assert_eq!(split(&[&known]), ["={'foo':'bar'}"]);
        assert_eq!(
            split(&[&stream()]),
            [
                "messageStart={\"role\":\"assistant\"}",
                "contentBlockDelta={\"delta\":{\"text\":\"é\"}}",
                "exception={\"__type\":\"ThrottlingException\",\"message\":\"slow down\"}",
            ]
        );
        let empty = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(split(&[&empty]), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_frame_is_no_stream() {
        let mut splitter = FrameSplitter::default();
        assert_eq!(splitter.push(b"{\"output\":{}}"), Err(BrokenFrame));
        assert!(!splitter.has_frames && splitter.events.is_empty());
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let stream = stream();
        let whole = split(&[&stream]);
        for at in 0..stream.len() {
            let mut changed = stream.clone();
            changed[at] ^= 0x10;
            let found = split(&[&changed]);
            assert!(found.last().is_some_and(|end| end == "!" || end == "…"), "{at} {found:?}");
            assert_eq!(found[..found.len() - 1], whole[..found.len() - 1], "{at}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter_and_an_end_anywhere_is_told(
            cuts in prop::collection::vec(0_usize..400, 0..12),
            end in 0_usize..400,
        ) {
            let stream = stream();
            let end = end.min(stream.len());
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(end)).collect();
            cuts.extend([0, end]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
            let found = split(&pieces);
            prop_assert_eq!(&found, &split(&[&stream[..end]]));
            let whole = split(&[&stream]);
            let events: Vec<_> = found.iter().filter(|event| *event != "…").collect();
            prop_assert!(whole.iter().zip(&events).all(|(a, b)| a == *b));
        }

        #[test]
        fn nothing_that_comes_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(split(&[&bytes]));
            drop(Headers::read(&bytes));
        }
    }
}
