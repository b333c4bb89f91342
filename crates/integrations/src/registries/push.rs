//! Prompts on their way to a registry.

use evalmark_core::prompt_registry::{AliasMove, PushedPrompt};

use super::{
    content::{Content, PushRecord},
    error::RegistryError,
    local::LocalPrompt,
    registry::{NewVersion, PromptRegistry, RegistryVersion, VersionChoice},
    template::unfilled,
};

/// Expressions that a remark names.
const NAMED: usize = 3;

/// How a prompt is pushed.
#[derive(Clone, Debug, Default)]
pub struct PushOptions {
    /// What the registry calls it; default: its name in the library.
    pub named: Option<String>,
    /// What changed, in a sentence.
    pub message: Option<String>,
    /// Aliases that point to it then.
    pub aliases: Vec<String>,
    /// Whether it goes above a version that was made in the registry.
    pub force: bool,
}

impl PromptRegistry {
    /// Makes a version of a prompt, unless the newest says the same already, and points aliases to it.
    pub fn push(
        &self,
        local: &LocalPrompt<'_>,
        options: &PushOptions,
    ) -> Result<PushedPrompt, RegistryError> {
        for alias in &options.aliases {
            self.checked_alias(alias)?;
        }
        let name = self.name_of(&local.prompt.name, options.named.as_deref())?;
        let front_matter = &local.prompt.file.front_matter;
        let content = local.content(self.inner.config(front_matter));
        let latest = self.find(&name, &VersionChoice::Latest)?;
        let same = latest.as_ref().filter(|latest| self.holds(latest, local.file, &content));
        let (version, is_new) = match (same, &latest) {
            (Some(same), _) => (same.version, false),
            (None, Some(latest)) if !options.force => {
                self.may_cover(&name, latest, local, &content)?;
                (self.make(&name, local, &content, options)?, true)
            }
            (None, _) => (self.make(&name, local, &content, options)?, true),
        };
        let aliases = options.aliases.iter();
        let aliases =
            aliases.map(|alias| self.move_to((&local.prompt.name, &name), alias, version));
        Ok(PushedPrompt {
            prompt: local.prompt.name.clone(),
            commit: local.commit.map(str::to_owned),
            version,
            is_new,
            hash: local.prompt.hash.to_string(),
            remarks: self.remarks(&content),
            aliases: aliases.collect::<Result<_, _>>()?,
            name,
        })
    }

    /// Points the alias of an environment to the version that holds this content, by its hash: what a release does.
    /// A second time changes nothing.
    pub fn move_alias(
        &self,
        prompt: &str,
        hash: &str,
        environment: &str,
    ) -> Result<AliasMove, RegistryError> {
        let alias = self.alias_of(environment);
        self.checked_alias(&alias)?;
        let name = self.name_of(prompt, None)?;
        let mut found = None;
        let read = self.inner.newest_first(&name, &mut |version| {
            let is_it = version.untouched().is_some_and(|record| record.hash == hash);
            found = is_it.then_some(version.version);
            found.is_none()
        });
        let is_there = read.map_err(|error| self.inner.told(&error))?;
        let Some(version) = found else {
            let message = if is_there {
                format!("no version of `{name}` has the content {hash}")
            } else {
                format!("there is no prompt `{name}`")
            };
            let hint = format!("push it: `evalmark prompts push {prompt} --to {}`", self.product);
            return Err(RegistryError::new(&self.place(), message).hint(hint));
        };
        self.move_to((prompt, &name), &alias, version)
    }

    fn checked_alias(&self, alias: &str) -> Result<(), RegistryError> {
        self.inner.check_alias(alias).map_err(|why| {
            RegistryError::new(&self.place(), format!("the {} `{alias}` {why}", self.alias_word()))
        })
    }

    /// Points an alias to a version of a prompt, which is named as the library and as the registry has it.
    fn move_to(
        &self,
        (prompt, name): (&str, &str),
        alias: &str,
        to: u64,
    ) -> Result<AliasMove, RegistryError> {
        let before = self
            .find(name, &VersionChoice::Alias(alias.to_owned()))?
            .map(|version| version.version);
        if before != Some(to) {
            let moved = self.inner.set_alias(name, alias, to);
            moved.map_err(|error| {
                self.inner.told(&error).hint("the same command again finishes it")
            })?;
        }
        let [prompt, name, alias] = [prompt, name, alias].map(str::to_owned);
        Ok(AliasMove { prompt, name, alias, from: before, to })
    }

    /// Whether a push may make the version above the newest.
    fn may_cover(
        &self,
        name: &str,
        latest: &RegistryVersion,
        local: &LocalPrompt<'_>,
        content: &Content,
    ) -> Result<(), RegistryError> {
        let product = self.product;
        let advice = format!(
            "`evalmark prompts pull {} --from {product}` brings it here; `--force` pushes above it",
            local.prompt.name
        );
        let refuse = |why: &str| {
            let message = format!("version {} of `{name}` {why}", latest.version);
            Err(RegistryError::new(&self.place(), message).hint(advice.clone()))
        };
        if latest.untouched().is_none() {
            return refuse("was made or edited there");
        }
        match self.version_that_holds(name, local.file, content)? {
            Some(_) => refuse("is newer than the file here, which an older version holds"),
            None => Ok(()),
        }
    }

    /// The newest version that holds this file.
    pub(super) fn version_that_holds(
        &self,
        name: &str,
        file: &str,
        content: &Content,
    ) -> Result<Option<u64>, RegistryError> {
        let mut found = None;
        let read = self.inner.newest_first(name, &mut |version| {
            found = self.holds(&version, file, content).then_some(version.version);
            found.is_none()
        });
        read.map_err(|error| self.inner.told(&error))?;
        Ok(found)
    }

    fn make(
        &self,
        name: &str,
        local: &LocalPrompt<'_>,
        content: &Content,
        options: &PushOptions,
    ) -> Result<u64, RegistryError> {
        let record = PushRecord {
            name: local.prompt.name.clone(),
            hash: local.prompt.hash.to_string(),
            commit: local.commit.map(str::to_owned),
            sent: content.digest(),
            file: local.file.to_owned(),
        };
        let front_matter = &local.prompt.file.front_matter;
        let message = options.message.as_deref();
        let new = NewVersion { content, record: &record, front_matter, message };
        self.inner.create(name, &new).or_else(|error| {
            // Nobody knows whether it was made: the registry does.
            let latest = if error.may_have_been_made() {
                self.find(name, &VersionChoice::Latest)
            } else {
                Ok(None)
            };
            match latest {
                Ok(Some(latest)) if self.holds(&latest, local.file, content) => Ok(latest.version),
                _ => Err(self
                    .inner
                    .told(&error)
                    .hint("the same command again pushes what is missing")),
            }
        })
    }

    fn remarks(&self, content: &Content) -> Vec<String> {
        let dialect = self.inner.dialect();
        let mut left: Vec<_> =
            content.body.texts().flat_map(|text| unfilled(text, dialect)).collect();
        left.dedup();
        if left.is_empty() {
            return Vec::new();
        }
        let named: Vec<_> = left.iter().take(NAMED).map(|part| format!("`{part}`")).collect();
        let more = if left.len() > NAMED {
            format!(" and {} more", left.len() - NAMED)
        } else {
            String::new()
        };
        vec![format!(
            "clients of {} do not fill in {}{more}; evalmark does",
            self.product,
            named.join(", ")
        )]
    }
}
