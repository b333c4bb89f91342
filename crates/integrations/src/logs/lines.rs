//! Whole lines out of bytes that come bit by bit: a half line waits for its rest, and one that is too long is
//! passed over.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr_iter, memrchr};

use super::{CHUNK, MAX_LINE};

/// Lines that follow each other.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Whole lines; empty where the next line is not whole, or too long.
    pub(super) bytes: Vec<u8>,
    /// How many bytes of the source they take, and what is passed over.
    pub(super) taken: u64,
    /// How many lines end in them.
    pub(super) n: u64,
    /// The line in their place is too long, and was passed over.
    pub(super) passed_over: bool,
    /// What was read behind them.
    pub(super) rest: Vec<u8>,
}

/// What becomes of bytes behind the last end of a line where the source ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastLine {
    /// They wait for their rest.
    Waits,
    /// They are a line where they are whole: an object of JSON that ends.
    IfWhole,
    /// They are a line.
    Taken,
}

/// The next lines of a source, which begins at the end of the line before; `None` where there are none.
pub(super) fn next_lines(source: &mut impl Read, last: LastLine) -> io::Result<Option<Lines>> {
    let mut bytes = Vec::with_capacity(CHUNK);
    let mut wanted = CHUNK;
    loop {
        let before = bytes.len();
        let has_ended = fill(source, &mut bytes, wanted)?;
        // What was there before has no end of a line.
        if let Some(end) = memrchr(b'\n', &bytes[before..]) {
            let rest = bytes.split_off(before + end + 1);
            let (taken, n) = (bytes.len() as u64, memchr_iter(b'\n', &bytes).count() as u64);
            return Ok(Some(Lines { bytes, taken, n, passed_over: false, rest }));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if has_ended {
            let is_line = match last {
                LastLine::Waits => false,
                LastLine::IfWhole => is_whole(&bytes),
                LastLine::Taken => true,
            };
            if !is_line {
                return Ok(None);
            }
            return Ok(Some(Lines { taken: bytes.len() as u64, n: 1, bytes, ..Lines::default() }));
        }
        if bytes.len() >= MAX_LINE {
            return pass_over(source, bytes.len() as u64, last);
        }
        wanted = bytes.len() * 2;
    }
}

/// Reads until there are so many bytes; answers whether the source ended before.
fn fill(source: &mut impl Read, bytes: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    let left = wanted.saturating_sub(bytes.len()) as u64;
    let read = source.take(left).read_to_end(bytes)? as u64;
    Ok(read < left)
}

/// Passes over the rest of a line of which so many bytes were read; `None` where its end has not come.
fn pass_over(source: &mut impl Read, read: u64, last: LastLine) -> io::Result<Option<Lines>> {
    let (mut taken, mut buffer, mut rest) = (read, vec![0; 1 << 16], Vec::new());
    loop {
        let n = match source.read(&mut buffer) {
            Ok(0) if last == LastLine::Waits => return Ok(None),
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Some(end) = memchr(b'\n', &buffer[..n]) {
            taken += end as u64 + 1;
            rest.extend_from_slice(&buffer[end + 1..n]);
            break;
        }
        taken += n as u64;
    }
    Ok(Some(Lines { taken, n: 1, passed_over: true, rest, ..Lines::default() }))
}

fn is_whole(line: &[u8]) -> bool {
    let is_object = line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    is_object && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_or_wait() {
        let check = |text: &str, last: LastLine, expected: Option<(&str, u64)>| {
            let found = next_lines(&mut text.as_bytes(), last).expect("memory");
            let found = found.map(|lines| {
                assert_eq!(lines.taken, lines.bytes.len() as u64);
                (String::from_utf8(lines.bytes).expect("text"), lines.n)
            });
            let expected = expected.map(|(text, n)| (text.to_owned(), n));
            assert_eq!(found, expected, "{text:?} {last:?}");
        };
        for last in [LastLine::Waits, LastLine::IfWhole, LastLine::Taken] {
            check("", last, None);
            check("{}\n\n{\"a\"", last, Some(("{}\n\n", 2)));
        }
        check("{\"a\":1", LastLine::Waits, None);
        check("{\"a\":1", LastLine::IfWhole, None);
        check("{\"a\":1", LastLine::Taken, Some(("{\"a\":1", 1)));
        check("{\"a\":1}", LastLine::Waits, None);
        check("{\"a\":1}", LastLine::IfWhole, Some(("{\"a\":1}", 1)));
        // A number could go on.
        check("12", LastLine::IfWhole, None);
    }

    #[test]
    fn long_lines_come_whole_and_too_long_ones_not_at_all() {
        let long = format!("{}\n", "x".repeat(3 * CHUNK));
        let found = next_lines(&mut long.as_bytes(), LastLine::Waits).expect("memory");
        assert_eq!(found.map(|lines| (lines.taken, lines.n)), Some((long.len() as u64, 1)));
        let too_long = format!("{}\n{{}}\n", "x".repeat(MAX_LINE + 5));
        let mut source = too_long.as_bytes();
        let found = next_lines(&mut source, LastLine::Waits).expect("memory").expect("a line");
        assert!(found.passed_over && found.bytes.is_empty());
        assert_eq!(found.taken, too_long.len() as u64 - 3);
        let endless = "x".repeat(MAX_LINE + 5);
        let waits = next_lines(&mut endless.as_bytes(), LastLine::Waits).expect("memory");
        assert!(waits.is_none());
        let taken = next_lines(&mut endless.as_bytes(), LastLine::Taken).expect("memory");
        assert!(taken.is_some_and(|lines| lines.passed_over));
    }
}
