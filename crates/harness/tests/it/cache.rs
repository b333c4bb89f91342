//! What has been answered is never asked again: across runs, after a stop, and at the same time.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use evalmark_core::{
    model::Limits,
    record::{Outcome, Usage},
};
use evalmark_harness::{AskError, Event};
use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{Setup, asking, get, limits, model, model_at};

fn echo() -> Server {
    Server::start(|seen| Reply::text(seen.prompt()))
}

#[test]
fn a_second_run_asks_nothing() {
    let (server, setup) = (echo(), Setup::new());
    let endpoint = setup.open(&model(&server));
    setup.ask(&endpoint, 50).assert_all_answered(50);
    let again = setup.ask_all(&endpoint, "second", (0..60).map(|n| asking(&n.to_string(), n)));
    assert_eq!((again.tally.cached, again.tally.answered, server.count()), (50, 10, 60));
    for (tag, record) in again.records() {
        assert_eq!(record.cached, tag < 50);
        assert_eq!(get(&endpoint, "second", &tag.to_string()), Some(record));
    }
    // The first run sees the same answer as its own.
    assert!(get(&endpoint, "run", "0").is_some_and(|record| !record.cached));
}

#[test]
fn who_serves_a_model_matters() {
    let (one, two, setup) = (echo(), echo(), Setup::new());
    setup.ask(&setup.open(&model(&one)), 5).assert_all_answered(5);
    setup.ask(&setup.open(&model(&two)), 5).assert_all_answered(5);
    assert_eq!((one.count(), two.count()), (5, 5));
}

#[test]
fn a_stopped_run_resumes_with_what_is_missing() {
    let server = Server::start(|seen| Reply::text(seen.prompt()).after(Duration::from_millis(1)));
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let stop = setup.stop.clone();
    let asks = (0..500).map(|n| {
        if n == 100 {
            stop.gracefully();
        }
        asking(&n.to_string(), n)
    });
    let first = setup.ask_all(&endpoint, "run", asks);
    assert!(first.tally.interrupted && first.tally.answered < 110, "{:?}", first.tally);
    assert_eq!(first.tally.answered, server.count(), "in flight was awaited");

    let resumed = Setup { stop: evalmark_harness::Stop::new(), ..setup };
    let second = resumed.ask(&endpoint, 500);
    second.assert_all_answered(500);
    assert_eq!(second.tally.cached, first.tally.answered);
    assert!(!second.tally.interrupted);
    let prompts: Vec<_> = server.requests().iter().map(Seen::prompt).collect();
    let distinct: HashSet<_> = prompts.iter().collect();
    assert_eq!((prompts.len(), distinct.len()), (500, 500), "nothing was asked twice");
    assert!(second.records().iter().all(|(_, record)| !record.cached), "all are this run's");
}

#[test]
fn identical_requests_in_flight_are_asked_once() {
    let server = Server::start(|seen| Reply::text(seen.prompt()).after(Duration::from_millis(30)));
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let asked = setup.ask_all(&endpoint, "run", (0..60).map(|n| asking("same", n)));
    assert_eq!(server.count(), 1);
    // A thread that slept through it all would find the answer in the ledger.
    assert_eq!((asked.tally.answered + asked.tally.cached, asked.tally.failed), (60, 0));
    assert_eq!(asked.tally.shared, asked.tally.answered - 1);
    assert_eq!(asked.records().len(), 60);
}

#[test]
fn two_asks_at_once_never_ask_the_same() {
    let server = Server::start(|seen| Reply::text(seen.prompt()).after(Duration::from_millis(1)));
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    std::thread::scope(|scope| {
        let asks = [0, 1, 2].map(|_| scope.spawn(|| setup.ask(&endpoint, 200)));
        for ask in asks {
            ask.join().expect("an end").assert_all_answered(200);
        }
    });
    assert_eq!(server.count(), 200);
}

