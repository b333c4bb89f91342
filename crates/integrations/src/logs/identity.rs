//! By what a log file is known again: its number on its device, its first bytes, and those before the place where
//! reading stopped, as a file that is begun anew often begins as it did before.

use std::{
    fs::{File, Metadata},
    io::{self, BufReader, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    time::SystemTime,
};

use evalmark_core::{
    files::{FileAccess, FileError},
    logs::LogPosition,
};

use super::packed::unpacked;
use crate::sources::unpack::is_packed;

/// So many first bytes are hashed, once so many have been read.
const HEAD: u64 = 1024;

/// So many bytes before the place where reading stopped are hashed.
const TAIL: usize = 1024;

/// Fewer bytes than these do not show that two files have one content, unless their names do.
pub(super) const TELLING: u64 = 256;

/// How a file's bytes become lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Packed,
    Parquet,
}

/// What a file is to one that was read, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It holds all that was read.
    Whole,
    /// It begins alike, as far as it goes, and holds less.
    Shorter,
    /// It begins alike, and somebody may still be packing the rest.
    Unfinished,
    /// It is another.
    Other,
}

/// The number of a file on its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileNumber {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl FileNumber {
    #[cfg(unix)]
    pub(super) fn of(about: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: about.dev(), inode: about.ino() }
    }

    /// Where files have no numbers, they are known by their first bytes alone.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) len: u64,
    written: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(about: &Metadata) -> Self {
        Self { len: about.len(), written: about.modified().ok() }
    }
}

/// A file that was opened and looked at.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) number: FileNumber,
    pub(super) len: u64,
    pub(super) stamp: Stamp,
    pub(super) form: Form,
    /// Its first bytes, unpacked.
    head: Vec<u8>,
}

