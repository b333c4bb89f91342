//! What each environment has released, how old its evidence is, and whether the library has gone on.

use std::{collections::BTreeMap, time::Duration};

use evalmark_core::prompt_library::PromptLibrary;
use evalmark_store::releases::{EnvironmentState, StandingPrompt, StoredProposal};
use jiff::Timestamp;

use super::{context::Releases, rules::age_of};
use crate::{Host, error::Result, prompts::open_library};

/// An environment, and what it has.
#[derive(Clone, Debug)]
pub struct EnvironmentStatus {
    /// What it has.
    pub state: EnvironmentState,
    /// Its prompts, by name.
    pub prompts: BTreeMap<String, PromptStatus>,
    /// What is proposed for it.
    pub proposals: Vec<StoredProposal>,
    /// Approvals that each proposal needs; `None` where the policy does not know the environment.
    pub approvals_needed: Option<u32>,
}

/// A released prompt, and how it stands.
#[derive(Clone, Debug)]
pub struct PromptStatus {
    /// What is released.
    pub standing: StandingPrompt,
    /// What the library has.
    pub working_tree: WorkingTree,
    /// The age of its oldest evidence.
    pub evidence_age: Option<Duration>,
}

/// What the library has of a released prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkingTree {
    /// The same text.
    Same,
    /// Another text, of this hash.
    Differs(String),
    /// No prompt of that name.
    Missing,
}

impl WorkingTree {
    /// Its name, as in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs(_) => "differs",
            Self::Missing => "missing",
        }
    }
}

/// How every environment stands, or one of them.
pub fn release_status(
    releases: &Releases,
    environment: Option<&str>,
    host: &Host<'_>,
) -> Result<Vec<EnvironmentStatus>> {
    let mut names = releases.environments()?;
    if let Some(one) = environment {
        if !names.iter().any(|name| name == one) {
            releases.environment(one)?;
        }
        names.retain(|name| name == one);
    }
    // Applications have releases where there is no library.
    let library = if releases.library.is_dir() {
        open_library(&releases.library, host)?
    } else {
        PromptLibrary::default()
    };
    let now = Timestamp::now();
    names.iter().map(|name| of_environment(releases, name, &library, now)).collect()
}

fn of_environment(
    releases: &Releases,
    name: &str,
    library: &PromptLibrary,
    now: Timestamp,
) -> Result<EnvironmentStatus> {
    let state = releases.folder.state(name)?;
    let prompts = state.prompts.iter().map(|(name, standing)| {
        let found = library.prompts.iter().find(|prompt| prompt.name == *name);
        let working_tree = match found {
            Some(found) if *found.hash == *standing.prompt.hash => WorkingTree::Same,
            Some(found) => WorkingTree::Differs(found.hash.to_string()),
            None => WorkingTree::Missing,
        };
        let ages = standing.prompt.evidence.iter();
        let evidence_age = ages.filter_map(|found| age_of(&found.finished_at, now)).max();
        (name.clone(), PromptStatus { standing: standing.clone(), working_tree, evidence_age })
    });
    let prompts = prompts.collect();
    let proposals = releases.folder.proposals(name)?;
    let policy = releases.policy.environments.get(name);
    let approvals_needed = policy.map(|policy| policy.approvals.count);
    Ok(EnvironmentStatus { state, prompts, proposals, approvals_needed })
}
