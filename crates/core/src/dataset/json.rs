//! Rows of JSON: one object a line (JSONL), or one array of objects.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

use serde_json::Value;
use struson::reader::{JsonReader, JsonStreamReader, ValueType};

use super::{DatasetError, Row, Rows};

/// A buffered file, past its byte order mark if it has one.
fn open_text(path: &Path, file: File) -> Result<BufReader<File>, DatasetError> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let start = reader
        .fill_buf()
        .map_err(|error| DatasetError::of_file(path, format!("cannot be read: {error}")))?;
    if start.starts_with(b"\xEF\xBB\xBF") {
        reader.consume(3);
    }
    Ok(reader)
}

pub(super) fn open_lines(path: &Path, file: File) -> Result<Rows, DatasetError> {
    let reader = open_text(path, file)?;
    Ok(Box::new(Lines { path: path.into(), reader, line: 0, done: false }))
}

struct Lines {
    path: Arc<Path>,
    reader: BufReader<File>,
    line: u64,
    done: bool,
}

impl Lines {
    /// The next line that is not blank.
    fn read(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            let mut bytes = Vec::new();
            self.line += 1;
            if self.reader.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(bytes));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = match self.read() {
            Ok(None) => return None,
            Ok(Some(bytes)) => parse(&bytes),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        Some(row.map_err(|message| {
            self.done = true;
            DatasetError::of_row(&self.path, format!("line {}", self.line), message)
        }))
    }
}

fn parse(bytes: &[u8]) -> Result<Row, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "is not UTF-8; save the file as UTF-8".to_owned())?;
    match serde_json::from_str(text) {
        Ok(Value::Object(row)) => Ok(row),
        Ok(_) => Err("is not a JSON object".to_owned()),
        Err(error) => Err(format!("is not valid JSON: {error}")),
    }
}

pub(super) fn open_array(path: &Path, file: File) -> Result<Rows, DatasetError> {
    let mut text = open_text(path, file)?;
    let is_blank = text.fill_buf().is_ok_and(<[u8]>::is_empty);
    if is_blank {
        return Err(DatasetError::of_file(path, "is empty; it needs a JSON array of objects"));
    }
    let mut reader = JsonStreamReader::new(text);
    reader.begin_array().map_err(|error| {
        DatasetError::of_file(path, format!("is not a JSON array of objects: {error}"))
    })?;
    Ok(Box::new(Elements { path: path.into(), reader: Some(reader), row: 0, done: false }))
}

struct Elements<R: Read> {
    path: Arc<Path>,
    /// `None` after the array's end.
    reader: Option<JsonStreamReader<R>>,
    row: u64,
    done: bool,
}

impl<R: Read> Elements<R> {
    fn read(&mut self) -> Result<Option<Row>, String> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let describe = |error: &dyn std::fmt::Display| format!("is not valid JSON: {error}");
        if !reader.has_next().map_err(|e| describe(&e))? {
            reader.end_array().map_err(|e| describe(&e))?;
            let end = self.reader.take().map(JsonReader::consume_trailing_whitespace);
            end.transpose().map_err(|e| format!("goes on after the array: {e}"))?;
            return Ok(None);
        }
        if reader.peek().map_err(|e| describe(&e))? != ValueType::Object {
            return Err("is not a JSON object".to_owned());
        }
        reader.deserialize_next().map(Some).map_err(|e| describe(&e))
    }
}

impl<R: Read> Iterator for Elements<R> {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.row += 1;
        match self.read() {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => {
                self.done = true;
                None
            }
            Err(message) => {
                self.done = true;
                Some(Err(DatasetError::of_row(&self.path, format!("row {}", self.row), message)))
            }
        }
    }
}
