//! Parquet in and out. Only the files in this folder know polars.

pub mod dataset;
mod frame;
mod guard;
mod open;
pub mod run_values;
pub mod samples;
pub mod scores;
mod seal;
pub mod summary;
mod table;
pub mod usage;

pub use open::ReadError;
pub use table::WriteError;
