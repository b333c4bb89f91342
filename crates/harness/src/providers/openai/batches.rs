//! OpenAI's batch API: a file of requests is uploaded, a batch made of it, and files of results come
//! back.

use evalmark_core::record::ErrorKind;
use evalmark_net::{HeaderValue, HttpRequest, Url};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    providers::{
        batch_wire::{
            BatchFiles, BatchFraming, BatchLimits, BatchPage, BatchProblem, BatchResult, BatchWire,
            Leftover, NewBatch, Recognition, RemoteBatch, RemoteState, ResultEnd, count,
            is_plain_id, unknown_state,
        },
        protocol::behind,
    },
    reply::{AttemptError, FaultScope, Retryable},
};

#[derive(Debug)]
pub(super) struct Batches;

/// Where all requests of a batch go, as its lines and its creation say.
const ENDPOINT: &str = "/v1/chat/completions";
/// Under which metadata our own name stands.
const NAME: &str = "evalmark_batch";
/// What separates the parts of an upload. It stands in no entry: those are JSON on one line each.
const BOUNDARY: &str = "evalmark-batch-boundary-8f14e45fceea167a";

#[derive(Deserialize)]
struct File {
    id: String,
}

#[derive(Deserialize)]
struct Batch {
    id: String,
    status: String,
    #[serde(default)]
    input_file_id: Option<String>,
    #[serde(default)]
    output_file_id: Option<String>,
    #[serde(default)]
    error_file_id: Option<String>,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    request_counts: Option<Counts>,
    #[serde(default)]
    errors: Option<Errors>,
    #[serde(default)]
    metadata: Option<Value>,
}

#[derive(Clone, Copy, Deserialize)]
struct Counts {
    #[serde(default, deserialize_with = "count")]
    total: u64,
    #[serde(default, deserialize_with = "count")]
    completed: u64,
    #[serde(default, deserialize_with = "count")]
    failed: u64,
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    data: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    line: Option<u64>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Line<'a> {
    custom_id: String,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Response<'a> {
    status_code: u16,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl BatchWire for Batches {
    fn limits(&self) -> BatchLimits {
        // OpenAI takes 200 MB, and others that speak its protocol 100 MB; what is handed in is held in
        // memory, twice.
        BatchLimits { requests: 50_000, bytes: 64_000_000 }
    }

    fn framing(&self) -> BatchFraming {
        BatchFraming { before: b"", between: b"\n", behind: b"\n" }
    }

    fn recognition(&self) -> Recognition {
        Recognition::Listed
    }

    fn entry(&self, custom_id: &str, body: &[u8]) -> Vec<u8> {
        let id = Value::from(custom_id);
        let head = format!(r#"{{"custom_id":{id},"method":"POST","url":"{ENDPOINT}","body":"#);
        [head.as_bytes(), body, b"}"].concat()
    }

    fn files(&self) -> Option<&'static dyn BatchFiles> {
        Some(&Self)
    }

    fn create(&self, base: &Url, new: NewBatch<'_>, _entries: Vec<u8>) -> HttpRequest {
        let body = json!({
            "input_file_id": new.file_id,
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": { NAME: new.name },
        });
        HttpRequest::post_json(behind(base, "batches"), body.to_string().into_bytes())
    }

    fn state(&self, base: &Url, id: &str) -> HttpRequest {
        HttpRequest::get(behind(base, &format!("batches/{id}")))
    }

    fn batch(&self, body: &str) -> Result<RemoteBatch, AttemptError> {
        let batch: Batch = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
        remote(batch)
    }

    fn list(&self, base: &Url, after: Option<&str>) -> HttpRequest {
        let mut url = behind(base, "batches");
        url.query_pairs_mut().append_pair("limit", "100");
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        HttpRequest::get(url)
    }

    fn page(&self, body: &str) -> Result<BatchPage, AttemptError> {
        let page: Page = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
        // What is none of ours may have any form.
        let read = |batch: Value| remote(serde_json::from_value(batch).ok()?).ok();
        let last = page.data.last().and_then(|last| last["id"].as_str()).map(str::to_owned);
        let batches = page.data.into_iter().filter_map(read).collect();
        Ok(BatchPage { batches, next: last.filter(|_| page.has_more) })
    }

    fn results(&self, base: &Url, batch: &RemoteBatch) -> Vec<HttpRequest> {
        let file = |id: &String| HttpRequest::get(behind(base, &format!("files/{id}/content")));
        batch.result_ids.iter().map(file).collect()
    }

    fn result(&self, line: &str) -> Option<BatchResult> {
        let Line { custom_id, response, error } = serde_json::from_str(line).ok()?;
        let end = match (response, error) {
            (Some(response), _) => {
                let body = response.body.get().to_owned();
                ResultEnd::Response { status: response.status_code, body }
            }
            (None, None) => ResultEnd::Empty,
            (None, Some(error)) => {
                match error["code"].as_str() {
                    Some("batch_expired") => ResultEnd::Expired,
                    Some("batch_cancelled") => ResultEnd::Cancelled,
                    // Nothing was asked; that may pass.
                    _ => {
                        let body = json!({ "error": error }).to_string();
                        ResultEnd::Response { status: 500, body }
                    }
                }
            }
        };
        Some(BatchResult { custom_id, end })
    }
}

impl BatchFiles for Batches {
    fn upload(&self, base: &Url, name: &str, entries: &[u8]) -> HttpRequest {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"evalmark-{name}.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let body = [head.as_bytes(), entries, tail.as_bytes()].concat();
        let mut request = HttpRequest::post_json(behind(base, "files"), body);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        if let Ok(kind) = HeaderValue::from_str(&kind) {
            request.headers.insert("content-type", kind);
        }
        request
    }

