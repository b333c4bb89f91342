//! `MLflow`'s prompt registry: registered models that are tagged as prompts, whose versions hold the text in a tag, as
//! `MLflow`'s own client writes and reads them.

use evalmark_core::prompt_library::FrontMatter;
use evalmark_net::Url;
use serde_json::{Map, Value};

use super::{
    content::{Body, Content, PushRecord},
    error::RegistryError,
    registry::{ModelOfConfig, NewVersion, Registry, RegistryRequest, RegistryVersion, See},
    settings::MlflowSettings,
    template::Dialect,
};
use crate::services::{
    mlflow::{
        MlflowServer, NAME_AND_PASSWORD, TOKEN,
        prompts::{NewModelVersion, PromptVersion},
    },
    rest::{Login, RestError, server_address, shown},
};

/// What settings and commands call it.
pub(super) const NAME: &str = "mlflow";
/// What is put before the keys of a [`PushRecord`]; Databricks has no tags with dots.
const PREFIX: &str = "evalmark_";
/// What to do where no server is named.
const SERVER: &str = "write `mlflow: { url: http://HOST:PORT }` into registries.yaml beside the library, or add \
                      `--server URL`, or set MLFLOW_TRACKING_URI";
/// What to do where a server wants to know who asks.
const KEYS: &str = "name the variable with a token as `token_env` under `mlflow` in registries.yaml, or set \
                    MLFLOW_TRACKING_TOKEN";
/// The most letters of a tag.
const MOST_LETTERS: usize = 100_000;

/// The registry of a tracking server.
pub(super) struct MlflowPrompts {
    server: MlflowServer,
}

impl MlflowPrompts {
    pub(super) fn open(request: &RegistryRequest<'_>) -> Result<Self, RegistryError> {
        let settings = request.settings.mlflow.clone().unwrap_or_default();
        let named = request.server.or(settings.url.as_deref());
        let named =
            named.ok_or_else(|| RegistryError::new(NAME, "no server is named").hint(SERVER))?;
        let url = server_address(named).map_err(|why| {
            RegistryError::new(NAME, format!("the server's address {why}")).hint(SERVER)
        })?;
        let login = login(request, &settings, &url)?;
        let trusted = super::settings::certificates(request.folder, settings.ca_file.as_deref())?;
        let rest = crate::services::rest::RestServer::open(&url, login, trusted.as_deref());
        let rest = rest.map_err(|error| RegistryError::of_server(&shown(&url), &error, KEYS))?;
        Ok(Self { server: MlflowServer { rest } })
    }
}

fn read(version: &PromptVersion) -> Result<RegistryVersion, RestError> {
    let mut lost = Vec::new();
    let body = body(version)?;
    let config = version.json("_mlflow_prompt_model_config")?;
    let config = match config {
        Some(Value::Object(config)) => config,
        Some(_) => {
            lost.push("its model configuration, which is no mapping".to_owned());
            Map::new()
        }
        None => Map::new(),
    };
    if version.tag("_mlflow_prompt_response_format").is_some() {
        lost.push("its response format; a suite has `json_schema` beside `use`".to_owned());
    }
    let record = PushRecord::read(|key| version.tag(&format!("{PREFIX}{key}")).map(str::to_owned));
    let own = |name: &str| {
        name.starts_with("mlflow.") || name.starts_with("_mlflow") || name.starts_with(PREFIX)
    };
    let others: Vec<_> =
        version.tag_names().filter(|name| !own(name)).map(|n| format!("`{n}`")).collect();
    if !others.is_empty() {
        lost.push(format!("its tags {}", others.join(", ")));
    }
    let number = version.number()?;
    Ok(RegistryVersion {
        version: number,
        content: Content { body, config },
        record,
        tags: Vec::new(),
        lost,
    })
}

fn read_found(version: Option<&PromptVersion>) -> Result<Option<RegistryVersion>, RestError> {
    version.map(read).transpose()
}

/// What proves who asks: what the settings name, or what `MLflow`'s own client takes from the environment.
fn login(
    request: &RegistryRequest<'_>,
    settings: &MlflowSettings,
    url: &Url,
) -> Result<Login, RegistryError> {
    let place = shown(url);
    let key = |variable: &str| {
        let key = request.keys.key(variable, url);
        key.map(|key| evalmark_net::Secret::new(key.trim()))
            .map_err(|error| RegistryError::of_key(&place, &error))
    };
    if let Some(variable) = &settings.token_env {
        return Ok(Login::Bearer(key(variable)?));
    }
    if let (Some(user), Some(variable)) = (&settings.user, &settings.password_env) {
        return Ok(Login::Basic(user.clone(), key(variable)?));
    }
    let [name, password] = NAME_AND_PASSWORD;
    if request.keys.is_set(name) && request.keys.is_set(password) {
        return Ok(Login::Basic(key(name)?.expose().to_owned(), key(password)?));
    }
    Ok(if request.keys.is_set(TOKEN) { Login::Bearer(key(TOKEN)?) } else { Login::None })
}

/// The text of a version.
fn body(version: &PromptVersion) -> Result<Body, RestError> {
    let unreadable = |message: &str| RestError::Unreadable {
        place: format!("version {}, mlflow.prompt.text", version.version),
        message: message.to_owned(),
    };
    let text =
        version.tag("mlflow.prompt.text").ok_or_else(|| unreadable("there is no such tag"))?;
    if version.tag("_mlflow_prompt_type") != Some("chat") {
        return Ok(Body::Text(text.to_owned()));
    }
    let messages = version.json("mlflow.prompt.text")?.unwrap_or_default();
    let messages = messages.as_array().ok_or_else(|| unreadable("the chat is no list"))?;
    let message = |message: &Value| {
        let text = |key: &str| message[key].as_str().map(str::to_owned);
        Some((text("role")?, text("content")?))
    };
    let messages: Option<Vec<_>> = messages.iter().map(message).collect();
    messages.map(Body::Chat).ok_or_else(|| unreadable("a message has no text"))
}

