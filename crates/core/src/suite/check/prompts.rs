//! Checking the `prompts` section: files are read, templates compiled and tried.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    Checker,
    chat::{self, FileMistake},
    examples::ExamplePool,
    prompt_sources::{Base, MessageSource, PartSource, part_of},
};
use crate::{
    dataset::DatasetSpec,
    fields::Fields,
    item::Item,
    media_template::MediaTemplate,
    prompt::{MessageTemplate, PartTemplate, Prompt},
    prompt_hash::prompt_hash,
    source_place::FilePlace,
    suite::{
        matrix,
        mistake::Mistake,
        raw::{RawContent, RawExamples, RawMessage, RawPart, RawPrompt, RawRole},
    },
    template::Template,
};

impl Checker<'_> {
    pub(super) fn prompts(
        &mut self,
        raw: &[RawPrompt],
        data: (Option<&DatasetSpec>, Option<&Item>),
        effective: &mut Value,
    ) -> Option<Vec<Prompt>> {
        let prompts = raw.iter().enumerate().map(|(i, raw)| {
            let n_mistakes = self.mistakes.len();
            let asked = self.asked_beside(i, raw);
            let sources = self.messages(i, raw)?;
            let place = self.prompt_place(i, raw, &sources);
            let kept = &mut effective["prompts"][i];
            kept["messages"] = sources.iter().map(MessageSource::inlined).collect();
            asked.inline(kept);
            let pool = self.pool_of(i, raw, data.0);
            let rows = pool.as_ref().map(|(raw, pool)| {
                pool.inline(kept);
                pool.tried(raw.count)
            });
            let rows = rows.or_else(|| raw.examples.is_some().then(Vec::new));
            let messages = self.compile(&raw.name, sources, (data.1, rows.as_deref()))?;
            let mut prompt = Prompt {
                name: raw.name.as_str().into(),
                hash: "".into(),
                place,
                messages,
                examples: None,
                tools: asked.tools,
                response_schema: asked.response_schema,
            };
            if let (Some(pool), (Some(dataset), Some(first))) = (pool, data) {
                let at = format!("/prompts/{i}");
                prompt.examples = self.examples(&at, pool, &prompt, (dataset, first));
            }
            let mut included: Map<_, _> = prompt
                .templates()
                .flat_map(Template::included)
                .map(|(n, s)| (n, s.into()))
                .collect();
            included.extend(self.included_by_library(raw));
            self.declared_variables(i, raw, data.1);
            if !included.is_empty() {
                effective["prompts"][i]["included"] = included.into();
            }
            prompt.hash = prompt_hash(&effective["prompts"][i]);
            (self.mistakes.len() == n_mistakes).then_some(prompt)
        });
        prompts.collect::<Vec<_>>().into_iter().collect()
    }

    /// A prompt's `examples`, and the rows that they are chosen from.
    fn pool_of<'r>(
        &mut self,
        i: usize,
        raw: &'r RawPrompt,
        dataset: Option<&DatasetSpec>,
    ) -> Option<(&'r RawExamples, ExamplePool)> {
        let examples = raw.examples.as_ref()?;
        Some((examples, self.example_pool(&format!("/prompts/{i}"), examples, dataset?)?))
    }

    /// Where a prompt stands: the file that it names, the first that a message of it names, or its line in
    /// the suite.
    fn prompt_place(&self, i: usize, raw: &RawPrompt, sources: &[MessageSource]) -> FilePlace {
        let own = raw.file.as_ref().map(|file| self.folder.join(file));
        match own
            .or_else(|| sources.iter().flat_map(|m| &m.parts).find_map(|part| part.file.clone()))
        {
            Some(path) => FilePlace { path, line: 1 },
            None => FilePlace {
                path: self.path.clone(),
                line: self.document.position(&format!("/prompts/{i}")).line.max(1),
            },
        }
    }

    /// The sources of a prompt's messages, files read.
    fn messages(&mut self, i: usize, raw: &RawPrompt) -> Option<Vec<MessageSource>> {
        let at = format!("/prompts/{i}");
        match (&raw.template, &raw.file, &raw.messages, &raw.used) {
            (Some(text), None, None, None) => {
                let part = PartSource {
                    kind: None,
                    text: text.clone(),
                    folder: self.folder.clone(),
                    file: None,
                    first_line: 1,
                    pointer: format!("{at}/template"),
                };
                Some(vec![MessageSource::of_text(RawRole::User, part)])
            }
            (None, Some(file), None, None) => {
                let folder = self.folder.clone();
                let source = self.prompt_file(file, &folder, format!("{at}/file"))?;
                match chat::kind_of(file, &source.text) {
                    chat::Kind::Text => Some(vec![MessageSource::of_text(RawRole::User, source)]),
                    chat::Kind::Chat => self.chat_file(file, &source),
                    chat::Kind::Other(message) => {
                        let hint = chat::FORM.to_owned();
                        self.complain_with_hint(&source.pointer, message, hint);
                        None
                    }
                }
            }
            (None, None, None, Some(name)) => {
                let prompt = self.library_prompt(i, name)?;
                Some(prompt.sources(&format!("{at}/use")))
            }
            (None, None, Some(messages), None) => {
                let folder = self.folder.clone();
                let read = |(k, message)| {
                    let at = format!("{at}/messages/{k}");
                    let base = Base { folder: &folder, file: None, pointer: &at, is_suite: true };
                    self.message("a message", message, base)
                };
                let sources: Vec<_> = messages.iter().enumerate().map(read).collect();
                sources.into_iter().collect()
            }
            _ if self.document.lost(&at) => None,
            _ => {
                let name = &raw.name;
                let message = format!(
                    "prompt `{name}` needs exactly one of `template`, `file`, `messages`, `use`"
                );
                self.complain(&at, message);
                None
            }
        }
    }

    /// The messages of a file, as they could stand in the suite.
    fn chat_file(&mut self, file: &str, chat: &PartSource) -> Option<Vec<MessageSource>> {
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
        let sources = messages.iter().enumerate().map(|(i, message)| {
            let base = Base {
                folder: &chat.folder,
                file: chat.file.as_deref(),
                pointer: &chat.pointer,
                is_suite: false,
            };
            self.message(&format!("{file}: message {}", i + 1), message, base)
        });
        sources.collect::<Vec<_>>().into_iter().collect()
    }

    /// A message, which mistakes call `what`.
    fn message(&mut self, what: &str, raw: &RawMessage, at: Base<'_>) -> Option<MessageSource> {
        let part = |kind, text: &str, pointer: String| PartSource {
            kind,
            text: text.to_owned(),
            folder: at.folder.to_owned(),
            file: at.file.map(Path::to_owned),
            first_line: 1,
            pointer,
        };
        match (&raw.content, &raw.file) {
            (Some(RawContent::Text(text)), None) => {
                Some(MessageSource::of_text(raw.role, part(None, text, at.below("content"))))
            }
            (Some(RawContent::Parts(parts)), None) => {
                let read = |(i, raw): (usize, &RawPart)| {
                    let pointer = at.below(&format!("content/{i}"));
                    let Some((kind, text)) = part_of(raw) else {
                        let message = format!(
                            "{what}: a part needs exactly one of `text`, `image`, `audio`, `file`"
                        );
                        if !self.document.lost(&pointer) {
                            self.complain(&pointer, message);
                        }
                        return None;
                    };
                    Some(part(kind, text, pointer))
                };
                let parts = parts.iter().enumerate().map(read).collect::<Vec<_>>();
                let parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
                Some(MessageSource { role: raw.role.as_str().to_owned(), is_text: false, parts })
            }
            (None, Some(file)) => {
                let source = self.prompt_file(file, at.folder, at.below("file"))?;
                Some(MessageSource::of_text(raw.role, source))
            }
            _ if at.is_suite && self.document.lost(at.pointer) => None,
            _ => {
                let needs = "needs exactly one of `content` and `file`";
                self.complain(at.pointer, format!("{what} {needs}"));
                None
            }
        }
    }

    fn prompt_file(&mut self, file: &str, folder: &Path, pointer: String) -> Option<PartSource> {
        let path = folder.join(file);
        match self.prompt_access.read_text(&path) {
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
                Some(PartSource {
                    kind: None,
                    text,
                    folder,
                    file: Some(path),
                    first_line: 1,
                    pointer,
                })
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
        sources: Vec<MessageSource>,
        tried: Tried<'_>,
    ) -> Option<Vec<MessageTemplate>> {
        let compiled = sources.into_iter().map(|source| {
            let parts = source.parts.into_iter().map(|part| self.part(prompt, part, tried));
            let parts = parts.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?;
            Some(MessageTemplate { role: source.role, parts })
        });
        compiled.collect::<Vec<_>>().into_iter().collect()
    }

    /// A part of a message, compiled, and tried on the first item.
    fn part(
        &mut self,
        prompt: &str,
        source: PartSource,
        (first, examples): Tried<'_>,
    ) -> Option<PartTemplate> {
        let name = format!("prompt `{prompt}`");
        let template = Template::compile(&name, &source.text, &source.folder, &self.prompt_access);
        let part = template.map(|template| match source.kind {
            None => PartTemplate::Text(template),
            Some(kind) => PartTemplate::Media(MediaTemplate {
                kind,
                source: template,
                prompt: name,
                folder: source.folder,
                access: self.prompt_access.clone(),
                fetches_nothing: None,
            }),
        });
        let rendered = part.and_then(|part| {
            if let Some(item) = first {
                part.render(&item.fields, examples)?;
            }
            Ok(part)
        });
        match rendered {
            Ok(part) => Some(part),
            Err(error) => {
                let error = error.moved(source.first_line);
                let columns = first.map(|item| {
                    let names: Vec<_> = item.fields.keys().map(String::as_str).collect();
                    format!("the dataset's columns: {}", names.join(", "))
                });
                let place = self.document.position(&source.pointer);
                let is_undefined = error.message.contains("undefined variable")
                    || error.message.contains("no column");
                let hint = columns.filter(|_| is_undefined);
                let line = error.line.map_or(source.first_line, |line| line as u64);
                let elsewhere = source.file.map(|path| FilePlace { path, line });
                let mistake = Mistake { hint, ..Mistake::at(place, error.message) };
                self.mistakes.push(mistake.elsewhere(elsewhere));
                None
            }
        }
    }
}

/// What templates are tried on: the first item, and examples where the prompt has some.
type Tried<'a> = (Option<&'a Item>, Option<&'a [Fields]>);
