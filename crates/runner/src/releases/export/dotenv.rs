//! Lines `NAME='VALUE'`, which every dialect of dotenv reads alike.

use evalmark_store::releases::EnvironmentState;
use serde_json::{Value, json};

use super::{
    safe_json::for_single_quotes,
    text::{PromptText, ReleaseExportError},
};

/// The file.
pub(super) fn dotenv(
    state: &EnvironmentState,
    prompts: &[PromptText],
) -> Result<String, ReleaseExportError> {
    let mut lines = vec![
        format!(
            "# {} release {}: written by `evalmark release export`.",
            state.environment, state.release
        ),
        format!("PROMPTS_RELEASE='{}'", state.release),
        format!("PROMPTS_SHA256='{}'", state.sha256),
    ];
    let (mut taken, mut wrong) = (Vec::<(String, &str)>::new(), Vec::new());
    for prompt in prompts {
        let upper = prompt.name.to_uppercase();
        let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name: String = upper.chars().map(word).collect();
        if let Some((_, other)) = taken.iter().find(|(taken, _)| *taken == name) {
            wrong.push(format!("`{}` and `{other}` would both be PROMPT_{name}", prompt.name));
        }
        lines.extend(of_prompt(&name, prompt));
        taken.push((name, &prompt.name));
    }
    if !wrong.is_empty() {
        return Err(ReleaseExportError::DoNotFit(wrong));
    }
    Ok(lines.join("\n") + "\n")
}

fn of_prompt(name: &str, prompt: &PromptText) -> Vec<String> {
    let released = &prompt.standing.prompt;
    let document = prompt.document();
    // A text of one word stands as it is, where nothing in it acts.
    let plain = |text: &str| {
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\'' | '\\' | '$' | '`');
        text.chars().all(is_plain).then(|| text.to_owned())
    };
    let word = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        plain(text).unwrap_or_else(|| for_single_quotes(&json!(text)))
    };
    let part = |key: &str| for_single_quotes(document.get(key).unwrap_or(&Value::Null));
    let line = |what: &str, value: String| format!("PROMPT_{name}_{what}='{value}'");
    vec![
        line("HASH", released.hash.clone()),
        line("PROVIDER", word(&released.model.provider)),
        line("MODEL", word(&released.model.model)),
        line("PARAMETERS", part("parameters")),
        line("MESSAGES", part("messages")),
        line("INCLUDED", part("included")),
    ]
}
