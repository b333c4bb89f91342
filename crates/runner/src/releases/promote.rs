//! A proposal is released: held against the rules once more, and written as the environment's newest release.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_core::{number_format::counted, prompt_library::EnvironmentPolicy};
use evalmark_store::audit::Evidence;
use evalmark_store::releases::{
    EnvironmentState, RELEASE_FORMAT, ReleaseAction, ReleaseEvidence, ReleaseRecord, ReleasesLock,
    StoredProposal, sha256_hex,
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    audit::CaughtUp,
    context::Releases,
    evidence::{Unproved, Wanted, read_evidence},
    people::people_of,
    refusal::{RefusedRelease, ReleaseRule, UnmetRule},
    rules::{Candidate, unmet_rules},
    signatures::{Approval, ReleaseKeyError, Signer, approvals_of, counted_approvals, to_value},
    statements::promotion,
};
use crate::{
    Host,
    error::{Result, RunError},
    run_id::now,
};

/// What is released.
#[derive(Clone, Debug, Default)]
pub struct PromoteReleaseOptions {
    /// The prompt's name.
    pub prompt: String,
    /// The environment that gets it.
    pub environment: String,
    /// The proposal's name, or its beginning; needed where there are several.
    pub proposal: Option<String>,
    /// Why, where somebody says so.
    pub reason: Option<String>,
    /// The file of the key that signs it.
    pub key: Option<PathBuf>,
}

/// A prompt that was released.
#[derive(Clone, Debug)]
pub struct PromotedRelease {
    /// The prompt's name.
    pub prompt: String,
    /// What the environment has now.
    pub state: EnvironmentState,
    /// SHA-256 of the release's record.
    pub record_sha256: String,
    /// Whether an earlier release had been interrupted, and was brought to its end.
    pub caught_up: bool,
    /// Who signed it.
    pub signed_by: Option<String>,
    /// Who approved it.
    pub approved_by: Vec<String>,
    /// What the owner of the key should know.
    pub warnings: Vec<String>,
}

/// Releases what is proposed, or says every rule that is not met.
pub fn promote_release(
    releases: &Releases,
    options: &PromoteReleaseOptions,
    host: &Host<'_>,
) -> Result<PromotedRelease> {
    let PromoteReleaseOptions { prompt, environment, .. } = options;
    let policy = releases.environment(environment)?;
    let lock = releases.folder.lock()?;
    let caught_up = releases.catch_up(&lock, environment)?;
    let stored = releases.proposal(environment, prompt, options.proposal.as_deref())?;
    let state = releases.folder.state(environment)?;
    if let Some(release) = released_as(releases, &state, &stored)? {
        return finish_release(releases, (&lock, caught_up), state, &stored, release);
    }
    let signer = options.key.as_deref().map(|key| releases.signer(key)).transpose()?;
    let signers = releases.signers()?;
    let approvals = approvals_of(&stored, &signers);
    let people = Deciders {
        signer: signer.as_ref(),
        counted: counted_approvals(&approvals, policy),
        approvals: &approvals,
    };
    let mut unmet = promotion_rules(releases, policy, &stored, &state)?;
    let (of_runs, warnings) = runs_again(releases, &stored, host);
    unmet.extend(of_runs);
    unmet.extend(people_rules(policy, &people, &stored));
    if !unmet.is_empty() {
        let (prompt, environment) = (prompt.clone(), environment.clone());
        return Err(RefusedRelease { prompt, environment, unmet }.into());
    }
    let mut promoted = write(releases, options, &lock, (&stored, &state), &people)?;
    promoted.warnings.extend(warnings.into_iter().chain(caught_up.warnings));
    Ok(PromotedRelease { caught_up: caught_up.was_behind, ..promoted })
}

/// The end of a release that was interrupted: its proposal goes.
fn finish_release(
    releases: &Releases,
    (lock, caught_up): (&ReleasesLock, CaughtUp),
    state: EnvironmentState,
    stored: &StoredProposal,
    release: u64,
) -> Result<PromotedRelease> {
    let (file, _) = releases.folder.release(&state.environment, release)?;
    let (record, _) = releases.folder.record(&state.environment, release)?;
    let people = people_of(&file, &record, &releases.signers()?);
    releases.folder.remove_proposal(lock, stored)?;
    Ok(PromotedRelease {
        prompt: stored.proposal.name.clone(),
        state,
        record_sha256: file.record_sha256(),
        caught_up: true,
        signed_by: people.signed_by,
        approved_by: people.approved_by,
        warnings: caught_up.warnings,
    })
}

