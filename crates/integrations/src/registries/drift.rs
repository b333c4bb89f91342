//! Where a registry and the library differ.

use std::collections::BTreeMap;

use evalmark_core::prompt_registry::{AliasDrift, AliasState, DriftState, PromptDrift};

use super::{
    content::PushRecord,
    error::RegistryError,
    local::LocalPrompt,
    registry::{PromptRegistry, VersionChoice},
};

impl PromptRegistry {
    /// How a prompt and the registry differ. `released` has the content hash of the prompt in each environment.
    pub fn drift(
        &self,
        local: &LocalPrompt<'_>,
        named: Option<&str>,
        released: &BTreeMap<String, String>,
    ) -> Result<PromptDrift, RegistryError> {
        let prompt = local.prompt.name.clone();
        let name = self.name_of(&prompt, named)?;
        let content = local.content(self.inner.config(&local.prompt.file.front_matter));
        let mut drift = PromptDrift {
            prompt,
            name,
            state: DriftState::NotPushed,
            version: None,
            commit: None,
            held_by: None,
            aliases: Vec::new(),
        };
        let Some(latest) = self.find(&drift.name, &VersionChoice::Latest)? else {
            return Ok(drift);
        };
        drift.version = Some(latest.version);
        drift.commit = latest.record.as_ref().and_then(|record| record.commit.clone());
        drift.state = if self.holds(&latest, local.file, &content) {
            DriftState::Same
        } else if latest.untouched().is_none() {
            DriftState::EditedThere
        } else {
            drift.held_by = self.version_that_holds(&drift.name, local.file, &content)?;
            if drift.held_by.is_some() { DriftState::NewerThere } else { DriftState::ChangedHere }
        };
        for (environment, hash) in released {
            let alias = self.alias_of(environment);
            let found = self.find(&drift.name, &VersionChoice::Alias(alias.clone()))?;
            let is_released = |record: &PushRecord| record.hash == *hash;
            let state = match &found {
                None => AliasState::Missing,
                Some(version) if version.untouched().is_some_and(is_released) => AliasState::Same,
                Some(_) => AliasState::Moved,
            };
            let version = found.map(|version| version.version);
            let environment = environment.clone();
            drift.aliases.push(AliasDrift { environment, alias, state, version });
        }
        Ok(drift)
    }
}
