//! The right to change a folder, kept by a lock on a file in it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::durable;

/// Why a folder cannot be kept from others.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another process is working on the run {}", .0.display())]
    Busy(PathBuf),
    /// The lock cannot be made.
    #[error("the run folder {} cannot be written", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LockError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::Busy(_)).then(|| "wait for it to end".to_owned())
    }
}

/// The right to work on a run, until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    _file: File,
}

impl RunLock {
    /// Keeps other processes out of a folder, and clears away what killed ones left half written.
    pub(crate) fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(".lock");
        let file = open(&path)
            .map_err(|source| LockError::Unwritable { path: folder.to_owned(), source })?;
        let tried = file.try_lock();
        if tried.is_ok() {
            durable::remove_leftovers(folder);
        }
        match tried {
            Err(TryLockError::WouldBlock) => Err(LockError::Busy(folder.to_owned())),
            // On a file system without locks, better to run than not to.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path, _file: file }),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Whether a process is at work on a folder. Where the file system has no locks, that cannot be told.
pub(crate) fn is_locked(folder: &Path) -> bool {
    // Whoever ended well has taken the file away, so that hardly ever a lock is tried here that
    // somebody wants to take just then.
    let Ok(file) = File::open(folder.join(".lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Opens the lock, which is a file of this folder: a link is not followed.
fn open(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        durable::remove(path)?;
    }
    File::options().write(true).create(true).truncate(false).open(path)
}
