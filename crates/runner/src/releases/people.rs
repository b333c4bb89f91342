//! Whether those stand for a release who have to: its signature, and its approvals.

use std::collections::BTreeSet;

use evalmark_core::prompt_library::EnvironmentPolicy;
use evalmark_store::{
    attestation::{Resource, SignatureRule, TestResult},
    releases::{ReleaseAction, ReleaseFault, ReleaseFile, ReleaseRecord, VerifiedEnvironment},
    signing::AllowedSigners,
};
use jiff::Timestamp;

use super::{
    context::Releases,
    signatures::{approvals, counted_approvals, from_value},
    statements::{ReleaseDecision, is_about},
};

/// What is wrong with the signed statement of a release, where it has one.
pub(super) fn faults_of_statement(
    file: &ReleaseFile,
    record: &ReleaseRecord,
    signers: &AllowedSigners,
) -> Vec<String> {
    if file.statement.is_none() {
        return Vec::new();
    }
    signed_by(file, record, signers).err().into_iter().collect()
}

/// Who signed a release; why that does not count.
fn signed_by(
    file: &ReleaseFile,
    record: &ReleaseRecord,
    signers: &AllowedSigners,
) -> Result<Vec<String>, String> {
    let Some(statement) = &file.statement else { return Err("is not signed".to_owned()) };
    let wrong = |why: String| format!("has a statement that does not count: {why}");
    let envelope = from_value(statement).map_err(|error| wrong(error.to_string()))?;
    let at = record.released_at.parse::<Timestamp>();
    let at = at.map_err(|_| "does not say when it was released".to_owned())?;
    let rule = SignatureRule { threshold: 1, at };
    let (subject, about, signers) = match record.action {
        ReleaseAction::Promote { .. } => {
            let verified = envelope.verify::<TestResult>(signers, &rule);
            let verified = verified.map_err(|error| wrong(error.to_string()))?;
            let statement = verified.statement;
            (statement.subject, statement.predicate.configuration, verified.signers)
        }
        ReleaseAction::Rollback { .. } => {
            let verified = envelope.verify::<ReleaseDecision>(signers, &rule);
            let verified = verified.map_err(|error| wrong(error.to_string()))?;
            (verified.statement.subject.clone(), verified.statement.subject, verified.signers)
        }
    };
    if !is_about(&about, &file.record_sha256()) {
        return Err("was altered: its statement is about another record".to_owned());
    }
    if let Some(path) = file_left_out(record, &subject) {
        return Err(format!("has a statement that does not name {path}"));
    }
    Ok(signers.into_iter().map(|signer| signer.name).collect())
}

/// Those who stand for a release that is there.
pub(super) struct People {
    /// Who signed it.
    pub(super) signed_by: Option<String>,
    /// Who approved it.
    pub(super) approved_by: Vec<String>,
}

/// Those who stand for a release, by its own statement and approvals.
pub(super) fn people_of(
    file: &ReleaseFile,
    record: &ReleaseRecord,
    signers: &AllowedSigners,
) -> People {
    let signed_by = signed_by(file, record, signers).unwrap_or_default().into_iter().next();
    let approved_by = match &record.action {
        ReleaseAction::Promote { proposal } => {
            let given = approvals(&record.approvals, proposal, &record.environment, signers);
            given.into_iter().filter_map(|approval| approval.by.ok()).collect()
        }
        ReleaseAction::Rollback { .. } => Vec::new(),
    };
    People { signed_by, approved_by }
}

/// A file of the release that its statement does not name.
fn file_left_out<'a>(record: &'a ReleaseRecord, subject: &[Resource]) -> Option<&'a str> {
    let mut files = record.prompts.values().flatten().flat_map(|prompt| &prompt.files);
    files.find(|file| !is_about(subject, &file.sha256)).map(|file| file.path.as_str())
}

/// Approvals of a release whose signatures are wrong.
pub(super) fn faults_of_approvals(record: &ReleaseRecord, signers: &AllowedSigners) -> Vec<String> {
    let ReleaseAction::Promote { proposal } = &record.action else { return Vec::new() };
    let found = approvals(&record.approvals, proposal, &record.environment, signers);
    let wrong = found.into_iter().filter_map(|approval| approval.by.err());
    wrong.map(|why| format!("has an approval that does not count: {why}")).collect()
}

/// Releases that those do not stand for whom the policy asks for now: the newest ones that nobody signed, and those
/// that brought what the environment has.
pub(super) fn faults_of_people(
    releases: &Releases,
    policy: &EnvironmentPolicy,
    found: &VerifiedEnvironment,
    signers: &AllowedSigners,
) -> Vec<ReleaseFault> {
    let environment = &found.state.environment;
    let mut numbers: BTreeSet<u64> =
        found.state.prompts.values().map(|standing| standing.release).collect();
    numbers.insert(found.state.release);
    let mut faults = Vec::new();
    for number in numbers.into_iter().filter(|number| *number > 0) {
        // What cannot be read was told.
        let Ok((file, _)) = releases.folder.release(environment, number) else { continue };
        let Ok(record) = file.record() else { continue };
        let path = releases.folder.release_file(environment, number);
        let mut fault = |what: String| faults.push(ReleaseFault { path: path.clone(), what });
        match signed_by(&file, &record, signers) {
            Err(what) if file.statement.is_none() => {
                // A later release that is signed vouches for it: it names its digest.
                if !policy.unsigned && number == found.state.release {
                    fault(format!("{what}, and the policy asks for that"));
                }
            }
            Err(_) => {}
            Ok(names) => {
                if !names.iter().any(|name| policy.may_release(name)) {
                    fault(format!("is signed by {}, who may not release", names.join(", ")));
                }
            }
        }
        if let ReleaseAction::Promote { proposal } = &record.action {
            let given = approvals(&record.approvals, proposal, environment, signers);
            let counted = counted_approvals(&given, policy).len();
            if counted < policy.approvals.count as usize {
                let needed = policy.approvals.count;
                fault(format!("has {counted} of the {needed} approvals that the policy asks for"));
            }
        }
    }
    faults
}