#[test]
fn a_failure_is_the_runs_own_until_an_answer_comes() {
    let server = Server::start(|seen| match seen.index {
        0 => Reply::status(400),
        _ => Reply::text(seen.prompt()),
    });
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    assert_eq!(setup.ask(&endpoint, 1).tally.failed, 1);
    let outcome = |run: &str| get(&endpoint, run, "0").map(|record| record.outcome);
    assert_eq!((outcome("run"), outcome("other")), (Some(Outcome::Failed), None));
    assert_eq!(setup.ask(&endpoint, 1).tally.answered, 1);
    assert_eq!(
        (outcome("run"), outcome("other")),
        (Some(Outcome::Answered), Some(Outcome::Answered))
    );
}

#[test]
fn a_broken_source_ends_the_ask_and_keeps_what_came() {
    let (server, setup) = (echo(), Setup::new());
    let endpoint = setup.open(&model(&server));
    let asks = (0..10).map(|n| if n < 7 { Ok(asking(&n.to_string(), n)) } else { Err("row 7") });
    let error = setup.try_ask(&endpoint, "run", asks).expect_err("a broken source");
    assert_eq!(error, AskError::Source("row 7"));
    let kept = (0..10).filter(|n: &u64| get(&endpoint, "run", &n.to_string()).is_some());
    assert_eq!((kept.count(), server.count()), (7, 7));
}

#[test]
fn the_source_is_pulled_as_needed() {
    let server = Server::start(|_| Reply::hang());
    let setup = Setup::new();
    let limits = Limits { concurrency: 4, ..limits() };
    let endpoint = setup.open(&model_at(&server.url(), limits));
    let pulled = Mutex::new(0_u64);
    let asks = (0..1_000_000).map(|n| {
        *pulled.lock().expect("no panic") += 1;
        asking(&n.to_string(), n)
    });
    std::thread::scope(|scope| {
        let ask = scope.spawn(|| setup.ask_all(&endpoint, "run", asks));
        while server.count() < 4 {
            std::thread::yield_now();
        }
        setup.stop.now();
        let asked = ask.join().expect("an end");
        assert!(asked.tally.interrupted && asked.tally.ended() == 0, "{:?}", asked.tally);
    });
    let pulled = pulled.into_inner().expect("no panic");
    assert!(pulled < 3_000, "{pulled}");
}

#[test]
fn events_come_after_the_commit() {
    let (server, setup) = (echo(), Setup::new());
    let endpoint = setup.open(&model(&server));
    let asks = (0..40).map(|n| Ok::<_, std::convert::Infallible>(asking(&n.to_string(), n)));
    let hear = |event| {
        if let Event::Answered { tag, record, .. } = event {
            let tag: u64 = tag;
            assert_eq!(get(&endpoint, "run", &tag.to_string()), Some(record));
        }
    };
    let tally = evalmark_harness::ask(&endpoint, "run", asks, &hear, &setup.stop).expect("an end");
    assert_eq!(tally.answered, 40);
}

#[test]
fn what_the_provider_says_is_kept() {
    let server = Server::start(|seen| match seen.prompt().as_str() {
        "0" => Reply::text("cut").finish_reason("length").usage(7, 9),
        "1" => Reply::refusal("I would rather not").no_usage(),
        _ => Reply::text("part").finish_reason("content_filter"),
    });
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let asked = setup.ask(&endpoint, 3);
    let shown: Vec<_> = asked
        .records()
        .into_iter()
        .map(|(_, r)| (r.outcome, r.output, r.finish_reason.map(String::from), r.usage))
        .collect();
    let usage = |input, output| Usage { input_tokens: input, output_tokens: output };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown,
        [
            (Outcome::Answered, text("cut"), text("length"), usage(Some(7), Some(9))),
            (Outcome::Refused, text("I would rather not"), text("stop"), usage(None, None)),
            (Outcome::Refused, text("part"), text("content_filter"), usage(Some(10), Some(5))),
        ]
    );
    assert_eq!(asked.tally.answered, 3);
    let seen = &server.requests()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("authorization"), None);
}
