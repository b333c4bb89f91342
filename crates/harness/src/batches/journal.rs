//! The record of all batches: which there are, how far each is, and which requests it holds.
//!
//! It is an SQLite file in a folder beside the ledger. A commit is on the disk when it returns: what
//! stands there has happened, or is about to.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use evalmark_core::request::RequestHash;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::ledger::{LedgerError, create_folder, find_endpoint, insert_endpoint, open_file};

/// Version of the tables below, in the file's `user_version`.
const FORMAT_VERSION: i64 = 1;
/// How long to wait for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// A request has a row while a batch holds it, and afterwards only where it has no answer:
/// `attempts` is how often that was so, and `failed_in` the ask that has given up on it, be it because
/// its batch, which keeps it, has results that cannot be read.
const TABLES: &str = "
    CREATE TABLE endpoints (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE batches (
        id TEXT PRIMARY KEY,
        endpoint INTEGER NOT NULL,
        step TEXT NOT NULL,
        n_requests INTEGER NOT NULL DEFAULT 0,
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        submitted_at_us INTEGER NOT NULL DEFAULT 0,
        file_id TEXT,
        remote_id TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE requests (
        endpoint INTEGER NOT NULL,
        hash BLOB NOT NULL,
        batch TEXT,
        number INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        failed_in TEXT,
        PRIMARY KEY (endpoint, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX requests_by_batch ON requests (batch, number);
";

/// The batches of one endpoint.
#[derive(Debug)]
pub(crate) struct Journal {
    connection: Mutex<Connection>,
    path: Arc<Path>,
    folder: PathBuf,
    endpoint: i64,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its file is being written.
    Gathering,
    /// Its file is whole.
    Sealed,
    /// The server has its file.
    Uploaded,
    /// The server is asked to create it, or was; whether it did is not known.
    Creating,
    /// The server has it.
    Created,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BatchRow {
    pub(super) id: String,
    pub(super) step: Step,
    pub(super) n_requests: u64,
    /// Tokens that were set aside for its prompts and answers.
    pub(super) tokens: (u64, u64),
    /// When its creation was asked for, microseconds since the Unix epoch.
    pub(super) submitted_at_us: i64,
    /// What the server calls its file, and itself.
    pub(super) file_id: Option<String>,
    pub(super) remote_id: Option<String>,
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing, or that no batch holds it.
    Free,
    /// This batch holds it.
    In(String),
    /// This ask has given up on it.
    Failed,
}

/// A request of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) number: u64,
    pub(super) hash: RequestHash,
    /// How often it came back without an answer.
    pub(super) attempts: u32,
    /// Whether an ask has told that it failed, while the batch keeps it.
    pub(super) is_told: bool,
}

/// How a request of a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldEnd {
    /// The ledger has its answer.
    Answered,
    /// It has none, and shall be asked again.
    Again,
    /// It has none, and this ask gives up on it.
    Failed,
    /// This ask gives up on it; whether it has an answer is not known, and the batch keeps it.
    Unsettled,
    /// It has none, as was told before: it is as if it had never been asked.
    Free,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Sealed => "sealed",
            Self::Uploaded => "uploaded",
            Self::Creating => "creating",
            Self::Created => "created",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Gathering, Self::Sealed, Self::Uploaded, Self::Creating, Self::Created];
        all.into_iter().find(|step| step.as_str() == name)
    }
}

impl Journal {
    /// The journal beside the ledger at `ledger`.
    pub(crate) fn open(ledger: &Path, endpoint_key: &str) -> Result<Self, LedgerError> {
        let mut folder = ledger.as_os_str().to_owned();
        folder.push("-batches");
        let folder = PathBuf::from(folder);
        let path: Arc<Path> = folder.join("journal.sqlite").into();
        let unusable = |error: std::io::Error| LedgerError::Unusable {
            path: path.display().to_string(),
            detail: error.to_string(),
        };
        create_folder(&folder).map_err(unusable)?;
        // Its owner's alone, before SQLite makes it.
        drop(open_file(&path).map_err(unusable)?);
        let open = || {
            let mut connection = Connection::open(&path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;",
            )?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let version: i64 =
                transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if version == 0 {
                transaction.execute_batch(TABLES)?;
                transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
            }
            let endpoint = match find_endpoint(&transaction, endpoint_key)? {
                Some(endpoint) => endpoint,
                None => insert_endpoint(&transaction, endpoint_key)?,
            };
            transaction.commit()?;
            Ok((connection, version, endpoint))
        };
        let opened = open().map_err(|error: rusqlite::Error| LedgerError::new(&path, &error));
        let (connection, version, endpoint) = opened?;
        if version > FORMAT_VERSION {
            let path = path.display().to_string();
            return Err(LedgerError::Version { path, found: version, known: FORMAT_VERSION });
        }
        Ok(Self { connection: Mutex::new(connection), path, folder, endpoint })
    }

    /// Where files of batches are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a transaction that changes something.
    fn change<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, LedgerError> {
        let run = || {
            let mut connection = self.connection();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run().map_err(|error| LedgerError::new(&self.path, &error))
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, LedgerError> {
        read(&self.connection()).map_err(|error| LedgerError::new(&self.path, &error))
    }

    /// Begins a batch.
    pub(super) fn begin(&self, id: &str) -> Result<(), LedgerError> {
        let insert = "INSERT INTO batches (id, endpoint, step) VALUES (?1, ?2, ?3)";
        let step = Step::Gathering.as_str();
        self.change(|t| t.execute(insert, params![id, self.endpoint, step]).map(drop))
    }

    /// What is known of requests, as the ask `ask` sees it.
    pub(super) fn known(
        &self,
        hashes: &[RequestHash],
        ask: &str,
    ) -> Result<Vec<Known>, LedgerError> {
        self.read(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT batch, failed_in FROM requests WHERE endpoint = ?1 AND hash = ?2",
            )?;
            let mut known = |hash: &RequestHash| {
                let key = params![self.endpoint, hash.0.as_slice()];
                let read = |row: &Row<'_>| {
                    let failed_in: Option<String> = row.get(1)?;
                    Ok(match row.get(0)? {
                        _ if failed_in.as_deref() == Some(ask) => Known::Failed,
                        Some(batch) => Known::In(batch),
                        None => Known::Free,
                    })
                };
                Ok(find.query_row(key, read).optional()?.unwrap_or(Known::Free))
            };
            hashes.iter().map(&mut known).collect()
        })
    }

    /// Puts requests into a batch, with the numbers from `first`: which of them are in it now. The
    /// others are in another one, or twice among these.
    pub(super) fn claim(
        &self,
        id: &str,
        hashes: &[RequestHash],
        first: u64,
        ask: &str,
    ) -> Result<Vec<bool>, LedgerError> {
        self.change(|transaction| {
            // Who was given up on by another ask begins anew.
            let mut insert = transaction.prepare_cached(
                "INSERT INTO requests (endpoint, hash, batch, number) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (endpoint, hash) DO UPDATE SET batch = ?3, number = ?4,
                     attempts = iif(failed_in IS NULL, attempts, 0), failed_in = NULL
                 WHERE batch IS NULL AND failed_in IS NOT ?5",
            )?;
            let mut number = first.cast_signed();
            let mut claim = |hash: &RequestHash| {
                let row = params![self.endpoint, hash.0.as_slice(), id, number, ask];
                let is_ours = insert.execute(row)? > 0;
                number += i64::from(is_ours);
                Ok(is_ours)
            };
            hashes.iter().map(&mut claim).collect()
        })
    }

    /// The file of a batch is whole.
    pub(super) fn seal(
        &self,
        id: &str,
        n_requests: u64,
        (input, output): (u64, u64),
    ) -> Result<(), LedgerError> {
        let update = "UPDATE batches SET step = ?2, n_requests = ?3, input_tokens = ?4,
                      output_tokens = ?5 WHERE id = ?1";
        let row = params![
            id,
            Step::Sealed.as_str(),
            n_requests.cast_signed(),
            stored(input),
            stored(output)
        ];
        self.change(|t| t.execute(update, row).map(drop))
    }

    /// The server has the file of a batch.
    pub(super) fn uploaded(&self, id: &str, file_id: &str) -> Result<(), LedgerError> {
        let update = "UPDATE batches SET step = ?2, file_id = ?3 WHERE id = ?1";
        self.change(|t| t.execute(update, params![id, Step::Uploaded.as_str(), file_id]).map(drop))
    }

    /// The server is about to be asked to create a batch.
    pub(super) fn creating(&self, id: &str, now_us: i64) -> Result<(), LedgerError> {
        let update = "UPDATE batches SET step = ?2, submitted_at_us = ?3 WHERE id = ?1";
        self.change(|t| t.execute(update, params![id, Step::Creating.as_str(), now_us]).map(drop))
    }

    /// The server has created a batch.
    pub(super) fn created(&self, id: &str, remote_id: &str) -> Result<(), LedgerError> {
        let update = "UPDATE batches SET step = ?2, remote_id = ?3 WHERE id = ?1";
        let row = params![id, Step::Created.as_str(), remote_id];
        self.change(|t| t.execute(update, row).map(drop))
    }

    /// The server has certainly not created a batch.
    pub(super) fn not_created(&self, id: &str) -> Result<(), LedgerError> {
        let update = "UPDATE batches SET step = iif(file_id IS NULL, ?2, ?3) WHERE id = ?1";
        let row = params![id, Step::Sealed.as_str(), Step::Uploaded.as_str()];
        self.change(|t| t.execute(update, row).map(drop))
    }

    /// A batch, if it is still there.
    pub(super) fn batch(&self, id: &str) -> Result<Option<BatchRow>, LedgerError> {
        let find = format!("SELECT {COLUMNS} FROM batches WHERE id = ?1");
        self.read(|connection| connection.query_row(&find, [id], batch_row).optional())
    }

    /// A request of a batch by its number, while the batch holds it.
    pub(super) fn held(&self, id: &str, number: u64) -> Result<Option<Held>, LedgerError> {
        self.read(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT number, hash, attempts, failed_in IS NOT NULL FROM requests
                 WHERE batch = ?1 AND number = ?2",
            )?;
            find.query_row(params![id, number.cast_signed()], held_row).optional()
        })
    }

    /// The first requests that a batch still holds, from this number on.
    pub(super) fn held_from(
        &self,
        id: &str,
        from: u64,
        count: usize,
    ) -> Result<Vec<Held>, LedgerError> {
        self.read(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT number, hash, attempts, failed_in IS NOT NULL FROM requests
                 WHERE batch = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
            )?;
            let key = params![id, from.cast_signed(), count.cast_signed()];
            find.query_map(key, held_row)?.collect()
        })
    }

    /// How many requests a batch still holds.
    pub(super) fn count_held(&self, id: &str) -> Result<u64, LedgerError> {
        let count = "SELECT count(*) FROM requests WHERE batch = ?1";
        let read = |row: &Row<'_>| row.get::<_, i64>(0).map(i64::unsigned_abs);
        self.read(|connection| connection.query_row(count, [id], read))
    }

    /// Requests of a batch have ended.
    pub(super) fn ended(
        &self,
        id: &str,
        ends: &[(u64, HeldEnd)],
        ask: &str,
    ) -> Result<(), LedgerError> {
        self.change(|transaction| {
            let mut delete = transaction
                .prepare_cached("DELETE FROM requests WHERE batch = ?1 AND number = ?2")?;
            let mut keep = transaction.prepare_cached(
                "UPDATE requests SET batch = NULL, attempts = attempts + 1, failed_in = ?3
                 WHERE batch = ?1 AND number = ?2",
            )?;
            let mut mark = transaction.prepare_cached(
                "UPDATE requests SET failed_in = ?3 WHERE batch = ?1 AND number = ?2",
            )?;
            for (number, end) in ends {
                let number = number.cast_signed();
                match end {
                    HeldEnd::Answered | HeldEnd::Free => delete.execute(params![id, number])?,
                    HeldEnd::Again => keep.execute(params![id, number, None::<&str>])?,
                    HeldEnd::Failed => keep.execute(params![id, number, ask])?,
                    HeldEnd::Unsettled => mark.execute(params![id, number, ask])?,
                };
            }
            Ok(())
        })
    }

    /// A batch is over. What it still holds is free again.
    pub(super) fn remove(&self, id: &str) -> Result<(), LedgerError> {
        self.change(|transaction| {
            transaction.execute("DELETE FROM requests WHERE batch = ?1 AND attempts = 0", [id])?;
            transaction.execute("UPDATE requests SET batch = NULL WHERE batch = ?1", [id])?;
            transaction.execute("DELETE FROM batches WHERE id = ?1", [id]).map(drop)
        })
    }

    /// Whether a batch of this name at the server is one of those that are known.
    pub(super) fn knows_remote(&self, remote_id: &str) -> Result<bool, LedgerError> {
        let find = "SELECT EXISTS (SELECT 1 FROM batches WHERE endpoint = ?1 AND remote_id = ?2)";
        let key = params![self.endpoint, remote_id];
        self.read(|connection| connection.query_row(find, key, |row| row.get(0)))
    }
}

/// The columns of a batch, in the order that [`batch_row`] expects.
const COLUMNS: &str =
    "id, step, n_requests, input_tokens, output_tokens, submitted_at_us, file_id, remote_id";

fn batch_row(row: &Row<'_>) -> Result<BatchRow, rusqlite::Error> {
    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let step: String = row.get(1)?;
    Ok(BatchRow {
        id: row.get(0)?,
        // A step that nobody knows is the one after which nothing is bought without a look.
        step: Step::from_name(&step).unwrap_or(Step::Creating),
        n_requests: number(2)?,
        tokens: (number(3)?, number(4)?),
        submitted_at_us: row.get(5)?,
        file_id: row.get(6)?,
        remote_id: row.get(7)?,
    })
}

fn held_row(row: &Row<'_>) -> Result<Held, rusqlite::Error> {
    Ok(Held {
        number: row.get::<_, i64>(0)?.unsigned_abs(),
        hash: RequestHash(row.get(1)?),
        attempts: row.get(2)?,
        is_told: row.get(3)?,
    })
}

/// SQLite's integers have a sign; no estimate reaches that far.
fn stored(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
