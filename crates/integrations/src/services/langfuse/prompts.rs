//! Langfuse's prompts: versions, and the labels that point to them.

use evalmark_net::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::LangfuseServer;
use crate::services::rest::{Repeat, RestError};

/// The label of the newest version, which the server moves itself.
const LATEST: &str = "latest";
/// How a prompt names another whose text stands in its place.
const REFERENCE: &str = "@@@langfusePrompt:";

/// A version of a prompt.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LangfusePrompt {
    pub(crate) version: u64,
    /// `text` or `chat`.
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    /// A text, or a list of messages.
    pub(crate) prompt: Value,
    #[serde(default)]
    pub(crate) config: Value,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// Whether texts of other prompts stand in it.
    #[serde(skip)]
    pub(crate) is_composed: bool,
}

/// What the list says of a prompt.
#[derive(Deserialize)]
struct PromptMeta {
    name: String,
    #[serde(default)]
    versions: Vec<u64>,
}

/// A version that is to be made.
pub(crate) struct NewPrompt<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) prompt: Value,
    pub(crate) config: Value,
    pub(crate) tags: &'a [String],
    pub(crate) message: Option<&'a str>,
}

#[derive(Deserialize)]
struct Made {
    version: u64,
}

/// What a change of labels is answered with; the labels are asked for again.
#[derive(Deserialize)]
struct Changed {}

impl LangfuseServer {
    /// The numbers of a prompt's versions, the newest first; none where there is no such prompt.
    pub(crate) fn prompt_versions(&self, name: &str) -> Result<Vec<u64>, RestError> {
        let path = ["api", "public", "v2", "prompts"];
        let all: Vec<PromptMeta> = self.numbered(&path, &[("name", name)])?;
        let own = all.into_iter().filter(|meta| meta.name == name);
        let mut versions: Vec<_> = own.flat_map(|meta| meta.versions).collect();
        versions.sort_unstable_by(|a, b| b.cmp(a));
        versions.dedup();
        Ok(versions)
    }

    /// A version of a prompt by `("version", …)` or `("label", …)`, with the texts of others in the place of their names.
    pub(crate) fn prompt(
        &self,
        name: &str,
        by: (&str, &str),
    ) -> Result<Option<LangfusePrompt>, RestError> {
        let path = ["api", "public", "v2", "prompts", name];
        let ask = |resolve: &str| match self
            .rest
            .get::<LangfusePrompt>(&path, &[by, ("resolve", resolve)])
        {
            Ok(prompt) => Ok(Some(prompt)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        };
        let prompt = ask("false")?;
        if prompt.as_ref().is_some_and(|prompt| prompt.prompt.to_string().contains(REFERENCE)) {
            return Ok(ask("true")?.map(|prompt| LangfusePrompt { is_composed: true, ..prompt }));
        }
        Ok(prompt)
    }

    /// Makes a version; answers with its number.
    pub(crate) fn create_prompt(&self, new: &NewPrompt<'_>) -> Result<u64, RestError> {
        let mut body = json!({
            "name": new.name,
            "type": new.kind,
            "prompt": new.prompt,
            "config": new.config,
            "labels": [],
        });
        // Without tags, those of the version before stay.
        if !new.tags.is_empty() {
            body["tags"] = json!(new.tags);
        }
        if let Some(message) = new.message {
            body["commitMessage"] = message.into();
        }
        let path = ["api", "public", "v2", "prompts"];
        let made: Made = self.rest.change(&Method::POST, &path, &body, Repeat::IfNotMade)?;
        Ok(made.version)
    }

    /// Points a label to a version; the version keeps its others.
    pub(crate) fn set_label(&self, name: &str, label: &str, version: u64) -> Result<(), RestError> {
        let number = version.to_string();
        let found = self.prompt(name, ("version", &number))?;
        let mut labels = found.map(|prompt| prompt.labels).unwrap_or_default();
        labels.retain(|own| own != LATEST && own != label);
        labels.push(label.to_owned());
        let path = ["api", "public", "v2", "prompts", name, "versions", &number];
        let body = json!({ "newLabels": labels });
        self.rest.change::<Changed>(&Method::PATCH, &path, &body, Repeat::Always).map(drop)
    }
}
