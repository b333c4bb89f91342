//! Providers: what `openai:chat:gpt-4o-mini` and the like are called in evalmark, and their settings.

use serde_json::{Map, Value, json};

use super::{Import, http_provider::is_secret, values::plain_path};
use crate::suites::node::Node;

/// A prefix of promptfoo's ids, and the provider that speaks the same protocol to the same server.
const PROVIDERS: &[(&str, &str)] = &[
    ("openai:chat:", "openai"),
    ("openai:responses:", "responses"),
    ("openai:completion:", "completions"),
    ("openai:embedding:", "openai"),
    ("openai:embeddings:", "openai"),
    ("openai:", "openai"),
    ("azureopenai:chat:", "azure-deployments"),
    ("azure:chat:", "azure-deployments"),
    ("azure:responses:", "azure-responses"),
    ("azure:embedding:", "azure-deployments"),
    ("azure:", "azure-deployments"),
    ("anthropic:messages:", "anthropic"),
    ("anthropic:", "anthropic"),
    ("google:", "gemini"),
    ("palm:", "gemini"),
    ("vertex:", "vertex"),
    ("bedrock:converse:", "bedrock"),
    ("bedrock:", "bedrock"),
    ("ollama:chat:", "ollama"),
    ("ollama:embeddings:", "ollama"),
    ("ollama:", "ollama"),
    ("groq:", "groq"),
    ("mistral:", "mistral"),
    ("deepseek:", "deepseek"),
    ("togetherai:", "together"),
    ("openrouter:", "openrouter"),
    ("perplexity:", "perplexity"),
    ("xai:", "xai"),
    ("fireworks:", "fireworks"),
    ("cerebras:chat:", "cerebras"),
    ("cerebras:", "cerebras"),
    ("cohere:", "cohere"),
    ("github:", "github"),
    ("huggingface:chat:", "huggingface"),
    ("litellm:chat:", "litellm"),
    ("litellm:", "litellm"),
    ("sambanova:chat:", "sambanova"),
    ("sambanova:", "sambanova"),
    ("deepinfra:chat:", "deepinfra"),
    ("deepinfra:", "deepinfra"),
    ("nebius:chat:", "nebius"),
    ("novita:", "novita"),
    ("llama:", "llamacpp"),
    ("localai:chat:", "openai"),
    ("vllm:", "vllm"),
];

/// Settings that are parameters under the same name.
const PARAMS: [&str; 9] = [
    "temperature",
    "max_tokens",
    "top_p",
    "top_k",
    "seed",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
];

/// Settings that are sent as they are.
const SENT: [&str; 8] = [
    "response_format",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "max_completion_tokens",
    "reasoning",
    "parallel_tool_calls",
];

