//! The JSON documents of a file: one a line, the elements of a list, or those of an object's `data`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use evalmark_core::logs::long_numbers_quoted;
use serde_json::Value;

use super::FeedbackError;
use crate::logs::unpacked;

/// A line is no longer, and a document of many lines no larger.
const LONGEST_LINE: u64 = 16 << 20;
const LARGEST: u64 = 512 << 20;

/// Visits each document with its number, from 1, or what is wrong with it.
pub(super) fn each(
    path: &Path,
    visit: &mut dyn FnMut(u64, Result<Value, String>),
) -> Result<(), FeedbackError> {
    let unreadable =
        |source: io::Error| FeedbackError::Unreadable { path: path.to_owned(), source };
    let open = || opened(path).map_err(unreadable);
    if !is_lines(open()?).map_err(unreadable)? {
        let mut text = Vec::new();
        open()?.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
        return whole(path, &text, visit);
    }
    let mut reader = open()?;
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let n =
            reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
        if n == 0 {
            return Ok(());
        }
        number += 1;
        if n as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
            let problem = "a line is longer than 16 MiB".to_owned();
            return Err(FeedbackError::NotJson { path: path.to_owned(), problem });
        }
        if !line.trim_ascii().is_empty() {
            visit(number, parsed(&line).map_err(|error| error.to_string()));
        }
    }
}

/// A document whose ids keep their digits, however many they have.
fn parsed(json: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(&long_numbers_quoted(json))
}

/// What a file holds, unpacked where it is packed, past its byte order mark.
fn opened(path: &Path) -> io::Result<BufReader<Box<dyn Read + Send>>> {
    let mut file = BufReader::new(File::open(path)?);
    let head = file.fill_buf()?;
    let is_packed = head.starts_with(b"\x1F\x8B") || head.starts_with(b"\x28\xB5\x2F\xFD");
    let content = if is_packed { unpacked(file)? } else { Box::new(file) };
    let mut content = BufReader::new(content);
    if content.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
        content.consume(3);
    }
    Ok(content)
}

/// Whether each line is a document: the first that holds something is no list, and whole or not the beginning of anything.
fn is_lines(reader: impl BufRead) -> io::Result<bool> {
    let mut reader = reader.take(LONGEST_LINE);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = line.trim_ascii();
        if !text.is_empty() {
            let read = serde_json::from_slice::<Value>(text);
            return Ok(match read {
                Ok(Value::Array(_)) => false,
                Ok(Value::Object(object)) => !object.get("data").is_some_and(Value::is_array),
                Ok(_) => true,
                Err(error) => !error.is_eof(),
            });
        }
        line.clear();
    }
    Ok(true)
}

fn whole(
    path: &Path,
    text: &[u8],
    visit: &mut dyn FnMut(u64, Result<Value, String>),
) -> Result<(), FeedbackError> {
    let wrong = |problem: String| FeedbackError::NotJson { path: path.to_owned(), problem };
    if text.len() as u64 > LARGEST {
        return Err(wrong("it is larger than 512 MiB; write a document a line".to_owned()));
    }
    let documents = match parsed(text).map_err(|error| wrong(error.to_string()))? {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.get_mut("data").map(Value::take) {
            Some(Value::Array(list)) => list,
            Some(other) => {
                object.insert("data".to_owned(), other);
                vec![Value::Object(object)]
            }
            None => vec![Value::Object(object)],
        },
        _ => return Err(wrong("it is neither a list nor an object".to_owned())),
    };
    for (number, document) in (1..).zip(documents) {
        visit(number, Ok(document));
    }
    Ok(())
}
