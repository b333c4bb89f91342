//! The example of `evalmark init --example`: customer messages with the answers that a small model
//! gave to the prompt beside them, so that the suite runs with no key and no network.

use super::prompt_text::PromptFile;

/// The dataset's file, below the folder of the suite.
pub(super) const DATASET: &str = "datasets/messages.csv";

/// 48 messages of the quickstart's dataset with the answers of `SmolLM2-135M-Instruct`.
pub(super) const ROWS: &str = include_str!("example.csv");

/// The prompt that these are the answers to.
pub(super) fn prompt() -> PromptFile {
    let text = include_str!("../../../../suites/prompts/definitions.yaml");
    PromptFile { ending: "yaml", text: text.to_owned() }
}
