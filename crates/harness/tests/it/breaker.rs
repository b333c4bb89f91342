//! An endpoint that only fails is asked no more, and says so once.

use std::net::TcpListener;

use evalmark_core::{model::Limits, record::ErrorKind};
use evalmark_harness::Event;
use evalmark_loopback::{Reply, Server};

use crate::setup::{Setup, get, limits, model, model_at};

#[test]
fn a_refused_key_stops_within_the_first_answers() {
    let server = Server::start(|_| Reply::status(401));
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let asked = setup.ask(&endpoint, 10_000);
    assert_eq!(asked.downs(), ["HTTP 401 Unauthorized: status 401 as asked for"]);
    assert!(server.count() <= 8, "{}", server.count());
    assert_eq!(asked.tally.failed, server.count());
    // What waited in the lane, and no more.
    assert!(asked.tally.abandoned < 400 && !asked.tally.interrupted);
    assert_eq!(endpoint.down().map(|failure| failure.kind), Some(ErrorKind::Auth));
    // Nothing of what was not asked is in the ledger.
    assert_eq!(get(&endpoint, "run", "9999"), None);
    // Nor is anything asked later.
    let asked = setup.ask(&endpoint, 10);
    assert_eq!((asked.tally.ended(), asked.downs().len(), server.count() <= 8), (0, 0, true));
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
