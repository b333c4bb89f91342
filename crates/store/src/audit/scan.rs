//! Reading the log line by line, whatever stands in it.

use std::io::{self, BufRead, Read};

use super::entry::{AuditEntry, MAX_LINE};

/// One line.
#[derive(Debug)]
pub(super) struct ScannedLine {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) content: LineContent,
    /// Whether a line break follows.
    pub(super) is_ended: bool,
}

/// What stands in a line.
#[derive(Debug)]
pub(super) enum LineContent {
    /// An entry, to the byte.
    Entry(Box<AuditEntry>),
    /// An entry whose hash is not that of the line.
    Altered(Box<AuditEntry>),
    /// Anything else.
    Other,
}

/// Reads lines; none of them takes more memory than an entry may.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0, line: Vec::new() }
    }

    pub(super) fn next_line(&mut self) -> io::Result<Option<ScannedLine>> {
        self.line.clear();
        let limit = MAX_LINE as u64 + 1;
        (&mut self.reader).take(limit).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let is_cut = self.line.len() as u64 == limit && !self.line.ends_with(b"\n");
        if is_cut {
            self.reader.skip_until(b'\n')?;
        }
        let is_ended = is_cut || self.line.pop_if(|byte| *byte == b'\n').is_some();
        let content = if is_cut { LineContent::Other } else { read(&self.line) };
        Ok(Some(ScannedLine { number: self.number, content, is_ended }))
    }
}

/// What stands in a line without its line break.
pub(super) fn read(line: &[u8]) -> LineContent {
    match AuditEntry::read(line) {
        Ok(entry) if entry.is_line(line) => LineContent::Entry(Box::new(entry)),
        Ok(entry) => LineContent::Altered(Box::new(entry)),
        Err(_) => LineContent::Other,
    }
}
