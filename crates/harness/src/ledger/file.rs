//! The file: opening, checking, and refusing what is no ledger.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::request_bloom_filter::RequestFilter;

use super::{
    claims::Claims,
    disk::sync_folder_of,
    error::LedgerError,
    private::{close_to_others, open_file},
    read::Answers,
    write::{Writer, WriterThread},
};

/// Version of the tables below, in the file's `user_version`.
pub const FORMAT_VERSION: i64 = 3;
/// `evlm`, in the file's `application_id`.
const APPLICATION_ID: i64 = 0x6576_6c6d;
/// First bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long to wait for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// `answers` holds at most one answer per endpoint and request: the first that was committed.
/// `failures` holds what went wrong in a run, until an answer arrives. `checksum` covers all
/// other columns of an answer, and the hash. `details` is JSON. The index holds the first 12 bytes of a hash only: they
/// are as good as unique, and a small index is what keeps a large ledger quick.
const TABLES: &str = "
    CREATE TABLE endpoints (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE answers (
        endpoint INTEGER NOT NULL,
        hash BLOB NOT NULL,
        run_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        output TEXT NOT NULL,
        finish_reason TEXT,
        attempts INTEGER NOT NULL,
        started_at_us INTEGER NOT NULL,
        queue_ms REAL NOT NULL,
        backoff_ms REAL NOT NULL,
        latency_ms REAL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        checksum INTEGER NOT NULL,
        details TEXT
    ) STRICT;
    CREATE UNIQUE INDEX answers_by_request ON answers (endpoint, substr(hash, 1, 12));
    CREATE TABLE failures (
        run_id TEXT NOT NULL,
        endpoint INTEGER NOT NULL,
        hash BLOB NOT NULL,
        kind TEXT NOT NULL,
        message TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        started_at_us INTEGER NOT NULL,
        queue_ms REAL NOT NULL,
        backoff_ms REAL NOT NULL,
        PRIMARY KEY (run_id, endpoint, hash)
    ) STRICT, WITHOUT ROWID;
";
/// Format 1 had whole hashes in its index.
const FROM_FORMAT_1: &str = "
    DROP INDEX answers_by_request;
    CREATE UNIQUE INDEX answers_by_request ON answers (endpoint, substr(hash, 1, 12));
";
/// Format 2 had no details.
const FROM_FORMAT_2: &str = "ALTER TABLE answers ADD COLUMN details TEXT;";

/// An open ledger. Cheap to clone; several processes may have the same file open.
///
/// A crash of the process loses at most the answers of the last 50 milliseconds
/// ([`COMMIT_INTERVAL`](super::COMMIT_INTERVAL)), a crash of the system or a power cut those of about
/// the last second ([`SYNC_INTERVAL`](super::SYNC_INTERVAL)). When the last clone is dropped, what has
/// arrived is committed first.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: Arc<Path>,
    writer: Arc<WriterThread>,
    asked: Arc<RequestFilter>,
    claims: Option<Claims>,
}

impl Ledger {
    /// Opens the ledger at `path`, or begins one where there is no file. The folder must exist.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        make_private(path);
        check_file(path)?;
        let mut connection = connect_to(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        prepare(&mut connection, path).map_err(LedgerError::at_the_start)?;
        let path: Arc<Path> = path.into();
        let writer = WriterThread::start(connection, &path)?;
        Ok(Self { path, writer: Arc::new(writer), asked: Arc::default(), claims: None })
    }

    /// As [`open()`](Self::open), for a ledger that other processes use, too: what one of them is
    /// asking the others do not ask, but wait for its answer.
    pub fn open_shared(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { claims: Some(Claims::open(path)), ..Self::open(path)? })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the ledger knows of one endpoint's answers, as run `run_id` sees it. An endpoint that
    /// was never opened with this ledger has none.
    pub fn answers(&self, endpoint_key: &str, run_id: &str) -> Result<Answers, LedgerError> {
        let connection = self.connect()?;
        let endpoint = find_endpoint(&connection, endpoint_key);
        let endpoint = endpoint.map_err(|error| LedgerError::new(&self.path, &error))?;
        Answers::new(connection, self.path.clone(), endpoint, run_id.into())
    }

    pub(crate) fn claims(&self) -> Option<Claims> {
        self.claims.clone()
    }

    /// The number that stands for `endpoint_key` in this file, and whether there is no answer of it
    /// yet.
    pub(crate) fn enroll(&self, endpoint_key: &str) -> Result<(i64, bool), LedgerError> {
        let enroll = |mut connection: Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let id = insert_endpoint(&transaction, endpoint_key)?;
            let find = "SELECT NOT EXISTS (SELECT 1 FROM answers WHERE endpoint = ?1)";
            let is_new = transaction.query_row(find, [id], |row| row.get(0))?;
            transaction.commit()?;
            Ok((id, is_new))
        };
        enroll(self.connect()?)
            .map_err(|error: rusqlite::Error| LedgerError::new(&self.path, &error))
    }

    pub(crate) fn connect(&self) -> Result<Connection, LedgerError> {
        connect(&self.path)
    }

    pub(crate) fn writer(&self) -> Writer {
        self.writer.writer()
    }

    /// Says that no more answers will come for a while: the ledger tidies its log, and is not waited
    /// for.
    pub fn tidy(&self) {
        self.writer.writer().tidy();
    }

    pub(crate) fn asked(&self) -> Arc<RequestFilter> {
        self.asked.clone()
    }
}

pub(crate) fn find_endpoint(
    connection: &Connection,
    key: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    let find = "SELECT id FROM endpoints WHERE key = ?1";
    connection.query_row(find, [key], |row| row.get(0)).optional()
}

