//! The file: shared by processes, refused when it is none, never silently damaged.

use std::{
    convert::Infallible,
    fs,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use evalmark_harness::{AskError, Endpoint, Ledger, LedgerError, endpoint_key};
use evalmark_loopback::{Reply, Server};
use rusqlite::Connection;
use serde_json::json;

use crate::setup::{Setup, asking, get, model, request};

fn echo() -> Server {
    Server::start(|seen| Reply::text(seen.prompt()))
}

#[test]
fn ten_thousand_answers_are_there_after_reopening() {
    let (server, setup) = (echo(), Setup::new());
    let endpoint = setup.open(&model(&server));
    setup.ask(&endpoint, 10_000).assert_all_answered(10_000);
    let (key, path) = (endpoint.key().to_owned(), setup.ledger.path().to_owned());
    drop(endpoint);
    let Setup { folder, ledger, .. } = setup;
    drop(ledger);
    let answers = Ledger::open(&path).and_then(|ledger| ledger.answers(&key, "run"));
    let answers = answers.expect("a reader");
    for n in 0..10_000 {
        let record = answers.get(&request(&n.to_string()).hash()).expect("a whole ledger");
        assert_eq!(record.and_then(|record| record.output), Some(n.to_string()));
    }
    drop(folder);
}

#[test]
fn two_ledgers_share_one_file() {
    let (server, setup) = (echo(), Setup::new());
    let path = setup.folder.path().join("shared.sqlite");
    let ledgers = thread::scope(|scope| {
        let open = [0, 1, 2, 3].map(|_| scope.spawn(|| Ledger::open(&path)));
        open.map(|opening| opening.join().expect("an end").expect("a ledger"))
    });
    thread::scope(|scope| {
        for (run, ledger) in ["a", "b", "c", "d"].into_iter().zip(&ledgers) {
            let (setup, server) = (&setup, &server);
            scope.spawn(move || {
                let endpoint = Endpoint::open(&model(server), None, &setup.network, ledger);
                let endpoint = endpoint.expect("an endpoint");
                let asks = (0..500).map(|n| asking(&n.to_string(), n));
                setup.ask_all(&endpoint, run, asks).assert_all_answered(500);
            });
        }
    });
    let endpoint = Endpoint::open(&model(&server), None, &setup.network, &ledgers[0]);
    let asked = setup.ask(&endpoint.expect("an endpoint"), 500);
    assert_eq!(asked.tally.cached, 500);
}

#[test]
#[cfg(target_os = "linux")]
fn several_processes_buy_each_answer_once() {
    let count = Arc::new(AtomicU64::new(0));
    let counter = count.clone();
    let server = Server::start(move |seen| {
        counter.fetch_add(1, Ordering::Relaxed);
        Reply::text(seen.prompt()).after(Duration::from_millis(2))
    });
    let setup = Setup::new();
    let path = setup.folder.path().join("shared.sqlite");
    let ledgers = [0; 3].map(|_| Ledger::open_shared(&path).expect("a ledger"));
    thread::scope(|scope| {
        for (run, ledger) in ["a", "b", "c"].into_iter().zip(&ledgers) {
            let (setup, server) = (&setup, &server);
            scope.spawn(move || {
                let endpoint = Endpoint::open(&model(server), None, &setup.network, ledger);
                let asks = (0..600).map(|n| asking(&n.to_string(), n));
                let asked = setup.ask_all(&endpoint.expect("an endpoint"), run, asks);
                asked.assert_all_answered(600);
                // None has to leave all to the others, and nothing is counted twice.
                assert!(asked.tally.answered + asked.tally.cached == 600, "{:?}", asked.tally);
            });
        }
    });
    assert_eq!(count.load(Ordering::Relaxed), 600);
}

#[test]
#[cfg(unix)]
fn a_ledger_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache/evalmark");
    evalmark_harness::ledger::create_folder(&cache).expect("a folder");
    let path = cache.join("answers.sqlite");
    let mode = |path: &Path| path.metadata().expect("a file").permissions().mode() & 0o777;
    let ledger = Ledger::open_shared(&path).expect("a ledger");
    assert_eq!((mode(&cache), mode(&path)), (0o700, 0o600));
    assert_eq!(mode(&cache.join("answers.sqlite-wal")), 0o600);
    assert_eq!(mode(&cache.join("answers.sqlite-claims")), 0o700);
    drop(ledger);
    // One that was made with the usual permissions.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).expect("permissions");
    drop(Ledger::open(&path).expect("a ledger"));
    assert_eq!(mode(&path), 0o660, "what its group may do is its owner's choice");
}

