//! Parquet in and out, and Arrow in, with the page reader and writer of polars and without its dataframes. Only the
//! files in this folder know them.

pub mod answers;
pub mod arrow;
mod arrow_lengths;
mod buffer;
pub mod coded_texts;
pub mod columnar;

pub mod dataset;
pub mod dataset_rows;
mod footer;
mod footer_checksum;
pub mod gathered_rows;
mod json;
mod open;
mod pages;
mod panic_guard;
mod parallel;
pub mod records;
mod repeated_texts;
mod row_groups;
pub mod run_values;
mod sample_order;
pub mod sample_pages;
mod sample_query;
pub mod sample_texts;
pub mod samples;
pub mod scores;
pub mod summary;
mod table;
#[cfg(test)]
mod tests;
mod typed_columns;
pub mod usage;
mod wanted_rows;

pub use open::ReadError;
pub use table::WriteError;
