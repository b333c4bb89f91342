//! What a prompt asks for beside its messages: tools, and the form of the answer; and what its models'
//! providers lack of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Checker, models::kind, suggest};
use crate::{
    feature::Feature,
    media_template::MediaKind,
    prompt::{PartTemplate, Prompt},
    provider::EXTRA,
    request::ResponseSchema,
    suite::{
        document::Document,
        misfits::misfits_by,
        mistake::Mistake,
        raw::{RawJsonSchema, RawModel, RawPrompt, RawTool, RawToolChoice, RawToolMode, RawTools},
        schema::plain_schema,
    },
    tools::{Tool, ToolChoice, Tools},
};

/// Parameters that say what a prompt says under a key of its own, in most protocols.
const SAID_BY_PROMPTS: [(&str, &str); 3] =
    [("tools", "tools"), ("tools", "tool_choice"), ("json_schema", "response_format")];
/// What a schema is called that has no title.
const SCHEMA_NAME: &str = "answer";

/// What a prompt asks for beside its messages.
#[derive(Default)]
pub(super) struct AskedBeside {
    pub(super) tools: Option<Arc<Tools>>,
    pub(super) response_schema: Option<Arc<ResponseSchema>>,
}

impl AskedBeside {
    /// Puts what stands in files into the prompt as it is kept.
    pub(super) fn inline(&self, prompt: &mut Value) {
        if let Some(tools) = &self.tools {
            prompt["tools"] = json!(tools.tools);
        }
        if let Some(schema) = &self.response_schema {
            prompt["json_schema"] = schema.schema.clone();
        }
    }
}

