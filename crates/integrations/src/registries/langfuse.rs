//! Langfuse's prompts: versions with labels, whose configuration holds the model and what a push leaves.

use evalmark_core::prompt_library::FrontMatter;
use evalmark_net::Secret;
use serde_json::{Map, Value, json};

use super::{
    content::{Body, Content, PushRecord},
    error::RegistryError,
    registry::{ModelOfConfig, NewVersion, Registry, RegistryRequest, RegistryVersion, See},
    settings::certificates,
    template::Dialect,
};
use crate::services::{
    langfuse::{
        CLOUD, LangfuseServer, PUBLIC_KEY, SECRET_KEY, login,
        prompts::{LangfusePrompt, NewPrompt},
    },
    rest::{RestError, RestServer, server_address, shown},
};

/// What settings and commands call it.
pub(super) const NAME: &str = "langfuse";
/// The key of the configuration under which a push leaves its [`PushRecord`].
const RECORD: &str = "evalmark";
/// What to do where a server does not let one in.
const KEYS: &str =
    "the public and the secret key must be of the project that has the prompts, and of this server";
/// What to do where the address is wrong.
const SERVER: &str = "write `langfuse: { url: https://HOST }` into registries.yaml beside the library, or add \
                      `--server URL`";
/// The longest label.
const MOST_OF_LABEL: usize = 36;
/// The longest name.
const MOST_OF_NAME: usize = 255;
/// Keys of a configuration that are parameters of a model; teams keep other things there, too.
const PARAMETERS: [&str; 18] = [
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "stop",
    "stop_sequences",
    "reasoning_effort",
    "logprobs",
    "top_logprobs",
    "n",
    "verbosity",
];

/// The prompts of a project.
pub(super) struct LangfusePrompts {
    server: LangfuseServer,
}

impl LangfusePrompts {
    pub(super) fn open(request: &RegistryRequest<'_>) -> Result<Self, RegistryError> {
        let settings = request.settings.langfuse.clone().unwrap_or_default();
        let named = request.server.or(settings.url.as_deref()).unwrap_or(CLOUD);
        let url = server_address(named).map_err(|why| {
            RegistryError::new(NAME, format!("the server's address {why}")).hint(SERVER)
        })?;
        let key = |named: &Option<String>, usual: &str| {
            let key = request.keys.key(named.as_deref().unwrap_or(usual), &url);
            key.map_err(|error| RegistryError::of_key(&shown(&url), &error))
        };
        let public = key(&settings.public_key_env, PUBLIC_KEY)?;
        let secret = key(&settings.secret_key_env, SECRET_KEY)?;
        let login = login(public.trim(), Secret::new(secret.trim()));
        let trusted = certificates(request.folder, settings.ca_file.as_deref())?;
        let rest = RestServer::open(&url, login, trusted.as_deref());
        let rest = rest.map_err(|error| RegistryError::of_server(&shown(&url), &error, KEYS))?;
        Ok(Self { server: LangfuseServer { rest } })
    }
}

fn read(prompt: LangfusePrompt) -> Result<RegistryVersion, RestError> {
    let mut lost = Vec::new();
    if prompt.is_composed {
        lost.push("its references to other prompts: their texts stand in their place".to_owned());
    }
    let body = body(&prompt, &mut lost)?;
    let (config, record) = match prompt.config {
        Value::Object(mut config) => {
            let record = config.shift_remove(RECORD);
            let text = |key: &str| record.as_ref()?.get(key)?.as_str().map(str::to_owned);
            (config, PushRecord::read(text))
        }
        Value::Null => (Map::new(), None),
        _ => {
            lost.push("its configuration, which is no mapping".to_owned());
            (Map::new(), None)
        }
    };
    let content = Content { body, config };
    Ok(RegistryVersion { version: prompt.version, content, record, tags: prompt.tags, lost })
}

fn body(prompt: &LangfusePrompt, lost: &mut Vec<String>) -> Result<Body, RestError> {
    let unreadable = |message: &str| RestError::Unreadable {
        place: format!("version {}, prompt", prompt.version),
        message: message.to_owned(),
    };
    if prompt.kind != "chat" {
        let text = prompt.prompt.as_str().ok_or_else(|| unreadable("it is no text"))?;
        return Ok(Body::Text(text.to_owned()));
    }
    let messages_there =
        prompt.prompt.as_array().ok_or_else(|| unreadable("the chat is no list"))?;
    let mut messages = Vec::new();
    for message in messages_there {
        if message["type"] == "placeholder" {
            let name = message["name"].as_str().unwrap_or_default();
            lost.push(format!("the placeholder `{name}` for messages of a chat"));
            continue;
        }
        let text = |key: &str| message[key].as_str().map(str::to_owned);
        let (Some(role), Some(content)) = (text("role"), text("content")) else {
            return Err(unreadable("a message has no text"));
        };
        messages.push((role, content));
    }
    Ok(Body::Chat(messages))
}

