//! Whatever a server does, every sample ends answered or as a described failure.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use evalmark_core::{
    model::Limits,
    record::{ErrorKind, Outcome, Record},
};
use evalmark_harness::{Event, Tuning, ask};
use evalmark_loopback::{
    Reply, Seen, Server,
    faults::{self, End, Fault},
};
use serde_json::json;

use crate::setup::{Setup, asking, get, limits, model, model_at, tuning};

/// Each request fails in this way at first, and is answered when it comes again.
fn check_recovers(fault: &Reply) {
    let shown = format!("{fault:?}");
    let (fault, known) = (fault.clone(), Mutex::new(HashSet::new()));
    let server = Server::start(move |seen| {
        let is_new = known.lock().expect("no panic").insert(seen.prompt());
        if is_new { fault.clone() } else { Reply::text(seen.prompt()) }
    });
    let setup = Setup::new();
    let limits = Limits { timeout: Duration::from_millis(250), ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 12);
    asked.assert_all_answered(12);
    assert_eq!(server.count(), 24, "{shown}");
    if shown.contains("kind: Reset") {
        // On a connection that has carried an answer before, a request that was not read goes out again
        // within the same attempt.
        assert!((1..=12).contains(&asked.tally.retries), "{shown}");
        assert!(asked.records().iter().all(|(_, record)| record.attempts <= 2), "{shown}");
    } else {
        assert_eq!(asked.tally.retries, 12, "{shown}");
        assert!(asked.records().iter().all(|(_, record)| record.attempts == 2), "{shown}");
    }
}

#[test]
fn passing_faults_are_overcome() {
    let good = Reply::text("good");
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        check_recovers(&Reply::status(status));
    }
    for fault in [
        Reply::reset(),
        good.clone().reset_inside(),
        good.clone().truncated(),
        good.clone().content_length(30),
        good.clone().content_length(5_000),
        Reply::garbage(),
        Reply::bytes("<html>502 from something in between"),
        Reply::bytes(""),
        Reply::json(&json!({ "error": { "message": "upstream", "code": 502 } })),
    ] {
        check_recovers(&fault);
    }
}

#[test]
fn what_never_ends_is_given_up() {
    check_recovers(&Reply::hang());
    check_recovers(&Reply::text("x".repeat(500)).drip(1, Duration::from_millis(5)));
}

/// Every attempt ends in this way.
fn check_fails(fault: &Reply, kind: ErrorKind, attempts: u32, message: &str) {
    let fault = fault.clone();
    let server = Server::start(move |_| fault.clone());
    let setup = Setup::tuned(Tuning { response_limit: 100_000, ..tuning() });
    let limits =
        Limits { attempts: 3, concurrency: 2, timeout: Duration::from_millis(250), ..limits() };
    let endpoint = setup.open(&model_at(&server.url(), limits));
    let asked = setup.ask(&endpoint, 1);
    let record = &asked.records()[0].1;
    let failure = record.failure.clone().expect("a failure");
    assert_eq!((failure.kind, record.attempts), (kind, attempts), "{failure:?}");
    assert!(failure.message.contains(message), "{}", failure.message);
    assert_eq!((record.outcome, &record.output), (Outcome::Failed, &None));
    assert_eq!((asked.tally.failed, server.count()), (1, u64::from(attempts)));
    assert_eq!(get(&endpoint, "run", "0"), Some(record.clone()));
    assert_eq!(get(&endpoint, "another run", "0"), None);
}

#[test]
fn lasting_faults_are_described() {
    let good = Reply::text("good");
    let connection = "the connection broke: ";
    check_fails(
        &Reply::status(500),
        ErrorKind::Server,
        3,
        "HTTP 500 Internal Server Error: status 500",
    );
    check_fails(&Reply::status(429), ErrorKind::RateLimited, 3, "HTTP 429 Too Many Requests");
    check_fails(&Reply::status(409), ErrorKind::Server, 3, "HTTP 409 Conflict");
    check_fails(&Reply::reset(), ErrorKind::Connection, 3, connection);
    check_fails(&good.clone().reset_inside(), ErrorKind::Connection, 3, connection);
    check_fails(&good.clone().truncated(), ErrorKind::Connection, 3, connection);
    check_fails(&Reply::hang(), ErrorKind::Timeout, 3, "no complete response within 250ms");
    check_fails(&Reply::garbage(), ErrorKind::Malformed, 3, "the response is not UTF-8");
    check_fails(
        &Reply::bytes("<p>hi"),
        ErrorKind::Malformed,
        3,
        "the response is a page of HTML or XML, not JSON: <p>hi",
    );
    check_fails(&good.clone().endless(), ErrorKind::TooLarge, 1, "larger than 100000 bytes");
    check_fails(&good.content_length(200_000), ErrorKind::TooLarge, 1, "larger than 100000 bytes");
}

