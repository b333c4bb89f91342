//! What every protocol must do, whoever speaks it: a server of each, in its own wire format, and one
//! table of expectations.

mod logprobs;
mod oddities;
mod streaming;
mod wires;

use std::time::Duration;

use evalmark_core::{
    feature::Feature,
    model,
    record::{ErrorKind, FinishReason, Outcome, Record},
    request::Request,
};
use evalmark_harness::providers;
use evalmark_loopback::{Reply, Seen, Server};
use serde_json::json;

use self::wires::{Fault, WIRES, Wire};
use crate::setup::{RequestFilter, Setup, asking, limits, model_at};

/// Asks a server that replies so, at most `attempts` times.
fn asked(
    wire: &Wire,
    attempts: u32,
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (RequestFilter, Vec<Seen>) {
    let (server, setup) = (Server::start(reply), Setup::new());
    let mut model = model_at(&server.url(), limits());
    model.limits.attempts = attempts;
    model.provider = model::Provider::Server(model::ModelServer::open(wire.provider, server.url()));
    let endpoint = setup.open_with(&model, Some("sk-0123456789"));
    let ended = setup.ask(&endpoint, 1);
    (ended, server.requests())
}

/// The one record, and how often the server was asked.
fn record(
    wire: &Wire,
    attempts: u32,
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Record, usize) {
    let (ended, requests) = asked(wire, attempts, reply);
    let (_, record) = ended.records().pop().expect("one record");
    (record, requests.len())
}

/// The same for a server that always replies so, in the words of every protocol.
fn each(attempts: u32, reply: fn(&Wire) -> Reply, check: impl Fn(&Wire, &Record, usize)) {
    for wire in WIRES {
        let said = reply(wire);
        let (record, times) = record(wire, attempts, move |_| said.clone());
        check(wire, &record, times);
    }
}

/// Whether a wire's provider can do this.
fn has(wire: &Wire, feature: Feature) -> bool {
    providers::catalog().iter().any(|kind| kind.name == wire.provider && kind.has(feature))
}

#[test]
fn every_protocol_has_its_contract() {
    // Where the suite says how a model is asked, there is no wire format to hold anyone to.
    let kinds = providers::catalog().iter().filter(|kind| kind.options.is_none());
    let protocols: std::collections::BTreeSet<_> = kinds.map(|kind| kind.protocol).collect();
    let here: std::collections::BTreeSet<_> = WIRES.iter().map(|wire| wire.provider).collect();
    assert_eq!(protocols, here);
}

#[test]
fn a_request_goes_where_it_belongs_with_its_key_and_asks_for_no_stream() {
    for wire in WIRES {
        let ended = wire.ended;
        let (_, requests) = asked(wire, 1, move |_| ended("yes", FinishReason::Stop));
        let seen = &requests[0];
        let (name, before) = wire.key;
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", wire.path));
        assert_eq!(seen.header(name), Some(format!("{before}sk-0123456789").as_str()));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let body = seen.json();
        if let Some(at) = wire.model_at {
            assert_eq!(body.pointer(at), Some(&json!("m")), "{}", wire.provider);
        }
        assert_eq!(body.get("stream").filter(|stream| **stream != json!(false)), None);
        assert_eq!(body.pointer(wire.prompt_at), Some(&json!("0")), "{}", wire.provider);
    }
}

#[test]
fn an_answer_has_text_reason_and_tokens() {
    for reason in [FinishReason::Stop, FinishReason::Length] {
        for wire in WIRES {
            let (ended, expected) = (wire.ended, reason.clone());
            let (record, _) = record(wire, 1, move |_| ended("yes", expected.clone()));
            assert_eq!(record.outcome, Outcome::Answered, "{}", wire.provider);
            assert_eq!(record.output.as_deref(), Some("yes"));
            assert_eq!(record.finish_reason.as_ref(), Some(&reason));
            assert_eq!(record.is_cut_off(), reason == FinishReason::Length);
            let usage = record.usage;
            assert_eq!((usage.input_tokens, usage.output_tokens), (Some(10), Some(5)));
            // One protocol's answers do not say who answered.
            if wire.provider != "cohere" {
                let details = record.details.as_ref().expect("another model answered");
                assert_eq!(details.model.as_deref(), Some("loopback"));
            }
        }
    }
}

#[test]
fn a_refusal_is_no_answer_and_no_failure() {
    each(
        3,
        |wire| (wire.refused)("I would rather not"),
        |wire, record, times| {
            assert_eq!((record.outcome, times), (Outcome::Refused, 1), "{}", wire.provider);
            assert_eq!(record.output.as_deref(), Some("I would rather not"));
        },
    );
}

#[test]
fn what_a_content_filter_ends_is_no_answer_and_keeps_its_text() {
    each(
        3,
        |wire| (wire.ended)("so f", FinishReason::ContentFilter),
        |wire, record, times| {
            assert_eq!((record.outcome, times), (Outcome::Refused, 1), "{}", wire.provider);
            assert_eq!(
                record.finish_reason,
                Some(FinishReason::ContentFilter),
                "{}",
                wire.provider
            );
            assert_eq!(record.output.as_deref(), Some("so f"), "{}", wire.provider);
        },
    );
}

#[test]
fn calls_of_tools_are_the_same_in_every_protocol() {
    each(
        1,
        |wire| (wire.calls)(""),
        |wire, record, _| {
            if !has(wire, Feature::Tools) {
                return;
            }
            let expected =
                r#"[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]"#;
            assert_eq!(record.output.as_deref(), Some(expected), "{}", wire.provider);
            assert_eq!(record.finish_reason, Some(FinishReason::ToolCalls));
        },
    );
    each(
        1,
        |wire| (wire.calls)("see"),
        |wire, record, _| {
            if !has(wire, Feature::Tools) {
                return;
            }
            assert_eq!(record.output.as_deref(), Some("see"), "{}", wire.provider);
            let calls = &record.details.as_ref().expect("details").tool_calls;
            let shown: Vec<_> = calls.iter().map(|call| (&*call.name, &*call.arguments)).collect();
            assert_eq!(shown, [("f", r#"{"a":1}"#)]);
        },
    );
}

#[test]
fn reasoning_and_cached_tokens_stand_beside_the_answer() {
    each(
        1,
        |wire| (wire.thought)("hm", "yes"),
        |wire, record, _| {
            assert_eq!(record.output.as_deref(), Some("yes"), "{}", wire.provider);
            // A text that goes on has no thoughts apart.
            if has(wire, Feature::Conversation) {
                let details = record.details.as_ref().expect("details");
                assert_eq!(details.reasoning.as_deref(), Some("hm"));
            }
        },
    );
    each(
        1,
        |wire| (wire.cached)("yes"),
        |wire, record, _| {
            assert_eq!(record.usage.input_tokens, Some(10), "{}", wire.provider);
            assert_eq!(record.details.as_ref().expect("details").cached_tokens, Some(8));
        },
    );
}

#[test]
fn each_error_is_told_apart_and_asked_again_only_where_that_helps() {
    for (status, fault, kind, times) in [
        (400, Fault::Request, ErrorKind::BadRequest, 1),
        (400, Fault::Credit, ErrorKind::NoCredit, 1),
        (401, Fault::Key, ErrorKind::Auth, 1),
        (403, Fault::Permission, ErrorKind::Auth, 1),
        (404, Fault::Model, ErrorKind::BadRequest, 1),
        (413, Fault::TooLarge, ErrorKind::BadRequest, 1),
        (429, Fault::Rate, ErrorKind::RateLimited, 3),
        (500, Fault::Server, ErrorKind::Server, 3),
        (503, Fault::Overload, ErrorKind::Server, 3),
        (529, Fault::Overload, ErrorKind::Server, 3),
    ] {
        for wire in WIRES {
            let reply = (wire.error)(status, fault);
            let (record, asked) = record(wire, 3, move |_| reply.clone());
            let failure = record.failure.as_ref().expect("a failure");
            let about = format!("{} {status} {fault:?}: {failure:?}", wire.provider);
            assert_eq!((failure.kind, asked), (kind, times), "{about}");
            assert!(failure.message.contains(&status.to_string()), "{about}");
        }
    }
}

#[test]
fn an_error_in_a_success_is_no_answer() {
    each(
        3,
        |wire| (wire.error)(200, Fault::Overload),
        |wire, record, times| {
            let failure = record.failure.as_ref().expect("a failure");
            assert_eq!((failure.kind, times), (ErrorKind::Server, 3), "{}", wire.provider);
        },
    );
}

#[test]
fn a_server_says_when_to_come_back() {
    for wire in WIRES {
        let (ended, busy) = (wire.ended, (wire.error)(429, Fault::Rate));
        let (record, times) = record(wire, 3, move |seen| match seen.index {
            0 => busy.clone().header("retry-after", "0.04"),
            _ => ended("yes", FinishReason::Stop),
        });
        assert_eq!((record.outcome, times), (Outcome::Answered, 2), "{}", wire.provider);
        assert!(record.timing.backoff_ms >= 40.0, "{record:?}");
        let long = (wire.error)(429, Fault::Rate).header("retry-after", "86400");
        let (record, times) = self::record(wire, 3, move |_| long.clone());
        let message = record.failure.expect("a failure").message;
        assert!(times == 1 && message.contains("86400 s"), "{message}");
    }
}

#[test]
fn headers_that_say_nothing_is_left_hold_the_next_request_back() {
    for (provider, remaining, reset) in [
        ("openai", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        (
            "anthropic",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ),
    ] {
        let wire = WIRES.iter().find(|wire| wire.provider == provider).expect(provider);
        let ended = wire.ended;
        let server = Server::start(move |_| {
            ended("yes", FinishReason::Stop).header(remaining, "0").header(reset, "200ms")
        });
        let setup = Setup::new();
        let mut model = model_at(&server.url(), limits());
        model.limits.concurrency = 1;
        model.provider = model::Provider::Server(model::ModelServer::open(provider, server.url()));
        let begun = std::time::Instant::now();
        assert_eq!(setup.ask(&setup.open(&model), 2).tally.answered, 2);
        assert!(begun.elapsed() >= Duration::from_millis(200), "{provider}");
    }
}

#[test]
fn bodies_that_are_no_answer_are_described() {
    for wire in WIRES {
        for body in wire.odd {
            let (record, times) = record(wire, 3, move |_| Reply::bytes(*body));
            let kind = record.failure.as_ref().expect("a failure").kind;
            assert_eq!((kind, times), (ErrorKind::Malformed, 1), "{} {body}", wire.provider);
        }
        let ended = wire.ended;
        let (record, times) =
            record(wire, 3, move |_| ended("yes", FinishReason::Stop).truncated());
        let kind = record.failure.as_ref().expect("a failure").kind;
        assert_eq!((kind, times), (ErrorKind::Connection, 3), "{}", wire.provider);
        for body in ["", "<p>Please log in", "{}", "what?"] {
            let (record, times) = self::record(wire, 3, move |_| Reply::bytes(body));
            let kind = record.failure.as_ref().expect("a failure").kind;
            assert_eq!((kind, times), (ErrorKind::Malformed, 3), "{} {body}", wire.provider);
        }
        let stream = wire.stream;
        let (record, _) = self::record(wire, 2, move |_| Reply::bytes(stream));
        let message = record.failure.expect("a failure").message;
        assert!(message.contains("although it was not asked to"), "{message}");
    }
}

#[test]
fn a_version_of_the_protocol_is_the_one_that_the_suite_names() {
    for (named, expected) in [(None, "2023-06-01"), (Some("2026-10-21"), "2026-10-21")] {
        let (server, setup) = (Server::start(|_| Reply::status(400)), Setup::new());
        let mut model = model_at(&server.url(), limits());
        let api_version = named.map(str::to_owned);
        let at = model::ModelServer::open("anthropic", server.url());
        model.provider = model::Provider::Server(model::ModelServer { api_version, ..at });
        setup.ask(&setup.open(&model), 1);
        assert_eq!(server.requests()[0].header("anthropic-version"), Some(expected));
    }
}

#[test]
fn a_form_reaches_the_server() {
    use evalmark_core::request::ResponseSchema;
    let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    for wire in WIRES {
        let Some(at) = wire.schema_at else { continue };
        let server = Server::start(|_| Reply::status(400));
        let setup = Setup::new();
        let mut model = model_at(&server.url(), limits());
        model.provider =
            model::Provider::Server(model::ModelServer::open(wire.provider, server.url()));
        let mut ask = asking("0", 0);
        let form = ResponseSchema { name: "f".into(), schema: schema.clone() };
        ask.request = Request { response_schema: Some(form.into()), ..ask.request };
        setup.ask_all(&setup.open(&model), "run", std::iter::once(ask));
        assert_eq!(server.requests()[0].json().pointer(at), Some(&schema), "{}", wire.provider);
    }
}

#[test]
fn a_server_says_in_its_body_when_to_come_back() {
    let wire = WIRES.iter().find(|wire| wire.provider == "gemini").expect("a row");
    let ended = wire.ended;
    let (record, times) = record(wire, 3, move |seen| match seen.index {
        0 => evalmark_loopback::gemini::error(
            429,
            "RESOURCE_EXHAUSTED",
            "slow down",
            &json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.04s" }]),
        ),
        _ => ended("yes", FinishReason::Stop),
    });
    assert_eq!((record.outcome, times), (Outcome::Answered, 2));
    assert!(record.timing.backoff_ms >= 40.0, "{record:?}");
}
