//! One line of the log, and its hash.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Who;
use crate::signing::hex;

/// The longest line that is read or written.
pub(super) const MAX_LINE: usize = 256 * 1024;

/// What stands between an entry's body and its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A suite was run.
    Run,
    /// A verdict was given.
    Gate,
    /// A verdict that fails was passed over.
    Override,
    /// A release was proposed.
    Propose,
    /// A release was approved.
    Approve,
    /// A release became what an environment runs.
    Promote,
    /// An environment went back to an earlier release.
    Rollback,
    /// Labels were changed.
    LabelEdit,
    /// Kept answers were thrown away.
    CachePrune,
    /// The log's end was signed.
    Checkpoint,
}

impl AuditAction {
    /// All of them, in the order in which they stand in a prompt's life.
    pub const ALL: [Self; 10] = [
        Self::Run,
        Self::Gate,
        Self::Override,
        Self::Propose,
        Self::Approve,
        Self::Promote,
        Self::Rollback,
        Self::LabelEdit,
        Self::CachePrune,
        Self::Checkpoint,
    ];

    /// The word in files and arguments.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Gate => "gate",
            Self::Override => "override",
            Self::Propose => "propose",
            Self::Approve => "approve",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::LabelEdit => "label_edit",
            Self::CachePrune => "cache_prune",
            Self::Checkpoint => "checkpoint",
        }
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What it was done to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSubject {
    /// The suite's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// Names of prompts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<String>,
    /// The environment of a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The run, by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The dataset or file of labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The file of kept answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
}

/// What shows it: digests, verdicts, reasons, by name.
pub type Evidence = BTreeMap<String, String>;

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuditEntry {
    /// When it was done.
    pub time: Timestamp,
    /// Who did it.
    pub who: Who,
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub subject: AuditSubject,
    /// What shows it.
    pub evidence: Evidence,
}

/// One line, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// How many entries the log had with this one: its line's number, unless logs were merged.
    pub seq: u64,
    /// When it was done.
    pub time: Timestamp,
    /// Who did it.
    pub who: Who,
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub subject: AuditSubject,
    /// What shows it.
    pub evidence: Evidence,
    /// Hashes of the entries that it follows: none for the first, several where merged logs are joined.
    pub previous: Vec<String>,
    /// SHA-256 of the line without this field: `jq -cj 'del(.hash)' | sha256sum`.
    pub hash: String,
}

impl AuditEntry {
    /// The line of a new entry, with its line break, and what stands in it.
    pub(super) fn seal(new: NewAuditEntry, seq: u64, previous: Vec<String>) -> (Self, String) {
        let NewAuditEntry { time, who, action, subject, evidence } = new;
        let hash = String::new();
        let mut entry = Self { seq, time, who, action, subject, evidence, previous, hash };
        // Texts and numbers alone: nothing here fails to become JSON.
        let whole = serde_json::to_string(&entry).unwrap_or_default();
        let body = whole.strip_suffix("\"}").and_then(|body| body.strip_suffix(BEFORE_HASH));
        let body = body.unwrap_or_default();
        entry.hash = hash_of_body(body.as_bytes());
        let line = format!("{body}{BEFORE_HASH}{}\"}}\n", entry.hash);
        (entry, line)
    }

    /// Reads a line without its line break.
    pub(super) fn read(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }

    /// Whether the line is what was hashed, to the byte.
    pub(super) fn is_line(&self, line: &[u8]) -> bool {
        let end = format!("{BEFORE_HASH}{}\"}}", self.hash);
        let body = line.strip_suffix(end.as_bytes());
        body.is_some_and(|body| hash_of_body(body) == self.hash)
    }
}

/// SHA-256 of an entry without its hash, whose closing bracket is missing.
fn hash_of_body(body: &[u8]) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&SHA256);
    context.update(body);
    context.update(b"}");
    hex(context.finish().as_ref())
}

/// SHA-256 as files name it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}
