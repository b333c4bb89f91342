//! Google's Gemini API: `generateContent`, and `batchEmbedContents` for embeddings.

pub(super) mod body;
pub(super) mod contents;
mod embeddings;
pub(super) mod response;
mod stream;

use std::time::Duration;

use evalmark_core::{
    feature::Feature,
    provider::ExampleModel,
    request::{Request, Task},
};
use evalmark_net::{HttpRequest, StatusCode, Url};
use serde_json::Value;

use super::protocol::{
    About, Call, Framing, HttpReply, ONE_ANSWER, Param, Protocol, Streaming, Vendor, WHERE_TO_ASK,
    WHERE_TO_NAME, WHERE_TO_STREAM, behind,
};
use crate::{
    failure,
    reply::{Answer, AttemptError},
};

pub(crate) struct Gemini;

impl Protocol for Gemini {
    const ABOUT: About = About {
        name: "gemini",
        vendors: &[Vendor {
            name: "gemini",
            summary: "Google's Gemini API, and any server that speaks its protocol",
            base_url: Some("https://generativelanguage.googleapis.com"),
            key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            key_hosts: &["generativelanguage.googleapis.com"],
            key_header: Some("x-goog-api-key"),
            takes_tokens: false,
            has_batches: false,
            lacks: &[],
            quirks: &[],
            prices: Some(include_str!("prices/gemini.yaml")),
            first_model: Some("gemini-2.5-flash"),
            example_model: ExampleModel::NONE,
        }],
        paths: &[":generateContent", ":batchEmbedContents", "/models"],
        params: PARAMS,
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("messages", WHERE_TO_ASK),
            ("contents", WHERE_TO_ASK),
            ("stream", WHERE_TO_STREAM),
            ("n", ONE_ANSWER),
            ("system_instruction", "write it as a message with `role: system`"),
        ],
        output_limits: &["max_tokens"],
        default_output_limit: None,
        knows_all_params: true,
        embeds: true,
        features: FEATURES,
        settings: &[],
        limit_headers: &[],
    };

    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] = SAID_BY_PROMPTS;

    const STREAMING: Option<Streaming> = Some(STREAMING);

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        let last = base.path().trim_end_matches('/').rsplit('/').next();
        let mut url = match last {
            Some("v1" | "v1beta" | "v1alpha") => base.clone(),
            _ => behind(base, "v1beta"),
        };
        let method = match call.task {
            Task::Chat if call.is_streamed => "streamGenerateContent",
            Task::Chat => "generateContent",
            Task::Embedding => "batchEmbedContents",
        };
        let (collection, model) = named(call.model);
        let mut path = url.path_segments_mut().ok()?;
        path.pop_if_empty().push(collection).push(&format!("{model}:{method}"));
        drop(path);
        if call.is_streamed {
            url.query_pairs_mut().append_pair("alt", "sse");
        }
        Some(url)
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        let body = match request.task {
            Task::Chat => body::body(request)?,
            Task::Embedding => embeddings::body(request),
        };
        Ok(HttpRequest::post_json(url, body))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        match reply.request.task {
            Task::Chat => response::read(reply.body, &reply.request.model),
            Task::Embedding => embeddings::read(reply.body, reply.request.messages.len()),
        }
    }

    fn read_failure(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        read_failure(reply)
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let names_model = reply.body.contains("models/");
        (reply.status == StatusCode::NOT_FOUND && !names_model)
            .then(|| format!("the request went to `{}`; `base_url` ends before it", url.path()))
    }
}

/// How both services stream.
pub(super) const STREAMING: Streaming = Streaming {
    framing: Framing::ServerSentEvents,
    holds_text: stream::holds_text,
    is_last: stream::is_last,
    assemble: stream::assemble,
    optional_field: None,
};

/// Where both services take what prompts say.
pub(super) const SAID_BY_PROMPTS: &[(&str, &str)] = &[
    ("tools", "toolConfig"),
    ("json_schema", "response_mime_type"),
    ("json_schema", "generationConfig.responseMimeType"),
    ("json_schema", "generationConfig.responseSchema"),
    ("json_schema", "generationConfig.responseJsonSchema"),
];

/// Parameters of both services that run these models.
pub(super) const PARAMS: &[Param] = &[
    Param::Number("max_tokens"),
    Param::Number("temperature"),
    Param::Number("top_p"),
    Param::Number("top_k"),
    Param::Any("stop"),
    Param::Number("seed"),
    Param::Number("presence_penalty"),
    Param::Number("frequency_penalty"),
    Param::Any("logprobs"),
    Param::Number("top_logprobs"),
    Param::Any("reasoning_effort"),
    Param::Number("thinking_budget"),
    Param::Any("include_thoughts"),
    Param::Any("response_mime_type"),
    Param::Any("response_modalities"),
    Param::Any("media_resolution"),
    Param::Any("safety_settings"),
    Param::Any("cached_content"),
    Param::Number("dimensions"),
    Param::Any("task_type"),
];

/// What both services have.
pub(super) const FEATURES: &[Feature] = &[
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
];

/// The collection that a model is in, and its name there: `models`, unless the suite says otherwise.
fn named(model: &str) -> (&str, &str) {
    model.split_once('/').unwrap_or(("models", model))
}

/// An error, and how long its details ask to wait.
pub(super) fn read_failure(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
    failure::read_error(reply.status.as_u16(), reply.body)
        .map_err(|error| AttemptError { wait: retry_delay(reply.body), ..error })
}

/// The `retryDelay` among an error's details, a text such as `34.07s`.
fn retry_delay(body: &str) -> Option<Duration> {
    let body: Value = serde_json::from_str(body).ok()?;
    let error = body.get(0).unwrap_or(&body).get("error")?;
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_stands_in_the_path() {
        for (base, model, task, expected) in [
            ("https://h", "m", Task::Chat, "https://h/v1beta/models/m:generateContent"),
            ("https://h/", "models/m", Task::Chat, "https://h/v1beta/models/m:generateContent"),
            ("https://h/v1", "m", Task::Chat, "https://h/v1/models/m:generateContent"),
            ("https://h/p/v1beta/", "m", Task::Chat, "https://h/p/v1beta/models/m:generateContent"),
            (
                "https://h",
                "tunedModels/t",
                Task::Chat,
                "https://h/v1beta/tunedModels/t:generateContent",
            ),
            ("https://h", "a/../b?x", Task::Chat, "https://h/v1beta/a/..%2Fb%3Fx:generateContent"),
            ("https://h", "m", Task::Embedding, "https://h/v1beta/models/m:batchEmbedContents"),
        ] {
            let base = Url::parse(base).expect(base);
            let url =
                Gemini::url(&base, Call { model, task, is_streamed: false }).expect("a place");
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn details_of_an_error_say_how_long_to_wait() {
        let body = |delay: &str| {
            format!(
                r#"{{"error":{{"code":429,"details":[{{"a":1}},{{"retryDelay":"{delay}"}}]}}}}"#
            )
        };
        for (delay, expected) in [
            ("34s", Some(34.0)),
            ("0.5s", Some(0.5)),
            ("-1s", None),
            ("1e999s", None),
            ("NaNs", None),
            ("soon", None),
        ] {
            let wait = retry_delay(&body(delay)).map(|wait| wait.as_secs_f64());
            assert_eq!(wait, expected, "{delay}");
            assert_eq!(retry_delay(&format!("[{}]", body(delay))), retry_delay(&body(delay)));
        }
        assert_eq!(retry_delay("<html>"), None);
    }
}
