//! The right to change a folder, kept by a lock on a file in it, or a single file, kept by one beside it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
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
        let unwritable = |source| LockError::Unwritable { path: folder.to_owned(), source };
        let lock = Self::try_take(folder.join(".lock")).map_err(unwritable)?;
        let lock = lock.ok_or_else(|| LockError::Busy(folder.to_owned()))?;
        durable::remove_leftovers(folder);
        Ok(lock)
    }

    /// `None` where another process has it.
    fn try_take(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                // On a file system without locks, better to run than not to.
                Err(TryLockError::Error(_)) => return Ok(Some(Self { path, _file: file })),
                // Whoever had it may have taken the file away meanwhile, and the next one made another.
                Ok(()) if is_still(&file, &path) => return Ok(Some(Self { path, _file: file })),
                Ok(()) => {}
            }
        }
    }
}

/// Why a file cannot be kept from others.
#[derive(Debug, thiserror::Error)]
pub enum FileLockError {
    /// Another process has had it for as long as one waits.
    #[error("another process is changing {}", .0.display())]
    Busy(PathBuf),
    /// The lock cannot be made.
    #[error("nothing can be written beside {}", path.display())]
    Unwritable {
        /// The file that was to be changed.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The right to change a file that lies in no folder of this program's, until it is dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "it is held")] RunLock);

impl FileLock {
    /// Keeps other processes from changing a file, which may not be there yet; where another does, waits for it so long.
    pub fn take(file: &Path, wait: Duration) -> Result<Self, FileLockError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = file.with_file_name(format!(".{name}.lock"));
        let began = Instant::now();
        loop {
            let taken = RunLock::try_take(path.clone())
                .map_err(|source| FileLockError::Unwritable { path: file.to_owned(), source })?;
            match taken {
                Some(lock) => {
                    remove_leftovers(file, &name);
                    return Ok(Self(lock));
                }
                None if began.elapsed() >= wait => {
                    return Err(FileLockError::Busy(file.to_owned()));
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Removes what killed processes left half written of a file, or of one that is called after it. Nobody writes them now.
fn remove_leftovers(file: &Path, name: &str) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return };
    for entry in entries.flatten() {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        let rest = other.strip_prefix('.').map(|rest| rest.trim_start_matches('.'));
        let is_of_it = rest.and_then(|rest| rest.strip_prefix(name)?.strip_suffix(".partial"));
        if is_of_it.is_some_and(|rest| rest.starts_with('.')) {
            drop(fs::remove_file(entry.path()));
        }
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

/// Whether a path still leads to an open file.
#[cfg(unix)]
pub(crate) fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), path.symlink_metadata()) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// Elsewhere, a file that is open is not replaced.
#[cfg(not(unix))]
pub(crate) fn is_still(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Locks come and go, their files with them: never do two hold one.
    #[test]
    fn no_two_change_a_file_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("data.csv");
        let (within, most, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Ok(_lock) = RunLock::take(folder.path()) else { continue };
                        most.fetch_max(within.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        within.fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
        assert!(done.into_inner() > 0);
        let held = FileLock::take(&file, Duration::ZERO).expect("a lock");
        let busy = FileLock::take(&file, Duration::ZERO).expect_err("busy");
        assert!(busy.to_string().starts_with("another process is changing"), "{busy}");
        drop(held);
        let left = folder.path().join(".data.csv.1-2.partial");
        let other = folder.path().join(".other.csv.1-2.partial");
        for path in [&left, &other] {
            fs::write(path, "half").expect("written");
        }
        drop(FileLock::take(&file, Duration::ZERO).expect("a lock"));
        assert!(!left.exists() && other.exists());
        assert!(!folder.path().join(".data.csv.lock").exists());
    }
}
