//! Cohere's own API, version 2: chat and embeddings.

mod body;
mod embed;
mod response;
mod stream;

use evalmark_core::{
    feature::Feature,
    request::{Request, Task},
};
use evalmark_net::{HttpRequest, StatusCode, Url};

use super::{
    protocol::{
        About, Call, Framing, HttpReply, ONE_ANSWER, Param, Protocol, Streaming, WHERE_TO_ASK,
        WHERE_TO_NAME, WHERE_TO_STREAM, behind,
    },
    vendors,
};
use crate::reply::{Answer, AttemptError};

pub(crate) struct Cohere;

impl Protocol for Cohere {
    const ABOUT: About = About {
        name: "cohere",
        vendors: &[vendors::COHERE],
        paths: &["/v2/chat", "/v2/embed", "/v2", "/compatibility/v1", "/chat", "/embed"],
        params: PARAMS,
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("messages", WHERE_TO_ASK),
            ("stream", WHERE_TO_STREAM),
            ("n", ONE_ANSWER),
            ("texts", WHERE_TO_ASK),
            ("inputs", WHERE_TO_ASK),
            ("images", WHERE_TO_ASK),
            ("embedding_types", "vectors are read as numbers"),
        ],
        output_limits: &["max_tokens"],
        default_output_limit: None,
        knows_all_params: true,
        embeds: true,
        features: &[
            Feature::Conversation,
            Feature::Images,
            Feature::MediaUrls,
            Feature::Tools,
            Feature::ToolChoice,
            Feature::JsonSchema,
            Feature::Logprobs,
            Feature::Streaming,
        ],
        settings: &[],
        limit_headers: &[],
    };

    const STREAMING: Option<Streaming> = Some(Streaming {
        framing: Framing::ServerSentEvents,
        holds_text: stream::holds_text,
        is_last: stream::is_last,
        assemble: stream::assemble,
        optional_field: None,
    });

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        Some(behind(
            base,
            match call.task {
                Task::Chat => "v2/chat",
                Task::Embedding => "v2/embed",
            },
        ))
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        let body = match request.task {
            Task::Chat => body::body(request)?,
            Task::Embedding => embed::body(request),
        };
        // Texts and JSON values always make JSON.
        Ok(HttpRequest::post_json(url, serde_json::to_vec(&body).unwrap_or_default()))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        match reply.request.task {
            Task::Chat => response::read(reply.body),
            Task::Embedding => embed::read(reply.body, reply.request.messages.len()),
        }
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let names_model = reply.body.contains("model");
        (reply.status == StatusCode::NOT_FOUND && !names_model)
            .then(|| format!("the request went to `{}`; `base_url` ends before it", url.path()))
    }
}

/// Parameters of the API, and those that all protocols share.
const PARAMS: &[Param] = &[
    Param::Number("max_tokens"),
    Param::Number("temperature"),
    Param::Number("top_p"),
    Param::Number("p"),
    Param::Number("top_k"),
    Param::Number("k"),
    Param::Number("seed"),
    Param::Number("frequency_penalty"),
    Param::Number("presence_penalty"),
    Param::Any("stop"),
    Param::Any("stop_sequences"),
    Param::Any("logprobs"),
    Param::Number("thinking_budget"),
    Param::Any("thinking"),
    Param::Any("response_format"),
    Param::Any("documents"),
    Param::Any("citation_options"),
    Param::Any("safety_mode"),
    Param::Any("tools"),
    Param::Any("tool_choice"),
    Param::Any("strict_tools"),
    Param::Any("priority"),
    Param::Any("input_type"),
    Param::Any("truncate"),
    Param::Number("dimensions"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_path() {
        for (base, task, expected) in [
            ("https://h", Task::Chat, "https://h/v2/chat"),
            ("https://h/proxy/", Task::Chat, "https://h/proxy/v2/chat"),
            ("https://h/", Task::Embedding, "https://h/v2/embed"),
        ] {
            let base = Url::parse(base).expect(base);
            let url = Cohere::url(&base, Call { model: "m", task, is_streamed: false });
            assert_eq!(url.expect("a place").as_str(), expected);
        }
    }
}
