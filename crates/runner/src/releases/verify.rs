//! Whether releases are as they were written, and the runs that prove them, where they are on this machine.

use std::path::{Path, PathBuf};

use evalmark_store::releases::{
    EnvironmentState, ReleaseEvidence, ReleaseFault, ReleaseFile, ReleaseRecord,
    VerifiedEnvironment, sha256_hex,
};

use super::{
    context::Releases,
    people::{faults_of_approvals, faults_of_people, faults_of_statement},
};
use crate::{Ending, error::Result};

/// What was found in the folder of releases.
#[derive(Clone, Debug, Default)]
pub struct VerifiedReleases {
    /// Each environment.
    pub environments: Vec<VerifiedEnvironment>,
    /// Runs of standing prompts that are not on this machine.
    pub runs_elsewhere: Vec<String>,
    /// How many runs of standing prompts were looked at.
    pub n_runs: usize,
}

impl VerifiedReleases {
    /// Everything that is not as it was written.
    pub fn faults(&self) -> impl Iterator<Item = &ReleaseFault> {
        self.environments.iter().flat_map(|environment| &environment.faults)
    }

    /// How a command ends.
    pub fn ending(&self) -> Ending {
        if self.faults().next().is_none() { Ending::Done } else { Ending::Incomplete }
    }
}

/// Looks at every file of all environments, or of one.
pub fn verify_releases(releases: &Releases, environment: Option<&str>) -> Result<VerifiedReleases> {
    let mut names = releases.environments()?;
    if let Some(one) = environment {
        if !names.iter().any(|name| name == one) {
            releases.environment(one)?;
        }
        names.retain(|name| name == one);
    }
    let mut all = VerifiedReleases::default();
    let signers = releases.signers()?;
    for name in names {
        let check = |file: &ReleaseFile, record: &ReleaseRecord| {
            let of_release = faults_of_statement(file, record, &signers);
            of_release.into_iter().chain(faults_of_approvals(record, &signers)).collect()
        };
        let mut found = releases.folder.verify(&name, &check)?;
        if let Some(policy) = releases.policy.environments.get(&name) {
            found.faults.extend(faults_of_people(releases, policy, &found, &signers));
        }
        if found.n_releases == 0 && !releases.folder.state_file(&name).exists() {
            continue;
        }
        let state = found.state.clone();
        all.look_at_runs(releases, &state, &mut found.faults);
        all.environments.push(found);
    }
    all.runs_elsewhere.sort();
    all.runs_elsewhere.dedup();
    Ok(all)
}

impl VerifiedReleases {
    /// Looks at the runs that prove what is released now.
    fn look_at_runs(
        &mut self,
        releases: &Releases,
        state: &EnvironmentState,
        faults: &mut Vec<ReleaseFault>,
    ) {
        let standing = state.prompts.values().flat_map(|standing| &standing.prompt.evidence);
        for evidence in standing {
            let run = releases.place_of(&evidence.run);
            if run.join("run.json").is_file() {
                self.n_runs += 1;
                faults.extend(faults_of_run(&run, evidence));
            } else {
                self.runs_elsewhere.push(evidence.run.clone());
            }
        }
    }
}

/// What is not as it was when the prompt was proposed.
fn faults_of_run(run: &Path, evidence: &ReleaseEvidence) -> Vec<ReleaseFault> {
    let files = [("run.json", &evidence.run_sha256), ("verdict.json", &evidence.verdict_sha256)];
    let fault = |path: PathBuf, what: String| Some(ReleaseFault { path, what });
    let found = files.into_iter().filter_map(|(name, expected)| {
        let path = run.join(name);
        match std::fs::read(&path).map(|bytes| sha256_hex(&bytes)) {
            Ok(found) if found == *expected => None,
            Ok(found) => {
                fault(path, format!("was altered: its SHA-256 is {found} instead of {expected}"))
            }
            Err(error) => fault(path, format!("cannot be read: {error}")),
        }
    });
    found.collect()
}
