//! What holds the log's end: how many entries it had, and which were the last.

use std::io;

use serde::{Deserialize, Serialize};

use super::{AuditError, AuditLog, entry::sha256};
use crate::attestation::{Predicate, Resource, Statement};

/// The end of a log, kept where its writers cannot change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// How many entries it had.
    pub entries: u64,
    /// Hashes of the entries that nothing followed: one, unless merged logs were not joined yet.
    pub heads: Vec<String>,
}

/// What a release says of the log: it stands in the log itself, and holds what was there before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHold {
    /// The release, as people call it.
    pub name: String,
    /// SHA-256 of its record, which an entry of the log names.
    pub record_sha256: String,
    /// The log's end when it was released.
    pub end: Option<Anchor>,
}

/// What is said of a log when its end is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The end.
    pub log: Anchor,
    /// When, in RFC 3339.
    pub time: jiff::Timestamp,
}

impl Predicate for Checkpoint {
    const TYPE: &'static str = "https://github.com/evalmark/audit-checkpoint/v1";
}

impl AuditLog {
    /// What there is to sign: the log's end, and the file's digest as it is now.
    pub fn checkpoint(&self, time: jiff::Timestamp) -> Result<Statement<Checkpoint>, AuditError> {
        let log = self.head()?;
        let mut content = Vec::new();
        let mut file = self.open_to_read()?;
        io::Read::read_to_end(&mut file, &mut content).map_err(self.unreadable())?;
        let name = "releases/audit.jsonl";
        let subject = Resource::with_digest(name, "sha256", sha256(&content));
        Ok(Statement::new(vec![subject], Checkpoint { log, time }))
    }
}
