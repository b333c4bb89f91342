//! Prompts on their way from a registry.

use evalmark_core::{prompt_library::PromptDocument, prompt_registry::PulledPrompt};

use super::{
    error::RegistryError,
    library_file::{LibraryFile, library_file},
    local::LocalPrompt,
    registry::{PromptRegistry, RegistryVersion, VersionChoice},
};

/// How a prompt is pulled.
#[derive(Clone, Debug, Default)]
pub struct PullOptions {
    /// What the registry calls it; default: its name in the library.
    pub named: Option<String>,
    /// Which version.
    pub which: VersionChoice,
    /// Whether it goes over a file that no version of the registry holds.
    pub force: bool,
}

impl PromptRegistry {
    /// The file of a version. What the library has of that name now is `local`; it is written over only where the registry
    /// has it, too, or with `force`.
    pub fn pull(
        &self,
        prompt: &str,
        local: Option<&LocalPrompt<'_>>,
        options: &PullOptions,
    ) -> Result<PulledPrompt, RegistryError> {
        let name = self.name_of(prompt, options.named.as_deref())?;
        let Some(version) = self.find(&name, &options.which)? else {
            let message = match &options.which {
                VersionChoice::Latest => format!("has no prompt `{name}`"),
                VersionChoice::Version(version) => format!("has no version {version} of `{name}`"),
                VersionChoice::Alias(alias) => {
                    format!("has no {} `{alias}` of `{name}`", self.inner.alias_word())
                }
            };
            return Err(RegistryError::new(&self.place(), message));
        };
        let pulled = self.file_of(prompt, name, &version)?;
        let is_other = |local: &&LocalPrompt<'_>| local.file != pulled.file && !options.force;
        if let Some(local) = local.filter(is_other) {
            self.may_replace(&pulled.name, local)?;
        }
        Ok(pulled)
    }

    fn file_of(
        &self,
        prompt: &str,
        name: String,
        version: &RegistryVersion,
    ) -> Result<PulledPrompt, RegistryError> {
        let number = version.version;
        let told = |why: String| {
            RegistryError::new(&self.place(), format!("version {number} of `{name}`: {why}"))
        };
        if let Some(record) = version.untouched() {
            checked_file(prompt, &record.file).map_err(told)?;
            return Ok(PulledPrompt {
                prompt: prompt.to_owned(),
                version: number,
                file: record.file.clone(),
                as_pushed: true,
                hash: Some(record.hash.clone()),
                commit: record.commit.clone(),
                lost: Vec::new(),
                name,
            });
        }
        let model = self.inner.model(&version.content.config);
        let LibraryFile { text, lost } =
            library_file(version, model, self.inner.dialect()).map_err(told)?;
        Ok(PulledPrompt {
            prompt: prompt.to_owned(),
            version: number,
            file: text,
            as_pushed: false,
            hash: None,
            commit: None,
            lost,
            name,
        })
    }

    /// Whether a file may be written over: nothing is lost where a version of the registry holds it.
    fn may_replace(&self, name: &str, local: &LocalPrompt<'_>) -> Result<(), RegistryError> {
        let content = local.content(self.inner.config(&local.prompt.file.front_matter));
        if self.version_that_holds(name, local.file, &content)?.is_some() {
            return Ok(());
        }
        let path = local.prompt.path.display().to_string();
        let message = format!("no version of `{name}` holds this file as it is; it would be lost");
        Err(RegistryError::new(&path, message)
            .hint("push it first, or write over it with `--force`"))
    }
}

/// Whether a kept file is one that the library reads under this name.
fn checked_file(prompt: &str, file: &str) -> Result<(), String> {
    let read = PromptDocument::parse(file).map_err(|mistakes| {
        let first = mistakes.first().map_or("", |mistake| &mistake.message);
        format!("the file that was pushed is no prompt of the library: {first}")
    })?;
    match read.front_matter.name {
        Some(name) if name != prompt => Err(format!(
            "the file that was pushed is that of the prompt `{name}`; pull it under that name"
        )),
        _ => Ok(()),
    }
}
