//! Metrics: text and targets in, score out. Builds a judge's request and reads its grade.
//!
//! Begin with [`Metric`], a compiled entry of a suite's `metrics:`, and [`score_batch`], which
//! scores many samples at once. The kinds are listed in [`catalog`]; each is one file in
//! `src/kinds/` that fills the form in `src/kind.rs`, and one line in `src/kinds/mod.rs`.
//!
//! What every kind shares stands beside them: `normalize.rs` (making two texts comparable),
//! `reasoning/` (cutting off thoughts), `extract.rs`, `json_in_text.rs` and `final_mark.rs` (narrowing
//! an answer), `number_in_text.rs`, `number_notation.rs`, `number_expression.rs` and `latex.rs` (reading
//! numbers), `word_edge.rs`, `python/` (text as other tools see it), `judge/` (fence, request, grade), and
//! `finish_score.rs` (invalid answers, `not`, `binary`, thresholds), `nested.rs` (metrics within metrics),
//! `program.rs` (what a user's own program is told and says). What a kind may look at is in
//! `subject.rs`, structures are compared by `json_compare.rs` (and `exact_json.rs`, which keeps numbers exact), `bipartite_matching.rs` and `tolerance.rs`, and found by
//! `code_fence.rs`; what identifies people is known by `personal_data/`, what classification counts and ranks in `classification/`.
//!
//! What is deliberately absent: network, files, clock, randomness, printing. A judge's request is
//! made here and its grade is read here; asking it is somebody else's work. A request that failed
//! is never scored, and no score is ever NaN: what is not known is missing.
//!
//! METRICS.md beside this crate is generated from the code; a test keeps it current.

mod answer_part;
mod batch;
mod bipartite_matching;
mod classification;
mod code_fence;
mod exact_json;
mod extract;
mod file_parameter;
mod final_mark;
mod finish_score;
mod json_compare;
mod json_in_text;
mod judge;
mod kind;
mod kinds;
mod latex;
mod metric;
mod metric_scope;
mod metric_table;
mod nested;
mod normalize;
mod number_expression;
mod number_in_text;
mod number_notation;
mod overlap;
mod personal_data;
mod program;
mod python;
mod reasoning;
mod similarity;
mod split_reasoning;
mod subject;
mod tolerance;
mod word_edge;

pub use batch::{Case, Judgement, score_batch};
pub use judge::{Form, Judge, JudgeReply, Question, QuestionError};
pub use kind::{Confused, Corpus, UnusableTarget};
pub use kinds::{catalog, language_code};
pub use metric::Metric;
pub use metric_table::reference;
pub use personal_data::{personal_data_in, personal_data_ranges};
pub use program::{Program, ProgramScore};
pub use split_reasoning::split_reasoning;
pub use subject::Subject;
