//! Stopping: in flight is awaited for a while, then abandoned; what arrived is kept.

use std::{
    thread,
    time::{Duration, Instant},
};

use evalmark_harness::{Stop, Tuning};
use evalmark_loopback::{Reply, Server};

use crate::setup::{RequestFilter, Setup, model, tuning};

/// Asks 100 samples of which every second hangs, and stops once the first eight are there.
fn stopped(setup: &Setup, server: &Server, stop: impl Fn(&Stop)) -> (RequestFilter, Duration) {
    let endpoint = setup.open(&model(server));
    thread::scope(|scope| {
        let ask = scope.spawn(|| setup.ask(&endpoint, 100));
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
