//! A `.prompt.yml` for each prompt, as GitHub Models has it. That form fills in variables and does nothing else, so that a
//! prompt which loops or decides does not fit; what a prompt includes stands in it.

use std::{collections::BTreeSet, fs, sync::LazyLock};

use evalmark_core::files::FileAccess;
use evalmark_core::{
    fields::{Fields, Marks},
    template::Template,
};
use evalmark_store::durable;
use regex::Regex;
use serde_json::{Map, Value};

use super::text::{ExportedFile, PromptText, ReleaseExportError};
use crate::{
    Host,
    error::{Hinted, Result},
    first_suite::{quoted_json, scalar},
};

/// A variable by itself, an included file by its name, and a comment.
static PLAIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let variable = r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}";
    let include = r#"\{%-?\s*include\s+(?:'[^']*'|"[^"]*")\s*-?%\}"#;
    Regex::new(&format!(r"{variable}|{include}|\{{#[^}}]*#\}}")).ok()
});

/// The files.
pub(super) fn prompt_yml(prompts: &[PromptText], host: &Host<'_>) -> Result<Vec<ExportedFile>> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for prompt in prompts {
        match variables(prompt) {
            Some(variables) => {
                let text = yaml(prompt, &rendered(prompt, &variables, host)?);
                files.push(ExportedFile { path: format!("{}.prompt.yml", prompt.name), text });
            }
            None => wrong.push(format!(
                "`{}` does more than fill in variables, which is all that .prompt.yml does",
                prompt.name
            )),
        }
    }
    if wrong.is_empty() { Ok(files) } else { Err(ReleaseExportError::DoNotFit(wrong).into()) }
}

/// The variables of a prompt that does nothing but fill them in.
fn variables(prompt: &PromptText) -> Option<BTreeSet<String>> {
    let plain = PLAIN.as_ref()?;
    let mut found = BTreeSet::new();
    let messages = prompt.messages.iter().map(|(_, text)| text);
    for text in messages.chain(prompt.included.values()) {
        let names = plain.captures_iter(text).filter_map(|part| part.get(1));
        found.extend(names.map(|name| name.as_str().to_owned()));
        let rest = plain.replace_all(text, "");
        if ["{{", "{%", "{#"].iter().any(|begin| rest.contains(begin)) {
            return None;
        }
    }
    Some(found)
}

/// Role and text of each message, with what it includes, in which `{{name}}` stands for a variable.
fn rendered(
    prompt: &PromptText,
    variables: &BTreeSet<String>,
    host: &Host<'_>,
) -> Result<Vec<(String, String)>> {
    let what = || format!("`{}` cannot be written as .prompt.yml", prompt.name);
    let folder = tempfile::tempdir().with_context(what)?;
    for (name, text) in &prompt.included {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))
            .and_then(|()| durable::write(&path, text.as_bytes()))
            .with_context(what)?;
    }
    let access = FileAccess::of_suite(&folder.path().join("library"), &host.permissions.roots)
        .with_context(what)?;
    let mut values = Map::new();
    for name in variables {
        values.insert(name.clone(), Value::from(format!("{{{{{name}}}}}")));
    }
    let fields = Fields::new(values, Marks::default());
    let mut messages = Vec::new();
    for (role, text) in &prompt.messages {
        let template = Template::compile(&prompt.name, text, folder.path(), &access);
        let text = template.and_then(|template| template.render(&fields));
        let no_prompt = |error: evalmark_core::template::TemplateError| {
            let (name, why) = (prompt.name.clone(), error.to_string());
            ReleaseExportError::NoPrompt { name, why }
        };
        messages.push((role.clone(), text.map_err(no_prompt)?));
    }
    Ok(messages)
}

/// The file.
fn yaml(prompt: &PromptText, messages: &[(String, String)]) -> String {
    let released = &prompt.standing.prompt;
    let mut lines = vec![format!("name: {}", scalar(&prompt.name))];
    let description = prompt.front_matter.description.as_ref();
    lines.extend(description.map(|text| format!("description: {}", quoted_json(text))));
    let model = match (&released.model.provider, &released.model.model) {
        // GitHub's catalog says who made a model before its name.
        (Some(provider), Some(model)) if !model.contains('/') => {
            Some(format!("{provider}/{model}"))
        }
        (_, model) => model.clone(),
    };
    lines.extend(model.map(|model| format!("model: {}", scalar(&model))));
    if !released.model.parameters.is_empty() {
        lines.push("modelParameters:".to_owned());
        let parameters = released.model.parameters.iter();
        lines.extend(parameters.map(|(name, value)| format!("  {}: {value}", scalar(name))));
    }
    lines.push("messages:".to_owned());
    for (role, text) in messages {
        lines.push(format!("  - role: {role}"));
        lines.push(format!("    content: {}", block(text)));
    }
    lines.join("\n") + "\n"
}

/// A text as a block of lines, or in quotes where that would change it.
fn block(text: &str) -> String {
    let is_plain = |c: char| {
        c == '\n'
            || (!c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
    };
    let fits = text.chars().all(is_plain)
        && !text.starts_with([' ', '\n'])
        && !text.ends_with('\n')
        && text.contains('\n');
    if !fits {
        return quoted_json(text);
    }
    let lines = text
        .lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("      {line}") });
    format!("|-\n{}", lines.collect::<Vec<_>>().join("\n"))
}
