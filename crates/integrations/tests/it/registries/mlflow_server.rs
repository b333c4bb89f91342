//! `MLflow`'s model registry in this process.

use std::collections::BTreeMap;

use evalmark_loopback::{Reply, Seen};
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct MlflowState {
    /// Tags by name.
    models: BTreeMap<String, Value>,
    /// The oldest first.
    pub(super) versions: Vec<Value>,
    pub(super) aliases: BTreeMap<(String, String), String>,
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::status(status).body(json!({ "error_code": code, "message": message }).to_string())
}

impl MlflowState {
    pub(super) fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.header("authorization") != Some("Bearer token-of-test") {
            return Reply::status(401).body("You are not authenticated, token-of-test");
        }
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let path = path.strip_prefix("/api/2.0/mlflow/").expect("a path of MLflow");
        let query: BTreeMap<String, String> =
            evalmark_net::Url::parse(&format!("http://h/?{query}"))
                .expect("a query")
                .query_pairs()
                .into_owned()
                .collect();
        match (seen.method.as_str(), path) {
            ("GET", "registered-models/get") => self.model(&query["name"]),
            ("POST", "registered-models/create") => self.create_model(&seen.json()),
            ("POST", "model-versions/create") => self.create(&seen.json()),
            ("GET", "model-versions/get") => self.version(&query["name"], &query["version"]),
            ("GET", "model-versions/search") => self.search(&query),
            ("POST", "registered-models/alias") => self.set_alias(&seen.json()),
            ("GET", "registered-models/alias") => self.aliased(&query["name"], &query["alias"]),
            other => panic!("{other:?} is no route of MLflow"),
        }
    }

    fn model(&self, name: &str) -> Reply {
        match self.models.get(name) {
            Some(tags) => {
                Reply::json(&json!({ "registered_model": { "name": name, "tags": tags } }))
            }
            None => error(404, "RESOURCE_DOES_NOT_EXIST", "Registered Model not found"),
        }
    }

    fn create_model(&mut self, body: &Value) -> Reply {
        let name = body["name"].as_str().expect("a name").to_owned();
        if self.models.contains_key(&name) {
            return error(400, "RESOURCE_ALREADY_EXISTS", "Registered Model already exists");
        }
        self.models.insert(name.clone(), body["tags"].clone());
        self.model(&name)
    }

    fn create(&mut self, body: &Value) -> Reply {
        assert_eq!(body["source"], "dummy-source", "servers refuse all else");
        let name = body["name"].as_str().expect("a name");
        let number = self.versions.iter().filter(|version| version["name"] == name).count() + 1;
        let made = json!({ "name": name, "version": number.to_string(), "tags": body["tags"] });
        self.versions.push(made.clone());
        Reply::json(&json!({ "model_version": made }))
    }

    fn version(&self, name: &str, version: &str) -> Reply {
        let found =
            self.versions.iter().find(|own| own["name"] == name && own["version"] == version);
        match found {
            Some(found) => Reply::json(&json!({ "model_version": found })),
            None => error(404, "RESOURCE_DOES_NOT_EXIST", "Model Version not found"),
        }
    }

    /// One version a page.
    fn search(&self, query: &BTreeMap<String, String>) -> Reply {
        // Without the tag, servers leave prompts out.
        let filter = query["filter"].strip_suffix("' AND tag.`mlflow.prompt.is_prompt` = 'true'");
        let name = filter.and_then(|filter| filter.strip_prefix("name = '")).expect("a filter");
        let own: Vec<_> =
            self.versions.iter().rev().filter(|version| version["name"] == name).collect();
        let at: usize = query.get("page_token").map_or(0, |token| token.parse().expect("a token"));
        let next = (at + 1 < own.len()).then(|| (at + 1).to_string());
        let page = json!({ "model_versions": own.get(at..=at).unwrap_or_default(), "next_page_token": next });
        Reply::json(&page)
    }

    fn set_alias(&mut self, body: &Value) -> Reply {
        let text = |key: &str| body[key].as_str().expect(key).to_owned();
        self.aliases.insert((text("name"), text("alias")), text("version"));
        Reply::json(&json!({}))
    }

    fn aliased(&self, name: &str, alias: &str) -> Reply {
        match self.aliases.get(&(name.to_owned(), alias.to_owned())) {
            Some(version) => self.version(name, version),
            None => error(
                400,
                "INVALID_PARAMETER_VALUE",
                &format!("Registered model alias {alias} not found."),
            ),
        }
    }
}
