//! Checking the `prompts` section: files are read, templates compiled and tried.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::Checker;
use crate::{
    item::Item,
    prompt::{MessageTemplate, Prompt},
    suite::{
        document::Document,
        mistake::Mistake,
        raw::{RawMessage, RawPrompt, RawRole},
    },
    template::Template,
};

impl Checker<'_> {
    pub(super) fn prompts(
        &mut self,
        raw: &[RawPrompt],
        first: Option<&Item>,
        effective: &mut Value,
    ) -> Option<Vec<Prompt>> {
        let prompts = raw.iter().enumerate().map(|(i, prompt)| {
            let sources = self.messages(i, prompt)?;
            let inlined = sources.iter().map(|s| json!({"role": s.role, "content": s.text}));
            effective["prompts"][i]["messages"] = inlined.collect();
            let messages = self.compile(&prompt.name, sources, first)?;
            let included: Map<_, _> = messages
                .iter()
                .flat_map(|m| m.content.included())
                .map(|(n, s)| (n, s.into()))
                .collect();
            if !included.is_empty() {
                effective["prompts"][i]["included"] = included.into();
            }
            let hash = hash(&effective["prompts"][i]);
            Some(Prompt { name: prompt.name.as_str().into(), hash, messages })
        });
        prompts.collect::<Vec<_>>().into_iter().collect()
    }

    /// The sources of a prompt's messages, files read.
    fn messages(&mut self, i: usize, raw: &RawPrompt) -> Option<Vec<Source>> {
        let at = format!("/prompts/{i}");
        match (&raw.template, &raw.file, &raw.messages) {
            (Some(text), None, None) => Some(vec![Source {
                role: RawRole::User.as_str().to_owned(),
                text: text.clone(),
                folder: self.folder.clone(),
                pointer: format!("{at}/template"),
            }]),
            (None, Some(file), None) if is_chat_file(file) => {
                self.chat_file(file, &format!("{at}/file"))
            }
            (None, Some(file), None) => {
                let source = self.prompt_file(RawRole::User, file, format!("{at}/file"))?;
                Some(vec![source])
            }
            (None, None, Some(messages)) => {
                let read = |(k, message)| self.message(&format!("{at}/messages/{k}"), message);
                let sources: Vec<_> = messages.iter().enumerate().map(read).collect();
                sources.into_iter().collect()
            }
            _ => {
                let name = &raw.name;
                let message =
                    format!("prompt `{name}` needs exactly one of `template`, `file`, `messages`");
                self.complain(&at, message);
                None
            }
        }
    }

    /// The messages of a YAML file, as they could stand in the suite.
    fn chat_file(&mut self, file: &str, pointer: &str) -> Option<Vec<Source>> {
        let chat = self.prompt_file(RawRole::User, file, pointer.to_owned())?;
        let messages = Document::parse(&chat.text).map_err(|mistake| {
            let at = mistake.position;
            format!("{file}:{}:{}: {}", at.line, at.column, mistake.message)
        });
        let messages = messages.and_then(|document| {
            serde_json::from_value::<Vec<RawMessage>>(document.value)
                .map_err(|error| format!("{file} is not a list of chat messages: {error}"))
        });
        let sources = messages.and_then(|messages| {
            let source = |message: RawMessage| match (message.content, message.file) {
                (Some(text), None) => {
                    let role = message.role.as_str().to_owned();
                    let (folder, pointer) = (chat.folder.clone(), chat.pointer.clone());
                    Ok(Source { role, text, folder, pointer })
                }
                _ => Err(format!("{file}: a message needs `role` and `content`")),
            };
            messages.into_iter().map(source).collect::<Result<Vec<_>, _>>()
        });
        match sources {
            Ok(sources) if !sources.is_empty() => Some(sources),
            Ok(_) => {
                self.complain(pointer, format!("{file} has no messages"));
                None
            }
            Err(message) => {
                self.complain(pointer, message);
                None
            }
        }
    }

    fn message(&mut self, at: &str, raw: &RawMessage) -> Option<Source> {
        match (&raw.content, &raw.file) {
            (Some(text), None) => Some(Source {
                role: raw.role.as_str().to_owned(),
                text: text.clone(),
                folder: self.folder.clone(),
                pointer: format!("{at}/content"),
            }),
            (None, Some(file)) => self.prompt_file(raw.role, file, format!("{at}/file")),
            _ => {
                self.complain(at, "a message needs exactly one of `content` and `file`");
                None
            }
        }
    }

    fn prompt_file(&mut self, role: RawRole, file: &str, pointer: String) -> Option<Source> {
        let path = self.folder.join(file);
        match self.access.read_text(&path) {
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                Some(Source { role: role.as_str().to_owned(), text, folder, pointer })
            }
            Err(error) => {
                let message = format!("the prompt file {} {error}", path.display());
                self.complain(&pointer, message);
                None
            }
        }
    }

    fn compile(
        &mut self,
        prompt: &str,
        sources: Vec<Source>,
        first: Option<&Item>,
    ) -> Option<Vec<MessageTemplate>> {
        let compiled = sources.into_iter().map(|source| {
            let name = format!("prompt `{prompt}`");
            let template = Template::compile(&name, &source.text, &source.folder, &self.access);
            let rendered = template.and_then(|template| {
                if let Some(item) = first {
                    template.render(&item.fields)?;
                }
                Ok(template)
            });
            match rendered {
                Ok(content) => Some(MessageTemplate { role: source.role, content }),
                Err(error) => {
                    let columns = first.map(|item| {
                        let names: Vec<_> = item.fields.keys().map(String::as_str).collect();
                        format!("the dataset's columns: {}", names.join(", "))
                    });
                    let place = self.document.position(&source.pointer);
                    let hint = columns.filter(|_| error.message.contains("undefined variable"));
                    self.mistakes.push(Mistake { position: place, message: error.message, hint });
                    None
                }
            }
        });
        compiled.collect::<Vec<_>>().into_iter().collect()
    }
}

/// BLAKE3 of the messages and of the files that they include, 32 hexadecimal digits.
fn hash(prompt: &Value) -> Arc<str> {
    let mut hasher = blake3::Hasher::new_derive_key("evalmark prompt v1");
    hasher.update(prompt["messages"].to_string().as_bytes());
    hasher.update(prompt["included"].to_string().as_bytes());
    hasher.finalize().to_hex()[..32].into()
}

/// Whether a prompt file is a chat in YAML, not one template.
fn is_chat_file(file: &str) -> bool {
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml"))
}

/// A message's template before it is compiled.
struct Source {
    role: String,
    text: String,
    /// Where its includes are looked up.
    folder: PathBuf,
    /// Where it stands in the suite.
    pointer: String,
}
