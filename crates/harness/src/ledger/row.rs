//! What a row holds: a record and its place, with a checksum against silent damage.

use evalmark_core::{
    answer_details::AnswerDetails,
    record::{ErrorKind, Failure, FinishReason, Outcome, Record, Timing, Usage},
    request::RequestHash,
};
use rusqlite::{CachedStatement, Connection, Row, params};

/// The columns of an answer, in the order that [`read_answer`] expects.
pub(super) const ANSWER_COLUMNS: &str = "run_id, outcome, output, finish_reason, attempts, \
     started_at_us, queue_ms, backoff_ms, latency_ms, input_tokens, output_tokens, checksum, details";

/// Which answer is that to a request; [`request_key`] gives its parameters. That it is the right one
/// shows in its checksum.
pub(crate) const BY_REQUEST: &str = "endpoint = ?1 AND substr(hash, 1, 12) = ?2";

/// What [`BY_REQUEST`] asks for.
pub(crate) fn request_key(endpoint: i64, hash: &RequestHash) -> (i64, &[u8]) {
    (endpoint, &hash.0[..12])
}

/// What an answer's row has beside its record: it can be made before the row's turn comes.
pub(crate) struct Sealed {
    details: Option<String>,
    checksum: i64,
}

impl Sealed {
    pub(crate) fn new(hash: &RequestHash, run_id: &str, record: &Record) -> Self {
        let details = record.details.as_ref().map(|details| details.to_json());
        Self { checksum: checksum(hash, run_id, record, details.as_deref()), details }
    }
}

/// Adds answers.
pub(crate) struct AnswerInsert<'a>(CachedStatement<'a>);

impl<'a> AnswerInsert<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        connection.prepare_cached(INSERT_ANSWER).map(Self)
    }

    /// Adds an answer, unless the ledger has one already. Whether it was added.
    pub(crate) fn add(
        &mut self,
        (endpoint, hash): (i64, &RequestHash),
        run_id: &str,
        record: &Record,
        Sealed { details, checksum }: &Sealed,
    ) -> Result<bool, rusqlite::Error> {
        let Record { timing, usage, .. } = record;
        let added = self.0.execute(params![
            endpoint,
            hash.0.as_slice(),
            run_id,
            record.outcome.as_str(),
            record.output.as_deref().unwrap_or_default(),
            record.finish_reason.as_ref().map(FinishReason::as_str),
            record.attempts,
            timing.started_at_us,
            timing.queue_ms,
            timing.backoff_ms,
            timing.latency_ms,
            usage.input_tokens.map(stored),
            usage.output_tokens.map(stored),
            checksum,
            details,
        ])?;
        Ok(added > 0)
    }
}

const INSERT_ANSWER: &str = "INSERT INTO answers (endpoint, hash, run_id, outcome, output, finish_reason, attempts,
             started_at_us, queue_ms, backoff_ms, latency_ms, input_tokens, output_tokens, checksum, details)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (endpoint, substr(hash, 1, 12)) DO NOTHING";

/// Adds or replaces the failure of one request in one run.
pub(super) fn insert_failure(
    connection: &Connection,
    endpoint: i64,
    hash: &RequestHash,
    run_id: &str,
    record: &Record,
) -> Result<(), rusqlite::Error> {
    let Some(failure) = &record.failure else { return Ok(()) };
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO failures (run_id, endpoint, hash, kind, message, attempts,
             started_at_us, queue_ms, backoff_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    insert.execute(params![
        run_id,
        endpoint,
        hash.0.as_slice(),
        failure.kind.as_str(),
        failure.message,
        record.attempts,
        record.timing.started_at_us,
        record.timing.queue_ms,
        record.timing.backoff_ms,
    ])?;
    Ok(())
}

/// Whether there is any failure, of whatever run.
pub(super) fn has_failures(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let mut exists = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM failures)")?;
    exists.query_row([], |row| row.get(0))
}

