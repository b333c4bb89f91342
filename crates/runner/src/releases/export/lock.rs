//! One JSON file with everything: for applications, and for those who want to see at a glance what runs.

use evalmark_store::releases::EnvironmentState;
use serde_json::{Map, Value, json};

use super::text::PromptText;

/// The file.
pub(super) fn lock(state: &EnvironmentState, prompts: &[PromptText]) -> String {
    let of = |prompt: &PromptText| {
        let mut document = prompt.document();
        document["files"] = json!(prompt.standing.prompt.files);
        (prompt.name.clone(), document)
    };
    let prompts: Map<String, Value> = prompts.iter().map(of).collect();
    let document = json!({
        "format_version": 1,
        "environment": state.environment,
        "release": state.release,
        "sha256": state.sha256,
        "prompts": prompts,
    });
    format!("{document:#}\n")
}
