//! OTLP over HTTP: `/v1/traces` and `/v1/logs`, JSON and protobuf.

use std::sync::Arc;

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, ORIGIN},
};

use super::{
    body, grpc,
    intake::{Encoding, Intake, Packing, Refusal},
    reply::{ReplyBody, of_refusal, of_taken, plain_text},
    span::Signal,
};

/// Answers any request.
pub(super) async fn answer(intake: Arc<Intake>, request: Request<Incoming>) -> Response<ReplyBody> {
    // A page in a browser has no business here, whatever it sends.
    if request.headers().contains_key(ORIGIN) {
        return plain_text(StatusCode::FORBIDDEN, "browsers cannot send here");
    }
    if let Some(signal) = grpc::signal(request.uri().path()) {
        return grpc::answer(&intake, request, signal).await;
    }
    let signal = match request.uri().path() {
        "/v1/traces" => Signal::Traces,
        "/v1/logs" => Signal::Logs,
        _ => return plain_text(StatusCode::NOT_FOUND, "OTLP is taken at /v1/traces and /v1/logs"),
    };
    if request.method() != Method::POST {
        return plain_text(StatusCode::METHOD_NOT_ALLOWED, "OTLP is sent with POST");
    }
    let Some(encoding) = encoding(request.headers()) else {
        let told = "send application/x-protobuf or application/json";
        return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, told);
    };
    let Some(packing) = packing(request.headers(), &CONTENT_ENCODING) else {
        let told = "pack with gzip or deflate, or not at all";
        return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, told);
    };
    match take(&intake, request, (packing, encoding, signal)).await {
        Ok(taken) => of_taken(&taken, encoding, signal),
        Err(refusal) => of_refusal(&refusal, encoding),
    }
}

async fn take(
    intake: &Arc<Intake>,
    request: Request<Incoming>,
    form: (Packing, Encoding, Signal),
) -> Result<super::intake::Taken, Refusal> {
    let mut held = intake.room();
    let body = body::receive(request.into_body(), &mut held).await?;
    intake.take(body, form, held).await
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let named = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let named = named.split(';').next().unwrap_or_default().trim();
    if named.eq_ignore_ascii_case("application/json") {
        Some(Encoding::Json)
    } else if named.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Encoding::Protobuf)
    } else {
        None
    }
}

/// How the header says that a body is packed.
pub(super) fn packing(headers: &HeaderMap, name: &HeaderName) -> Option<Packing> {
    let Some(named) = headers.get(name) else { return Some(Packing::Plain) };
    match named.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Some(Packing::Plain),
        "gzip" | "x-gzip" => Some(Packing::Gzip),
        "deflate" => Some(Packing::Deflate),
        _ => None,
    }
}
