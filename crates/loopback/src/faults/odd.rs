//! What looks strange, and is an answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Write, completion, compressed, event, gzip, stream, whole, with_usage};
use crate::Reply;

fn message(message: &Value) -> Reply {
    Reply::json(&completion(message, &json!("stop")))
}

/// A response byte for byte, after something else.
fn raw(before: &str, head: &str, body: &str) -> Reply {
    Reply::raw(format!("{before}HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}"))
}

pub(super) const FAULTS: &[(&str, Write)] = &[
    ("a byte order mark", |text| Reply::bytes(format!("\u{feff}{}", whole(text)))),
    ("gzip that nobody asked for", |text| compressed("gzip", gzip(whole(text).as_bytes()))),
    ("gzip that nobody named", |text| Reply::bytes(gzip(whole(text).as_bytes()))),
    ("plain text that is called gzip", |text| compressed("gzip", whole(text).into_bytes())),
    ("a stream that nobody asked for", |text| {
        let (half, rest) = text.split_at(text.len() / 2);
        stream(format!(
            ": ping\n\n{}{}data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":10,\"completion_tokens\":5}}}}\n\ndata: [DONE]\n\n",
            event(&json!({ "role": "assistant", "content": half }), &Value::Null),
            event(&json!({ "content": rest }), &json!("stop")),
        ))
    }),
    ("a stream with other line ends and no empty lines", |text| {
        let events =
            [event(&json!({ "content": text }), &json!("stop")), "data: [DONE]\n\n".into()];
        stream(events.concat().replace("\n\n", "\r\n"))
    }),
    ("remarks before the response", |text| {
        Reply::bytes(format!(": PROCESSING\n\n: PROCESSING\n\n{}", whole(text)))
    }),
    ("blank lines before the response", |text| {
        Reply::bytes(format!("{}{}", "\n".repeat(2_000), whole(text)))
    }),
    ("half a character", |text| {
        Reply::bytes(whole(text).replace(&format!("{text}\""), &format!("{text}\\ud83d\"")))
    }),
    ("half a character in bytes", |text| {
        let body = whole(text).replace(&format!("{text}\""), &format!("{text}#\""));
        let (before, after) = body.split_once('#').unwrap_or_default();
        Reply::bytes([before.as_bytes(), b"\xed\xa0\xbd", after.as_bytes()].concat())
    }),
    ("a line break within a text", |text| {
        Reply::bytes(whole(text).replace(&format!("{text}\""), &format!("{text}\n\"")))
    }),
    ("numbers that are none", |text| {
        Reply::bytes(whole(text).replace("\"index\":0", "\"index\":0,\"logprobs\":[NaN,-Infinity]"))
    }),
    ("a key that comes twice", |text| {
        Reply::bytes(whole(text).replace("{\"id\":\"x\"", "{\"choices\":[],\"id\":\"x\""))
    }),
    ("another content type", |text| Reply::text(text).header("content-type", "text/html")),
    ("another model and id", |text| {
        Reply::bytes(
            whole(text).replace("\"id\":\"x\"", "\"id\":7,\"model\":null,\"created\":\"?\""),
        )
    }),
    ("an absurd usage", |text| {
        with_usage(text, r#"{"prompt_tokens":18446744073709551615,"completion_tokens":1e300}"#)
    }),
    ("a usage below zero", |text| {
        with_usage(text, r#"{"prompt_tokens":-3,"completion_tokens":-9223372036854775808}"#)
    }),
    ("a usage in texts and fractions", |text| {
        with_usage(text, r#"{"prompt_tokens":"10","completion_tokens":5.0}"#)
    }),
    ("a usage that is null", |text| with_usage(text, "null")),
    ("an error that is empty", |text| {
        Reply::bytes(whole(text).replace("\"id\":\"x\"", "\"error\":{}"))
    }),
    ("more choices than asked for", |text| {
        let mut completion = completion(&json!({ "content": text }), &json!("stop"));
        let other = json!({ "index": 1, "message": { "content": "another" } });
        completion["choices"].as_array_mut().into_iter().for_each(|all| all.push(other.clone()));
        Reply::json(&completion)
    }),
    ("choices in another order", |text| {
        let mut completion = completion(&json!({ "content": text }), &json!("stop"));
        let other = json!({ "index": 1, "message": { "content": "another" } });
        completion["choices"]
            .as_array_mut()
            .into_iter()
            .for_each(|all| all.insert(0, other.clone()));
        Reply::json(&completion)
    }),
    ("a content in parts", |text| {
        message(
            &json!({ "content": [{ "type": "text", "text": text }, { "type": "text", "text": "" }] }),
        )
    }),
    ("a content with thoughts", |text| {
        let thoughts =
            json!({ "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] });
        message(&json!({ "content": [thoughts, { "type": "text", "text": text }] }))
    }),
    ("thoughts beside the content", |text| {
        message(&json!({ "content": text, "reasoning_content": "hm", "reasoning": "hm" }))
    }),
    ("a delta in the place of a message", |text| {
        let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": "stop" });
        Reply::json(&json!({ "object": "chat.completion.chunk", "choices": [choice] }))
    }),
    ("something that is nested without end", |text| {
        let nested = format!("\"extra\":{}{}", "[".repeat(50_000), "]".repeat(50_000));
        Reply::bytes(whole(text).replace("\"id\":\"x\"", &nested))
    }),
    ("a trickle", |text| Reply::text(text).drip(50, Duration::from_millis(1))),
    ("remarks of the protocol before the head", |text| {
        let body = whole(text);
        let flood = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(20);
        raw(&flood, &format!("content-length: {}", body.len()), &body)
    }),
    ("chunks", |text| {
        let body = whole(text);
        let (half, rest) = body.split_at(body.len() / 2);
        let chunks = format!(
            "{:x}\r\n{half}\r\n{:x};x=y\r\n{rest}\r\n0\r\nx-end: 1\r\n\r\n",
            half.len(),
            rest.len()
        );
        raw("", "transfer-encoding: chunked", &chunks)
    }),
    ("an end instead of a length", |text| raw("", "connection: close", &whole(text))),
    ("the protocol of 1996", |text| Reply::raw(format!("HTTP/1.0 200 OK\r\n\r\n{}", whole(text)))),
    ("a second response that nobody asked for", |text| {
        let body = whole(text);
        let second = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        raw("", &format!("content-length: {}", body.len()), &format!("{body}{second}"))
    }),
    ("many headers", |text| {
        (0..80).fold(Reply::text(text), |reply, i| reply.header(&format!("x-{i}"), "x"))
    }),
    ("a limit whose headers make no sense", |text| {
        Reply::text(text)
            .header("x-ratelimit-remaining-requests", "NaN")
            .header("x-ratelimit-reset-requests", "99999999999999999999s99999999999999999999s")
    }),
];