#[test]
#[cfg(unix)]
fn a_ledger_that_is_deleted_while_in_use_is_written_anew() {
    let setup = Setup::new();
    let path = setup.ledger.path().to_owned();
    let folder = setup.folder.path().to_owned();
    let server = Server::start(move |seen| {
        if seen.prompt() == "150" {
            // The file, its log, and the memory that they share.
            for file in fs::read_dir(&folder).expect("a folder") {
                drop(fs::remove_file(file.expect("an entry").path()));
            }
        }
        Reply::text(seen.prompt())
    });
    let endpoint = setup.open(&model(&server));
    setup.ask(&endpoint, 100).assert_all_answered(100);
    let asks = (0..200).map(|n| Ok::<_, Infallible>(asking(&n.to_string(), n)));
    let error = setup.try_ask(&endpoint, "run", asks).expect_err("nowhere to keep answers");
    let gone = LedgerError::Gone { path: path.display().to_string(), is_rescued: true };
    assert_eq!(error, AskError::Ledger(gone));
    let reopened = Ledger::open(&path).expect("a ledger");
    let answers = reopened.answers(endpoint.key(), "run").expect("a reader");
    for n in 0..100 {
        let record = answers.get(&request(&n.to_string()).hash()).expect("a whole ledger");
        assert_eq!(record.and_then(|record| record.output), Some(n.to_string()));
    }
}

#[test]
fn what_others_add_is_seen_from_the_next_commit_on() {
    let (server, setup) = (echo(), Setup::new());
    let path = setup.folder.path().join("shared.sqlite");
    let ledgers = [0, 1].map(|_| Ledger::open(&path).expect("a ledger"));
    // To both of them it is new.
    let [ours, others] = ledgers.each_ref().map(|ledger| {
        Endpoint::open(&model(&server), None, &setup.network, ledger).expect("an endpoint")
    });
    let ask = |endpoint, run, texts: std::ops::Range<u64>| {
        setup.ask_all(endpoint, run, texts.map(|n| asking(&n.to_string(), n))).tally
    };
    assert_eq!(ask(&others, "others", 0..100).answered, 100);
    // Nothing of this is added: the others were first.
    assert_eq!(ask(&ours, "ours", 0..10).answered, 10);
    assert_eq!(ask(&ours, "ours", 0..100).cached, 100);
    assert_eq!(ask(&others, "others", 100..200).answered, 100);
    assert_eq!(ask(&ours, "ours", 100..200).cached, 100);
    assert_eq!(server.count(), 210);
}

fn check_refused(path: &Path, is_expected: impl Fn(&LedgerError) -> bool, message: &str) {
    let before = fs::read(path).expect("a file");
    let error = Ledger::open(path).expect_err("no ledger");
    assert!(is_expected(&error), "{error:?}");
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(fs::read(path).expect("a file"), before, "it was not touched");
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let setup = Setup::new();
    let path = setup.folder.path().join("foreign");
    let is_foreign = |error: &LedgerError| matches!(error, LedgerError::Foreign { .. });
    fs::write(&path, "item_id,answer\n1,yes\n").expect("a file");
    check_refused(&path, is_foreign, "is not an evalmark ledger: it is not a SQLite file");
    fs::remove_file(&path).expect("a file");
    let other = Connection::open(&path).expect("a database");
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("a table");
    drop(other);
    check_refused(&path, is_foreign, "it is another program's SQLite file");
}

