use std::sync::Arc;

use evalmark_core::request::{Message, ResponseSchema};

use super::*;

fn request(params: &Value) -> Request {
    let params = Arc::new(params.as_object().cloned().unwrap_or_default());
    Request::chat("m".into(), [Message::new("user", "hi")], params, 0)
}

fn check(request: &Request, expected: &Value) {
    let mut whole = json!({
        "model": "m", "input": [{ "role": "user", "content": "hi" }], "stream": false, "store": false,
    });
    for (name, value) in expected.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    assert_eq!(Value::from(body(request).expect("a body")), whole);
}

#[test]
fn parameters_go_where_the_protocol_has_them() {
    for (params, expected) in [
        (json!({}), json!({})),
        (json!({ "temperature": 0, "top_p": 1 }), json!({ "temperature": 0, "top_p": 1 })),
        (json!({ "store": true }), json!({ "store": true })),
        (json!({ "reasoning_effort": "low" }), json!({ "reasoning": { "effort": "low" } })),
        (
            json!({ "reasoning": { "summary": "auto" }, "reasoning_effort": "low" }),
            json!({ "reasoning": { "summary": "auto", "effort": "low" } }),
        ),
        (json!({ "verbosity": "low" }), json!({ "text": { "verbosity": "low" } })),
        (
            json!({ "logprobs": true, "top_logprobs": 3 }),
            json!({ "include": [LOGPROBS], "top_logprobs": 3 }),
        ),
        (json!({ "logprobs": 3 }), json!({ "include": [LOGPROBS], "top_logprobs": 3 })),
        (json!({ "logprobs": false }), json!({})),
        (
            json!({ "include": ["reasoning.encrypted_content"], "logprobs": true }),
            json!({ "include": ["reasoning.encrypted_content", LOGPROBS] }),
        ),
        (json!({ "extra": { "seed": 7, "store": true } }), json!({ "seed": 7, "store": true })),
    ] {
        check(&request(&params), &expected);
    }
    let limited = Request { max_output_tokens: Some(9), ..request(&json!({ "max_tokens": 9 })) };
    check(&limited, &json!({ "max_output_tokens": 9 }));
}

#[test]
fn a_form_and_tools_have_their_places() {
    let schema = json!({ "type": "object" });
    let form = ResponseSchema { name: "f".into(), schema: schema.clone() };
    let format = json!({ "type": "json_schema", "name": "f", "strict": true, "schema": schema });
    let asked = Request { response_schema: Some(form.into()), ..request(&json!({})) };
    check(&asked, &json!({ "text": { "format": format } }));

    let tool = |name: &str| Tool {
        name: name.to_owned(),
        description: Some("does it".to_owned()),
        parameters: json!({ "type": "object" }),
    };
    let written = |name: &str| {
        json!({
            "type": "function", "name": name, "description": "does it",
            "parameters": { "type": "object" }, "strict": false,
        })
    };
    for (tool_choice, expected) in [
        (None, None),
        (Some(ToolChoice::Auto), Some(json!("auto"))),
        (Some(ToolChoice::None), Some(json!("none"))),
        (Some(ToolChoice::Required), Some(json!("required"))),
        (Some(ToolChoice::Name("g".into())), Some(json!({ "type": "function", "name": "g" }))),
    ] {
        let tools = Tools { tools: vec![tool("f"), tool("g")], tool_choice };
        let search = json!({ "type": "web_search" });
        let asked = Request { tools: Some(tools.into()), ..request(&json!({ "tools": [search] })) };
        let mut all = json!({ "tools": [search, written("f"), written("g")] });
        if let Some(choice) = expected {
            all["tool_choice"] = choice;
        }
        check(&asked, &all);
    }
}
