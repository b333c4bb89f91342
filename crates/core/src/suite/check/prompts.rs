//! Checking the `prompts` section: files are read, templates compiled and tried.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::{
    Checker,
    chat::{self, FileMistake},
};
use crate::{
    item::Item,
    prompt::{MessageTemplate, Prompt},
    source_place::FilePlace,
    suite::{
        matrix,
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
            let place = self.prompt_place(i, prompt, &sources);
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
            Some(Prompt { name: prompt.name.as_str().into(), hash, place, messages })
        });
        prompts.collect::<Vec<_>>().into_iter().collect()
    }

    /// Where a prompt stands: the file that it names, the first that a message of it names, or its line in
    /// the suite.
    fn prompt_place(&self, i: usize, raw: &RawPrompt, sources: &[Source]) -> FilePlace {
        let own = raw.file.as_ref().map(|file| self.folder.join(file));
        match own.or_else(|| sources.iter().find_map(|source| source.file.clone())) {
            Some(path) => FilePlace { path, line: 1 },
            None => FilePlace {
                path: self.path.clone(),
                line: self.document.position(&format!("/prompts/{i}")).line.max(1),
            },
        }
    }

    /// The sources of a prompt's messages, files read.
    fn messages(&mut self, i: usize, raw: &RawPrompt) -> Option<Vec<Source>> {
        let at = format!("/prompts/{i}");
        match (&raw.template, &raw.file, &raw.messages) {
            (Some(text), None, None) => Some(vec![Source {
                role: RawRole::User.as_str().to_owned(),
                text: text.clone(),
                folder: self.folder.clone(),
                file: None,
                pointer: format!("{at}/template"),
            }]),
            (None, Some(file), None) => {
                let folder = self.folder.clone();
                let source =
                    self.prompt_file(RawRole::User, file, &folder, format!("{at}/file"))?;
                match chat::kind_of(file, &source.text) {
                    chat::Kind::Text => Some(vec![source]),
                    chat::Kind::Chat => self.chat_file(file, &source),
                    chat::Kind::Other(message) => {
                        let hint = chat::FORM.to_owned();
                        self.complain_with_hint(&source.pointer, message, hint);
                        None
                    }
                }
            }
            (None, None, Some(messages)) => {
                let read = |(k, message)| self.message(&format!("{at}/messages/{k}"), message);
                let sources: Vec<_> = messages.iter().enumerate().map(read).collect();
                sources.into_iter().collect()
            }
            _ if self.document.lost(&at) => None,
            _ => {
                let name = &raw.name;
                let message =
                    format!("prompt `{name}` needs exactly one of `template`, `file`, `messages`");
                self.complain(&at, message);
                None
            }
        }
    }

    /// The messages of a file, as they could stand in the suite.
    fn chat_file(&mut self, file: &str, chat: &Source) -> Option<Vec<Source>> {
        let messages = match chat::messages(file, &chat.text) {
            Ok(messages) => messages,
            Err(mistakes) => {
                for FileMistake { line, message, hint } in mistakes {
                    let position = self.document.position(&chat.pointer);
                    let path = chat.file.clone();
                    let place = path.map(|path| FilePlace { path, line });
                    let mistake = Mistake { hint, ..Mistake::at(position, message) };
                    self.mistakes.push(mistake.elsewhere(place));
                }
                return None;
            }
        };
        let sources = messages.into_iter().enumerate().map(|(i, message)| {
            let pointer = chat.pointer.clone();
            match (message.content, message.file) {
                (Some(text), None) => {
                    let role = message.role.as_str().to_owned();
                    let (folder, file) = (chat.folder.clone(), chat.file.clone());
                    Some(Source { role, text, folder, file, pointer })
                }
                (None, Some(file)) => self.prompt_file(message.role, &file, &chat.folder, pointer),
                _ => {
                    let needs = "needs exactly one of `content` and `file`";
                    self.complain(&pointer, format!("{file}: message {} {needs}", i + 1));
                    None
                }
            }
        });
        sources.collect::<Vec<_>>().into_iter().collect()
    }

    fn message(&mut self, at: &str, raw: &RawMessage) -> Option<Source> {
        match (&raw.content, &raw.file) {
            (Some(text), None) => Some(Source {
                role: raw.role.as_str().to_owned(),
                text: text.clone(),
                folder: self.folder.clone(),
                file: None,
                pointer: format!("{at}/content"),
            }),
            (None, Some(file)) => {
                let folder = self.folder.clone();
                self.prompt_file(raw.role, file, &folder, format!("{at}/file"))
            }
            _ if self.document.lost(at) => None,
            _ => {
                self.complain(at, "a message needs exactly one of `content` and `file`");
                None
            }
        }
    }

    fn prompt_file(
        &mut self,
        role: RawRole,
        file: &str,
        folder: &Path,
        pointer: String,
    ) -> Option<Source> {
        let path = folder.join(file);
        match self.access.read_text(&path) {
            Ok(text)
                if self.document.value.get("matrix").is_some()
                    && matrix::has_placeholder(&text) =>
            {
                let message = format!(
                    "the prompt file {} has a placeholder of the matrix, which is filled in the \
                     suite only",
                    path.display()
                );
                let hint = "vary the file: `file: prompt-$(matrix.AXIS).j2`, or put the text into \
                            the suite"
                    .to_owned();
                self.complain_with_hint(&pointer, message, hint);
                None
            }
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                let (role, file) = (role.as_str().to_owned(), Some(path));
                Some(Source { role, text, folder, file, pointer })
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
                    let is_undefined = error.message.contains("undefined variable")
                        || error.message.contains("no column");
                    let hint = columns.filter(|_| is_undefined);
                    let line = error.line.map_or(1, |line| line as u64);
                    let elsewhere = source.file.map(|path| FilePlace { path, line });
                    let mistake = Mistake { hint, ..Mistake::at(place, error.message) };
                    self.mistakes.push(mistake.elsewhere(elsewhere));
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

/// A message's template before it is compiled.
struct Source {
    role: String,
    text: String,
    /// Where its includes are looked up.
    folder: PathBuf,
    /// The file that it comes from, where that is not the suite.
    file: Option<PathBuf>,
    /// Where it stands in the suite.
    pointer: String,
}
