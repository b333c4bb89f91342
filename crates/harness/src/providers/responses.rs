//! OpenAI's Responses API: input and output are lists of items, and what the system says stands apart.

mod input;
mod output;
mod stream;

use evalmark_core::{
    feature::Feature,
    record::ErrorKind,
    request::{Request, Task},
    tools::{Tool, ToolChoice, Tools},
};
use evalmark_net::{HttpRequest, Url};
use serde_json::{Map, Value, json};

use super::{
    common_params::CommonParams,
    openai::OpenAi,
    protocol::{
        About, Call, Framing, HttpReply, Param, Protocol, Streaming, Vendor, WHERE_TO_ASK,
        WHERE_TO_NAME, WHERE_TO_STREAM, behind,
    },
    vendors,
};
use crate::reply::{Answer, AttemptError, Retryable};

pub(crate) struct Responses;

impl Protocol for Responses {
    const ABOUT: About = About {
        name: "responses",
        vendors: &[
            Vendor {
                name: "responses",
                summary: "OpenAI's Responses API, and any server that speaks it",
                quirks: &[vendors::THINK_AT_ONE_TEMPERATURE],
                ..vendors::OPENAI_ITSELF
            },
            Vendor {
                name: "azure-responses",
                summary: "Azure OpenAI's Responses API, at `https://RESOURCE.openai.azure.com/openai/v1`",
                quirks: &[vendors::THINK_AT_ONE_TEMPERATURE],
                ..vendors::AZURE
            },
        ],
        paths: &["/responses"],
        params: PARAMS,
        reserved: &[
            ("model", WHERE_TO_NAME),
            ("stream", WHERE_TO_STREAM),
            ("background", "each request waits for its answer"),
            ("input", WHERE_TO_ASK),
            ("instructions", "write it as a message with `role: system`"),
        ],
        output_limits: &["max_tokens", "max_output_tokens"],
        default_output_limit: None,
        knows_all_params: true,
        embeds: false,
        features: &[
            Feature::Conversation,
            Feature::Images,
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
        limit_headers: OpenAi::ABOUT.limit_headers,
    };

    const SAID_BY_PROMPTS: &'static [(&'static str, &'static str)] =
        &[("json_schema", "text.format")];

    const STREAMING: Option<Streaming> = Some(Streaming {
        framing: Framing::ServerSentEvents,
        holds_text: stream::holds_text,
        is_last: stream::is_last,
        assemble: stream::assemble,
        optional_field: None,
    });

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        (call.task == Task::Chat).then(|| behind(base, "responses"))
    }

    fn request(request: &Request, url: Url) -> Result<HttpRequest, AttemptError> {
        // Texts and JSON values always make JSON.
        Ok(HttpRequest::post_json(url, serde_json::to_vec(&body(request)?).unwrap_or_default()))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        output::read(reply.body, reply.request)
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let is_missing = matches!(reply.status.as_u16(), 404 | 405 | 501);
        let names_model = reply.body.contains("model");
        (is_missing && !names_model).then(|| {
            format!(
                "the request went to `{}`; a server without it may know `provider: openai`",
                url.path()
            )
        })
    }
}

/// Parameters of the protocol, and those that all protocols share.
const PARAMS: &[Param] = &[
    Param::Number("max_tokens"),
    Param::Number("max_output_tokens"),
    Param::Number("temperature"),
    Param::Number("top_p"),
    Param::Any("logprobs"),
    Param::Number("top_logprobs"),
    Param::Any("reasoning_effort"),
    Param::Any("reasoning"),
    Param::Any("text"),
    Param::Any("verbosity"),
    Param::Any("tools"),
    Param::Any("tool_choice"),
    Param::Any("parallel_tool_calls"),
    Param::Number("max_tool_calls"),
    Param::Any("include"),
    Param::Any("prompt"),
    Param::Any("store"),
    Param::Any("metadata"),
    Param::Any("service_tier"),
    Param::Any("truncation"),
    Param::Any("user"),
    Param::Any("safety_identifier"),
    Param::Any("prompt_cache_key"),
    Param::Any("prompt_cache_retention"),
];

