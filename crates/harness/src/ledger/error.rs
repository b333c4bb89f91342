//! What can go wrong with a ledger, and what to do about it.

use std::path::Path;

use rusqlite::ErrorCode;

/// Why a ledger cannot be used. Nothing that was committed before is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The file is something else.
    #[error("{path} is not an evalmark ledger: {detail}")]
    Foreign {
        /// The file.
        path: String,
        /// What it seems to be.
        detail: String,
    },
    /// The file's format is not this version's.
    #[error(
        "the ledger {path} has format {found}, and this evalmark reads those up to {known}: use the \
         evalmark that wrote it, or another cache folder"
    )]
    Version {
        /// The file.
        path: String,
        /// The file's format.
        found: i64,
        /// The newest format that this version reads.
        known: i64,
    },
    /// The file was truncated or changed from outside.
    #[error("the ledger {path} is damaged: {detail}; move it away to begin a new one")]
    Damaged {
        /// The file.
        path: String,
        /// What was found.
        detail: String,
    },
    /// The disk is full.
    #[error(
        "no space is left on the disk of the ledger {path}; answers that are not in it yet are lost"
    )]
    Full {
        /// The file.
        path: String,
    },
    /// The disk is too full for a ledger to begin.
    #[error("no space is left on the disk for the ledger {path}; nothing was sent to a model")]
    NoRoom {
        /// The file.
        path: String,
    },
    /// The file was deleted or replaced while it was in use.
    #[error(
        "the ledger {path} was {} while evalmark used it",
        if *is_rescued {
            "deleted (what it held is written there again)"
        } else {
            "deleted or replaced, with the answers in it,"
        }
    )]
    Gone {
        /// The file.
        path: String,
        /// Whether what it held could be written anew.
        is_rescued: bool,
    },
    /// Another process held the file for too long.
    #[error("the ledger {path} is in use by another process, and did not become free")]
    Busy {
        /// The file.
        path: String,
    },
    /// The file cannot be opened, read or written.
    #[error("the ledger {path} cannot be used: {detail}")]
    Unusable {
        /// The file.
        path: String,
        /// What the system says.
        detail: String,
    },
}

impl LedgerError {
    /// What an error of SQLite means for the ledger at `path`.
    pub(crate) fn new(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, detail) = (path.display().to_string(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path, detail },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, detail },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::SystemIoFailure) => {
                let detail = format!("{detail} (the disk fails, or `ulimit -f` limits its size)");
                Self::Unusable { path, detail }
            }
            _ => Self::Unusable { path, detail },
        }
    }

    /// The same error before anything was asked: there is nothing to lose yet.
    pub(super) fn at_the_start(self) -> Self {
        match self {
            Self::Full { path } => Self::NoRoom { path },
            error => error,
        }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.display().to_string(), detail: detail.into() }
    }
}
