//! What a ledger holds is told, and what is no longer wanted is thrown away.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use evalmark_core::model::{Model, Provider};
use evalmark_harness::{Ledger, LedgerError, Prune, RecordedAnswer, Tuning};
use evalmark_loopback::{Reply, Server};

use crate::setup::{Setup, asking, get, model, request, tuning};

fn echo() -> Server {
    Server::start(|seen| match seen.prompt().as_str() {
        "7" => Reply::status(400),
        prompt => Reply::text(prompt),
    })
}

/// A minute passes with each look at it.
fn minutes() -> SystemTime {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    let minutes = LOOKS.fetch_add(1, Ordering::Relaxed);
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 60 * minutes)
}

#[test]
fn a_ledger_tells_what_it_holds() {
    let (one, two, setup) = (echo(), echo(), Setup::new());
    setup.ask(&setup.open(&model(&one)), 20);
    setup.ask(&setup.open(&model(&two)), 5);
    let info = Ledger::info(setup.ledger.path()).expect("a ledger");
    assert_eq!((info.answers, info.failures, info.damage), (24, 1, None));
    let mut answers: Vec<u64> = info.endpoints.iter().map(|endpoint| endpoint.answers).collect();
    answers.sort_unstable();
    assert_eq!(answers, [5, 19]);
    assert!(info.endpoints.iter().all(|endpoint| endpoint.key.starts_with("openai:http://127")));
    assert!(info.oldest_us.is_some() && info.oldest_us <= info.newest_us);
    assert!(info.bytes > 4_096, "{}", info.bytes);
}

#[test]
fn what_is_no_ledger_is_not_made_one() {
    let setup = Setup::new();
    let path = setup.folder.path().join("other");
    let is_unusable = |error: &LedgerError| matches!(error, LedgerError::Unusable { .. });
    assert!(Ledger::info(&path).is_err_and(|error| is_unusable(&error)) && !path.exists());
    let is_foreign = |error: &LedgerError| matches!(error, LedgerError::Foreign { .. });
    for content in ["", "a,b\n"] {
        fs::write(&path, content).expect("a file");
        let error = Ledger::prune(&path, &Prune::default()).expect_err("no ledger");
        assert!(is_foreign(&error), "{error:?}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), content);
    }
}

#[test]
fn old_answers_go_and_are_asked_again() {
    let (server, setup) = (echo(), Setup::tuned(Tuning { now: minutes, ..tuning() }));
    let mut model = model(&server);
    model.limits.concurrency = 1;
    let endpoint = setup.open(&model);
    let long = |n: u64| format!("{n} {}", "long ".repeat(1_000));
    let asks = |to: u64| (0..to).map(|n| asking(&long(n), n)).collect::<Vec<_>>().into_iter();
    setup.ask_all(&endpoint, "run", asks(100));
    let info = Ledger::info(setup.ledger.path()).expect("a ledger");
    let (oldest, newest) = (info.oldest_us.expect("a time"), info.newest_us.expect("a time"));
    assert!(newest - oldest >= 99 * 60_000_000, "{oldest} {newest}");
    let middle = u64::try_from(oldest.midpoint(newest)).expect("a time after 1970");
    let before = Some(SystemTime::UNIX_EPOCH + Duration::from_micros(middle));
    let prune = Prune { before, endpoint_key: None };
    // The endpoint and the ledger's writer have the file open all the while.
    let pruned = Ledger::prune(setup.ledger.path(), &prune).expect("a ledger");
    assert!((45..=55).contains(&pruned.answers), "{pruned:?}");
    assert!(pruned.is_compact && pruned.bytes_after < pruned.bytes_before, "{pruned:?}");
    let again = setup.ask_all(&endpoint, "again", asks(100));
    assert_eq!((again.tally.cached, again.tally.answered), (100 - pruned.answers, pruned.answers));
}

#[test]
fn one_endpoints_answers_go_and_the_others_stay() {
    let (one, two, setup) = (echo(), echo(), Setup::new());
    let (first, second) = (setup.open(&model(&one)), setup.open(&model(&two)));
    setup.ask(&first, 10);
    setup.ask(&second, 10);
    let prune = Prune { endpoint_key: Some(first.key().to_owned()), before: None };
    let pruned = Ledger::prune(setup.ledger.path(), &prune).expect("a ledger");
    assert_eq!((pruned.answers, pruned.failures), (9, 1));
    assert_eq!(get(&first, "run", "0"), None);
    assert!(get(&second, "run", "0").is_some());
    assert_eq!(setup.ask(&first, 10).tally.answered, 9);
}

fn recording(path: &Path) -> Model {
    let line = RecordedAnswer {
        hash: request("0").hash(),
        output: "zero".into(),
        outcome: evalmark_core::record::Outcome::Answered,
        finish_reason: None,
        input_tokens: None,
        output_tokens: None,
        latency_ms: None,
        started_at_us: Some(1),
        details: None,
    };
    fs::write(path, serde_json::to_string(&line).expect("a line")).expect("a file");
    let provider = Provider::RecordedFile(path.to_owned());
    Model { provider, ..crate::setup::model_at("http://127.0.0.1:1", crate::setup::limits()) }
}

#[test]
fn a_recording_goes_as_a_whole_and_comes_back() {
    let setup = Setup::new();
    let model = recording(&setup.folder.path().join("answers.jsonl"));
    let endpoint = setup.open(&model);
    let prune = |before, key: Option<&str>| {
        let prune = Prune { before, endpoint_key: key.map(str::to_owned) };
        Ledger::prune(setup.ledger.path(), &prune).expect("a ledger").answers
    };
    assert_eq!(prune(Some(SystemTime::now()), Some(endpoint.key())), 0, "it has no age");
    assert_eq!(prune(None, Some(endpoint.key())), 1);
    assert_eq!(get(&endpoint, "run", "0"), None);
    let endpoint = setup.open(&model);
    assert_eq!(setup.ask(&endpoint, 1).tally.cached, 1);
}