    fn uploaded(&self, body: &str) -> Result<String, AttemptError> {
        let file: File = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
        checked("id", file.id)
    }
}

fn remote(batch: Batch) -> Result<RemoteBatch, AttemptError> {
    let problem = |problem: Problem| BatchProblem {
        code: problem.code.unwrap_or_default(),
        message: problem.message.unwrap_or_default(),
        // Lines are counted from 1.
        number: problem.line.and_then(|line| line.checked_sub(1)),
    };
    let open = ["validating", "in_progress", "finalizing", "cancelling"];
    let mut unknown = None;
    let state = match batch.status.as_str() {
        "completed" => RemoteState::Ended(Leftover::None),
        "expired" => RemoteState::Ended(Leftover::Expired),
        "cancelled" => RemoteState::Ended(Leftover::Cancelled),
        "failed" => {
            let problems = batch.errors.map(|errors| errors.data).unwrap_or_default();
            RemoteState::Refused(problems.into_iter().map(problem).collect())
        }
        // What servers may add is waited for.
        other => {
            unknown = unknown_state(other, &open);
            RemoteState::Open
        }
    };
    let files = [("output_file_id", batch.output_file_id), ("error_file_id", batch.error_file_id)];
    let files = files.into_iter().filter_map(|(key, id)| Some((key, id?)));
    let files = files.filter(|(_, id)| !id.is_empty()).map(|(key, id)| checked(key, id));
    let files = files.collect::<Result<_, _>>()?;
    let counts = batch.request_counts.filter(|counts| counts.total > 0);
    Ok(RemoteBatch {
        id: checked("id", batch.id)?,
        state,
        unknown_state: unknown,
        total: counts.map(|counts| counts.total),
        ended: counts.map(|counts| counts.completed.saturating_add(counts.failed)),
        succeeded: counts.map(|counts| counts.completed),
        created_at_us: batch.created_at.as_i64().map(|seconds| seconds.saturating_mul(1_000_000)),
        file_id: batch.input_file_id,
        name: batch.metadata.and_then(|named| named[NAME].as_str().map(str::to_owned)),
        result_ids: files,
    })
}

fn checked(key: &str, id: String) -> Result<String, AttemptError> {
    if is_plain_id(&id) {
        return Ok(id);
    }
    let message = format!(
        "the batch API's `{key}` names no batch or file: a name has letters, digits, `-`, `_`, `.` and `:` \
         only"
    );
    Err(AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
        .with_fault_scope(FaultScope::Endpoint))
}

fn unreadable(error: &serde_json::Error) -> AttemptError {
    let message = format!("the batch API's response cannot be read: {error}");
    AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_cannot_be_cost_no_batch() {
        for (counts, expected) in [
            (r#"{"total":3,"completed":1,"failed":1}"#, (Some(3), Some(2))),
            (r#"{"total":-1,"completed":0,"failed":0}"#, (None, None)),
            (r#"{"total":"many","completed":null}"#, (None, None)),
            (r#"{"total":3,"completed":-1,"failed":0.5}"#, (Some(3), Some(0))),
            ("null", (None, None)),
        ] {
            let body = format!(r#"{{"id":"b","status":"in_progress","request_counts":{counts}}}"#);
            let batch = Batches.batch(&body).map_err(|error| error.failure.message);
            let told = batch.map(|batch| (batch.total, batch.ended));
            assert_eq!(told, Ok(expected), "{counts}");
        }
    }

    #[test]
    fn a_line_says_what_became_of_its_request() {
        let unknown =
            ResultEnd::Response { status: 500, body: r#"{"error":{"code":"x"}}"#.to_owned() };
        for (line, expected) in [
            (r#""response":null,"error":null"#, ResultEnd::Empty),
            (r#""id":"x""#, ResultEnd::Empty),
            (r#""response":null,"error":{"code":"batch_expired"}"#, ResultEnd::Expired),
            (r#""error":{"code":"x"}"#, unknown),
            (
                r#""response":{"status_code":200,"body":{}},"error":null"#,
                ResultEnd::Response { status: 200, body: "{}".to_owned() },
            ),
        ] {
            let read = Batches.result(&format!(r#"{{"custom_id":"c",{line}}}"#));
            assert_eq!(read.map(|result| result.end), Some(expected), "{line}");
        }
    }
}
