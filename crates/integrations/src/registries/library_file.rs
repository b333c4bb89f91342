//! A version that was made in a registry as a file of the library.

use std::collections::BTreeMap;

use evalmark_core::prompt_library::PromptDocument;
use serde_json::{Map, Value, json};

use super::{
    content::Body,
    registry::{ModelOfConfig, RegistryVersion},
    template::{Dialect, Translated, translated},
};
use crate::suites::yaml_document;

/// Roles of messages, and what other products call them.
const ROLES: [(&str, &str); 7] = [
    ("system", "system"),
    ("developer", "developer"),
    ("user", "user"),
    ("assistant", "assistant"),
    ("human", "user"),
    ("ai", "assistant"),
    ("model", "assistant"),
];

/// A file of the library, and what of the version it does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LibraryFile {
    pub(super) text: String,
    pub(super) lost: Vec<String>,
}

/// The file of a version, or why there is none.
pub(super) fn library_file(
    version: &RegistryVersion,
    model: ModelOfConfig,
    dialect: Dialect,
) -> Result<LibraryFile, String> {
    let mut lost = version.lost.clone();
    lost.extend(model.lost.iter().cloned());
    let mut variables = BTreeMap::new();
    let mut translate = |text: &str| {
        let Translated { text, variables: used, renamed } = translated(text, dialect);
        for (name, has_fields) in used {
            *variables.entry(name).or_insert(false) |= has_fields;
        }
        for (there, here) in renamed {
            lost.push(format!("the name `{there}` of a variable, which is `{here}` here"));
        }
        as_body(&text)
    };
    let body = version.content.body.map(&mut translate);
    lost.sort();
    lost.dedup();
    let messages = match body {
        Body::Text(text) => vec![("user".to_owned(), text)],
        Body::Chat(messages) => messages,
    };
    let messages: Vec<_> = messages
        .into_iter()
        .map(|(role, text)| Ok((known_role(&role)?, text)))
        .collect::<Result<_, String>>()?;
    if messages.is_empty() {
        return Err("the version has no message".to_owned());
    }
    let head = head(version, model, variables);
    let front = if head.is_empty() { String::new() } else { yaml_document(&head) };
    let text = format!("---\n{front}---\n{}", written(&messages));
    lost.extend(checked(&text, &messages)?);
    Ok(LibraryFile { text, lost })
}

fn known_role(role: &str) -> Result<&'static str, String> {
    let found = ROLES.iter().find(|(there, _)| *there == role);
    let known = found.map(|(_, here)| *here);
    known.ok_or_else(|| {
        format!("a message has the role `{role}`, which no prompt of the library has")
    })
}

/// The front matter.
fn head(
    version: &RegistryVersion,
    model: ModelOfConfig,
    variables: BTreeMap<String, bool>,
) -> Map<String, Value> {
    let mut head = Map::new();
    if !version.tags.is_empty() {
        head.insert("tags".to_owned(), json!(version.tags));
    }
    for (key, value) in [("provider", model.provider), ("model", model.model)] {
        if let Some(value) = value {
            head.insert(key.to_owned(), value.into());
        }
    }
    if !model.parameters.is_empty() {
        head.insert("parameters".to_owned(), model.parameters.into());
    }
    if !variables.is_empty() {
        let kind = |has_fields: bool| if has_fields { "object" } else { "string" };
        let variables = variables.into_iter().map(|(name, has)| (name, kind(has).into()));
        head.insert("variables".to_owned(), Value::Object(variables.collect()));
    }
    head
}

/// A message's text so that no line of it begins another message.
fn as_body(text: &str) -> String {
    if text.trim().is_empty() {
        return "{{ '' }}".to_owned();
    }
    let line = |line: &str| {
        let end = line.trim_end();
        let is_role =
            end.strip_suffix(':').is_some_and(|name| ROLES[..4].iter().any(|(r, _)| *r == name));
        if is_role { format!("{{{{ '{end}' }}}}{}", &line[end.len()..]) } else { line.to_owned() }
    };
    text.split_inclusive('\n').map(line).collect()
}

fn written(messages: &[(&'static str, String)]) -> String {
    if let [("user", text)] = messages {
        return format!("{text}\n");
    }
    let messages = messages.iter().map(|(role, text)| format!("{role}:\n{text}\n"));
    messages.collect::<Vec<_>>().join("\n")
}

/// Whether the library reads what was written; answers with what it leaves out.
fn checked(text: &str, messages: &[(&'static str, String)]) -> Result<Option<String>, String> {
    let read = PromptDocument::parse(text).map_err(|mistakes| {
        let first = mistakes.first().map_or("", |mistake| &mistake.message);
        format!("the version does not fit into a file of the library: {first}")
    })?;
    let is_same = read.messages.len() == messages.len()
        && read.messages.iter().zip(messages).all(|(here, (_, there))| here.text == *there);
    let lost = "blank lines around a message, and line breaks of other systems".to_owned();
    Ok((!is_same).then_some(lost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registries::content::Content;

    fn version(body: Body) -> RegistryVersion {
        let content = Content { body, config: Map::new() };
        RegistryVersion { version: 1, content, record: None, tags: Vec::new(), lost: Vec::new() }
    }

    #[test]
    fn versions_become_files() {
        let check = |body: Body, text: &str, lost: &[&str]| {
            let file = library_file(&version(body), ModelOfConfig::default(), Dialect::Variables);
            let file = file.expect("a file");
            assert_eq!(file.text, text);
            assert_eq!(file.lost, lost, "{text}");
        };
        let text = |text: &str| Body::Text(text.to_owned());
        check(text("Hi {{ name }}"), "---\nvariables: { name: string }\n---\nHi {{ name }}\n", &[]);
        check(text("Hi"), "---\n---\nHi\n", &[]);
        check(text("user:\nHi"), "---\n---\n{{ 'user:' }}\nHi\n", &[]);
        check(
            text("\n Hi\n\n"),
            "---\n---\n\n Hi\n\n\n",
            &["blank lines around a message, and line breaks of other systems"],
        );
        check(text(" "), "---\n---\n{{ '' }}\n", &[]);
        let chat = |list: &[(&str, &str)]| {
            Body::Chat(list.iter().map(|(r, t)| ((*r).to_owned(), (*t).to_owned())).collect())
        };
        check(
            chat(&[("system", "Be kind."), ("human", "{{q.text}}")]),
            "---\nvariables: { q: object }\n---\nsystem:\nBe kind.\n\nuser:\n{{q.text}}\n",
            &[],
        );
        check(chat(&[("system", "a\nuser:\nb")]), "---\n---\nsystem:\na\n{{ 'user:' }}\nb\n", &[]);
    }

    #[test]
    fn what_fits_no_file_is_told() {
        let check = |messages: &[(&str, &str)], expected: &str| {
            let messages = messages.iter().map(|(r, t)| ((*r).to_owned(), (*t).to_owned()));
            let body = Body::Chat(messages.collect());
            let told = library_file(&version(body), ModelOfConfig::default(), Dialect::Variables)
                .expect_err("no file");
            assert!(told.contains(expected), "{told}");
        };
        check(&[("tool", "x")], "the role `tool`");
        check(&[], "no message");
    }
}
