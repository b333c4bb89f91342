//! What `audit` answers in JSON.

use std::path::Path;

use evalmark_store::audit::{AuditEntry, AuditReport};
use serde_json::{Value, json};

use super::VerifiedAudit;

/// Entries with their lines.
pub fn audit_document(entries: &[(u64, AuditEntry)]) -> Value {
    entries.iter().map(|(line, entry)| with_line(*line, entry)).collect()
}

pub(super) fn with_line(line: u64, entry: &AuditEntry) -> Value {
    let mut document = json!({ "line": line });
    let whole = json!(entry);
    if let (Some(document), Value::Object(whole)) = (document.as_object_mut(), whole) {
        document.extend(whole);
    }
    document
}

/// What is known of a whole log.
pub fn audit_report_document(path: &Path, verified: &VerifiedAudit) -> Value {
    let AuditReport { entries, findings, forks, ends, .. } = &verified.report;
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| json!({ "line": finding.line(), "says": finding.to_string(), "finding": finding }))
        .collect();
    let releases: Vec<_> = verified.releases.iter().map(|release| &release.name).collect();
    json!({
        "path": path,
        "intact": verified.report.is_intact(),
        "entries": entries,
        "findings": findings,
        "forks": forks,
        "ends": ends,
        "checkpoints": verified.checkpoints,
        "releases": releases,
    })
}
