//! What fails once and is answered when asked again.

use serde_json::{Value, json};

use super::{Write, completion, event, gzip, stream, whole};
use crate::Reply;

/// An error as the body of a success.
fn error(error: &Value) -> Reply {
    Reply::json(&json!({ "error": error }))
}

/// A refusal for now, with this wish.
fn busy(retry_after: &str) -> Reply {
    Reply::status(429).header("retry-after", retry_after)
}

fn ended(content: &Value, finish_reason: &Value) -> Reply {
    Reply::json(&completion(&json!({ "content": content }), finish_reason))
}

pub(super) const FAULTS: &[(&str, Write)] = &[
    ("500", |_| Reply::status(500)),
    ("502 with a page of HTML", |_| {
        Reply::status(502).body("<html><head><title>502 Bad Gateway</title></head></html>")
    }),
    ("503 that says at once", |_| Reply::status(503).header("retry-after", "0")),
    ("503 for a fraction of a second", |_| {
        Reply::status(503).header("retry-after", "0.004").body("upstream connect error")
    }),
    ("503 of a queue that is full", |_| {
        Reply::status(503).body(r#"{"error":{"message":"model is loading","type":"unavailable"}}"#)
    }),
    ("529 for a fraction of a second", |_| {
        Reply::status(529)
            .header("retry-after-ms", "2")
            .body(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)
    }),
    ("500 for a fraction of a second", |_| Reply::status(500).header("retry-after", "0.003")),
    ("an overload in a 200", |_| error(&json!({ "message": "busy", "code": "529" }))),
    ("504 with an empty body", |_| Reply::status(504).body("")),
    ("529", |_| Reply::status(529)),
    ("408", |_| Reply::status(408)),
    ("409", |_| Reply::status(409)),
    ("425", |_| Reply::status(425)),
    ("401 of one key among many", |_| Reply::status(401)),
    ("429 without a wish", |_| Reply::status(429)),
    ("429 for a fraction of a second", |_| busy("0.005")),
    ("429 until a date that has passed", |_| busy("Tue, 14 Nov 2023 22:13:20 GMT")),
    ("429 for less than no time", |_| busy("-5")),
    ("429 in exponents", |_| busy("1e-3")),
    ("429 for longer than time", |_| busy("1e300")),
    ("429 for soon", |_| busy("soon")),
    ("429 in milliseconds", |_| Reply::status(429).header("retry-after-ms", "3")),
    ("429 that sounds like an empty account", |_| {
        Reply::status(429).body(
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. See https://ai.google.dev/gemini-api/docs/rate-limits","status":"RESOURCE_EXHAUSTED"}}]"#,
        )
    }),
    ("429 with a link to billing", |_| {
        Reply::status(429).body(
            r#"{"error":{"message":"Rate limit reached. Visit https://example.com/account/billing to add a payment method","type":"tokens","code":"rate_limit_exceeded"}}"#,
        )
    }),
    ("a reset before a byte", |_| Reply::reset()),
    ("a reset in the middle", |text| Reply::text(text).reset_inside()),
    ("an end in the middle", |text| Reply::text(text).truncated()),
    ("a body shorter than its length", |text| Reply::text(text).content_length(5_000)),
    ("a body longer than its length", |text| Reply::text(text).content_length(30)),
    ("JSON that ends in its middle", |text| Reply::bytes(&whole(text).as_bytes()[..40])),
    ("JSON and something behind it", |text| Reply::bytes(format!("{}x", whole(text)))),
    ("an empty body", |_| Reply::bytes("")),
    ("blanks", |_| Reply::bytes(" \n ")),
    ("a page of HTML", |_| Reply::bytes("<!doctype html><p>Please log in")),
    ("bytes that are no text", |_| Reply::garbage()),
    ("no content at all", |_| Reply::raw("HTTP/1.1 204 No Content\r\n\r\n")),
    ("a close before the head", |_| Reply::raw("")),
    ("half a head", |_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-le")),
    ("a status that is none", |_| Reply::raw("HTTP/1.1 banana\r\n\r\n")),
    ("another protocol", |_| Reply::raw("SSH-2.0-OpenSSH_9.6\r\n")),
    ("two lengths that disagree", |_| {
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 7\r\n\r\n{}")
    }),
    ("a chunk without a size", |_| {
        Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}")
    }),
    ("chunks without an end", |_| {
        Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{\"\r\n")
    }),
    ("a head without an end", |_| {
        Reply::raw(format!("HTTP/1.1 200 OK\r\n{}", "x-more: x\r\n".repeat(60_000)))
    }),
    ("gzip that is cut off", |text| {
        let body = gzip(whole(text).as_bytes());
        Reply::bytes(&body[..body.len() / 2]).header("content-encoding", "gzip")
    }),
    ("an error without a code", |_| {
        error(&json!({ "message": "Provider returned error", "type": "server_error" }))
    }),
    ("an error with a number", |_| error(&json!({ "message": "upstream died", "code": 502 }))),
    ("an error with a number as text", |_| {
        error(&json!({ "message": "slow down", "code": "429" }))
    }),
    ("an error with a word", |_| {
        error(&json!({ "message": "slow down", "code": "rate_limit_exceeded" }))
    }),
    ("an error of an overloaded server", |_| {
        Reply::json(
            &json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
        )
    }),
    ("an error that is a text", |_| error(&json!("llama runner process has terminated"))),
    ("an error that is an object of its own", |_| {
        Reply::json(&json!({ "object": "error", "message": "internal", "code": 50_000 }))
    }),
    ("an error in a list", |_| {
        Reply::json(&json!([{ "error": { "code": 503, "message": "m", "status": "UNAVAILABLE" } }]))
    }),
    ("a detail", |_| Reply::json(&json!({ "detail": "Internal Server Error" }))),
    ("a message", |_| Reply::json(&json!({ "success": false, "message": "try later" }))),
    ("a status within", |_| {
        let status = json!({ "status_code": 1_002, "status_msg": "rate limit" });
        Reply::json(&json!({ "choices": null, "base_resp": status }))
    }),
    ("an empty object", |_| Reply::json(&json!({}))),
    ("an empty list", |_| Reply::json(&json!([]))),
    ("null", |_| Reply::json(&Value::Null)),
    ("no choices", |_| Reply::json(&json!({ "id": "x", "choices": [] }))),
    ("choices that are null", |_| Reply::json(&json!({ "choices": null }))),
    ("a message that is null", |_| Reply::json(&completion(&Value::Null, &json!("stop")))),
    ("a content that is null", |_| ended(&Value::Null, &Value::Null)),
    ("an error in a choice", |_| {
        let error = json!({ "code": 502, "message": "upstream idle timeout" });
        let choice =
            json!({ "message": { "content": "" }, "finish_reason": "error", "error": error });
        Reply::json(&json!({ "choices": [choice], "usage": null }))
    }),
    ("a part of an answer that ended in an error", |_| ended(&json!("the ans"), &json!("error"))),
    ("a network error of the provider's", |_| {
        let mut completion = completion(&json!({ "content": "" }), &json!("stop"));
        completion["choices"][0]["native_finish_reason"] = json!("network_error");
        Reply::json(&completion)
    }),
    ("a server without resources", |_| {
        ended(&json!("the"), &json!("insufficient_system_resource"))
    }),
    ("a stream that is cut off", |_| stream(event(&json!({ "content": "the" }), &Value::Null))),
    ("a stream that breaks within an event", |_| {
        stream(&event(&json!({ "content": "the" }), &Value::Null).as_bytes()[..30])
    }),
    ("a stream with an error", |_| {
        let error = json!({ "error": { "message": "died", "code": 500 } });
        stream(format!("{}data: {error}\n\n", event(&json!({ "content": "the" }), &Value::Null)))
    }),
    ("a stream of one error", |_| stream("event: error\ndata: {\"message\":\"died\"}\n\n")),
    ("a stream of nothing", |_| stream("data: [DONE]\n\n")),
];
