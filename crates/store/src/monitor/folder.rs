//! Where a monitor keeps its segments and its state, and the right to write them.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

use super::state::{FORMAT_VERSION, MonitorState, RetiredSegment};
use crate::{
    WriteFileError, durable,
    error::cannot_write,
    lock::{LockError, RunLock},
};

/// The folder's name in that of its suite.
const FOLDER: &str = "monitor";
/// The name of the state.
const STATE: &str = "state.json";
/// What a file of records that wait to be judged ends with.
const WAITING: &str = ".waiting";
/// A state is no larger than this.
const MAX_STATE: u64 = 256 << 20;

/// The folder of a suite's monitor, which may not be there yet.
#[derive(Clone, Debug)]
pub struct MonitorFolder {
    /// Where it is.
    pub path: PathBuf,
}

/// The right to write a monitor's folder, until it is dropped.
#[derive(Debug)]
pub struct MonitorLock(#[expect(dead_code, reason = "it locks as long as it is there")] RunLock);

/// What is wrong with a monitor's folder.
#[derive(Debug, thiserror::Error)]
pub enum MonitorFolderError {
    /// Nothing has been read into it.
    #[error("nothing has been monitored in {}", .0.display())]
    Empty(PathBuf),
    /// Another process writes it.
    #[error("another process monitors into {}", .0.display())]
    Busy(PathBuf),
    /// The state cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The state is that of another suite.
    #[error("{} is of the suite `{found}`", path.display())]
    OtherSuite {
        /// The file.
        path: PathBuf,
        /// The suite that it is of.
        found: String,
    },
    /// A later version wrote the state.
    #[error("{} has version {found} of its form, and this version of evalmark knows {FORMAT_VERSION}", path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
}

/// What every version of the state says first.
#[derive(serde::Deserialize)]
struct Version {
    format_version: u32,
}

impl MonitorFolder {
    /// That of a suite below `out`.
    pub fn of_suite(out: &Path, suite: &str) -> Self {
        Self { path: out.join(suite).join(FOLDER) }
    }

    /// The file of a segment.
    pub fn segment(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the folder where it is not there, and keeps other processes from writing it.
    pub fn lock(&self) -> Result<MonitorLock, MonitorFolderError> {
        fs::create_dir_all(&self.path).map_err(cannot_write(&self.path))?;
        match RunLock::take(&self.path) {
            Ok(lock) => Ok(MonitorLock(lock)),
            Err(LockError::Busy(_)) => Err(MonitorFolderError::Busy(self.path.clone())),
            Err(LockError::Unwritable { path, source }) => {
                Err(WriteFileError { path, source }.into())
            }
        }
    }

    /// The state; `None` where there is none.
    pub fn state(&self, suite: &str) -> Result<Option<MonitorState>, MonitorFolderError> {
        let path = self.path.join(STATE);
        let unreadable =
            |reason: String| MonitorFolderError::Unreadable { path: path.clone(), reason };
        let bytes = match fs::metadata(&path) {
            Ok(about) if about.len() > MAX_STATE => {
                return Err(unreadable("it is too large".to_owned()));
            }
            Ok(_) => fs::read(&path).map_err(|error| unreadable(error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let read = |error: serde_json::Error| unreadable(error.to_string());
        let Version { format_version: found } = serde_json::from_slice(&bytes).map_err(read)?;
        if found > FORMAT_VERSION {
            return Err(MonitorFolderError::Later { path, found });
        }
        let state: MonitorState = serde_json::from_slice(&bytes).map_err(read)?;
        if state.suite != suite {
            return Err(MonitorFolderError::OtherSuite { path, found: state.suite });
        }
        Ok(Some(state))
    }

    /// Replaces the state as a whole.
    pub fn write_state(&self, state: &MonitorState) -> Result<(), WriteFileError> {
        let path = self.path.join(STATE);
        // Numbers and texts always make JSON.
        let json = serde_json::to_vec(state).unwrap_or_default();
        durable::write(&path, &json).map_err(cannot_write(&path))
    }

    /// Removes retired segments that nobody has had a reason to read for this long, and takes them out of the state,
    /// which is to be written.
    pub fn remove_retired(
        &self,
        state: &mut MonitorState,
        (now, kept): (Timestamp, Duration),
    ) -> Result<(), WriteFileError> {
        let until = now.as_second().saturating_sub_unsigned(kept.as_secs());
        let (old, young) = std::mem::take(&mut state.retired)
            .into_iter()
            // A clock that was set back keeps nothing for ever.
            .partition(|one| one.at <= until || one.at > now.as_second());
        state.retired = young;
        for RetiredSegment { name, .. } in old {
            let path = self.segment(&name);
            durable::remove(&path).map_err(cannot_write(&path))?;
        }
        Ok(())
    }

    /// The journal of the records that the segment of this number will have.
    pub fn journal(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:06}.journal"))
    }

    /// The file of the records that this commit left to be judged.
    pub fn waiting(&self, commit: u64) -> PathBuf {
        self.path.join(format!("{commit:06}{WAITING}"))
    }

    /// Removes segments that the state does not name, and files of records that wait: whoever wrote them was ended before it
    /// could say so. A journal whose records are in a segment goes, too.
    pub fn remove_others(&self, state: &MonitorState) -> Result<(), WriteFileError> {
        let journal = self.journal(state.next_segment);
        let segments = state.segments.iter().map(|segment| &*segment.name);
        let waiting = state.judging.waiting.iter().map(|file| &*file.name);
        let retired = state.retired.iter().map(|one| &*one.name);
        let named: HashSet<_> = segments.chain(retired).chain(waiting).collect();
        let Ok(entries) = fs::read_dir(&self.path) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_left = name.starts_with('.') && name.ends_with(".partial");
            let is_segment = name.ends_with(".parquet") || name.ends_with(WAITING);
            let is_done = name.ends_with(".journal") && entry.path() != journal;
            if is_left || is_done || is_segment && !named.contains(&*name) {
                durable::remove(&entry.path()).map_err(cannot_write(&entry.path()))?;
            }
        }
        Ok(())
    }
}

impl MonitorFolderError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Empty(_) => "`evalmark monitor SUITE --from LOGS` reads logs into it",
            Self::Busy(_) => "wait for it to end, or stop it",
            Self::Unreadable { .. } => {
                "bring the file back, or remove the whole folder and read the logs again"
            }
            Self::OtherSuite { .. } => "name another folder with `--out`",
            Self::Later { .. } => "use the version that wrote it, or a later one",
            Self::Write(_) => return None,
        };
        Some(advice.to_owned())
    }

    /// Whether there is less than was asked for, rather than the call wrong.
    pub fn is_incomplete(&self) -> bool {
        matches!(self, Self::Empty(_) | Self::Unreadable { .. })
    }
}
