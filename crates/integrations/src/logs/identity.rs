//! By what a log file is known again: its number on its device, and its first bytes.

use std::{
    fs::{File, Metadata},
    io::{self, BufReader, Read, Seek, SeekFrom},
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

/// Fewer bytes than these do not show that two files have one content.
const TELLING: u64 = 256;

/// How a file's bytes become lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Packed,
    Parquet,
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
        Ok(Some(Self { path, file, number, len: about.len(), form, head }))
    }

    /// Whether it begins as the file with this position did.
    pub(super) fn begins_as(&self, position: &LogPosition) -> bool {
        let len = usize::try_from(position.head_len).unwrap_or(usize::MAX);
        self.head.get(..len).is_some_and(|head| len == 0 || hash(head) == position.head)
    }

    /// Whether it is a file that was read before, which goes on where that stopped.
    pub(super) fn continues(&self, position: &LogPosition) -> bool {
        self.begins_as(position) && (self.form != Form::Plain || self.len >= position.offset)
    }

    /// Whether its content shows that it is, whatever its number.
    pub(super) fn has_content_of(&self, position: &LogPosition) -> bool {
        position.head_len >= TELLING && self.form != Form::Parquet && self.continues(position)
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
