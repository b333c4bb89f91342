//! Rows of JSON: one object a line (JSONL), or one array of objects.

use std::{
    fs::File,
    io::{BufRead, Read},
    path::Path,
    sync::Arc,
};

use super::{
    DatasetError, Format, RowLayout, encoding,
    json_scan::{Scan, lists_in},
    json_value,
    raw_rows::{RawRow, RawRows},
    sniff::{self, TextReader},
};
use crate::fields::Fields;

/// The longest row, in bytes: one that never ends must not fill the memory.
const MAX_ROW: usize = 256 << 20;
/// No more bytes than so many are made room for in advance.
const USUAL_ROW: usize = 1 << 12;

pub(super) fn open_lines(
    path: &Path,
    file: File,
    layout: &RowLayout,
) -> Result<RawRows, DatasetError> {
    let reader = sniff::open(path, file, Format::Jsonl, layout.encoding)?;
    Ok(Box::new(Lines { path: path.into(), reader, line: 0, length: 0, done: false }))
}

struct Lines {
    path: Arc<Path>,
    reader: TextReader,
    line: u64,
    /// That of the line that was read last, which the next one is likely to have, too.
    length: usize,
    done: bool,
}

impl Lines {
    /// The next line that is not blank.
    fn read(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::with_capacity(self.length);
        loop {
            bytes.clear();
            self.line += 1;
            let mut reader = Read::by_ref(&mut self.reader).take(MAX_ROW as u64);
            let n_read = reader.read_until(b'\n', &mut bytes)?;
            if n_read == 0 {
                return Ok(None);
            }
            if n_read == MAX_ROW {
                return Err(std::io::Error::other("it is longer than 256 MiB"));
            }
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                self.length = n_read.min(USUAL_ROW);
                return Ok(Some(bytes));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<RawRow, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let path = self.path.clone();
        match self.read() {
            Ok(None) => None,
            Ok(Some(bytes)) => {
                Some(Ok(RawRow::Json(JsonRow { path, row: None, start: (self.line, 1), bytes })))
            }
            Err(error) => {
                self.done = true;
                let place = format!("line {}", self.line);
                Some(Err(DatasetError::of_row(&path, place, format!("cannot be read: {error}"))))
            }
        }
    }
}

/// The bytes of an object, as they were cut out of a file.
pub(super) struct JsonRow {
    path: Arc<Path>,
    /// Its number, from 1, where rows are not lines.
    row: Option<u64>,
    /// Line and column of its first byte.
    start: (u64, u64),
    bytes: Vec<u8>,
}

impl JsonRow {
    /// What it says.
    pub(super) fn fields(self) -> Result<Fields, DatasetError> {
        row(&self.bytes, self.start).map_err(|(place, message)| {
            let line = self.start.0;
            let place = match self.row {
                None => format!("line {line}{place}"),
                Some(row) => format!("row {row} (line {line}){place}"),
            };
            DatasetError::of_row(&self.path, place, message)
        })
    }

    /// How long it is.
    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A row that begins at `start`, a line and a column. What is wrong comes with its column.
fn row(bytes: &[u8], start: (u64, u64)) -> Result<Fields, (String, String)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = encoding::lossy_columns(&bytes[..error.valid_up_to()]);
        (format!(", column {}", before + 1), encoding::not_utf8(bytes, &error))
    })?;
    let place = |at: usize| {
        let (line, column) = place(text, at, start);
        format!("line {line}, column {column}")
    };
    match json_value::object(text) {
        Ok(read) => Ok(read.into_fields(place)),
        Err(wrong) => {
            let (line, column) = self::place(text, wrong.at, start);
            let line = if line == start.0 { String::new() } else { format!(", line {line}") };
            Err((format!("{line}, column {column}"), wrong.message))
        }
    }
}

/// Line and column of a place in a text that begins at `start`.
fn place(text: &str, at: usize, start: (u64, u64)) -> (u64, u64) {
    let before = text.get(..at).unwrap_or(text);
    let lines = before.matches('\n').count() as u64;
    let columns = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64;
    if lines == 0 { (start.0, start.1 + columns) } else { (start.0 + lines, 1 + columns) }
}

/// The rows of the list that `layout.rows` leads to: the whole file, where it leads nowhere.
pub(super) fn open_array(
    path: &Path,
    file: File,
    layout: &RowLayout,
) -> Result<RawRows, DatasetError> {
    let mut elements = Elements {
        path: path.into(),
        reader: sniff::open(path, file, Format::Json, layout.encoding)?,
        line: 1,
        column: 1,
        row: 0,
        closing: Vec::new(),
        done: false,
    };
    elements.descend(&layout.rows).map_err(|(place, message)| {
        let place = place.trim_start_matches([' ', '(']).trim_end_matches(')');
        match place {
            "" => DatasetError::of_file(path, message),
            place => DatasetError::of_row(path, place, message),
        }
    })?;
    Ok(Box::new(elements))
}

