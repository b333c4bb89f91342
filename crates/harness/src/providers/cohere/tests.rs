use std::sync::Arc;

use evalmark_core::{
    message::{Media, MediaSource},
    request::ResponseSchema,
};

use super::*;

fn request(params: &Value) -> Request {
    let params = Arc::new(params.as_object().cloned().unwrap_or_default());
    let messages = [Message::new("developer", "be brief"), Message::new("user", "hi")];
    Request::chat("m".into(), messages, params, 0)
}

fn check(request: &Request, expected: &Value) {
    let messages =
        json!([{ "role": "system", "content": "be brief" }, { "role": "user", "content": "hi" }]);
    let mut whole = json!({ "model": "m", "messages": messages, "stream": false });
    for (name, value) in expected.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    assert_eq!(Value::from(chat_body(request).expect("a body")), whole);
}

#[test]
fn parameters_have_the_protocol_s_names() {
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
        (json!({ "extra": { "any": 1 } }), json!({ "any": 1 })),
    ] {
        check(&request(&params), &expected);
    }
    let limited = Request { max_output_tokens: Some(9), ..request(&json!({ "max_tokens": 9 })) };
    check(&limited, &json!({ "max_tokens": 9 }));
    let schema = json!({ "type": "object" });
    let form = ResponseSchema { name: "f".into(), schema: schema.clone() };
    let formed = Request { response_schema: Some(form.into()), ..request(&json!({})) };
    check(&formed, &json!({ "response_format": { "type": "json_object", "json_schema": schema } }));
}

#[test]
fn a_tool_is_chosen_by_two_words_only() {
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
    let named = chat_body(&with(Some(ToolChoice::Name("f".into())))).expect_err("no such choice");
    assert!(named.failure.message.contains("by its name"), "{}", named.failure.message);
}

#[test]
fn sound_and_documents_have_no_place() {
    let media = Media {
        media_type: "audio/wav".into(),
        name: None,
        source: MediaSource::Base64("AAAA".into()),
    };
    for part in [Part::Audio(media.clone()), Part::File(media)] {
        let messages = [Message::of_parts("user", vec![part])];
        let request = Request::chat("m".into(), messages, Arc::default(), 0);
        assert!(chat_body(&request).is_err());
    }
}

#[test]
fn texts_are_embedded_to_be_compared() {
    let embedding = |params: &Value| {
        let messages = [Message::new("user", "a"), Message::new("user", "b")];
        let request = Request { task: Task::Embedding, ..request(params) };
        Value::from(embed_body(&Request { messages: messages.into(), ..request }))
    };
    let body = json!({
        "model": "m", "texts": ["a", "b"], "input_type": "clustering", "embedding_types": ["float"],
    });
    assert_eq!(embedding(&json!({})), body);
    let params = json!({ "input_type": "search_query", "output_dimension": 256 });
    let other = embedding(&params);
    assert_eq!((&other["input_type"], &other["output_dimension"]), (&json!("search_query"), &json!(256)));
}
