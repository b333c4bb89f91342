//! `feedback.jsonl` of a suite: what users said of production's answers, a line an event, and where that is kept.

use std::{
    fs, io,
    io::BufRead,
    path::{Path, PathBuf},
};

use evalmark_core::feedback::FeedbackValue;
use serde::{Deserialize, Serialize};

use crate::{
    WriteFileError, durable,
    error::cannot_write,
    lock::{LockError, RunLock},
};

/// One event as it is kept: redacted, with the record's id as the monitor has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptFeedback {
    /// Its id; a later event with the same takes its place.
    pub id: String,
    /// The record's id, or that of its trace.
    pub record_id: String,
    /// What was asked for or observed.
    pub signal: String,
    /// What was said.
    pub value: FeedbackValue,
    /// What the user wrote besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Who it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When: microseconds since 1970, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// How probable it was that this user was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f64>,
}

/// Feedback that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackFileError {
    /// Another process writes it.
    #[error("another process imports feedback into {}", .0.display())]
    Busy(PathBuf),
    /// It cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
}

impl FeedbackFileError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Busy(_) => "wait for it to end",
            Self::Unreadable { .. } => {
                "bring the file back, or remove it and import the feedback again"
            }
            Self::Write(_) => return None,
        };
        Some(advice.to_owned())
    }

    /// Whether there is less than was asked for, rather than the call wrong.
    pub fn is_incomplete(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

/// The feedback of a suite.
#[derive(Clone, Debug)]
pub struct FeedbackFile {
    folder: PathBuf,
}

impl FeedbackFile {
    /// That of a suite below `out`.
    pub fn of_suite(out: &Path, suite: &str) -> Self {
        Self { folder: out.join(suite).join("feedback") }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.join("feedback.jsonl")
    }

    /// Keeps other processes from writing it, until what it returns is dropped.
    pub fn lock(&self) -> Result<RunLock, FeedbackFileError> {
        fs::create_dir_all(&self.folder).map_err(cannot_write(&self.folder))?;
        RunLock::take(&self.folder).map_err(|error| match error {
            LockError::Busy(_) => FeedbackFileError::Busy(self.folder.clone()),
            LockError::Unwritable { path, source } => WriteFileError { path, source }.into(),
        })
    }

    /// All events, in the order in which they first came; none where there is no file.
    pub fn read(&self) -> Result<Vec<KeptFeedback>, FeedbackFileError> {
        let path = self.path();
        let unreadable =
            |reason: String| FeedbackFileError::Unreadable { path: path.clone(), reason };
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let lines = io::BufReader::new(file).lines().zip(1_u64..);
        let event = |(line, number): (io::Result<String>, u64)| {
            let line = line.map_err(|error| unreadable(error.to_string()))?;
            serde_json::from_str(&line)
                .map_err(|error| unreadable(format!("line {number}: {error}")))
        };
        lines.map(event).collect()
    }

    /// Replaces all events.
    pub fn write(&self, events: &[KeptFeedback]) -> Result<(), FeedbackFileError> {
        let path = self.path();
        let mut text = Vec::new();
        for event in events {
            let line = serde_json::to_vec(event).map_err(io::Error::from);
            text.extend(line.map_err(cannot_write(&path))?);
            text.push(b'\n');
        }
        Ok(durable::write(&path, &text).map_err(cannot_write(&path))?)
    }
}