#[test]
fn a_response_of_another_shape_is_not_bought_again() {
    let shape = "the response is not a chat completion: ";
    let check = |body: serde_json::Value, message: &str| {
        check_fails(&Reply::json(&body), ErrorKind::Malformed, 1, &format!("{shape}{message}"));
    };
    check(json!({ "choices": "hello" }), "invalid type");
    check(json!({ "choices": [{ "message": { "content": 7 } }] }), "`content` is neither text");
    check(json!({ "choices": [{ "text": "completion" }] }), "missing field `message`");
}

#[test]
fn hopeless_requests_fail_at_once_and_say_why() {
    for status in [400, 404, 413, 422] {
        let message = format!("HTTP {status} ");
        check_fails(&Reply::status(status), ErrorKind::BadRequest, 1, &message);
    }
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Server::start(|_| Reply::text("caught"));
    let to = format!("{}/chat/completions", elsewhere.url());
    check_fails(
        &Reply::status(307).header("location", to),
        ErrorKind::BadRequest,
        1,
        "redirects are not followed",
    );
    assert_eq!(elsewhere.count(), 0);
}

#[test]
fn a_tenth_of_the_requests_fail_and_all_are_answered() {
    // Every tenth request to come fails once: by prompt, so that no request meets two failures
    // however the server's threads take turns.
    let (known, arrivals) = (Mutex::new(HashSet::new()), AtomicU64::new(0));
    let server = Server::start(move |seen| {
        let is_new = known.lock().expect("no panic").insert(seen.prompt());
        if is_new && arrivals.fetch_add(1, Ordering::Relaxed) % 10 == 3 {
            Reply::status(500)
        } else {
            Reply::text(seen.prompt())
        }
    });
    let setup = Setup::new();
    let asked = setup.ask(&setup.open(&model(&server)), 2_000);
    asked.assert_all_answered(2_000);
    assert_eq!((server.count(), asked.tally.retries), (2_200, 200), "{:?}", asked.tally);
}

#[test]
fn what_holds_no_answer_is_tried_again_and_described() {
    let check = |body: serde_json::Value, message: &str| {
        check_fails(&Reply::json(&body), ErrorKind::Malformed, 3, message);
    };
    check(json!({ "choices": [] }), "the response holds no answer: `choices` is empty");
    check(json!({}), "the response is not a chat completion: no `choices`");
    check(json!({ "choices": [{ "message": { "content": null } }] }), "`content` is null");
    let said = "the server reports an error in a 200: hello";
    check_fails(&Reply::json(&json!({ "message": "hello" })), ErrorKind::Server, 3, said);
}

/// What becomes of a request that met with a fault, in the words of the catalogue, and how often the
/// server saw it. (An attempt may end with its connection before the server sees it.)
fn check_end(fault: Fault, text: &str, record: &Record, times: u64) {
    let output = record.output.as_deref();
    let is_right = match (fault.end, record.outcome) {
        (End::Passes, Outcome::Answered) => output == Some(text),
        (End::Answered, Outcome::Answered) => output.is_some_and(|o| o.starts_with(text)),
        (End::Calls, Outcome::Answered) => output.is_some_and(|o| o.contains("\"function\"")),
        (End::CutOff, Outcome::Answered) => output == Some("") && record.is_cut_off(),
        (End::Refused, Outcome::Refused) => true,
        (End::Fails(kind), Outcome::Failed) => {
            let failure = record.failure.as_ref();
            failure.is_some_and(|f| f.kind.as_str() == kind && !f.message.is_empty())
        }
        _ => false,
    };
    let usage = record.usage;
    let is_plausible = |tokens: Option<u64>| tokens.is_none_or(|tokens| tokens <= 1_000);
    assert!(is_right, "{fault:?}: {record:?}");
    assert!(is_plausible(usage.input_tokens) && is_plausible(usage.output_tokens), "{fault:?}");
    let expected = if fault.end == End::Passes { 2 } else { 1 };
    assert_eq!(times, expected, "{fault:?}: {record:?}");
}

/// Which fault a request meets with when it first comes; `None`: none. A bomb takes time.
fn drawn(number: u64, faults: &[Fault]) -> Option<Fault> {
    let draw = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
    let fault = faults.get(draw % (3 * faults.len())).copied();
    // The first requests are answered: a server that never was well is another matter.
    fault.filter(|fault| number > 100 && (!fault.name.contains("bomb") || number.is_multiple_of(4)))
}