/// The elements of an array, cut out one by one.
struct Elements {
    path: Arc<Path>,
    reader: TextReader,
    /// Of the next byte.
    line: u64,
    column: u64,
    row: u64,
    /// The brackets that the list of rows lies within, the innermost last.
    closing: Vec<u8>,
    done: bool,
}

/// Where something is wrong (behind the row's own place), and what.
type Problem = (String, String);

fn unreadable(error: &std::io::Error) -> Problem {
    (String::new(), format!("cannot be read: {error}"))
}

fn cut_off() -> Problem {
    (String::new(), "is cut off: the array is not closed".to_owned())
}

impl Elements {
    /// Goes to the first element of the list that the path leads to.
    fn descend(&mut self, path: &[String]) -> Result<(), Problem> {
        for (depth, step) in path.iter().enumerate() {
            let way = || path[..=depth].join(".");
            match self.next_byte().map_err(|error| unreadable(&error))? {
                Some(b'{') => {
                    self.advance();
                    self.find_key(step, &way())?;
                    self.closing.push(b'}');
                }
                Some(b'[') => {
                    self.advance();
                    self.find_index(step, &way())?;
                    self.closing.push(b']');
                }
                None => return Err(cut_off()),
                Some(_) => {
                    let message =
                        format!("`rows` leads to `{}`, and there is no such thing", way());
                    return Err(self.here(&message));
                }
            }
        }
        match self.next_byte().map_err(|error| unreadable(&error))? {
            Some(b'[') => {
                self.advance();
                Ok(())
            }
            None if path.is_empty() => {
                Err((String::new(), "is empty; it needs a JSON array of objects".to_owned()))
            }
            None => Err(cut_off()),
            Some(b'{') if path.is_empty() => Err((String::new(), self.what_object())),
            Some(_) if path.is_empty() => {
                Err((String::new(), "is not a JSON array of objects".to_owned()))
            }
            Some(_) => Err(self.here(&format!("`rows: {}` is not an array", path.join(".")))),
        }
    }

    /// Goes to the value of a key of the object that has just begun.
    fn find_key(&mut self, wanted: &str, way: &str) -> Result<(), Problem> {
        let mut known = Vec::new();
        loop {
            let byte = self.next_byte().map_err(|error| unreadable(&error))?.ok_or_else(cut_off)?;
            match byte {
                b',' => self.advance(),
                b'"' => {
                    let raw = self.value()?;
                    let key: String = serde_json::from_slice(&raw)
                        .map_err(|_| self.here("is not a key of a JSON object"))?;
                    if self.next_byte().map_err(|error| unreadable(&error))? != Some(b':') {
                        return Err(self.here("a colon is missing behind a key"));
                    }
                    self.advance();
                    if key == wanted {
                        return Ok(());
                    }
                    known.truncate(20);
                    known.push(key);
                    self.value()?;
                }
                _ => {
                    let known = known.join("`, `");
                    let message =
                        format!("`rows` leads to `{way}`, and the keys there are `{known}`");
                    return Err(self.here(&message));
                }
            }
        }
    }

    /// Goes to an element of the array that has just begun.
    fn find_index(&mut self, wanted: &str, way: &str) -> Result<(), Problem> {
        let no_such = format!("`rows` leads to `{way}`, and there is no such element");
        let Ok(wanted) = wanted.parse::<u64>() else { return Err(self.here(&no_such)) };
        for _ in 0..wanted {
            match self.next_byte().map_err(|error| unreadable(&error))? {
                Some(b']') => return Err(self.here(&no_such)),
                None => return Err(cut_off()),
                Some(_) => self.value()?,
            };
            if self.next_byte().map_err(|error| unreadable(&error))? == Some(b',') {
                self.advance();
            }
        }
        match self.next_byte().map_err(|error| unreadable(&error))? {
            Some(b']') => Err(self.here(&no_such)),
            _ => Ok(()),
        }
    }

    /// The bytes of the next value.
    fn value(&mut self) -> Result<Vec<u8>, Problem> {
        self.next_byte().map_err(|error| unreadable(&error))?;
        let value = self.element().map_err(|error| unreadable(&error))?;
        value.filter(|value| !value.is_empty()).ok_or_else(|| self.here("is cut off or too long"))
    }

