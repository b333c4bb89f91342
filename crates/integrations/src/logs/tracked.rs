//! One log file that is read: where it lies now, and how far it has been read.

use std::{
    fs::File,
    io::{self, BufReader, Chain, Cursor, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
};

use evalmark_core::logs::{LogChunk, LogDamage, LogPosition};

use super::{
    MAX_UNPACKED,
    identity::{FileNumber, Form, Looked, has_tail, remember_more, remember_tail},
    lines::{LastLine, Lines, next_lines},
    packed::unpacked,
    rows::RowLines,
    standard_input::too_long,
};

/// A log file.
pub(super) struct Tracked {
    pub(super) position: LogPosition,
    name: Arc<str>,
    source: Option<Source>,
    /// It lies where logs are, or is open.
    pub(super) is_found: bool,
    /// There may be lines that have not been read.
    pub(super) may_have_more: bool,
}

/// What lines come from.
enum Source {
    Plain(File),
    Packed(Box<dyn Read + Send>),
    Rows(Box<RowLines>),
}

impl Tracked {
    /// One that was read so far, and is not open.
    pub(super) fn known(position: LogPosition) -> Self {
        let name = position.path.display().to_string().into();
        Self { position, name, source: None, is_found: false, may_have_more: false }
    }

    /// One of which nothing was read.
    pub(super) fn new(looked: Looked) -> Self {
        let mut new = Self::known(LogPosition::default());
        new.attach(looked);
        new
    }

    /// Its number, where it has one.
    pub(super) fn number(&self) -> Option<FileNumber> {
        let LogPosition { device, inode, .. } = self.position;
        (inode != 0).then_some(FileNumber { device, inode })
    }

    /// It is called otherwise by now.
    pub(super) fn moved(&mut self, path: &std::path::Path) {
        if self.position.path != path {
            path.clone_into(&mut self.position.path);
            self.name = path.display().to_string().into();
        }
    }

    /// Goes on with a file where it stopped before.
    pub(super) fn attach(&mut self, looked: Looked) {
        self.moved(&looked.path);
        let FileNumber { device, inode } = looked.number;
        (self.position.device, self.position.inode) = (device, inode);
        looked.remember(&mut self.position);
        self.position.packed = looked.packed_mark();
        (self.is_found, self.may_have_more) = (true, !self.position.is_done);
        if self.position.is_done {
            return;
        }
        let offset = self.position.offset;
        let source = match looked.form {
            Form::Plain => Ok(Source::Plain(looked.file)),
            Form::Packed => {
                packed(looked.file, offset).map(Source::Packed).map_err(|error| error.to_string())
            }
            Form::Parquet => RowLines::open(&looked.path, looked.file, offset)
                .map(|rows| Source::Rows(Box::new(rows))),
        };
        // What cannot be opened is told when it is read.
        self.source =
            Some(source.unwrap_or_else(|problem| Source::Packed(Box::new(Broken(problem)))));
    }

    /// Its content lies elsewhere by now, or nowhere.
    pub(super) fn detach(&mut self) {
        self.position.inode = 0;
        (self.source, self.is_found) = (None, false);
    }

    /// Whether it is open and holds what was read of it; one that was cut is let go.
    pub(super) fn is_open(&mut self) -> bool {
        let Some(Source::Plain(file)) = &self.source else { return self.source.is_some() };
        match file.metadata() {
            Ok(about) if about.len() < self.position.offset => {
                self.detach();
                false
            }
            Ok(about) => {
                self.may_have_more = about.len() > self.position.offset;
                if is_gone(&about) && !self.may_have_more {
                    self.source = None;
                }
                self.source.is_some()
            }
            Err(_) => {
                self.source = None;
                false
            }
        }
    }

    /// The file itself, where it is open and plain.
    pub(super) fn plain_file(&self) -> Option<&File> {
        match &self.source {
            Some(Source::Plain(file)) => Some(file),
            _ => None,
        }
    }

    /// Whether its place must be found before more of it can be read.
    pub(super) fn is_closed(&self) -> bool {
        self.source.is_none()
    }

    /// The next lines; `None` where there are none now.
    pub(super) fn next(&mut self, last: LastLine) -> Option<LogChunk> {
        if self.position.is_done {
            return None;
        }
        let read = match self.source.as_mut()? {
            // It was cut and has grown again since.
            Source::Plain(file) if !has_tail(file, &self.position) => {
                self.detach();
                self.may_have_more = false;
                return None;
            }
            Source::Plain(file) => {
                let at = file.seek(SeekFrom::Start(self.position.offset));
                at.and_then(|_| next_lines(file, last)).map_err(|error| error.to_string())
            }
            Source::Packed(_) if self.position.offset > MAX_UNPACKED => {
                Err(format!("is larger than {} GiB once it is unpacked", MAX_UNPACKED >> 30))
            }
            Source::Packed(reader) => match next_lines(reader, LastLine::Taken) {
                // Somebody may still be packing it; it is looked at again when it has grown.
                Err(error) if is_cut(&error) && last == LastLine::Waits => {
                    (self.source, self.may_have_more) = (None, false);
                    return None;
                }
                read => read.map_err(|error| format!("cannot be unpacked any further: {error}")),
            },
            Source::Rows(rows) => rows.next(),
        };
        match read {
            Ok(Some(lines)) => Some(self.chunk(lines)),
            Ok(None) => {
                self.may_have_more = false;
                if !matches!(self.source, Some(Source::Plain(_))) {
                    self.source = None;
                    return Some(self.ended());
                }
                None
            }
            Err(problem) => {
                self.source = None;
                let damage = LogDamage { line: Some(self.position.lines + 1), problem };
                Some(LogChunk { damaged: vec![damage], ..self.ended() })
            }
        }
    }

    /// Nothing more is read of it; a chunk without lines says so.
    fn ended(&mut self) -> LogChunk {
        self.may_have_more = false;
        self.position.is_done = true;
        self.chunk(Lines::default())
    }

    fn chunk(&mut self, lines: Lines) -> LogChunk {
        let Lines { bytes, taken, n, passed_over, rest } = lines;
        let (first_line, start) = (self.position.lines + 1, self.position.offset);
        self.position.offset += taken;
        self.position.lines += n;
        // Of a Parquet file rows are counted, and no bytes.
        if taken > 0 && !matches!(self.source, Some(Source::Rows(_))) {
            remember_tail(&bytes, &mut self.position);
        }
        match &mut self.source {
            Some(Source::Plain(file)) => remember_more(file, &mut self.position),
            Some(Source::Packed(reader)) if !rest.is_empty() => {
                let inner = std::mem::replace(reader, Box::new(io::empty()));
                let chained: Chain<Cursor<Vec<u8>>, _> = Cursor::new(rest).chain(inner);
                *reader = Box::new(chained);
            }
            _ => {}
        }
        let damage = LogDamage { line: Some(first_line), problem: too_long() };
        let damaged = if passed_over { vec![damage] } else { Vec::new() };
        let (name, after) = (self.name.clone(), self.position.clone().into());
        LogChunk { file: None, name, first_line, start, bytes, damaged, left_out: 0, after }
    }

    /// Where it lay when it was read last.
    pub(super) fn path(&self) -> &PathBuf {
        &self.position.path
    }
}

/// A packed file behind so many bytes of its content.
fn packed(mut file: File, read: u64) -> io::Result<Box<dyn Read + Send>> {
    file.seek(SeekFrom::Start(0))?;
    let mut content = unpacked(BufReader::new(file))?;
    io::copy(&mut Read::by_ref(&mut content).take(read), &mut io::sink())?;
    Ok(content)
}

/// Whether a packed file ends before its content does.
fn is_cut(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// Whether a file that is open has no name any more.
#[cfg(unix)]
fn is_gone(about: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(about) == 0
}

#[cfg(not(unix))]
fn is_gone(_: &std::fs::Metadata) -> bool {
    false
}

/// A source that says what is wrong with it.
struct Broken(String);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(self.0.clone()))
    }
}
