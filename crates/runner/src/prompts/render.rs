//! A prompt of the library, filled in: with an item of a suite, with values of the command line, and with the examples
//! of its own front matter.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    dataset::{DatasetError, Items},
    fields::{Fields, Marks},
    files::FileAccess,
    prompt_library::{LibraryPrompt, PromptLibrary, VariableType},
    template::{Template, TemplateError},
};
use evalmark_store::run_record::RunOptions;
use serde_json::{Map, Value};

use super::open::access_of;
use crate::{
    Host,
    error::{Advised, Result},
    load::load,
    token_count::{TokenCount, count_tokens},
    token_estimate::estimated_tokens,
};

/// What a prompt is filled with.
#[derive(Clone, Debug, Default)]
pub struct FillOptions {
    /// A suite, one of whose items fills it.
    pub suite: Option<PathBuf>,
    /// Id of the item; default: the first.
    pub item: Option<String>,
    /// Names and values; these count before all else.
    pub values: Vec<(String, String)>,
}

/// A prompt as a model would read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedPrompt {
    /// Role and text of each message.
    pub messages: Vec<(String, String)>,
    /// Id of the item that filled it, where one did.
    pub item: Option<String>,
    /// Variables that got their example from the front matter.
    pub examples: Vec<String>,
    /// How many tokens it is for the model that the prompt was written for.
    pub tokens: TokenCount,
    /// About how many it is for any.
    pub estimated_tokens: u64,
}

/// A prompt that cannot be filled in.
#[derive(Debug, thiserror::Error)]
pub enum RenderPromptError {
    /// There is no item of this id.
    #[error("{suite} has no item `{item}`")]
    UnknownItem {
        /// The suite.
        suite: String,
        /// The id asked for.
        item: String,
    },
    /// A value of the command line is not of the declared type.
    #[error("`{name}` is declared as {kind}; `{value}` is none", kind = kind.as_str())]
    WrongType {
        /// The variable.
        name: String,
        /// Its type.
        kind: VariableType,
        /// What was given.
        value: String,
    },
    /// Something has no value.
    #[error("prompt `{prompt}` needs a value for {}", names.join(", "))]
    Unfilled {
        /// The prompt.
        prompt: String,
        /// The variables, in backticks.
        names: Vec<String>,
    },
    /// A template does not compile or render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The suite's dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The library's folder is gone.
    #[error("the folder of prompts cannot be read: {0}")]
    Folder(#[from] io::Error),
}

impl Advised for RenderPromptError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::WrongType { kind: VariableType::List | VariableType::Object, .. } => {
                Some("write it as JSON: `--var 'labels=[\"a\", \"b\"]'`".to_owned())
            }
            Self::Unfilled { .. } => Some(
                "give one with `--var NAME=VALUE`, name a suite with `--suite SUITE`, or add an `example` to the \
                 variable in the front matter"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Fills a prompt in.
pub fn render_prompt(
    library: &PromptLibrary,
    prompt: &LibraryPrompt,
    options: &FillOptions,
    host: &Host<'_>,
) -> Result<RenderedPrompt> {
    let access = access_of(&library.folder, &host.permissions.roots);
    let access = access.map_err(RenderPromptError::Folder)?;
    render_within((&library.folder, &access), prompt, options, host)
}

/// Fills a prompt in that includes files of a folder.
pub(super) fn render_within(
    library: (&Path, &FileAccess),
    prompt: &LibraryPrompt,
    options: &FillOptions,
    host: &Host<'_>,
) -> Result<RenderedPrompt> {
    let (mut values, item) = item_of(options, host)?;
    let declared = &prompt.file.front_matter.variables;
    for (name, text) in &options.values {
        let kind = declared.get(name).map(|variable| variable.kind).unwrap_or_default();
        values.insert(name.clone(), typed(name, text, kind)?);
    }
    let mut examples = Vec::new();
    for (name, variable) in declared {
        if let (false, Some(example)) = (values.contains_key(name), &variable.example) {
            values.insert(name.clone(), example.clone());
            examples.push(name.clone());
        }
    }
    let templates = compiled(library, prompt)?;
    let unfilled = declared.keys().filter(|name| !values.contains_key(*name));
    let names: Vec<_> = unfilled.map(|name| format!("`{name}`")).collect();
    if !names.is_empty() && item.is_none() {
        return Err(RenderPromptError::Unfilled { prompt: prompt.name.clone(), names }.into());
    }
    let fields = Fields::new(values, Marks::default());
    let mut messages = Vec::new();
    for (template, message) in templates.iter().zip(&prompt.file.messages) {
        let text = template.render(&fields);
        let text = text.map_err(|error| RenderPromptError::from(error.moved(message.line)))?;
        messages.push((message.role.to_owned(), text));
    }
    let estimated_tokens = messages.iter().map(|(_, text)| estimated_tokens(text)).sum();
    let model = prompt.file.front_matter.model.as_deref();
    let tokens = count_tokens(messages.iter().map(|(_, text)| text.as_str()), model);
    Ok(RenderedPrompt { messages, item, examples, tokens, estimated_tokens })
}

/// The templates of a prompt's messages.
fn compiled(
    (folder, access): (&Path, &FileAccess),
    prompt: &LibraryPrompt,
) -> Result<Vec<Template>, RenderPromptError> {
    let name = prompt.path.display().to_string();
    let compiled = prompt.file.messages.iter().map(|message| {
        Template::compile(&name, &message.text, folder, access)
            .map_err(|error| error.moved(message.line).into())
    });
    compiled.collect()
}

/// The columns of the item that is asked for, and its id.
fn item_of(options: &FillOptions, host: &Host<'_>) -> Result<(Map<String, Value>, Option<String>)> {
    let Some(path) = &options.suite else { return Ok((Map::new(), None)) };
    let loaded = load(path, &RunOptions::default(), host)?;
    for item in Items::open(&Arc::new(loaded.suite.dataset)).map_err(RenderPromptError::Dataset)? {
        let item = item.map_err(RenderPromptError::Dataset)?;
        if options.item.as_ref().is_none_or(|id| *id == *item.id) {
            let fields = item.fields.iter().map(|(name, value)| (name.clone(), value.clone()));
            return Ok((fields.collect(), Some(item.id.to_string())));
        }
    }
    let (suite, item) = (path.display().to_string(), options.item.clone().unwrap_or_default());
    Err(RenderPromptError::UnknownItem { suite, item }.into())
}

/// A value of the command line: a text as it stands, and everything else as JSON.
fn typed(name: &str, text: &str, kind: VariableType) -> Result<Value, RenderPromptError> {
    if kind == VariableType::String {
        return Ok(text.into());
    }
    let read = serde_json::from_str::<Value>(text).ok();
    read.filter(|value| kind.fits(value) && !value.is_string()).ok_or_else(|| {
        RenderPromptError::WrongType { name: name.to_owned(), kind, value: text.to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_of_their_types() {
        let check = |text: &str, kind: VariableType, expected: Option<Value>| {
            assert_eq!(typed("x", text, kind).ok(), expected, "{text}");
        };
        check("7", VariableType::String, Some(json!("7")));
        check("7", VariableType::Integer, Some(json!(7)));
        check("\"7\"", VariableType::Integer, None);
        check("[1]", VariableType::List, Some(json!([1])));
        check("a, b", VariableType::List, None);
        check("true", VariableType::Boolean, Some(json!(true)));
    }
}
