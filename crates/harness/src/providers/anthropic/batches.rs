//! Anthropic's message batches: requests are handed in as one list, and results come back as lines.

use evalmark_core::record::ErrorKind;
use evalmark_net::{HeaderName, HeaderValue, HttpRequest, Url};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{VERSION, VERSION_HEADER};
use crate::{
    providers::{
        batch_wire::{
            BatchFiles, BatchFraming, BatchLimits, BatchPage, BatchResult, BatchWire, Leftover,
            NewBatch, Recognition, RemoteBatch, RemoteState, ResultEnd, count, is_plain_id,
            unknown_state,
        },
        protocol::behind,
    },
    reply::{AttemptError, FaultScope, Retryable},
};

#[derive(Debug)]
pub(super) struct Batches;

#[derive(Deserialize)]
struct Batch {
    id: String,
    processing_status: String,
    #[serde(default)]
    request_counts: Counts,
    #[serde(default)]
    created_at: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct Counts {
    #[serde(default, deserialize_with = "count")]
    processing: u64,
    #[serde(default, deserialize_with = "count")]
    succeeded: u64,
    #[serde(default, deserialize_with = "count")]
    errored: u64,
    #[serde(default, deserialize_with = "count")]
    canceled: u64,
    #[serde(default, deserialize_with = "count")]
    expired: u64,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    last_id: Option<String>,
}

#[derive(Deserialize)]
struct Line<'a> {
    custom_id: String,
    #[serde(borrow)]
    result: Ended<'a>,
}

#[derive(Deserialize)]
struct Ended<'a> {
    r#type: String,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl BatchWire for Batches {
    fn limits(&self) -> BatchLimits {
        // It takes 256 MB; what is handed in is held in memory, twice.
        BatchLimits { requests: 100_000, bytes: 64_000_000 }
    }

    fn framing(&self) -> BatchFraming {
        BatchFraming { before: b"{\"requests\":[", between: b",\n", behind: b"]}" }
    }

    fn recognition(&self) -> Recognition {
        Recognition::Results
    }

    fn entry(&self, custom_id: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(r#"{{"custom_id":{},"params":"#, Value::from(custom_id));
        [head.as_bytes(), body, b"}"].concat()
    }

    fn files(&self) -> Option<&'static dyn BatchFiles> {
        None
    }

    fn create(&self, base: &Url, _new: NewBatch<'_>, entries: Vec<u8>) -> HttpRequest {
        versioned(HttpRequest::post_json(place(base, ""), entries))
    }

    fn state(&self, base: &Url, id: &str) -> HttpRequest {
        versioned(HttpRequest::get(place(base, &format!("/{id}"))))
    }

    fn batch(&self, body: &str) -> Result<RemoteBatch, AttemptError> {
        remote(serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?)
    }

    fn list(&self, base: &Url, behind: Option<&str>) -> HttpRequest {
        let mut url = place(base, "");
        url.query_pairs_mut().append_pair("limit", "100");
        if let Some(behind) = behind {
            url.query_pairs_mut().append_pair("after_id", behind);
        }
        versioned(HttpRequest::get(url))
    }

    fn page(&self, body: &str) -> Result<BatchPage, AttemptError> {
        let page: Page =
            serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?;
        // What is none of ours may have any form.
        let read = |batch: Value| remote(serde_json::from_value(batch).ok()?).ok();
        let last = page.data.last().and_then(|last| last["id"].as_str()).map(str::to_owned);
        let next = page.last_id.or(last).filter(|_| page.has_more);
        Ok(BatchPage { batches: page.data.into_iter().filter_map(read).collect(), next })
    }

    fn results(&self, base: &Url, batch: &RemoteBatch) -> Vec<HttpRequest> {
        let url = place(base, &format!("/{}/results", batch.id));
        vec![versioned(HttpRequest::get(url))]
    }

    fn result(&self, line: &str) -> Option<BatchResult> {
        let Line { custom_id, result } = serde_json::from_str(line).ok()?;
        let end = match (&*result.r#type, result.message, result.error) {
            ("succeeded", Some(message), _) => {
                ResultEnd::Response { status: 200, body: message.get().to_owned() }
            }
            ("errored", _, Some(error)) => {
                let body = error.get().to_owned();
                ResultEnd::Response { status: status(&body), body }
            }
            ("expired", ..) => ResultEnd::Expired,
            ("canceled", ..) => ResultEnd::Cancelled,
            _ => return None,
        };
        Some(BatchResult { custom_id, end })
    }
}

/// The status that an error would have come with if the request had been asked by itself.
fn status(error: &str) -> u16 {
    let error: Value = serde_json::from_str(error).unwrap_or_default();
    let inner = if error["error"].is_object() { &error["error"] } else { &error };
    match inner["type"].as_str().unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

fn remote(batch: Batch) -> Result<RemoteBatch, AttemptError> {
    if !is_plain_id(&batch.id) {
        let error = unreadable("the server's name for a batch is none");
        return Err(error.with_fault_scope(FaultScope::Endpoint));
    }
    let Counts { processing, succeeded, errored, canceled, expired } = batch.request_counts;
    let sum = |counts: &[u64]| counts.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    let ended = sum(&[succeeded, errored, canceled, expired]);
    let created_at = batch.created_at.and_then(|text| text.parse::<Timestamp>().ok());
    let state = match batch.processing_status.as_str() {
        "ended" => RemoteState::Ended(Leftover::None),
        // What servers may add is waited for.
        _ => RemoteState::Open,
    };
    let known = ["ended", "in_progress", "canceling"];
    Ok(RemoteBatch {
        id: batch.id,
        state,
        unknown_state: unknown_state(&batch.processing_status, &known),
        total: Some(processing.saturating_add(ended)).filter(|total| *total > 0),
        ended: Some(ended),
        succeeded: Some(succeeded),
        created_at_us: created_at.map(Timestamp::as_microsecond),
        file_id: None,
        name: None,
        result_ids: Vec::new(),
    })
}

/// Below the place of message batches.
fn place(base: &Url, below: &str) -> Url {
    let is_versioned = base.path().trim_end_matches('/').ends_with("/v1");
    let path = if is_versioned { "messages/batches" } else { "v1/messages/batches" };
    behind(base, &format!("{path}{below}"))
}

fn versioned(request: HttpRequest) -> HttpRequest {
    let name = HeaderName::from_static(VERSION_HEADER);
    request.header(name, HeaderValue::from_static(VERSION))
}

fn unreadable(why: &str) -> AttemptError {
    let message = format!("the batch API's response cannot be read: {why}");
    AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
}
