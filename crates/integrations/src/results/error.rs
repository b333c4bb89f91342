//! Why results cannot be read: the file, the place in it, and what to do.

use std::fmt;

/// Why results cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", Place(place.as_deref()))]
pub struct ResultsError {
    /// The file, or the address.
    pub file: String,
    /// Where in it: a line, a JSON path, an entry of an archive.
    pub place: Option<String>,
    /// What is wrong there.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

struct Place<'a>(Option<&'a str>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |place| write!(f, ", {place}"))
    }
}

impl ResultsError {
    /// Something that is wrong with a whole file.
    pub(super) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: None, message: message.into(), hint: None }
    }

    /// Something that is wrong at a place of a file.
    pub(super) fn at(file: &str, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..Self::of_file(file, message) }
    }

    /// With what to do about it.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
