//! Importing a recording into the ledger, once per content.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use evalmark_core::{
    files::{FileError, open_regular},
    record::Outcome,
    request::RequestHash,
};
use rusqlite::{Connection, Row, TransactionBehavior};

use crate::{
    ledger::{
        AnswerInsert, BY_REQUEST, Ledger, LedgerError, Sealed, find_endpoint, insert_endpoint,
        request_key,
    },
    recorded_answers::{RecordedAnswer, RecordingError},
};

/// Imported answers were asked for by no run of ours, so that every run sees them as cached.
const NO_RUN: &str = "";

/// The endpoint key of the recording at `path`: it names the content, wherever the file lies.
pub(crate) fn recording_key(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open(path)?)?;
    Ok(key_of(&hasher))
}

/// A recording is a regular file: a pipe could be read only once.
fn open(path: &Path) -> io::Result<File> {
    open_regular(path).map_err(|error| match error {
        FileError::Unreadable(error) => error,
        error => io::Error::other(format!("it {error}")),
    })
}

fn key_of(hasher: &blake3::Hasher) -> String {
    format!("recorded:{}", hasher.finalize().to_hex())
}

/// Makes the recording's answers the ledger's, all or none. Returns the endpoint's key and number.
///
/// Lines are read one by one; a bad one, or two that disagree, is an error that names its line.
pub(crate) fn import(path: &Path, ledger: &Ledger) -> Result<(String, i64), RecordingError> {
    let key = recording_key(path).map_err(|error| RecordingError::unreadable(path, &error))?;
    let failed = |error: rusqlite::Error| LedgerError::new(ledger.path(), &error);
    let mut connection = ledger.connect()?;
    if let Some(id) = find_endpoint(&connection, &key).map_err(failed)? {
        return Ok((key, id));
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster.
    if let Some(id) = find_endpoint(&transaction, &key).map_err(failed)? {
        return Ok((key, id));
    }
    let id = insert_endpoint(&transaction, &key).map_err(failed)?;
    let mut lines = Lines::open(path)?;
    while let Some((line, answer)) = lines.next()? {
        let conflict = add(&transaction, id, answer).map_err(failed)?;
        if let Some(hash) = conflict {
            return Err(conflicting(path, line, &hash));
        }
    }
    if key_of(&lines.hasher) != key {
        return Err(RecordingError::Changed { path: path.display().to_string() });
    }
    transaction.commit().map_err(failed)?;
    Ok((key, id))
}

/// Adds one answer. Its hash comes back when another answer stands there already.
fn add(
    connection: &Connection,
    endpoint: i64,
    answer: RecordedAnswer,
) -> Result<Option<RequestHash>, rusqlite::Error> {
    let hash = answer.hash;
    let record = answer.into_record();
    let sealed = Sealed::new(&hash, NO_RUN, &record);
    if AnswerInsert::new(connection)?.add((endpoint, &hash), NO_RUN, &record, &sealed)? {
        return Ok(None);
    }
    let find = format!("SELECT outcome, output FROM answers WHERE {BY_REQUEST}");
    let is_same = |row: &Row<'_>| {
        let (outcome, output) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        Ok(outcome == record.outcome.as_str() && Some(output) == record.output.as_deref())
    };
    let is_same =
        connection.prepare_cached(&find)?.query_row(request_key(endpoint, &hash), is_same)?;
    Ok((!is_same).then_some(hash))
}

/// Finds the earlier of two lines that disagree, by reading again: this need not be fast.
fn conflicting(path: &Path, second: u64, hash: &RequestHash) -> RecordingError {
    let mut first = 0;
    if let Ok(mut lines) = Lines::open(path) {
        while let Ok(Some((line, answer))) = lines.next() {
            if answer.hash == *hash {
                first = line;
                break;
            }
        }
    }
    let (path, hash) = (path.display().to_string(), hash.to_string());
    RecordingError::Conflict { path, first, second, hash }
}

/// The lines of a recording; empty ones are skipped.
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    hasher: blake3::Hasher,
    line: u64,
    buffer: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self, RecordingError> {
        let file = open(path).map_err(|error| RecordingError::unreadable(path, &error))?;
        let (reader, hasher) = (BufReader::new(file), blake3::Hasher::new());
        Ok(Self { path, reader, hasher, line: 0, buffer: Vec::new() })
    }

    fn next(&mut self) -> Result<Option<(u64, RecordedAnswer)>, RecordingError> {
        loop {
            self.buffer.clear();
            let read = self.reader.read_until(b'\n', &mut self.buffer);
            if read.map_err(|error| RecordingError::unreadable(self.path, &error))? == 0 {
                return Ok(None);
            }
            self.hasher.update(&self.buffer);
            self.line += 1;
            let is_first = self.line == 1;
            let text = self.buffer.strip_prefix(b"\xef\xbb\xbf").filter(|_| is_first);
            let text = text.unwrap_or(&self.buffer).trim_ascii();
            if !text.is_empty() {
                let answer = parse(text).map_err(|detail| self.bad(detail))?;
                return Ok(Some((self.line, answer)));
            }
        }
    }

    fn bad(&self, detail: String) -> RecordingError {
        RecordingError::Line { path: self.path.display().to_string(), line: self.line, detail }
    }
}

fn parse(text: &[u8]) -> Result<RecordedAnswer, String> {
    let answer: RecordedAnswer = serde_json::from_slice(text).map_err(|error| {
        let rest = text.get(error.column().saturating_sub(1)..).unwrap_or_default();
        let is_here = |word: &&str| rest.trim_ascii_start().starts_with(word.as_bytes());
        if let Some(word) = ["NaN", "Infinity"].into_iter().find(is_here) {
            return format!("{word} at column {} is not JSON; write null", error.column());
        }
        // The line within the line is always 1.
        error.to_string().replace(" at line 1 column ", " at column ")
    })?;
    match answer.outcome {
        Outcome::Answered | Outcome::Refused => Ok(answer),
        other => Err(format!("`outcome` must be `answered` or `refused`, not `{other}`")),
    }
}
