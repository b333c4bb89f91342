use std::time::Duration;

use evalmark_core::record::Usage;
use evalmark_net::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::providers::{find, limit_headers};

const SECOND: Duration = Duration::from_secs(1);

fn several(n: usize) -> Several {
    let (speaker, vendor) = find("openai").expect("a provider");
    let keys = (0..n).map(|i| Secret::new(&format!("0123456789-{i}"))).collect();
    Several::new(keys, SignerMaker { speaker, vendor }).expect("keys")
}

/// What is left of a key, for a minute.
fn left(requests: u32, now: Instant) -> Option<Quota> {
    let header = |name, value: &str| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    };
    let headers: HeaderMap = [
        header("x-ratelimit-remaining-requests", &requests.to_string()),
        header("x-ratelimit-reset-requests", "60s"),
    ]
    .into_iter()
    .collect();
    let wall = || std::time::SystemTime::UNIX_EPOCH;
    Quota::read(&headers, limit_headers(), 1.0, (now, wall))
}

fn answer() -> Answer {
    Answer {
        outcome: evalmark_core::record::Outcome::Answered,
        output: String::new(),
        finish_reason: None,
        usage: Usage::default(),
        details: None,
    }
}

fn status(status: u16) -> AttemptError {
    AttemptError::of_status(status, "no".to_owned())
}

/// One request with these keys: which of them it is tried with until a result stands, and what limits
/// the server then.
fn ask(
    keys: &Several,
    now: Instant,
    reply: impl Fn(usize) -> (Result<Answer, AttemptError>, Option<Quota>),
) -> (Vec<usize>, Option<Quota>) {
    let mut tries = Tries::default();
    loop {
        let number = keys.take(&tries, now).number;
        tries.numbers.push(number);
        let (mut result, quota) = reply(number);
        match keys.ended(number, &tries, &mut result, quota, now) {
            After::Stands(quota) => return (tries.numbers, quota),
            After::TryAnother => assert!(tries.numbers.len() < 9, "{:?}", tries.numbers),
        }
    }
}

#[test]
fn keys_share_requests_evenly_until_headers_tell_otherwise() {
    let (keys, now) = (several(3), Instant::now());
    let mut counts = [0; 3];
    for _ in 0..30 {
        let (tried, quota) = ask(&keys, now, |_| (Ok(answer()), None));
        assert_eq!((tried.len(), quota), (1, None));
        counts[tried[0]] += 1;
    }
    assert_eq!(counts, [10, 10, 10]);
}

#[test]
fn who_has_more_left_is_asked_more() {
    let (keys, now) = (several(2), Instant::now());
    let mut counts = [0_u32; 2];
    for _ in 0..220 {
        let (tried, quota) = ask(&keys, now, |number| {
            (Ok(answer()), left(if number == 0 { 10_001 } else { 1_001 }, now))
        });
        assert_eq!(quota, None, "there is more than enough");
        counts[tried[0]] += 1;
    }
    assert!((15..=25).contains(&counts[1]), "{counts:?}");
}

#[test]
fn a_refused_key_rests_and_then_has_another_chance() {
    let (keys, now) = (several(2), Instant::now());
    let refused = |number| (if number == 0 { Err(status(401)) } else { Ok(answer()) }, None);
    assert_eq!(ask(&keys, now, refused).0, [0, 1]);
    for _ in 0..50 {
        assert_eq!(ask(&keys, now, refused).0, [1], "it rests");
    }
    let later = now + Duration::from_mins(6);
    let tried: Vec<_> = (0..9).map(|_| ask(&keys, later, refused).0).collect();
    assert_eq!(tried.iter().filter(|tried| tried.contains(&0)).count(), 1, "{tried:?}");
}

#[test]
fn a_key_without_credit_or_with_nothing_left_is_not_the_end() {
    let now = Instant::now();
    let no_credit = || status(429).with_fault_scope(FaultScope::Account);
    for lacking in [no_credit as fn() -> _, || status(429)] {
        let keys = several(3);
        let reply = |number| (if number < 2 { Err(lacking()) } else { Ok(answer()) }, None);
        assert_eq!(ask(&keys, now, reply).0, [0, 1, 2]);
        assert_eq!(ask(&keys, now, reply).0, [2]);
        // Where nobody is left, that is how it ends.
        let keys = several(2);
        assert_eq!(ask(&keys, now, |_| (Err(lacking()), None)).0, [0, 1]);
        assert_eq!(ask(&keys, now, |_| (Err(lacking()), None)).0.len(), 1);
    }
}

#[test]
fn the_server_is_waited_for_only_where_no_key_has_anything_left() {
    let (keys, now) = (several(2), Instant::now());
    let first = |number| (Ok(answer()), left(if number == 0 { 0 } else { 9 }, now));
    assert_eq!(ask(&keys, now, first), (vec![0], None), "there is another");
    let none = |_| (Ok(answer()), left(0, now));
    let (tried, quota) = ask(&keys, now, none);
    assert_eq!(tried, [1]);
    assert!(quota.and_then(|quota| quota.hold(now)).is_some_and(|at| at >= now + 59 * SECOND));
}

#[test]
fn every_key_is_hidden() {
    let ring = KeyRing::Several(several(2));
    assert_eq!(ring.redact("0123456789-0 0123456789-1".to_owned()), "[redacted] [redacted]");
}
