//! What is answered: `Export…ServiceResponse` and `google.rpc.Status`, as JSON and protobuf.

use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::json;

use super::{
    intake::{Encoding, Refusal, Taken},
    span::Signal,
    wire::{put_bytes, put_number},
};

/// The body of an answer.
pub(super) type ReplyBody = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// Senders that are told to come later do so after this time.
pub(super) const RETRY_AFTER_SECONDS: u64 = 1;

/// A body that is there.
pub(super) fn whole(bytes: Vec<u8>) -> ReplyBody {
    Full::new(Bytes::from(bytes)).boxed_unsync()
}

/// A body with trailers.
pub(super) fn with_trailers(bytes: Vec<u8>, trailers: HeaderMap) -> ReplyBody {
    let trailers = async move { Some(Ok(trailers)) };
    Full::new(Bytes::from(bytes)).with_trailers(trailers).boxed_unsync()
}

/// A short text.
pub(super) fn plain_text(status: StatusCode, text: &str) -> Response<ReplyBody> {
    response(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
}

fn response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<ReplyBody> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => "application/json",
        Encoding::Protobuf => "application/x-protobuf",
    }
}

/// What was taken, as protobuf: empty where that is all.
pub(super) fn taken_message(taken: &Taken) -> Vec<u8> {
    let mut message = Vec::new();
    if taken.n_refused > 0 {
        let mut partial = Vec::new();
        put_number(&mut partial, 1, taken.n_refused);
        put_bytes(&mut partial, 2, taken.why.as_deref().unwrap_or_default().as_bytes());
        put_bytes(&mut message, 1, &partial);
    }
    message
}

/// What was taken, over HTTP.
pub(super) fn of_taken(taken: &Taken, encoding: Encoding, signal: Signal) -> Response<ReplyBody> {
    let body = match encoding {
        Encoding::Protobuf => taken_message(taken),
        Encoding::Json if taken.n_refused == 0 => b"{}".to_vec(),
        Encoding::Json => {
            let key = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
            };
            let partial = json!({key: taken.n_refused.to_string(), "errorMessage": taken.why});
            json!({"partialSuccess": partial}).to_string().into_bytes()
        }
    };
    response(StatusCode::OK, content_type(encoding), body)
}

/// What is said of a refusal.
pub(super) fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Bad(why) => why.clone(),
        Refusal::TooLarge => {
            format!("a request has at most {} MiB, unpacked", super::MAX_BODY >> 20)
        }
        Refusal::Busy => "too much waits to be stored; come again".to_owned(),
    }
}

/// Why nothing was taken, over HTTP.
pub(super) fn of_refusal(refusal: &Refusal, encoding: Encoding) -> Response<ReplyBody> {
    let (status, code) = match refusal {
        Refusal::Bad(_) => (StatusCode::BAD_REQUEST, 3),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 8),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, 14),
    };
    let text = refusal_text(refusal);
    let body = match encoding {
        Encoding::Json => json!({"code": code, "message": text}).to_string().into_bytes(),
        Encoding::Protobuf => {
            let mut status = Vec::new();
            put_number(&mut status, 1, code);
            put_bytes(&mut status, 2, text.as_bytes());
            status
        }
    };
    let mut response = response(status, content_type(encoding), body);
    if *refusal == Refusal::Busy {
        response.headers_mut().insert("retry-after", RETRY_AFTER_SECONDS.into());
    }
    response
}
