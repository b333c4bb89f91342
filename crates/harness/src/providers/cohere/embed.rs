//! Embeddings: what is asked, and what comes back, a vector a line.

use evalmark_core::request::Request;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::response::counts;
use crate::{
    failure::within_success,
    providers::{
        common_params::CommonParams,
        reported_vectors::{self, without_vectors},
    },
    reply::{Answer, AttemptError},
};

/// What the response should have been.
const WHAT: &str = "list of embeddings";
/// What a text is for, where the suite does not say: the API wants to know.
const INPUT_TYPE: &str = "search_document";

/// The parts of a response that are read.
#[derive(Deserialize)]
struct List {
    embeddings: Option<Vectors>,
    meta: Option<Meta>,
    /// Of an error.
    message: Option<Value>,
}

/// Vectors by their type.
#[derive(Deserialize)]
struct Vectors {
    float: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Meta {
    billed_units: Option<Box<RawValue>>,
}

/// `model`, `texts`, what they are embedded for, and the parameters of embeddings.
pub(super) fn body(request: &Request) -> Map<String, Value> {
    let texts: Vec<_> = request.messages.iter().map(|message| message.text()).collect();
    let mut body = Map::new();
    body.insert("model".into(), (*request.model).into());
    body.insert("texts".into(), json!(texts));
    body.insert("input_type".into(), INPUT_TYPE.into());
    body.insert("embedding_types".into(), json!(["float"]));
    let common = CommonParams::of(&request.params);
    for (name, value) in &common.others {
        let name = match *name {
            "dimensions" => "output_dimension",
            name @ ("input_type" | "truncate") => name,
            _ => continue,
        };
        body.insert(name.into(), (*value).clone());
    }
    common.add_extra(&mut body);
    body
}

/// Reads the body of a successful response to `n` texts: an answer with a line for each.
pub(super) fn read(body: &str, n: usize) -> Result<Answer, AttemptError> {
    let list: List = reported_vectors::read(WHAT, body)?;
    let Some(Vectors { float }) = list.embeddings else {
        let error = list.message.ok_or_else(|| without_vectors(WHAT, "embeddings"))?;
        return within_success(&json!({ "message": error }));
    };
    let billed = list.meta.and_then(|meta| counts(meta.billed_units.as_deref()?));
    let tokens = billed.unwrap_or_default().input_tokens;
    reported_vectors::answer(WHAT, float.iter(), n, tokens)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{
        embedding::decode,
        request::{Message, Task},
    };

    use super::*;

    #[test]
    fn texts_say_what_they_are_for() {
        let embedding = |params: &Value| {
            let messages = [Message::new("user", "a"), Message::new("user", "b")];
            let params = Arc::new(params.as_object().cloned().unwrap_or_default());
            let request = Request::chat("m".into(), messages, params, 0);
            Value::from(body(&Request { task: Task::Embedding, ..request }))
        };
        let expected = json!({
            "model": "m", "texts": ["a", "b"], "input_type": "search_document",
            "embedding_types": ["float"],
        });
        assert_eq!(embedding(&json!({ "temperature": 0, "max_tokens": 3 })), expected);
        let params = json!({
            "input_type": "clustering", "dimensions": 256, "extra": { "priority": 1 },
        });
        let expected = json!({
            "model": "m", "texts": ["a", "b"], "input_type": "clustering",
            "embedding_types": ["float"], "output_dimension": 256, "priority": 1,
        });
        assert_eq!(embedding(&params), expected);
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let body = r#"{"embeddings":{"float":[[1,2.5],[3,4]]},"meta":{"billed_units":{"input_tokens":7.0}}}"#;
        let answer = read(body, 2).expect("an answer");
        let vectors: Option<Vec<_>> = answer.output.lines().map(decode).collect();
        assert_eq!(vectors, Some(vec![vec![1.0, 2.5], vec![3.0, 4.0]]));
        assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(7), Some(0)));
    }

    #[test]
    fn what_is_no_list_of_embeddings_says_why() {
        for (body, why) in [
            ("{}", "no `embeddings`"),
            (r#"{"embeddings":{"int8":[]}}"#, "missing field `float`"),
            (r#"{"embeddings":{"float":[]}}"#, "0 vectors for 1 text"),
            (r#"{"embeddings":{"float":[[]]}}"#, "not a finite number"),
            (r#"{"message":"oh"}"#, "oh"),
        ] {
            let error = read(body, 1).expect_err(body);
            assert!(error.failure.message.contains(why), "{}", error.failure.message);
        }
    }
}
