//! Several keys for one server, and keys that expire.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use evalmark_harness::{Endpoint, FetchedKey, KeySource, Keys, Secret};
use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{Setup, model};

/// The key that came with a request.
fn key_of(seen: &Seen) -> &str {
    seen.header("authorization").and_then(|header| header.strip_prefix("Bearer ")).unwrap_or("")
}

fn open(setup: &Setup, server: &Server, keys: Keys) -> Endpoint {
    Endpoint::open(&model(server), keys, &setup.network, &setup.ledger).expect("an endpoint")
}

fn fixed(keys: &[&str]) -> Keys {
    Keys::Fixed(keys.iter().map(|key| Secret::new(key)).collect())
}

fn count(server: &Server, key: &str) -> usize {
    server.requests().iter().filter(|seen| key_of(seen) == key).count()
}

const A: &str = "key-a-0123456789";
const B: &str = "key-b-0123456789";

#[test]
fn one_bad_key_is_no_fault_of_the_server() {
    for status in [401, 429] {
        let server = Server::start(move |seen: &Seen| match key_of(seen) {
            A => Reply::status(status).header("retry-after", "30"),
            _ => Reply::text(seen.prompt()),
        });
        let setup = Setup::new();
        let endpoint = open(&setup, &server, fixed(&[A, B]));
        let asked = setup.ask(&endpoint, 100);
        asked.assert_all_answered(100);
        assert!(asked.downs().is_empty() && asked.tally.retries == 0, "{:?}", asked.tally);
        assert_eq!(count(&server, B), 100, "nothing is bought twice");
        // Those that were under way together did not know yet.
        assert!((1..=8).contains(&count(&server, A)), "{}", count(&server, A));
    }
}

#[test]
fn keys_that_are_all_refused_end_the_model() {
    let server = Server::start(|_: &Seen| Reply::status(401));
    let setup = Setup::new();
    let endpoint = open(&setup, &server, fixed(&[A, B]));
    let asked = setup.ask(&endpoint, 50);
    assert_eq!((asked.tally.answered, asked.downs().len()), (0, 1));
    assert!(server.count() < 50, "{}", server.count());
}

#[test]
fn requests_follow_what_each_key_has_left() {
    let server = Server::start(|seen: &Seen| {
        let left = if key_of(seen) == A { "40001" } else { "4001" };
        Reply::text(seen.prompt())
            .header("x-ratelimit-remaining-requests", left)
            .header("x-ratelimit-reset-requests", "1s")
    });
    let setup = Setup::new();
    let endpoint = open(&setup, &server, fixed(&[A, B]));
    setup.ask(&endpoint, 440).assert_all_answered(440);
    let of_b = count(&server, B);
    assert!((30..=60).contains(&of_b), "{of_b} of 440");
}

#[test]
fn an_echoed_key_is_hidden_whichever_it_is() {
    let server = Server::start(|seen: &Seen| Reply::text(format!("{} {A} {B}", seen.prompt())));
    let setup = Setup::new();
    let endpoint = open(&setup, &server, fixed(&[A, B]));
    for (_, record) in setup.ask(&endpoint, 4).records() {
        let output = record.output.expect("an answer");
        assert!(output.ends_with(" [redacted] [redacted]"), "{output}");
    }
}

/// Tokens with numbers; how often one was fetched.
#[derive(Debug, Default)]
struct Tokens {
    fetched: AtomicUsize,
    /// Says no from this number on.
    fails_from: Option<usize>,
}

impl KeySource for Tokens {
    fn fetch(&self) -> Result<Secret, String> {
        let number = self.fetched.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails_from.is_some_and(|from| number >= from) {
            return Err("the vault is closed".to_owned());
        }
        Ok(Secret::new(&token(number)))
    }
}

fn token(number: usize) -> String {
    format!("token-0123456789-{number}")
}

/// A server whose tokens are good for so many answers each, and the number of the one that is.
fn expiring(answers_each: usize) -> (Server, Arc<Mutex<(usize, usize)>>) {
    let state = Arc::new(Mutex::new((0, 0)));
    let current = state.clone();
    let server = Server::start(move |seen: &Seen| {
        let mut current = current.lock().expect("no panic");
        let (number, answered) = &mut *current;
        if key_of(seen) != token(*number) {
            return Reply::status(401);
        }
        *answered += 1;
        if *answered == answers_each {
            (*number, *answered) = (*number + 1, 0);
        }
        Reply::text(seen.prompt())
    });
    (server, state)
}

fn fetched(source: &Arc<Tokens>) -> Keys {
    let source: Arc<dyn KeySource> = source.clone();
    Keys::Fetched(FetchedKey { first: Secret::new(&token(0)), lifetime: None, source })
}

#[test]
fn a_token_that_expires_is_fetched_again_and_no_answer_is_lost() {
    let (server, state) = expiring(20);
    let (setup, source) = (Setup::new(), Arc::new(Tokens::default()));
    let endpoint = open(&setup, &server, fetched(&source));
    let asked = setup.ask(&endpoint, 110);
    asked.assert_all_answered(110);
    assert!(asked.downs().is_empty(), "{:?}", asked.downs());
    assert_eq!(state.lock().expect("no panic").0, 5);
    assert_eq!(source.fetched.load(Ordering::Relaxed), 5, "once for all that wait");
    let answered = server.requests().len() - refused(&server);
    assert_eq!(answered, 110, "nothing is bought twice");
}

/// Requests that came with a token of the past: the server's own count tells.
fn refused(server: &Server) -> usize {
    let (mut current, mut answered, mut refused) = (0, 0, 0);
    for seen in server.requests() {
        if key_of(&seen) != token(current) {
            refused += 1;
            continue;
        }
        answered += 1;
        if answered == 20 {
            (current, answered) = (current + 1, 0);
        }
    }
    refused
}

#[test]
fn a_token_that_was_never_accepted_is_not_fetched_again_and_again() {
    let server = Server::start(|_: &Seen| Reply::status(401));
    let (setup, source) = (Setup::new(), Arc::new(Tokens::default()));
    let endpoint = open(&setup, &server, fetched(&source));
    let asked = setup.ask(&endpoint, 30);
    assert_eq!((asked.tally.answered, asked.downs().len()), (0, 1));
    assert_eq!(source.fetched.load(Ordering::Relaxed), 0);
}

#[test]
fn where_no_other_token_is_to_be_had_the_reason_is_told() {
    let (server, _) = expiring(5);
    let source = Arc::new(Tokens { fails_from: Some(1), ..Tokens::default() });
    let setup = Setup::new();
    let endpoint = open(&setup, &server, fetched(&source));
    let asked = setup.ask(&endpoint, 40);
    assert_eq!(asked.tally.answered, 5);
    let downs = asked.downs();
    assert!(downs[0].contains("gives no other: the vault is closed"), "{downs:?}");
    assert_eq!(source.fetched.load(Ordering::Relaxed), 1, "once for all that are refused");
}

#[test]
fn a_token_is_fetched_when_its_time_is_up() {
    let server = Server::start(|seen: &Seen| Reply::text(seen.prompt()));
    let (setup, source) = (Setup::new(), Arc::new(Tokens::default()));
    let first = Secret::new(&token(0));
    let lifetime = Some(std::time::Duration::ZERO);
    let keys = Keys::Fetched(FetchedKey { first, lifetime, source: source.clone() });
    let endpoint = open(&setup, &server, keys);
    setup.ask(&endpoint, 10).assert_all_answered(10);
    assert_eq!(source.fetched.load(Ordering::Relaxed), 10);
    assert_eq!(count(&server, &token(0)), 0);
}
