//! Embeddings: many texts in a request, a vector of its own for each, and none bought twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use evalmark_core::{
    embedding::decode,
    price::Price,
    record::{ErrorKind, Usage},
};
use evalmark_harness::{Ask, Budget, Endpoint, Ledger};
use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::{Setup, limits, model, model_at};

/// Texts of a request, in their order.
fn texts(seen: &Seen) -> Vec<String> {
    let json = seen.json();
    let texts = json["input"].as_array().into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The vector of a text: its length and its first byte.
fn vector(text: &str) -> [f32; 2] {
    [text.len() as f32, f32::from(text.as_bytes()[0])]
}

fn list(texts: &[String]) -> Value {
    let rows = texts.iter().enumerate().rev();
    let rows: Vec<_> =
        rows.map(|(i, text)| json!({ "index": i, "embedding": vector(text) })).collect();
    let tokens = texts.iter().map(String::len).sum::<usize>();
    json!({ "data": rows, "usage": { "prompt_tokens": tokens, "total_tokens": tokens } })
}

/// A server that takes at most 32 texts, and none that says `poison`.
fn server() -> Server {
    Server::start(|seen| {
        let texts = texts(seen);
        let is_bad = texts.len() > 32 || texts.iter().any(|text| text.contains("poison"));
        if seen.path != "/v1/embeddings" || is_bad {
            Reply::status(400)
        } else {
            Reply::json(&list(&texts))
        }
    })
}

fn asks(model: &evalmark_core::model::Model, texts: &[String]) -> Vec<Ask<u64>> {
    let ask = |(tag, text): (u64, &String)| Ask { request: model.embedding(text.clone()), tag };
    (0..).zip(texts).map(ask).collect()
}

fn words(n: u64) -> Vec<String> {
    (0..n).map(|i| format!("text number {i}")).collect()
}

#[test]
fn texts_go_out_together_and_each_has_its_own_vector() {
    let (server, setup, texts) = (server(), Setup::new(), words(100));
    let model = model(&server);
    let endpoint = setup.open(&model);
    let asked = setup.ask_all(&endpoint, "run", asks(&model, &texts).into_iter());
    assert_eq!((asked.tally.answered, asked.tally.failed), (100, 0));
    assert!(server.count() < 50, "{} requests", server.count());
    for (text, (_, record)) in texts.iter().zip(asked.records()) {
        assert_eq!(
            decode(record.output.as_deref().expect("a vector")).expect("whole"),
            vector(text)
        );
        assert_eq!(record.usage.output_tokens, Some(0));
    }
    let tokens = |(_, record): (u64, evalmark_core::record::Record)| record.usage.input_tokens;
    let counted: Option<u64> = asked.records().into_iter().map(tokens).sum();
    assert_eq!(counted, Some(texts.iter().map(|text| text.len() as u64).sum()));
    assert_eq!(server.requests()[0].json()["encoding_format"], "float");

    // Another run, and the same text again and again: nothing is asked.
    let before = server.count();
    let again = texts.iter().chain(&texts).cloned().collect::<Vec<_>>();
    let again = setup.ask_all(&endpoint, "second", asks(&model, &again).into_iter());
    assert_eq!((again.tally.cached, server.count()), (200, before));
}

#[test]
fn one_bad_text_costs_no_other_its_vector() {
    let (server, setup) = (server(), Setup::new());
    let mut texts = words(40);
    texts[17] = "poison".to_owned();
    let model = model(&server);
    let asked = setup.ask_all(&setup.open(&model), "run", asks(&model, &texts).into_iter());
    assert_eq!((asked.tally.answered, asked.tally.failed), (39, 1));
    let (tag, record) = asked.records().into_iter().find(|(_, r)| !r.has_answer()).expect("one");
    let kind = record.failure.map(|failure| failure.kind);
    assert_eq!((tag, kind), (17, Some(ErrorKind::BadRequest)));
    assert_eq!(asked.downs(), Vec::<String>::new());
}

#[test]
fn failures_are_tried_again_and_nonsense_is_described() {
    let server = Server::start(|seen| match seen.index {
        0 => Reply::status(500),
        _ => Reply::json(&list(&texts(seen))),
    });
    let setup = Setup::new();
    let at = model(&server);
    let asked = setup.ask_all(&setup.open(&at), "run", asks(&at, &words(5)).into_iter());
    assert_eq!((asked.tally.answered, asked.tally.retries), (5, 1));

    let server = Server::start(|_| Reply::text("a chat model"));
    let at = model(&server);
    let asked = setup.ask_all(&setup.open(&at), "run", asks(&at, &words(1)).into_iter());
    let (_, record) = asked.records().remove(0);
    let message = record.failure.expect("a failure").message;
    assert_eq!(message, "the response is not a list of embeddings: no `data`");
}

#[test]
fn texts_are_paid_from_the_budget() {
    let (server, setup) = (server(), Setup::new());
    let price =
        Price { input_usd_per_million: 1.0, output_usd_per_million: 50.0, ..Price::default() };
    let model =
        evalmark_core::model::Model { price: Some(price), ..model_at(&server.url(), limits()) };
    let endpoint = setup.open(&model);
    let budget = Budget::new(None, Some(1_000_000));
    let asks = asks(&model, &words(10)).into_iter().map(Ok::<_, std::convert::Infallible>);
    let tally = evalmark_harness::ask_within(&endpoint, "run", asks, &|_| {}, &setup.stop, &budget);
    assert_eq!(tally.expect("an end").answered, 10);
    let tokens = words(10).iter().map(|text| text.len() as u64).sum::<u64>();
    assert_eq!(budget.spent().tokens, tokens);
    let usage = Usage { input_tokens: Some(tokens), output_tokens: Some(0) };
    let cost = model.cost_usd(usage, None, false).expect("a price");
    assert!((budget.spent().cost_usd - cost).abs() < 1e-12);
}

#[test]
#[cfg(target_os = "linux")]
fn several_processes_buy_each_vector_once() {
    let bought = Arc::new(AtomicUsize::new(0));
    let counter = bought.clone();
    let server = Server::start(move |seen| {
        counter.fetch_add(texts(seen).len(), Ordering::Relaxed);
        Reply::json(&list(&texts(seen))).after(Duration::from_millis(3))
    });
    let (setup, model) = (Setup::new(), model(&server));
    let path = setup.folder.path().join("shared.sqlite");
    let ledgers = [0; 2].map(|_| Ledger::open_shared(&path).expect("a ledger"));
    thread::scope(|scope| {
        for (run, ledger) in ["a", "b"].into_iter().zip(&ledgers) {
            let (setup, model) = (&setup, &model);
            scope.spawn(move || {
                let endpoint = Endpoint::open(model, None, &setup.network, ledger);
                let asks = asks(model, &words(600)).into_iter();
                let tally = setup.ask_all(&endpoint.expect("an endpoint"), run, asks).tally;
                assert_eq!(tally.answered + tally.cached, 600, "{tally:?}");
            });
        }
    });
    assert_eq!(bought.load(Ordering::Relaxed), 600);
}
