//! Reading what a judge wrote, strictly: one JSON object of the form that was asked for.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest remark that is kept, in characters.
const REASON_CHARS: usize = 500;

/// Reads an output that is one JSON object, alone or in one code fence; why it cannot be read is
/// the error. Nothing is searched for in prose, which may well quote the candidate.
pub(crate) fn read<T: DeserializeOwned>(output: &str) -> Result<T, String> {
    let text = unfenced(output.trim());
    if !text.starts_with('{') {
        return Err("the judge did not write one JSON object and nothing else".to_owned());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The judge's remark, where it is a text that says something; long ones are cut.
pub(crate) fn remark(reason: &Value) -> Option<String> {
    reason.as_str().map(str::trim).filter(|text| !text.is_empty()).map(bounded)
}

/// The body of a text that is one code fence and nothing else; otherwise the text itself.
fn unfenced(text: &str) -> &str {
    let body = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match body.and_then(|body| body.split_once('\n')) {
        Some((label, body)) if matches!(label.trim(), "" | "json" | "JSON") => body.trim(),
        _ => text,
    }
}

/// The beginning of a text, as long as it is worth keeping.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
