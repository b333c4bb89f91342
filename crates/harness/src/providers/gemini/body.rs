//! The body of a request for an answer.

use evalmark_core::{
    record::ErrorKind,
    request::Request,
    tools::{ToolChoice, Tools},
};
use serde_json::{Map, Value, json};

use super::contents;
use crate::{
    providers::common_params::CommonParams,
    reply::{AttemptError, Retryable},
};

/// `systemInstruction`, `contents`, tools, then the parameters.
pub(in crate::providers) fn body(request: &Request) -> Result<Vec<u8>, AttemptError> {
    let (system, contents) = contents::written(&request.messages).map_err(|error| {
        AttemptError::new(ErrorKind::BadRequest, error.to_string(), Retryable::Never)
    })?;
    let mut body = Map::new();
    if !system.is_empty() {
        body.insert("systemInstruction".into(), json!({ "parts": [{ "text": system }] }));
    }
    body.insert("contents".into(), contents.into());
    if let Some(tools) = &request.tools {
        add_tools(&mut body, tools);
    }
    let common = CommonParams::of(&request.params);
    let config = generation_config(request, &common);
    if !config.is_empty() {
        body.insert("generationConfig".into(), config.into());
    }
    for (name, value) in &common.others {
        let name = match *name {
            "safety_settings" => "safetySettings",
            "cached_content" => "cachedContent",
            _ => continue,
        };
        body.insert(name.into(), (*value).clone());
    }
    common.add_extra(&mut body);
    // Texts and JSON values always make JSON.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

/// How an answer is made, in the protocol's words.
fn generation_config(request: &Request, common: &CommonParams<'_>) -> Map<String, Value> {
    let mut config = Map::new();
    let same = [
        ("temperature", common.temperature),
        ("topP", common.top_p),
        ("topK", common.top_k),
        ("seed", common.seed),
        ("presencePenalty", common.presence_penalty),
        ("frequencyPenalty", common.frequency_penalty),
        ("stopSequences", common.stop.as_ref()),
    ];
    let same = same.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let others = common.others.iter().filter_map(|(name, value)| {
        let name = match *name {
            "response_mime_type" => "responseMimeType",
            "response_modalities" => "responseModalities",
            "media_resolution" => "mediaResolution",
            _ => return None,
        };
        Some((name, *value))
    });
    for (name, value) in same.chain(others) {
        config.insert(name.into(), value.clone());
    }
    if let Some(logprobs) = common.logprobs {
        let is_asked = common.asked_logprobs.is_some();
        config.insert(
            "responseLogprobs".into(),
            if is_asked { true.into() } else { logprobs.clone() },
        );
    }
    if let Some(top) = common.asked_top() {
        config.insert("logprobs".into(), top);
    }
    if let Some(limit) = request.max_output_tokens {
        config.insert("maxOutputTokens".into(), limit.into());
    }
    if let Some(form) = &request.response_schema {
        config.insert("responseMimeType".into(), "application/json".into());
        config.insert("responseJsonSchema".into(), form.schema.clone());
    }
    let thinking = thinking_config(common);
    if !thinking.is_empty() {
        config.insert("thinkingConfig".into(), thinking.into());
    }
    config
}

/// How much the model thinks. Newer models take a level, and older ones a number of tokens, of which 0
/// is none.
fn thinking_config(common: &CommonParams<'_>) -> Map<String, Value> {
    let mut config = Map::new();
    match common.reasoning_effort {
        Some(Value::String(word)) if word == "none" => {
            config.insert("thinkingBudget".into(), 0.into());
        }
        Some(Value::String(word)) => {
            config.insert("thinkingLevel".into(), word.to_uppercase().into());
        }
        Some(other) => {
            config.insert("thinkingLevel".into(), other.clone());
        }
        None => {}
    }
    if let Some(budget) = common.thinking_budget {
        config.insert("thinkingBudget".into(), budget.clone());
    }
    if let Some((_, shown)) = common.others.iter().find(|(name, _)| *name == "include_thoughts") {
        config.insert("includeThoughts".into(), (*shown).clone());
    }
    config
}

fn add_tools(body: &mut Map<String, Value>, tools: &Tools) {
    let declarations = tools.tools.iter().map(|tool| {
        let mut declaration = json!({ "name": tool.name });
        if let Some(description) = &tool.description {
            declaration["description"] = description.as_str().into();
        }
        declaration["parametersJsonSchema"] = tool.parameters.clone();
        declaration
    });
    let declarations: Vec<_> = declarations.collect();
    body.insert("tools".into(), json!([{ "functionDeclarations": declarations }]));
    let Some(choice) = &tools.tool_choice else { return };
    let config = match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Name(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    body.insert("toolConfig".into(), json!({ "functionCallingConfig": config }));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::{
        request::{Message, ResponseSchema},
        tools::Tool,
    };

    use super::*;

    fn request(params: &Value) -> Request {
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        Request::chat("m".into(), [Message::new("user", "hi")], params, 0)
    }

    fn check(request: &Request, expected: &Value) {
        let body: Value = serde_json::from_slice(&body(request).expect("a body")).expect("JSON");
        assert_eq!(&body, expected);
    }

    #[test]
    fn logprobs_may_be_a_number() {
        for (params, expected) in [
            (json!({ "logprobs": 3 }), json!({ "responseLogprobs": true, "logprobs": 3 })),
            (json!({ "logprobs": 0 }), json!({ "responseLogprobs": true })),
            (json!({ "logprobs": false }), json!({ "responseLogprobs": false })),
        ] {
            let body: Value =
                serde_json::from_slice(&body(&request(&params)).expect("a body")).expect("JSON");
            assert_eq!(body["generationConfig"], expected, "{params}");
        }
    }

    #[test]
    fn parameters_have_the_protocols_names() {
        let said = json!([{ "role": "user", "parts": [{ "text": "hi" }] }]);
        check(&request(&json!({})), &json!({ "contents": said }));
        let all = json!({
            "temperature": 0, "top_p": 0.5, "top_k": 3, "seed": 7, "presence_penalty": 1,
            "frequency_penalty": 2, "stop": "x", "logprobs": true, "top_logprobs": 4,
            "reasoning_effort": "low", "include_thoughts": true, "media_resolution": "LOW",
            "safety_settings": [], "max_tokens": 9,
            "extra": { "labels": { "a": "b" }, "generationConfig": { "speechConfig": {} } },
        });
        let config = json!({
            "temperature": 0, "topP": 0.5, "topK": 3, "seed": 7, "presencePenalty": 1,
            "frequencyPenalty": 2, "stopSequences": ["x"], "responseLogprobs": true, "logprobs": 4,
            "mediaResolution": "LOW", "maxOutputTokens": 9, "speechConfig": {},
            "thinkingConfig": { "thinkingLevel": "LOW", "includeThoughts": true },
        });
        let full = Request { max_output_tokens: Some(9), ..request(&all) };
        check(
            &full,
            &json!({
                "contents": said, "generationConfig": config, "safetySettings": [],
                "labels": { "a": "b" },
            }),
        );
    }

    #[test]
    fn thinking_is_a_level_or_a_number_of_tokens() {
        for (params, expected) in [
            (json!({ "reasoning_effort": "none" }), json!({ "thinkingBudget": 0 })),
            (json!({ "thinking_budget": 99 }), json!({ "thinkingBudget": 99 })),
            (json!({ "reasoning_effort": "high" }), json!({ "thinkingLevel": "HIGH" })),
        ] {
            let body = body(&request(&params)).expect("a body");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["generationConfig"], json!({ "thinkingConfig": expected }));
        }
    }

    #[test]
    fn tools_and_forms_stand_where_the_protocol_has_them() {
        let schema = json!({ "type": "object" });
        let tool =
            Tool { name: "f".into(), description: Some("d".into()), parameters: schema.clone() };
        for (choice, expected) in [
            (ToolChoice::Auto, json!({ "mode": "AUTO" })),
            (ToolChoice::None, json!({ "mode": "NONE" })),
            (ToolChoice::Required, json!({ "mode": "ANY" })),
            (ToolChoice::Name("f".into()), json!({ "mode": "ANY", "allowedFunctionNames": ["f"] })),
        ] {
            let tools = Tools { tools: vec![tool.clone()], tool_choice: Some(choice) };
            let form = ResponseSchema { name: "f".into(), schema: schema.clone() };
            let request = Request {
                tools: Some(Arc::new(tools)),
                response_schema: Some(Arc::new(form)),
                ..request(&json!({}))
            };
            let declaration =
                json!({ "name": "f", "description": "d", "parametersJsonSchema": schema });
            let config =
                json!({ "responseMimeType": "application/json", "responseJsonSchema": schema });
            check(
                &request,
                &json!({
                    "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }],
                    "tools": [{ "functionDeclarations": [declaration] }],
                    "toolConfig": { "functionCallingConfig": expected },
                    "generationConfig": config,
                }),
            );
        }
    }
}
