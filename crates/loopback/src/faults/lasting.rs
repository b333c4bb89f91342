//! What ends a request: a call of a tool, an empty answer, a refusal, or a failure that asking again
//! does not mend.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{End, Write, completion, compressed, event, gzip, stream, whole};
use crate::Reply;

/// More than any response may hold, in little.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![b' '; (16 << 20) + 1]));

fn ended(message: &Value, finish_reason: &str) -> Reply {
    Reply::json(&completion(message, &json!(finish_reason)))
}

fn error(code: &str, message: &str) -> Reply {
    Reply::json(&json!({ "error": { "message": message, "code": code } }))
}

const CUT_OFF: End = End::CutOff;
const REFUSED: End = End::Refused;
const BAD: End = End::Fails("bad_request");
const MALFORMED: End = End::Fails("malformed");

pub(super) const FAULTS: &[(&str, End, Write)] = &[
    ("a call of a tool", End::Calls, |_| {
        let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
        ended(&json!({ "content": null, "tool_calls": [call] }), "tool_calls")
    }),
    ("a call of a function, as it once was", End::Calls, |_| {
        ended(
            &json!({ "content": null, "function_call": { "name": "f", "arguments": "{}" } }),
            "function_call",
        )
    }),
    ("all tokens used for thinking", CUT_OFF, |_| {
        ended(&json!({ "content": null, "reasoning_content": "hm" }), "length")
    }),
    ("all tokens used, in another word", CUT_OFF, |_| {
        ended(&json!({ "content": null }), "MAX_TOKENS")
    }),
    ("an empty content at the limit", CUT_OFF, |_| ended(&json!({ "content": "" }), "length")),
    ("a stream of thoughts up to the limit", CUT_OFF, |_| {
        stream(event(&json!({ "reasoning": "hm" }), &json!("length")))
    }),
    ("a refusal", REFUSED, |_| Reply::refusal("I would rather not")),
    ("a refusal among the parts", REFUSED, |_| {
        ended(&json!({ "content": [{ "type": "refusal", "refusal": "no" }] }), "stop")
    }),
    ("an answer that was filtered", REFUSED, |_| {
        ended(&json!({ "content": null }), "content_filter")
    }),
    ("a prompt that was filtered", REFUSED, |_| {
        Reply::status(400).body(r#"{"error":{"message":"filtered","code":"content_filter"}}"#)
    }),
    ("a prompt that was filtered, in a success", REFUSED, |_| {
        error("content_policy_violation", "filtered")
    }),
    ("400", BAD, |_| Reply::status(400)),
    ("404", BAD, |_| Reply::status(404)),
    ("413", BAD, |_| Reply::status(413)),
    ("422 with fields", BAD, |_| {
        Reply::status(422).body(r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#)
    }),
    ("a redirect", BAD, |_| Reply::status(307).header("location", "http://127.0.0.1:9/")),
    ("a redirect to nowhere", BAD, |_| Reply::status(302)),
    ("403", End::Fails("auth"), |_| Reply::status(403)),
    ("too long a prompt, in a success", BAD, |_| error("context_length_exceeded", "too long")),
    ("no such model, in a success", BAD, |_| {
        Reply::json(&json!({ "error": "model 'x' not found, try pulling it first" }))
    }),
    ("a pause of a day", End::Fails("rate_limited"), |_| {
        Reply::status(429).header("retry-after", "86400")
    }),
    ("a content that is a number", MALFORMED, |_| ended(&json!({ "content": 7 }), "stop")),
    ("choices that are a text", MALFORMED, |_| Reply::json(&json!({ "choices": "x" }))),
    ("a text completion", MALFORMED, |text| Reply::json(&json!({ "choices": [{ "text": text }] }))),
    ("calls that are nested without end", MALFORMED, |_| {
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let calls = json!({ "content": null, "tool_calls": "#" });
        let body = completion(&calls, &json!("tool_calls")).to_string();
        Reply::bytes(body.replace("\"#\"", &nested))
    }),
    ("a compression that nobody knows", MALFORMED, |_| {
        compressed("br", vec![0x8b, 0x06, 0x80, 0x00, 0x03])
    }),
    ("a bomb of gzip", End::Fails("too_large"), |_| compressed("gzip", BOMB.clone())),
    ("more than it may be", End::Fails("too_large"), |text| {
        Reply::bytes(whole(text)).content_length(1 << 30)
    }),
];
