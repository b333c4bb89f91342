//! The body of a request for an answer.

use evalmark_core::{
    request::Request,
    tools::{ToolChoice, Tools},
};
use serde_json::{Map, Value, json};

use super::messages::{self, BodyError};
use crate::providers::common_params::CommonParams;

/// `system`, `messages`, then the parameters. What only some models know, and `extra`, stands in
/// `additionalModelRequestFields`.
pub(super) fn body(request: &Request) -> Result<Vec<u8>, BodyError> {
    let (system, messages) = messages::written(&request.messages)?;
    let mut body = Map::new();
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    body.insert("messages".into(), messages.into());
    let common = CommonParams::of(&request.params);
    let config = inference_config(request, &common);
    if !config.is_empty() {
        body.insert("inferenceConfig".into(), config.into());
    }
    if let Some(config) = request.tools.as_deref().and_then(tool_config) {
        body.insert("toolConfig".into(), config);
    }
    let output = output_config(request, &common);
    if !output.is_empty() {
        body.insert("outputConfig".into(), output.into());
    }
    for (name, value) in &common.others {
        let name = match *name {
            "guardrail_config" => "guardrailConfig",
            "performance_config" => "performanceConfig",
            "service_tier" => "serviceTier",
            "request_metadata" => "requestMetadata",
            _ => continue,
        };
        body.insert(name.into(), (*value).clone());
    }
    let mut own = Map::new();
    if let Some(top_k) = common.top_k {
        own.insert("top_k".into(), top_k.clone());
    }
    if let Some(budget) = common.thinking_budget {
        own.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
    }
    common.add_extra(&mut own);
    if !own.is_empty() {
        body.insert("additionalModelRequestFields".into(), own.into());
    }
    // Texts and JSON values always make JSON.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn inference_config(request: &Request, common: &CommonParams<'_>) -> Map<String, Value> {
    let limit = request.max_output_tokens.map(Value::from);
    let all = [
        ("maxTokens", limit.as_ref()),
        ("temperature", common.temperature),
        ("topP", common.top_p),
        ("stopSequences", common.stop.as_ref()),
    ];
    let set = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
    set.collect()
}

/// The form of an answer, whose schema is a text, and how much the model thinks.
fn output_config(request: &Request, common: &CommonParams<'_>) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(form) = &request.response_schema {
        let schema = json!({ "name": form.name, "schema": form.schema.to_string() });
        let format = json!({ "type": "json_schema", "structure": { "jsonSchema": schema } });
        config.insert("textFormat".into(), format);
    }
    if let Some(effort) = common.reasoning_effort {
        config.insert("effort".into(), effort.clone());
    }
    config
}

/// The tools, unless none may be called: the protocol has no other word for that.
fn tool_config(Tools { tools, tool_choice }: &Tools) -> Option<Value> {
    let choice = match tool_choice {
        Some(ToolChoice::None) => return None,
        Some(ToolChoice::Auto) => Some(json!({ "auto": {} })),
        Some(ToolChoice::Required) => Some(json!({ "any": {} })),
        Some(ToolChoice::Name(name)) => Some(json!({ "tool": { "name": name } })),
        None => None,
    };
    let tools = tools.iter().map(|tool| {
        let mut spec = json!({ "name": tool.name, "inputSchema": { "json": tool.parameters } });
        if let Some(description) = &tool.description {
            spec["description"] = description.as_str().into();
        }
        json!({ "toolSpec": spec })
    });
    let mut config = json!({ "tools": tools.collect::<Vec<_>>() });
    if let Some(choice) = choice {
        config["toolChoice"] = choice;
    }
    Some(config)
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
        let mut body: Value =
            serde_json::from_slice(&body(request).expect("a body")).expect("JSON");
        let body = body.as_object_mut().expect("an object");
        body.shift_remove("messages");
        assert_eq!(&Value::from(body.clone()), expected);
    }

    #[test]
    fn parameters_stand_where_the_protocol_has_them() {
        check(&request(&json!({})), &json!({}));
        let params = json!({
            "max_tokens": 9, "temperature": 0, "top_p": 0.5, "top_k": 3, "stop": "x",
            "thinking_budget": 99, "reasoning_effort": "low", "service_tier": { "type": "flex" },
            "extra": { "own_switch": ["b"] },
        });
        check(
            &Request { max_output_tokens: Some(9), ..request(&params) },
            &json!({
                "inferenceConfig":
                    { "maxTokens": 9, "temperature": 0, "topP": 0.5, "stopSequences": ["x"] },
                "outputConfig": { "effort": "low" },
                "serviceTier": { "type": "flex" },
                "additionalModelRequestFields": {
                    "top_k": 3,
                    "thinking": { "type": "enabled", "budget_tokens": 99 },
                    "own_switch": ["b"],
                },
            }),
        );
    }

    #[test]
    fn the_schema_of_an_answer_is_a_text() {
        let form = ResponseSchema { name: "f".into(), schema: json!({ "type": "object" }) };
        let request = Request { response_schema: Some(Arc::new(form)), ..request(&json!({})) };
        let schema = json!({ "name": "f", "schema": "{\"type\":\"object\"}" });
        let format = json!({ "type": "json_schema", "structure": { "jsonSchema": schema } });
        check(&request, &json!({ "outputConfig": { "textFormat": format } }));
    }

    #[test]
    fn tools_are_told_with_the_choice() {
        let tool = Tool { name: "f".into(), description: None, parameters: json!({}) };
        let spec = json!({ "toolSpec": { "name": "f", "inputSchema": { "json": {} } } });
        for (choice, expected) in [
            (None, json!({ "toolConfig": { "tools": [spec] } })),
            (
                Some(ToolChoice::Required),
                json!({ "toolConfig": { "tools": [spec], "toolChoice": { "any": {} } } }),
            ),
            (
                Some(ToolChoice::Name("f".into())),
                json!({ "toolConfig": { "tools": [spec], "toolChoice": { "tool": { "name": "f" } } } }),
            ),
            (Some(ToolChoice::None), json!({})),
        ] {
            let tools = Tools { tools: vec![tool.clone()], tool_choice: choice };
            check(&Request { tools: Some(Arc::new(tools)), ..request(&json!({})) }, &expected);
        }
    }
}
