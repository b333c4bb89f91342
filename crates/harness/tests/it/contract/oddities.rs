//! What servers really send, in every protocol: bodies that are odd and still answers, pages of proxies,
//! accounts without credit, and the key, echoed wherever a text can stand.

use evalmark_core::{
    model,
    record::{ErrorKind, FinishReason, Outcome, Record},
};
use evalmark_loopback::{Reply, Seen, Server, anthropic, bedrock, cohere, gemini};
use serde_json::{Value, json};

use super::{
    record,
    wires::{Fault, WIRES, Wire},
};
use crate::setup::{Setup, limits, model_at};

/// An answer in a shape that is not the usual one.
struct Shape {
    providers: &'static [&'static str],
    body: fn() -> Reply,
    text: &'static str,
    reasoning: Option<&'static str>,
}

/// Content as parts, and none, since the model only thought.
const SHAPES: &[Shape] = &[
    Shape {
        providers: &["openai", "azure-deployments"],
        body: || {
            let part = |text: &str| json!({ "type": "text", "text": text });
            chat(&json!({ "content": [part("a"), part("b")] }))
        },
        text: "ab",
        reasoning: None,
    },
    Shape {
        providers: &["anthropic"],
        body: || {
            let block = |text: &str| json!({ "type": "text", "text": text });
            anthropic::message(&json!([block("a"), block("b")]), "end_turn")
        },
        text: "ab",
        reasoning: None,
    },
    Shape {
        providers: &["responses"],
        body: || {
            let part = |text: &str| json!({ "type": "output_text", "text": text });
            let message = |parts: &[Value]| json!({ "type": "message", "content": parts });
            Reply::json(
                &json!({ "output": [message(&[part("a"), part("b")]), message(&[part("c")])] }),
            )
        },
        text: "abc",
        reasoning: None,
    },
    Shape {
        providers: &["gemini", "vertex"],
        body: || gemini::candidate(&json!([{ "text": "a" }, { "text": "b" }]), "STOP"),
        text: "ab",
        reasoning: None,
    },
    Shape {
        providers: &["gemini", "vertex"],
        body: || gemini::candidate(&json!([{ "text": "hm", "thought": true }]), "STOP"),
        text: "",
        reasoning: Some("hm"),
    },
    Shape {
        providers: &["cohere"],
        body: || cohere::message(&json!({ "content": "ab" }), "COMPLETE"),
        text: "ab",
        reasoning: None,
    },
    Shape {
        providers: &["cohere"],
        body: || {
            let thought = json!([{ "type": "thinking", "thinking": "hm" }]);
            cohere::message(&json!({ "content": thought }), "COMPLETE")
        },
        text: "",
        reasoning: Some("hm"),
    },
    Shape {
        providers: &["bedrock"],
        body: || bedrock::message(&json!([{ "text": "a" }, { "text": "b" }]), "end_turn"),
        text: "ab",
        reasoning: None,
    },
    Shape {
        providers: &["bedrock"],
        body: || {
            let thought = json!({ "reasoningText": { "text": "hm" } });
            bedrock::message(&json!([{ "reasoningContent": thought }]), "end_turn")
        },
        text: "",
        reasoning: Some("hm"),
    },
    Shape {
        providers: &["openai", "azure-deployments"],
        body: || chat(&json!({ "content": null, "reasoning_content": "hm" })),
        text: "",
        reasoning: Some("hm"),
    },
    Shape {
        providers: &["anthropic"],
        body: || anthropic::message(&json!([{ "type": "thinking", "thinking": "hm" }]), "end_turn"),
        text: "",
        reasoning: Some("hm"),
    },
    Shape {
        providers: &["responses"],
        body: || {
            let thought = json!([{ "type": "reasoning_text", "text": "hm" }]);
            let thought = json!({ "type": "reasoning", "content": thought });
            Reply::json(&json!({ "output": [thought, { "type": "message", "content": null }] }))
        },
        text: "",
        reasoning: Some("hm"),
    },
];

fn chat(message: &Value) -> Reply {
    Reply::json(&json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }))
}

#[test]
fn content_comes_in_parts_or_not_at_all() {
    for Shape { providers, body, text, reasoning } in SHAPES {
        for wire in WIRES.iter().filter(|wire| providers.contains(&wire.provider)) {
            let (record, _) = record(wire, 1, move |_| body());
            assert_eq!(record.output.as_deref(), Some(*text), "{}: {record:?}", wire.provider);
            let thought = record.details.as_ref().and_then(|details| details.reasoning.as_deref());
            assert_eq!(thought, *reasoning, "{}", wire.provider);
        }
    }
}

/// In every protocol alike: whoever says nothing, and why it ended, gave an empty answer, which is scored.
#[test]
fn an_empty_answer_is_an_answer() {
    for wire in WIRES {
        for reason in [FinishReason::Stop, FinishReason::Length] {
            let (ended, asked_for) = (wire.ended, reason.clone());
            let (record, asked) = record(wire, 1, move |_| ended("", asked_for.clone()));
            let about = format!("{} {reason:?}: {record:?}", wire.provider);
            assert_eq!(record.outcome, Outcome::Answered, "{about}");
            assert_eq!((record.output.as_deref(), asked), (Some(""), 1), "{about}");
        }
    }
}

