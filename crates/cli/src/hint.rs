//! Errors as people read them: what went wrong, why, and what to do; and how the program ends on them.

use std::fmt;

use anyhow::{Error, Result};

use crate::exit::Exit;

/// An error with advice, which is printed apart from the causes, or with an exit code of its own.
#[derive(Debug)]
struct Hint {
    advice: Option<String>,
    exit: Option<Exit>,
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

/// Adds advice, or an exit code, to an error.
pub(crate) trait Hinted<T> {
    /// What the user can do about it.
    fn hint(self, advice: impl Into<String>) -> Result<T>;

    /// How the program ends on it, where that is not [`Exit::Usage`].
    fn ends(self, exit: Exit) -> Result<T>;
}

impl<T, E: Into<Error>> Hinted<T> for Result<T, E> {
    fn hint(self, advice: impl Into<String>) -> Result<T> {
        self.map_err(|error| hinted(error.into(), advice))
    }

    fn ends(self, exit: Exit) -> Result<T> {
        self.map_err(|error| {
            Error::new(Hint { advice: None, exit: Some(exit), error: error.into() })
        })
    }
}

/// The error with advice.
pub(crate) fn hinted(error: Error, advice: impl Into<String>) -> Error {
    let exit = exit_of(&error);
    Error::new(Hint { advice: Some(advice.into()), exit, error })
}

/// How the program ends on an error, where the error says so.
pub(crate) fn exit_of(error: &Error) -> Option<Exit> {
    error.chain().find_map(|cause| cause.downcast_ref::<Hint>()?.exit)
}

/// `error:`, `caused by:` and `hint:` lines.
pub(crate) fn describe(error: &Error) -> String {
    let causes = error.chain().skip(1).map(|cause| format!("  caused by: {cause}"));
    let hints = advice(error).into_iter().map(|advice| format!("  hint: {advice}"));
    let lines: Vec<_> =
        std::iter::once(format!("error: {error}")).chain(causes).chain(hints).collect();
    lines.join("\n")
}

/// All advice, that of errors within hints too.
fn advice(error: &Error) -> Vec<&str> {
    let mut found = Vec::new();
    for cause in error.chain() {
        let mut next = cause.downcast_ref::<Hint>();
        while let Some(hint) = next {
            found.extend(hint.advice.as_deref());
            next = hint.error.downcast_ref::<Hint>();
        }
    }
    found
}
