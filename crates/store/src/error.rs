//! Everything that can go wrong in a store, with what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    baseline::{BaselineError, PromoteError},
    blobs::BlobError,
    calibration::CalibrationError,
    canary::CanaryStateError,
    feedback::FeedbackFileError,
    integrity::IntegrityError,
    lock::LockError,
    monitor::MonitorFolderError,
    named_run::{LatestRunError, NoRunError},
    releases::ReleasesError,
    run_folder::{BeginError, OpenRunError},
};

/// Why something could not be kept, or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A run could not be begun.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// A run's record could not be read.
    #[error(transparent)]
    Open(#[from] OpenRunError),
    /// A run could not be kept from others.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A run or baseline is not finished, not complete or not what was written.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// There is no such baseline, or it cannot be compared with.
    #[error(transparent)]
    Baseline(#[from] Box<BaselineError>),
    /// A run could not become a baseline.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// A calibration could not be read.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The state of a canary could not be read.
    #[error(transparent)]
    Canary(#[from] CanaryStateError),
    /// There is no run that began last.
    #[error(transparent)]
    Latest(#[from] LatestRunError),
    /// There is no run, or no folder, of the name that was given.
    #[error(transparent)]
    NoRun(#[from] NoRunError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
    /// A document could not be read, written or listed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Releases could not be read or written.
    #[error(transparent)]
    Releases(#[from] ReleasesError),
    /// A monitor's folder could not be read or written.
    #[error(transparent)]
    Monitor(#[from] MonitorFolderError),
    /// Feedback could not be read or written.
    #[error(transparent)]
    Feedback(#[from] FeedbackFileError),
}

impl StoreError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Begin(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Integrity(error) => error.hint(),
            Self::Baseline(error) => error.hint(),
            Self::Promote(error) => error.hint(),
            Self::Latest(error) => Some(error.hint()),
            Self::NoRun(error) => Some(error.hint.clone()),
            Self::Releases(error) => error.hint(),
            Self::Monitor(error) => error.hint(),
            Self::Feedback(error) => error.hint(),
            Self::Calibration(_) | Self::Canary(_) | Self::Write(_) | Self::Blob(_) => None,
        }
    }

    /// Whether what was found is incomplete, or not comparable, rather than the call wrong.
    pub fn is_incomplete(&self) -> bool {
        match self {
            Self::Integrity(error) => !matches!(error, IntegrityError::Unreadable { .. }),
            Self::Baseline(error) => !matches!(**error, BaselineError::NotARun { .. }),
            // A folder that is no run is a wrong call; a run whose record is damaged is not.
            Self::Open(error) => !matches!(error, OpenRunError::NotARun { .. }),
            Self::Releases(error) => error.is_damage(),
            Self::Monitor(error) => error.is_incomplete(),
            Self::Feedback(error) => error.is_incomplete(),
            _ => false,
        }
    }
}

impl From<BaselineError> for StoreError {
    fn from(error: BaselineError) -> Self {
        Self::Baseline(Box::new(error))
    }
}

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written", path.display())]
pub struct WriteFileError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Says which file could not be written.
pub(crate) fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> WriteFileError {
    move |source| WriteFileError { path: path.to_owned(), source }
}
