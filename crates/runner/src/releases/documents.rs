//! Releases for programs: JSON of what was proposed, released, taken back and found.

use serde_json::{Value, json};

use super::{
    approve::ApprovedRelease,
    promote::PromotedRelease,
    propose::ProposedRelease,
    refusal::RefusedRelease,
    rollback::RolledBack,
    status::{EnvironmentStatus, WorkingTree},
    verify::VerifiedReleases,
};

/// A prompt that was proposed.
pub fn proposed_document(proposed: &ProposedRelease) -> Value {
    let proposal = &proposed.stored.proposal;
    json!({
        "environment": proposal.environment,
        "prompt": proposal.name,
        "proposal": proposed.stored.id,
        "hash": proposal.prompt.hash,
        "path": proposed.path,
        "replaces": proposal.replaces,
        "approvals_needed": proposed.approvals_needed,
        "unmet": [],
    })
}

/// A proposal that somebody approved.
pub fn approved_document(approved: &ApprovedRelease) -> Value {
    json!({
        "environment": approved.environment,
        "prompt": approved.prompt,
        "proposal": approved.proposal,
        "hash": approved.hash,
        "by": approved.by,
        "approved_by": approved.approved_by,
        "approvals_needed": approved.approvals_needed,
        "path": approved.path,
        "unmet": [],
    })
}

/// A prompt that was released.
pub fn promoted_document(promoted: &PromotedRelease) -> Value {
    let standing = promoted.state.prompts.get(&promoted.prompt);
    json!({
        "environment": promoted.state.environment,
        "prompt": promoted.prompt,
        "release": standing.map_or(promoted.state.release, |standing| standing.release),
        "sha256": promoted.state.sha256,
        "hash": standing.map(|standing| &standing.prompt.hash),
        "previous": standing.and_then(|standing| standing.previous),
        "signed_by": promoted.signed_by,
        "approved_by": promoted.approved_by,
        "unmet": [],
    })
}

/// A prompt that was not proposed or released: each rule that is not met.
pub fn refusal_document(refused: &RefusedRelease) -> Value {
    let unmet = refused.unmet.iter().map(
        |unmet| json!({ "rule": unmet.rule.as_str(), "says": unmet.says, "hint": unmet.advice }),
    );
    json!({
        "environment": refused.environment,
        "prompt": refused.prompt,
        "unmet": unmet.collect::<Vec<_>>(),
    })
}

/// An environment that went back.
pub fn rolled_back_document(back: &RolledBack) -> Value {
    json!({
        "environment": back.state.environment,
        "release": back.state.release,
        "sha256": back.state.sha256,
        "to": back.to,
        "prompts": back.prompts,
        "restored": back.restored,
        "signed_by": back.signed_by,
    })
}

/// How environments stand.
pub fn status_document(status: &[EnvironmentStatus]) -> Value {
    let environments = status.iter().map(|environment| {
        let prompts = environment.prompts.iter().map(|(name, prompt)| {
            let standing = &prompt.standing;
            json!({
                "name": name,
                "release": standing.release,
                "released_by": standing.released_by,
                "released_at": standing.released_at,
                "hash": standing.prompt.hash,
                "provider": standing.prompt.model.provider,
                "model": standing.prompt.model.model,
                "working_tree": prompt.working_tree.as_str(),
                "working_tree_hash": match &prompt.working_tree {
                    WorkingTree::Same => Some(&standing.prompt.hash),
                    WorkingTree::Differs(hash) => Some(hash),
                    WorkingTree::Missing => None,
                },
                "evidence_age_seconds": prompt.evidence_age.map(|age| age.as_secs()),
            })
        });
        let proposals = environment.proposals.iter().map(|stored| {
            json!({
                "proposal": stored.id,
                "prompt": stored.proposal.name,
                "hash": stored.proposal.prompt.hash,
                "proposed_by": stored.proposal.prompt.proposed_by,
                "proposed_at": stored.proposal.prompt.proposed_at,
                "approvals": stored.approvals.len(),
                "approvals_needed": environment.approvals_needed,
            })
        });
        json!({
            "name": environment.state.environment,
            "release": environment.state.release,
            "prompts": prompts.collect::<Vec<_>>(),
            "proposals": proposals.collect::<Vec<_>>(),
        })
    });
    json!({ "environments": environments.collect::<Vec<_>>() })
}

/// What was found in the folder of releases.
pub fn verified_document(verified: &VerifiedReleases) -> Value {
    let environments = verified.environments.iter().map(|found| {
        json!({
            "name": found.state.environment,
            "releases": found.n_releases,
            "texts": found.n_texts,
            "faults": found.faults.len(),
        })
    });
    let faults = verified.faults().map(|fault| json!({ "path": fault.path, "what": fault.what }));
    json!({
        "environments": environments.collect::<Vec<_>>(),
        "runs": verified.n_runs,
        "runs_elsewhere": verified.runs_elsewhere,
        "faults": faults.collect::<Vec<_>>(),
    })
}