/// And without even an empty text.
#[test]
fn an_answer_without_text_is_an_empty_one_where_it_says_why_it_ended() {
    type Row = (&'static str, fn() -> Reply);
    let rows: [Row; 7] = [
        ("openai", || chat(&json!({ "content": null }))),
        ("openai", || chat(&json!({}))),
        ("completions", || {
            Reply::json(&json!({ "choices": [{ "text": null, "finish_reason": "stop" }] }))
        }),
        ("anthropic", || anthropic::message(&json!([]), "end_turn")),
        ("cohere", || cohere::message(&json!({ "content": null }), "COMPLETE")),
        ("gemini", || gemini::candidate(&json!([]), "STOP")),
        ("bedrock", || bedrock::message(&json!([]), "end_turn")),
    ];
    for (provider, body) in rows {
        let wire = WIRES.iter().find(|wire| wire.provider == provider).expect("a wire");
        let (record, asked) = record(wire, 1, move |_| body());
        assert_eq!(record.outcome, Outcome::Answered, "{provider}: {record:?}");
        assert_eq!((record.output.as_deref(), asked), (Some(""), 1), "{provider}: {record:?}");
    }
}

#[test]
fn an_answer_is_read_behind_a_byte_order_mark_and_without_usage() {
    for wire in WIRES {
        let ended = wire.ended;
        let (marked, _) = record(wire, 1, move |_| {
            ended("yes", FinishReason::Stop)
                .change_body(|body| [b"\xef\xbb\xbf".as_slice(), &body].concat())
        });
        assert_eq!(marked.output.as_deref(), Some("yes"), "{}: {marked:?}", wire.provider);
        let (bare, _) = record(wire, 1, move |_| {
            ended("yes", FinishReason::Stop).change_body(|body| {
                let mut json: Value = serde_json::from_slice(&body).expect("JSON");
                let fields = json.as_object_mut().expect("an object");
                fields.retain(|name, _| !name.contains("usage"));
                json.to_string().into_bytes()
            })
        });
        assert_eq!(bare.output.as_deref(), Some("yes"), "{}: {bare:?}", wire.provider);
        let usage = bare.usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (None, None), "{}", wire.provider);
    }
}

#[test]
fn a_page_of_a_proxy_says_its_title() {
    const PAGE: &str = "<html><head><title>Bad gateway of ours</title></head></html>";
    for wire in WIRES {
        for (status, kind, times) in [
            (502, ErrorKind::Server, 2),
            (403, ErrorKind::Auth, 1),
            (404, ErrorKind::BadRequest, 1),
        ] {
            let (record, asked) = record(wire, 2, move |_| Reply::status(status).body(PAGE));
            let failure = record.failure.expect("a failure");
            assert_eq!((failure.kind, asked), (kind, times), "{} {status}", wire.provider);
            assert!(failure.message.contains("Bad gateway of ours"), "{}", failure.message);
        }
    }
}

#[test]
fn an_account_without_credit_is_not_asked_again() {
    for wire in WIRES {
        for status in [402, 429] {
            let reply = (wire.error)(status, Fault::Credit);
            let (record, asked) = record(wire, 3, move |_| reply.clone());
            let kind = record.failure.expect("a failure").kind;
            assert_eq!((kind, asked), (ErrorKind::NoCredit, 1), "{} {status}", wire.provider);
        }
    }
}

const CANARY: &str = "sk-canary/\"0123456789";

/// Replies that hold the key wherever a text can stand.
fn echoes(wire: &Wire, elsewhere: &str) -> Vec<Reply> {
    let mut replies = vec![
        (wire.ended)(CANARY, FinishReason::Stop).header("x-echo", CANARY),
        (wire.refused)(CANARY),
        (wire.calls)(CANARY),
        (wire.thought)(CANARY, CANARY),
        Reply::status(307).header("location", format!("{elsewhere}?key={CANARY}")).body(CANARY),
        Reply::bytes(CANARY),
        Reply::json(&json!({ "error": { "message": CANARY, "code": CANARY } })),
        Reply::json(&json!({ CANARY: CANARY })),
    ];
    for (status, fault) in [(400, Fault::Request), (429, Fault::Rate), (500, Fault::Server)] {
        let echoed = json!({ "error": { "message": CANARY }, "message": CANARY }).to_string();
        replies.push((wire.error)(status, fault).header("x-echo", CANARY).body(echoed));
        replies.push(Reply::status(status).body(CANARY));
    }
    replies
}

#[test]
fn a_key_that_is_echoed_is_kept_nowhere_and_follows_no_redirect() {
    for wire in WIRES {
        let other = Server::start(|_| Reply::text("stolen"));
        let replies = echoes(wire, &other.url());
        let n = replies.len() as u64;
        let server = Server::start(move |seen: &Seen| {
            let at = usize::try_from(seen.index).expect("few requests");
            replies[at % replies.len()].clone()
        });
        let setup = Setup::new();
        let mut model = model_at(&server.url(), limits());
        (model.limits.concurrency, model.limits.attempts) = (1, 1);
        model.provider =
            model::Provider::Server(model::ModelServer::open(wire.provider, server.url()));
        let endpoint = setup.open_with(&model, Some(CANARY));
        let asked = setup.ask(&endpoint, n);
        assert!(server.count() > 4 && other.count() == 0, "{}", wire.provider);
        let records: Vec<Record> = asked.records().into_iter().map(|(_, record)| record).collect();
        assert!(records.iter().any(|record| record.outcome == Outcome::Answered));
        let mut shown = format!("{asked:?} {endpoint:?} {:?} {:?}", endpoint.down(), setup.ledger);
        for file in std::fs::read_dir(setup.folder.path()).expect("the folder") {
            let bytes = std::fs::read(file.expect("an entry").path()).expect("a file");
            shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        assert!(shown.contains("[redacted]"), "{}", wire.provider);
        for part in [CANARY, "sk-canary", "0123456789"] {
            assert!(!shown.contains(part), "{}: {part} is shown", wire.provider);
        }
    }
}
