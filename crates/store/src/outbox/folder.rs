//! The outbox on disk, and the right to deliver from it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::entry::{FORMAT_VERSION, OutboxEntry};
use crate::{Redact, durable};

/// Bytes of an entry at most.
const MOST_BYTES: u64 = 8 << 20;

/// How long delivered messages are remembered: for so long nobody is told twice.
const KEPT: Duration = Duration::from_hours(24 * 90);

/// Delivered messages that are remembered at most.
const MOST_KEPT: usize = 10_000;

/// Entries of a folder that are read at most, at a time.
const MOST_READ: usize = 10_000;

/// What became of an entry, which is the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// It waits.
    Pending,
    /// It was delivered.
    Sent,
    /// It could not be delivered for days.
    GivenUp,
}

impl OutboxState {
    /// The folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::GivenUp => "given_up",
        }
    }
}

/// The outbox below a folder of runs.
#[derive(Clone, Debug)]
pub struct Outbox {
    folder: PathBuf,
}

/// The right to deliver, until it is dropped.
#[derive(Debug)]
pub struct OutboxLock {
    _file: File,
}

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// A file or folder of it cannot be read or written.
    #[error("the outbox {} cannot be used", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process delivers.
    #[error("another process is sending from the outbox {}", .0.display())]
    Busy(PathBuf),
    /// The file system has no locks, without which two might deliver the same.
    #[error("the outbox {} lies on a file system without locks", .0.display())]
    NoLocks(PathBuf),
}

/// An entry that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

impl Outbox {
    /// The outbox below a folder of runs, whether it is there yet or not.
    pub fn below(out: &Path) -> Self {
        Self { folder: out.join("outbox") }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn failed(path: &Path) -> impl Fn(io::Error) -> OutboxError + '_ {
        |source| OutboxError::Io { path: path.to_owned(), source }
    }

    fn path(&self, state: OutboxState, id: &str) -> PathBuf {
        self.folder.join(state.name()).join(format!("{id}.json"))
    }

    /// Adds a message; answers whether it was not there, in whatever state.
    pub fn add(&self, entry: &OutboxEntry, redact: Redact) -> Result<bool, OutboxError> {
        let all = [OutboxState::Pending, OutboxState::Sent, OutboxState::GivenUp];
        if all.iter().any(|state| self.path(*state, &entry.id).exists()) {
            return Ok(false);
        }
        for state in all {
            let folder = self.folder.join(state.name());
            fs::create_dir_all(&folder).map_err(Self::failed(&folder))?;
        }
        self.write(OutboxState::Pending, entry, redact)?;
        Ok(true)
    }

    fn write(
        &self,
        state: OutboxState,
        entry: &OutboxEntry,
        redact: Redact,
    ) -> Result<(), OutboxError> {
        let path = self.path(state, &entry.id);
        let json = serde_json::to_string_pretty(entry).map_err(io::Error::from);
        let json = json.map_err(Self::failed(&path))?;
        durable::write(&path, redact(&json).as_bytes()).map_err(Self::failed(&path))
    }