impl Import<'_> {
    /// The models; `answers` tells that tests hold answers themselves.
    pub(super) fn providers(&mut self, answers: bool) {
        let node = self.root.get("providers").or_else(|| self.root.get("targets"));
        for provider in node.iter().flat_map(Node::elements) {
            if let Some(model) = self.model(&provider) {
                let name = model.0.clone();
                self.draft.model(&name, model.1);
            }
        }
        if answers {
            self.recorded();
        }
        if self.draft.models.is_empty() {
            let why = "no provider could be carried over; the suite names OpenAI's gpt-4o-mini in its place";
            let root = self.root.clone();
            self.draft.lose(node.as_ref().unwrap_or(&root), "providers", why);
            let model = json!({ "provider": "openai", "model": "gpt-4o-mini" });
            self.draft.model("placeholder", model.as_object().cloned().unwrap_or_default());
        }
    }

    /// Tests that hold answers ask no model.
    fn recorded(&mut self) {
        let column = self
            .draft
            .rows
            .first()
            .and_then(|row| row.keys().find(|key| key.starts_with("answer")));
        let Some(column) = column.cloned() else { return };
        self.draft.models.clear();
        let model = json!({ "provider": "recorded", "recorded": { "column": column } });
        self.draft.model("recorded", model.as_object().cloned().unwrap_or_default());
    }

    /// A model's name and what a suite says of it.
    pub(super) fn model(&mut self, node: &Node) -> Option<(String, Map<String, Value>)> {
        let (id, settings, node) = self.provider_id(node)?;
        let config = settings.as_ref().and_then(|settings| settings.get("config"));
        let label = settings.as_ref().and_then(|settings| settings.text("label"));
        if id == "http" || id == "https" || id.starts_with("http://") || id.starts_with("https://")
        {
            return self.http(&node, &id, label, config.as_ref());
        }
        let found = PROVIDERS.iter().find(|(prefix, _)| id.starts_with(prefix));
        let Some((prefix, provider)) = found else {
            let why = match id.as_str() {
                "echo" => "it answers with the prompt itself, which asks no model",
                _ if id.starts_with("exec:")
                    || id.starts_with("python:")
                    || id.starts_with("file://") =>
                {
                    "it is a program of your own; `provider: command` runs one that speaks evalmark's JSON lines"
                }
                _ => "evalmark knows no such provider; `provider: http` asks any endpoint",
            };
            self.draft.lose(&node, format!("the provider `{id}`"), why);
            return None;
        };
        let name = &id[prefix.len()..];
        let mut model = Map::new();
        model.insert("provider".to_owned(), (*provider).into());
        model.insert("model".to_owned(), name.into());
        if let Some(config) = config {
            self.config(&config, &mut model);
        }
        self.complete(&node, &mut model);
        if let Some(settings) = &settings {
            self.settings(settings);
        }
        Some((label.unwrap_or_else(|| name.to_owned()), model))
    }

    /// A provider's id, its settings where it has any, and where it stands: `ID`, `{ id: ID, … }` or
    /// `{ ID: { … } }`, or the one in the file that is named.
    fn provider_id(&mut self, node: &Node) -> Option<(String, Option<Node>, Node)> {
        if let Some(id) = node.as_text() {
            if id.starts_with("file://") && is_document(id) {
                let path = self.files.path(id);
                return match self.files.document(&path) {
                    Ok(document) => {
                        let first = document.elements().into_iter().next()?;
                        let id = first.text("id")?;
                        Some((id, Some(first.clone()), first))
                    }
                    Err(error) => {
                        self.draft.lose(node, format!("the provider `{id}`"), error.to_string());
                        None
                    }
                };
            }
            return Some((id.to_owned(), None, node.clone()));
        }
        if let Some(id) = node.text("id") {
            return Some((id, Some(node.clone()), node.clone()));
        }
        match node.entries().into_iter().next() {
            Some((id, settings)) if settings.value().is_object() => {
                Some((id, Some(settings), node.clone()))
            }
            _ => {
                self.draft.lose(node, "a provider", "it has no `id`");
                None
            }
        }
    }

    fn settings(&mut self, settings: &Node) {
        for (key, node) in settings.entries() {
            let why = match key.as_str() {
                "id" | "label" | "config" | "transform" | "env" | "inputs" => continue,
                "prompts" => "every prompt is asked of every model",
                "delay" => "see `limits: { requests_per_minute }` of a model",
                _ => "the importer does not know it",
            };
            self.draft.lose(&node, format!("`{key}` of a provider"), why);
        }
        if let Some(node) = settings.get("transform") {
            let code = node.as_text().unwrap_or_default();
            let path = plain_path(code, &["output"]);
            let why = match path.as_deref() {
                Some("$") => return,
                Some(_) => "put `extract: { json: … }` on each metric instead",
                None => {
                    "it is code, and an import runs none; `extract` of a metric narrows an answer"
                }
            };
            self.draft.lose(&node, "`transform` of a provider", why);
        }
    }

    fn config(&mut self, config: &Node, model: &mut Map<String, Value>) {
        let (mut params, mut extra) = (Map::new(), Map::new());
        for (key, node) in config.entries() {
            let value = node.value().clone();
            match key.as_str() {
                _ if value.as_str().is_some_and(|text| text.starts_with("file://")) => {
                    self.config_file(&key, &node, &mut extra);
                }
                key if PARAMS.contains(&key) => drop(params.insert(key.to_owned(), value)),
                "maxOutputTokens" | "max_new_tokens" | "maxTokens" | "num_predict" => {
                    params.insert("max_tokens".to_owned(), value);
                }
                "topP" => drop(params.insert("top_p".to_owned(), value)),
                "topK" => drop(params.insert("top_k".to_owned(), value)),
                "stopSequences" | "stop_sequences" => drop(params.insert("stop".to_owned(), value)),
                key if SENT.contains(&key) => self.setting(key, &node, &mut extra),
                "passthrough" => extra.extend(value.as_object().cloned().unwrap_or_default()),
                "apiBaseUrl" | "apiHost" | "baseUrl" | "url" => self.address(&node, model),
                "apiKeyEnvar" => drop(model.insert("api_key_env".to_owned(), value)),
                "apiKey" => self.api_key(&node, model),
                "region" => drop(model.insert("region".to_owned(), value)),
                "projectId" | "project" => drop(model.insert("project".to_owned(), value)),
                "apiVersion" => drop(model.insert("api_version".to_owned(), value)),
                "timeout" => drop(
                    model.insert("limits".to_owned(), json!({ "timeout": milliseconds(&value) })),
                ),
                "basePath" | "showThinking" | "cost" | "inputCost" | "outputCost" => {}
                _ => {
                    let why = "the importer does not know it; what stands under `params.extra` is sent as it is";
                    self.draft.lose(&node, format!("`config.{key}` of a provider"), why);
                }
            }
        }
        if !extra.is_empty() {
            params.insert("extra".to_owned(), extra.into());
        }
        if !params.is_empty() {
            model.insert("params".to_owned(), params.into());
        }
    }

    /// A setting that is sent as it is, where it holds no key.
    fn setting(&mut self, key: &str, node: &Node, extra: &mut Map<String, Value>) {
        if holds_a_secret(node.value()) {
            let why = "it holds a key, and `params.extra` is written as it stands; ask such a server yourself";
            return self.draft.lose(node, format!("`config.{key}` of a provider"), why);
        }
        extra.insert(key.to_owned(), node.value().clone());
    }

    /// The variable that a key comes from.
    fn api_key(&mut self, node: &Node, model: &mut Map<String, Value>) {
        if let Some(name) = variable_of(node.value()) {
            model.insert("api_key_env".to_owned(), name.into());
        } else {
            let why = "a suite names the variable that holds a key (`api_key_env`), never the key";
            self.draft.lose(node, "`apiKey` of a provider", why);
        }
    }

    /// A setting that stands in a file of its own, such as tools.
    fn config_file(&mut self, key: &str, node: &Node, extra: &mut Map<String, Value>) {
        let name = node.as_text().unwrap_or_default();
        let path = self.files.path(name);
        match self.files.document(&path) {
            Ok(document) if SENT.contains(&key) => self.setting(key, &document, extra),
            Ok(_) => {
                let why = "the importer does not know it; what stands under `params.extra` is sent as it is";
                self.draft.lose(node, format!("`config.{key}` of a provider"), why);
            }
            Err(error) => {
                self.draft.lose(node, format!("`config.{key}` of a provider"), error.to_string());
            }
        }
    }

    fn address(&mut self, node: &Node, model: &mut Map<String, Value>) {
        let text = node.as_text().unwrap_or_default();
        if text.contains("{{") {
            let why = "a suite's addresses hold no variables; write the address itself";
            return self.draft.lose(node, "the address of a provider", why);
        }
        let has_scheme = text.contains("://");
        let address = if has_scheme { text.to_owned() } else { format!("https://{text}") };
        model.insert("base_url".to_owned(), address.trim_end_matches('/').into());
    }
}

