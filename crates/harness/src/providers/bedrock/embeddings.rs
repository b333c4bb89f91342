//! Embeddings: each family of models has a body of its own.

use evalmark_core::{
    embedding::encode,
    record::{Outcome, Usage},
    request::Request,
};
use serde::Deserialize;
use serde_json::{Map, json, value::RawValue};

use super::messages::BodyError;
use crate::{
    malformed::misshapen,
    providers::reported_body,
    providers::{common_params::CommonParams, reported_tokens::count, reported_vectors::lines},
    reply::{Answer, AttemptError, Retryable},
};

/// What the response should have been.
const WHAT: &str = "list of embeddings";
/// What a text is for, where the suite does not say: Cohere's models want to know.
const INPUT_TYPE: &str = "search_document";

/// The parts of a response that are read, in the words of both families.
#[derive(Deserialize)]
struct List<'a> {
    /// Of Titan's models: one vector.
    embedding: Option<Vec<f32>>,
    /// Of Cohere's: several, or several in each of the types that were asked for.
    embeddings: Option<Vectors>,
    #[serde(borrow, rename = "inputTextTokenCount")]
    tokens: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vectors {
    Plain(Vec<Vec<f32>>),
    Typed { float: Vec<Vec<f32>> },
}

/// The body of a request for the vectors of its texts.
pub(super) fn body(request: &Request) -> Result<Vec<u8>, BodyError> {
    let common = CommonParams::of(&request.params);
    let param = |name: &str| {
        let set = common.others.iter().find(|(other, _)| *other == name);
        set.map(|(_, value)| (*value).clone())
    };
    let texts: Vec<_> = request.messages.iter().map(|message| message.text()).collect();
    let mut body = Map::new();
    let optional = if request.model.contains("cohere.") {
        body.insert("texts".into(), json!(texts));
        let input_type = param("input_type").unwrap_or_else(|| INPUT_TYPE.into());
        body.insert("input_type".into(), input_type);
        [("output_dimension", param("dimensions")), ("truncate", param("truncate"))]
    } else {
        let [text] = texts.as_slice() else { return Err(BodyError::OneText) };
        body.insert("inputText".into(), json!(text));
        [("dimensions", param("dimensions")), ("normalize", param("normalize"))]
    };
    body.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    common.add_extra(&mut body);
    // Texts and JSON values always make JSON.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

/// Reads the body of a successful response to `n` texts: an answer with a line for each.
pub(super) fn read(body: &str, n: usize) -> Result<Answer, AttemptError> {
    let mut repaired = String::new();
    let list: List<'_> = reported_body::json(WHAT, body, &mut repaired)?;
    let vectors = match (list.embeddings, list.embedding) {
        (Some(Vectors::Plain(vectors) | Vectors::Typed { float: vectors }), _) => vectors,
        (None, Some(vector)) => vec![vector],
        (None, None) => {
            let error = misshapen(WHAT, "no `embedding`, and no `embeddings`");
            return Err(AttemptError { retryable: Retryable::Yes, ..error });
        }
    };
    let output = lines(WHAT, vectors.iter().map(|vector| encode(vector)), n)?;
    let input_tokens = list.tokens.and_then(count);
    // Texts come in and none goes out; whoever counts the ones need not count the others.
    let usage = Usage { input_tokens, output_tokens: input_tokens.map(|_| 0) };
    let (finish_reason, details) = (None, None);
    Ok(Answer { outcome: Outcome::Answered, output, finish_reason, usage, details })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{embedding::decode, request::Message};
    use serde_json::Value;

    use super::*;

    fn check(model: &str, params: &Value, expected: &Value) {
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        let request = Request::chat(model.into(), [Message::new("user", "a")], params, 0);
        let body: Value = serde_json::from_slice(&body(&request).expect("a body")).expect("JSON");
        assert_eq!(&body, expected);
    }

    #[test]
    fn each_family_has_its_body() {
        let titan = "amazon.titan-embed-text-v2:0";
        check(titan, &json!({}), &json!({ "inputText": "a" }));
        let params = json!({ "dimensions": 256, "normalize": false, "extra": { "x": 1 } });
        let expected = json!({ "inputText": "a", "dimensions": 256, "normalize": false, "x": 1 });
        check(titan, &params, &expected);
        let expected = json!({ "texts": ["a"], "input_type": "search_document" });
        check("cohere.embed-multilingual-v3", &json!({}), &expected);
        let two = [Message::new("user", "a"), Message::new("user", "b")];
        let request = Request::chat(titan.into(), two, Arc::default(), 0);
        assert_eq!(super::body(&request).map(drop), Err(BodyError::OneText));
    }

    #[test]
    fn each_family_has_its_vectors() {
        for body in [
            r#"{"embedding":[1,2.5],"inputTextTokenCount":3}"#,
            r#"{"embeddings":[[1,2.5]],"id":"x"}"#,
            r#"{"embeddings":{"float":[[1,2.5]]}}"#,
        ] {
            let answer = read(body, 1).expect(body);
            assert_eq!(decode(&answer.output), Some(vec![1.0, 2.5]), "{body}");
        }
        for body in ["{}", r#"{"embedding":[]}"#, r#"{"embeddings":[[1],[2]]}"#] {
            assert!(read(body, 1).is_err(), "{body}");
        }
    }
}