    /// The entries in a state, the oldest first, and files there that are none.
    pub fn entries(
        &self,
        state: OutboxState,
    ) -> Result<(Vec<OutboxEntry>, Vec<Unreadable>), OutboxError> {
        let folder = self.folder.join(state.name());
        let listed = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            listed => listed.map_err(Self::failed(&folder))?,
        };
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        let is_entry = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".json") && !name.starts_with('.')
        };
        let files = listed.flatten().map(|entry| entry.path()).filter(is_entry);
        for path in files.take(MOST_READ) {
            match read(&path) {
                Ok(entry) => entries.push(entry),
                // Somebody else has moved it meanwhile.
                Err(_) if !path.exists() => {}
                Err(why) => unreadable.push(Unreadable { path, why }),
            }
        }
        entries.sort_by(|a: &OutboxEntry, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        unreadable.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((entries, unreadable))
    }

    /// Whether a message is there in this state.
    pub fn has(&self, state: OutboxState, id: &str) -> bool {
        self.path(state, id).exists()
    }

    /// Whether anything waits.
    pub fn is_waiting(&self) -> bool {
        let listed = fs::read_dir(self.folder.join(OutboxState::Pending.name()));
        listed.is_ok_and(|mut listed| listed.next().is_some())
    }

    /// Takes the right to deliver; where another process has it, waits for it so long.
    pub fn lock(&self, wait: Duration) -> Result<OutboxLock, OutboxError> {
        fs::create_dir_all(&self.folder).map_err(Self::failed(&self.folder))?;
        let path = self.folder.join(".lock");
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            durable::remove(&path).map_err(Self::failed(&path))?;
        }
        // Nobody ever removes it: two could hold a lock on two files of one name.
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(Self::failed(&path))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(OutboxLock { _file: file }),
                Err(TryLockError::Error(_)) => {
                    return Err(OutboxError::NoLocks(self.folder.clone()));
                }
                Err(TryLockError::WouldBlock) if began.elapsed() >= wait => {
                    return Err(OutboxError::Busy(self.folder.clone()));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl OutboxLock {
    /// Writes down what became of an attempt, or that one begins.
    pub fn update(
        &self,
        outbox: &Outbox,
        entry: &OutboxEntry,
        redact: Redact,
    ) -> Result<(), OutboxError> {
        outbox.write(OutboxState::Pending, entry, redact)
    }

    /// Moves an entry from those that wait to another state.
    pub fn settle(
        &self,
        outbox: &Outbox,
        state: OutboxState,
        entry: &OutboxEntry,
        redact: Redact,
    ) -> Result<(), OutboxError> {
        outbox.write(state, entry, redact)?;
        let pending = outbox.path(OutboxState::Pending, &entry.id);
        durable::remove(&pending).map_err(Outbox::failed(&pending))
    }

    /// Whether an entry that waits was delivered already: somebody wrote it again, or was killed before it was taken off.
    pub fn is_settled(&self, outbox: &Outbox, id: &str) -> bool {
        outbox.path(OutboxState::Sent, id).exists()
    }

    /// Takes an entry off that was delivered already.
    pub fn drop_pending(&self, outbox: &Outbox, id: &str) -> Result<(), OutboxError> {
        let pending = outbox.path(OutboxState::Pending, id);
        durable::remove(&pending).map_err(Outbox::failed(&pending))
    }

    /// Forgets what was delivered, or given up, long ago.
    pub fn prune(&self, outbox: &Outbox) -> Result<usize, OutboxError> {
        let mut removed = 0;
        for state in [OutboxState::Sent, OutboxState::GivenUp] {
            let folder = outbox.folder.join(state.name());
            durable::remove_leftovers(&folder);
            let Ok(listed) = fs::read_dir(&folder) else { continue };
            let mut files: Vec<_> = listed
                .flatten()
                .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
                .collect();
            files.sort();
            let too_many = files.len().saturating_sub(MOST_KEPT);
            for (i, (modified, path)) in files.into_iter().enumerate() {
                let is_old = modified.elapsed().is_ok_and(|age| age > KEPT);
                if is_old || i < too_many {
                    durable::remove(&path).map_err(Outbox::failed(&path))?;
                    removed += 1;
                }
            }
        }
        durable::remove_leftovers(&outbox.folder.join(OutboxState::Pending.name()));
        Ok(removed)
    }
}

fn read(path: &Path) -> Result<OutboxEntry, String> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err("is no file".to_owned());
    }
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("has more than {} MiB", MOST_BYTES >> 20));
    }
    let entry: OutboxEntry = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if entry.format_version > FORMAT_VERSION {
        return Err(format!("has the form {}, of a later version", entry.format_version));
    }
    let is_own = path.file_stem().is_some_and(|stem| *stem == *entry.id);
    let is_id = entry.id.len() == 32 && entry.id.bytes().all(|b| b.is_ascii_hexdigit());
    if !(is_own && is_id) {
        return Err("is not called by its id".to_owned());
    }
    Ok(entry)
}

impl OutboxEntry {
    /// Whether it may be tried now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|moment| moment <= now)
    }
}

impl OutboxError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Busy(_) => Some("wait for it to end".to_owned()),
            Self::NoLocks(_) => Some("keep the folder of runs on a local disk".to_owned()),
            Self::Io { .. } => None,
        }
    }
}
