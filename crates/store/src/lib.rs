//! Run folders, run records, baselines and calibrations: what a run leaves on disk.
//!
//! Begin with [`record::RunRecord`], the content of `run.json`.
//!
//! It deliberately does not run, score or compare anything, prints nothing and reads no environment.
//! It lays out a run's folder; what the Parquet files and pages in it hold is the report crate's.
//!
//! It owns `run.json`.

pub mod record;
