//! Metrics: text and targets in, score out. Builds a judge's request and reads its grade.
//!
//! Begin with [`Metric`], a compiled entry of a suite's `metrics:`, and [`score_batch`], which
//! scores many samples at once. The kinds are listed in [`catalog`]; each is one file in
//! `src/kinds/` that fills the form in `src/kind.rs`, and one line in `src/kinds/mod.rs`.
//!
//! What every kind shares stands beside them: `normalize.rs` (making two texts comparable),
//! `extract.rs` and `json_in_text.rs` (narrowing an answer), `number_in_text.rs`, `judge/` (fence, request, grade), and
//! `finish.rs` (invalid answers, `not`, `binary`, thresholds). `similarity/` (edits and subsequences of
//! characters or words, many cells at a time) and `overlap/` (n-grams, stems, moves) are pure functions
//! that kinds are made of. What a kind may look at is in
//! `subject.rs`.
//!
//! What is deliberately absent: network, files, clock, randomness, printing. A judge's request is
//! made here and its grade is read here; asking it is somebody else's work. A request that failed
//! is never scored, and no score is ever NaN: what is not known is missing.
//!
//! METRICS.md beside this crate is generated from the code; a test keeps it current.

mod batch;
mod extract;
mod finish;
mod json_in_text;
mod judge;
mod kind;
mod kinds;
mod metric;
mod normalize;
mod number_in_text;
mod overlap;
mod python_text;
mod reference;
mod similarity;
mod subject;

pub use batch::{Case, Judgement, score_batch};
pub use judge::Judge;
pub use kind::Corpus;
pub use kinds::catalog;
pub use metric::Metric;
pub use reference::reference;
pub use subject::Subject;
