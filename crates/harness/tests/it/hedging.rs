//! A request that takes unusually long is sent once more, where the suite wants that.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use evalmark_core::{model::Limits, price::Price};
use evalmark_harness::Budget;
use evalmark_loopback::{Reply, Server};

use crate::setup::{Setup, limits, model_at, stream};

/// Echoes after 5 milliseconds; every 150th prompt hangs when it comes for the first time.
fn server() -> Server {
    let known = Mutex::new(HashSet::new());
    Server::start(move |seen| {
        let prompt = seen.prompt();
        let number: u64 = prompt.parse().unwrap_or_default();
        let is_new = known.lock().expect("no panic").insert(number);
        let reply = Reply::text(prompt).usage(7, 3).after(Duration::from_millis(5));
        if number % 150 == 149 && number > 200 && is_new { Reply::hang() } else { reply }
    })
}

fn hedged(hedge: bool, n: u64) -> (crate::setup::RequestFilter, Server, Budget) {
    let (server, setup, budget) = (server(), Setup::new(), Budget::default());
    let timeout = Duration::from_secs(2);
    let limits = Limits { concurrency: 16, hedge, timeout, ..limits() };
    let mut model = model_at(&server.url(), limits);
    model.price =
        Some(Price { input_usd_per_million: 1.0, output_usd_per_million: 1.0, ..Price::default() });
    let asked = setup.ask_within(&setup.open(&model), n, &budget);
    asked.assert_all_answered(n);
    (asked, server, budget)
}

#[test]
fn the_tail_is_overtaken_and_paid_for() {
    let (asked, server, budget) = hedged(true, 2_000);
    // Some of them may have had to wait for their time limit: at most one in a hundred is sent
    // again, and an innocent one may have been slow.
    let tally = asked.tally;
    assert!((6..=20).contains(&tally.hedged), "{tally:?}");
    assert_eq!(server.count(), 2_000 + tally.hedged + tally.retries);
    // Each race had a loser, and it counts as much as its winner.
    let tokens = (tally.hedge_input_tokens, tally.hedge_output_tokens);
    assert!(tokens.0 <= 7 * tally.hedged && tokens.0 >= 7 * 6, "{tally:?}");
    assert_eq!(tokens.0 * 3, tokens.1 * 7);
    assert_eq!(budget.spent().tokens, 20_000 + tokens.0 + tokens.1);
}

#[test]
fn a_stream_that_stalls_is_overtaken() {
    let known = Mutex::new(HashSet::new());
    let server = Server::start(move |seen| {
        let prompt = seen.prompt();
        let number: u64 = prompt.parse().unwrap_or_default();
        let is_new = known.lock().expect("no panic").insert(number);
        let reply = stream(&prompt).after(Duration::from_millis(5));
        // Its first piece comes, and nothing after it.
        let stalls = number % 150 == 149 && number > 200 && is_new;
        if stalls { reply.drip(70, Duration::from_mins(1)) } else { reply }
    });
    let setup = Setup::new();
    let limits = Limits { concurrency: 16, hedge: true, ..limits() };
    let mut model = model_at(&server.url(), limits);
    model.is_streamed = true;
    let asked = setup.ask_model(&setup.open(&model), &model, 1_000);
    asked.assert_all_answered(1_000);
    assert!(asked.tally.hedged >= 5 && asked.tally.retries == 0, "{:?}", asked.tally);
    for (_, record) in asked.records() {
        // Of the attempt that answered, not of the one that stalled.
        assert!(record.first_token_ms() <= record.timing.latency_ms, "{record:?}");
        assert!(record.first_token_ms().is_some(), "{record:?}");
    }
}

#[test]
fn nothing_is_sent_twice_unless_the_suite_wants_it() {
    let (asked, server, budget) = hedged(false, 1_000);
    assert_eq!((asked.tally.hedged, asked.tally.hedge_input_tokens), (0, 0));
    assert_eq!(server.count(), 1_000 + asked.tally.retries);
    assert!(asked.tally.retries >= 5, "they hung until their time limit");
    assert_eq!(budget.spent().tokens, 10_000);
}

#[test]
fn all_attempts_together_have_a_time_limit() {
    let (server, setup) = (Server::start(|_| Reply::status(500)), Setup::new());
    let total_timeout = Some(Duration::from_millis(100));
    let limits = Limits { attempts: 1_000, total_timeout, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 3);
    let records = asked.records();
    let messages = records.iter().filter_map(|(_, record)| record.failure.as_ref());
    let messages: Vec<_> = messages.map(|failure| failure.message.as_str()).collect();
    assert!(
        messages.iter().all(|m| m.ends_with("(and the total time of 100ms is used up)")),
        "{messages:?}"
    );
    assert!(messages.len() == 3 && asked.tally.retries > 3, "{:?}", asked.tally);

    let hangs = Server::start(|_| Reply::hang());
    let limits = Limits { total_timeout, ..crate::setup::limits() };
    let asked = setup.ask(&setup.open(&model_at(&hangs.url(), limits)), 1);
    assert_eq!((asked.tally.failed, hangs.count()), (1, 1), "the first attempt used it all");
}
