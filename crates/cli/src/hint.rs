//! Errors as people read them: what went wrong, why, and what to do; and how the program ends on them.

use anyhow::Error;
use evalmark_runner::RunError;
use evalmark_store::StoreError;

use crate::exit::Exit;

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
    let mut told: Vec<String> = Vec::new();
    for error in chain.map(ToString::to_string) {
        // Some errors say in their own words what their cause says.
        if !told.iter().any(|told| told.contains(&error)) {
            told.push(error);
        }
    }
    let words = std::iter::once("error").chain(std::iter::repeat("  caused by"));
    let errors = words.zip(told).map(|(word, error)| format!("{word}: {error}"));
    let hints = hints.into_iter().map(|advice| format!("  hint: {advice}"));
    errors.chain(hints).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use evalmark_runner::RunError;

    use super::describe_run_error;

    #[test]
    fn a_cause_is_told_once() {
        let check = |error: RunError, expected: &str| {
            assert_eq!(describe_run_error(&error), expected);
        };
        let cause = || RunError::new("row 3: no number").with_hint("write one");
        let told = "error: cannot read\n  caused by: row 3: no number\n  hint: write one";
        check(cause().with_context("cannot read"), told);
        let told = "error: dataset d.csv, row 3: no number\n  hint: write one";
        check(cause().with_context("dataset d.csv, row 3: no number"), told);
    }
}
