//! An endpoint that only fails is asked no more, and says so once.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use evalmark_core::{model::Limits, record::ErrorKind};
use evalmark_harness::Event;
use evalmark_loopback::{Reply, Server};
use serde_json::json;

use crate::setup::{Setup, get, limits, model, model_at};

#[test]
fn a_refused_key_stops_within_the_first_answers() {
    let server = Server::start(|_| Reply::status(401));
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let asked = setup.ask(&endpoint, 10_000);
    assert_eq!(asked.downs(), ["HTTP 401 Unauthorized: status 401 as asked for"]);
    // One more may be sent before the second refusal is there.
    assert!(server.count() <= 10, "{}", server.count());
    // The first one to be refused may have waited for the second.
    assert!(asked.tally.failed + 1 >= server.count(), "{:?}", asked.tally);
    // What waited in the queue of jobs, and no more.
    assert!(asked.tally.abandoned < 400 && !asked.tally.interrupted);
    assert_eq!(endpoint.down().map(|failure| failure.kind), Some(ErrorKind::Auth));
    // Nothing of what was not asked is in the ledger.
    assert_eq!(get(&endpoint, "run", "9999"), None);
    // Nor is anything asked later.
    let asked = setup.ask(&endpoint, 10);
    assert_eq!((asked.tally.ended(), asked.downs().len(), server.count() <= 10), (0, 0, true));
}

#[test]
fn one_key_of_many_does_not_end_a_run() {
    // Even the very first one may be the one that has expired.
    for refused in [0, 5, 11] {
        for concurrency in [1, 8] {
            let first = refused == 0 && concurrency == 1;
            let server = Server::start(move |seen| match seen.index {
                // Not before the others are on their way.
                index if index == refused && !first => {
                    Reply::status(401).after(Duration::from_millis(4))
                }
                _ => Reply::text(seen.prompt()).after(Duration::from_millis(5)),
            });
            let setup = Setup::new();
            let limits = Limits { concurrency, ..limits() };
            let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 12);
            asked.assert_all_answered(12);
            assert_eq!(asked.tally.retries, u64::from(!first));
        }
    }
}

#[test]
fn a_key_that_expires_ends_the_run() {
    let server = Server::start(|seen| match seen.index {
        0..50 => Reply::text(seen.prompt()),
        _ => Reply::status(401),
    });
    let setup = Setup::new();
    let asked = setup.ask(&setup.open(&model(&server)), 1_000);
    assert_eq!((asked.tally.answered, asked.downs().len()), (50, 1));
    assert!((70..100).contains(&server.count()), "{}", server.count());
}

#[test]
fn an_account_without_credit_stops_at_the_first_reply() {
    let body =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    let server = Server::start(move |seen| match seen.index {
        0..20 => Reply::text(seen.prompt()),
        _ => Reply::status(429).body(body),
    });
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let asked = setup.ask(&endpoint, 1_000);
    let said = "HTTP 429 Too Many Requests: You exceeded your current quota (the account has no credit left)";
    assert_eq!(asked.downs(), [said]);
    assert_eq!(endpoint.down().map(|failure| failure.kind), Some(ErrorKind::NoCredit));
    assert!(asked.tally.answered == 20 && server.count() <= 20 + 8, "{:?}", asked.tally);
    assert_eq!(asked.tally.retries, 0);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let give_up_after = Duration::from_millis(300);
    for reply in [Reply::status(429), Reply::status(500), Reply::json(&json!({ "choices": [] }))] {
        let server = Server::start(move |_| reply.clone());
        let setup = Setup::new();
        let limits = Limits { attempts: 100_000, give_up_after, ..limits() };
        let begun = Instant::now();
        let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 500);
        assert!(asked.downs().len() == 1 && asked.tally.answered == 0, "{:?}", asked.tally);
        assert!(asked.downs()[0].contains("not one answer for 0."), "{:?}", asked.downs());
        let time = begun.elapsed();
        assert!(time >= give_up_after && time < Duration::from_secs(30), "{time:?}");
    }
}

#[test]
fn a_slow_server_that_works_is_waited_for() {
    // One request is worked on for long, and all others are refused meanwhile.
    let server = Server::start(|seen| match seen.in_flight {
        1 => Reply::text(seen.prompt()).after(Duration::from_millis(400)),
        _ => Reply::status(503),
    });
    let setup = Setup::new();
    let give_up_after = Duration::from_millis(200);
    let limits = Limits { attempts: 100_000, concurrency: 3, give_up_after, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 5);
    asked.assert_all_answered(5);
}

#[test]
fn a_403_before_any_answer_stops_and_after_one_does_not() {
    let server = Server::start(|_| Reply::status(403));
    let setup = Setup::new();
    assert_eq!(setup.ask(&setup.open(&model(&server)), 100).downs().len(), 1);

    let server = Server::start(|seen| match seen.prompt().as_str() {
        "50" => Reply::status(403),
        prompt => Reply::text(prompt),
    });
    let asked = setup.ask(&setup.open(&model(&server)), 100);
    assert_eq!((asked.tally.answered, asked.tally.failed, asked.downs().len()), (99, 1, 0));
}

