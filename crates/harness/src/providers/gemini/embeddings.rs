//! Embeddings: a request for each text in one body, and what comes back, a vector a line.

use evalmark_core::request::Request;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::named;
use crate::{
    failure::{is_error, within_success},
    providers::{
        common_params::CommonParams,
        reported_tokens::count,
        reported_vectors::{self, without_vectors},
    },
    reply::{Answer, AttemptError},
};

/// What the response should have been.
const WHAT: &str = "list of embeddings";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    embeddings: Option<Vec<Embedding>>,
    usage_metadata: Option<Counts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    prompt_token_count: Option<Box<RawValue>>,
}

/// The body of a request for the vectors of its texts.
pub(super) fn body(request: &Request) -> Vec<u8> {
    let common = CommonParams::of(&request.params);
    let (collection, model) = named(&request.model);
    let requests = request.messages.iter().map(|message| {
        let mut one = json!({
            "model": format!("{collection}/{model}"),
            "content": { "parts": [{ "text": message.text() }] },
        });
        for (name, value) in &common.others {
            match *name {
                "dimensions" => one["outputDimensionality"] = (*value).clone(),
                "task_type" => one["taskType"] = (*value).clone(),
                _ => {}
            }
        }
        if let Some(one) = one.as_object_mut() {
            common.add_extra(one);
        }
        one
    });
    let body = json!({ "requests": requests.collect::<Vec<_>>() });
    // Texts and JSON values always make JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Reads the body of a successful response to `n` texts: an answer with a line for each.
pub(super) fn read(body: &str, n: usize) -> Result<Answer, AttemptError> {
    let list: List = reported_vectors::read(WHAT, body)?;
    if let Some(error) = list.error.as_ref().filter(|error| is_error(error)) {
        return within_success(error);
    }
    let embeddings = list.embeddings.ok_or_else(|| without_vectors(WHAT, "embeddings"))?;
    let tokens = list.usage_metadata.and_then(|usage| count(&usage.prompt_token_count?));
    reported_vectors::answer(WHAT, embeddings.iter().map(|one| &one.values), n, tokens)
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
    fn each_text_is_a_request() {
        let params =
            json!({ "dimensions": 2, "task_type": "CLUSTERING", "extra": { "title": "t" } });
        let messages = [Message::new("user", "a"), Message::new("user", "b")];
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        let request =
            Request { task: Task::Embedding, ..Request::chat("m".into(), messages, params, 0) };
        let body: Value = serde_json::from_slice(&body(&request)).expect("JSON");
        let one = |text: &str| {
            json!({
                "model": "models/m", "content": { "parts": [{ "text": text }] },
                "outputDimensionality": 2, "taskType": "CLUSTERING", "title": "t",
            })
        };
        assert_eq!(body, json!({ "requests": [one("a"), one("b")] }));
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let body = r#"{"embeddings":[{"values":[1,2]},{"values":[3,4.5]}],"usageMetadata":{"promptTokenCount":3}}"#;
        let answer = read(body, 2).expect("an answer");
        let vectors: Option<Vec<_>> = answer.output.lines().map(decode).collect();
        assert_eq!(vectors, Some(vec![vec![1.0, 2.0], vec![3.0, 4.5]]));
        assert_eq!(answer.usage.input_tokens, Some(3));
        for (body, n) in [
            (body, 1),
            (r#"{"embeddings":[]}"#, 1),
            (r#"{"embeddings":[{"values":[]}]}"#, 1),
            (r#"{"embeddings":[{"values":["x"]}]}"#, 1),
            ("{}", 1),
            (r#"{"error":{"message":"no"}}"#, 1),
        ] {
            assert!(read(body, n).is_err(), "{body}");
        }
    }
}
