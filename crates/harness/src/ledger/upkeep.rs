//! Looking after a ledger: what it holds, and throwing away what is no longer wanted.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{
    error::LedgerError,
    file::{Ledger, check_ledger, connect},
};

/// What a ledger holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Answers.
    pub answers: u64,
    /// Descriptions of what went wrong in some run and was not answered since.
    pub failures: u64,
    /// Size of the file and its write-ahead log.
    pub bytes: u64,
    /// When the oldest answer was asked for, microseconds since the Unix epoch; `None` where no
    /// answer has a time.
    pub oldest_us: Option<i64>,
    /// When the newest answer was asked for.
    pub newest_us: Option<i64>,
    /// Who answered, by key.
    pub endpoints: Vec<EndpointInfo>,
    /// What SQLite found wrong with the file, if anything.
    pub damage: Option<String>,
}

/// What a ledger holds of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointInfo {
    /// Who answers; see [`endpoint_key`](crate::endpoint_key).
    pub key: String,
    /// Answers.
    pub answers: u64,
    /// When the oldest was asked for.
    pub oldest_us: Option<i64>,
    /// When the newest was asked for.
    pub newest_us: Option<i64>,
}

impl EndpointInfo {
    /// The day on which the oldest was asked for, as `2026-11-27`.
    pub fn oldest_day(&self) -> Option<String> {
        self.oldest_us.and_then(day)
    }

    /// The day on which the newest was asked for.
    pub fn newest_day(&self) -> Option<String> {
        self.newest_us.and_then(day)
    }
}

/// The day of a moment in microseconds since the Unix epoch.
fn day(micros: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(moment.strftime("%Y-%m-%d").to_string())
}

/// What to throw away. Nothing named means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Only what was asked for before this moment. A recording's answers have no such time: they go
    /// only when their endpoint is named and nothing else.
    pub before: Option<SystemTime>,
    /// Only what this endpoint answered.
    pub endpoint_key: Option<String>,
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Answers.
    pub answers: u64,
    /// Descriptions of failures.
    pub failures: u64,
    /// Size of file and log before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// Whether the file could be made smaller; not while others keep it busy. What was thrown away
    /// is gone in any case, and its room is used again.
    pub is_compact: bool,
}

/// Where answers without a time stand: before all.
const TIMES: &str = "min(nullif(started_at_us, 0)), max(nullif(started_at_us, 0))";

impl Ledger {
    /// What the ledger at `path` holds, and whether the file is whole. Reads all of it, and changes
    /// nothing; others may use it meanwhile.
    pub fn info(path: &Path) -> Result<Info, LedgerError> {
        let connection = open(path)?;
        let failed = |error: rusqlite::Error| LedgerError::new(path, &error);
        connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(failed)?;
        let mut info = held(&connection).map_err(failed)?;
        info.bytes = size(path);
        Ok(info)
    }

    /// Throws away answers and failures of the ledger at `path`, and makes the file smaller.
    ///
    /// Safe while others use the file: they ask again for what is gone. A run that is under way may
    /// miss answers that it has seen, so throw away only what is older than it.
    pub fn prune(path: &Path, prune: &Prune) -> Result<Pruned, LedgerError> {
        let mut connection = open(path)?;
        let bytes_before = size(path);
        let deleted = delete(&mut connection, prune);
        let (answers, failures) = deleted.map_err(|error| LedgerError::new(path, &error))?;
        let compact = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
        let is_compact = match connection.execute_batch(compact) {
            Ok(()) => true,
            Err(error) => match LedgerError::new(path, &error) {
                // Others use the file; or there is no room for a second copy.
                LedgerError::Busy { .. } | LedgerError::Full { .. } => false,
                error => return Err(error),
            },
        };
        drop(connection);
        Ok(Pruned { answers, failures, bytes_before, bytes_after: size(path), is_compact })
    }
}

/// A connection to a ledger that is there.
fn open(path: &Path) -> Result<Connection, LedgerError> {
    if let Err(error) = path.metadata() {
        let detail = error.to_string();
        return Err(LedgerError::Unusable { path: path.display().to_string(), detail });
    }
    check_ledger(path)?;
    connect(path)
}

fn held(connection: &Connection) -> Result<Info, rusqlite::Error> {
    let count = |query: &str| connection.query_row(query, [], |row| number(row, 0));
    let mut endpoints = connection.prepare(&format!(
        "SELECT key, count(answers.endpoint), {TIMES}
         FROM endpoints LEFT JOIN answers ON answers.endpoint = endpoints.id
         GROUP BY endpoints.id ORDER BY key"
    ))?;
    let endpoints = endpoints.query_map([], |row| {
        Ok(EndpointInfo {
            key: row.get(0)?,
            answers: number(row, 1)?,
            oldest_us: row.get(2)?,
            newest_us: row.get(3)?,
        })
    })?;
    let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok(Info {
        answers: count("SELECT count(*) FROM answers")?,
        failures: count("SELECT count(*) FROM failures")?,
        bytes: 0,
        oldest_us: endpoints.iter().filter_map(|endpoint| endpoint.oldest_us).min(),
        newest_us: endpoints.iter().filter_map(|endpoint| endpoint.newest_us).max(),
        endpoints: endpoints.into_iter().filter(|endpoint| endpoint.answers > 0).collect(),
        damage: (verdict != "ok").then_some(verdict),
    })
}

/// A count. SQLite's integers have a sign.
fn number(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}

/// Deletes in one transaction; how many answers and failures.
fn delete(connection: &mut Connection, prune: &Prune) -> Result<(u64, u64), rusqlite::Error> {
    let before = prune.before.map(|before| {
        let since = before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    });
    let key = prune.endpoint_key.as_deref();
    let chosen = "endpoint IN (SELECT id FROM endpoints WHERE (?1 IS NULL OR key = ?1)
                               AND NOT (?2 IS NOT NULL AND key LIKE 'recorded:%'))
                  AND (?2 IS NULL OR started_at_us < ?2)";
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let delete = |table: &str| {
        transaction.execute(&format!("DELETE FROM {table} WHERE {chosen}"), params![key, before])
    };
    let deleted = (delete("answers")? as u64, delete("failures")? as u64);
    if before.is_none() {
        // A recording that is opened again is then imported again. Its number is never another's.
        transaction.execute(
            "UPDATE endpoints SET key = 'pruned:' || id || ':' || key
             WHERE (?1 IS NULL OR key = ?1) AND key LIKE 'recorded:%'",
            params![key],
        )?;
    }
    transaction.commit()?;
    Ok(deleted)
}

/// Bytes of the file and its log.
fn size(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| path.metadata().map_or(0, |file| file.len());
    size(path) + size(&PathBuf::from(log))
}
