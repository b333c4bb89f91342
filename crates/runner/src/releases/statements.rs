//! What is signed: of a release, in-toto's test result of its evidence; of an approval and of a way back, the decision.

use evalmark_core::verdict::Answer;
use evalmark_store::{
    attestation::{NoVerdict, Predicate, Resource, Statement, TestResult},
    releases::{ReleaseAction, ReleaseEvidence, ReleaseRecord, ReleasedPrompt, StoredProposal},
};
use serde::{Deserialize, Serialize};

/// What somebody decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decided {
    /// That a proposal may be released.
    Approve,
    /// That an environment goes back.
    Rollback,
}

/// A decision about an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReleaseDecision {
    /// What was decided.
    pub(super) decision: Decided,
    /// The environment.
    pub(super) environment: String,
    /// When: RFC 3339, UTC.
    pub(super) decided_at: String,
}

impl Predicate for ReleaseDecision {
    const TYPE: &'static str = "https://github.com/evalmark/release-decision/v1";
}

impl ReleaseDecision {
    /// Whether it lets a proposal for this environment be released.
    pub(super) fn is_approval_of(&self, environment: &str) -> bool {
        self.decision == Decided::Approve && self.environment == environment
    }
}

/// Whether a subject has this SHA-256.
pub(super) fn is_about(subject: &[Resource], sha256: &str) -> bool {
    subject.iter().any(|one| one.digest.get("sha256").is_some_and(|digits| digits == sha256))
}

/// That somebody lets a proposal be released.
pub(super) fn approval(stored: &StoredProposal, decided_at: String) -> Statement<ReleaseDecision> {
    let proposal = &stored.proposal;
    let about = format!("proposals/{}/{}.json", proposal.environment, stored.id);
    let mut subject = vec![Resource::with_digest(about, "sha256", &*stored.sha256)];
    subject.extend(files_of(&proposal.prompt));
    let environment = proposal.environment.clone();
    let decision = ReleaseDecision { decision: Decided::Approve, environment, decided_at };
    Statement::new(subject, decision)
}

/// That somebody takes an environment back.
pub(super) fn rollback(record: &ReleaseRecord, record_sha256: &str) -> Statement<ReleaseDecision> {
    let mut subject = vec![record_resource(record, record_sha256)];
    subject.extend(record.prompts.values().flatten().flat_map(files_of));
    let (environment, decided_at) = (record.environment.clone(), record.released_at.clone());
    let decision = ReleaseDecision { decision: Decided::Rollback, environment, decided_at };
    Statement::new(subject, decision)
}

/// What the evidence of a release says of its files. Suite, dataset, baseline and run are part of its configuration, and so
/// is the record of the release itself.
pub(super) fn promotion(
    record: &ReleaseRecord,
    record_sha256: &str,
) -> Result<Statement, NoVerdict> {
    let prompts = || record.prompts.values().flatten();
    let evidence = || prompts().flat_map(|prompt| &prompt.evidence);
    let mut configuration = vec![record_resource(record, record_sha256)];
    configuration.extend(evidence().flat_map(resources_of));
    let answers: Vec<(String, Answer)> = evidence().flat_map(answers_of).collect();
    let answers = answers.iter().map(|(test, answer)| (test.as_str(), *answer));
    let result = TestResult::of_answers(answers, configuration)?;
    Ok(Statement::new(prompts().flat_map(files_of).collect(), result))
}

/// The files of a prompt, by their paths in the library.
fn files_of(prompt: &ReleasedPrompt) -> Vec<Resource> {
    let files = prompt.files.iter();
    files.map(|file| Resource::with_digest(&*file.path, "sha256", &*file.sha256)).collect()
}

/// The record of a release.
fn record_resource(record: &ReleaseRecord, sha256: &str) -> Resource {
    let action = match record.action {
        ReleaseAction::Promote { .. } => "release",
        ReleaseAction::Rollback { .. } => "rollback",
    };
    let name = format!("{action}:{}/{}", record.environment, record.release);
    Resource::with_digest(name, "sha256", sha256)
}

/// What a run was made with.
fn resources_of(evidence: &ReleaseEvidence) -> Vec<Resource> {
    let suite = &evidence.suite;
    let mut found = vec![
        Resource::with_digest(format!("suite:{suite}"), "blake3", &*evidence.suite_hash),
        Resource::with_digest(format!("dataset:{suite}"), "blake3", &*evidence.dataset_hash),
        Resource::with_digest(format!("run:{}", evidence.run), "sha256", &*evidence.run_sha256),
    ];
    let baseline = evidence.baseline_digest.as_deref().map(|digest| {
        // It is the beginning of one, and stands for all files of the baseline.
        Resource::with_digest(
            format!("baseline:{}", evidence.baseline),
            "evalmark-baseline",
            digest,
        )
    });
    found.extend(baseline);
    found
}

/// The answers of a run, each under `SUITE/METRIC`; that of the run where nothing was compared.
fn answers_of(evidence: &ReleaseEvidence) -> Vec<(String, Answer)> {
    if evidence.metrics.is_empty() {
        return vec![(evidence.suite.clone(), evidence.answer)];
    }
    let name = |metric: &str| format!("{}/{metric}", evidence.suite);
    evidence.metrics.iter().map(|found| (name(&found.metric), found.answer)).collect()
}
