//! Where a team's registries are: `registries.yaml` beside the library of prompts.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use evalmark_core::{
    files::{MAX_TEXT, open_regular},
    suite::{Mistake, Mistakes, Position, holds_a_key, located_yaml},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{error::RegistryError, mlflow};
use crate::services::rest::server_address;

/// The name of the settings beside a library.
const FILE: &str = "registries.yaml";

/// Where a team's registries are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrySettings {
    /// `MLflow`'s prompt registry.
    #[serde(default)]
    pub mlflow: Option<MlflowSettings>,
    /// Langfuse's prompts.
    #[serde(default)]
    pub langfuse: Option<LangfuseSettings>,
}

/// `MLflow`'s prompt registry.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MlflowSettings {
    /// The tracking server's address.
    #[serde(default)]
    pub url: Option<String>,
    /// The name of the environment variable with a token.
    #[serde(default)]
    pub token_env: Option<String>,
    /// The user's name, where the server asks for a name and a password.
    #[serde(default)]
    pub user: Option<String>,
    /// The name of the environment variable with the user's password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// PEM file, relative to this file, with certificates that the server's may be signed by, besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The alias of each environment of releases; default: the environment's name.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
}

/// Langfuse's prompts: those of the project that the keys belong to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LangfuseSettings {
    /// The server's address.
    #[serde(default)]
    pub url: Option<String>,
    /// The name of the environment variable with the project's public key.
    #[serde(default)]
    pub public_key_env: Option<String>,
    /// The name of the environment variable with the project's secret key.
    #[serde(default)]
    pub secret_key_env: Option<String>,
    /// PEM file, relative to this file, with certificates that the server's may be signed by, besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The label of each environment of releases; default: the environment's name.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistrySettingsError {
    /// The file cannot be read.
    #[error("the settings {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is larger than settings are.
    #[error("the settings {} have more than {} MiB", .0.display(), MAX_TEXT >> 20)]
    TooLarge(PathBuf),
    /// It has mistakes.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

impl RegistrySettings {
    /// The settings beside a library; none of them are set where there is no such file.
    pub fn beside(library: &Path) -> Result<Self, RegistrySettingsError> {
        let path = library.parent().unwrap_or(Path::new("")).join(FILE);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let unreadable = |error| RegistrySettingsError::Unreadable { path: path.clone(), error };
        if fs::metadata(&path).map_err(unreadable)?.len() > MAX_TEXT {
            return Err(RegistrySettingsError::TooLarge(path));
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let wrong = |list| Mistakes { path: path.clone(), list };
        let (settings, document) =
            located_yaml::<Self>(&text, "the file of registries").map_err(wrong)?;
        let mistakes = settings.mistakes().into_iter().map(|(pointer, message)| {
            let at = document.as_ref().map(|document| document.position(pointer));
            Mistake::at(at.unwrap_or(Position { line: 1, column: 1 }), message)
        });
        let list: Vec<_> = mistakes.collect();
        if list.is_empty() { Ok(settings) } else { Err(wrong(list).into()) }
    }

    /// The environment variables that may hold a product's address, where these settings have none.
    pub fn variables_of_address(&self, product: &str) -> &'static [&'static str] {
        let is_set = match product {
            mlflow::NAME => self.mlflow.as_ref().is_some_and(|settings| settings.url.is_some()),
            _ => self.langfuse.as_ref().is_some_and(|settings| settings.url.is_some()),
        };
        match product {
            _ if is_set => &[],
            mlflow::NAME => &["MLFLOW_TRACKING_URI"],
            _ => &["LANGFUSE_BASE_URL", "LANGFUSE_HOST"],
        }
    }

    /// The environments' aliases of a product.
    pub(super) fn aliases(&self, product: &str) -> BTreeMap<String, String> {
        let aliases = match product {
            mlflow::NAME => self.mlflow.as_ref().map(|settings| &settings.aliases),
            _ => self.langfuse.as_ref().map(|settings| &settings.labels),
        };
        aliases.cloned().unwrap_or_default()
    }

    /// What is wrong beyond the form: where, and what.
    fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let urls = [
            ("/mlflow/url", self.mlflow.as_ref().and_then(|settings| settings.url.as_deref())),
            ("/langfuse/url", self.langfuse.as_ref().and_then(|settings| settings.url.as_deref())),
        ];
        for (pointer, url) in urls {
            if let Some(Err(why)) = url.map(server_address) {
                all.push((pointer, format!("`url` {why}")));
            }
        }
        for (pointer, name) in self.variables() {
            let is_key = ["pk-lf-", "sk-lf-"].iter().any(|begin| name.starts_with(begin));
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if is_key || holds_a_key(name) {
                let message = "this is a key; write the name of the variable that holds it";
                all.push((pointer, message.to_owned()));
            } else if name.is_empty() || !name.chars().all(is_name) {
                let message = "this is no name of an environment variable";
                all.push((pointer, message.to_owned()));
            }
        }
        if let Some(MlflowSettings { token_env, user, password_env, .. }) = &self.mlflow {
            if token_env.is_some() && (user.is_some() || password_env.is_some()) {
                let message =
                    "`token_env` stands beside `user` or `password_env`: one of both is sent";
                all.push(("/mlflow/token_env", message.to_owned()));
            } else if user.is_some() != password_env.is_some() {
                all.push(("/mlflow", "`user` and `password_env` belong together".to_owned()));
            }
        }
        all
    }

    /// The names of variables, with their places.
    fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mlflow = self.mlflow.as_ref();
        let langfuse = self.langfuse.as_ref();
        let named = [
            ("/mlflow/token_env", mlflow.and_then(|settings| settings.token_env.as_deref())),
            ("/mlflow/password_env", mlflow.and_then(|settings| settings.password_env.as_deref())),
            ("/langfuse/public_key_env", langfuse.and_then(|s| s.public_key_env.as_deref())),
            ("/langfuse/secret_key_env", langfuse.and_then(|s| s.secret_key_env.as_deref())),
        ];
        named.into_iter().filter_map(|(pointer, name)| Some((pointer, name?)))
    }
}

/// The PEM text of a file of certificates.
pub(super) fn certificates(
    folder: &Path,
    file: Option<&Path>,
) -> Result<Option<Vec<u8>>, RegistryError> {
    let Some(file) = file else { return Ok(None) };
    let path = folder.join(file);
    let told = |message: String| RegistryError::new(&path.display().to_string(), message);
    let mut pem = Vec::new();
    let opened = open_regular(&path).map_err(|error| told(error.to_string()))?;
    let read = opened.take(MAX_TEXT).read_to_end(&mut pem);
    read.map_err(|error| told(format!("cannot be read: {error}")))?;
    Ok(Some(pem))
}