/// Who has a say in a release.
struct Deciders<'a> {
    signer: Option<&'a Signer>,
    /// Every approval that there is.
    approvals: &'a [Approval],
    /// Those that count, by name.
    counted: BTreeMap<String, Value>,
}

/// The release that brought this very proposal, if the environment still has it.
fn released_as(
    releases: &Releases,
    state: &EnvironmentState,
    stored: &StoredProposal,
) -> Result<Option<u64>> {
    let Some(standing) = state.prompts.get(&stored.proposal.name) else { return Ok(None) };
    let (record, _) = releases.folder.record(&state.environment, standing.release)?;
    let is_this = record.action == ReleaseAction::Promote { proposal: stored.sha256.clone() };
    Ok(is_this.then_some(standing.release))
}

/// Every rule that a proposal does not meet now.
fn promotion_rules(
    releases: &Releases,
    policy: &EnvironmentPolicy,
    stored: &StoredProposal,
    state: &EnvironmentState,
) -> Result<Vec<UnmetRule>> {
    let proposal = &stored.proposal;
    let before = policy.after.as_ref().map(|after| releases.folder.state(after)).transpose()?;
    let candidate = Candidate {
        name: &proposal.name,
        prompt: &proposal.prompt,
        policy,
        state,
        before: before.as_ref(),
        now: Timestamp::now(),
    };
    let mut unmet = unmet_rules(candidate);
    unmet.extend(meanwhile_rule(stored, state));
    for file in &proposal.prompt.files {
        if let Err(error) = releases.folder.bytes(&file.sha256) {
            let advice = error.hint().unwrap_or_else(|| "propose it again".to_owned());
            unmet.push(UnmetRule::new(ReleaseRule::Prompt, error.to_string(), advice));
        }
    }
    Ok(unmet)
}

/// Whether the people who have to have a say have had it.
fn people_rules(
    policy: &EnvironmentPolicy,
    people: &Deciders<'_>,
    stored: &StoredProposal,
) -> Vec<UnmetRule> {
    let mut unmet = Vec::new();
    let (needed, given) = (policy.approvals.count, people.counted.len());
    if given < needed as usize {
        let names = people.counted.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let by = if names.is_empty() { names } else { format!(", by {names}") };
        let wrong = people.approvals.iter().filter_map(|approval| approval.by.as_ref().err());
        let wrong: Vec<_> = wrong.map(|why| format!("; one does not count: {why}")).collect();
        let says = format!(
            "{given} of {} are there{by}{}",
            counted(needed.into(), "approval"),
            wrong.concat()
        );
        let who = policy.approvals.by.as_ref().map(|by| format!(" ({})", by.join(", ")));
        let proposal = &stored.proposal;
        let advice = format!(
            "others who may{} approve with `evalmark release approve {} --to {} --key FILE`",
            who.unwrap_or_default(),
            proposal.name,
            proposal.environment
        );
        unmet.push(UnmetRule::new(ReleaseRule::Approvals, says, advice));
    }
    match people.signer {
        None if !policy.unsigned => {
            let advice = "sign it with `--key FILE`, or let the policy say `unsigned: true`";
            unmet.push(UnmetRule::new(ReleaseRule::Signature, "it is not signed", advice));
        }
        Some(signer) if !policy.may_release(&signer.name) => {
            let says = format!("{} may not sign releases", signer.name);
            let by = policy.released_by.as_ref().map(|by| by.join(", ")).unwrap_or_default();
            unmet.push(UnmetRule::new(ReleaseRule::Signature, says, format!("these may: {by}")));
        }
        _ => {}
    }
    unmet
}

/// Whether somebody released another prompt of that name since the proposal.
fn meanwhile_rule(stored: &StoredProposal, state: &EnvironmentState) -> Option<UnmetRule> {
    let proposal = &stored.proposal;
    let standing = state.prompts.get(&proposal.name);
    let now = standing.map_or(0, |standing| standing.release);
    if now == proposal.replaces {
        return None;
    }
    let by = standing.map_or_else(
        || "it was taken back".to_owned(),
        |standing| format!("release {now}, by {}", standing.released_by),
    );
    let says = format!(
        "it is proposed in place of release {}, and the environment moved on meanwhile: {by}",
        proposal.replaces
    );
    let advice = "look at `evalmark release status`, and propose it again if it is still wanted";
    Some(UnmetRule::new(ReleaseRule::Meanwhile, says, advice))
}