#[test]
fn a_newer_format_is_refused() {
    let setup = Setup::new();
    let path = setup.folder.path().join("newer.sqlite");
    drop(Ledger::open(&path).expect("a ledger"));
    let connection = Connection::open(&path).expect("a database");
    connection
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 9")
        .expect("a newer format");
    drop(connection);
    let is_version = |error: &LedgerError| matches!(error, LedgerError::Version { found: 9, .. });
    check_refused(&path, is_version, "has format 9, and this evalmark reads those up to 3");
}

#[test]
fn an_older_format_is_brought_up_to_date() {
    let setup = Setup::new();
    let (path, key) = filled(&setup);
    let connection = Connection::open(&path).expect("a database");
    connection
        .execute_batch(
            "DROP INDEX answers_by_request; PRAGMA user_version = 1;
             ALTER TABLE answers DROP COLUMN details;
             CREATE UNIQUE INDEX answers_by_request ON answers (endpoint, hash)",
        )
        .expect("format 1");
    drop(connection);
    assert_eq!(Ledger::info(&path).expect("an older ledger").answers, 300);
    let ledger = Ledger::open(&path).expect("a ledger");
    let answers = ledger.answers(&key, "run").expect("a reader");
    let hash = request(&format!("7 {}", "long ".repeat(40))).hash();
    assert!(answers.get(&hash).expect("a whole ledger").is_some());
    let connection = Connection::open(&path).expect("a database");
    let number = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    assert_eq!(number("PRAGMA user_version"), Ok(3));
    let indices = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%substr%'";
    assert_eq!(number(indices), Ok(1));
}

/// The checksum of a row of format 2: the request's hash, each text behind its length, each number.
fn checksum_of_format_2(hash: &[u8; 32], texts: [&str; 4], numbers: [i64; 7]) -> i64 {
    let mut bytes = hash.to_vec();
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..8]);
    i64::from_le_bytes(first)
}

#[test]
fn a_ledger_without_details_is_brought_up_to_date_and_keeps_new_ones() {
    let setup = Setup::new();
    let path = setup.folder.path().join("older.sqlite");
    drop(Ledger::open(&path).expect("a ledger"));
    let server = Server::start(|seen| Reply::text(seen.prompt()));
    let key = endpoint_key(&model(&server)).expect("a server").expect("a key");
    let connection = Connection::open(&path).expect("a database");
    let older = "ALTER TABLE answers DROP COLUMN details; PRAGMA user_version = 2";
    connection.execute_batch(older).expect("format 2");
    connection.execute("INSERT INTO endpoints VALUES (1, ?1)", [&key]).expect("an endpoint");
    let hash = request("0").hash().0;
    let bits = |number: f64| number.to_bits().cast_signed();
    let numbers = [1, 7, bits(0.5), bits(0.25), bits(12.5), 3, 4];
    let checksum = checksum_of_format_2(&hash, ["old", "answered", "zero", "stop"], numbers);
    let insert = "INSERT INTO answers VALUES
        (1, ?1, 'old', 'answered', 'zero', 'stop', 1, 7, 0.5, 0.25, 12.5, 3, 4, ?2)";
    connection.execute(insert, rusqlite::params![hash.as_slice(), checksum]).expect("a row");
    drop(connection);
    let ledger = Ledger::open(&path).expect("a ledger");
    let endpoint = Endpoint::open(&model(&server), None, &setup.network, &ledger).expect("ready");
    let asked = setup.ask(&endpoint, 2);
    assert_eq!((asked.tally.cached, asked.tally.answered), (1, 1));
    let old = get(&endpoint, "run", "0").expect("an answer");
    assert_eq!(
        (old.output.as_deref(), old.usage.input_tokens, old.details),
        (Some("zero"), Some(3), None)
    );
    let new = get(&endpoint, "run", "1").expect("an answer").details.expect("details");
    assert_eq!(new.model.as_deref(), Some("loopback"));
    // Details are under the checksum, too.
    let connection = Connection::open(&path).expect("a database");
    let damage = "UPDATE answers SET details = '{}' WHERE details IS NOT NULL";
    assert_eq!(connection.execute(damage, []), Ok(1));
    let answers = endpoint.answers("run").expect("a reader");
    assert_eq!(answers.get(&request("1").hash()).ok().flatten(), None);
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let error = Ledger::open(Path::new("/nowhere/at/all.sqlite")).expect_err("no ledger");
    assert!(matches!(error, LedgerError::Unusable { .. }), "{error:?}");
}

