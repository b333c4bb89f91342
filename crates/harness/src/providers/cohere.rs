//! Cohere's own API, version 2: chat and embeddings.

mod chat;
mod embed;

use evalmark_core::{
    feature::Feature,
    message::Part,
    record::ErrorKind,
    request::{Message, Request, Task},
    tools::{Tool, ToolChoice, Tools},
};
use evalmark_net::{HttpRequest, Url};
use serde_json::{Map, Value, json};

use super::{
    common_params::CommonParams,
    openai::Messages,
    protocol::{About, Call, HttpReply, Param, Protocol, Vendor, behind},
    vendors,
};
use crate::reply::{Answer, AttemptError, Retryable};

pub(crate) struct Cohere;

/// Why a suite does not set how many answers come, and how.
const ONE_ANSWER: &str = "a request is for one answer; use `epochs` for several";
/// What texts are embedded for where the suite does not say: to be compared with each other.
const INPUT_TYPE: &str = "clustering";

impl Protocol for Cohere {
    const ABOUT: About = About {
        name: "cohere-v2",
        vendors: &[Vendor {
            name: "cohere-v2",
            summary: "Cohere's own API, with documents, thinking and its embeddings",
            base_url: Some("https://api.cohere.com"),
            ..vendors::COHERE
        }],
        paths: &["/v2", "/v2/chat", "/v2/embed", "/chat", "/embed"],
        params: PARAMS,
        reserved: &[
            ("model", ONE_ANSWER),
            ("messages", ONE_ANSWER),
            ("stream", ONE_ANSWER),
            ("texts", ONE_ANSWER),
            ("inputs", ONE_ANSWER),
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
            Feature::JsonSchema,
        ],
        settings: &[],
        limit_headers: &[],
    };

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
            Task::Chat => chat_body(request)?,
            Task::Embedding => embed_body(request),
        };
        // Texts and JSON values always make JSON.
        Ok(HttpRequest::post_json(url, serde_json::to_vec(&body).unwrap_or_default()))
    }

    fn read(reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        match reply.request.task {
            Task::Chat => chat::read(reply.body),
            Task::Embedding => embed::read(reply.body, reply.request.messages.len()),
        }
    }

    fn hint(_error: &AttemptError, reply: &HttpReply<'_>, url: &Url) -> Option<String> {
        let names_model = reply.body.contains("model");
        (reply.status.as_u16() == 404 && !names_model)
            .then(|| format!("the request went to `{}`; `base_url` ends before it", url.path()))
    }
}

/// Parameters of the protocol, and those that all protocols share.
const PARAMS: &[Param] = &[
    Param::Number("max_tokens"),
    Param::Number("temperature"),
    Param::Number("top_p"),
    Param::Number("p"),
    Param::Number("top_k"),
    Param::Number("k"),
    Param::Any("seed"),
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
    Param::Number("output_dimension"),
];

fn unfit(what: &str) -> AttemptError {
    let message = format!("Cohere's chat has no place for {what}");
    AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
}

/// `model`, `messages`, then the parameters in the protocol's own words.
fn chat_body(request: &Request) -> Result<Map<String, Value>, AttemptError> {
    for part in request.messages.iter().flat_map(Message::parts) {
        match part {
            Part::Audio(_) => return Err(unfit("audio")),
            Part::File(_) => return Err(unfit("files")),
            _ => {}
        }
    }
    // Texts and JSON values always make JSON.
    let mut messages = serde_json::to_value(Messages(&request.messages)).unwrap_or_default();
    for message in messages.as_array_mut().into_iter().flatten() {
        if message["role"] == "developer" {
            message["role"] = "system".into();
        }
    }
    let mut body = Map::new();
    body.insert("model".into(), (*request.model).into());
    body.insert("messages".into(), messages);
    body.insert("stream".into(), false.into());
    if let Some(limit) = request.max_output_tokens {
        body.insert("max_tokens".into(), limit.into());
    }
    let common = CommonParams::of(&request.params);
    add_params(&mut body, &common);
    if let Some(form) = &request.response_schema {
        let format = json!({ "type": "json_object", "json_schema": form.schema });
        body.insert("response_format".into(), format);
    }
    if let Some(tools) = &request.tools {
        add_tools(&mut body, tools)?;
    }
    common.add_extra(&mut body);
    Ok(body)
}

/// Adds the parameters in the protocol's own words; those that it has no word for as they stand.
fn add_params(body: &mut Map<String, Value>, common: &CommonParams<'_>) {
    let own = [
        ("temperature", common.temperature),
        ("p", common.top_p),
        ("k", common.top_k),
        ("seed", common.seed),
        ("frequency_penalty", common.frequency_penalty),
        ("presence_penalty", common.presence_penalty),
        ("stop_sequences", common.stop.as_ref()),
        ("logprobs", common.logprobs),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in own.chain(common.others.iter().copied()) {
        // The request says it itself.
        if name != "max_tokens" {
            body.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(budget) = common.thinking_budget {
        body.insert("thinking".into(), json!({ "type": "enabled", "token_budget": budget }));
    }
}

fn add_tools(
    body: &mut Map<String, Value>,
    Tools { tools, tool_choice }: &Tools,
) -> Result<(), AttemptError> {
    let function = |Tool { name, description, parameters }: &Tool| {
        let mut function = json!({ "name": name, "parameters": parameters });
        if let Some(description) = description {
            function["description"] = description.as_str().into();
        }
        json!({ "type": "function", "function": function })
    };
    body.insert("tools".into(), tools.iter().map(function).collect());
    let choice = match tool_choice {
        None | Some(ToolChoice::Auto) => return Ok(()),
        Some(ToolChoice::None) => "NONE",
        Some(ToolChoice::Required) => "REQUIRED",
        Some(ToolChoice::Name(_)) => return Err(unfit("a choice of one tool by its name")),
    };
    body.insert("tool_choice".into(), choice.into());
    Ok(())
}

/// `model`, `texts`, what they are embedded for, and the parameters of embeddings.
fn embed_body(request: &Request) -> Map<String, Value> {
    let texts: Vec<_> = request.messages.iter().map(|message| message.text().into_owned()).collect();
    let mut body = Map::new();
    body.insert("model".into(), (*request.model).into());
    body.insert("texts".into(), texts.into());
    body.insert("input_type".into(), INPUT_TYPE.into());
    body.insert("embedding_types".into(), json!(["float"]));
    let common = CommonParams::of(&request.params);
    for (name, value) in &common.others {
        body.insert((*name).to_owned(), (*value).clone());
    }
    common.add_extra(&mut body);
    body
}

#[cfg(test)]
mod tests;
