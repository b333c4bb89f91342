//! Looking up: what the ledger knows of one endpoint's answers, as one run sees it.

use std::{path::Path, sync::Arc};

use evalmark_core::{record::Record, request::RequestHash};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::LedgerError,
    file::connect,
    row::{ANSWER_COLUMNS, BY_REQUEST, read_answer, read_failure, request_key},
};

/// A reader of its own: it waits for no writer, and sees whatever was committed before each call.
#[derive(Debug)]
pub struct Answers {
    connection: Connection,
    path: Arc<Path>,
    endpoint: Option<i64>,
    run_id: Arc<str>,
    find_answer: String,
}

impl Answers {
    /// The answers of the endpoint that has this number in the ledger at `path`.
    pub(crate) fn open(
        path: &Arc<Path>,
        endpoint: i64,
        run_id: &Arc<str>,
    ) -> Result<Self, LedgerError> {
        Self::new(connect(path)?, path.clone(), Some(endpoint), run_id.clone())
    }

    pub(super) fn new(
        connection: Connection,
        path: Arc<Path>,
        endpoint: Option<i64>,
        run_id: Arc<str>,
    ) -> Result<Self, LedgerError> {
        let read_only = connection.execute_batch("PRAGMA query_only = ON");
        read_only.map_err(|error| LedgerError::new(&path, &error))?;
        let find_answer = format!("SELECT {ANSWER_COLUMNS} FROM answers WHERE {BY_REQUEST}");
        Ok(Self { connection, path, endpoint, run_id, find_answer })
    }

    /// How the request ended: its answer, whoever asked for it, or else this run's failure.
    /// `None`: this run has not asked it.
    ///
    /// The record counts as cached when another run asked for it.
    pub fn get(&self, hash: &RequestHash) -> Result<Option<Record>, LedgerError> {
        match self.answer(hash)? {
            Some(record) => Ok(Some(record)),
            None => self.failure(hash),
        }
    }

    /// The request's answer, whoever asked for it.
    pub fn answer(&self, hash: &RequestHash) -> Result<Option<Record>, LedgerError> {
        let Some(endpoint) = self.endpoint else { return Ok(None) };
        let find = || {
            let mut find = self.connection.prepare_cached(&self.find_answer)?;
            let read = |row: &rusqlite::Row<'_>| read_answer(row, hash, &self.run_id);
            find.query_row(request_key(endpoint, hash), read).optional()
        };
        match find().map_err(|error| self.error(&error))? {
            None => Ok(None),
            Some(Some(record)) => Ok(Some(record)),
            Some(None) => {
                let detail = format!("the answer to request {hash} is not what was written");
                Err(LedgerError::damaged(&self.path, detail))
            }
        }
    }

    /// Begins a batch: until its end, all calls see what was committed now, and cost less.
    pub fn begin(&self) -> Result<(), LedgerError> {
        self.connection.execute_batch("BEGIN").map_err(|error| self.error(&error))
    }

    /// Ends a batch.
    pub fn end(&self) -> Result<(), LedgerError> {
        self.connection.execute_batch("COMMIT").map_err(|error| self.error(&error))
    }

    /// What went wrong with the request in this run.
    fn failure(&self, hash: &RequestHash) -> Result<Option<Record>, LedgerError> {
        let Some(endpoint) = self.endpoint else { return Ok(None) };
        let find = || {
            let mut find = self.connection.prepare_cached(
                "SELECT kind, message, attempts, started_at_us, queue_ms, backoff_ms
                 FROM failures WHERE run_id = ?1 AND endpoint = ?2 AND hash = ?3",
            )?;
            let key = params![self.run_id, endpoint, hash.0.as_slice()];
            find.query_row(key, read_failure).optional()
        };
        find().map_err(|error: rusqlite::Error| self.error(&error))
    }

    fn error(&self, error: &rusqlite::Error) -> LedgerError {
        match error {
            // The columns do not hold what the tables' definition promises.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => LedgerError::damaged(&self.path, error.to_string()),
            error => LedgerError::new(&self.path, error),
        }
    }
}
