//! Text completions: a text, and how it goes on. Base models and many servers of one's own have it.

mod response;
mod stream;

use evalmark_core::{
    feature::Feature,
    provider::{EXTRA, ExampleModel},
    record::ErrorKind,
    request::{Request, Task},
};
use evalmark_net::{HttpRequest, Url};
use serde_json::{Map, Value, json};

use super::{
    common_params::CommonParams,
    openai::OpenAi,
    protocol::{
        About, Call, HttpReply, ONE_ANSWER, Protocol, Streaming, Vendor, WHERE_TO_ASK,
        WHERE_TO_NAME, WHERE_TO_STREAM, behind,
    },
    vendors,
};
use crate::reply::{Answer, AttemptError, Retryable};

pub(crate) struct Completions;

/// Tokens of an answer where the suite does not say: many servers stop after 16, and others never.
const MAX_TOKENS: u64 = 1_024;

impl Protocol for Completions {
    const ABOUT: About = About {
        name: "completions",
        vendors: &[Vendor {
            name: "completions",
            summary: "text completions of OpenAI and of any server that has them: one text, for base models",
            prices: None,
            first_model: None,
            example_model: ExampleModel::named("gpt-3.5-turbo-instruct"),
            quirks: &[],
            ..vendors::OPENAI_ITSELF
        }],
        paths: &["/completions"],
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("stream", WHERE_TO_STREAM),
            ("n", ONE_ANSWER),
            ("prompt", WHERE_TO_ASK),
            ("messages", "a completion has one text, which stands under `prompts`"),
            ("echo", "an answer does not begin with its prompt"),
        ],
        default_output_limit: Some(MAX_TOKENS),
        embeds: false,
        features: &[Feature::Logprobs, Feature::TopLogprobs, Feature::Streaming],
        ..OpenAi::ABOUT
    };

    const STREAMING: Option<Streaming> = match OpenAi::STREAMING {
        Some(streaming) => Some(Streaming {
            holds_text: stream::holds_text,
            assemble: stream::assemble,
            ..streaming
        }),
        None => None,
    };

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        (call.task == Task::Chat).then(|| behind(base, "completions"))
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        // Texts and JSON values always make JSON.
        Ok(HttpRequest::post_json(url, serde_json::to_vec(&body(request)?).unwrap_or_default()))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        response::read(reply.body, &reply.request.model)
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let is_chat_only = reply.body.contains("chat model") || reply.body.contains("chat/");
        if is_chat_only {
            return Some("write `provider: openai` for a chat model".to_owned());
        }
        (reply.status.as_u16() == 404 && url.path() == "/completions")
            .then(|| "most servers expect a `base_url` that ends in `/v1`".to_owned())
    }
}

/// `model`, `prompt`, the limit, then the parameters in the suite's order.
fn body(request: &Request) -> Result<Map<String, Value>, AttemptError> {
    let unfit = |what: &str| {
        let message = format!("a text completion has no place for {what}");
        AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
    };
    let prompt = match &*request.messages {
        [message] if message.role == "user" => message.only_text(),
        _ => None,
    };
    let prompt = prompt.ok_or_else(|| unfit("anything but one text message from the user"))?;
    if request.tools.is_some() {
        return Err(unfit("tools"));
    }
    if request.response_schema.is_some() {
        return Err(unfit("a JSON Schema of the answer"));
    }
    let mut body = Map::new();
    body.insert("model".into(), (*request.model).into());
    body.insert("prompt".into(), prompt.into());
    let sets_limit = |name: &&str| request.params.contains_key(*name);
    if !OpenAi::ABOUT.output_limits.iter().any(sets_limit) {
        let limit = request.max_output_tokens.unwrap_or(MAX_TOKENS);
        body.insert("max_tokens".into(), limit.into());
    }
    for (name, value) in request.params.iter().filter(|(name, _)| *name != EXTRA) {
        match (name.as_str(), value) {
            // Here it is the number of alternatives, and the token itself is one of them.
            ("logprobs", Value::Bool(true)) => {
                let n = request.params.get("top_logprobs").cloned();
                body.insert("logprobs".into(), n.unwrap_or_else(|| json!(1)));
            }
            ("logprobs", Value::Bool(false)) | ("top_logprobs", _) => {}
            ("max_completion_tokens", limit) => {
                body.insert("max_tokens".into(), limit.clone());
            }
            (name, value) => {
                body.insert(name.to_owned(), value.clone());
            }
        }
    }
    if request.is_streamed {
        body.insert("stream".into(), true.into());
        body.entry("stream_options").or_insert_with(|| json!({ "include_usage": true }));
    }
    CommonParams::of(&request.params).add_extra(&mut body);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::request::Message;

    use super::*;

    fn request(messages: Vec<Message>, params: &Value) -> Request {
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        Request::chat("m".into(), messages, params, 0)
    }

    #[test]
    fn a_request_is_one_text() {
        for (params, expected) in [
            (json!({}), json!({ "max_tokens": 1024 })),
            (json!({ "max_tokens": 9, "stop": "." }), json!({ "max_tokens": 9, "stop": "." })),
            (json!({ "max_completion_tokens": 9 }), json!({ "max_tokens": 9 })),
            (json!({ "logprobs": true }), json!({ "max_tokens": 1024, "logprobs": 1 })),
            (
                json!({ "logprobs": true, "top_logprobs": 5 }),
                json!({ "max_tokens": 1024, "logprobs": 5 }),
            ),
            (json!({ "logprobs": 2 }), json!({ "max_tokens": 1024, "logprobs": 2 })),
            (json!({ "extra": { "grammar": "g" } }), json!({ "max_tokens": 1024, "grammar": "g" })),
        ] {
            let body = body(&request(vec![Message::new("user", "Once")], &params)).expect("a body");
            let mut whole = json!({ "model": "m", "prompt": "Once" });
            for (name, value) in expected.as_object().into_iter().flatten() {
                whole[name] = value.clone();
            }
            assert_eq!(Value::from(body), whole, "{params}");
        }
    }

    #[test]
    fn anything_else_is_no_completion() {
        let (user, system) = (Message::new("user", "a"), Message::new("system", "b"));
        for messages in [vec![system.clone()], vec![system, user.clone()], vec![user.clone(), user]]
        {
            let error = body(&request(messages, &json!({}))).expect_err("no place");
            assert_eq!(error.failure.kind, ErrorKind::BadRequest);
        }
    }
}
