//! A batch's file on this machine, and the lock that says that a process is at work on the batch.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{ledger::open_file, providers::batch_wire::BatchFraming};

/// The lock of a batch: whoever holds it is at work on the batch. The system lets go of it when its
/// process ends, however that is.
#[derive(Debug)]
pub(super) struct BatchLock {
    _file: File,
    path: PathBuf,
}

impl BatchLock {
    /// The lock, unless another has it.
    pub(super) fn take(folder: &Path, id: &str) -> io::Result<Option<Self>> {
        let path = folder.join(format!("{id}.lock"));
        let file = open_file(&path)?;
        // Where the system has no locks everybody may work on it: no step is harmful when it is taken
        // twice in turn.
        let is_taken = matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
        Ok((!is_taken).then_some(Self { _file: file, path }))
    }

    /// Removes the lock of a batch that is no more.
    pub(super) fn remove(self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Where the requests of a batch are until the server has them.
pub(super) fn spool_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.requests"))
}

/// The file of a batch while it is written.
#[derive(Debug)]
pub(super) struct Spool {
    file: io::BufWriter<File>,
    framing: BatchFraming,
    entries: usize,
    bytes: usize,
}

impl Spool {
    pub(super) fn create(folder: &Path, id: &str, framing: BatchFraming) -> io::Result<Self> {
        let file = open_file(&spool_path(folder, id))?;
        file.set_len(0)?;
        let mut file = io::BufWriter::new(file);
        file.write_all(framing.before)?;
        let bytes = framing.before.len() + framing.behind.len();
        Ok(Self { file, framing, entries: 0, bytes })
    }

    /// How long the file would be with another entry.
    pub(super) fn bytes_with(&self, entry: &[u8]) -> usize {
        self.bytes + self.framing.between.len() + entry.len()
    }

    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn add(&mut self, entry: &[u8]) -> io::Result<()> {
        if self.entries > 0 {
            self.file.write_all(self.framing.between)?;
        }
        self.bytes = self.bytes_with(entry);
        self.entries += 1;
        self.file.write_all(entry)
    }

    /// Writes the end, and all of it through to the disk.
    pub(super) fn seal(mut self) -> io::Result<()> {
        self.file.write_all(self.framing.behind)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}
