//! Embeddings: what a response says, kept as text, a vector a line.

use evalmark_core::{
    embedding::encode,
    number_format::counted,
    record::{Outcome, Usage},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    failure::within_success,
    json_repair::mended,
    malformed::{misshapen, unreadable},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "list of embeddings";

/// The parts of a response that are read.
#[derive(Deserialize)]
struct List {
    embeddings: Option<Vectors>,
    meta: Option<Value>,
    /// Of an error.
    message: Option<Value>,
}

#[derive(Deserialize)]
struct Vectors {
    float: Vec<Vec<f32>>,
}

/// Reads the body of a successful response to `n` texts: an answer with a line for each.
pub(super) fn read(body: &str, n: usize) -> Result<Answer, AttemptError> {
    let list: List = match serde_json::from_str(body) {
        Ok(list) => list,
        Err(error) => {
            let loose = mended(body).ok_or_else(|| unreadable(&error, body, WHAT))?;
            serde_json::from_str(&loose).map_err(|error| unreadable(&error, &loose, WHAT))?
        }
    };
    let Some(Vectors { float }) = list.embeddings else {
        return match list.message {
            Some(message) => within_success(&message),
            None => Err(AttemptError {
                retryable: Retryable::Yes,
                ..misshapen(WHAT, "no `embeddings`")
            }),
        };
    };
    if float.len() != n {
        let (sent, asked) =
            (counted(float.len() as u64, "vector"), counted(n as u64, "text"));
        return Err(misshapen(WHAT, &format!("the server sent {sent} for {asked}")));
    }
    if float.iter().any(|vector| vector.is_empty() || vector.iter().any(|x| !x.is_finite())) {
        let why = "a vector is empty, or holds a value that is not a finite number";
        return Err(misshapen(WHAT, why));
    }
    let output = float.iter().map(|vector| encode(vector)).collect::<Vec<_>>().join("\n");
    let billed = list.meta.as_ref().map(|meta| &meta["billed_units"]["input_tokens"]);
    let input_tokens = billed.and_then(Value::as_u64);
    // Texts come in and none goes out.
    let usage = Usage { input_tokens, output_tokens: input_tokens.map(|_| 0) }.plausible();
    Ok(Answer { outcome: Outcome::Answered, output, finish_reason: None, usage, details: None })
}

#[cfg(test)]
mod tests {
    use evalmark_core::embedding::decode;

    use super::*;

    #[test]
    fn a_vector_a_line() {
        let body = r#"{"embeddings":{"float":[[1,2.5],[3,4]]},"meta":{"billed_units":{"input_tokens":7}}}"#;
        let answer = read(body, 2).expect("an answer");
        let vectors: Option<Vec<_>> = answer.output.lines().map(decode).collect();
        assert_eq!(vectors, Some(vec![vec![1.0, 2.5], vec![3.0, 4.0]]));
        assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(7), Some(0)));
    }

    #[test]
    fn what_is_no_list_of_embeddings_says_why() {
        for (body, why) in [
            ("{}", "no `embeddings`"),
            (r#"{"embeddings":{"float":[]}}"#, "0 vectors for 1 text"),
            (r#"{"embeddings":{"float":[[]]}}"#, "not a finite number"),
            (r#"{"embeddings":{"float":[[1e99]]}}"#, "not a finite number"),
            (r#"{"message":"oh"}"#, "oh"),
        ] {
            let error = read(body, 1).expect_err(body);
            assert!(error.failure.message.contains(why), "{}", error.failure.message);
        }
    }
}
