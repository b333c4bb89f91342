//! OTLP over gRPC: the `Export` methods of `TraceService` and `LogsService`, one message to and fro.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{
    body,
    http::packing,
    intake::{Encoding, Intake, Packing, Refusal, Taken},
    reply::{
        RETRY_AFTER_SECONDS, ReplyBody, plain_text, refusal_text, taken_message, whole,
        with_trailers,
    },
    span::Signal,
    wire::{put_bytes, put_number},
};

/// What a message of gRPC escapes.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// What is before each message: whether it is packed, and its length.
const PREFIX: usize = 5;

const INVALID_ARGUMENT: u64 = 3;
const RESOURCE_EXHAUSTED: u64 = 8;
const UNIMPLEMENTED: u64 = 12;
const UNAVAILABLE: u64 = 14;

/// What is sent to a method; `None` where it is none.
pub(super) fn signal(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        _ => None,
    }
}

/// Answers a call of a method.
pub(super) async fn answer(
    intake: &Arc<Intake>,
    request: Request<Incoming>,
    signal: Signal,
) -> Response<ReplyBody> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_grpc =
        kind.is_some_and(|kind| matches!(kind, "application/grpc" | "application/grpc+proto"));
    if request.method() != Method::POST || !is_grpc {
        return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this is a method of gRPC");
    }
    let Some(packing) = packing(request.headers(), &HeaderName::from_static("grpc-encoding"))
    else {
        return failed(UNIMPLEMENTED, "pack with gzip or deflate, or not at all");
    };
    match take(intake, request, packing, signal).await {
        Ok(taken) => done(&taken_message(&taken)),
        Err(refusal) => {
            let code = match refusal {
                Refusal::Bad(_) => INVALID_ARGUMENT,
                Refusal::TooLarge => RESOURCE_EXHAUSTED,
                Refusal::Busy => UNAVAILABLE,
            };
            failed(code, &refusal_text(&refusal))
        }
    }
}

async fn take(
    intake: &Arc<Intake>,
    request: Request<Incoming>,
    packing: Packing,
    signal: Signal,
) -> Result<Taken, Refusal> {
    let mut held = intake.room();
    let mut body = body::receive(request.into_body(), &mut held).await?;
    let packing = message(&mut body, packing)
        .ok_or_else(|| Refusal::Bad("the body is no message of gRPC".to_owned()))?;
    intake.take(body, (packing, Encoding::Protobuf, signal), held).await
}

/// Takes off what is before the message; answers how it is packed.
fn message(body: &mut Vec<u8>, packing: Packing) -> Option<Packing> {
    let (prefix, message) = body.split_first_chunk::<PREFIX>()?;
    let [is_packed, length @ ..] = *prefix;
    let is_whole = u32::from_be_bytes(length) as usize == message.len();
    let packing = match is_packed {
        0 => Some(Packing::Plain),
        1 if packing != Packing::Plain => Some(packing),
        _ => None,
    };
    let packing = packing.filter(|_| is_whole)?;
    body.drain(..PREFIX);
    Some(packing)
}

fn done(message: &[u8]) -> Response<ReplyBody> {
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
    framed.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    response(with_trailers(framed, trailers))
}

/// A call that failed; one that may be tried again says after which time.
fn failed(code: u64, text: &str) -> Response<ReplyBody> {
    let mut response = response(whole(Vec::new()));
    let headers = response.headers_mut();
    headers.insert("grpc-status", code.into());
    let text = utf8_percent_encode(text, ESCAPED).to_string();
    headers.extend(
        HeaderValue::try_from(text)
            .ok()
            .map(|text| (HeaderName::from_static("grpc-message"), text)),
    );
    if code == UNAVAILABLE {
        let details = BASE64_STANDARD_NO_PAD.encode(retry_info(code));
        let details = HeaderValue::try_from(details).ok();
        headers.extend(details.map(|it| (HeaderName::from_static("grpc-status-details-bin"), it)));
    }
    response
}

/// `google.rpc.Status` with a `google.rpc.RetryInfo`.
fn retry_info(code: u64) -> Vec<u8> {
    let (mut delay, mut info, mut any, mut status) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    put_number(&mut delay, 1, RETRY_AFTER_SECONDS);
    put_bytes(&mut info, 1, &delay);
    put_bytes(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
    put_bytes(&mut any, 2, &info);
    put_number(&mut status, 1, code);
    put_bytes(&mut status, 3, &any);
    status
}

fn response(body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stands_behind_its_length() {
        let check = |body: &[u8], packing: Packing, expected: Option<Packing>| {
            let mut left = body.to_vec();
            assert_eq!(message(&mut left, packing), expected, "{body:?}");
            if expected.is_some() {
                assert_eq!(left, &body[PREFIX..]);
            }
        };
        check(&[0, 0, 0, 0, 0], Packing::Plain, Some(Packing::Plain));
        check(&[0, 0, 0, 0, 1, 7], Packing::Gzip, Some(Packing::Plain));
        check(&[1, 0, 0, 0, 1, 7], Packing::Gzip, Some(Packing::Gzip));
        check(&[1, 0, 0, 0, 1, 7], Packing::Plain, None);
        check(&[2, 0, 0, 0, 1, 7], Packing::Gzip, None);
        check(&[0, 0, 0, 0, 2, 7], Packing::Plain, None);
        check(&[0, 0xFF, 0xFF, 0xFF, 0xFF, 7], Packing::Plain, None);
        check(&[0, 0], Packing::Plain, None);
        check(&[], Packing::Plain, None);
    }
}
