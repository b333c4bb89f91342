//! Errors as people read them: what went wrong, why, and what to do.

use std::fmt;

use anyhow::{Error, Result};

/// An error with advice; printed apart from the causes.
#[derive(Debug)]
struct Hint {
    advice: String,
    error: Error,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for Hint {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Adds advice to an error.
pub(crate) trait Hinted<T> {
    /// What the user can do about it.
    fn hint(self, advice: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<Error>> Hinted<T> for Result<T, E> {
    fn hint(self, advice: impl Into<String>) -> Result<T> {
        self.map_err(|error| hinted(error.into(), advice))
    }
}

/// The error with advice.
pub(crate) fn hinted(error: Error, advice: impl Into<String>) -> Error {
    Error::new(Hint { advice: advice.into(), error })
}

/// `error:`, `caused by:` and `hint:` lines.
pub(crate) fn describe(error: &Error) -> String {
    let causes = error.chain().skip(1).map(|cause| format!("  caused by: {cause}"));
    let hints = error.chain().filter_map(|cause| cause.downcast_ref::<Hint>());
    let hints = hints.map(|hint| format!("  hint: {}", hint.advice));
    let lines: Vec<_> =
        std::iter::once(format!("error: {error}")).chain(causes).chain(hints).collect();
    lines.join("\n")
}
