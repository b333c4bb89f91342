//! The content of one object, read from where it stopped before: a file of this machine, which has no name any more.

use std::{
    fs::File,
    io::{self, BufReader, Chain, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use super::{
    super::{
        MAX_UNPACKED,
        lines::{LastLine, Lines, next_lines},
        packed::unpacked,
        rows::RowLines,
    },
    known::{Known, first_number},
};
use crate::sources::unpack::is_packed;

/// What a Parquet file begins with.
const PARQUET: &[u8] = b"PAR1";

/// The content of an object, as it is read.
pub(super) struct Content {
    source: Source,
    /// Of what was read so far; `None` where that cannot be told.
    hasher: Option<blake3::Hasher>,
    pub(super) known: Known,
}

/// What lines come from.
enum Source {
    Bytes(Box<dyn Read + Send>, LastLine),
    Rows(Box<RowLines>),
}

/// What an object holds that was read before.
pub(super) enum Opened {
    /// It goes on where reading stopped.
    GoesOn(Box<Content>),
    /// It holds something else.
    Replaced,
}

impl Content {
    /// That of an object, behind what was read of it; `is_same` where it is known to be as it was.
    pub(super) fn open(
        name: &str,
        mut file: File,
        known: Known,
        is_same: bool,
    ) -> Result<Opened, String> {
        let told = |error: io::Error| error.to_string();
        let mut first = Vec::new();
        (&mut file).take(8).read_to_end(&mut first).map_err(told)?;
        file.seek(SeekFrom::Start(0)).map_err(told)?;
        if first.starts_with(PARQUET) {
            if !is_same && known.offset > 0 {
                return Ok(Opened::Replaced);
            }
            let rows = RowLines::open(Path::new(name), file, known.offset)?;
            let source = Source::Rows(Box::new(rows));
            return Ok(Opened::GoesOn(Box::new(Self { source, hasher: None, known })));
        }
        let mut source: Box<dyn Read + Send> = if is_packed(&first) {
            unpacked(BufReader::new(file)).map_err(told)?
        } else {
            Box::new(BufReader::new(file))
        };
        let last = if is_packed(&first) { LastLine::Taken } else { LastLine::IfWhole };
        let mut hasher = blake3::Hasher::new();
        let mut before = Read::by_ref(&mut source).take(known.offset);
        let skipped = io::copy(&mut before, &mut hasher).map_err(told)?;
        let is_alike = skipped == known.offset
            && (known.offset == 0 || first_number(&hasher.finalize()) == known.content);
        if !is_alike && !is_same {
            return Ok(Opened::Replaced);
        }
        let is_whole = known.offset == 0 || known.content != 0;
        let hasher = is_whole.then_some(hasher);
        let source = Source::Bytes(source, last);
        Ok(Opened::GoesOn(Box::new(Self { source, hasher, known })))
    }

    /// The next lines; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Lines>, String> {
        if self.known.offset > MAX_UNPACKED {
            return Err(format!("is larger than {} GiB once it is unpacked", MAX_UNPACKED >> 30));
        }
        let mut lines = match &mut self.source {
            Source::Rows(rows) => rows.next()?,
            Source::Bytes(source, last) => next_lines(source, *last)
                .map_err(|error| format!("cannot be unpacked any further: {error}"))?,
        };
        if let Some(lines) = &mut lines {
            self.take(lines);
        }
        Ok(lines)
    }

    fn take(&mut self, lines: &mut Lines) {
        self.known.offset += lines.taken;
        let n = u32::try_from(lines.n).unwrap_or(u32::MAX);
        self.known.lines = self.known.lines.saturating_add(n);
        match &mut self.hasher {
            // What was passed over is not here to be hashed.
            Some(_) if lines.passed_over => self.hasher = None,
            Some(hasher) => {
                hasher.update(&lines.bytes);
            }
            None => {}
        }
        let hasher = self.hasher.as_ref();
        self.known.content = hasher.map_or(0, |hasher| first_number(&hasher.finalize()));
        if let Source::Bytes(source, _) = &mut self.source
            && !lines.rest.is_empty()
        {
            let inner = std::mem::replace(source, Box::new(io::empty()));
            let rest = std::mem::take(&mut lines.rest);
            let chained: Chain<Cursor<Vec<u8>>, _> = Cursor::new(rest).chain(inner);
            *source = Box::new(chained);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        file.seek(SeekFrom::Start(0)).expect("a start");
        file
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }

    /// All lines that are left, and how far it has been read then.
    fn read(bytes: &[u8], known: Known, is_same: bool) -> Option<(String, Known)> {
        match Content::open("a", file(bytes), known, is_same).expect("readable") {
            Opened::Replaced => None,
            Opened::GoesOn(mut content) => {
                let mut text = Vec::new();
                while let Some(lines) = content.next().expect("readable") {
                    text.extend(lines.bytes);
                }
                Some((String::from_utf8(text).expect("text"), content.known))
            }
        }
    }

    #[test]
    fn what_was_added_is_read_and_what_was_replaced_is_not() {
        let (old, new) = ("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
        let (text, known) = read(old.as_bytes(), Known::default(), false).expect("plain");
        assert_eq!((&*text, known.lines, known.offset), (old, 2, old.len() as u64));
        let (more, after) = read(new.as_bytes(), known, false).expect("plain");
        assert_eq!((&*more, after.lines), ("{\"a\":3}\n", 3));
        assert!(read(b"{\"b\":1}\n{\"b\":2}\n", known, false).is_none());
        assert!(read(b"{\"a\":1}\n", known, false).is_none(), "it is shorter");
        let (text, known) = read(&gzip(old), Known::default(), false).expect("packed");
        assert_eq!(text, old);
        let (more, _) =
            read(&[gzip(old), gzip("{\"a\":3}\n")].concat(), known, false).expect("packed");
        assert_eq!(more, "{\"a\":3}\n");
        let (more, _) = read(new.as_bytes(), known, false).expect("plain by now");
        assert_eq!(more, "{\"a\":3}\n");
    }

    #[test]
    fn a_half_line_waits_and_a_whole_one_does_not() {
        let (text, known) = read(b"{\"a\":1}\n{\"a\"", Known::default(), false).expect("plain");
        assert_eq!((&*text, known.lines), ("{\"a\":1}\n", 1));
        let (more, _) = read(b"{\"a\":1}\n{\"a\":2}\n", known, false).expect("it has grown");
        assert_eq!(more, "{\"a\":2}\n");
        let (text, _) = read(b"{\"a\":1}\n{\"a\":2}", Known::default(), false).expect("plain");
        assert_eq!(text, "{\"a\":1}\n{\"a\":2}");
    }

    #[test]
    fn reading_goes_on_in_the_middle() {
        let all = "{\"a\":12345}\n".repeat(400_000);
        for bytes in [all.clone().into_bytes(), gzip(&all)] {
            let opened =
                Content::open("a", file(&bytes), Known::default(), false).expect("readable");
            let Opened::GoesOn(mut content) = opened else { panic!("it is new") };
            let mut text = String::new();
            for _ in 0..2 {
                let lines = content.next().expect("readable").expect("lines");
                text += &String::from_utf8(lines.bytes).expect("text");
            }
            let known = content.known;
            assert!(known.offset < all.len() as u64);
            let (rest, _) = read(&bytes, known, true).expect("the same");
            assert_eq!(text.clone() + &rest, all);
            let (rest, _) = read(&bytes, known, false).expect("as good as the same");
            assert_eq!(text + &rest, all);
        }
    }
}
