//! A release on its way to a registry: the aliases of its prompts move.

use std::collections::BTreeMap;

use evalmark_core::prompt_registry::{AliasMove, FailedAlias, MovedAliases};

use super::{error::RegistryError, registry::PromptRegistry};

/// What an environment has released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleasedPrompts {
    /// The number of its newest release.
    pub release: u64,
    /// The content hash of each prompt.
    pub hashes: BTreeMap<String, String>,
}

/// A prompt that was tried, and the content that its alias was to point to.
type Tried = BTreeMap<String, (String, Result<AliasMove, RegistryError>)>;

impl PromptRegistry {
    /// Points the aliases of an environment to what it has released. A second time changes nothing.
    ///
    /// `released` is asked before and behind, so that the last of two who release at once leaves the aliases at what is
    /// released last. What one prompt lacks keeps no other back; a server that does not answer is not asked on.
    pub fn follow_release<E>(
        &self,
        environment: &str,
        mut released: impl FnMut() -> Result<ReleasedPrompts, E>,
    ) -> Result<MovedAliases, E> {
        let mut tried = Tried::new();
        let now = loop {
            let now = released()?;
            let open = |prompt: &String, hash: &String| {
                tried.get(prompt).is_none_or(|(before, _)| before != hash)
            };
            let next = now.hashes.iter().find(|(prompt, hash)| open(prompt, hash));
            if next.is_none() || is_silent(&tried) {
                break now;
            }
            self.follow(environment, &now, &mut tried);
        };
        let untried = now.hashes.keys().filter(|prompt| !tried.contains_key(*prompt));
        let mut failures: Vec<_> = untried.map(|prompt| not_asked(prompt)).collect();
        let mut aliases = Vec::new();
        let mut left = Vec::new();
        for (prompt, (_, moved)) in tried {
            match moved {
                Ok(_) if !now.hashes.contains_key(&prompt) => left.push(prompt),
                Ok(moved) => aliases.push(moved),
                Err(error) => failures.push(FailedAlias {
                    message: error.to_string(),
                    hint: error.hint,
                    prompt,
                }),
            }
        }
        failures.sort_by(|a, b| a.prompt.cmp(&b.prompt));
        Ok(MovedAliases {
            environment: environment.to_owned(),
            release: now.release,
            registry: self.product.to_owned(),
            server: self.place(),
            aliases,
            failures,
            left,
        })
    }

    /// Tries every prompt whose content was not tried yet, until the server is silent.
    fn follow(&self, environment: &str, now: &ReleasedPrompts, tried: &mut Tried) {
        for (prompt, hash) in &now.hashes {
            if tried.get(prompt).is_some_and(|(before, _)| before == hash) {
                continue;
            }
            let moved = self.move_alias(prompt, hash, environment);
            tried.insert(prompt.clone(), (hash.clone(), moved));
            if is_silent(tried) {
                return;
            }
        }
    }
}

/// Whether the server does not answer as it should.
fn is_silent(tried: &Tried) -> bool {
    tried.values().any(|(_, moved)| moved.as_ref().is_err_and(|error| error.is_of_server))
}

fn not_asked(prompt: &str) -> FailedAlias {
    let message = "was not tried: the registry did not answer as it should".to_owned();
    FailedAlias { prompt: prompt.to_owned(), message, hint: None }
}
