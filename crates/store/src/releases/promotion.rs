//! A release comes into being: its file gets its name whole and at once, which nobody else can have, and that counts.
//! `ENV.json` follows; where the process ends before that, the next one brings it up to date.

use std::io::Write;

use serde_json::Value;

use super::{
    environment::EnvironmentState,
    error::ReleasesError,
    folder::{ReleasesFolder, ReleasesLock, parse},
    objects::{make_folders, read_bounded, sha256_hex},
    record::{ReleaseFile, ReleaseRecord},
};
use crate::{
    blobs::PutOutcome,
    durable::{self, NewFile},
};

/// A release that was written.
#[derive(Clone, Debug)]
pub struct AppendedRelease {
    /// What the environment has now.
    pub state: EnvironmentState,
    /// SHA-256 of the release's record: what its statement is about.
    pub record_sha256: String,
}

impl ReleasesFolder {
    /// Writes a release behind `before`, the state that it follows. `sign` makes the envelope of a statement about the
    /// record of the digest that it is given.
    pub fn append<E: From<ReleasesError>>(
        &self,
        _lock: &ReleasesLock,
        before: &EnvironmentState,
        record: &ReleaseRecord,
        sign: impl FnOnce(&str) -> Result<Option<Value>, E>,
    ) -> Result<AppendedRelease, E> {
        let path = self.release_file(&record.environment, record.release);
        let wrong = |error: serde_json::Error| ReleasesError::Wrong {
            path: path.clone(),
            why: error.to_string(),
        };
        let file = ReleaseFile::new(record, sign).map_err(wrong)??;
        let text = file.to_text().map_err(wrong)?;
        self.name_release(record, &text)?;
        let mut state = before.clone();
        state.follow(record, &sha256_hex(text.as_bytes()));
        self.write_state(&state)?;
        Ok(AppendedRelease { state, record_sha256: file.record_sha256() })
    }

    /// Brings `ENV.json` up to date where an earlier process could not; answers whether it was behind.
    pub fn catch_up(&self, _lock: &ReleasesLock, environment: &str) -> Result<bool, ReleasesError> {
        let state = self.state(environment)?;
        let path = self.state_file(environment);
        let written = match read_bounded(&path) {
            Ok(bytes) => parse::<EnvironmentState>(&path, &bytes)?.release,
            Err(ReleasesError::Missing(_)) => 0,
            Err(error) => return Err(error),
        };
        if written == state.release {
            return Ok(false);
        }
        self.write_state(&state)?;
        Ok(true)
    }

    /// Gives a release's file its name, which it alone can have.
    fn name_release(&self, record: &ReleaseRecord, text: &str) -> Result<(), ReleasesError> {
        let path = self.release_file(&record.environment, record.release);
        let cannot = |source| ReleasesError::Unwritable { path: path.clone(), source };
        let folder = self.path.join(&record.environment);
        make_folders(&folder).map_err(cannot)?;
        durable::remove_leftovers(&folder);
        let file = NewFile::create(&path).map_err(cannot)?;
        file.writer().and_then(|mut writer| writer.write_all(text.as_bytes())).map_err(cannot)?;
        file.sync().map_err(cannot)?;
        match file.name_if_free().map_err(cannot)? {
            PutOutcome::Written => Ok(()),
            PutOutcome::AlreadyThere => Err(ReleasesError::MovedOn {
                environment: record.environment.clone(),
                release: record.release,
            }),
        }
    }

    fn write_state(&self, state: &EnvironmentState) -> Result<(), ReleasesError> {
        let path = self.state_file(&state.environment);
        let wrong = |error: serde_json::Error| ReleasesError::Wrong {
            path: path.clone(),
            why: error.to_string(),
        };
        let text = state.to_text().map_err(wrong)?;
        durable::write(&path, text.as_bytes())
            .map_err(|source| ReleasesError::Unwritable { path: path.clone(), source })
    }
}
