//! One guess about a dataset: what, why, and what to change where it is wrong.

use serde::Serialize;

/// One guess about a dataset, in words for whoever wrote the dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guess {
    /// What was guessed: `target`, `metric`, …
    pub what: &'static str,
    /// The guess.
    pub is: String,
    /// Why.
    pub because: String,
    /// What to change where it is wrong.
    pub change: String,
}

impl Guess {
    pub(super) fn new(
        what: &'static str,
        is: impl Into<String>,
        because: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self { what, is: is.into(), because: because.into(), change: change.into() }
    }
}

/// A name as sentences quote it.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", evalmark_report::safe_text::printable_line(name))
}

/// Several names.
pub(super) fn all_quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}
