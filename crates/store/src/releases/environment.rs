//! `ENV.json`: what an environment has released now. It follows from the releases, and is kept for those who read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::{RELEASE_FORMAT, ReleaseRecord, ReleasedPrompt, by_prompt_name};

/// What an environment has released now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentState {
    /// [`RELEASE_FORMAT`].
    pub format_version: u32,
    /// The environment.
    pub environment: String,
    /// The number of its newest release; 0 before the first.
    pub release: u64,
    /// SHA-256 of that release's file; empty before the first.
    pub sha256: String,
    /// Its prompts, by name.
    #[serde(deserialize_with = "by_prompt_name")]
    pub prompts: BTreeMap<String, StandingPrompt>,
}

/// A prompt that an environment has now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandingPrompt {
    /// The release that brought it.
    pub release: u64,
    /// The release that had brought the one before; `None` where there was none.
    pub previous: Option<u64>,
    /// Who released it.
    pub released_by: String,
    /// When: RFC 3339, UTC.
    pub released_at: String,
    /// What it is.
    #[serde(flatten)]
    pub prompt: ReleasedPrompt,
}

impl EnvironmentState {
    /// That of an environment before its first release.
    pub fn empty(environment: &str) -> Self {
        Self {
            format_version: RELEASE_FORMAT,
            environment: environment.to_owned(),
            release: 0,
            sha256: String::new(),
            prompts: BTreeMap::new(),
        }
    }

    /// What it is after one more release, whose file has this digest.
    pub(super) fn follow(&mut self, record: &ReleaseRecord, sha256: &str) {
        self.release = record.release;
        sha256.clone_into(&mut self.sha256);
        for (name, prompt) in &record.prompts {
            let before = self.prompts.remove(name).map(|before| before.release);
            let Some(prompt) = prompt else { continue };
            let standing = StandingPrompt {
                release: record.release,
                previous: before,
                released_by: record.released_by.clone(),
                released_at: record.released_at.clone(),
                prompt: prompt.clone(),
            };
            self.prompts.insert(name.clone(), standing);
        }
    }

    /// The file's text.
    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
