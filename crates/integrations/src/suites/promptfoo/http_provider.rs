//! `http` providers: the request that promptfoo sends, and where the answer stands in the response.

use serde_json::{Map, Value, json};

use super::{Import, providers::variable_in, values::plain_path};
use crate::suites::{node::Node, template_words::Converted};

/// What a request of evalmark's knows, beside the key in headers.
const KNOWN: [&str; 4] = ["prompt", "messages", "model", "params"];

impl Import<'_> {
    /// An HTTP endpoint: request, and where the answer stands.
    pub(super) fn http(
        &mut self,
        node: &Node,
        id: &str,
        label: Option<String>,
        config: Option<&Node>,
    ) -> Option<(String, Map<String, Value>)> {
        let mut http = Map::new();
        if id.contains("://") {
            http.insert("url".to_owned(), id.into());
        }
        let Some(config) = config else {
            self.draft.lose(node, format!("the provider `{id}`"), "it does not say what is sent");
            return None;
        };
        let mut key = None;
        for (name, node) in config.entries() {
            match name.as_str() {
                "url" => drop(http.insert(name, self.sent(&node, "the address")?)),
                "method" => drop(http.insert(name, node.value().clone())),
                "queryParams" => {
                    let query = self.sent(&node, "a part of `queryParams`").unwrap_or_default();
                    http.insert("query".to_owned(), query);
                }
                "headers" => drop(http.insert(name, self.headers(&node, &mut key))),
                "body" => drop(http.insert(name, self.sent(&node, "a part of `body`")?)),
                "transformResponse" | "responseParser" => self.answer(&node, &mut http),
                _ => {
                    let why = "the importer does not know it";
                    self.draft.lose(&node, format!("`config.{name}` of an HTTP provider"), why);
                }
            }
        }
        let mut model = Map::from_iter([("provider".to_owned(), Value::from("http"))]);
        model.extend(key.map(|variable: String| ("api_key_env".to_owned(), variable.into())));
        model.insert("http".to_owned(), http.into());
        Some((label.unwrap_or_else(|| "endpoint".to_owned()), model))
    }

    /// Headers; a key that the environment holds is named, and never written.
    fn headers(&mut self, node: &Node, key: &mut Option<String>) -> Value {
        let mut headers = Map::new();
        for (name, node) in node.entries() {
            let text = node.as_text().unwrap_or_default();
            let variable = variable_in(text);
            if let Some((variable, around)) = variable.filter(|_| key.is_none()) {
                headers.insert(name, around.replace('\u{0}', "{{ key }}").into());
                *key = Some(variable);
            } else if is_secret(&name) {
                let why =
                    "a suite names the variable that holds a key (`api_key_env`), never the key";
                self.draft.lose(&node, format!("the header `{name}`"), why);
            } else if let Some(text) = self.sent(&node, &format!("the header `{name}`")) {
                headers.insert(name, text);
            }
        }
        headers.into()
    }

    /// What is sent, without the parts that name what a request does not know; `None` where that is all.
    fn sent(&mut self, node: &Node, what: &str) -> Option<Value> {
        match node.value() {
            Value::String(text) => match converted(text) {
                Ok(text) => Some(text.into()),
                Err(why) => {
                    self.draft.lose(node, format!("{what} of an HTTP provider"), why);
                    None
                }
            },
            Value::Array(_) => {
                Some(node.elements().iter().filter_map(|part| self.sent(part, what)).collect())
            }
            Value::Object(_) => {
                let parts = node.entries().into_iter();
                let parts = parts.filter_map(|(key, part)| Some((key, self.sent(&part, what)?)));
                Some(parts.collect::<Map<_, _>>().into())
            }
            other => Some(other.clone()),
        }
    }

    fn answer(&mut self, node: &Node, http: &mut Map<String, Value>) {
        let code = node.as_text().unwrap_or_default();
        match plain_path(code, &["json", "response.json", "data"]) {
            Some(path) => drop(http.insert("answer".to_owned(), json!({ "json": path }))),
            None if code.trim() == "text" => {}
            None => {
                let why = "it is code, and an import runs none; write the place of the answer as `answer: { json: PATH }`";
                self.draft.lose(node, "`transformResponse` of a provider", why);
            }
        }
    }
}

pub(super) fn is_secret(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    ["authorization", "api-key", "apikey", "token", "secret", "cookie"]
        .iter()
        .any(|part| name.contains(part))
}

/// A template of a request; an error says what a request does not know.
fn converted(text: &str) -> Result<String, String> {
    let template = Converted::of_nunjucks(text)?;
    match template.variables.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        Some(name) => Err(format!(
            "it names `{name}`, and a request knows `prompt`, `messages`, `model` and `params`"
        )),
        None => Ok(template.text),
    }
}
