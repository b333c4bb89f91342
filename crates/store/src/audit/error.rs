//! Why the log could not be read or written.

use std::{io, path::PathBuf};

/// Why the log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is none.
    #[error("there is no audit log here")]
    SwitchedOff,
    /// It is not a file of its folder.
    #[error("the audit log {} is no plain file", .0.display())]
    NoFile(PathBuf),
    /// It cannot be read.
    #[error("the audit log {} cannot be read", path.display())]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("the audit log {} cannot be written", path.display())]
    Unwritable {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing can follow a line that is not what was written.
    #[error("{}:{line}: this line is not an entry of the audit log as it was written", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// Nobody writes that much about one thing.
    #[error("an entry of {0} bytes is too long for the audit log")]
    TooLong(usize),
}

impl AuditError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SwitchedOff => Some("`evalmark audit start` switches it on".to_owned()),
            Self::Damaged { .. } => Some(
                "`evalmark audit verify` tells all that is wrong; git has the file as it was"
                    .to_owned(),
            ),
            Self::NoFile(_)
            | Self::Unreadable { .. }
            | Self::Unwritable { .. }
            | Self::TooLong(_) => None,
        }
    }
}
