//! Reading a judge's grade, strictly.

use serde::Deserialize;
use serde_json::Value;

use super::Scale;

/// The longest remark that is kept, in characters.
const REASON_CHARS: usize = 500;

/// What a judge is asked to write. A second `grade` is an error; other keys do no harm.
#[derive(Deserialize)]
struct Reply {
    grade: f64,
    #[serde(default)]
    reason: Value,
}

/// The grade's place on the scale and the judge's remark, or why the output cannot be read.
pub(super) fn read(output: &str, scale: &Scale) -> Result<(f64, Option<String>), String> {
    let text = unfenced(output.trim());
    if !text.starts_with('{') {
        return Err("the judge did not write one JSON object and nothing else".to_owned());
    }
    let reply: Reply = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let value = scale.place(reply.grade)?;
    let reason = reply.reason.as_str().map(str::trim).filter(|text| !text.is_empty());
    Ok((value, reason.map(bounded)))
}

/// The body of a text that is one code fence and nothing else; otherwise the text itself.
fn unfenced(text: &str) -> &str {
    let body = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match body.and_then(|body| body.split_once('\n')) {
        Some((label, body)) if matches!(label.trim(), "" | "json" | "JSON") => body.trim(),
        _ => text,
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
