//! OpenAI's chat completions and embeddings, which most vendors and servers of one's own speak, too.

mod batches;
mod chat;
mod embeddings;
mod messages;
mod params;
mod stream;
pub(super) mod tools;
mod usage;

use std::borrow::Cow;

use evalmark_core::{
    feature::Feature,
    provider::EXTRA,
    record::ErrorKind,
    request::{Message, Request, Task},
};
use evalmark_net::{HttpRequest, StatusCode, Url};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(super) use self::{chat::failed, messages::Messages, usage::Tokens};
use super::{
    batch_wire::BatchWire,
    common_params::CommonParams,
    protocol::{
        About, Call, Framing, HttpReply, ONE_ANSWER, Protocol, Streaming, WHERE_TO_ASK,
        WHERE_TO_NAME, WHERE_TO_STREAM, behind,
    },
    vendors,
};
use crate::{
    congestion::LimitHeaders,
    reply::{Answer, AttemptError},
};

pub(crate) struct OpenAi;

/// The field that asks for the tokens of a streamed answer.
const STREAM_OPTIONS: &str = "stream_options";

impl Protocol for OpenAi {
    const ABOUT: About = About {
        name: "openai",
        vendors: vendors::OPENAI,
        paths: &["/chat/completions", "/embeddings"],
        params: params::PARAMS,
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("messages", WHERE_TO_ASK),
            ("stream", WHERE_TO_STREAM),
            ("n", ONE_ANSWER),
        ],
        output_limits: &["max_tokens", "max_completion_tokens"],
        default_output_limit: None,
        knows_all_params: false,
        embeds: true,
        features: &[
            Feature::Conversation,
            Feature::Images,
            Feature::Audio,
            Feature::Files,
            Feature::MediaUrls,
            Feature::Tools,
            Feature::ToolChoice,
            Feature::NamedTool,
            Feature::JsonSchema,
            Feature::Logprobs,
            Feature::TopLogprobs,
            Feature::Streaming,
        ],
        settings: &[],
        limit_headers: &[LimitHeaders {
            requests: ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
            tokens: ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        }],
    };

    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] =
        &[("tools", "functions"), ("tools", "function_call")];

    const STREAMING: Option<Streaming> = Some(Streaming {
        framing: Framing::ServerSentEvents,
        holds_text: stream::holds_text,
        is_last: stream::is_last,
        assemble: stream::assemble,
        optional_field: Some(STREAM_OPTIONS),
    });

    const BATCHES: Option<&'static dyn BatchWire> = Some(&batches::Batches);

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        Some(behind(
            base,
            match call.task {
                Task::Chat => "chat/completions",
                Task::Embedding => "embeddings",
            },
        ))
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        Ok(HttpRequest::post_json(url, body(request)))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        match reply.request.task {
            Task::Chat => chat::read(reply.body, &reply.request.model),
            Task::Embedding => embeddings::read(reply.body, reply.request.messages.len()),
        }
    }

    fn hint(error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let (message, params) = (&error.failure.message, &reply.request.params);
        if reply.status == StatusCode::NOT_FOUND && url.path() == "/chat/completions" {
            return Some("most servers expect a `base_url` that ends in `/v1`".to_owned());
        }
        if error.failure.kind != ErrorKind::BadRequest {
            return None;
        }
        let instead = "max_completion_tokens";
        if message.contains(instead) && !params.contains_key(instead) {
            return Some(format!("write `{instead}` under the model's `params`"));
        }
        let named = params.keys().find(|name| message.contains(&format!("'{name}'")))?;
        Some(format!("`{named}` stands under the model's `params`"))
    }
}

/// The body that is sent, in a fixed key order.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Messages<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Vec<Cow<'a, str>>>,
    /// Numbers are what every server knows; some know base64, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
    #[serde(flatten)]
    params: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    /// What tokens a streamed answer took is told only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
}

/// `model`, `messages` or `input`, then the parameters in the suite's order.
fn body(request: &Request) -> Vec<u8> {
    let texts = || request.messages.iter().map(Message::text).collect();
    let (messages, input) = match request.task {
        Task::Chat => (Some(Messages(&request.messages)), None),
        Task::Embedding => (None, Some(texts())),
    };
    let is_open = !request.params.contains_key("encoding_format");
    let encoding_format = (input.is_some() && is_open).then_some("float");
    let response_format = request.response_schema.as_ref().map(|form| {
        let form = json!({ "name": form.name, "strict": true, "schema": form.schema });
        json!({ "type": "json_schema", "json_schema": form })
    });
    let mut others;
    let mut params = &*request.params;
    let is_set_twice = response_format.is_some() && params.contains_key("response_format");
    if is_set_twice || params.contains_key(EXTRA) {
        others = params.clone();
        others.shift_remove(EXTRA);
        if is_set_twice {
            others.shift_remove("response_format");
        }
        CommonParams::of(&request.params).add_extra(&mut others);
        params = &others;
    }
    let stream = (request.is_streamed && request.task == Task::Chat).then_some(true);
    let (tools, tool_choice) = request.tools.as_deref().map(tools::written).unwrap_or_default();
    let body = Body {
        model: &request.model,
        messages,
        input,
        encoding_format,
        params,
        response_format,
        tools,
        tool_choice,
        stream,
        stream_options: stream
            .filter(|_| !params.contains_key(STREAM_OPTIONS))
            .map(|_| json!({ "include_usage": true })),
    };
    let mut json = Vec::with_capacity(request.text_bytes() + 256);
    // Texts and JSON values always make JSON.
    drop(serde_json::to_writer(&mut json, &body));
    json
}
