//! Anthropic's messages.

mod batches;
mod messages;
mod response;
mod stream;
mod tools;

use evalmark_core::{
    feature::Feature,
    provider::{ExampleModel, Setting, SettingKey, SettingPlace},
    record::ErrorKind,
    request::{Request, Task},
};
use evalmark_net::{HeaderName, HeaderValue, HttpRequest, StatusCode, Url};
use serde_json::{Map, Value, json};

use super::{
    batch_wire::BatchWire,
    common_params::CommonParams,
    protocol::{
        About, Call, Framing, HttpReply, Param, Protocol, Streaming, Vendor, WHERE_TO_ASK,
        WHERE_TO_NAME, WHERE_TO_STREAM, behind,
    },
};
use crate::{
    congestion::LimitHeaders,
    reply::{Answer, AttemptError, Retryable},
};

pub(crate) struct Anthropic;

/// The version of the protocol that is spoken where the suite does not say. The next one, 2026-10-21, takes
/// no `temperature`, without which few runs can be repeated.
const VERSION: &str = "2023-06-01";
const VERSION_HEADER: &str = "anthropic-version";
/// Tokens of an answer where the suite does not say: the protocol wants a limit.
const MAX_TOKENS: u64 = 4_096;

impl Protocol for Anthropic {
    const ABOUT: About = About {
        name: "anthropic",
        vendors: &[Vendor {
            name: "anthropic",
            summary: "Anthropic, and any server that speaks its protocol",
            base_url: Some("https://api.anthropic.com"),
            key_variables: &["ANTHROPIC_API_KEY"],
            key_hosts: &["api.anthropic.com"],
            key_header: Some("x-api-key"),
            takes_tokens: false,
            lacks: &[],
            quirks: &[],
            prices: Some(include_str!("prices/anthropic.yaml")),
            has_batches: true,
            first_model: Some("claude-haiku-4-5"),
            example_model: ExampleModel::NONE,
        }],
        paths: &["/v1/messages", "/messages"],
        params: &[
            Param::Number("max_tokens"),
            Param::Number("temperature"),
            Param::Number("top_p"),
            Param::Number("top_k"),
            Param::Any("stop"),
            Param::Any("stop_sequences"),
            Param::Any("reasoning_effort"),
            Param::Number("thinking_budget"),
            Param::Any("thinking"),
            Param::Any("output_config"),
            Param::Any("tools"),
            Param::Any("tool_choice"),
            Param::Any("metadata"),
            Param::Any("service_tier"),
            Param::Any("cache_control"),
            Param::Any("container"),
            Param::Any("context_management"),
            Param::Any("mcp_servers"),
        ],
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("messages", WHERE_TO_ASK),
            ("stream", WHERE_TO_STREAM),
            ("system", "write it as a message with `role: system`"),
        ],
        output_limits: &["max_tokens"],
        default_output_limit: Some(MAX_TOKENS),
        knows_all_params: false,
        embeds: false,
        features: &[
            Feature::Conversation,
            Feature::Images,
            Feature::Files,
            Feature::MediaUrls,
            Feature::FileUrls,
            Feature::Tools,
            Feature::ToolChoice,
            Feature::NamedTool,
            Feature::JsonSchema,
            Feature::Streaming,
        ],
        settings: &[Setting {
            key: SettingKey::ApiVersion,
            is_required: false,
            place: SettingPlace::Header(VERSION_HEADER),
        }],
        limit_headers: &[LimitHeaders {
            requests: (
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ),
            tokens: ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
        }],
    };

    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] =
        &[("json_schema", "output_config.format")];

    const STREAMING: Option<Streaming> = Some(Streaming {
        framing: Framing::ServerSentEvents,
        holds_text: stream::holds_text,
        is_last: stream::is_last,
        assemble: stream::assemble,
        optional_field: None,
    });

    const BATCHES: Option<&'static dyn BatchWire> = Some(&batches::Batches);

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        let is_versioned = base.path().trim_end_matches('/').ends_with("/v1");
        let path = if is_versioned { "messages" } else { "v1/messages" };
        (call.task == Task::Chat).then(|| behind(base, path))
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        let request = HttpRequest::post_json(url, body(request)?);
        let name = HeaderName::from_static(VERSION_HEADER);
        Ok(request.header(name, HeaderValue::from_static(VERSION)))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        response::read(reply.body, &reply.request.model)
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let params = ["temperature", "top_p", "top_k"];
        if reply.status == StatusCode::BAD_REQUEST
            && reply.body.contains("not permitted")
            && params.iter().any(|name| reply.body.contains(name))
        {
            return Some(format!(
                "versions of the protocol after {VERSION} take no {}: leave out `api_version`, or \
                 the parameter",
                params.join(", ")
            ));
        }
        let names_model = reply.body.contains("model:");
        (reply.status == StatusCode::NOT_FOUND && !names_model)
            .then(|| format!("the request went to `{}`; `base_url` ends before it", url.path()))
    }
}

