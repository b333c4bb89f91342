//! Vectors, as servers send them: one for each text, and every number finite.

use evalmark_core::{
    embedding::{decode, encode},
    number_format::counted,
    record::{Outcome, Usage},
};
use serde::de::DeserializeOwned;

use crate::{
    malformed::misshapen,
    providers::reported_body,
    reply::{Answer, AttemptError, Retryable},
};

/// The body of a success as a list of vectors, which is called `what`.
pub(super) fn read<T: DeserializeOwned>(what: &str, body: &str) -> Result<T, AttemptError> {
    reported_body::json(what, body, &mut String::new())
}

/// A list that lacks its vectors: nothing was bought yet.
pub(super) fn without_vectors(what: &str, field: &str) -> AttemptError {
    AttemptError { retryable: Retryable::Yes, ..misshapen(what, &format!("no `{field}`")) }
}

/// An answer with the vectors of `n` texts, a line each.
pub(super) fn answer<'a>(
    what: &str,
    vectors: impl ExactSizeIterator<Item = &'a Vec<f32>>,
    n: usize,
    input_tokens: Option<u64>,
) -> Result<Answer, AttemptError> {
    let output = lines(what, vectors.map(|vector| encode(vector)), n)?;
    // Texts come in and none goes out; whoever counts the ones need not count the others.
    let usage = Usage { input_tokens, output_tokens: input_tokens.map(|_| 0) }.plausible();
    Ok(Answer { outcome: Outcome::Answered, output, finish_reason: None, usage, details: None })
}

/// The vectors of `n` texts, a line each. They are looked at before they are kept: what is kept is
/// never asked for again.
pub(super) fn lines(
    what: &str,
    vectors: impl ExactSizeIterator<Item = String>,
    n: usize,
) -> Result<String, AttemptError> {
    if vectors.len() != n {
        let why = format!(
            "the server sent {} for {}",
            counted(vectors.len() as u64, "vector"),
            counted(n as u64, "text")
        );
        return Err(misshapen(what, &why));
    }
    let lines: Vec<_> = vectors.collect();
    if lines.iter().any(|line| decode(line).is_none()) {
        let why = "a vector is empty, or holds a value that is not a finite number";
        return Err(misshapen(what, why));
    }
    Ok(lines.join("\n"))
}
