//! Whether what was committed is on the disk: the log is written through about once a second, and a file
//! that was taken away is noticed.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    error::LedgerError,
    private::{close_to_others, create_folder, open_file},
};

/// What was committed is on the disk this much later: what a power cut or a crash of the system may
/// lose.
pub const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait where nothing is due.
const IDLE: Duration = Duration::from_hours(1);

/// One ledger's file and log, as their writer watches them.
pub(super) struct Disk<'a> {
    path: &'a Path,
    log: PathBuf,
    identity: Option<Identity>,
    /// When the oldest commit that may not be on the disk was made.
    unsynced_since: Option<Instant>,
    synced_at: Option<Instant>,
    /// Why the log could not be written through.
    failure: Option<LedgerError>,
}

impl<'a> Disk<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self {
            path,
            log: log.into(),
            identity: identity(path),
            unsynced_since: None,
            synced_at: None,
            failure: None,
        }
    }

    /// How long until something must be written through.
    pub(super) fn patience(&self) -> Duration {
        self.unsynced_since.map_or(IDLE, |since| SYNC_INTERVAL.saturating_sub(since.elapsed()))
    }

    /// Refuses to go on where what is committed would be lost: the log cannot be written through, or
    /// the file is not the one that was opened. A file that was deleted is written anew.
    pub(super) fn check(&mut self, connection: &Connection) -> Result<(), LedgerError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.identity.is_none() || identity(self.path) == self.identity {
            return Ok(());
        }
        let is_rescued = !self.path.exists() && rescue(connection, self.path).is_ok();
        let path = self.path.display().to_string();
        let gone = LedgerError::Gone { path, is_rescued };
        self.failure = Some(gone.clone());
        Err(gone)
    }

    /// Takes note of a commit.
    pub(super) fn committed(&mut self) {
        self.unsynced_since.get_or_insert_with(Instant::now);
    }

    /// Writes the log through if the last time was long enough ago. A failure is told with the next
    /// commit.
    pub(super) fn sync_if_due(&mut self) {
        let is_recent = self.synced_at.is_some_and(|at| at.elapsed() < SYNC_INTERVAL);
        if self.unsynced_since.is_none() || is_recent {
            return;
        }
        match sync(&self.log) {
            Ok(()) => {
                self.unsynced_since = None;
                self.synced_at = Some(Instant::now());
            }
            Err(error) => {
                let path = self.path.display().to_string();
                let detail = format!("its log does not reach the disk: {error}");
                self.failure = Some(LedgerError::Unusable { path, detail });
            }
        }
    }
}

/// Writes what was committed to the ledger at `path` through to the disk, now.
pub(crate) fn sync_ledger(path: &Path) -> Result<(), LedgerError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    sync(Path::new(&log)).map_err(|error| {
        let detail = format!("its log does not reach the disk: {error}");
        LedgerError::Unusable { path: path.display().to_string(), detail }
    })
}

/// Writes a file through to the disk. One that is not there was copied, and written through, by SQLite.
fn sync(file: &Path) -> io::Result<()> {
    match File::open(file) {
        Ok(file) => file.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes the name of a new file through to the disk, as far as the system lets folders be opened.
pub(super) fn sync_folder_of(path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        drop(folder.sync_all());
    }
}

/// A file was deleted, but what it holds is there as long as it is open.
fn rescue(connection: &Connection, path: &Path) -> Result<(), rusqlite::Error> {
    if let Some(folder) = path.parent() {
        drop(create_folder(folder));
    }
    connection.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
    if let Ok(file) = open_file(path) {
        close_to_others(&file);
    }
    Ok(())
}

#[cfg(unix)]
type Identity = (u64, u64);

/// Which file a path leads to.
#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere a file that is open cannot be deleted.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}