fn is_busy(fault: &Fault) -> bool {
    const OTHERS: [&str; 3] =
        ["an error with a number as text", "an error with a word", "a status within"];
    fault.name.starts_with("429") || OTHERS.contains(&fault.name)
}

#[test]
fn every_way_to_be_busy_is_waited_out() {
    for fault in faults::all().filter(is_busy).filter(|fault| fault.end == End::Passes) {
        check_recovers(&fault.reply("good"));
    }
}

#[test]
fn all_faults_at_once_lose_no_sample_and_buy_none_twice() {
    const N: u64 = 10_000;
    let all: Arc<[Fault]> = faults::all().collect();
    assert!(all.len() >= 40, "{}", all.len());
    let came = Arc::new(Mutex::new(HashMap::new()));
    let (book, catalogue) = (came.clone(), all.clone());
    let server = Server::start_counting(move |seen| {
        let prompt = seen.prompt();
        let number = prompt.parse().unwrap_or_default();
        let times =
            { *book.lock().expect("no panic").entry(number).and_modify(|n| *n += 1).or_insert(1) };
        match drawn(number, &catalogue).filter(|_| times == 1) {
            Some(fault) => fault.reply(&prompt),
            None => Reply::text(prompt),
        }
    });
    let setup = Setup::new();
    let timeout = Duration::from_secs(20);
    let limits = Limits { concurrency: 64, timeout, attempts: 6, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), N);
    let records = asked.records();
    assert_eq!((records.len() as u64, asked.tally.ended(), asked.tally.abandoned), (N, N, 0));
    let (times, mut met) = (came.lock().expect("no panic").clone(), HashSet::new());
    for (number, record) in &records {
        let text = number.to_string();
        match drawn(*number, &all) {
            Some(fault) => {
                met.insert(fault.name);
                check_end(fault, &text, record, times[number]);
            }
            None => assert_eq!((&record.output, times[number]), (&Some(text), 1), "{record:?}"),
        }
    }
    assert_eq!(met.len(), all.len(), "every fault was met");
    assert_eq!(times.values().sum::<u64>(), server.count());
    // Answers and refusals are kept; what failed is asked again, and is answered now.
    let again = setup.ask(&setup.open(&model_at(&server.url(), limits_of(64))), N).tally;
    let (answered, failed) = (asked.tally.answered, asked.tally.failed);
    assert_eq!((again.cached, again.answered), (answered, failed), "{again:?}");
}

fn limits_of(concurrency: usize) -> Limits {
    Limits { concurrency, ..limits() }
}

#[test]
fn a_server_that_dies_and_comes_back_is_waited_for() {
    let echo = |seen: &Seen| Reply::text(seen.prompt()).after(Duration::from_millis(1));
    let server = Server::start(echo);
    let url = server.url();
    let setup = Setup::new();
    let endpoint = setup.open(&model_at(&url, Limits { attempts: 10_000, ..limits() }));
    let retries = AtomicU64::new(0);
    let hear = |event: Event<u64>| {
        retries.fetch_add(u64::from(matches!(event, Event::Retrying { .. })), Ordering::SeqCst);
    };
    let asks = (0..1_000).map(|n| Ok::<_, Infallible>(asking(&n.to_string(), n)));
    let until = |is_so: &dyn Fn() -> bool| {
        while !is_so() {
            std::thread::yield_now();
        }
    };
    let tally = std::thread::scope(|scope| {
        let ask = scope.spawn(|| ask(&endpoint, "run", asks, &hear, &setup.stop));
        until(&|| server.count() >= 200);
        drop(server);
        until(&|| retries.load(Ordering::SeqCst) >= 50);
        let _revived = Server::start_at(&url, echo);
        ask.join().expect("an end").expect("a ledger")
    });
    assert_eq!((tally.answered, tally.failed, tally.abandoned), (1_000, 0, 0), "{tally:?}");
    assert!(endpoint.down().is_none());
}

#[test]
fn who_hangs_up_at_once_is_described() {
    let server = Server::start(|_| Reply::reset());
    let setup = Setup::new();
    let limits = Limits { attempts: 1, ..limits() };
    let asked = setup.ask(&setup.open(&model_at(&server.url(), limits)), 1_000);
    assert_eq!((asked.downs().len(), asked.tally.answered), (1, 0));
    assert!(asked.downs()[0].contains("the connection broke"), "{:?}", asked.downs());
}
