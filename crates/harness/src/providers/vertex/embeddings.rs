//! Embeddings: an instance for each text, and what comes back, a vector a line.

use evalmark_core::{record::ErrorKind, request::Request};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    failure::{is_error, within_success},
    providers::{
        common_params::CommonParams,
        reported_tokens::count,
        reported_vectors::{self, without_vectors},
    },
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "list of predictions";

#[derive(Deserialize)]
struct List {
    predictions: Option<Vec<Prediction>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Embedding,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Statistics {
    token_count: Option<Box<RawValue>>,
}

/// The body of a request for the vectors of its texts.
pub(super) fn body(request: &Request) -> Result<Vec<u8>, AttemptError> {
    if request.messages.len() > 1 && request.model.contains("gemini") {
        let message = format!("`{}` takes one text at a time", request.model);
        return Err(AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never));
    }
    let common = CommonParams::of(&request.params);
    let param = |name: &str| {
        let set = common.others.iter().find(|(other, _)| *other == name);
        set.map(|(_, value)| (*value).clone())
    };
    let instances = request.messages.iter().map(|message| {
        let mut instance = json!({ "content": message.text() });
        if let Some(task) = param("task_type") {
            instance["task_type"] = task;
        }
        instance
    });
    let mut body = Map::new();
    body.insert("instances".into(), instances.collect::<Vec<_>>().into());
    if let Some(dimensions) = param("dimensions") {
        body.insert("parameters".into(), json!({ "outputDimensionality": dimensions }));
    }
    common.add_extra(&mut body);
    // Texts and JSON values always make JSON.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

/// Reads the body of a successful response to `n` texts: an answer with a line for each.
pub(super) fn read(body: &str, n: usize) -> Result<Answer, AttemptError> {
    let list: List = reported_vectors::read(WHAT, body)?;
    if let Some(error) = list.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let predictions = list.predictions.ok_or_else(|| without_vectors(WHAT, "predictions"))?;
    let counts = predictions
        .iter()
        .map(|one| count(one.embeddings.statistics.as_ref()?.token_count.as_deref()?));
    let tokens: Option<u64> = counts.sum();
    reported_vectors::answer(WHAT, predictions.iter().map(|one| &one.embeddings.values), n, tokens)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{embedding::decode, request::Message};

    use super::*;

    fn request(model: &str, texts: &[&str]) -> Request {
        let params = json!({ "dimensions": 2, "task_type": "CLUSTERING" });
        let messages: Vec<_> = texts.iter().map(|text| Message::new("user", *text)).collect();
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        Request::chat(model.into(), messages, params, 0)
    }

    #[test]
    fn each_text_is_an_instance() {
        let body = body(&request("text-embedding-005", &["a", "b"])).expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let instance = |text: &str| json!({ "content": text, "task_type": "CLUSTERING" });
        let expected = json!({
            "instances": [instance("a"), instance("b")],
            "parameters": { "outputDimensionality": 2 },
        });
        assert_eq!(body, expected);
        assert!(super::body(&request("gemini-embedding-001", &["a", "b"])).is_err());
        assert!(super::body(&request("gemini-embedding-001", &["a"])).is_ok());
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let one = |values: &str| {
            format!(r#"{{"embeddings":{{"values":{values},"statistics":{{"token_count":2.0}}}}}}"#)
        };
        let body = format!(r#"{{"predictions":[{},{}]}}"#, one("[1,2]"), one("[3,4.5]"));
        let answer = read(&body, 2).expect("an answer");
        let vectors: Option<Vec<_>> = answer.output.lines().map(decode).collect();
        assert_eq!(vectors, Some(vec![vec![1.0, 2.0], vec![3.0, 4.5]]));
        assert_eq!(answer.usage.input_tokens, Some(4));
        for body in ["{}", r#"{"predictions":[]}"#, r#"{"error":{"message":"no"}}"#] {
            assert!(read(body, 1).is_err(), "{body}");
        }
    }
}
