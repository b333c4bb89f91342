//! A model's limits are kept, and a server's wish to wait is obeyed.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use evalmark_core::model::Limits;
use evalmark_harness::Tuning;
use evalmark_loopback::{Reply, Server};

use crate::setup::{Setup, limits, model, model_at, tuning};

#[test]
fn concurrency_is_used_and_never_exceeded() {
    for concurrency in [1, 7, 32] {
        let server =
            Server::start(|seen| Reply::text(seen.prompt()).after(Duration::from_millis(20)));
        let (setup, n) = (Setup::new(), 8 * concurrency as u64);
        let endpoint = setup.open(&model_at(&server.url(), Limits { concurrency, ..limits() }));
        setup.ask(&endpoint, n).assert_all_answered(n);
        assert_eq!(server.max_in_flight(), concurrency);
        assert!(server.connections() <= 2 * concurrency as u64, "{}", server.connections());
    }
}

#[test]
fn two_asks_of_one_endpoint_share_its_concurrency() {
    let server = Server::start(|seen| Reply::text(seen.prompt()).after(Duration::from_millis(10)));
    let setup = Setup::new();
    let endpoint = setup.open(&model(&server));
    let range =
        |from: u64, to: u64| (from..to).map(|tag| crate::setup::asking(&tag.to_string(), tag));
    std::thread::scope(|scope| {
        let one = scope.spawn(|| setup.ask_all(&endpoint, "run", range(0, 100)));
        let two = scope.spawn(|| setup.ask_all(&endpoint, "run", range(100, 200)));
        let ended = [one, two].map(|ask| ask.join().expect("an end").tally.answered);
        assert_eq!(ended, [100, 100]);
    });
    assert_eq!(server.max_in_flight(), 8);
}

#[test]
fn a_server_that_caps_is_worn_down() {
    let server = Server::start(|seen| match seen.in_flight {
        0..=3 => Reply::text(seen.prompt()).after(Duration::from_millis(1)),
        _ => Reply::status(429),
    });
    let setup = Setup::new();
    let limits = Limits { attempts: 40, ..limits() };
    setup.ask(&setup.open(&model_at(&server.url(), limits)), 100).assert_all_answered(100);
}

/// Moments at which requests arrived at a server that answers the first with `reply`.
fn arrivals(tuning: Tuning, reply: Reply, n: u64) -> Vec<Instant> {
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let seen_at = arrivals.clone();
    let server = Server::start(move |seen| {
        seen_at.lock().expect("no panic").push(Instant::now());
        if seen.index == 0 { reply.clone() } else { Reply::text(seen.prompt()) }
    });
    let setup = Setup::tuned(tuning);
    let limits = Limits { concurrency: 1, ..limits() };
    setup.ask(&setup.open(&model_at(&server.url(), limits)), n).assert_all_answered(n);
    drop(server);
    Arc::into_inner(arrivals).and_then(|arrivals| arrivals.into_inner().ok()).expect("no server")
}

/// Everyone waits for as long as the header says, and not much longer.
fn check_waits(header: &str, value: &str, milliseconds: u64, now: fn() -> SystemTime) {
    let reply = Reply::status(429).header(header, value);
    let arrivals = arrivals(Tuning { now, ..tuning() }, reply, 3);
    assert_eq!(arrivals.len(), 4);
    let waited = arrivals[1] - arrivals[0];
    let expected = Duration::from_millis(milliseconds);
    assert!(waited >= expected, "{header}: {value} was answered after {waited:?}");
    assert!(waited < expected + Duration::from_secs(5), "{waited:?}");
}

/// 30 ms before Tue, 14 Nov 2023 22:13:21 GMT.
fn shortly_before() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_970)
}

#[test]
fn retry_after_is_obeyed_by_all() {
    check_waits("retry-after", "0.04", 40, SystemTime::now);
    check_waits("retry-after-ms", "35", 35, SystemTime::now);
    check_waits("Retry-After", "Tue, 14 Nov 2023 22:13:21 GMT", 30, shortly_before);
}

#[test]
fn who_would_have_to_wait_too_long_fails_and_says_so() {
    let server = Server::start(|_| Reply::status(429).header("retry-after", "86400"));
    let setup = Setup::new();
    let asked = setup.ask(&setup.open(&model(&server)), 1);
    let failure = asked.records()[0].1.failure.clone().expect("a failure");
    assert!(failure.message.ends_with("(and asks to come back in 86400 s)"), "{failure:?}");
    assert_eq!(server.count(), 1);
}

