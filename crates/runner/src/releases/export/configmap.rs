//! A Kubernetes `ConfigMap`: a key `NAME.json` for each prompt.

use evalmark_store::releases::EnvironmentState;
use serde_json::{Value, json};

use super::{
    safe_json::ascii,
    text::{PromptText, ReleaseExportError},
};

/// What Kubernetes takes as the data of one.
const MOST_BYTES: usize = 1 << 20;

/// The most characters of a key.
const MOST_KEY: usize = 253;

/// The manifest.
pub(super) fn configmap(
    state: &EnvironmentState,
    prompts: &[PromptText],
) -> Result<String, ReleaseExportError> {
    let mut wrong = Vec::new();
    let mut data: Vec<(String, String)> = Vec::new();
    for prompt in prompts {
        let key = format!("{}.json", prompt.name.replace('/', "."));
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !key.chars().all(is_key) || key.len() > MOST_KEY {
            let name = &prompt.name;
            wrong.push(format!(
                "`{name}` cannot be a key of a ConfigMap: letters, digits, `-`, `_` and `.` can"
            ));
        } else if data.iter().any(|(taken, _)| *taken == key) {
            wrong.push(format!("two prompts would have the key `{key}`"));
        }
        data.push((key, ascii(&prompt.document())));
    }
    let bytes: usize = data.iter().map(|(key, text)| key.len() + text.len()).sum();
    if bytes > MOST_BYTES {
        wrong.push(format!("the prompts take {bytes} bytes, and a ConfigMap holds {MOST_BYTES}"));
    }
    let name: String = state.environment.to_lowercase().replace(['_', '.'], "-");
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || name.ends_with('-') {
        wrong.push(format!("`{}` cannot be part of a ConfigMap's name", state.environment));
    }
    if !wrong.is_empty() {
        return Err(ReleaseExportError::DoNotFit(wrong));
    }
    let quoted = |text: &str| Value::from(text).to_string();
    let mut lines = vec![
        "apiVersion: v1".to_owned(),
        "kind: ConfigMap".to_owned(),
        "metadata:".to_owned(),
        format!("  name: prompts-{name}"),
        "  annotations:".to_owned(),
        format!("    evalmark/environment: {}", ascii(&json!(state.environment))),
        format!("    evalmark/release: {}", quoted(&state.release.to_string())),
        format!("    evalmark/sha256: {}", quoted(&state.sha256)),
        if data.is_empty() { "data: {}".to_owned() } else { "data:".to_owned() },
    ];
    lines.extend(data.iter().map(|(key, text)| format!("  {}: {}", quoted(key), quoted(text))));
    Ok(lines.join("\n") + "\n")
}
