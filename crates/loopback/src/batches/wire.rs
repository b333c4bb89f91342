//! What stands in requests and replies of batch APIs.

use std::{collections::BTreeMap, time::SystemTime};

use serde_json::{Value, json};

use super::{Batch, BatchEnd, BatchForm, BatchStep};
use crate::Seen;

/// A batch as a client asks for it.
pub(super) struct NewBatch {
    pub(super) file_id: Option<String>,
    pub(super) metadata: Value,
    /// Names and prompts.
    pub(super) requests: Vec<(String, String)>,
}

/// Which step a request is, and of which batch or file.
pub(super) fn step(form: BatchForm, seen: &Seen) -> Option<(BatchStep, String)> {
    let path = seen.path.split('?').next().unwrap_or_default().trim_start_matches("/v1/");
    let parts: Vec<_> = path.split('/').collect();
    let is_post = seen.method == "POST";
    let step = |step, id: &str| Some((step, id.to_owned()));
    match (form, &*parts, is_post) {
        (BatchForm::OpenAi, ["files"], true) => step(BatchStep::Upload, ""),
        (BatchForm::OpenAi, ["batches"], true)
        | (BatchForm::Anthropic, ["messages", "batches"], true) => step(BatchStep::Create, ""),
        (BatchForm::OpenAi, ["batches"], false)
        | (BatchForm::Anthropic, ["messages", "batches"], false) => step(BatchStep::List, ""),
        (BatchForm::OpenAi, ["batches", id], false)
        | (BatchForm::Anthropic, ["messages", "batches", id], false) => step(BatchStep::State, id),
        (BatchForm::OpenAi, ["files", id, "content"], false)
        | (BatchForm::Anthropic, ["messages", "batches", id, "results"], false) => {
            step(BatchStep::Results, id)
        }
        _ => None,
    }
}

/// Reads what a batch is created of; `None` where it is nothing.
pub(super) fn new_batch(
    form: BatchForm,
    body: &[u8],
    files: &BTreeMap<String, Vec<u8>>,
) -> Option<NewBatch> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let request = |entry: &Value, body: &str| {
        let prompt = entry[body]["messages"].as_array()?.last()?["content"].as_str()?.to_owned();
        Some((entry["custom_id"].as_str()?.to_owned(), prompt))
    };
    match form {
        BatchForm::Anthropic => {
            let entries = json["requests"].as_array()?.iter();
            let requests = entries.map(|entry| request(entry, "params")).collect::<Option<_>>()?;
            Some(NewBatch { file_id: None, metadata: Value::Null, requests })
        }
        BatchForm::OpenAi => {
            let file_id = json["input_file_id"].as_str()?;
            let file = String::from_utf8_lossy(files.get(file_id)?).into_owned();
            if !file.contains("name=\"purpose\"\r\n\r\nbatch\r\n") || json["endpoint"].is_null() {
                return None;
            }
            let lines = file.lines().filter(|line| line.starts_with("{\"custom_id\""));
            let entry = |line: &str| request(&serde_json::from_str(line).ok()?, "body");
            let requests = lines.map(entry).collect::<Option<_>>()?;
            let metadata = json["metadata"].clone();
            Some(NewBatch { file_id: Some(file_id.to_owned()), metadata, requests })
        }
    }
}

