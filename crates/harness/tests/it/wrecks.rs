//! Ledgers that were truncated, overwritten or are something else: said, never believed.

use std::{fs, path::Path};

use evalmark_core::record::Record;
use evalmark_harness::{Endpoint, Ledger, LedgerError, Prune};
use evalmark_loopback::{Reply, Server};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::setup::{Setup, asking, model, request};

const ANSWERS: u64 = 150;

fn prompt(n: u64) -> String {
    format!("{n} {}", "long ".repeat(30))
}

/// A whole ledger: its bytes, its endpoint's key, and its answers.
struct Whole {
    setup: Setup,
    bytes: Vec<u8>,
    key: String,
    answers: Vec<Option<Record>>,
}

impl Whole {
    fn new() -> Self {
        let (server, setup) = (Server::start(|seen| Reply::text(seen.prompt())), Setup::new());
        let path = setup.folder.path().join("whole.sqlite");
        let ledger = Ledger::open(&path).expect("a ledger");
        let endpoint = Endpoint::open(&model(&server), None, &setup.network, &ledger);
        let endpoint = endpoint.expect("an endpoint");
        let asks = (0..ANSWERS).map(|n| asking(&prompt(n), n));
        assert_eq!(setup.ask_all(&endpoint, "run", asks).tally.answered, ANSWERS);
        let key = endpoint.key().to_owned();
        drop((endpoint, ledger));
        let bytes = fs::read(&path).expect("a ledger");
        let answers = read(&path, &key).expect("a whole ledger");
        assert!(answers.iter().all(Option::is_some));
        Self { setup, bytes, key, answers }
    }

    /// A wreck is refused or described, or gives right answers and none; and then it can be
    /// written, or not, but nothing panics.
    fn check(&self, wreck: &[u8], what: &str) -> Result<(), LedgerError> {
        let path = self.setup.folder.path().join("wreck.sqlite");
        for ending in ["", "-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{ending}", path.display())));
        }
        fs::write(&path, wreck).expect("a file");
        drop(Ledger::info(&path));
        let found = read(&path, &self.key)?;
        for (found, expected) in found.iter().zip(&self.answers) {
            assert!(found.is_none() || found == expected, "{what}: {found:?}");
        }
        Ledger::prune(&path, &Prune::default()).map(drop)
    }
}

fn read(path: &Path, key: &str) -> Result<Vec<Option<Record>>, LedgerError> {
    let answers = Ledger::open(path)?.answers(key, "run")?;
    (0..ANSWERS).map(|n| answers.get(&request(&prompt(n)).hash())).collect()
}

#[test]
fn truncated_anywhere_it_is_said() {
    let whole = Whole::new();
    let mut rng = SmallRng::seed_from_u64(1);
    for _ in 0..150 {
        let length = rng.random_range(1..whole.bytes.len());
        let error = whole.check(&whole.bytes[..length], "truncated").expect_err("no ledger");
        let is_said = matches!(error, LedgerError::Damaged { .. } | LedgerError::Foreign { .. });
        assert!(is_said, "{length}: {error:?}");
    }
}

#[test]
fn flipped_bits_never_become_answers() {
    let whole = Whole::new();
    let mut rng = SmallRng::seed_from_u64(2);
    let mut described = 0;
    for _ in 0..200 {
        let mut wreck = whole.bytes.clone();
        for _ in 0..rng.random_range(1..40) {
            let at = rng.random_range(0..wreck.len());
            wreck[at] ^= 1 << rng.random_range(0..8);
        }
        described += u32::from(whole.check(&wreck, "flipped").is_err());
    }
    assert!(described > 50, "{described} of 200 were described");
}

#[test]
fn overwritten_pages_never_become_answers() {
    let whole = Whole::new();
    let mut rng = SmallRng::seed_from_u64(3);
    for round in 0..150 {
        let mut wreck = whole.bytes.clone();
        let from = rng.random_range(0..wreck.len() / 512) * 512;
        let length = (512 << rng.random_range(0..5)).min(wreck.len() - from);
        let place = &mut wreck[from..from + length];
        match round % 3 {
            0 => place.fill(0),
            1 => rng.fill(place),
            // Another part of the same file, as a torn write leaves it.
            _ => {
                let other = rng.random_range(0..=whole.bytes.len() - length);
                place.copy_from_slice(&whole.bytes[other..other + length]);
            }
        }
        drop(whole.check(&wreck, "overwritten"));
    }
}

#[test]
fn foreign_files_are_refused() {
    let whole = Whole::new();
    let mut rng = SmallRng::seed_from_u64(4);
    for round in 0..60 {
        let mut foreign = vec![0; rng.random_range(1..20_000)];
        rng.fill(foreign.as_mut_slice());
        if round % 2 == 0 {
            // What pretends to be a SQLite file.
            let head = foreign.len().min(18);
            foreign[..head].copy_from_slice(&whole.bytes[..head]);
        }
        whole.check(&foreign, "foreign").expect_err("no ledger");
    }
}
