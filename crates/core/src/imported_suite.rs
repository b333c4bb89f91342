//! A suite made of another tool's files: its text, its rows, and what could not be carried over.

use std::path::PathBuf;

use serde::Serialize;

/// A suite of another tool in evalmark's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportedSuite {
    /// Its name; safe as a file's.
    pub name: String,
    /// The suite as YAML. It names its dataset as `../datasets/NAME.jsonl`.
    pub suite: String,
    /// The rows, one JSON object a line.
    pub dataset: String,
    /// Files with prompts, relative to the suite's folder.
    pub prompts: Vec<PromptFile>,
    /// How much was carried over.
    pub carried: Carried,
    /// What was carried over and is scored in another way: one sentence each.
    pub differences: Vec<String>,
    /// What was not.
    pub not_carried: Vec<NotCarried>,
}

/// A file with a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromptFile {
    /// Relative to the suite's folder.
    pub path: PathBuf,
    /// The template.
    pub text: String,
}

/// How much was carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Prompts.
    pub prompts: usize,
    /// Models, judges included.
    pub models: usize,
    /// Items.
    pub items: usize,
    /// Metrics.
    pub metrics: usize,
    /// Checks of single items that these metrics stand for.
    pub checks: usize,
}

/// Something that evalmark has no counterpart for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotCarried {
    /// Where it stands: `FILE:LINE`.
    pub place: String,
    /// What it is.
    pub what: String,
    /// Why it has no counterpart, and what to do instead where there is something.
    pub why: String,
}
