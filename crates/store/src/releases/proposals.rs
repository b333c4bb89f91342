//! Proposals: prompts that somebody wants released, with their evidence, and the approvals that they got. Each is a file of
//! its own, so that two people who propose or approve at once do not meet in git.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    error::ReleasesError,
    folder::{PROPOSALS, ReleasesFolder, ReleasesLock, names, parse},
    objects::{make_folders, read_bounded, sha256_hex},
    record::{ReleasedPrompt, prompt_name},
};
use crate::durable;

/// The digits of a proposal's digest that are its name.
const ID_DIGITS: usize = 16;

/// The digits of a key that are part of an approval's name.
const KEY_DIGITS: usize = 16;

/// A prompt that somebody wants released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The version of the format.
    pub format_version: u32,
    /// The environment that is to have it.
    pub environment: String,
    /// The prompt's name.
    #[serde(deserialize_with = "prompt_name")]
    pub name: String,
    /// The release that brought the prompt that it replaces; 0 where there is none.
    pub replaces: u64,
    /// What is to be released.
    pub prompt: ReleasedPrompt,
}

/// A proposal as it is kept.
#[derive(Clone, Debug)]
pub struct StoredProposal {
    /// Its name: the beginning of its digest.
    pub id: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What it says.
    pub proposal: Proposal,
    /// The envelopes of those who approved.
    pub approvals: Vec<Value>,
}

impl ReleasesFolder {
    fn proposals_folder(&self, environment: &str) -> PathBuf {
        self.path.join(PROPOSALS).join(environment)
    }

    /// The file of a proposal.
    pub fn proposal_file(&self, environment: &str, id: &str) -> PathBuf {
        self.proposals_folder(environment).join(format!("{id}.json"))
    }

    /// Keeps a proposal. Earlier ones for the same prompt are gone then, with their approvals.
    pub fn propose(
        &self,
        lock: &ReleasesLock,
        proposal: &Proposal,
    ) -> Result<StoredProposal, ReleasesError> {
        let folder = self.proposals_folder(&proposal.environment);
        let wrong = |why: serde_json::Error| ReleasesError::Wrong {
            path: folder.clone(),
            why: why.to_string(),
        };
        let text = serde_json::to_string_pretty(proposal).map_err(wrong)? + "\n";
        let sha256 = sha256_hex(text.as_bytes());
        let id = sha256.chars().take(ID_DIGITS).collect::<String>();
        let path = self.proposal_file(&proposal.environment, &id);
        let cannot = |source| ReleasesError::Unwritable { path: path.clone(), source };
        make_folders(&folder).map_err(cannot)?;
        durable::write(&path, text.as_bytes()).map_err(cannot)?;
        for earlier in self.proposals(&proposal.environment)? {
            if earlier.proposal.name == proposal.name && earlier.id != id {
                self.remove_proposal(lock, &earlier)?;
            }
        }
        Ok(StoredProposal { id, sha256, proposal: proposal.clone(), approvals: Vec::new() })
    }

    /// What is proposed for an environment, by the names of prompts.
    pub fn proposals(&self, environment: &str) -> Result<Vec<StoredProposal>, ReleasesError> {
        let mut found = Vec::new();
        for (name, _) in names(&self.proposals_folder(environment))? {
            let Some(id) = name.strip_suffix(".json").filter(|id| is_id(id)) else { continue };
            found.push(self.proposal(environment, id)?);
        }
        found.sort_by(|one, other| {
            (&one.proposal.name, &one.id).cmp(&(&other.proposal.name, &other.id))
        });
        Ok(found)
    }

    /// The proposal of this name.
    fn proposal(&self, environment: &str, id: &str) -> Result<StoredProposal, ReleasesError> {
        let path = self.proposal_file(environment, id);
        let bytes = read_bounded(&path)?;
        let proposal: Proposal = parse(&path, &bytes)?;
        let sha256 = sha256_hex(&bytes);
        if !sha256.starts_with(id) {
            return Err(ReleasesError::Altered {
                path, expected: format!("{id}…"), found: sha256
            });
        }
        if proposal.environment != environment {
            let why = format!("it is a proposal for `{}`", proposal.environment);
            return Err(ReleasesError::Wrong { path, why });
        }
        let mut approvals = Vec::new();
        let folder = self.proposals_folder(environment);
        let mut files = names(&folder)?;
        files.sort();
        for (name, _) in files {
            let of_this = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('.'));
            let key = of_this.and_then(|rest| rest.strip_suffix(".json"));
            if key.is_some_and(|key| key.len() == KEY_DIGITS) {
                let path = folder.join(name);
                approvals.push(parse(&path, &read_bounded(&path)?)?);
            }
        }
        Ok(StoredProposal { id: id.to_owned(), sha256, proposal, approvals })
    }

    /// Keeps an approval: an envelope that the key of this id signed.
    pub fn approve(
        &self,
        _lock: &ReleasesLock,
        proposal: &StoredProposal,
        key_id: &str,
        envelope: &str,
    ) -> Result<PathBuf, ReleasesError> {
        let path = self.approval_file(proposal, key_id);
        durable::write(&path, envelope.as_bytes())
            .map_err(|source| ReleasesError::Unwritable { path: path.clone(), source })?;
        Ok(path)
    }

    fn approval_file(&self, proposal: &StoredProposal, key_id: &str) -> PathBuf {
        let key = key_id.chars().take(KEY_DIGITS).collect::<String>();
        let folder = self.proposals_folder(&proposal.proposal.environment);
        folder.join(format!("{}.{key}.json", proposal.id))
    }

    /// Removes a proposal that was released or replaced, and every approval that is of no proposal then.
    pub fn remove_proposal(
        &self,
        _lock: &ReleasesLock,
        proposal: &StoredProposal,
    ) -> Result<(), ReleasesError> {
        let folder = self.proposals_folder(&proposal.proposal.environment);
        let remove = |path: &Path| {
            durable::remove(path)
                .map_err(|source| ReleasesError::Unwritable { path: path.to_owned(), source })
        };
        // The proposal itself goes first: approvals without one are nothing.
        remove(&self.proposal_file(&proposal.proposal.environment, &proposal.id))?;
        let left = names(&folder)?;
        let is_there = |id: &str| left.iter().any(|(name, _)| *name == format!("{id}.json"));
        for (name, _) in &left {
            let of = name.strip_suffix(".json").and_then(|name| name.split_once('.'));
            if of.is_some_and(|(id, _)| is_id(id) && !is_there(id)) {
                remove(&folder.join(name))?;
            }
        }
        Ok(())
    }
}

fn is_id(name: &str) -> bool {
    name.len() == ID_DIGITS && name.bytes().all(|b| b.is_ascii_hexdigit())
}
