//! `canary.json`: the looks of a suite's canary so far, and where that is kept.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Redact, StoreError,
    blobs::{BlobError, Blobs},
    lock::{LockError, RunLock},
};

/// Version of `canary.json`.
pub const FORMAT_VERSION: u32 = 1;

/// The content of `canary.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CanaryState {
    /// [`FORMAT_VERSION`] of the tool that wrote it.
    pub format_version: u32,
    /// Version of that tool.
    pub tool_version: String,
    /// The suite's name.
    pub suite: String,
    /// The baseline that every look is held against, as it was named.
    pub baseline: String,
    /// What stands for all of its files.
    pub baseline_digest: String,
    /// The looks, the oldest first.
    pub looks: Vec<CanaryLookRecord>,
    /// The streams, as whoever tests them wrote them.
    pub streams: Value,
}

/// One look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryLookRecord {
    /// Seconds since 1970.
    pub at: i64,
    /// The run that asked.
    pub run_id: String,
}

/// Where a suite's canary is kept.
pub fn path_of(out: &Path, suite: &str) -> PathBuf {
    out.join(key_of(suite))
}

fn key_of(suite: &str) -> String {
    format!("{suite}/canary.json")
}

/// Keeps other canaries of the suite out, until it is dropped.
pub fn lock(out: &Path, suite: &str) -> Result<RunLock, LockError> {
    let folder = out.join(suite);
    fs::create_dir_all(&folder)
        .map_err(|source| LockError::Unwritable { path: folder.clone(), source })?;
    RunLock::take(&folder)
}

impl CanaryState {
    /// The suite's canary among those kept in `out`; `None` where there is none.
    pub fn find(out: &impl Blobs, suite: &str) -> Result<Option<Self>, StoreError> {
        let key = key_of(suite);
        let Some(content) = out.get(&key)? else { return Ok(None) };
        let place = out.place(&key);
        Ok(Some(read(&content).map_err(|source| CanaryStateError { place, source })?))
    }

    /// Keeps it in place of an earlier one.
    pub fn write(&self, out: &impl Blobs, redact: Redact) -> Result<(), StoreError> {
        let key = key_of(&self.suite);
        let text = serde_json::to_string(self)
            .map_err(|error| BlobError::Write { place: key.clone(), source: error.into() })?;
        Ok(out.put(&key, redact(&format!("{text}\n")).as_bytes())?)
    }
}

fn read(content: &[u8]) -> Result<CanaryState, NotACanary> {
    let value: Value = serde_json::from_slice(content)?;
    let version = &value["format_version"];
    if *version != FORMAT_VERSION {
        return Err(NotACanary::Version(version.to_string()));
    }
    Ok(serde_json::from_value(value)?)
}

/// What is kept as a suite's canary is none.
#[derive(Debug, thiserror::Error)]
#[error("{place} is not the state of a canary")]
pub struct CanaryStateError {
    /// Where it is kept.
    place: String,
    /// Why.
    source: NotACanary,
}

/// Why a document is no canary's state that can be read.
#[derive(Debug, thiserror::Error)]
enum NotACanary {
    /// It is something else.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Another version of this tool wrote it.
    #[error("it has format version {0}; this evalmark reads version {FORMAT_VERSION}")]
    Version(String),
}
