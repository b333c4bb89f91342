//! Answers that come piece by piece: the same as those that come whole, or described failures.

use std::time::Duration;

use evalmark_core::{
    feature::Feature,
    model,
    record::{ErrorKind, FinishReason, Outcome, Record},
};
use evalmark_harness::providers;
use evalmark_loopback::{Reply, Seen, Server};
use serde_json::json;

use super::wires::{Fault, WIRES, Wire};
use crate::setup::{Setup, limits, model_at};

/// The record of one request that asks for a stream, and how often it was made.
fn streamed(
    wire: &Wire,
    attempts: u32,
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Record, Vec<Seen>) {
    let (server, setup) = (Server::start(reply), Setup::new());
    let mut model = model_at(&server.url(), limits());
    model.limits.attempts = attempts;
    model.limits.timeout = Duration::from_secs(2);
    model.is_streamed = true;
    model.provider = model::Provider::Server(model::ModelServer::open(wire.provider, server.url()));
    let endpoint = setup.open_with(&model, Some("sk-0123456789"));
    let asked = setup.ask_model(&endpoint, &model, 1);
    let (_, record) = asked.records().pop().expect("one record");
    (record, server.requests())
}

/// Events as they go over the wire.
pub(super) fn framed(wire: &Wire, events: &[String]) -> Vec<u8> {
    events.iter().flat_map(|event| (wire.framed)(event)).collect()
}

/// Every protocol that streams, and the events in the place of `reply`.
fn each(reply: impl Fn(&Wire) -> Reply, check: impl Fn(&Wire, Reply, Reply)) {
    for wire in WIRES {
        let Some(events) = wire.events else { continue };
        let stream = reply(wire).change_body(|body| {
            let body = serde_json::from_slice(&body).expect("JSON");
            framed(wire, &events(&body))
        });
        check(wire, reply(wire), stream.header("content-type", "text/event-stream"));
    }
}

/// A record without what differs from time to time.
fn timeless(record: &Record) -> String {
    let mut details = record.details.clone().unwrap_or_default();
    (details.first_token_ms, details.tokens_per_second) = (None, None);
    let Record { outcome, output, finish_reason, failure, usage, .. } = record;
    format!("{outcome:?} {output:?} {finish_reason:?} {failure:?} {usage:?} {details:?}")
}

#[test]
fn who_streams_has_a_contract_for_it() {
    for wire in WIRES {
        let mut kinds = providers::catalog().iter();
        let kind = kinds.find(|kind| kind.name == wire.provider).expect(wire.provider);
        assert_eq!(kind.has(Feature::Streaming), wire.events.is_some(), "{}", wire.provider);
    }
}

