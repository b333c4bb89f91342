//! The journal of a monitor: what was sent to it, kept before its sender hears so. An entry is one line of JSON; the first
//! says what all others need.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{WriteFileError, durable, error::cannot_write};

/// A journal that is written.
#[derive(Debug)]
pub struct MonitorJournal {
    path: PathBuf,
    file: File,
    /// Entries that are not on the disk yet.
    waiting: Vec<u8>,
}

/// The entries of a journal that a process left, one by one.
#[derive(Debug)]
pub struct JournalEntries {
    lines: BufReader<File>,
}

impl MonitorJournal {
    /// Begins one. There must be none of this name.
    pub fn begin(path: &Path, head: &impl Serialize) -> Result<Self, WriteFileError> {
        let file = File::options().append(true).create_new(true).open(path);
        let file = file.map_err(cannot_write(path))?;
        let mut journal = Self { path: path.to_owned(), file, waiting: Vec::new() };
        journal.add(head);
        Ok(journal)
    }

    /// Adds an entry, which is kept once the journal was [synced](Self::sync).
    pub fn add(&mut self, entry: &impl Serialize) {
        // Numbers and texts always make JSON.
        self.waiting.extend(serde_json::to_vec(entry).unwrap_or_default());
        self.waiting.push(b'\n');
    }

    /// Brings all entries to the disk.
    pub fn sync(&mut self) -> Result<(), WriteFileError> {
        if !self.waiting.is_empty() {
            durable::append(&self.file, &self.waiting).map_err(cannot_write(&self.path))?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// Removes it: a segment has its records.
    pub fn remove(self) -> Result<(), WriteFileError> {
        durable::remove(&self.path).map_err(cannot_write(&self.path))
    }
}

impl JournalEntries {
    /// Those of a journal; `None` where there is none.
    pub fn open(path: &Path) -> std::io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self { lines: BufReader::new(file) })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next entry; `None` at the end, and where the process was ended while it wrote: nobody was told that what
    /// stands there is kept.
    pub fn read_entry<T: DeserializeOwned>(&mut self) -> std::io::Result<Option<T>> {
        let mut line = Vec::new();
        self.lines.read_until(b'\n', &mut line)?;
        let whole = line.strip_suffix(b"\n");
        Ok(whole.and_then(|line| serde_json::from_slice(line).ok()))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    #[test]
    fn entries_are_read_up_to_the_one_that_is_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("000001.journal");
        assert!(JournalEntries::open(&path).expect("readable").is_none());
        let mut journal = MonitorJournal::begin(&path, &"head").expect("begun");
        journal.add(&1);
        journal.sync().expect("written");
        journal.add(&2);
        journal.sync().expect("written");
        let mut file = File::options().append(true).open(&path).expect("there");
        file.write_all(b"[3").expect("written");
        let mut entries = JournalEntries::open(&path).expect("readable").expect("there");
        assert_eq!(entries.read_entry::<String>().expect("readable").as_deref(), Some("head"));
        assert_eq!(entries.read_entry::<u32>().expect("readable"), Some(1));
        assert_eq!(entries.read_entry::<u32>().expect("readable"), Some(2));
        assert_eq!(entries.read_entry::<Vec<u32>>().expect("readable"), None);
        assert!(MonitorJournal::begin(&path, &0).is_err());
        journal.remove().expect("removed");
        assert!(fs::metadata(&path).is_err());
    }
}
