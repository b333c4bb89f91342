//! The file: found, begun, and written by one process at a time, each line whole and on the disk before anybody
//! relies on it.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    Anchor, AuditError, NewAuditEntry,
    entry::{AuditEntry, MAX_LINE},
    scan::{LineContent, Lines, read},
};
use crate::{durable, lock::is_still};

/// Where the log is, from the repository's root.
const PLACE: &str = "releases/audit.jsonl";

/// What git has to know of it: both sides' lines stay when branches are merged, and no line end is changed.
const ATTRIBUTES: &str = "audit.jsonl merge=union -text\n";

/// The audit log of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLog(PathBuf);

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The entry.
    pub entry: AuditEntry,
    /// What an earlier process had left half written.
    pub recovered: Option<Torn>,
}

/// The beginning of a line whose writer was ended, which is taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The line, counted from 1.
    pub line: u64,
    /// How long it was.
    pub bytes: u64,
}

impl AuditLog {
    /// The log of the repository that a folder is in, or of the folder itself where there is no repository;
    /// `None` where it is switched off.
    pub fn find(folder: &Path) -> Option<Self> {
        let folder = std::path::absolute(folder).ok()?;
        let is_root = |folder: &&Path| folder.join(".git").exists();
        let root = folder.ancestors().find(is_root).unwrap_or(&folder);
        let within = folder.ancestors().take_while(|above| above.starts_with(root));
        let path =
            within.map(|above| above.join(PLACE)).find(|path| path.symlink_metadata().is_ok());
        path.map(Self)
    }

