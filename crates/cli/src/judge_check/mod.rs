//! A judge beside people: labels joined to a run's answers (`answers.rs`), what they say of the
//! judge and of its verdicts (`finding.rs`), and that as text (`text.rs`).

mod answers;
mod finding;
mod text;

pub(crate) use answers::{Source, answers};
pub(crate) use finding::Finding;
pub(crate) use text::render;