/// A port where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}/v1", listener.local_addr().expect("an address"))
}

#[test]
fn an_unreachable_server_stops_after_the_first_few() {
    let setup = Setup::new();
    let limits = Limits { attempts: 2, concurrency: 4, ..limits() };
    let endpoint = setup.open(&model_at(&nowhere(), limits));
    let asked = setup.ask(&endpoint, 10_000);
    let downs = asked.downs();
    assert!(downs.len() == 1 && downs[0].contains("no connection"), "{downs:?}");
    assert!(downs[0].contains("refused"), "{downs:?}");
    assert!((4..=12).contains(&asked.tally.failed), "{:?}", asked.tally);
}

#[test]
fn a_wrong_path_stops_after_the_first_few() {
    let server = Server::start(|_| Reply::status(404));
    let setup = Setup::new();
    let asked = setup.ask(&setup.open(&model(&server)), 10_000);
    assert_eq!(asked.downs().len(), 1);
    assert!(server.count() <= 16, "{}", server.count());
}

#[test]
fn a_server_that_answered_once_is_not_given_up() {
    let server = Server::start(|seen| match seen.index {
        0 => Reply::text(seen.prompt()),
        _ => Reply::reset(),
    });
    let setup = Setup::new();
    let limits = Limits { attempts: 2, concurrency: 1, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 30);
    assert_eq!((asked.tally.answered, asked.tally.failed, asked.downs().len()), (1, 29, 0));
}

#[test]
fn one_endpoint_down_is_nothing_to_another() {
    let (bad, good) =
        (Server::start(|_| Reply::status(401)), Server::start(|s| Reply::text(s.prompt())));
    let setup = Setup::new();
    let (bad, good) = (setup.open(&model(&bad)), setup.open(&model(&good)));
    let (bad, good) = std::thread::scope(|scope| {
        let bad = scope.spawn(|| setup.ask(&bad, 300));
        let good = scope.spawn(|| setup.ask(&good, 300));
        (bad.join().expect("an end"), good.join().expect("an end"))
    });
    good.assert_all_answered(300);
    assert!(bad.events.iter().any(|event| matches!(event, Event::EndpointDown { .. })));
}

#[test]
fn a_name_that_nobody_has_stops_after_the_first_few() {
    let setup = Setup::new();
    let limits = Limits { attempts: 1, concurrency: 4, ..limits() };
    let endpoint = setup.open(&model_at("http://nobody.invalid/v1", limits));
    let asked = setup.ask(&endpoint, 10_000);
    assert_eq!(asked.downs().len(), 1, "{:?}", asked.downs());
    assert!(asked.downs()[0].contains("no connection"), "{:?}", asked.downs());
    assert!(asked.tally.failed <= 12 && asked.tally.answered == 0, "{:?}", asked.tally);
}

#[test]
fn what_was_left_out_is_asked_by_the_next_run_with_the_right_key() {
    let server = Server::start(|seen| match seen.header("authorization") {
        Some("Bearer the-right-key") => Reply::text(seen.prompt()),
        _ => Reply::status(401),
    });
    let setup = Setup::new();
    let model = model(&server);
    let wrong = setup.ask(&setup.open_with(&model, Some("the-wrong-key")), 500);
    assert_eq!((wrong.downs().len(), wrong.tally.answered), (1, 0));
    let right = setup.ask(&setup.open_with(&model, Some("the-right-key")), 500);
    right.assert_all_answered(500);
    assert_eq!(right.tally.cached, 0);
}

/// Three endpoints at once, of which one hangs and one fails: the third takes as long as alone.
#[test]
fn a_hanging_and_a_failing_endpoint_starve_nobody() {
    let hangs = Server::start_counting(|_| Reply::hang());
    let fails = Server::start_counting(|_| Reply::status(500));
    let good = Server::start_counting(|seen| Reply::text(seen.prompt()));
    let setup = Setup::new();
    let limits = Limits { concurrency: 64, attempts: 50, ..limits() };
    let endpoints =
        [&hangs, &fails, &good].map(|server| setup.open(&model_at(&server.url(), limits.clone())));
    let [bad, worse, good] = &endpoints;
    std::thread::scope(|scope| {
        let others = [bad, worse].map(|endpoint| scope.spawn(|| setup.ask(endpoint, 5_000)));
        // It ends although the others do not: they are stopped only then.
        setup.ask(good, 3_000).assert_all_answered(3_000);
        assert!(others.iter().all(|other| !other.is_finished()));
        setup.stop.now();
        for other in others {
            assert!(other.join().expect("an end").tally.interrupted);
        }
    });
}
