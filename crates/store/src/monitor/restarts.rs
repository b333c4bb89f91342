//! `restarts.json` of a monitor: since when drift is tested anew, and why. It lies beside the state, which a process
//! that follows logs writes, so that nobody has to stop for it.

use std::{fs, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::folder::{MonitorFolder, MonitorFolderError};
use crate::{durable, error::cannot_write};

/// The file's name.
const RESTARTS: &str = "restarts.json";

/// Version of its form.
const FORMAT_VERSION: u32 = 1;

/// The file is no larger than this.
const MAX_RESTARTS: u64 = 16 << 20;

/// Streams begun anew: earlier records say nothing about drift any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorRestart {
    /// Since when records count.
    pub at: Timestamp,
    /// When it was said.
    pub said_at: Timestamp,
    /// Why, where somebody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Restarts {
    format_version: u32,
    restarts: Vec<MonitorRestart>,
}

impl MonitorFolder {
    /// Every restart, in the order in which they were said.
    pub fn restarts(&self) -> Result<Vec<MonitorRestart>, MonitorFolderError> {
        let path = self.path.join(RESTARTS);
        let unreadable =
            |reason: String| MonitorFolderError::Unreadable { path: path.clone(), reason };
        let bytes = match fs::metadata(&path) {
            Ok(about) if about.len() > MAX_RESTARTS => {
                return Err(unreadable("it is too large".to_owned()));
            }
            Ok(_) => fs::read(&path).map_err(|error| unreadable(error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let read: Restarts =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if read.format_version > FORMAT_VERSION {
            return Err(MonitorFolderError::Later { path, found: read.format_version });
        }
        Ok(read.restarts)
    }

    /// Adds one.
    pub fn restart(&self, restart: MonitorRestart) -> Result<(), MonitorFolderError> {
        let mut restarts = self.restarts()?;
        restarts.push(restart);
        let path = self.path.join(RESTARTS);
        // Moments and texts always make JSON.
        let json =
            serde_json::to_vec_pretty(&Restarts { format_version: FORMAT_VERSION, restarts })
                .unwrap_or_default();
        durable::write(&path, &json).map_err(cannot_write(&path))?;
        Ok(())
    }
}
