//! Stopping: in flight is awaited for a while, then abandoned; what arrived is kept.

use std::{
    thread,
    time::{Duration, Instant},
};

use evalmark_core::model::Model;
use evalmark_harness::{Stop, Tuning};
use evalmark_loopback::{Reply, Server};

use crate::setup::{RequestFilter, Setup, model, stream, tuning};

/// Asks 100 samples of which every second hangs, and stops once the first eight are there.
fn stopped(setup: &Setup, server: &Server, stop: impl Fn(&Stop)) -> (RequestFilter, Duration) {
    stopped_of(setup, server, &model(server), stop)
}

/// The same with a model of its own.
fn stopped_of(
    setup: &Setup,
    server: &Server,
    model: &Model,
    stop: impl Fn(&Stop),
) -> (RequestFilter, Duration) {
    let endpoint = setup.open(model);
    thread::scope(|scope| {
        let ask = scope.spawn(|| setup.ask_model(&endpoint, model, 100));
        while server.count() < 8 {
            thread::yield_now();
        }
        let begun = Instant::now();
        stop(&setup.stop);
        (ask.join().expect("an end"), begun.elapsed())
    })
}

fn half_hangs() -> Server {
    Server::start(|seen| match seen.index % 2 {
        0 => Reply::hang(),
        _ => Reply::text(seen.prompt()).after(Duration::from_millis(20)),
    })
}

#[test]
fn a_graceful_stop_awaits_for_the_grace_period() {
    let (server, setup) =
        (half_hangs(), Setup::tuned(Tuning { grace: Duration::from_millis(150), ..tuning() }));
    let (asked, time) = stopped(&setup, &server, Stop::gracefully);
    assert!((150..4_000).contains(&time.as_millis()), "{time:?}");
    assert!(asked.tally.interrupted && asked.tally.answered >= 4, "{:?}", asked.tally);
    assert_eq!(asked.tally.failed, 0);
}

#[test]
fn a_stop_at_once_is_at_once() {
    let (server, setup) = (half_hangs(), Setup::new());
    let (asked, time) = stopped(&setup, &server, Stop::now);
    assert!(time < Duration::from_secs(4), "{time:?}");
    assert!(asked.tally.interrupted && asked.tally.abandoned > 0, "{:?}", asked.tally);
}

#[test]
fn a_second_signal_cuts_the_grace_short() {
    let (server, setup) = (half_hangs(), Setup::new());
    let (asked, time) = stopped(&setup, &server, |stop| {
        stop.escalate();
        stop.escalate();
    });
    assert!(time < Duration::from_secs(4) && asked.tally.interrupted, "{time:?}");
}

#[test]
fn back_off_is_not_awaited() {
    let slow = Duration::from_mins(1);
    let setup = Setup::tuned(Tuning { backoff_base: slow, backoff_cap: slow, ..tuning() });
    let server = Server::start(|_| Reply::status(500));
    let (asked, time) = stopped(&setup, &server, Stop::gracefully);
    assert!(time < Duration::from_secs(4), "{time:?}");
    assert_eq!((asked.tally.ended(), asked.tally.interrupted), (0, true));
}

#[test]
fn a_stop_before_the_start_asks_nothing() {
    let (server, setup) = (half_hangs(), Setup::new());
    setup.stop.gracefully();
    let asked = setup.ask(&setup.open(&model(&server)), 10);
    assert_eq!((asked.tally.ended(), asked.tally.interrupted, server.count()), (0, true, 0));
}

#[test]
fn a_stream_in_flight_is_read_to_its_end() {
    let setup = Setup::new();
    let server = Server::start(|seen| stream(&seen.prompt()).drip(30, Duration::from_millis(2)));
    let mut model = model(&server);
    model.is_streamed = true;
    let (asked, _) = stopped_of(&setup, &server, &model, Stop::gracefully);
    assert!(asked.tally.interrupted && asked.tally.answered >= 8, "{:?}", asked.tally);
    assert_eq!(asked.tally.failed, 0);
    for (tag, record) in asked.records() {
        assert_eq!(record.output, Some(tag.to_string()));
    }
}

#[test]
fn a_stop_at_once_leaves_streams() {
    let setup = Setup::new();
    let server = Server::start(|seen| stream(&seen.prompt()).drip(30, Duration::from_mins(1)));
    let mut model = model(&server);
    model.is_streamed = true;
    let (asked, time) = stopped_of(&setup, &server, &model, Stop::now);
    assert!(time < Duration::from_secs(4), "{time:?}");
    assert_eq!((asked.tally.answered, asked.tally.failed), (0, 0));
}
