//! Run folders, run records, baselines and calibrations: what a run leaves on disk, and how it gets
//! there whole or not at all.
//!
//! Begin with [`run_record::RunRecord`], the content of `run.json`, then [`run_folder::RunFolder`] and
//! [`baseline::Baseline`]; [`runs::list_runs`] lists the runs of a folder, and
//! [`named_run::existing_run`] finds one by its name. Below them are [`blobs::Blobs`], where small documents are kept by name,
//! and [`durable`], through which every change of a file goes.
//!
//! It deliberately does not run, score or compare anything, prints nothing and reads no environment:
//! what must not be written, such as keys, is passed in as a [`Redact`]. What the Parquet files and
//! pages in a run's folder hold is the report crate's; this one gives them their names.
//!
//! It owns `run.json`, the folders of runs and baselines, and `calibration.json`.

pub mod baseline;
pub mod blobs;
pub mod calibration;
pub mod durable;
mod error;
pub mod git;
pub mod integrity;
mod local_blobs;
mod lock;
pub mod named_run;
pub mod progress;
pub mod run_folder;
pub mod run_record;
pub mod runs;

use std::borrow::Cow;

pub use self::{
    error::{StoreError, WriteFileError},
    local_blobs::LocalFolder,
    lock::{LockError, RunLock},
};

/// Takes out of a text what must not be written, such as keys.
pub type Redact = fn(&str) -> Cow<'_, str>;