/// The text as `MLflow`'s client writes it.
fn text_of(body: &Body) -> (&'static str, String) {
    match body {
        Body::Text(text) => ("text", text.clone()),
        Body::Chat(messages) => {
            let messages = messages.iter();
            let messages: Value = messages
                .map(|(role, text)| serde_json::json!({ "role": role, "content": text }))
                .collect();
            ("chat", messages.to_string())
        }
    }
}

impl Registry for MlflowPrompts {
    fn place(&self) -> String {
        self.server.rest.name()
    }

    fn dialect(&self) -> Dialect {
        Dialect::VariablesOrJinja
    }

    fn alias_word(&self) -> &'static str {
        "alias"
    }

    fn told(&self, error: &RestError) -> RegistryError {
        RegistryError::of_server(&self.place(), error, KEYS)
    }

    fn name_of(&self, name: &str) -> Result<String, String> {
        let name = name.replace('/', ".");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.chars().all(fits) {
            Ok(name)
        } else {
            Err("has characters that MLflow's names do not have: letters, digits, `_`, `-` and `.`"
                .to_owned())
        }
    }

    fn config(&self, front_matter: &FrontMatter) -> Map<String, Value> {
        let mut config = Map::new();
        let mut set = |key: &str, value: Option<&String>| {
            if let Some(value) = value {
                config.insert(key.to_owned(), value.as_str().into());
            }
        };
        set("provider", front_matter.provider.as_ref());
        set("model_name", front_matter.model.as_ref());
        for (name, value) in &front_matter.parameters {
            let (name, value) = match (name.as_str(), value) {
                ("stop", Value::String(_)) => ("stop_sequences", Value::Array(vec![value.clone()])),
                ("stop", _) => ("stop_sequences", value.clone()),
                (name, value) => (name, value.clone()),
            };
            config.insert(name.to_owned(), value);
        }
        config
    }

    fn model(&self, config: &Map<String, Value>) -> ModelOfConfig {
        let mut model = ModelOfConfig::default();
        for (key, value) in config {
            match (key.as_str(), value) {
                (_, Value::Null) => {}
                ("provider", Value::String(text)) => model.provider = Some(text.clone()),
                ("model_name", Value::String(text)) => model.model = Some(text.clone()),
                ("provider" | "model_name", _) => {
                    model.lost.push(format!("`{key}`, which is no text"));
                }
                ("stop_sequences", value) => {
                    model.parameters.insert("stop".to_owned(), value.clone());
                }
                (key, value) => {
                    model.parameters.insert(key.to_owned(), value.clone());
                }
            }
        }
        model
    }

    fn newest_first(&self, name: &str, see: &mut See<'_>) -> Result<bool, RestError> {
        if !self.server.has_prompt(name)? {
            return Ok(false);
        }
        self.server.prompt_versions(name, |version| Ok(see(read(&version)?)))?;
        Ok(true)
    }

    fn version(&self, name: &str, version: u64) -> Result<Option<RegistryVersion>, RestError> {
        read_found(self.server.prompt_version(name, version)?.as_ref())
    }

    fn aliased(&self, name: &str, alias: &str) -> Result<Option<RegistryVersion>, RestError> {
        read_found(self.server.aliased_prompt(name, alias)?.as_ref())
    }

    fn create(&self, name: &str, new: &NewVersion<'_>) -> Result<u64, RestError> {
        let (kind, text) = text_of(&new.content.body);
        let mut tags = vec![
            ("mlflow.prompt.is_prompt".to_owned(), "true".to_owned()),
            ("_mlflow_prompt_type".to_owned(), kind.to_owned()),
            ("mlflow.prompt.text".to_owned(), text),
        ];
        if !new.content.config.is_empty() {
            let config = Value::Object(new.content.config.clone()).to_string();
            tags.push(("_mlflow_prompt_model_config".to_owned(), config));
        }
        let record = new.record.entries();
        tags.extend(record.map(|(key, value)| (format!("{PREFIX}{key}"), value.to_owned())));
        if let Some((key, _)) = tags.iter().find(|(_, value)| value.chars().count() > MOST_LETTERS)
        {
            let what = if key.ends_with("file") { "the file" } else { "the text" };
            return Err(RestError::NoClient(format!(
                "{what} has more than the {MOST_LETTERS} characters that MLflow keeps"
            )));
        }
        let description = new.front_matter.description.as_deref();
        self.server.create_prompt(name, description)?;
        self.server
            .create_prompt_version(name, &NewModelVersion { message: new.message, tags: &tags })
    }

    fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RestError> {
        self.server.set_alias(name, alias, version)
    }

    fn check_alias(&self, alias: &str) -> Result<(), String> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let is_version = alias
            .strip_prefix(['v', 'V'])
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()));
        if alias.eq_ignore_ascii_case("latest") || is_version {
            Err("is a name that MLflow keeps for itself".to_owned())
        } else if alias.is_empty() || alias.len() > 255 || !alias.chars().all(fits) {
            Err("is no alias: those have letters, digits, `_` and `-`".to_owned())
        } else {
            Ok(())
        }
    }
}
