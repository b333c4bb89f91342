//! What `run.json` keeps of a run whose answers and scores are another tool's.

use serde::{Deserialize, Serialize};

/// Where answers and scores come from that another tool made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFrom {
    /// The tool, by the name that it is imported under.
    pub tool: String,
    /// Its version, where its files tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// The files.
    pub files: Vec<ImportedFile>,
    /// Results that the files hold.
    pub read: u64,
    /// Results that were taken over: each is an answer, or a part of one.
    pub kept: u64,
    /// What was not taken over, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<ImportedRest>,
    /// What else to know, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// A file of another tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFile {
    /// Its path or address, without anything secret.
    pub name: String,
    /// BLAKE3 of its bytes, 64 hexadecimal digits.
    pub blake3: String,
}

/// Something that was not taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedRest {
    /// `result` or `score`.
    pub what: String,
    /// Why, in a clause.
    pub why: String,
    /// How often.
    pub count: u64,
    /// Where the first of them stands.
    pub first: String,
}