#[test]
fn a_streamed_answer_is_the_same_answer() {
    type Row = (&'static str, fn(&Wire) -> Reply);
    let replies: [Row; 7] = [
        ("text", |wire| (wire.ended)("yes, ünd \"more\"\n", FinishReason::Stop)),
        ("length", |wire| (wire.ended)("yes", FinishReason::Length)),
        ("refusal", |wire| (wire.refused)("I would rather not")),
        ("calls", |wire| (wire.calls)("")),
        ("text and calls", |wire| (wire.calls)("see")),
        ("reasoning", |wire| (wire.thought)("hm", "yes")),
        ("cache", |wire| (wire.cached)("yes")),
    ];
    for (what, reply) in replies {
        each(reply, |wire, whole, stream| {
            let about = format!("{} {what}", wire.provider);
            let (expected, _) = streamed(wire, 1, move |_| whole.clone());
            assert_ne!(expected.outcome, Outcome::Failed, "{about}: {expected:?}");
            assert_eq!(expected.first_token_ms(), None, "{about} came whole");
            for stream in [stream.clone(), stream.drip(40, Duration::ZERO)] {
                let (record, requests) = streamed(wire, 1, move |_| stream.clone());
                assert_eq!(timeless(&record), timeless(&expected), "{about}");
                let says_something = record.output.as_ref().is_some_and(|text| !text.is_empty());
                let first = record.first_token_ms();
                // A prompt that is blocked gets no text of the model's.
                let is_timed = first.is_some() || record.outcome == Outcome::Refused;
                assert_eq!(is_timed, says_something, "{about}: {record:?}");
                assert!(first <= record.timing.latency_ms, "{about}: {record:?}");
                assert_eq!(requests.len(), 1);
            }
        });
    }
}

#[test]
fn a_stream_is_asked_for_in_the_protocols_words() {
    each(
        |wire| (wire.ended)("yes", FinishReason::Stop),
        |wire, _, stream| {
            let (_, requests) = streamed(wire, 1, move |_| stream.clone());
            let (path, body) = (&requests[0].path, requests[0].json());
            let says_so = body["stream"] == true || path.to_lowercase().contains("stream");
            assert!(says_so, "{} {path} {body}", wire.provider);
            if wire.path.ends_with("/completions") {
                assert_eq!(body["stream_options"], json!({ "include_usage": true }));
            }
        },
    );
}

#[test]
fn what_follows_the_first_token_has_a_pace() {
    each(
        |wire| (wire.ended)("a long answer, so that there are pieces", FinishReason::Stop),
        |wire, _, stream| {
            let stream = stream.drip(60, Duration::from_millis(2));
            let (record, _) = streamed(wire, 1, move |_| stream.clone());
            let (first, all) = (record.first_token_ms(), record.timing.latency_ms);
            let rate = record.tokens_per_second().expect("a pace");
            // 5 tokens in what is left of the time.
            let seconds = (all.expect("a time") - first.expect("a first token")) / 1e3;
            assert!(rate >= 5.0 / seconds && rate <= 5.0 / 0.002, "{} {record:?}", wire.provider);
        },
    );
}

#[test]
fn what_breaks_off_is_asked_again() {
    each(
        |wire| (wire.ended)("yes", FinishReason::Stop),
        |wire, _, stream| {
            let half = |body: Vec<u8>| body[..body.len() / 2].to_vec();
            for broken in [
                stream.clone().truncated(),
                stream.clone().reset_inside(),
                stream.clone().change_body(half),
                stream.change_body(|_| b": alive\n\n: alive\n\n".to_vec()),
            ] {
                let (record, requests) = streamed(wire, 3, move |_| broken.clone());
                let failure = record.failure.expect("a failure");
                let about = format!("{} {failure:?}", wire.provider);
                assert_eq!((failure.kind, requests.len()), (ErrorKind::Connection, 3), "{about}");
            }
        },
    );
}

#[test]
fn what_falls_silent_is_too_late() {
    each(
        |wire| (wire.ended)("yes", FinishReason::Stop),
        |wire, _, stream| {
            let silent = stream.drip(150, Duration::from_secs(30));
            let (record, _) = streamed(wire, 1, move |_| silent.clone());
            let kind = record.failure.expect("a failure").kind;
            assert_eq!(kind, ErrorKind::Timeout, "{}", wire.provider);
        },
    );
}

#[test]
fn an_answer_that_is_whole_waits_for_no_end() {
    each(
        |wire| (wire.ended)("yes", FinishReason::Stop),
        |wire, _, stream| {
            // A server that says that more is to come, and sends none.
            let open = stream.content_length(1 << 20).drip(1 << 16, Duration::from_mins(1));
            let (record, _) = streamed(wire, 1, move |_| open.clone());
            assert_eq!(record.output.as_deref(), Some("yes"), "{} {record:?}", wire.provider);
        },
    );
}

#[test]
fn an_error_in_the_middle_is_no_answer() {
    for wire in WIRES {
        let Some(events) = wire.events else { continue };
        let whole = (wire.ended)("yes", FinishReason::Stop);
        let mut error = Vec::new();
        drop((wire.error)(200, Fault::Overload).change_body(|body| {
            error.clone_from(&body);
            body
        }));
        let stream = whole.change_body(|body| {
            let events = events(&serde_json::from_slice(&body).expect("JSON"));
            let start = framed(wire, &events[..events.len() / 2]);
            let error = String::from_utf8_lossy(&error);
            [start, (wire.framed)(&format!("event: error\ndata: {error}\n\n"))].concat()
        });
        let (record, requests) = streamed(wire, 2, move |_| stream.clone());
        let failure = record.failure.expect("a failure");
        let about = format!("{} {failure:?}", wire.provider);
        assert_eq!((failure.kind, requests.len()), (ErrorKind::Server, 2), "{about}");
    }
}

#[test]
fn errors_before_the_stream_are_told_apart_as_ever() {
    for (status, fault, kind) in [
        (400, Fault::Request, ErrorKind::BadRequest),
        (401, Fault::Key, ErrorKind::Auth),
        (429, Fault::Rate, ErrorKind::RateLimited),
    ] {
        for wire in WIRES.iter().filter(|wire| wire.events.is_some()) {
            let reply = (wire.error)(status, fault);
            let (record, _) = streamed(wire, 1, move |_| reply.clone());
            assert_eq!(record.failure.expect("a failure").kind, kind, "{}", wire.provider);
        }
    }
}

/// Requests of one conversation each, one after the other, and their answers.
fn with_params(
    params: &serde_json::Value,
    n_items: u64,
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Vec<Record>, Vec<Seen>) {
    let (server, setup) = (Server::start(reply), Setup::new());
    let mut model = model_at(&server.url(), limits());
    (model.is_streamed, model.limits.attempts, model.limits.concurrency) = (true, 1, 1);
    model.params = std::sync::Arc::new(params.as_object().cloned().unwrap_or_default());
    let endpoint = setup.open_with(&model, None);
    let asked = setup.ask_model(&endpoint, &model, n_items);
    (asked.records().into_iter().map(|(_, record)| record).collect(), server.requests())
}

#[test]
fn a_server_that_does_not_count_streamed_tokens_is_asked_without() {
    let picky = |seen: &Seen| {
        if seen.json().get("stream_options").is_some() {
            let detail = json!([{ "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted" }]);
            return Reply::status(422).body(json!({ "detail": detail }).to_string());
        }
        let event =
            |choice: serde_json::Value| format!("data: {}\n\n", json!({ "choices": [choice] }));
        let text = event(json!({ "delta": { "content": "yes" }, "finish_reason": null }));
        let end = event(json!({ "delta": {}, "finish_reason": "stop" }));
        Reply::bytes([&*text, &end, "data: [DONE]\n\n"].concat())
    };
    let (records, requests) = with_params(&json!({ "seed": 7 }), 3, picky);
    for record in &records {
        assert_eq!(record.output.as_deref(), Some("yes"), "{record:?}");
        assert_eq!(record.usage.output_tokens, None);
    }
    // The first one is refused; nothing asks for the field again.
    assert_eq!(requests.len(), 4);
    let bodies: Vec<_> = requests.iter().map(Seen::json).collect();
    assert!(bodies[1..].iter().all(|body| body.get("stream_options").is_none()), "{bodies:?}");
    assert!(bodies[1..].iter().all(|body| body["seed"] == 7 && body["stream"] == true));
    // What the suite itself asks for is not left out.
    let (records, requests) =
        with_params(&json!({ "stream_options": { "include_usage": true } }), 1, picky);
    let failure = records[0].failure.as_ref().expect("a failure");
    assert_eq!((failure.kind, requests.len()), (ErrorKind::BadRequest, 1), "{failure:?}");
}

#[test]
fn a_stream_that_ends_for_no_reason_may_be_cut_off() {
    let broken = |_: &Seen| {
        let choice = json!({ "delta": { "content": "yes" }, "finish_reason": null });
        Reply::bytes(format!("data: {}\n\ndata: [DONE]\n\n", json!({ "choices": [choice] })))
    };
    let (records, _) = with_params(&json!({}), 1, broken);
    let failure = records[0].failure.as_ref().expect("a failure");
    assert_eq!(failure.kind, ErrorKind::Connection);
    assert!(failure.message.contains("without a `finish_reason`"), "{failure:?}");
}
