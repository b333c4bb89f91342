//! Columns, Parquet, HTML, Markdown, JUnit: everything that a run leaves behind for others to read.
//!
//! Begin with [`columns`], which says what the Parquet files of a run folder hold, then
//! [`samples::SamplesWriter`]. Pages begin at [`html::PageData`].
//!
//! It owns what is in `samples.parquet`, `scores.parquet`, `summary.parquet`, `run_values.parquet`, `confusion.parquet`,
//! `usage.parquet`, `answers.parquet` and `report.html`, and the forms of verdicts for CI systems: Markdown, JUnit, GitHub, SARIF and GitLab, all made from one [`gate_report::GateReport`]. Every text from a dataset or a model is untrusted: [`safe_text`]
//! and the exports neutralise it.
//!
//! What it deliberately does not do: it names no file and brings none to the disk, as its writers
//! take whatever can be written to; it computes no estimate and decides no verdict, it prints
//! nothing, and it never goes to the network. It is the only crate that knows polars, and no polars
//! type appears in its public interface. Damaged files on which polars panics are errors here: for
//! that, the panic hook is wrapped once, and stays silent for panics that are caught.

mod autolinks;
pub mod changed_item;
pub mod columns;
pub mod drift_message;
pub mod exposition;
pub mod finding;
pub mod gate_report;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod junit;
pub mod latency;
pub mod markdown;
pub mod open_metrics;
mod parquet;
pub mod release_message;
pub mod run_message;
pub mod run_metrics;
pub mod safe_text;
pub mod sarif;
pub mod spreadsheet;

pub use parquet::{
    ReadError, WriteError, answers, arrow, coded_texts, columnar, dataset, dataset_rows,
    gathered_rows, records, run_values, sample_pages, sample_texts, samples, scores, summary,
    usage,
};