/// Whether a header or a setting within a value is named like a secret and has a text.
fn holds_a_secret(value: &Value) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| is_secret(key) && value.is_string() || holds_a_secret(value)),
        Value::Array(list) => list.iter().any(holds_a_secret),
        _ => false,
    }
}

/// Whether a file holds settings, and no code.
fn is_document(name: &str) -> bool {
    const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// `X` of `{{ env.X }}` or `$X`.
fn variable_of(value: &Value) -> Option<String> {
    let (variable, around) = variable_in(value.as_str()?)?;
    (around == "\u{0}").then_some(variable)
}

/// A variable of the environment in a text, and the text with a mark in its place.
pub(super) fn variable_in(text: &str) -> Option<(String, String)> {
    let start = text.find("{{")?;
    let end = start + text[start..].find("}}")? + 2;
    let inner = text[start + 2..end - 2].trim();
    let name = inner.strip_prefix("env.").or_else(|| inner.strip_prefix("process.env."));
    let name = name.map(str::to_owned).or_else(|| {
        let quoted = inner.strip_prefix("env[")?.strip_suffix(']')?;
        Some(quoted.trim_matches(['\'', '"']).to_owned())
    })?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name, format!("{}\u{0}{}", &text[..start], &text[end..])))
}

fn milliseconds(value: &Value) -> String {
    format!("{}ms", value.as_u64().unwrap_or(60_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_environment() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(variable_of(&text.into()).as_deref(), expected, "{text}");
        };
        check("{{ env.OPENAI_API_KEY }}", Some("OPENAI_API_KEY"));
        check("{{env['A_KEY']}}", Some("A_KEY"));
        check("sk-123", None);
        check("Bearer {{ env.A }}", None);
        let (name, around) = variable_in("Bearer {{ env.A }}").expect("a variable");
        assert_eq!((name.as_str(), around.as_str()), ("A", "Bearer \u{0}"));
    }
}