impl Looked {
    /// Opens a file; `None` where it is gone by now.
    pub(super) fn at(path: &Path, access: &FileAccess) -> Result<Option<Self>, FileError> {
        let mut file = match access.open(path) {
            Ok(file) => file,
            Err(FileError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let about = file.metadata()?;
        let (form, head) = first_bytes(&mut file)?;
        let (number, path) = (FileNumber::of(&about), path.to_owned());
        Ok(Some(Self {
            path,
            file,
            number,
            len: about.len(),
            stamp: Stamp::of(&about),
            form,
            head,
        }))
    }

    /// Whether it begins as the file with this position did.
    pub(super) fn begins_as(&self, position: &LogPosition) -> bool {
        let len = usize::try_from(position.head_len).unwrap_or(usize::MAX);
        self.head.get(..len).is_some_and(|head| len == 0 || hash(head) == position.head)
    }

    /// Whether it is a file that was read before, which goes on where that stopped.
    pub(super) fn continues(&self, position: &LogPosition) -> bool {
        let is_rest = || match self.form {
            Form::Plain => self.len >= position.offset && has_tail(&self.file, position),
            Form::Packed if position.is_done && position.packed == self.packed_mark() => true,
            // What could not be unpacked any further can grow.
            Form::Packed => packed_likeness(&self.file, position) == Likeness::Whole,
            Form::Parquet => true,
        };
        self.begins_as(position) && is_rest()
    }

    /// What it is to a file that was read under another number, by its content alone.
    pub(super) fn likeness(&self, position: &LogPosition) -> Likeness {
        if position.head_len == 0 || self.form == Form::Parquet {
            return Likeness::Other;
        }
        let shown = usize::try_from(position.head_len)
            .map_or(&*self.head, |len| self.head.get(..len).unwrap_or(&self.head));
        if (shown.len() as u64) < position.head_len {
            // Shorter than what is known of the other's beginning.
            return match self.form {
                Form::Packed => packed_likeness(&self.file, position),
                Form::Plain | Form::Parquet => Likeness::Shorter,
            };
        }
        if !self.begins_as(position) {
            return Likeness::Other;
        }
        match self.form {
            Form::Packed => packed_likeness(&self.file, position),
            _ if self.len < position.offset => Likeness::Shorter,
            _ if has_tail(&self.file, position) => Likeness::Whole,
            _ => Likeness::Other,
        }
    }

    /// Whether a plain file is the beginning of another, by its first and its last bytes.
    pub(super) fn is_beginning_of(&self, other: &File) -> bool {
        let has_room = other.metadata().is_ok_and(|about| about.len() >= self.len);
        let spans = [0..self.len.min(HEAD), self.len.saturating_sub(TAIL as u64)..self.len];
        has_room
            && self.form == Form::Plain
            && spans.into_iter().all(|span| {
                let here = bytes_of(&self.file, span.clone());
                here.is_some() && here == bytes_of(other, span)
            })
    }

    /// By what a packed file is known as it lies there: its length, and its last bytes, among which is a checksum. Empty
    /// for others.
    pub(super) fn packed_mark(&self) -> String {
        let last = (self.form == Form::Packed)
            .then(|| bytes_of(&self.file, self.len.saturating_sub(TAIL as u64)..self.len));
        last.flatten().map_or_else(String::new, |last| format!("{} {}", self.len, hash(&last)))
    }

    /// Takes its first bytes into a position, as far as they have been read.
    pub(super) fn remember(&self, position: &mut LogPosition) {
        remember_head(&self.head, self.form, position);
    }
}

/// Takes more of the first bytes of a plain file into a position.
pub(super) fn remember_more(file: &mut File, position: &mut LogPosition) {
    if position.head_len >= HEAD || position.head_len >= position.offset {
        return;
    }
    if let Ok((form @ Form::Plain, head)) = first_bytes(file) {
        remember_head(&head, form, position);
    }
}

/// Takes the last bytes that were read into a position.
pub(super) fn remember_tail(read: &[u8], position: &mut LogPosition) {
    let tail = &read[read.len().saturating_sub(TAIL)..];
    position.tail_len = tail.len() as u64;
    position.tail = if tail.is_empty() { String::new() } else { hash(tail) };
}

/// Whether a plain file has the bytes that were read last where they were.
pub(super) fn has_tail(file: &File, position: &LogPosition) -> bool {
    let LogPosition { offset, tail_len, .. } = *position;
    let Some(from) = offset.checked_sub(tail_len).filter(|_| tail_len > 0) else { return true };
    bytes_of(file, from..offset).is_some_and(|bytes| hash(&bytes) == position.tail)
}

/// A few bytes of a file; `None` where it has fewer.
fn bytes_of(mut file: &File, span: Range<u64>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(span.end - span.start).ok()?];
    file.seek(SeekFrom::Start(span.start)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn packed_likeness(mut file: &File, position: &LogPosition) -> Likeness {
    let LogPosition { offset, tail_len, .. } = *position;
    let mut tail = Vec::new();
    let read = || -> io::Result<bool> {
        file.seek(SeekFrom::Start(0))?;
        let mut content = unpacked(BufReader::new(file))?;
        let before = offset.saturating_sub(tail_len);
        let skipped = io::copy(&mut Read::by_ref(&mut content).take(before), &mut io::sink())?;
        content.take(tail_len).read_to_end(&mut tail)?;
        Ok(skipped == before && tail.len() as u64 == tail_len)
    };
    match { read }() {
        Ok(true) if tail_len == 0 || hash(&tail) == position.tail => Likeness::Whole,
        Ok(true) => Likeness::Other,
        Ok(false) => Likeness::Shorter,
        Err(_) => Likeness::Unfinished,
    }
}

/// A Parquet file is known by its number alone: many begin alike.
fn remember_head(head: &[u8], form: Form, position: &mut LogPosition) {
    let read = match form {
        Form::Plain => usize::try_from(position.offset).unwrap_or(usize::MAX).min(head.len()),
        Form::Packed => head.len(),
        Form::Parquet => 0,
    };
    if read as u64 > position.head_len {
        (position.head_len, position.head) = (read as u64, hash(&head[..read]));
    }
}

/// The form of a file, and its first bytes, unpacked. A file that cannot be unpacked has none.
fn first_bytes(file: &mut File) -> io::Result<(Form, Vec<u8>)> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file).take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(b"PAR1") {
        return Ok((Form::Parquet, head));
    }
    if !is_packed(&head) {
        return Ok((Form::Plain, head));
    }
    head.clear();
    file.seek(SeekFrom::Start(0))?;
    if let Ok(content) = unpacked(BufReader::new(&*file)) {
        // What of it can be unpacked.
        let _ = content.take(HEAD).read_to_end(&mut head);
    }
    Ok((Form::Packed, head))
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}
