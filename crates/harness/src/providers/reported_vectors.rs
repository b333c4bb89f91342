//! Vectors, as servers send them: one for each text, and every number finite.

use evalmark_core::{embedding::decode, number_format::counted};

use crate::{malformed::misshapen, reply::AttemptError};

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
