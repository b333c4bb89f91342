//! The audit log as commands write and read it. Where a repository has not switched it on, nothing is written.

mod document;
mod export;
mod labels;
mod record;
mod signed_end;

pub(crate) use self::labels::moved_by_release;
pub use self::{
    document::{audit_document, audit_report_document},
    export::{AuditExport, audit_csv, audit_json_lines},
    record::{Auditor, NotAudited},
    signed_end::{
        CheckpointError, CheckpointOptions, SignedCheckpoint, VerifiedAudit, VerifyAuditOptions,
        sign_checkpoint, verify_audit,
    },
};