/// A closed ledger with 300 answers, and the key of their endpoint.
fn filled(setup: &Setup) -> (PathBuf, String) {
    // Without details, so that older formats can hold the answers.
    let server = Server::start(|seen| {
        let choice = json!({ "message": { "content": seen.prompt() }, "finish_reason": "stop" });
        Reply::json(&json!({ "choices": [choice] }))
    });
    let path = setup.folder.path().join("filled.sqlite");
    let ledger = Ledger::open(&path).expect("a ledger");
    let endpoint = Endpoint::open(&model(&server), None, &setup.network, &ledger);
    let endpoint = endpoint.expect("an endpoint");
    let asks = (0..300).map(|n| asking(&format!("{n} {}", "long ".repeat(40)), n));
    assert_eq!(setup.ask_all(&endpoint, "run", asks).tally.answered, 300);
    (path, endpoint.key().to_owned())
}

fn is_damaged(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Damaged { .. })
}

#[test]
fn a_truncated_file_is_described() {
    let setup = Setup::new();
    let (path, _) = filled(&setup);
    let whole = fs::read(&path).expect("a ledger");
    for length in [60, 100, 4_096, 5_000, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("a file");
        check_refused(&path, is_damaged, "is damaged: it ends after");
    }
}

#[test]
fn a_flipped_bit_never_becomes_an_answer() {
    let setup = Setup::new();
    let (path, key) = filled(&setup);
    let whole = fs::read(&path).expect("a ledger");
    let answers = |path: &Path| {
        let answers = Ledger::open(path)?.answers(&key, "run")?;
        (0..300)
            .map(|n| answers.get(&request(&format!("{n} {}", "long ".repeat(40))).hash()))
            .collect::<Result<Vec<_>, _>>()
    };
    let expected = answers(&path).expect("a whole ledger");
    assert!(expected.iter().all(Option::is_some));
    // A fixed scramble spreads the flips over the file.
    for n in 0..150_usize {
        let at = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % whole.len();
        let mut file = fs::OpenOptions::new().write(true).open(&path).expect("a ledger");
        file.seek(SeekFrom::Start(at as u64)).expect("a place");
        file.write_all(&[whole[at] ^ (1 << (n % 8))]).expect("a byte");
        drop(file);
        // An error, or some answers missing (they would be asked again); never another answer.
        for (found, expected) in answers(&path).unwrap_or_default().iter().zip(&expected) {
            assert!(found.is_none() || found == expected, "byte {at}: {found:?}");
        }
        fs::write(&path, &whole).expect("a ledger");
    }
}

#[test]
fn a_ledger_that_cannot_be_written_ends_the_ask() {
    let (server, setup) = (echo(), Setup::new());
    let endpoint = setup.open(&model(&server));
    setup.ask(&endpoint, 10).assert_all_answered(10);
    let other = Connection::open(setup.ledger.path()).expect("the ledger");
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'no more'); END",
        )
        .expect("a trigger");
    let asks = (0..100_000).map(|n| Ok::<_, Infallible>(asking(&n.to_string(), n)));
    let error = setup.try_ask(&endpoint, "run", asks).expect_err("no ledger");
    assert!(matches!(&error, AskError::Ledger(LedgerError::Unusable { .. })), "{error:?}");
    assert!(error.to_string().contains("no more"), "{error}");
    assert!(server.count() < 20_000, "{}", server.count());
    other.execute_batch("DROP TRIGGER full").expect("no trigger");
    assert_eq!(setup.ask(&endpoint, 10).tally.cached, 10);
}