    /// The next byte that is not white space; it stays there.
    fn next_byte(&mut self) -> std::io::Result<Option<u8>> {
        loop {
            let buffer = self.reader.fill_buf()?;
            match buffer.first().copied() {
                None => return Ok(None),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.advance(),
                other => return Ok(other),
            }
        }
    }

    /// Takes one byte.
    fn advance(&mut self) {
        let first = self.reader.buffer().first().copied();
        self.reader.consume(1);
        match first {
            Some(b'\n') => (self.line, self.column) = (self.line + 1, 1),
            // Bytes within a character.
            Some(0x80..=0xBF) => {}
            _ => self.column += 1,
        }
    }

    fn read(&mut self) -> Result<Option<RawRow>, Problem> {
        let unreadable = |error: std::io::Error| unreadable(&error);
        match self.next_byte().map_err(unreadable)?.ok_or_else(cut_off)? {
            b']' => {
                self.advance();
                return self.end().map(|()| None);
            }
            b',' if self.row > 1 => {
                self.advance();
                if self.next_byte().map_err(unreadable)? == Some(b']') {
                    return Err(self.here("a comma before the closing bracket"));
                }
            }
            _ if self.row > 1 => return Err(self.here("a comma is missing between two rows")),
            _ => {}
        }
        if self.next_byte().map_err(unreadable)?.ok_or_else(cut_off)? != b'{' {
            return Err(self.here("is not a JSON object"));
        }
        let start = (self.line, self.column);
        let element = self.element().map_err(unreadable)?;
        let Some(bytes) = element else { return Err(self.here("is cut off or too long")) };
        let (path, row) = (self.path.clone(), Some(self.row));
        Ok(Some(RawRow::Json(JsonRow { path, row, start, bytes })))
    }

    fn here(&self, message: &str) -> Problem {
        (format!(" (line {}, column {})", self.line, self.column), message.to_owned())
    }

    /// What the list lies within is closed, and nothing may follow.
    fn end(&mut self) -> Result<(), Problem> {
        while let Some(bracket) = self.closing.pop() {
            loop {
                match self.next_byte().map_err(|error| unreadable(&error))? {
                    Some(byte) if byte == bracket => break self.advance(),
                    Some(b',' | b':') => self.advance(),
                    None => {
                        let message = "is cut off: what the rows lie within is not closed";
                        return Err((String::new(), message.to_owned()));
                    }
                    Some(_) => drop(self.value()?),
                }
            }
        }
        match self.next_byte() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(self.here("has text after the array")),
            Err(error) => Err((String::new(), format!("cannot be read: {error}"))),
        }
    }

    /// The bytes of the element that begins here; `None` where it does not end.
    fn element(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let (mut element, mut scan) = (Vec::new(), Scan::default());
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() || element.len() > MAX_ROW {
                return Ok(None);
            }
            let end = scan.end(buffer);
            let taken = &buffer[..end.unwrap_or(buffer.len())];
            element.extend_from_slice(taken);
            for (i, line) in taken.split(|byte| *byte == b'\n').enumerate() {
                let columns = encoding::lossy_columns(line);
                if i == 0 {
                    self.column += columns;
                } else {
                    self.column = 1 + columns;
                }
                self.line += u64::from(i > 0);
            }
            let n_taken = taken.len();
            self.reader.consume(n_taken);
            if end.is_some() {
                return Ok(Some(element));
            }
        }
    }

    /// What to do about a file that holds an object and no array.
    fn what_object(&mut self) -> String {
        let start = self.reader.buffer();
        let is_lines = start.split(|byte| *byte == b'\n').take(2).all(|line| {
            let line = line.trim_ascii();
            line.starts_with(b"{") && line.ends_with(b"}")
        });
        if is_lines && start.contains(&b'\n') {
            return "holds one object a line, not an array; add `format: jsonl`".to_owned();
        }
        let lists = lists_in(start);
        let example = lists.first().map_or("data", String::as_str);
        let others = if lists.len() > 1 {
            format!(" (lists in it: `{}`)", lists.join("`, `"))
        } else {
            String::new()
        };
        format!(
            "is one object, not an array of objects; name the list of its rows, as in `dataset: {{ rows: \
             {example} }}`{others}"
        )
    }
}

impl Iterator for Elements {
    type Item = Result<RawRow, DatasetError>;

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
            Err((place, message)) => {
                self.done = true;
                Some(Err(DatasetError::of_row(
                    &self.path,
                    format!("row {}{place}", self.row),
                    message,
                )))
            }
        }
    }
}
