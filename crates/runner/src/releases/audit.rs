//! Releases in the audit log: who proposed, approved, released and took back what, on which evidence.

use evalmark_core::prompt_registry::MovedAliases;
use evalmark_store::{
    audit::{Anchor, AuditAction, AuditError, AuditLog, AuditSubject, Evidence, NewAuditEntry},
    releases::{ReleaseAction, ReleaseEvidence, ReleaseRecord, ReleasedPrompt, ReleasesLock},
};
use jiff::Timestamp;

use super::{context::Releases, people::people_of};
use crate::{
    audit::moved_by_release,
    error::{Advised, Result},
};

impl Advised for AuditError {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}

/// What is to be written of a change.
pub(super) struct Change<'a> {
    pub(super) action: AuditAction,
    pub(super) environment: &'a str,
    pub(super) prompts: Vec<String>,
    pub(super) evidence: Evidence,
    /// Whoever signed.
    pub(super) signer: Option<&'a str>,
}

impl Releases {
    /// Writes a change into the audit log beside the releases, which it begins where there is none. Tells what an earlier
    /// process had left half written.
    pub(super) fn record(&self, change: Change<'_>) -> Result<Option<String>> {
        let log = AuditLog::start(&self.root())?;
        let who = change.signer.map_or_else(|| self.who.clone(), |s| self.who.clone().signed_by(s));
        let appended = log.append(&NewAuditEntry {
            time: Timestamp::now(),
            who,
            action: change.action,
            subject: AuditSubject {
                environment: Some(change.environment.to_owned()),
                prompts: change.prompts,
                ..AuditSubject::default()
            },
            evidence: change.evidence,
        })?;
        Ok(appended.recovered.map(|torn| {
            format!(
                "line {} of {} was half written, and is taken out",
                torn.line,
                log.path().display()
            )
        }))
    }

    /// Writes a release into the audit log.
    pub(super) fn record_release(
        &self,
        record: &ReleaseRecord,
        record_sha256: &str,
        signer: Option<&str>,
        more: Evidence,
    ) -> Result<Option<String>> {
        let mut evidence = more;
        let action = match &record.action {
            ReleaseAction::Promote { proposal } => {
                evidence.extend(record.prompts.values().flatten().flat_map(evidence_of));
                evidence.insert("proposal".to_owned(), format!("sha256:{proposal}"));
                AuditAction::Promote
            }
            ReleaseAction::Rollback { to } => {
                evidence.insert("to".to_owned(), to.to_string());
                evidence.extend(record.reason.clone().map(|why| ("reason".to_owned(), why)));
                AuditAction::Rollback
            }
        };
        evidence.insert("record".to_owned(), format!("sha256:{record_sha256}"));
        let prompts = record.prompts.keys().cloned().collect();
        let environment = &record.environment;
        self.record(Change { action, environment, prompts, evidence, signer })
    }

    /// Writes the labels of a registry into the audit log that followed a release.
    pub fn record_labels(&self, moved: &MovedAliases) -> Result<Option<String>> {
        let Some((prompts, evidence)) = moved_by_release(moved) else { return Ok(None) };
        let (action, environment) = (AuditAction::LabelEdit, moved.environment.as_str());
        self.record(Change { action, environment, prompts, evidence, signer: None })
    }

    /// Brings an environment to where its newest release leaves it, where the process that wrote that could not any more:
    /// `ENV.json`, and what the audit log tells.
    pub(super) fn catch_up(&self, lock: &ReleasesLock, environment: &str) -> Result<CaughtUp> {
        let was_behind = self.folder.catch_up(lock, environment)?;
        let Some(newest) = self.folder.releases(environment)?.pop() else {
            return Ok(CaughtUp::default());
        };
        let (file, _) = self.folder.release(environment, newest)?;
        let record_sha256 = file.record_sha256();
        if self.has_record(&record_sha256) {
            return Ok(CaughtUp { was_behind, warnings: Vec::new() });
        }
        let (record, _) = self.folder.record(environment, newest)?;
        let people = people_of(&file, &record, &self.signers()?);
        let late = [("released_by", &record.released_by), ("released_at", &record.released_at)];
        let late = late.map(|(key, value)| (key.to_owned(), value.clone()));
        let signer = people.signed_by.as_deref();
        let warning = self.record_release(&record, &record_sha256, signer, late.into())?;
        Ok(CaughtUp { was_behind: true, warnings: warning.into_iter().collect() })
    }

    /// The end of the audit log; `None` where there is none, or where it cannot be read.
    pub(super) fn audit_head(&self) -> Option<Anchor> {
        AuditLog::find(&self.root())?.head().ok()
    }

    /// Whether the audit log tells of what has this SHA-256.
    pub(super) fn has_record(&self, sha256: &str) -> bool {
        let Some(log) = AuditLog::find(&self.root()) else { return false };
        std::fs::read(log.path())
            .is_ok_and(|bytes| bytes.windows(sha256.len()).any(|part| part == sha256.as_bytes()))
    }
}

/// What was found of an earlier release.
#[derive(Debug, Default)]
pub(super) struct CaughtUp {
    /// Whether it had been interrupted.
    pub(super) was_behind: bool,
    /// What should be known of the audit log.
    pub(super) warnings: Vec<String>,
}

/// What shows that a prompt may be released.
pub(super) fn evidence_of(prompt: &ReleasedPrompt) -> Evidence {
    let mut evidence = Evidence::from([("prompt".to_owned(), prompt.hash.clone())]);
    evidence.extend(prompt.evidence.iter().flat_map(of_run));
    evidence
}

fn of_run(run: &ReleaseEvidence) -> [(String, String); 2] {
    [
        (format!("run {}/{}", run.suite, run.run_id), format!("sha256:{}", run.run_sha256)),
        (format!("verdict {}/{}", run.suite, run.run_id), run.answer.to_string()),
    ]
}
