//! Somebody approves a proposal, with their signature.

use std::path::PathBuf;

use evalmark_store::audit::{AuditAction, Evidence};

use super::{
    audit::Change,
    context::Releases,
    refusal::{RefusedRelease, ReleaseRule, UnmetRule},
    signatures::{approvals_of, counted_approvals},
    statements::approval,
};
use crate::{error::Result, run_id::now};

/// What is approved, and by whom.
#[derive(Clone, Debug)]
pub struct ApproveOptions {
    /// The prompt's name.
    pub prompt: String,
    /// The environment that it is proposed for.
    pub environment: String,
    /// The proposal's name, or its beginning; needed where there are several.
    pub proposal: Option<String>,
    /// The key's file.
    pub key: PathBuf,
}

/// A proposal that somebody approved.
#[derive(Clone, Debug)]
pub struct ApprovedRelease {
    /// The prompt's name.
    pub prompt: String,
    /// The hash of its content.
    pub hash: String,
    /// The environment.
    pub environment: String,
    /// The proposal's name.
    pub proposal: String,
    /// Who approved it now.
    pub by: String,
    /// All whose approvals count.
    pub approved_by: Vec<String>,
    /// How many are needed.
    pub approvals_needed: u32,
    /// The file of the approval.
    pub path: PathBuf,
    /// What the owner of the key should know.
    pub warnings: Vec<String>,
}

/// Approves a proposal as it is kept.
pub fn approve_release(releases: &Releases, options: &ApproveOptions) -> Result<ApprovedRelease> {
    let ApproveOptions { prompt, environment, .. } = options;
    let policy = releases.environment(environment)?;
    let signer = releases.signer(&options.key)?;
    if !policy.approvals.counts(&signer.name) {
        let says = format!("the policy does not count the approval of {}", signer.name);
        let by = policy.approvals.by.as_ref().map(|by| by.join(", ")).unwrap_or_default();
        let unmet = vec![UnmetRule::new(ReleaseRule::Approvals, says, format!("it counts: {by}"))];
        let (prompt, environment) = (prompt.clone(), environment.clone());
        return Err(RefusedRelease { prompt, environment, unmet }.into());
    }
    let lock = releases.folder.lock()?;
    let stored = releases.proposal(environment, prompt, options.proposal.as_deref())?;
    for file in &stored.proposal.prompt.files {
        releases.folder.bytes(&file.sha256)?;
    }
    let envelope = signer.sign(&approval(&stored, now()))?;
    let key_id = signer.key.public_key().key_id();
    let path = releases.folder.approve(&lock, &stored, key_id, &envelope.to_json())?;
    let stored = releases.proposal(environment, prompt, Some(&stored.id))?;
    let mut warnings = signer.warnings();
    warnings.extend(releases.record(Change {
        action: AuditAction::Approve,
        environment,
        prompts: vec![prompt.clone()],
        evidence: Evidence::from([
            ("prompt".to_owned(), stored.proposal.prompt.hash.clone()),
            ("proposal".to_owned(), format!("sha256:{}", stored.sha256)),
        ]),
        signer: Some(&signer.name),
    })?);
    let counted = counted_approvals(&approvals_of(&stored, &releases.signers()?), policy);
    Ok(ApprovedRelease {
        prompt: prompt.clone(),
        hash: stored.proposal.prompt.hash.clone(),
        environment: environment.clone(),
        proposal: stored.id,
        warnings,
        by: signer.name,
        approved_by: counted.into_keys().collect(),
        approvals_needed: policy.approvals.count,
        path,
    })
}