    /// Switches the log of a repository on, and tells git how its branches are merged.
    pub fn start(root: &Path) -> Result<Self, AuditError> {
        let path = root.join(PLACE);
        let folder = root.join("releases");
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| AuditError::Unwritable { path, source }
        };
        if !folder.is_dir() {
            durable::create_folder(&folder).map_err(fail(&folder))?;
        }
        let attributes = folder.join(".gitattributes");
        let known = match fs::read_to_string(&attributes) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            read => read,
        };
        let known = known.map_err(fail(&attributes))?;
        if !known.lines().any(|line| line.starts_with("audit.jsonl ")) {
            let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
            durable::write(&attributes, format!("{known}{gap}{ATTRIBUTES}").as_bytes())
                .map_err(fail(&attributes))?;
        }
        match File::options().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(fail(&path)(error)),
            _ => Ok(Self(path)),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether an entry could be written, before something is done that has to be.
    pub fn check_writable(&self) -> Result<(), AuditError> {
        let mut file = self.open()?;
        self.ends(&mut file).map(drop)
    }

    /// Adds an entry behind all that is there: one process after the other, and on the disk when this returns.
    pub fn append(&self, new: &NewAuditEntry) -> Result<Appended, AuditError> {
        let mut file = self.open()?;
        let recovered = self.mend(&mut file)?;
        let (entries, ends) = self.ends(&mut file)?;
        let (entry, line) = AuditEntry::seal(new.clone(), entries + 1, ends);
        if line.len() > MAX_LINE {
            return Err(AuditError::TooLong(line.len()));
        }
        let unwritable = |source| AuditError::Unwritable { path: self.0.clone(), source };
        let len = file.metadata().map_err(unwritable)?.len();
        if let Err(error) = durable::append(&file, line.as_bytes()) {
            // A full disk takes a part of a line: no reader takes it for one, and nobody has to mend it.
            let _ = file.set_len(len);
            return Err(unwritable(error));
        }
        Ok(Appended { entry, recovered })
    }

    /// The end of the log, to be kept where the log's writers cannot change it.
    pub fn head(&self) -> Result<Anchor, AuditError> {
        let (entries, heads) = self.ends(&mut self.open_to_read()?)?;
        Ok(Anchor { entries, heads })
    }

    /// The file for reading alone.
    pub(super) fn open_to_read(&self) -> Result<File, AuditError> {
        self.check_file()?;
        File::open(&self.0).map_err(self.unreadable())
    }

    pub(super) fn unreadable(&self) -> impl FnOnce(io::Error) -> AuditError {
        let path = self.0.clone();
        move |source| AuditError::Unreadable { path, source }
    }

    /// The log is a file of its folder: no link to elsewhere, no pipe.
    fn check_file(&self) -> Result<(), AuditError> {
        match self.0.symlink_metadata() {
            Ok(meta) if meta.is_file() => Ok(()),
            Ok(_) => Err(AuditError::NoFile(self.0.clone())),
            Err(source) => Err(self.unreadable()(source)),
        }
    }

    /// The file for writing, kept from other writers until it is closed.
    fn open(&self) -> Result<File, AuditError> {
        let unwritable = |source| AuditError::Unwritable { path: self.0.clone(), source };
        loop {
            self.check_file()?;
            let file = File::options().read(true).append(true).open(&self.0).map_err(unwritable)?;
            match file.lock() {
                // A file system without locks: better a log than none.
                Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(file),
                locked => locked.map_err(unwritable)?,
            }
            // While this waited, git may have put another file in its place.
            if is_still(&file, &self.0) {
                return Ok(file);
            }
        }
    }

    /// Takes out what a killed process left of its line. One that lacks nothing but its line break is kept.
    fn mend(&self, file: &mut File) -> Result<Option<Torn>, AuditError> {
        let rest = self.last_line(file)?;
        if rest.is_ended {
            return Ok(None);
        }
        let unwritable = |source| AuditError::Unwritable { path: self.0.clone(), source };
        if matches!(read(&rest.line), LineContent::Entry(_)) {
            durable::append(file, b"\n").map_err(unwritable)?;
            return Ok(None);
        }
        let line = count_lines(file).map_err(self.unreadable())? + 1;
        if !rest.is_whole {
            return Err(AuditError::Damaged { path: self.0.clone(), line });
        }
        durable::truncate(file, rest.start).map_err(unwritable)?;
        Ok(Some(Torn { line, bytes: rest.line.len() as u64 }))
    }

    /// How many entries there are, and the hashes of those that nothing follows.
    fn ends(&self, file: &mut File) -> Result<(u64, Vec<String>), AuditError> {
        let last = self.last_line(file)?;
        let lines = count_lines(file).map_err(self.unreadable())?;
        if last.line.is_empty() && lines == 0 {
            return Ok((0, Vec::new()));
        }
        // What is half written is not an entry; `mend` has been there where one is to be written.
        if last.is_ended {
            let LineContent::Entry(entry) = read(&last.line) else {
                return Err(AuditError::Damaged { path: self.0.clone(), line: lines });
            };
            // It knew of all the entries that there are.
            if entry.seq == lines {
                return Ok((lines, vec![entry.hash]));
            }
        }
        self.scan_ends(file)
    }

    /// The same by reading every line, where logs were merged.
    fn scan_ends(&self, file: &mut File) -> Result<(u64, Vec<String>), AuditError> {
        file.seek(SeekFrom::Start(0)).map_err(self.unreadable())?;
        let mut lines = Lines::new(BufReader::new(&*file));
        let (mut entries, mut hashes, mut followed) = (0, Vec::new(), HashSet::new());
        while let Some(line) = lines.next_line().map_err(self.unreadable())? {
            match line.content {
                LineContent::Entry(entry) => {
                    entries += 1;
                    followed.extend(entry.previous);
                    hashes.push(entry.hash);
                }
                _ if !line.is_ended => {}
                _ => return Err(AuditError::Damaged { path: self.0.clone(), line: line.number }),
            }
        }
        hashes.retain(|hash| !followed.contains(hash));
        Ok((entries, hashes))
    }

    /// What stands behind the last line break but one.
    fn last_line(&self, file: &mut File) -> Result<LastLine, AuditError> {
        let read = |file: &mut File| {
            let len = file.metadata()?.len();
            let start = len.saturating_sub(MAX_LINE as u64 + 2);
            file.seek(SeekFrom::Start(start))?;
            let mut tail = Vec::new();
            file.take(len - start).read_to_end(&mut tail)?;
            let is_ended = tail.is_empty() || tail.pop_if(|byte| *byte == b'\n').is_some();
            let found = tail.iter().rposition(|byte| *byte == b'\n');
            let is_whole = found.is_some() || start == 0;
            let at = found.map_or(0, |at| at + 1);
            Ok(LastLine { start: start + at as u64, line: tail.split_off(at), is_ended, is_whole })
        };
        read(file).map_err(self.unreadable())
    }
}

struct LastLine {
    /// Where it begins in the file.
    start: u64,
    line: Vec<u8>,
    is_ended: bool,
    /// Whether it is no longer than an entry can be.
    is_whole: bool,
}

/// How many lines are ended.
fn count_lines(file: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 256 * 1024];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(lines),
            read => lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64,
        }
    }
}