/// A batch as the server tells of it.
pub(super) fn batch(form: BatchForm, batch: &Batch) -> Value {
    let is_open = batch.looks_left > 0;
    let count = |is: fn(&BatchEnd) -> bool| batch.requests.iter().filter(|r| is(&r.1)).count();
    let total = batch.requests.len();
    let answered = count(|end| matches!(end, BatchEnd::Text(_)));
    let (done, failed) = if is_open { (total / 2, 0) } else { (answered, total - answered) };
    match form {
        BatchForm::OpenAi => {
            let status = if is_open { "in_progress" } else { &*batch.status };
            let is_there = !is_open && status != "failed";
            let file = |kind: &str| is_there.then(|| format!("{}-{kind}", batch.id));
            json!({
                "id": batch.id,
                "object": "batch",
                "endpoint": "/v1/chat/completions",
                "status": status,
                "input_file_id": batch.file_id,
                "output_file_id": file("output"),
                "error_file_id": file("error"),
                "created_at": now(),
                "request_counts": { "total": total, "completed": done, "failed": failed },
                "errors": if status == "failed" { json!({ "object": "list", "data": batch.errors }) } else { Value::Null },
                "metadata": batch.metadata,
            })
        }
        BatchForm::Anthropic => {
            let ended = |is| if is_open { 0 } else { count(is) };
            let succeeded = ended(|end| matches!(end, BatchEnd::Text(_)));
            let expired = ended(|end| matches!(end, BatchEnd::Expired));
            let canceled = ended(|end| matches!(end, BatchEnd::Cancelled));
            let errored = ended(|end| matches!(end, BatchEnd::Error(..) | BatchEnd::Missing));
            let processing = total - succeeded - expired - canceled - errored;
            json!({
                "id": batch.id,
                "type": "message_batch",
                "processing_status": if is_open { "in_progress" } else { "ended" },
                "request_counts": {
                    "processing": processing, "succeeded": succeeded, "errored": errored,
                    "canceled": canceled, "expired": expired,
                },
                "created_at": null,
                // A place that no key may ever go to.
                "results_url": (!is_open).then_some("http://127.0.0.2:9/elsewhere"),
            })
        }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

/// The lines of a file of results, the last request first.
pub(super) fn results(form: BatchForm, batch: &Batch, of_errors: bool) -> Vec<u8> {
    let lines = batch.requests.iter().rev().filter_map(|(custom_id, end)| {
        let line = match form {
            BatchForm::OpenAi => openai_line(custom_id, end, of_errors)?,
            BatchForm::Anthropic => anthropic_line(custom_id, end)?,
        };
        Some(format!("{line}\n"))
    });
    lines.collect::<String>().into_bytes()
}

fn openai_line(custom_id: &str, end: &BatchEnd, of_errors: bool) -> Option<Value> {
    let line = |response: Value, error: Value| json!({ "id": "r", "custom_id": custom_id, "response": response, "error": error });
    let failed = |code: &str| {
        line(Value::Null, json!({ "code": code, "message": "this request was not executed" }))
    };
    let (line, is_error) = match end {
        BatchEnd::Text(text) => {
            let message = json!({ "role": "assistant", "content": text });
            let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
            let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 });
            let body = json!({ "object": "chat.completion", "choices": [choice], "usage": usage });
            let response = json!({ "status_code": 200, "request_id": "q", "body": body });
            (line(response, Value::Null), false)
        }
        BatchEnd::Error(status, message) => {
            let body = json!({ "error": { "message": message, "type": "invalid_request_error" } });
            let response = json!({ "status_code": status, "request_id": "q", "body": body });
            (line(response, Value::Null), true)
        }
        BatchEnd::Expired => (failed("batch_expired"), true),
        BatchEnd::Cancelled => (failed("batch_cancelled"), true),
        BatchEnd::Missing => return None,
    };
    (is_error == of_errors).then_some(line)
}

fn anthropic_line(custom_id: &str, end: &BatchEnd) -> Option<Value> {
    let result = match end {
        BatchEnd::Text(text) => {
            let message = json!({
                "id": "m",
                "type": "message",
                "role": "assistant",
                "model": "loopback",
                "content": [{ "type": "text", "text": text }],
                "stop_reason": "end_turn",
                "usage": { "input_tokens": 10, "output_tokens": 5 },
            });
            json!({ "type": "succeeded", "message": message })
        }
        BatchEnd::Error(status, message) => {
            let kind = if *status == 400 { "invalid_request_error" } else { "api_error" };
            let error = json!({ "type": kind, "message": message });
            json!({ "type": "errored", "error": { "type": "error", "error": error } })
        }
        BatchEnd::Expired => json!({ "type": "expired" }),
        BatchEnd::Cancelled => json!({ "type": "canceled" }),
        BatchEnd::Missing => return None,
    };
    Some(json!({ "custom_id": custom_id, "result": result }))
}