/// Holds what a proposal says of its runs against those that are on this machine: what differs is no evidence. What could
/// not be held against anything comes back as warnings.
fn runs_again(
    releases: &Releases,
    stored: &StoredProposal,
    host: &Host<'_>,
) -> (Vec<UnmetRule>, Vec<String>) {
    let (mut unmet, mut warnings) = (Vec::new(), Vec::new());
    let proposal = &stored.proposal;
    for evidence in &proposal.prompt.evidence {
        let run = releases.place_of(&evidence.run);
        if !run.join("run.json").is_file() {
            let by = &proposal.prompt.proposed_by;
            warnings.push(format!(
                "the run {} is not on this machine: its verdict is what {by} proposed, and was not computed again",
                evidence.run
            ));
            continue;
        }
        let wanted = Wanted {
            prompt: &proposal.name,
            hash: &proposal.prompt.hash,
            model: Some(&evidence.model),
        };
        match read_evidence(&run, releases, wanted, host) {
            Ok((found, _)) if found == *evidence => {}
            Ok(_) => unmet.push(changed(&run)),
            Err(Unproved::Not(rule)) => unmet.push(rule),
            Err(Unproved::NotThere(_)) if !is_as_proposed(&run, evidence) => {
                unmet.push(changed(&run));
            }
            Err(Unproved::NotThere(rule)) => {
                warnings.push(format!("a verdict could not be computed again: {}", rule.says));
            }
        }
    }
    (unmet, warnings)
}

fn changed(run: &Path) -> UnmetRule {
    let says = format!("{} is not what was proposed", run.display());
    UnmetRule::new(ReleaseRule::Run, says, "propose it again")
}

/// Whether a run's record and verdict are the files that were proposed.
fn is_as_proposed(run: &Path, evidence: &ReleaseEvidence) -> bool {
    let files = [("run.json", &evidence.run_sha256), ("verdict.json", &evidence.verdict_sha256)];
    let is_same = |(name, sha256): &(&str, &String)| {
        std::fs::read(run.join(name)).is_ok_and(|bytes| sha256_hex(&bytes) == **sha256)
    };
    files.iter().all(is_same)
}

/// Writes the release; the proposal is gone then.
fn write(
    releases: &Releases,
    options: &PromoteReleaseOptions,
    lock: &ReleasesLock,
    (stored, state): (&StoredProposal, &EnvironmentState),
    people: &Deciders<'_>,
) -> Result<PromotedRelease> {
    let proposal = &stored.proposal;
    let record = ReleaseRecord {
        format_version: RELEASE_FORMAT,
        environment: options.environment.clone(),
        release: state.release + 1,
        previous: Some(state.sha256.clone()).filter(|sha256| !sha256.is_empty()),
        action: ReleaseAction::Promote { proposal: stored.sha256.clone() },
        prompts: BTreeMap::from([(proposal.name.clone(), Some(proposal.prompt.clone()))]),
        approvals: people.counted.values().cloned().collect(),
        released_by: releases.who.told(),
        released_at: now(),
        reason: options.reason.clone(),
        audit: releases.audit_head(),
    };
    let appended = releases.folder.append::<RunError>(lock, state, &record, |sha256| {
        let Some(signer) = people.signer else { return Ok(None) };
        let statement = promotion(&record, sha256)
            .map_err(|error| ReleaseKeyError::Statement(error.to_string()))?;
        Ok(Some(to_value(&signer.sign(&statement)?)?))
    })?;
    let signed_by = people.signer.map(|signer| signer.name.clone());
    let mut warnings = people.signer.map(Signer::warnings).unwrap_or_default();
    let sha256 = &appended.record_sha256;
    let (signer, more) = (signed_by.as_deref(), Evidence::new());
    warnings.extend(releases.record_release(&record, sha256, signer, more)?);
    releases.folder.remove_proposal(lock, stored)?;
    Ok(PromotedRelease {
        prompt: options.prompt.clone(),
        state: appended.state,
        record_sha256: appended.record_sha256,
        caught_up: false,
        signed_by,
        approved_by: people.counted.keys().cloned().collect(),
        warnings,
    })
}