impl Checker<'_> {
    pub(super) fn asked_beside(&mut self, i: usize, raw: &RawPrompt) -> AskedBeside {
        let at = format!("/prompts/{i}");
        AskedBeside { tools: self.tools(&at, raw), response_schema: self.json_schema(&at, raw) }
    }

    fn tools(&mut self, at: &str, raw: &RawPrompt) -> Option<Arc<Tools>> {
        let pointer = format!("{at}/tools");
        let listed = match &raw.tools {
            None => {
                if raw.tool_choice.is_some() {
                    self.complain(&format!("{at}/tool_choice"), "there are no `tools` to choose");
                }
                return None;
            }
            Some(RawTools::Listed(tools)) => tools.clone(),
            Some(RawTools::File(file)) => self.tools_of_file(&pointer, file)?,
        };
        if listed.is_empty() {
            self.complain(&pointer, "`tools` is empty; it needs at least 1");
        }
        let mut tools: Vec<Tool> = Vec::new();
        for (k, RawTool { name, description, parameters }) in listed.into_iter().enumerate() {
            let place = format!("{pointer}/{k}");
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
                let message = "a tool's name has 1 to 64 letters, digits, `_` and `-`";
                self.complain(&place, message);
            } else if tools.iter().any(|tool| tool.name == name) {
                self.complain(&place, format!("there are two tools `{name}`"));
            }
            let none = || json!({ "type": "object", "properties": {} });
            let parameters = parameters.map_or_else(none, Value::from);
            self.valid_schema(&place, &format!("the parameters of `{name}`"), &parameters);
            if parameters["type"] != "object" {
                let message = format!("the parameters of `{name}` need `type: object`");
                self.complain(&place, message);
            }
            tools.push(Tool { name, description, parameters });
        }
        let tool_choice = self.tool_choice(&format!("{at}/tool_choice"), raw, &tools);
        (!tools.is_empty()).then(|| Arc::new(Tools { tools, tool_choice }))
    }

    fn tool_choice(&mut self, at: &str, raw: &RawPrompt, tools: &[Tool]) -> Option<ToolChoice> {
        match raw.tool_choice.as_ref()? {
            RawToolChoice::Mode(RawToolMode::Auto) => Some(ToolChoice::Auto),
            RawToolChoice::Mode(RawToolMode::None) => Some(ToolChoice::None),
            RawToolChoice::Mode(RawToolMode::Required) => Some(ToolChoice::Required),
            RawToolChoice::Tool(tool) => {
                let known: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
                if !known.contains(&tool.name.as_str()) {
                    let message = format!("there is no tool `{}`", tool.name);
                    self.complain_with_hint(at, message, suggest(&tool.name, &known, "the tools"));
                }
                Some(ToolChoice::Name(tool.name.clone()))
            }
        }
    }

    /// The tools of a file, as they are written here or as the large providers have them.
    fn tools_of_file(&mut self, at: &str, file: &str) -> Option<Vec<RawTool>> {
        let (mut document, path) = self.json_file(at, file)?;
        for tool in document.value.as_array_mut().into_iter().flatten() {
            if tool["type"] == "function" && tool["function"].is_object() {
                *tool = tool["function"].take();
            }
            if let Some(tool) = tool.as_object_mut() {
                tool.retain(|key, _| !matches!(key.as_str(), "type" | "strict"));
                if let Some(schema) = tool.shift_remove("input_schema") {
                    tool.insert("parameters".to_owned(), schema);
                }
            }
        }
        let schema = plain_schema::<Vec<RawTool>>();
        let validator = jsonschema::validator_for(&schema).ok()?;
        let misfits = misfits_by(&validator, &document.value, &schema);
        for misfit in &misfits {
            let place = document.position(&misfit.pointer);
            let message = misfit.mistake.message.replace("the suite", "the file");
            let message = format!("{path}:{}:{}: {message}", place.line, place.column);
            let hint = misfit.mistake.hint.clone();
            self.mistakes
                .push(Mistake { hint, ..Mistake::at(self.document.position(at), message) });
        }
        serde_json::from_value(document.value).ok().filter(|_| misfits.is_empty())
    }

    fn json_schema(&mut self, at: &str, raw: &RawPrompt) -> Option<Arc<ResponseSchema>> {
        let at = format!("{at}/json_schema");
        let schema = match raw.json_schema.as_ref()? {
            RawJsonSchema::Written(schema) => Value::from(schema.clone()),
            RawJsonSchema::File(file) => self.json_file(&at, file)?.0.value,
        };
        if !schema.is_object() {
            self.complain(&at, "a JSON Schema is a mapping");
            return None;
        }
        self.valid_schema(&at, "`json_schema`", &schema);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let title = schema["title"].as_str().unwrap_or_default();
        let name: String =
            title.chars().map(|c| if is_plain(c) { c } else { '_' }).take(64).collect();
        let name = if name.is_empty() { SCHEMA_NAME.into() } else { name.into() };
        Some(Arc::new(ResponseSchema { name, schema }))
    }

    /// A file with JSON or YAML, and its path as messages name it.
    fn json_file(&mut self, at: &str, file: &str) -> Option<(Document, String)> {
        let path = self.folder.join(file);
        let shown = path.display().to_string();
        let text = match self.prompt_access.read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                self.complain(at, format!("the file {shown} {error}"));
                return None;
            }
        };
        match Document::parse(&text) {
            Ok(document) => Some((document, shown)),
            Err(mistake) => {
                let place = mistake.position;
                let (line, column) = (place.line, place.column);
                let message = format!("{shown}:{line}:{column}: {}", mistake.message);
                self.complain(at, message);
                None
            }
        }
    }

    fn valid_schema(&mut self, at: &str, what: &str, schema: &Value) {
        if let Err(error) = jsonschema::validator_for(schema) {
            let message = format!("{what} are no JSON Schema: {}", error.masked());
            let message =
                if what.starts_with('`') { message.replace(" are ", " is ") } else { message };
            self.complain(at, message);
        }
    }

    /// Complains of what prompts ask for, and the providers of the models that are asked lack.
    pub(super) fn features(
        &mut self,
        raw: &[RawPrompt],
        prompts: &mut [Prompt],
        models: &[RawModel],
        candidates: &[usize],
    ) {
        let readers = self.readers;
        for model in candidates.iter().map(|i| (*i, &models[*i])) {
            let Some(provider) = kind(readers, model.1) else { continue };
            for (i, (prompt, raw)) in prompts.iter_mut().zip(raw).enumerate() {
                for (feature, below) in needed(prompt, raw) {
                    if !provider.has(feature) {
                        let message = format!(
                            "prompt `{}` has {feature}, which `provider: {}` of model `{}` lacks",
                            prompt.name, provider.name, model.1.name
                        );
                        self.complain(&format!("/prompts/{i}{below}"), message);
                    }
                }
                refuse_addresses(prompt, |feature| provider.has(feature), provider.name);
                self.said_twice(i, prompt, model, provider.said_by_prompts);
            }
        }
    }

    /// Complains of parameters of a model that say what the prompt says.
    fn said_twice(
        &mut self,
        i: usize,
        prompt: &Prompt,
        (k, model): (usize, &RawModel),
        own: &[(&'static str, &'static str)],
    ) {
        let params = Value::from(model.params.clone());
        for (key, param) in SAID_BY_PROMPTS.iter().chain(own) {
            let is_said = match *key {
                "tools" => prompt.tools.is_some(),
                _ => prompt.response_schema.is_some(),
            };
            let pointer = param.replace('.', "/");
            let places = [pointer.clone(), format!("{EXTRA}/{pointer}")];
            let at = |below: &String| params.pointer(&format!("/{below}")).is_some();
            let below = places.into_iter().filter(|_| is_said).find(at);
            if let Some(below) = below {
                let message = format!(
                    "`{param}` stands in the params of model `{}`, and prompt `{}` has `{key}`",
                    model.name, prompt.name
                );
                let line = self.document.position(&format!("/prompts/{i}/{key}")).line;
                let hint = format!("say it once: in the prompt (line {line}), or in `params`");
                self.complain_with_hint(&format!("/models/{k}/params/{below}"), message, hint);
            }
        }
    }
}