/// What a request for logprobs includes.
const LOGPROBS: &str = "message.output_text.logprobs";

/// `model`, `instructions`, `input`, then the parameters in the protocol's own words.
fn body(request: &Request) -> Result<Map<String, Value>, AttemptError> {
    let input::Input { instructions, items } =
        input::written(&request.messages).map_err(|error| {
            AttemptError::new(ErrorKind::BadRequest, error.to_string(), Retryable::Never)
        })?;
    let mut body = Map::new();
    body.insert("model".into(), (*request.model).into());
    if !instructions.is_empty() {
        body.insert("instructions".into(), instructions.into());
    }
    body.insert("input".into(), items.into());
    // Some servers stream unless they are told not to; and nobody looks a kept response up.
    body.insert("stream".into(), request.is_streamed.into());
    body.insert("store".into(), false.into());
    let common = CommonParams::of(&request.params);
    add_params(&mut body, &common);
    if let Some(limit) = request.max_output_tokens {
        body.insert("max_output_tokens".into(), limit.into());
    }
    if let Some(form) = &request.response_schema {
        let format = json!({
            "type": "json_schema", "name": form.name, "strict": true, "schema": form.schema,
        });
        set_within(&mut body, "text", "format", format);
    }
    if let Some(tools) = &request.tools {
        add_tools(&mut body, tools);
    }
    common.add_extra(&mut body);
    Ok(body)
}

/// Adds the parameters; those that have another place here go there.
fn add_params(body: &mut Map<String, Value>, common: &CommonParams<'_>) {
    let same = [("temperature", common.temperature), ("top_p", common.top_p)];
    let same = same.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in same.chain(common.others.iter().copied()) {
        // The request says it itself.
        if !matches!(name, "max_tokens" | "max_output_tokens" | "verbosity") {
            body.insert(name.to_owned(), value.clone());
        }
    }
    if let Some((_, verbosity)) = common.others.iter().find(|(name, _)| *name == "verbosity") {
        set_within(body, "text", "verbosity", (*verbosity).clone());
    }
    if let Some(effort) = common.reasoning_effort {
        set_within(body, "reasoning", "effort", effort.clone());
    }
    if let Some(top) = common.asked_top() {
        body.insert("top_logprobs".into(), top);
    }
    if common.asked_logprobs.is_some() {
        let include = body.entry("include").or_insert_with(|| json!([]));
        // Whatever else a suite writes there is the server's to refuse.
        if let Some(include) = include.as_array_mut()
            && !include.iter().any(|asked| asked == LOGPROBS)
        {
            include.push(LOGPROBS.into());
        }
    }
}

/// Puts a value into a mapping of the body.
fn set_within(body: &mut Map<String, Value>, outer: &str, name: &str, value: Value) {
    let outer = body.entry(outer).or_insert_with(|| json!({}));
    // Whatever else a suite writes there is the server's to refuse.
    if let Some(outer) = outer.as_object_mut() {
        outer.insert(name.to_owned(), value);
    }
}

/// Adds functions to the tools that the parameters name, which are the provider's own.
fn add_tools(body: &mut Map<String, Value>, Tools { tools, tool_choice }: &Tools) {
    let function = |Tool { name, description, parameters }: &Tool| {
        let mut function = json!({ "type": "function", "name": name });
        if let Some(description) = description {
            function["description"] = description.as_str().into();
        }
        function["parameters"] = parameters.clone();
        // The protocol's own default rewrites schemas.
        function["strict"] = false.into();
        function
    };
    let others = body.entry("tools").or_insert_with(|| json!([]));
    if let Some(others) = others.as_array_mut() {
        others.extend(tools.iter().map(function));
    }
    if let Some(choice) = tool_choice {
        let choice = match choice {
            ToolChoice::Auto => "auto".into(),
            ToolChoice::None => "none".into(),
            ToolChoice::Required => "required".into(),
            ToolChoice::Name(name) => json!({ "type": "function", "name": name }),
        };
        body.insert("tool_choice".into(), choice);
    }
}

#[cfg(test)]
mod tests;