impl Registry for LangfusePrompts {
    fn place(&self) -> String {
        self.server.rest.name()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Variables
    }

    fn alias_word(&self) -> &'static str {
        "label"
    }

    fn told(&self, error: &RestError) -> RegistryError {
        RegistryError::of_server(&self.place(), error, KEYS)
    }

    fn name_of(&self, name: &str) -> Result<String, String> {
        if name.len() > MOST_OF_NAME {
            Err(format!("has a name of more than {MOST_OF_NAME} bytes"))
        } else if name.contains('|') {
            Err("has a `|` in its name, which Langfuse's names do not have".to_owned())
        } else if name.split('/').any(|part| part == "new" || part == "metrics") {
            Err("has the name of one of Langfuse's own pages".to_owned())
        } else {
            Ok(name.to_owned())
        }
    }

    fn config(&self, front_matter: &FrontMatter) -> Map<String, Value> {
        let mut config = Map::new();
        let provider = front_matter.provider.as_ref().map(|provider| ("provider", provider));
        let model = front_matter.model.as_ref().map(|model| ("model", model));
        for (key, value) in provider.into_iter().chain(model) {
            config.insert(key.to_owned(), value.as_str().into());
        }
        config.extend(front_matter.parameters.clone());
        config
    }

    fn model(&self, config: &Map<String, Value>) -> ModelOfConfig {
        let mut model = ModelOfConfig::default();
        for (key, value) in config {
            match (key.as_str(), value) {
                (_, Value::Null) => {}
                ("provider", Value::String(text)) => model.provider = Some(text.clone()),
                ("model", Value::String(text)) => model.model = Some(text.clone()),
                (key, value) if PARAMETERS.contains(&key) => {
                    model.parameters.insert(key.to_owned(), value.clone());
                }
                (key, _) => model.lost.push(format!("`{key}` of its configuration")),
            }
        }
        model
    }

    fn newest_first(&self, name: &str, see: &mut See<'_>) -> Result<bool, RestError> {
        let versions = self.server.prompt_versions(name)?;
        for version in &versions {
            let found = self.version(name, *version)?;
            if found.is_some_and(|version| !see(version)) {
                break;
            }
        }
        Ok(!versions.is_empty())
    }

    fn version(&self, name: &str, version: u64) -> Result<Option<RegistryVersion>, RestError> {
        self.server.prompt(name, ("version", &version.to_string()))?.map(read).transpose()
    }

    fn aliased(&self, name: &str, alias: &str) -> Result<Option<RegistryVersion>, RestError> {
        self.server.prompt(name, ("label", alias))?.map(read).transpose()
    }

    fn create(&self, name: &str, new: &NewVersion<'_>) -> Result<u64, RestError> {
        let (kind, prompt) = match &new.content.body {
            Body::Text(text) => ("text", text.as_str().into()),
            Body::Chat(messages) => {
                let messages = messages.iter();
                let messages =
                    messages.map(|(role, text)| json!({ "role": role, "content": text }));
                ("chat", messages.collect())
            }
        };
        let mut config = new.content.config.clone();
        let record = new.record.entries();
        let record = record.map(|(key, value)| (key.to_owned(), value.into()));
        config.insert(RECORD.to_owned(), Value::Object(record.collect()));
        self.server.create_prompt(&NewPrompt {
            name,
            kind,
            prompt,
            config: Value::Object(config),
            tags: &new.front_matter.tags,
            message: new.message,
        })
    }

    fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RestError> {
        self.server.set_label(name, alias, version)
    }

    fn check_alias(&self, alias: &str) -> Result<(), String> {
        let fits =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
        if alias == "latest" {
            Err("is the label that Langfuse moves itself".to_owned())
        } else if alias.is_empty() || alias.len() > MOST_OF_LABEL || !alias.chars().all(fits) {
            Err(format!(
                "is no label: those have small letters, digits, `_`, `-` and `.`, at most {MOST_OF_LABEL}"
            ))
        } else {
            Ok(())
        }
    }
}
