//! Langfuse's prompts in this process.

use evalmark_loopback::{Reply, Seen};
use serde_json::{Value, json};

/// One prompt's versions, the oldest first.
#[derive(Default)]
pub(super) struct LangfuseState {
    pub(super) versions: Vec<Value>,
}

fn not_found() -> Reply {
    Reply::status(404).body(r#"{"error":"LangfuseNotFoundError","message":"Prompt not found"}"#)
}

impl LangfuseState {
    pub(super) fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.header("authorization") != Some("Basic cGstbGYtdGVzdDpzay1sZi10ZXN0") {
            return Reply::status(401)
                .body(r#"{"message":"Invalid credentials. Confirm sk-lf-test"}"#);
        }
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let parts: Vec<_> = path.split('/').skip(4).collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["prompts"]) => self.list(query),
            ("POST", ["prompts"]) => self.create(seen.json()),
            ("GET", ["prompts", name]) => self.get(name, query),
            ("PATCH", ["prompts", name, "versions", version]) => {
                self.label(name, version, &seen.json())
            }
            other => panic!("{other:?} is no route of Langfuse"),
        }
    }

    fn of<'a>(&'a mut self, name: &str) -> impl Iterator<Item = &'a mut Value> {
        let name = name.replace("%2F", "/");
        self.versions.iter_mut().filter(move |version| version["name"] == name.as_str())
    }

    fn list(&mut self, query: &str) -> Reply {
        let name = query.split("name=").nth(1).expect("a name").split('&').next().expect("a name");
        let versions: Vec<_> = self.of(name).map(|version| version["version"].clone()).collect();
        // A page has one version: what is listed by pages is put together.
        let page: usize = query
            .split("page=")
            .nth(1)
            .and_then(|rest| rest.split('&').next()?.parse().ok())
            .expect("a page");
        let some: Vec<_> = versions.iter().skip(page - 1).take(1).collect();
        let data: Vec<_> = some
            .iter()
            .map(|v| json!({ "name": name.replace("%2F", "/"), "versions": [v] }))
            .collect();
        Reply::json(&json!({ "data": data, "meta": { "totalPages": versions.len() } }))
    }

    fn create(&mut self, body: Value) -> Reply {
        let name = body["name"].as_str().expect("a name").to_owned();
        if self.of(&name).any(|version| version["type"] != body["type"]) {
            return Reply::status(400).body(
                r#"{"message":"Previous versions have different prompt type. Create a new prompt with a different name."}"#,
            );
        }
        let number = self.of(&name).count() + 1;
        let tags = self.of(&name).last().map_or(json!([]), |version| version["tags"].clone());
        for version in self.of(&name) {
            remove(&mut version["labels"], "latest");
        }
        let mut made = body;
        if made["tags"].is_null() {
            made["tags"] = tags;
        }
        // A database of JSON keeps neither the order of keys nor `0.0`.
        made["config"] = as_jsonb(&made["config"]);
        made["version"] = number.into();
        made["labels"] = json!(["latest"]);
        self.versions.push(made.clone());
        Reply::json(&made)
    }

    fn get(&mut self, name: &str, query: &str) -> Reply {
        let label = query
            .split("label=")
            .nth(1)
            .map(|rest| rest.split('&').next().expect("a label").to_owned());
        let version = query
            .split("version=")
            .nth(1)
            .map(|rest| rest.split('&').next().expect("a number").to_owned());
        let resolves = !query.contains("resolve=false");
        let found = self.of(name).find(|one| match (&label, &version) {
            (_, Some(version)) => one["version"].as_u64() == version.parse().ok(),
            (Some(label), None) => holds(&one["labels"], label),
            (None, None) => holds(&one["labels"], "production"),
        });
        let Some(found) = found else { return not_found() };
        let text = found.to_string();
        let reference = "@@@langfusePrompt:name=tone|label=production@@@";
        let text = if resolves { text.replace(reference, "Be kind.") } else { text };
        Reply::bytes(text)
    }

    fn label(&mut self, name: &str, version: &str, body: &Value) -> Reply {
        let labels: Vec<_> = body["newLabels"].as_array().expect("labels").clone();
        for one in self.of(name) {
            for label in labels.iter().filter_map(Value::as_str) {
                remove(&mut one["labels"], label);
            }
        }
        let Some(found) = self.of(name).find(|one| one["version"].as_u64() == version.parse().ok())
        else {
            return not_found();
        };
        found["labels"].as_array_mut().expect("a list").extend(labels);
        Reply::json(found)
    }
}

fn holds(labels: &Value, label: &str) -> bool {
    labels.as_array().expect("a list").iter().any(|own| own == label)
}

fn remove(labels: &mut Value, label: &str) {
    labels.as_array_mut().expect("a list").retain(|own| own != label);
}

fn as_jsonb(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| (key.len(), *key));
            Value::Object(
                entries.into_iter().map(|(key, value)| (key.clone(), as_jsonb(value))).collect(),
            )
        }
        Value::Number(number) if number.as_f64() == Some(0.0) => 0.into(),
        other => other.clone(),
    }
}
