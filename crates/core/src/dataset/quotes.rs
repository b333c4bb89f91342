//! Quotes in a CSV file, looked at while it is read: one that never closes, or that closes with text
//! behind it, would swallow the rows after it without a word.

use std::{
    fmt,
    io::{self, Read},
};

use memchr::{memchr, memchr3};

/// Passes bytes on, and fails at a quote that cannot be meant.
pub(super) struct Quotes<R> {
    inner: R,
    delimiter: u8,
    state: State,
    /// Before the next byte: rows that are complete (the header is one) and line breaks.
    rows: u64,
    lines: u64,
    /// Whether the row has begun.
    in_row: bool,
    /// The byte before the next, outside quoted cells.
    before: u8,
    /// Where the last quoted cell began.
    opened: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In no quoted cell.
    Plain,
    Quoted,
    /// Behind a quote within a quoted cell: its end, or the first of two.
    AfterQuote,
}

/// A row (0 is the header) and a line.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    row: u64,
    line: u64,
}

/// A quote that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stray {
    pub(super) place: String,
    pub(super) message: String,
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for Stray {}

impl<R> Quotes<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            delimiter,
            state: State::Plain,
            rows: 0,
            lines: 0,
            in_row: false,
            before: b'\n',
            opened: Place::default(),
        }
    }

    fn here(&self) -> Place {
        Place { row: self.rows, line: self.lines + 1 }
    }

    fn see(&mut self, bytes: &[u8]) -> Result<(), Stray> {
        if memchr(0, bytes).is_some() {
            return Err(self.nul(bytes));
        }
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::Plain => self.plain(bytes, at),
                State::Quoted => self.quoted(bytes, at),
                State::AfterQuote => self.after_quote(bytes[at], at)?,
            };
        }
        Ok(())
    }

    /// On to the next line break or opening quote.
    fn plain(&mut self, bytes: &[u8], at: usize) -> usize {
        let rest = &bytes[at..];
        let found = memchr3(b'"', b'\n', b'\r', rest);
        let skipped = found.unwrap_or(rest.len());
        if skipped > 0 {
            (self.in_row, self.before) = (true, rest[skipped - 1]);
        }
        let Some(found) = found else { return bytes.len() };
        let byte = rest[found];
        if byte == b'"' {
            if self.before == self.delimiter || matches!(self.before, b'\n' | b'\r') {
                (self.state, self.opened) = (State::Quoted, self.here());
            }
            self.in_row = true;
        } else {
            self.lines += u64::from(byte == b'\n');
            self.rows += u64::from(self.in_row);
            self.in_row = false;
        }
        self.before = byte;
        at + found + 1
    }

    fn quoted(&mut self, bytes: &[u8], at: usize) -> usize {
        let rest = &bytes[at..];
        let end = memchr(b'"', rest);
        let within = &rest[..end.unwrap_or(rest.len())];
        self.lines += memchr::memchr_iter(b'\n', within).count() as u64;
        if end.is_none() {
            return bytes.len();
        }
        self.state = State::AfterQuote;
        at + within.len() + 1
    }

    fn after_quote(&mut self, byte: u8, at: usize) -> Result<usize, Stray> {
        if byte == b'"' {
            self.state = State::Quoted;
            return Ok(at + 1);
        }
        if byte != self.delimiter && !matches!(byte, b'\n' | b'\r') {
            let closed = self.here();
            let place = if closed.line == self.opened.line {
                "its closing quote".to_owned()
            } else {
                format!("its closing quote, in line {},", closed.line)
            };
            return Err(self.stray(&format!(
                "the quoted cell that begins here goes on behind {place} with text; {ADVICE}"
            )));
        }
        // What it is, the plain state tells.
        (self.state, self.before) = (State::Plain, b'"');
        Ok(at)
    }

    fn end(&self) -> Result<(), Stray> {
        if self.state != State::Quoted {
            return Ok(());
        }
        let last = self.lines + 1;
        let lines = if last > self.opened.line {
            " and takes in all lines up to the file's end"
        } else {
            ""
        };
        Err(self.stray(&format!("the quoted cell that begins here never closes{lines}; {ADVICE}")))
    }

    fn stray(&self, message: &str) -> Stray {
        let Place { row, line } = self.opened;
        let place = match row {
            0 => format!("header (line {line})"),
            row => format!("row {row} (line {line})"),
        };
        Stray { place, message: message.to_owned() }
    }

    fn nul(&self, bytes: &[u8]) -> Stray {
        let before = &bytes[..memchr(0, bytes).unwrap_or_default()];
        let line = self.lines + 1 + memchr::memchr_iter(b'\n', before).count() as u64;
        let message = "holds a NUL byte, which no text has; is the file UTF-16, or damaged?";
        Stray { place: format!("line {line}"), message: message.to_owned() }
    }
}

const ADVICE: &str = "a quote within a quoted cell is doubled (`\"\"`), not escaped with a backslash, and \
     a cell that only begins with one is quoted as a whole";

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        let seen = if n_read == 0 { self.end() } else { self.see(&buffer[..n_read]) };
        seen.map_err(|stray| io::Error::new(io::ErrorKind::InvalidData, stray))?;
        Ok(n_read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads in pieces of each size: the outcome never depends on it.
    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        for size in [1, 2, 3, 7, 1024] {
            let mut quotes = Quotes::new(text.as_bytes(), b',');
            let mut buffer = vec![0; size];
            let outcome = loop {
                match quotes.read(&mut buffer) {
                    Ok(0) => break None,
                    Ok(_) => {}
                    Err(error) => break Some(error.to_string()),
                }
            };
            match (&outcome, expected) {
                (None, None) => {}
                (Some(told), Some((place, words))) => {
                    assert!(told.starts_with(place) && told.contains(words), "{text:?}: {told}");
                }
                _ => panic!("{text:?} in pieces of {size}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn quotes_that_are_meant() {
        for text in [
            "a,b\n1,x\n",
            "a,b\n\"1\",\"x, \"\"y\"\"\"\n",
            "a,b\r\n1,\"two\r\nlines\"\r\n2,y",
            "a,b\n1,5\" pipe\n2,say \"hi\"\n",
            "a,b\n1,\"\"\n2,\"\"\"\"\n",
            "\"a\",\"b\"\n\n\n\"1\",\"\n\n\"\n",
            "a,b\r1,\"x\"\r2,y\r",
            "",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn quotes_that_cannot_be_meant() {
        check("a,b\n1,x\n2,\"5 inch\n3,y\n4,z\n", Some(("row 2 (line 3)", "never closes")));
        check("a,b\n1,\"x", Some(("row 1 (line 2)", "never closes")));
        check("a,b\n1,\"5 inch\n2,y\n3,\"z\"\n", Some(("row 1 (line 2)", "line 4")));
        check("a,b\n1,\"a\\\"b\"\n", Some(("row 1 (line 2)", "not escaped with a backslash")));
        check("a,b\n1,\"x\" y\n", Some(("row 1 (line 2)", "closing quote with text")));
        check("a,\"b\n1,x\n", Some(("header (line 1)", "never closes")));
        check("a,b\n\n1,\"two\nlines\"\n\n2,\"x\"y\n", Some(("row 2 (line 6)", "closing quote")));
        check("a,b\n1,x\0y\n", Some(("line 2", "NUL")));
    }
}
