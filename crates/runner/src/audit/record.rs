//! Entries: what a command has done, put into the log when it is done.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use evalmark_core::verdict::{Override, Verdict};
use evalmark_store::{
    audit::{
        AuditAction, AuditEntry, AuditError, AuditLog, AuditSubject, Evidence, NewAuditEntry, Who,
    },
    durable::digest,
    run_folder::RunFolder,
    run_record::{RunRecord, RunStatus},
};
use jiff::Timestamp;

use crate::{
    Advised, EndedSuite, Ending, Host, Notice, RunError, error::Result, redacted_keys::hide_in,
};

/// Who writes a repository's log.
pub struct Auditor {
    log: AuditLog,
    folder: PathBuf,
    variable: fn(&str) -> Option<String>,
    who: OnceLock<Who>,
}

/// Something was done that the log does not tell.
#[derive(Debug, thiserror::Error)]
#[error("what was done could not be put into the audit log")]
pub struct NotAudited(#[source] AuditError);

impl Advised for NotAudited {
    fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    fn ending(&self) -> Option<Ending> {
        Some(Ending::Incomplete)
    }
}

impl Auditor {
    /// For the log of the repository that a folder is in; `None` where it is switched off. Variables are those of the
    /// environment, which tell of a CI job.
    pub fn find(folder: &Path, variable: fn(&str) -> Option<String>) -> Option<Self> {
        let log = AuditLog::find(folder)?;
        Some(Self { log, folder: folder.to_owned(), variable, who: OnceLock::new() })
    }

    /// The log.
    pub fn log(&self) -> &AuditLog {
        &self.log
    }

    /// Who does what is done.
    pub fn who(&self) -> &Who {
        self.who.get_or_init(|| Who::of(&self.folder, &self.variable))
    }
}

impl Host<'_> {
    /// Fails where the log is switched on and could not be written: before anything is done that has to stand in it.
    pub fn check_audit(&self) -> Result<()> {
        let Some(auditor) = self.audit else { return Ok(()) };
        Ok(auditor.log.check_writable()?)
    }

    /// Puts what was done into the log; `None` where it is switched off.
    pub fn record(
        &self,
        action: AuditAction,
        subject: AuditSubject,
        evidence: Evidence,
    ) -> Result<Option<AuditEntry>> {
        let Some(auditor) = self.audit else { return Ok(None) };
        self.write_entry(auditor, action, subject, evidence, auditor.who().clone()).map(Some)
    }

    /// The same, with the name of whoever signed.
    pub fn record_signed(
        &self,
        action: AuditAction,
        subject: AuditSubject,
        evidence: Evidence,
        signer: &str,
    ) -> Result<Option<AuditEntry>> {
        let Some(auditor) = self.audit else { return Ok(None) };
        let who = auditor.who().clone().signed_by(signer);
        self.write_entry(auditor, action, subject, evidence, who).map(Some)
    }

    fn write_entry(
        &self,
        auditor: &Auditor,
        action: AuditAction,
        mut subject: AuditSubject,
        mut evidence: Evidence,
        who: Who,
    ) -> Result<AuditEntry> {
        let AuditSubject { suite, prompts, environment, run, dataset, cache } = &mut subject;
        let named = [suite, environment, run, dataset, cache].into_iter().flatten();
        named.chain(prompts).chain(evidence.values_mut()).for_each(hide_in);
        let now = Timestamp::now();
        let time = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let new = NewAuditEntry { time, who, action, subject, evidence };
        let appended = auditor.log.append(&new).map_err(NotAudited)?;
        if let Some(torn) = appended.recovered {
            let path = auditor.log.path();
            self.notices.tell(&Notice::AuditRecovered { path, line: torn.line });
        }
        Ok(appended.entry)
    }

    /// A run that ended, however it did.
    pub(crate) fn record_run(&self, folder: &RunFolder, record: &RunRecord) -> Result<()> {
        if self.audit.is_none() {
            return Ok(());
        }
        let mut evidence = Evidence::new();
        let mut add = |name: &str, value: String| drop(evidence.insert(name.to_owned(), value));
        add("status", status(record.status).to_owned());
        add("suite_hash", record.suite_hash.clone());
        add("dataset_hash", record.dataset_hash.clone());
        if let Some(git) = &record.git {
            let dirty = if git.clean { "" } else { ", with uncommitted changes" };
            add("revision", format!("{}{dirty}", git.revision));
        }
        add_files(folder, &mut evidence);
        self.record(AuditAction::Run, subject(record), evidence)?;
        Ok(())
    }

    /// A verdict on a run.
    pub(crate) fn record_gate(
        &self,
        folder: &RunFolder,
        record: &RunRecord,
        verdict: &Verdict,
    ) -> Result<()> {
        if self.audit.is_none() {
            return Ok(());
        }
        let mut evidence = Evidence::new();
        evidence.insert("verdict".to_owned(), verdict.answer.as_str().to_owned());
        evidence.insert("says".to_owned(), shortened(&verdict.says));
        add_files(folder, &mut evidence);
        self.record(AuditAction::Gate, subject(record), evidence)?;
        Ok(())
    }

    /// Fails where a verdict could not be passed over, as nothing would tell of it later.
    pub fn check_override(&self) -> Result<()> {
        if self.audit.is_some() {
            return self.check_audit();
        }
        let error = RunError::from(AuditError::SwitchedOff);
        Err(error.with_context("a verdict is overridden only where that is recorded"))
    }

    /// Passes the verdicts over that fail, each with an entry in the log; answers with how many those are.
    pub fn override_verdicts(&self, ended: &mut [EndedSuite], reason: &str) -> Result<usize> {
        let Some(auditor) = self.audit else { return self.check_override().map(|()| 0) };
        let mut n = 0;
        for suite in ended.iter_mut().filter(|suite| suite.can_be_overridden()) {
            let (folder, record) = RunFolder::open(&suite.run_dir)?;
            let Some(verdict) = &mut suite.verdict else { continue };
            let mut evidence = Evidence::new();
            evidence.insert("verdict".to_owned(), verdict.answer.as_str().to_owned());
            evidence.insert("reason".to_owned(), shortened(reason));
            add_files(&folder, &mut evidence);
            self.record(AuditAction::Override, subject(&record), evidence)?;
            let by = auditor.who().told();
            verdict.pass_over(Override { reason: shortened(reason), by });
            n += 1;
        }
        Ok(n)
    }
}

fn subject(record: &RunRecord) -> AuditSubject {
    AuditSubject {
        suite: Some(record.suite.clone()),
        prompts: record.prompts.iter().map(|prompt| prompt.name.clone()).collect(),
        run: Some(record.run_id.clone()),
        ..AuditSubject::default()
    }
}

/// Digests of what a run's folder holds now.
fn add_files(folder: &RunFolder, evidence: &mut Evidence) {
    for path in [folder.path.join("run.json"), folder.verdict()] {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Ok(digits) = digest(&path) {
            evidence.insert(name, format!("blake3:{digits}"));
        }
    }
}

/// What a sentence may take up in the log.
fn shortened(text: &str) -> String {
    const MAX: usize = 2_000;
    let cut: String = text.chars().take(MAX).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Scoring => "scoring",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Partial => "partial",
        RunStatus::Complete => "complete",
    }
}
