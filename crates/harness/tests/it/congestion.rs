//! What a server bears is found and used, from a limit that is ten times too high.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use evalmark_core::model::Limits;
use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{Setup, limits, model_at};

/// What a server with a limit has accepted and refused, and when.
#[derive(Debug, Default)]
struct Book {
    /// When each accepted request is off its hands.
    in_hand: Vec<Instant>,
    /// When requests came, and whether they were accepted.
    came: Vec<(Instant, bool)>,
}

impl Book {
    /// The accepted requests and the share of refused ones, after the first `warm_up` requests and
    /// before the last `end` ones; and the time between.
    fn figures(&self, warm_up: usize, end: usize) -> (f64, f64, f64) {
        let came = &self.came[warm_up..self.came.len() - end];
        let accepted = came.iter().filter(|(_, is_accepted)| *is_accepted).count() as f64;
        let time = came[came.len() - 1].0 - came[0].0;
        (accepted, 1.0 - accepted / came.len() as f64, time.as_secs_f64())
    }
}

/// Asks `n` requests, ten times `most` at once, of a server that decides as `accepts` does.
fn asked(
    n: u64,
    most: usize,
    mut accepts: impl FnMut(&mut Book, &Seen, Instant) -> Option<Duration> + Send + 'static,
) -> Book {
    let book = Arc::new(Mutex::new(Book::default()));
    let shared = book.clone();
    let accepts = Mutex::new(move |seen: &Seen| {
        let (now, mut book) = (Instant::now(), shared.lock().expect("no panic"));
        let after = accepts(&mut book, seen, now);
        book.came.push((now, after.is_some()));
        after
    });
    let server = Server::start(move |seen| match accepts.lock().expect("no panic")(seen) {
        Some(after) => Reply::text(seen.prompt()).after(after),
        None => Reply::status(429),
    });
    let setup = Setup::new();
    let limits = Limits { concurrency: most * 10, attempts: 50, ..limits() };
    setup.ask(&setup.open(&model_at(&server.url(), limits)), n).assert_all_answered(n);
    drop(server);
    Arc::into_inner(book).and_then(|book| book.into_inner().ok()).expect("no server")
}

/// Requests that a server accepted, and those that it could have accepted in the same time.
#[derive(Debug)]
struct Throughput {
    accepted: f64,
    possible: f64,
}

/// Measures until one measurement reaches nine tenths of what was possible, three times at most: other
/// programs on the machine can slow down a single one.
fn assert_nearly_all_used(measure: impl Fn() -> Throughput) {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let throughput = measure();
        if throughput.accepted >= 0.9 * throughput.possible {
            return;
        }
        measured.push(throughput);
    }
    panic!("the server was not used enough: {measured:?}");
}

#[test]
fn a_cap_of_concurrent_requests_is_used_without_a_hail_of_refusals() {
    assert_nearly_all_used(throughput_under_a_cap);
}

fn throughput_under_a_cap() -> Throughput {
    let (most, service) = (20, Duration::from_millis(100));
    let book = asked(4_000, most, move |book, _, now| {
        book.in_hand.retain(|end| *end > now);
        let has_room = book.in_hand.len() < most;
        // An answer may be out of its hands a millisecond earlier.
        let almost = service.saturating_sub(Duration::from_millis(1));
        has_room.then(|| book.in_hand.push(now + almost))?;
        Some(service)
    });
    let (accepted, refused, time) = book.figures(2_000, 200);
    assert!(refused < 0.02, "{refused} refused");
    // Timers wake up to a millisecond late, here and there.
    let possible = most as f64 * time / (service.as_secs_f64() + 0.002);
    Throughput { accepted, possible }
}

#[test]
fn a_limit_of_rate_is_used_without_a_hail_of_refusals() {
    assert_nearly_all_used(throughput_under_a_rate);
}

fn throughput_under_a_rate() -> Throughput {
    let per_second = 400.0;
    let (mut level, mut at) = (40.0_f64, Instant::now());
    let book = asked(3_000, 8, move |_, _, now| {
        level = (level + (now - at).as_secs_f64() * per_second).min(40.0);
        at = now;
        (level >= 1.0).then(|| level -= 1.0)?;
        Some(Duration::from_millis(5))
    });
    let (accepted, refused, time) = book.figures(1_200, 100);
    assert!(refused < 0.02, "{refused} refused");
    Throughput { accepted, possible: per_second * time }
}

#[test]
fn a_window_opens_up_to_the_suites_limit_and_not_beyond() {
    let server = Server::start(|seen| Reply::text(seen.prompt()).after(Duration::from_millis(150)));
    let setup = Setup::new();
    let limits = Limits { concurrency: 200, ..limits() };
    setup.ask(&setup.open(&model_at(&server.url(), limits)), 2_000).assert_all_answered(2_000);
    assert_eq!(server.max_in_flight(), 200);
    let first: Vec<usize> = server.requests().iter().take(64).map(|seen| seen.in_flight).collect();
    assert!(first.iter().all(|in_flight| *in_flight <= 64), "{first:?}");
}

#[test]
fn a_limit_that_is_tried_in_vain_costs_nobody_an_attempt() {
    // All are on their way before the first is refused.
    let server = Server::start(|seen| match seen.index {
        0..120 => Reply::status(429).after(Duration::from_millis(500)),
        _ => Reply::text(seen.prompt()),
    });
    let setup = Setup::new();
    let limits = Limits { concurrency: 200, attempts: 1, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 120);
    asked.assert_all_answered(120);
    assert_eq!((asked.tally.retries, server.requests().len()), (120, 240));
}

#[test]
fn headers_slow_down_before_anything_is_refused() {
    // Twenty requests in each 200 milliseconds, and what is left in the headers.
    let span = Duration::from_millis(200);
    let state = Mutex::new((Instant::now(), 0_u32));
    let server = Server::start(move |seen| {
        let now = Instant::now();
        let mut state = state.lock().expect("no panic");
        if now - state.0 >= span {
            *state = (now, 0);
        }
        state.1 += 1;
        let (left, reset) = (20_u32.saturating_sub(state.1), span.saturating_sub(now - state.0));
        let reply = if state.1 <= 20 { Reply::text(seen.prompt()) } else { Reply::status(429) };
        reply
            .header("x-ratelimit-remaining-requests", left.to_string())
            .header("x-ratelimit-reset-requests", format!("{}ms", reset.as_millis() + 1))
    });
    let setup = Setup::new();
    let limits = Limits { concurrency: 4, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 150);
    asked.assert_all_answered(150);
    assert_eq!(asked.tally.retries, 0, "{:?}", asked.tally);
}

#[test]
fn a_server_in_trouble_is_spared_and_comes_back() {
    let server = Server::start(|seen| match seen.index {
        500..560 => Reply::status(503),
        _ => Reply::text(seen.prompt()).after(Duration::from_millis(40)),
    });
    let setup = Setup::new();
    let limits = Limits { concurrency: 64, ..limits() };
    setup.ask(&setup.open(&model_at(&server.url(), limits)), 4_000).assert_all_answered(4_000);
    let late = server.requests().iter().skip(2_500).map(|seen| seen.in_flight).max();
    assert_eq!(late, Some(64));
}
