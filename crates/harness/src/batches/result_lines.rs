//! Lines of a body that comes in pieces. A line that is too long is not held: its beginning is all that
//! is kept.

/// Of a line that is too long, this much is kept: enough for its name.
const KEPT: usize = 4 << 10;

/// A line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResultLine {
    Whole(Vec<u8>),
    /// The beginning of one that is longer than the limit.
    TooLong(Vec<u8>),
}

#[derive(Debug)]
pub(super) struct ResultLines {
    limit: usize,
    line: Vec<u8>,
    is_too_long: bool,
}

impl ResultLines {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), is_too_long: false }
    }

    /// Takes in a piece, and gives the lines that end in it.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<ResultLine> {
        let mut lines = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.add(&rest[..end]);
            rest = &rest[end + 1..];
            lines.extend(self.take());
        }
        self.add(rest);
        lines
    }

    /// The last line, where nothing ends it.
    pub(super) fn finish(mut self) -> Option<ResultLine> {
        self.take()
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.is_too_long {
            return;
        }
        let room = self.limit.saturating_sub(self.line.len());
        if bytes.len() <= room {
            self.line.extend_from_slice(bytes);
            return;
        }
        self.is_too_long = true;
        self.line.extend_from_slice(&bytes[..room.min(KEPT)]);
        self.line.truncate(KEPT);
        self.line.shrink_to_fit();
    }

    /// The line so far, unless it is empty.
    fn take(&mut self) -> Option<ResultLine> {
        let (line, is_too_long) =
            (std::mem::take(&mut self.line), std::mem::take(&mut self.is_too_long));
        if is_too_long {
            return Some(ResultLine::TooLong(line));
        }
        let is_empty = line.iter().all(u8::is_ascii_whitespace);
        (!is_empty).then_some(ResultLine::Whole(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &[ResultLine]) {
        let mut lines = ResultLines::new(8);
        let mut found: Vec<_> =
            pieces.iter().flat_map(|piece| lines.push(piece.as_bytes())).collect();
        found.extend(lines.finish());
        assert_eq!(found, expected, "{pieces:?}");
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let whole = |text: &str| ResultLine::Whole(text.into());
        let too_long = |text: &str| ResultLine::TooLong(text.into());
        check(&["a\nbc\n"], &[whole("a"), whole("bc")]);
        check(&["a", "\nb", "c"], &[whole("a"), whole("bc")]);
        check(&["\n\r\n \na\r\n"], &[whole("a\r")]);
        check(
            &["12345678\n", "123456789\nx\n"],
            &[whole("12345678"), too_long("12345678"), whole("x")],
        );
        check(&["12345678", "9", "0\nx"], &[too_long("12345678"), whole("x")]);
        check(&[], &[]);
    }
}
