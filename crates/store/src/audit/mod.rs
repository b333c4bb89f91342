//! The audit log: who ran, gated, overrode, released and threw away what, and on which evidence.
//!
//! [`AuditLog`] is `releases/audit.jsonl`: one [`AuditEntry`] a line, each with the hashes of the entries that it
//! follows and its own. As git merges branches, the log may branch too: it is a graph like git's commits, and the next
//! entry joins all its ends. [`AuditLog::verify`] finds what was altered, removed, moved or cut off; an [`Anchor`]
//! that is kept elsewhere, such as in a signed [`Checkpoint`] or in a release, holds the end.
//!
//! Whoever can write the file can also write it anew, hash by hash: only an anchor, or git's own history, tells.

mod checkpoint;
mod entry;
mod error;
mod filter;
mod finding;
mod log;
mod scan;
mod verify;
mod who;

pub use self::{
    checkpoint::{Anchor, AuditHold, Checkpoint},
    entry::{AuditAction, AuditEntry, AuditSubject, Evidence, NewAuditEntry},
    error::AuditError,
    filter::AuditFilter,
    finding::{AuditFinding, AuditFork, AuditReport},
    log::{Appended, AuditLog, Torn},
    who::{CiIdentity, GitIdentity, Who},
};