/// `model`, `max_tokens`, `system`, `messages`, then the parameters in the suite's order.
fn body(request: &Request) -> Result<Vec<u8>, AttemptError> {
    let (system, messages) = messages::written(&request.messages).map_err(|error| {
        AttemptError::new(ErrorKind::BadRequest, error.to_string(), Retryable::Never)
    })?;
    let mut body = Map::new();
    body.insert("model".into(), (*request.model).into());
    body.insert("max_tokens".into(), request.max_output_tokens.unwrap_or(MAX_TOKENS).into());
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    body.insert("messages".into(), messages.into());
    if let Some(tools) = &request.tools {
        tools::add(&mut body, tools);
    }
    let common = CommonParams::of(&request.params);
    add_params(&mut body, &common);
    if let Some(form) = &request.response_schema {
        let config = body.entry("output_config").or_insert_with(|| json!({}));
        // Whatever else a suite writes there is the server's to refuse.
        if let Some(config) = config.as_object_mut() {
            let format = json!({ "type": "json_schema", "schema": supported(&form.schema) });
            config.insert("format".into(), format);
        }
    }
    if request.is_streamed {
        body.insert("stream".into(), true.into());
    }
    common.add_extra(&mut body);
    // Texts and JSON values always make JSON.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

/// Adds the parameters in the protocol's own words; those that it has no word for as they stand.
fn add_params(body: &mut Map<String, Value>, common: &CommonParams<'_>) {
    let same = [
        ("temperature", common.temperature),
        ("top_p", common.top_p),
        ("top_k", common.top_k),
        ("seed", common.seed),
        ("frequency_penalty", common.frequency_penalty),
        ("presence_penalty", common.presence_penalty),
    ];
    let same = same.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in same.chain(common.others.iter().copied()) {
        body.insert(name.to_owned(), value.clone());
    }
    if let Some(stop) = &common.stop {
        body.insert("stop_sequences".into(), stop.clone());
    }
    if let Some(budget) = common.thinking_budget {
        body.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
    }
    if let Some(effort) = common.reasoning_effort {
        let config = body.entry("output_config").or_insert_with(|| json!({}));
        if let Some(config) = config.as_object_mut() {
            config.insert("effort".into(), effort.clone());
        }
    }
}

/// A schema without the bounds that the protocol refuses; whoever asked checks the answer anyway.
fn supported(schema: &Value) -> Value {
    const REFUSED: [&str; 11] = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "$schema",
    ];
    match schema {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| {
                // A property may have the name of a bound, and is no bound.
                !REFUSED.contains(&key.as_str()) || value.is_object()
            });
            kept.map(|(key, value)| (key.clone(), supported(value))).collect()
        }
        Value::Array(list) => list.iter().map(supported).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::request::{Message, ResponseSchema};

    use super::*;

    fn check(request: &Request, expected: &Value) {
        let body: Value = serde_json::from_slice(&body(request).expect("a body")).expect("JSON");
        assert_eq!(&body, expected);
    }

    #[test]
    fn a_request_has_a_limit_and_its_system_prompt_apart() {
        let messages = [
            Message::new("system", "be brief"),
            Message::new("user", "hi"),
            Message::new("assistant", "yes?"),
            Message::new("developer", "be kind"),
            Message::new("user", "bye"),
        ];
        let params = json!({ "temperature": 0, "stop_sequences": ["."] });
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        let request = Request::chat("c".into(), messages, params, 0);
        let said = json!([
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": "yes?" },
            { "role": "user", "content": "bye" },
        ]);
        check(
            &request,
            &json!({
                "model": "c", "max_tokens": 4096, "system": "be brief\n\nbe kind",
                "messages": said, "temperature": 0, "stop_sequences": ["."],
            }),
        );
    }

    #[test]
    fn a_form_keeps_what_the_protocol_knows() {
        let grade = json!({ "type": "integer", "minimum": 1, "maximum": 5 });
        let list = json!({ "type": "array", "minItems": 3, "items": { "enum": ["yes", "no"] } });
        let schema = json!({ "type": "object", "properties": { "minimum": grade, "list": list } });
        let params = json!({ "max_tokens": 9, "output_config": { "effort": "low" } });
        let request = Request {
            response_schema: Some(Arc::new(ResponseSchema { name: "f".into(), schema })),
            ..Request::chat(
                "c".into(),
                [Message::new("user", "hi")],
                Arc::new(params.as_object().cloned().unwrap_or_default()),
                0,
            )
        };
        let properties = json!({
            "minimum": { "type": "integer" },
            "list": { "type": "array", "items": { "enum": ["yes", "no"] } },
        });
        let schema = json!({ "type": "object", "properties": properties });
        check(
            &request,
            &json!({
                "model": "c", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }],
                "output_config": {
                    "effort": "low", "format": { "type": "json_schema", "schema": schema },
                },
            }),
        );
    }

    #[test]
    fn finds_the_path() {
        for (base, expected) in [
            ("https://h", "https://h/v1/messages"),
            ("https://h/", "https://h/v1/messages"),
            ("http://h:1/v1", "http://h:1/v1/messages"),
            ("http://h:1/proxy", "http://h:1/proxy/v1/messages"),
        ] {
            let base = Url::parse(base).expect(base);
            let call = Call { model: "m", task: Task::Chat, is_streamed: false };
            let url = Anthropic::url(&base, call).expect("a place");
            assert_eq!(url.as_str(), expected);
            assert_eq!(Anthropic::url(&base, Call { task: Task::Embedding, ..call }), None);
        }
    }
}
