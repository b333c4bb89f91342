//! What every command about releases begins with: the folder of releases, the library, and the team's policy.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::{
    prompt_library::{EnvironmentPolicy, PromptPolicy, ReleasePolicy},
    source_place::relative_path,
    suite::near_and_known,
};
use evalmark_store::{
    audit::Who,
    releases::{ReleasesFolder, StoredProposal},
};

use crate::error::{Advised, Result};

/// Where releases, prompts and the policy are, and who is at work.
#[derive(Clone, Debug)]
pub struct ReleasesOptions {
    /// The folder of releases.
    pub releases: PathBuf,
    /// The folder of prompts.
    pub library: PathBuf,
    /// The team's policy; default: `policy.yaml` beside the library.
    pub policy: Option<PathBuf>,
    /// Who is at work.
    pub who: Who,
}

/// Releases of a library, under a policy.
#[derive(Clone, Debug)]
pub struct Releases {
    /// The folder of releases.
    pub folder: ReleasesFolder,
    /// The folder of prompts.
    pub library: PathBuf,
    /// What the team asks.
    pub policy: ReleasePolicy,
    /// The policy's file, where there is one.
    pub policy_file: Option<PathBuf>,
    /// Who is at work.
    pub who: Who,
}

/// What a command names and there is not.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseContextError {
    /// There is no policy, or it says nothing of releases.
    #[error("no policy says what a release needs")]
    NoPolicy {
        /// The file that has no such part.
        file: Option<PathBuf>,
    },
    /// The policy does not know the environment.
    #[error("the policy has no environment `{name}`")]
    UnknownEnvironment {
        /// The name asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Nothing is proposed.
    #[error("nothing is proposed for `{environment}` under the name `{prompt}`{more}")]
    NoProposal {
        /// The environment.
        environment: String,
        /// The prompt.
        prompt: String,
        /// What is known of it beside, behind `; `.
        more: String,
    },
    /// Several proposals of one prompt.
    #[error("there are several proposals of `{prompt}` for `{environment}`: {}", ids.join(", "))]
    SeveralProposals {
        /// The environment.
        environment: String,
        /// The prompt.
        prompt: String,
        /// Their names.
        ids: Vec<String>,
    },
}

impl Advised for ReleaseContextError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPolicy { file } => {
                let place = file
                    .as_ref()
                    .map_or("policy.yaml beside the folder of prompts".to_owned(), |file| {
                        file.display().to_string()
                    });
                format!(
                    "write `releases: {{ environments: {{ staging: {{}}, production: {{ after: staging }} }} }}` \
                     into {place}"
                )
            }
            Self::UnknownEnvironment { name, known } => {
                let known: Vec<_> = known.iter().map(String::as_str).collect();
                near_and_known(name, &known, "its environments")?
            }
            Self::NoProposal { environment, prompt, .. } => format!(
                "`evalmark release propose {prompt} --to {environment} --run RUN_DIR` proposes it"
            ),
            Self::SeveralProposals { .. } => "choose one with `--proposal ID`".to_owned(),
        })
    }
}

/// The folder that holds a folder of releases.
pub(super) fn root_of(releases: &Path) -> PathBuf {
    let real = fs::canonicalize(releases)
        .or_else(|_| std::path::absolute(releases))
        .unwrap_or_else(|_| releases.to_owned());
    real.parent().map_or_else(|| real.clone(), Path::to_owned)
}

impl Releases {
    /// Reads the policy.
    pub fn open(options: &ReleasesOptions) -> Result<Self> {
        let policy_file = PromptPolicy::file(options.policy.as_deref(), &options.library);
        let policy = PromptPolicy::find(options.policy.as_deref(), &options.library)?;
        Ok(Self {
            folder: ReleasesFolder::new(&options.releases),
            library: options.library.clone(),
            policy: policy.map(|policy| policy.releases).unwrap_or_default(),
            policy_file,
            who: options.who.clone(),
        })
    }

    /// What an environment asks.
    pub fn environment(&self, name: &str) -> Result<&EnvironmentPolicy, ReleaseContextError> {
        if self.policy.environments.is_empty() {
            return Err(ReleaseContextError::NoPolicy { file: self.policy_file.clone() });
        }
        self.policy.environments.get(name).ok_or_else(|| ReleaseContextError::UnknownEnvironment {
            name: name.to_owned(),
            known: self.policy.environments.keys().cloned().collect(),
        })
    }

    /// The folder that holds the releases: paths in them are seen from there.
    pub(crate) fn root(&self) -> PathBuf {
        root_of(&self.folder.path)
    }

    /// A path as releases write it.
    pub(super) fn path_of(&self, path: &Path) -> String {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let root = fs::canonicalize(self.root()).unwrap_or_else(|_| self.root());
        match real.strip_prefix(&root) {
            Ok(below) => relative_path(below, Path::new("")),
            Err(_) => real.to_string_lossy().replace('\\', "/"),
        }
    }

    /// Where a path of a release is on this machine.
    pub(super) fn place_of(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// The environments of the policy, each behind that which it comes after, and others that have releases.
    pub fn environments(&self) -> Result<Vec<String>> {
        let known = &self.policy.environments;
        let depth = |name: &String| {
            let mut at = name;
            let mut depth = 0;
            while let Some(after) = known.get(at).and_then(|found| found.after.as_ref()) {
                (at, depth) = (after, depth + 1);
            }
            depth
        };
        let mut names: Vec<_> = known.keys().cloned().collect();
        names.sort_by_key(depth);
        let found = self.folder.environments().map_err(evalmark_store::StoreError::from)?;
        names.extend(found.into_iter().filter(|name| !known.contains_key(name)));
        Ok(names)
    }

    /// The proposal of a prompt, or the one of this id.
    pub(super) fn proposal(
        &self,
        environment: &str,
        prompt: &str,
        id: Option<&str>,
    ) -> Result<StoredProposal> {
        let all = self.folder.proposals(environment)?;
        let mut found: Vec<_> =
            all.into_iter().filter(|found| found.proposal.name == prompt).collect();
        found.retain(|found| id.is_none_or(|id| found.id.starts_with(id)));
        if found.len() > 1 {
            let ids = found.into_iter().map(|found| found.id).collect();
            let (environment, prompt) = (environment.to_owned(), prompt.to_owned());
            return Err(ReleaseContextError::SeveralProposals { environment, prompt, ids }.into());
        }
        let Some(found) = found.pop() else {
            let state = self.folder.state(environment)?;
            let more = state.prompts.get(prompt).map(|standing| {
                format!(
                    "; release {} of {} has it, by {}",
                    standing.release, standing.released_at, standing.released_by
                )
            });
            return Err(ReleaseContextError::NoProposal {
                environment: environment.to_owned(),
                prompt: prompt.to_owned(),
                more: more.unwrap_or_default(),
            }
            .into());
        };
        Ok(found)
    }
}
