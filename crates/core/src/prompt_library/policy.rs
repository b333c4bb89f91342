//! A team's policy for its prompts: `policy.yaml`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::release_policy::{ReleasePolicy, mistakes};
use crate::{
    files::MAX_TEXT,
    suite::{Mistakes, located::located_yaml},
};

/// The name of a policy beside a library.
const FILE: &str = "policy.yaml";

/// What a team asks of its prompts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptPolicy {
    /// Phrases that every prompt holds, upper and lower case alike.
    #[serde(default)]
    pub required_phrases: Vec<String>,
    /// Phrases that no prompt holds, upper and lower case alike.
    #[serde(default)]
    pub forbidden_phrases: Vec<String>,
    /// Headings that every prompt has, each as a line of its own: `# Task`.
    #[serde(default)]
    pub required_sections: Vec<String>,
    /// Keys of the front matter that every prompt has: `owner`, `description`.
    #[serde(default)]
    pub required_keys: Vec<String>,
    /// Models that prompts may be for; `*` stands for any text.
    #[serde(default)]
    pub allowed_models: Option<Vec<String>>,
    /// Parameters that prompts may set, and their bounds.
    #[serde(default)]
    pub allowed_parameters: Option<BTreeMap<String, ParameterBounds>>,
    /// About how many tokens a prompt may have before it is filled in, with all that it includes.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// What holds for data of a class, by the class's name: prompts name theirs as `data_class`.
    #[serde(default)]
    pub data_classes: BTreeMap<String, DataClass>,
    /// What must hold before a prompt is released.
    #[serde(default)]
    pub releases: ReleasePolicy,
}

/// Which values a parameter may have.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterBounds {
    /// The least number.
    #[serde(default)]
    pub min: Option<f64>,
    /// The largest number.
    #[serde(default)]
    pub max: Option<f64>,
    /// The values.
    #[serde(default)]
    pub one_of: Option<Vec<Value>>,
}

/// What holds for data of a class.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataClass {
    /// Providers that must not get them.
    #[serde(default)]
    pub banned_providers: Vec<String>,
}

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptPolicyError {
    /// The file cannot be read.
    #[error("the policy {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is larger than a policy is.
    #[error("the policy {} has more than {} MiB", .0.display(), MAX_TEXT >> 20)]
    TooLarge(PathBuf),
    /// It has mistakes.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

impl PromptPolicy {
    /// The policy of this file; without one, that beside the library, where there is one.
    pub fn find(named: Option<&Path>, library: &Path) -> Result<Option<Self>, PromptPolicyError> {
        Self::file(named, library).map(|path| Self::read(&path)).transpose()
    }

    /// The file of that policy, where there is one.
    pub fn file(named: Option<&Path>, library: &Path) -> Option<PathBuf> {
        let beside = library.parent().unwrap_or(Path::new("")).join(FILE);
        named.map(Path::to_owned).or_else(|| beside.is_file().then_some(beside))
    }

    fn read(path: &Path) -> Result<Self, PromptPolicyError> {
        let unreadable = |error| PromptPolicyError::Unreadable { path: path.to_owned(), error };
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_TEXT {
            return Err(PromptPolicyError::TooLarge(path.to_owned()));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let wrong = |list| Mistakes { path: path.to_owned(), list };
        let (policy, document) = located_yaml::<Self>(&text, "the policy").map_err(wrong)?;
        let found = document.map(|document| mistakes(&policy.releases, &document));
        match found.unwrap_or_default() {
            found if found.is_empty() => Ok(policy),
            found => Err(wrong(found).into()),
        }
    }
}
