//! What the `dataset` commands are told: a suite or a file, and which of its columns are what.

use std::path::PathBuf;

/// A dataset, as a suite has it or as options say.
#[derive(Clone, Debug, Default)]
pub struct DatasetOptions {
    /// A suite, or a file, folder or pattern of rows.
    pub of: PathBuf,
    /// The columns that are compared and measured; by default those that a suite's prompts show, and of a
    /// file all but the others.
    pub text: Vec<String>,
    /// The column with a unique id.
    pub id: Option<String>,
    /// The column with the right answer.
    pub target: Option<String>,
    /// The column whose equal values mark items that belong together.
    pub cluster: Option<String>,
    /// Beside these, keys of `dataset` in a suite, such as `rows` and `encoding`.
    pub more: Vec<(&'static str, serde_json::Value)>,
}
