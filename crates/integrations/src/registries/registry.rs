//! A registry of prompts, whatever product it is.

use std::path::Path;

use evalmark_core::{prompt_library::FrontMatter, source::SourceKeys};
use serde_json::{Map, Value};

use super::{
    content::{Content, PushRecord},
    error::RegistryError,
    langfuse,
    library_file::library_file,
    mlflow,
    settings::RegistrySettings,
    template::Dialect,
};
use crate::services::rest::RestError;

/// The products whose registries are known, by the name that settings and commands have for them.
pub fn registries() -> [&'static str; 2] {
    [mlflow::NAME, langfuse::NAME]
}

/// Which registry, and what it may be asked with.
#[derive(Clone, Copy)]
pub struct RegistryRequest<'a> {
    /// One of [`registries`].
    pub product: &'a str,
    /// The team's settings.
    pub settings: &'a RegistrySettings,
    /// The folder that paths in the settings are relative to.
    pub folder: &'a Path,
    /// The address that the user names, which counts before that of the settings.
    pub server: Option<&'a str>,
    /// Where keys come from.
    pub keys: &'a dyn SourceKeys,
}

/// Which version of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VersionChoice {
    /// The newest.
    #[default]
    Latest,
    /// By its number.
    Version(u64),
    /// That which an alias (Langfuse: a label) points to.
    Alias(String),
}

/// A version of a prompt.
#[derive(Clone, Debug)]
pub(super) struct RegistryVersion {
    pub(super) version: u64,
    pub(super) content: Content,
    pub(super) record: Option<PushRecord>,
    /// Words to find it by.
    pub(super) tags: Vec<String>,
    /// What it holds that a file of the library cannot.
    pub(super) lost: Vec<String>,
}

impl RegistryVersion {
    /// What a push left, where the version says what was pushed.
    pub(super) fn untouched(&self) -> Option<&PushRecord> {
        self.record.as_ref().filter(|record| record.sent == self.content.digest())
    }
}

/// What is known of a version that is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewVersion<'a> {
    pub(super) content: &'a Content,
    pub(super) record: &'a PushRecord,
    pub(super) front_matter: &'a FrontMatter,
    /// What changed, in a sentence.
    pub(super) message: Option<&'a str>,
}

/// The model and its parameters, of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ModelOfConfig {
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    pub(super) parameters: Map<String, Value>,
    /// Keys that are none of a library's.
    pub(super) lost: Vec<String>,
}

/// Takes a version; answers whether the next is wanted.
pub(super) type See<'a> = dyn FnMut(RegistryVersion) -> bool + 'a;

/// A product's registry.
pub(super) trait Registry {
    /// Its address, as messages show it.
    fn place(&self) -> String;

    /// What its clients fill in.
    fn dialect(&self) -> Dialect;

    /// What it calls what moves from version to version.
    fn alias_word(&self) -> &'static str;

    /// What an error of its server means.
    fn told(&self, error: &RestError) -> RegistryError;

    /// What it calls a prompt of the library, or why it cannot.
    fn name_of(&self, name: &str) -> Result<String, String>;

    /// The configuration that says what a prompt was written for.
    fn config(&self, front_matter: &FrontMatter) -> Map<String, Value>;

    /// The same the other way round.
    fn model(&self, config: &Map<String, Value>) -> ModelOfConfig;

    /// Hands over versions, the newest first; answers whether there is such a prompt.
    fn newest_first(&self, name: &str, see: &mut See<'_>) -> Result<bool, RestError>;

    /// A version by its number.
    fn version(&self, name: &str, version: u64) -> Result<Option<RegistryVersion>, RestError>;

    /// The version that an alias points to.
    fn aliased(&self, name: &str, alias: &str) -> Result<Option<RegistryVersion>, RestError>;

    /// Makes a version, and the prompt where there is none; answers with its number.
    fn create(&self, name: &str, new: &NewVersion<'_>) -> Result<u64, RestError>;

    /// Points an alias to a version.
    fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RestError>;

    /// Whether an alias can be called so; why not.
    fn check_alias(&self, alias: &str) -> Result<(), String>;
}

/// A registry that can be asked.
pub struct PromptRegistry {
    pub(super) product: &'static str,
    pub(super) inner: Box<dyn Registry>,
    pub(super) settings: RegistrySettings,
}

impl std::fmt::Debug for PromptRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromptRegistry").field("product", &self.product).finish_non_exhaustive()
    }
}

impl PromptRegistry {
    /// A registry, with the keys that it takes. Nothing is asked yet.
    pub fn open(request: &RegistryRequest<'_>) -> Result<Self, RegistryError> {
        let (product, inner): (_, Box<dyn Registry>) = match request.product {
            mlflow::NAME => (mlflow::NAME, Box::new(mlflow::MlflowPrompts::open(request)?)),
            langfuse::NAME => (langfuse::NAME, Box::new(langfuse::LangfusePrompts::open(request)?)),
            other => {
                let known = registries().join(", ");
                let message = format!("is no registry that evalmark knows; it knows: {known}");
                return Err(RegistryError::new(other, message));
            }
        };
        Ok(Self { product, inner, settings: request.settings.clone() })
    }

    /// Its address, as messages show it.
    pub fn place(&self) -> String {
        self.inner.place()
    }

    /// What it calls what moves from version to version: `alias` or `label`.
    pub fn alias_word(&self) -> &'static str {
        self.inner.alias_word()
    }

    /// What the registry calls a prompt; `named` is what the user wants it to be called there.
    pub(super) fn name_of(&self, name: &str, named: Option<&str>) -> Result<String, RegistryError> {
        self.inner.name_of(named.unwrap_or(name)).map_err(|why| {
            let message = format!("the prompt `{}` {why}", named.unwrap_or(name));
            RegistryError::new(&self.place(), message).hint("name it there with `--as NAME`")
        })
    }

    /// The alias of an environment.
    pub(super) fn alias_of(&self, environment: &str) -> String {
        let aliases = self.settings.aliases(self.product);
        aliases.get(environment).map_or(environment, String::as_str).to_owned()
    }

    /// Whether a version says what a file says; `content` is what a push of the file sends.
    pub(super) fn holds(&self, version: &RegistryVersion, file: &str, content: &Content) -> bool {
        if let Some(record) = version.untouched() {
            return record.file == file && record.sent == content.digest();
        }
        let model = self.inner.model(&version.content.config);
        let pulled = || library_file(version, model, self.inner.dialect());
        version.content.digest() == content.digest() || pulled().is_ok_and(|own| own.text == file)
    }

    /// A version of a prompt; `None` where there is none.
    pub(super) fn find(
        &self,
        name: &str,
        which: &VersionChoice,
    ) -> Result<Option<RegistryVersion>, RegistryError> {
        let found = match which {
            VersionChoice::Version(version) => self.inner.version(name, *version),
            VersionChoice::Alias(alias) => self.inner.aliased(name, alias),
            VersionChoice::Latest => {
                let mut latest = None;
                let read = self.inner.newest_first(name, &mut |version| {
                    latest = Some(version);
                    false
                });
                read.map(|_| latest)
            }
        };
        found.map_err(|error| self.inner.told(&error))
    }
}
