//! `MLflow`'s model registry, as far as prompts need it.

use evalmark_net::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MlflowServer, pages, unreadable};
use crate::services::rest::{Repeat, RestError};

/// Versions of one page.
const PAGE: usize = 20;
/// The tag of registered models that are prompts.
const IS_PROMPT: &str = "mlflow.prompt.is_prompt";
/// What prompts have in the place of an artifact: servers refuse all else.
const SOURCE: &str = "dummy-source";

/// A version of a prompt.
#[derive(Debug, Deserialize)]
pub(crate) struct PromptVersion {
    pub(crate) version: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// A version that is to be made.
pub(crate) struct NewModelVersion<'a> {
    pub(crate) message: Option<&'a str>,
    pub(crate) tags: &'a [(String, String)],
}

#[derive(Deserialize)]
struct OneModel {
    registered_model: Model,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct OneVersion {
    model_version: PromptVersion,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    model_versions: Vec<PromptVersion>,
    next_page_token: Option<String>,
}

/// An answer that says nothing.
#[derive(Deserialize)]
struct Nothing {}

impl PromptVersion {
    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().rfind(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }

    pub(crate) fn tag_names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| tag.key.as_str())
    }

    /// A tag that holds JSON.
    pub(crate) fn json(&self, key: &str) -> Result<Option<Value>, RestError> {
        let read = self.tag(key).map(serde_json::from_str).transpose();
        read.map_err(|error| {
            unreadable(&format!("version {}, {key}", self.version), error.to_string())
        })
    }

    pub(crate) fn number(&self) -> Result<u64, RestError> {
        let number = self.version.parse();
        number.map_err(|_| unreadable("version", format!("`{}` is no number", self.version)))
    }
}

fn is_absent(error: &RestError) -> bool {
    // An alias that is not there is a wrong parameter to MLflow.
    error.is_not_found() || error.says("alias") && error.says("not found")
}

fn path(parts: [&'static str; 2]) -> [&'static str; 5] {
    ["api", "2.0", "mlflow", parts[0], parts[1]]
}

impl MlflowServer {
    /// Whether there is a prompt of this name; a model of that name is an error.
    pub(crate) fn has_prompt(&self, name: &str) -> Result<bool, RestError> {
        let found =
            self.rest.get::<OneModel>(&path(["registered-models", "get"]), &[("name", name)]);
        match found {
            Ok(OneModel { registered_model: Model { tags } }) => {
                let is_prompt =
                    |tag: &Tag| tag.key == IS_PROMPT && tag.value.eq_ignore_ascii_case("true");
                if tags.iter().any(is_prompt) {
                    Ok(true)
                } else {
                    Err(RestError::NoClient(format!(
                        "`{name}` is a registered model there, not a prompt"
                    )))
                }
            }
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Versions of a prompt, the newest first, as long as `see` wants them.
    pub(crate) fn prompt_versions(
        &self,
        name: &str,
        mut see: impl FnMut(PromptVersion) -> Result<bool, RestError>,
    ) -> Result<(), RestError> {
        // Without the tag, servers leave prompts out.
        let filter = format!("name = '{name}' AND tag.`{IS_PROMPT}` = 'true'");
        let size = PAGE.to_string();
        pages(|token| {
            let mut query = vec![
                ("filter", filter.as_str()),
                ("max_results", size.as_str()),
                ("order_by", "version_number DESC"),
            ];
            query.extend(token.map(|token| ("page_token", token)));
            let page: Versions = self.rest.get(&path(["model-versions", "search"]), &query)?;
            for version in page.model_versions {
                if !see(version)? {
                    return Ok(None);
                }
            }
            Ok(page.next_page_token)
        })
    }

    /// A version by its number.
    pub(crate) fn prompt_version(
        &self,
        name: &str,
        version: u64,
    ) -> Result<Option<PromptVersion>, RestError> {
        let version = version.to_string();
        let query = [("name", name), ("version", version.as_str())];
        found(self.rest.get(&path(["model-versions", "get"]), &query))
    }

    /// The version that an alias points to.
    pub(crate) fn aliased_prompt(
        &self,
        name: &str,
        alias: &str,
    ) -> Result<Option<PromptVersion>, RestError> {
        found(
            self.rest
                .get(&path(["registered-models", "alias"]), &[("name", name), ("alias", alias)]),
        )
    }

    /// Makes a prompt, where there is none of this name.
    pub(crate) fn create_prompt(
        &self,
        name: &str,
        description: Option<&str>,
    ) -> Result<(), RestError> {
        if self.has_prompt(name)? {
            return Ok(());
        }
        let body = json!({
            "name": name,
            "description": description,
            "tags": [{ "key": IS_PROMPT, "value": "true" }],
        });
        let path = path(["registered-models", "create"]);
        let made = self.rest.change::<OneModel>(&Method::POST, &path, &body, Repeat::Always);
        match made {
            Ok(_) => Ok(()),
            // Somebody else was faster, or the first attempt was made after all.
            Err(_) if self.has_prompt(name)? => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a version; answers with its number.
    pub(crate) fn create_prompt_version(
        &self,
        name: &str,
        new: &NewModelVersion<'_>,
    ) -> Result<u64, RestError> {
        let tags = new.tags.iter().map(|(key, value)| json!({ "key": key, "value": value }));
        let body = json!({
            "name": name,
            "source": SOURCE,
            "description": new.message,
            "tags": tags.collect::<Vec<_>>(),
        });
        let path = path(["model-versions", "create"]);
        let made: OneVersion = self.rest.change(&Method::POST, &path, &body, Repeat::IfNotMade)?;
        made.model_version.number()
    }

    /// Points an alias to a version.
    pub(crate) fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RestError> {
        let body = json!({ "name": name, "alias": alias, "version": version.to_string() });
        let path = path(["registered-models", "alias"]);
        self.rest.change::<Nothing>(&Method::POST, &path, &body, Repeat::Always).map(drop)
    }
}

/// The version of an answer; `None` where there is none.
fn found(answer: Result<OneVersion, RestError>) -> Result<Option<PromptVersion>, RestError> {
    match answer {
        Ok(OneVersion { model_version }) => Ok(Some(model_version)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