pub(crate) fn insert_endpoint(connection: &Connection, key: &str) -> Result<i64, rusqlite::Error> {
    connection.execute("INSERT INTO endpoints (key) VALUES (?1) ON CONFLICT DO NOTHING", [key])?;
    connection.query_row("SELECT id FROM endpoints WHERE key = ?1", [key], |row| row.get(0))
}

/// Makes the file, if there is none, before SQLite does: it is its owner's alone, and so are the files
/// that SQLite puts beside it. Whatever cannot be opened so is left to SQLite, which says why.
fn make_private(path: &Path) {
    if let Ok(file) = open_file(path) {
        close_to_others(&file);
    }
}

/// Refuses what cannot be a whole SQLite file, before SQLite touches it.
fn check_file(path: &Path) -> Result<(), LedgerError> {
    let unusable = |error: std::io::Error| LedgerError::Unusable {
        path: path.display().to_string(),
        detail: error.to_string(),
    };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.map_err(unusable)?,
    };
    let mut head = Vec::with_capacity(100);
    file.by_ref().take(100).read_to_end(&mut head).map_err(unusable)?;
    if head.is_empty() {
        return Ok(());
    }
    if !head.starts_with(MAGIC) {
        let detail = "it is not a SQLite file".into();
        return Err(LedgerError::Foreign { path: path.display().to_string(), detail });
    }
    if head.len() < 100 {
        return Err(LedgerError::damaged(path, format!("it ends after {} bytes", head.len())));
    }
    // 1 stands for 65,536, which does not fit.
    let page_size = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        size => u64::from(size).max(1),
    };
    let pages = u64::from(u32::from_be_bytes([head[28], head[29], head[30], head[31]]));
    let length = || file.metadata().map_err(unusable).map(|of| of.len());
    let is_whole = |length: u64| length.is_multiple_of(page_size) && length >= pages * page_size;
    // Another process may be about to write what is lacking.
    let mut patience = 10;
    while !is_whole(length()?) && !has_log(path) && patience > 0 {
        std::thread::sleep(Duration::from_millis(10));
        patience -= 1;
    }
    let length = length()?;
    if !is_whole(length) && !has_log(path) {
        let detail = format!("it ends after {length} bytes, within a page or before its last");
        return Err(LedgerError::damaged(path, detail));
    }
    Ok(())
}

/// Whether a write-ahead log may hold pages that the file itself does not have yet.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log).metadata().is_ok_and(|log| log.len() > 0)
}

/// Connects to a file that is there.
pub(super) fn connect(path: &Path) -> Result<Connection, LedgerError> {
    if !path.exists() {
        return Err(LedgerError::Gone { path: path.display().to_string(), is_rescued: false });
    }
    connect_to(path, OpenFlags::empty())
}

/// The log may grow to 16,000 pages, 64 MB, before they are copied to where they belong: by then
/// many pages of the index have been written several times, and are copied once.
fn connect_to(path: &Path, more: OpenFlags) -> Result<Connection, LedgerError> {
    let connect = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF; PRAGMA cache_size = -2048;
             PRAGMA wal_autocheckpoint = 16000;",
        )?;
        Ok(connection)
    };
    connect().map_err(|error: rusqlite::Error| LedgerError::new(path, &error))
}

/// Refuses what is no ledger that this evalmark can use, and changes nothing.
pub(super) fn check_ledger(path: &Path) -> Result<(), LedgerError> {
    check_file(path)?;
    if format(&connect(path)?, path)? > 0 {
        return Ok(());
    }
    let detail = "it is empty".into();
    Err(LedgerError::Foreign { path: path.display().to_string(), detail })
}

/// Makes an empty file a ledger, and an older ledger one of this format; refuses whatever else it
/// may be.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let failed = |error: rusqlite::Error| LedgerError::new(path, &error);
    // In one transaction, so that all that is read is of the same moment: another process may be
    // making the tables.
    let reading = connection.transaction().map_err(failed)?;
    let is_ready = format(&reading, path)? == FORMAT_VERSION;
    drop(reading);
    // First of all, because tables are made with fewer waits for the disk in this mode.
    write_ahead(connection).map_err(failed)?;
    if is_ready {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have done it meanwhile.
    let changes: &[&str] = match format(&transaction, path)? {
        FORMAT_VERSION => return Ok(()),
        0 => &[TABLES],
        1 => &[FROM_FORMAT_1, FROM_FORMAT_2],
        _ => &[FROM_FORMAT_2],
    };
    for change in changes {
        transaction.execute_batch(change).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", FORMAT_VERSION).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    sync_folder_of(path);
    Ok(())
}

/// The format of a ledger that this evalmark can use; 0 for an empty file. Any other is refused.
fn format(connection: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let number = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    let read = || {
        Ok((
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
            number("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    let numbers = read().map_err(|error: rusqlite::Error| LedgerError::new(path, &error))?;
    let path = path.display().to_string();
    match numbers {
        (0, 0, 0) => Ok(0),
        (APPLICATION_ID, found @ 1..=FORMAT_VERSION, _) => Ok(found),
        (APPLICATION_ID, found, _) => {
            Err(LedgerError::Version { path, found, known: FORMAT_VERSION })
        }
        _ => {
            let detail = "it is another program's SQLite file".into();
            Err(LedgerError::Foreign { path, detail })
        }
    }
}

/// Readers do not wait for the writer, nor it for them.
///
/// SQLite does not wait for others when it changes the mode, so that is tried a few times.
fn write_ahead(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut tries_left = 100;
    loop {
        let mode =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Err(error) if is_busy(&error) && tries_left > 0 => {
                tries_left -= 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            mode => return mode.map(drop),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}