/// Removes the failure of one request in one run, if there is one.
pub(super) fn delete_failure(
    connection: &Connection,
    endpoint: i64,
    hash: &RequestHash,
    run_id: &str,
) -> Result<(), rusqlite::Error> {
    let mut delete = connection
        .prepare_cached("DELETE FROM failures WHERE run_id = ?1 AND endpoint = ?2 AND hash = ?3")?;
    delete.execute(params![run_id, endpoint, hash.0.as_slice()]).map(drop)
}

/// An answer as run `run_id` sees it; `None` when its checksum or outcome is not right.
pub(super) fn read_answer(
    row: &Row<'_>,
    hash: &RequestHash,
    run_id: &str,
) -> Result<Option<Record>, rusqlite::Error> {
    let asked_by = row.get_ref(0)?.as_str()?;
    let outcome = match row.get_ref(1)?.as_str()? {
        "answered" => Outcome::Answered,
        "refused" => Outcome::Refused,
        _ => return Ok(None),
    };
    let mut record = Record {
        outcome,
        output: Some(row.get(2)?),
        finish_reason: row.get::<_, Option<String>>(3)?.map(FinishReason::from),
        failure: None,
        attempts: row.get(4)?,
        timing: Timing {
            started_at_us: row.get(5)?,
            queue_ms: row.get(6)?,
            backoff_ms: row.get(7)?,
            latency_ms: row.get(8)?,
        },
        usage: Usage {
            input_tokens: row.get::<_, Option<i64>>(9)?.map(i64::unsigned_abs),
            output_tokens: row.get::<_, Option<i64>>(10)?.map(i64::unsigned_abs),
        },
        cached: asked_by != run_id,
        details: None,
    };
    let details = row.get_ref(12)?.as_str_or_null()?;
    if row.get::<_, i64>(11)? != checksum(hash, asked_by, &record, details) {
        return Ok(None);
    }
    record.usage = record.usage.plausible();
    let Ok(details) = details.map(AnswerDetails::from_json).transpose() else { return Ok(None) };
    record.details = details.map(Box::new);
    Ok(Some(record))
}

/// The failure of one request in one run.
pub(super) fn read_failure(row: &Row<'_>) -> Result<Record, rusqlite::Error> {
    let message = row.get(1)?;
    let (kind, message) = match kind(row.get_ref(0)?.as_str()?) {
        Some(kind) => (kind, message),
        None => (ErrorKind::Malformed, format!("(of an unknown kind) {message}")),
    };
    Ok(Record {
        outcome: Outcome::Failed,
        output: None,
        finish_reason: None,
        failure: Some(Failure { kind, message }),
        attempts: row.get(2)?,
        timing: Timing {
            started_at_us: row.get(3)?,
            queue_ms: row.get(4)?,
            backoff_ms: row.get(5)?,
            latency_ms: None,
        },
        usage: Usage::default(),
        cached: false,
        details: None,
    })
}

/// The kind that `ErrorKind::as_str` names.
fn kind(name: &str) -> Option<ErrorKind> {
    serde_json::from_value(name.into()).ok()
}

/// SQLite's integers have a sign; no provider counts that far.
fn stored(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// A checksum over all that a row says. Rows without details have the checksum that they had before
/// there were any.
fn checksum(hash: &RequestHash, run_id: &str, record: &Record, details: Option<&str>) -> i64 {
    // Hashed as a whole, which costs less than part by part.
    let output = record.output.as_deref();
    let mut bytes = Vec::with_capacity(output.map_or(0, str::len) + 256);
    bytes.extend_from_slice(&hash.0);
    let mut text = |text: Option<&str>| {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
    };
    text(Some(run_id));
    text(Some(record.outcome.as_str()));
    text(output);
    text(record.finish_reason.as_ref().map(FinishReason::as_str));
    let Record { timing, usage, attempts, .. } = record;
    let tokens = |tokens: Option<u64>| tokens.map_or(-1, stored);
    for number in [
        i64::from(*attempts),
        timing.started_at_us,
        timing.queue_ms.to_bits().cast_signed(),
        timing.backoff_ms.to_bits().cast_signed(),
        timing.latency_ms.unwrap_or(-1.0).to_bits().cast_signed(),
        tokens(usage.input_tokens),
        tokens(usage.output_tokens),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(details.unwrap_or_default().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..8]);
    i64::from_le_bytes(first)
}
