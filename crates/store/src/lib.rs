//! Run folders, run records, baselines and calibrations: what a run leaves on disk, and how it gets
//! there whole or not at all; and attestations, by which others can check later what was shown.
//!
//! Begin with [`run_record::RunRecord`], the content of `run.json`, then [`run_folder::RunFolder`] and
//! [`baseline::Baseline`]; [`runs::list_runs`] lists the runs of a folder, and
//! [`named_run::existing_run`] finds one by its name. Below them are [`blobs::Blobs`], where small documents are kept by name,
//! and [`durable`], through which every change of a file goes. [`signing`] reads keys, and [`attestation`] makes and
//! checks signed statements; [`audit`] is the log of who did what; [`outbox`] keeps what receivers are to be told until they were.
//!
//! It deliberately does not run, score or compare anything, prints nothing and reads no environment:
//! what must not be written, such as keys, is passed in as a [`Redact`]. What the Parquet files and
//! pages in a run's folder hold is the report crate's; this one gives them their names.
//!
//! It owns `run.json`, the folders of runs and baselines, `calibration.json`, `canary.json`, the folder of releases with its
//! `audit.jsonl`, the folders of monitors and of feedback, and the outbox.

pub mod attestation;
pub mod audit;
pub mod baseline;
pub mod blobs;
pub mod calibration;
pub mod canary;
pub mod durable;
mod error;
pub mod feedback;
pub mod git;
pub mod integrity;
mod local_blobs;
mod lock;
pub mod monitor;
pub mod named_run;
pub mod outbox;
pub mod progress;
pub mod releases;
pub mod run_folder;
pub mod run_record;
pub mod runs;
pub mod signing;

use std::borrow::Cow;

pub use self::{
    error::{StoreError, WriteFileError},
    local_blobs::LocalFolder,
    lock::{FileLock, FileLockError, LockError, RunLock},
};

/// Takes out of a text what must not be written, such as keys.
pub type Redact = fn(&str) -> Cow<'_, str>;