/// What a prompt asks for that providers may lack, and where it stands below the prompt.
fn needed(prompt: &Prompt, raw: &RawPrompt) -> Vec<(Feature, String)> {
    let mut needed = Vec::new();
    // Prompts that are more than one text of a user's are told in `asked_features.rs`.
    let is_one_text = matches!(&*prompt.messages, [message] if message.role == "user");
    if is_one_text && prompt.examples.as_ref().is_some_and(|examples| examples.turns.is_some()) {
        needed.push((Feature::Conversation, "/examples".to_owned()));
    }
    for (k, message) in prompt.messages.iter().enumerate() {
        for (j, part) in message.parts.iter().enumerate() {
            let PartTemplate::Media(media) = part else { continue };
            let feature = match media.kind {
                MediaKind::Image => Feature::Images,
                MediaKind::Audio => Feature::Audio,
                MediaKind::File => Feature::Files,
            };
            let below = match &raw.messages {
                Some(_) => format!("/messages/{k}/content/{j}"),
                None => "/file".to_owned(),
            };
            needed.push((feature, below));
        }
    }
    if let Some(tools) = &prompt.tools {
        needed.push((Feature::Tools, "/tools".to_owned()));
        let choice = match tools.tool_choice {
            None | Some(ToolChoice::Auto) => None,
            Some(ToolChoice::None | ToolChoice::Required) => Some(Feature::ToolChoice),
            Some(ToolChoice::Name(_)) => Some(Feature::NamedTool),
        };
        needed.extend(choice.map(|feature| (feature, "/tool_choice".to_owned())));
    }
    if prompt.response_schema.is_some() {
        needed.push((Feature::JsonSchema, "/json_schema".to_owned()));
    }
    needed
}

/// Makes a prompt refuse addresses that a provider does not fetch.
fn refuse_addresses(prompt: &mut Prompt, has: impl Fn(Feature) -> bool, provider: &str) {
    for part in prompt.messages.iter_mut().flat_map(|message| &mut message.parts) {
        let PartTemplate::Media(media) = part else { continue };
        let fetches = match media.kind {
            MediaKind::Image => has(Feature::MediaUrls),
            MediaKind::File => has(Feature::FileUrls),
            // No protocol fetches sound.
            MediaKind::Audio => false,
        };
        if !fetches {
            media.fetches_nothing = Some(provider.to_owned());
        }
    }
}
