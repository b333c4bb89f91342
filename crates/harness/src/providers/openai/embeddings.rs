//! Embeddings: what a response says, kept as text, a vector a line.

use evalmark_core::{
    embedding::encode,
    record::{Outcome, Usage},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{chat::error_within, usage::Tokens};
use crate::{
    failure::is_error,
    json_repair::mended,
    malformed::{misshapen, unreadable},
    providers::reported_vectors::lines,
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "list of embeddings";

/// The parts of a response that are read.
#[derive(Deserialize)]
struct List<'a> {
    data: Option<Vec<Row>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Row {
    index: Option<usize>,
    embedding: Vector,
}

/// A vector as numbers, or as base64 of 32-bit floats for those who asked for that.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

/// Reads the body of a successful response to `n` texts: an answer with a line for each.
pub(crate) fn read(body: &str, n: usize) -> Result<Answer, AttemptError> {
    let loose;
    let (list, body): (List<'_>, _) = match serde_json::from_str(body) {
        Ok(list) => (list, body),
        Err(error) => {
            loose = mended(body).ok_or_else(|| unreadable(&error, body, WHAT))?;
            let list = serde_json::from_str(&loose);
            (list.map_err(|error| unreadable(&error, &loose, WHAT))?, loose.as_str())
        }
    };
    if let Some(error) = list.error.filter(is_error) {
        return Err(error_within(&error));
    }
    let Some(rows) = list.data else { return Err(without_data(body)) };
    let output = lines(WHAT, in_order(rows)?.into_iter().map(|row| line(row.embedding)), n)?;
    let input_tokens = Tokens::read(list.usage).usage.input_tokens;
    // Texts come in and none goes out; whoever counts the ones need not count the others.
    let usage = Usage { input_tokens, output_tokens: input_tokens.map(|_| 0) };
    let (finish_reason, details) = (None, None);
    Ok(Answer { outcome: Outcome::Answered, output, finish_reason, usage, details })
}

/// A response that holds nothing at all may describe a failure; it was not bought.
fn without_data(body: &str) -> AttemptError {
    match serde_json::from_str::<Value>(body) {
        Ok(error) if error.get("message").or_else(|| error.get("detail")).is_some() => {
            error_within(&error)
        }
        _ => AttemptError { retryable: Retryable::Yes, ..misshapen(WHAT, "no `data`") },
    }
}

/// The rows in the order of the texts: by their index, where they have one.
fn in_order(mut rows: Vec<Row>) -> Result<Vec<Row>, AttemptError> {
    if rows.iter().all(|row| row.index.is_none()) {
        return Ok(rows);
    }
    rows.sort_by_key(|row| row.index);
    let is_whole = rows.iter().enumerate().all(|(i, row)| row.index == Some(i));
    if is_whole { Ok(rows) } else { Err(misshapen(WHAT, "an `index` is missing or appears twice")) }
}

fn line(vector: Vector) -> String {
    match vector {
        Vector::Numbers(numbers) => encode(&numbers),
        Vector::Base64(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use evalmark_core::embedding::decode;

    use super::*;

    /// The vectors, or the error.
    fn check(body: &str, n: usize, expected: Result<&[&[f32]], &str>) {
        let read = read(body, n).map_err(|error| error.failure.message);
        let lines = read.as_ref().map(|answer| answer.output.lines().map(decode).collect());
        let vectors: Result<Option<Vec<Vec<f32>>>, _> = lines;
        match (vectors, expected) {
            (Ok(vectors), Ok(expected)) => assert_eq!(vectors.expect("vectors"), expected),
            (Err(message), Err(expected)) => assert!(message.ends_with(expected), "{message}"),
            (read, _) => panic!("{body}: {read:?}"),
        }
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let two = r#"{"data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":[1,2]}]}"#;
        check(two, 2, Ok(&[&[1.0, 2.0], &[3.0, 4.5]]));
        check(r#"{"data":[{"embedding":[1]},{"embedding":"AABAQA=="}]}"#, 2, Ok(&[&[1.0], &[3.0]]));
    }

    #[test]
    fn tokens_are_those_of_the_texts() {
        let body = r#"{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":7,"total_tokens":7}}"#;
        let usage = read(body, 1).expect("an answer").usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(7), Some(0)));
    }

    #[test]
    fn what_is_no_list_of_embeddings_says_why() {
        for (body, n, why) in [
            (r#"{"data":[]}"#, 1, "the server sent 0 vectors for 1 text"),
            ("{}", 1, "no `data`"),
            (r#"{"data":[{"embedding":[]}]}"#, 1, "not a finite number"),
            (r#"{"data":[{"embedding":[1e99]}]}"#, 1, "not a finite number"),
            (r#"{"data":[{"embedding":"hello"}]}"#, 1, "not a finite number"),
            (
                r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
                2,
                "appears twice",
            ),
            (r#"{"error":{"message":"too long"}}"#, 1, "too long"),
        ] {
            check(body, n, Err(why));
        }
    }
}