/// The time that `n` requests take under these limits.
fn time_of(limits: Limits, n: u64) -> Duration {
    let server = Server::start(|seen| Reply::text(seen.prompt()).usage(30, 10));
    let setup = Setup::new();
    let endpoint = setup.open(&model_at(&server.url(), limits));
    let begun = Instant::now();
    setup.ask(&endpoint, n).assert_all_answered(n);
    begun.elapsed()
}

#[test]
fn requests_per_minute_are_kept() {
    // 100 at once, and 98.35 a second after that.
    let limits = Limits { requests_per_minute: Some(6_000), ..limits() };
    let time = time_of(limits, 115);
    assert!(time >= Duration::from_millis(150), "{time:?}");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn tokens_per_minute_are_kept() {
    // 4,000 tokens at once, and 3,933 a second after that; each request turns out to use 40.
    let limits = Limits { tokens_per_minute: Some(240_000), concurrency: 1, ..limits() };
    let time = time_of(limits, 120);
    assert!(time >= Duration::from_millis(190), "{time:?}");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn waiting_is_told_apart() {
    let server = Server::start(|seen| match seen.index {
        0 => Reply::status(500).header("retry-after", "0.03"),
        // As long as that in the mean, and at most a millisecond less.
        _ => Reply::text(seen.prompt()).after(Duration::from_millis(21)),
    });
    let setup = Setup::new();
    let limits = Limits { concurrency: 1, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 2);
    let mut records: Vec<_> = asked.records().into_iter().map(|(_, record)| record).collect();
    // Either may have come first.
    records.sort_by_key(|record| std::cmp::Reverse(record.attempts));
    let [retried, queued] = [records[0].timing, records[1].timing];
    for timing in [retried, queued] {
        let latency = timing.latency_ms.expect("an answer");
        assert!((20.0..5_000.0).contains(&latency), "{timing:?}");
        assert!(timing.started_at_us > 1_700_000_000_000_000, "{timing:?}");
    }
    assert!(retried.backoff_ms >= 30.0, "{retried:?}");
    assert!(queued.backoff_ms == 0.0 && queued.queue_ms >= 20.0, "{queued:?}");
}

#[test]
fn headers_that_always_say_nothing_is_left_are_put_to_the_test() {
    let server = Server::start(|seen| {
        Reply::text(seen.prompt())
            .header("x-ratelimit-remaining-requests", "0")
            .header("x-ratelimit-reset-requests", "200ms")
    });
    let (setup, begun) = (Setup::new(), Instant::now());
    let limits = Limits { concurrency: 1, ..limits() };
    setup.ask(&setup.open(&model_at(&server.url(), limits)), 200).assert_all_answered(200);
    // They were believed at first; 40 seconds would be the time of all.
    let time = begun.elapsed();
    assert!((Duration::from_millis(590)..Duration::from_secs(20)).contains(&time), "{time:?}");
}

/// Of two requests one fails at once, and waits behind the other from then on.
#[test]
fn a_total_time_limit_counts_the_wait_for_a_turn() {
    let server = Server::start(|seen| match seen.index {
        0 => Reply::status(500),
        _ => Reply::text(seen.prompt()).after(Duration::from_millis(600)),
    });
    let setup = Setup::new();
    let total_timeout = Some(Duration::from_millis(400));
    let limits = Limits { concurrency: 1, total_timeout, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 2);
    assert_eq!((asked.tally.failed, server.count()), (2, 2), "each was sent once");
    for (_, record) in asked.records() {
        let message = record.failure.map(|failure| failure.message).unwrap_or_default();
        assert_eq!(record.attempts, 1, "{message}");
        assert!(message.ends_with("(and the total time of 400ms is used up)"), "{message}");
    }
}

#[test]
fn nothing_is_sent_that_has_no_time_to_be_answered() {
    let server = Server::start(|_| Reply::status(500).header("retry-after", "0.38"));
    let setup = Setup::new();
    let total_timeout = Some(Duration::from_millis(400));
    let limits = Limits { concurrency: 1, total_timeout, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 1);
    let message = asked.records()[0].1.failure.clone().expect("a failure").message;
    assert_eq!(server.count(), 1, "{message}");
    assert_eq!(
        message,
        "HTTP 500 Internal Server Error: status 500 as asked for (and the total time of 400ms is used up)"
    );
}
