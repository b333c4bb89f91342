//! Errors as people read them: what went wrong, why, and what to do; and how the program ends on them.

use anyhow::{Error, Result};
use evalmark_runner::RunError;
use evalmark_store::StoreError;

use crate::exit::Exit;

/// Adds advice, or an exit code, to an error.
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
    run_error(error).with_hint(advice).into()
}

/// An error that can have advice and an ending.
pub(crate) fn run_error(error: Error) -> RunError {
    let root: &(dyn std::error::Error + Send + Sync + 'static) = error.as_ref();
    if root.is::<RunError>() {
        return error.downcast().unwrap_or_else(RunError::new);
    }
    if root.is::<StoreError>() {
        return error.downcast::<StoreError>().map_or_else(RunError::new, RunError::from);
    }
    RunError::new(error.reallocate_into_boxed_dyn_error_without_backtrace())
}

/// How the program ends on an error, where the error says so.
pub(crate) fn exit_of(error: &Error) -> Option<Exit> {
    error.chain().find_map(|cause| {
        let of_store = cause.downcast_ref::<StoreError>();
        let of_store = of_store.filter(|error| error.is_incomplete()).map(|_| Exit::Incomplete);
        of_store.or_else(|| cause.downcast_ref::<RunError>()?.ending())
    })
}

/// `error:`, `caused by:` and `hint:` lines.
pub(crate) fn describe(error: &Error) -> String {
    let of_store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>()?.hint());
    let hints = error.chain().find_map(|cause| cause.downcast_ref::<RunError>());
    let hints = hints.map(RunError::hints).unwrap_or_default();
    lines(error.chain(), hints.into_iter().chain(of_store.as_deref()).collect())
}

/// The same of an error of the engine.
pub(crate) fn describe_run_error(error: &RunError) -> String {
    let own: &(dyn std::error::Error + 'static) = error;
    lines(std::iter::once(own).chain(error.causes()), error.hints())
}

fn lines<'a>(
    chain: impl Iterator<Item = &'a (dyn std::error::Error + 'static)>,
    hints: Vec<&str>,
) -> String {
    let words = std::iter::once("error").chain(std::iter::repeat("  caused by"));
    let errors = words.zip(chain).map(|(word, error)| format!("{word}: {error}"));
    let hints = hints.into_iter().map(|advice| format!("  hint: {advice}"));
    errors.chain(hints).collect::<Vec<_>>().join("\n")
}
