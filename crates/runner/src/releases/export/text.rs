//! An environment's prompts with their texts, and the form that they are exported in.

use std::collections::BTreeMap;

use evalmark_core::prompt_library::{FrontMatter, PromptDocument};
use evalmark_store::releases::{EnvironmentState, StandingPrompt};
use serde_json::{Value, json};

use super::{configmap, dotenv, layout, lock, prompt_yml};
use crate::{
    Host,
    error::{Advised, Result},
    releases::context::Releases,
};

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON file with everything.
    Lock,
    /// A Kubernetes `ConfigMap`.
    ConfigMap,
    /// Lines `NAME='VALUE'`.
    Dotenv,
    /// A `.prompt.yml` for each prompt, as GitHub Models has it.
    PromptYml,
    /// A folder that a program reads in ten lines.
    Layout,
}

impl ExportFormat {
    /// Whether it is a folder of files rather than one.
    pub fn is_folder(self) -> bool {
        matches!(self, Self::PromptYml | Self::Layout)
    }
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its path in the folder; empty where there is one file only.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// An environment in a form for applications.
#[derive(Clone, Debug)]
pub struct ExportedRelease {
    /// The environment.
    pub environment: String,
    /// Its newest release.
    pub release: u64,
    /// The files, in the order in which they are written: what names the others comes last.
    pub files: Vec<ExportedFile>,
}

/// Why an environment cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseExportError {
    /// It has no release.
    #[error("`{0}` has released nothing")]
    Nothing(String),
    /// A released text is no prompt of a library.
    #[error("the text of `{name}`, as it was released, cannot be read: {why}")]
    NoPrompt {
        /// The prompt.
        name: String,
        /// Why.
        why: String,
    },
    /// Prompts do not fit the form.
    #[error("{}", .0.join("\n"))]
    DoNotFit(Vec<String>),
}

impl Advised for ReleaseExportError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::DoNotFit(_) => {
                Some("`--format lock` and `--format layout` take every prompt".to_owned())
            }
            Self::Nothing(_) => Some("`evalmark release status` shows what is released".to_owned()),
            Self::NoPrompt { .. } => None,
        }
    }
}

/// A released prompt with its texts.
#[derive(Clone, Debug)]
pub(super) struct PromptText {
    pub(super) name: String,
    pub(super) standing: StandingPrompt,
    pub(super) front_matter: FrontMatter,
    /// Role and template of each message.
    pub(super) messages: Vec<(String, String)>,
    /// The files that they include: their texts by their names.
    pub(super) included: BTreeMap<String, String>,
}

impl PromptText {
    /// All that an application needs.
    pub(super) fn document(&self) -> Value {
        let messages = self.messages.iter();
        let messages = messages.map(|(role, text)| json!({ "role": role, "content": text }));
        let prompt = &self.standing.prompt;
        json!({
            "name": self.name,
            "hash": prompt.hash,
            "release": self.standing.release,
            "provider": prompt.model.provider,
            "model": prompt.model.model,
            "parameters": prompt.model.parameters,
            "messages": messages.collect::<Vec<_>>(),
            "included": self.included,
        })
    }
}

/// What an environment has, in a form for applications.
pub fn export_release(
    releases: &Releases,
    environment: &str,
    format: ExportFormat,
    host: &Host<'_>,
) -> Result<ExportedRelease> {
    let state = releases.folder.state(environment)?;
    if state.release == 0 {
        releases.environment(environment)?;
        return Err(ReleaseExportError::Nothing(environment.to_owned()).into());
    }
    let prompts = texts(releases, &state)?;
    let one = |text: String| vec![ExportedFile { path: String::new(), text }];
    let files = match format {
        ExportFormat::Lock => one(lock::lock(&state, &prompts)),
        ExportFormat::ConfigMap => one(configmap::configmap(&state, &prompts)?),
        ExportFormat::Dotenv => one(dotenv::dotenv(&state, &prompts)?),
        ExportFormat::PromptYml => prompt_yml::prompt_yml(&prompts, host)?,
        ExportFormat::Layout => layout::layout(&state, &prompts),
    };
    Ok(ExportedRelease { environment: environment.to_owned(), release: state.release, files })
}

/// The texts of every prompt, as they were released.
fn texts(releases: &Releases, state: &EnvironmentState) -> Result<Vec<PromptText>> {
    let prompts = state.prompts.iter();
    prompts.map(|(name, standing)| text_of(releases, name, standing)).collect()
}

fn text_of(releases: &Releases, name: &str, standing: &StandingPrompt) -> Result<PromptText> {
    let no_prompt = |why: String| ReleaseExportError::NoPrompt { name: name.to_owned(), why };
    let mut texts = Vec::new();
    for file in &standing.prompt.files {
        let text = String::from_utf8(releases.folder.bytes(&file.sha256)?);
        let text = text.map_err(|_| no_prompt(format!("{} is no UTF-8", file.path)))?;
        texts.push((file.path.clone(), text));
    }
    let (_, own) = texts.first().ok_or_else(|| no_prompt("it has no file".to_owned()))?;
    let document = PromptDocument::parse(own).map_err(|mistakes| {
        let told = mistakes.iter().map(|mistake| mistake.message.clone());
        no_prompt(told.collect::<Vec<_>>().join("; "))
    })?;
    let messages = document.messages.into_iter();
    let messages = messages.map(|message| (message.role.to_owned(), message.text)).collect();
    Ok(PromptText {
        name: name.to_owned(),
        standing: standing.clone(),
        front_matter: document.front_matter,
        messages,
        included: texts.into_iter().skip(1).collect(),
    })
}
