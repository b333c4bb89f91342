//! Laws of streams, for every protocol that has any: whatever the pieces, the answer is the same;
//! wherever a stream ends, there is that answer or a described failure.

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    feature::Feature,
    request::{Message, Request},
};
use evalmark_loopback::bedrock;
use evalmark_net::StatusCode;
use proptest::prelude::*;

use super::*;
use crate::providers::{HttpReply, catalog, find};

/// A stream of each protocol, with all that it may hold.
const SAMPLES: &[(&str, &str)] = &[
    ("openai", include_str!("samples/openai.txt")),
    ("azure-deployments", include_str!("samples/openai.txt")),
    ("gemini", include_str!("samples/gemini.txt")),
    ("vertex", include_str!("samples/gemini.txt")),
    ("responses", include_str!("samples/responses.txt")),
    ("completions", include_str!("samples/completions.txt")),
    ("anthropic", include_str!("samples/anthropic.txt")),
    ("bedrock", include_str!("samples/bedrock.txt")),
    ("cohere", include_str!("samples/cohere.txt")),
];

/// The events of a sample as they go over the wire, one by one.
fn events_of(provider: &str, sample: &'static str) -> Vec<Cow<'static, [u8]>> {
    if provider == "bedrock" {
        let frame =
            |line: &str| line.split_once(' ').map(|(name, data)| bedrock::frame(name, data));
        return sample.lines().filter_map(frame).map(Cow::Owned).collect();
    }
    sample.split_inclusive("\n\n").map(|event| Cow::Borrowed(event.as_bytes())).collect()
}

/// All samples as they go over the wire.
fn samples() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    SAMPLES.iter().map(|(provider, sample)| (*provider, events_of(provider, sample).concat()))
}

/// What comes of a stream in these pieces.
fn answer(provider: &str, pieces: &[&[u8]]) -> Result<Answer, String> {
    let (speaker, _) = find(provider).expect(provider);
    let streaming = speaker.streaming.as_ref().expect(provider);
    let mut reader = Reader::new(streaming);
    for piece in pieces {
        reader.take(piece);
    }
    let failed = |error: AttemptError| error.failure.message;
    let body = match reader.finish(pieces.concat()) {
        Err(StreamedError::CutOff(error)) => return Err(failed(error)),
        Err(StreamedError::Exchange(error)) => return Err(error.to_string()),
        Ok(Streamed { body: StreamedBody::Events(events), .. }) => {
            (streaming.assemble)(&events).map_err(failed)?
        }
        Ok(Streamed { body: StreamedBody::Whole(body), .. }) => {
            String::from_utf8_lossy(&body).into_owned()
        }
    };
    let request = Request::chat("m".into(), [Message::new("user", "?")], Arc::default(), 0);
    let headers = evalmark_net::HeaderMap::new();
    let reply =
        HttpReply { status: StatusCode::OK, headers: &headers, body: &body, request: &request };
    (speaker.read)(&reply).map_err(failed)
}

#[test]
fn every_protocol_that_streams_has_a_sample() {
    // A form of one's own has tests of its own.
    let all = catalog().iter().filter(|kind| kind.options.is_none());
    for kind in all.filter(|kind| kind.has(Feature::Streaming)) {
        assert!(SAMPLES.iter().any(|(name, _)| *name == kind.protocol), "{}", kind.protocol);
    }
    for (provider, stream) in samples() {
        let answer = answer(provider, &[&stream]).expect(provider);
        assert_eq!(answer.output, "Schön.", "{provider}");
        assert_eq!(answer.usage.output_tokens, Some(5), "{provider}");
        if provider == "completions" {
            // A text is all that it has.
            continue;
        }
        let details = answer.details.as_ref().expect("details");
        assert_eq!(details.reasoning.as_deref(), Some("Hm, é."), "{provider}");
        assert_eq!(details.tool_calls[0].arguments, r#"{"a":1}"#, "{provider}");
    }
}

#[test]
fn a_stream_that_ends_at_any_byte_is_the_answer_or_a_failure() {
    for (provider, stream) in samples() {
        let whole = answer(provider, &[&stream]).expect(provider);
        let mut failures = 0;
        for end in 0..stream.len() {
            match answer(provider, &[&stream[..end]]) {
                // What it took may come last.
                Ok(cut) => {
                    let cut = Answer { usage: whole.usage, ..cut };
                    assert_eq!(cut, whole, "{provider} to {end}");
                }
                Err(message) => {
                    failures += 1;
                    assert!(!message.is_empty(), "{provider} to {end}");
                }
            }
        }
        assert!(failures > stream.len() / 2, "{provider}: {failures}");
    }
}

proptest! {
    #[test]
    fn pieces_do_not_matter(mut cuts in prop::collection::vec(0_usize..4_000, 0..20)) {
        for (provider, stream) in samples() {
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut rest = stream.as_slice();
            for (at, cut) in cuts.iter().enumerate() {
                let before = at.checked_sub(1).map_or(0, |at| cuts[at]);
                let (piece, others) = rest.split_at((cut - before).min(rest.len()));
                pieces.push(piece);
                rest = others;
            }
            pieces.push(rest);
            prop_assert_eq!(answer(provider, &pieces), answer(provider, &[&stream]));
        }
    }

    #[test]
    fn nothing_that_comes_is_too_odd(
        changes in prop::collection::vec((0_usize..4_000, any::<u8>()), 0..8),
        end in 0_usize..4_000,
    ) {
        for (provider, mut bytes) in samples() {
            for (at, byte) in &changes {
                let at = at % bytes.len();
                bytes[at] = *byte;
            }
            bytes.truncate(end);
            // An answer or a failure: either has come back.
            drop(answer(provider, &[&bytes]));
        }
    }

    #[test]
    fn events_may_come_twice_and_in_any_order(
        moves in prop::collection::vec((0_usize..40, 0_usize..40, any::<bool>()), 0..12),
    ) {
        for (provider, stream) in SAMPLES {
            let mut events = events_of(provider, stream);
            for (from, to, is_copy) in &moves {
                let from = from % events.len();
                let event = if *is_copy { events[from].clone() } else { events.remove(from) };
                events.insert(to % (events.len() + 1), event);
            }
            drop(answer(provider, &[&events.concat()]));
        }
    }
}
