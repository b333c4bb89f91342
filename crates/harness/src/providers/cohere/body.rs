//! The body of a request for an answer.

use evalmark_core::{
    message::Part,
    record::ErrorKind,
    request::{Message, Request},
    tools::{ToolChoice, Tools},
};
use serde_json::{Map, Value, json};

use crate::{
    providers::{
        common_params::CommonParams,
        openai::{Messages, tools::functions},
    },
    reply::{AttemptError, Retryable},
};

/// `model`, `messages`, `stream`, then the parameters in the API's own words.
pub(super) fn body(request: &Request) -> Result<Map<String, Value>, AttemptError> {
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
    body.insert("stream".into(), request.is_streamed.into());
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

/// What the API has no place for.
fn unfit(what: &str) -> AttemptError {
    let message = format!("Cohere's chat has no place for {what}");
    AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
}

/// Adds the parameters in the API's own words. The request says itself how many tokens an answer may
/// have, and what embeddings need does not belong here.
fn add_params(body: &mut Map<String, Value>, common: &CommonParams<'_>) {
    const ELSEWHERE: [&str; 4] = ["max_tokens", "input_type", "truncate", "dimensions"];
    let own = [
        ("temperature", common.temperature),
        ("p", common.top_p),
        ("k", common.top_k),
        ("seed", common.seed),
        ("frequency_penalty", common.frequency_penalty),
        ("presence_penalty", common.presence_penalty),
        ("stop_sequences", common.stop.as_ref()),
        (
            "logprobs",
            if common.asked_logprobs.is_some() {
                Some(&Value::Bool(true))
            } else {
                common.logprobs
            },
        ),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in own.chain(common.others.iter().copied()) {
        if !ELSEWHERE.contains(&name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(budget) = common.thinking_budget {
        body.insert("thinking".into(), json!({ "type": "enabled", "token_budget": budget }));
    }
}

fn add_tools(body: &mut Map<String, Value>, tools: &Tools) -> Result<(), AttemptError> {
    body.insert("tools".into(), functions(tools));
    let choice = match &tools.tool_choice {
        None | Some(ToolChoice::Auto) => return Ok(()),
        Some(ToolChoice::None) => "NONE",
        Some(ToolChoice::Required) => "REQUIRED",
        Some(ToolChoice::Name(_)) => return Err(unfit("a tool that has to be called")),
    };
    body.insert("tool_choice".into(), choice.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{
        message::{Media, MediaSource},
        request::ResponseSchema,
        tools::Tool,
    };

    use super::*;

    fn request(params: &Value) -> Request {
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        let messages = [Message::new("developer", "be brief"), Message::new("user", "hi")];
        Request::chat("m".into(), messages, params, 0)
    }

    /// The body has these beside what every body has.
    fn check(request: &Request, expected: &Value) {
        let messages = json!([
            { "role": "system", "content": "be brief" }, { "role": "user", "content": "hi" },
        ]);
        let mut whole = json!({ "model": "m", "messages": messages, "stream": false });
        for (name, value) in expected.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        assert_eq!(Value::from(body(request).expect("a body")), whole);
    }

    #[test]
    fn parameters_have_the_apis_names() {
        for (params, expected) in [
            (json!({}), json!({})),
            (json!({ "top_p": 0.5, "top_k": 3 }), json!({ "p": 0.5, "k": 3 })),
            (json!({ "stop": "." }), json!({ "stop_sequences": ["."] })),
            (
                json!({ "thinking_budget": 99 }),
                json!({ "thinking": { "type": "enabled", "token_budget": 99 } }),
            ),
            (
                json!({ "documents": ["d"], "logprobs": true, "seed": 1 }),
                json!({ "documents": ["d"], "logprobs": true, "seed": 1 }),
            ),
            (json!({ "logprobs": 0 }), json!({ "logprobs": true })),
            (json!({ "extra": { "any": 1 }, "input_type": "x" }), json!({ "any": 1 })),
        ] {
            check(&request(&params), &expected);
        }
        let limited =
            Request { max_output_tokens: Some(9), ..request(&json!({ "max_tokens": 9 })) };
        check(&limited, &json!({ "max_tokens": 9 }));
        check(&Request { is_streamed: true, ..request(&json!({})) }, &json!({ "stream": true }));
        let schema = json!({ "type": "object" });
        let form = ResponseSchema { name: "f".into(), schema: schema.clone() };
        let formed = Request { response_schema: Some(form.into()), ..request(&json!({})) };
        let format = json!({ "type": "json_object", "json_schema": schema });
        check(&formed, &json!({ "response_format": format }));
    }

    #[test]
    fn tools_are_called_or_not() {
        let parameters = json!({ "type": "object" });
        let tool = Tool { name: "f".into(), description: None, parameters: parameters.clone() };
        let with = |tool_choice| {
            let tools = Tools { tools: vec![tool.clone()], tool_choice };
            Request { tools: Some(tools.into()), ..request(&json!({})) }
        };
        let function = json!({ "name": "f", "parameters": parameters });
        let tools = json!([{ "type": "function", "function": function }]);
        for (choice, word) in [
            (None, None),
            (Some(ToolChoice::Auto), None),
            (Some(ToolChoice::None), Some("NONE")),
            (Some(ToolChoice::Required), Some("REQUIRED")),
        ] {
            let mut expected = json!({ "tools": tools });
            if let Some(word) = word {
                expected["tool_choice"] = word.into();
            }
            check(&with(choice), &expected);
        }
        let named = body(&with(Some(ToolChoice::Name("f".into())))).expect_err("no such choice");
        assert!(named.failure.message.contains("has to be called"), "{}", named.failure.message);
    }

    #[test]
    fn images_have_a_place_and_sound_and_documents_have_none() {
        let media = Media {
            media_type: "image/png".into(),
            name: None,
            source: MediaSource::Base64("AAAA".into()),
        };
        let asked = |part: Part| {
            let messages = [Message::of_parts("user", vec![part])];
            body(&Request::chat("m".into(), messages, Arc::default(), 0))
        };
        let image = asked(Part::Image(media.clone())).expect("a body");
        let url = json!({ "url": "data:image/png;base64,AAAA" });
        let part = json!({ "type": "image_url", "image_url": url });
        assert_eq!(image["messages"][0]["content"], json!([part]));
        for part in [Part::Audio(media.clone()), Part::File(media)] {
            assert!(asked(part).is_err());
        }
    }
}
