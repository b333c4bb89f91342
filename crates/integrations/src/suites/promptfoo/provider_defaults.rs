//! What promptfoo takes from elsewhere where a provider's settings are silent, and suites must say; and what
//! it leaves out of requests although the settings have it.

use serde_json::{Map, Value};

use super::Import;
use crate::suites::node::Node;

/// Models that think before they answer, and refuse a temperature; promptfoo sends them none.
const WITHOUT_TEMPERATURE: [&str; 4] = ["o1", "o3", "o4-mini", "gpt-5"];

impl Import<'_> {
    /// Fills in what the provider's protocol needs, and takes out what it does not know.
    pub(super) fn complete(&mut self, node: &Node, model: &mut Map<String, Value>) {
        let provider = model.get("provider").and_then(Value::as_str).unwrap_or_default().to_owned();
        match provider.as_str() {
            "bedrock" => self.region(model, "us-east-1"),
            "vertex" => {
                self.region(model, "us-central1");
                let why = "promptfoo finds it in the environment; replace `PROJECT`, which stands in its place";
                self.placeholder(node, model, "project", "PROJECT", why);
            }
            "azure-deployments" | "azure-responses" => self.azure(node, model, &provider),
            _ => {}
        }
        let is_of_openai =
            provider == "openai" || provider == "responses" || provider.starts_with("azure");
        if is_of_openai {
            self.temperature(node, model);
        }
        for (key, providers) in [
            ("region", &["bedrock", "vertex"][..]),
            ("project", &["vertex"]),
            ("api_version", &["azure-deployments"]),
        ] {
            if !providers.contains(&provider.as_str()) && model.remove(key).is_some() {
                let why = format!("`provider: {provider}` has none");
                self.draft.lose(node, format!("`{key}` of a provider"), why);
            }
        }
    }

    fn region(&mut self, model: &mut Map<String, Value>, default: &str) {
        if !model.contains_key("region") {
            let told = format!(
                "promptfoo asks in {default} where nothing names a region, and so does the suite"
            );
            self.draft.differs(&told);
            model.insert("region".to_owned(), default.into());
        }
    }

    fn azure(&mut self, node: &Node, model: &mut Map<String, Value>, provider: &str) {
        let why =
            "promptfoo finds it in the environment; replace `RESOURCE`, which stands in its place";
        self.placeholder(node, model, "base_url", "https://RESOURCE.openai.azure.com", why);
        if provider == "azure-deployments" && !model.contains_key("api_version") {
            let told = "promptfoo speaks version 2024-12-14 of Azure's protocol where nothing names one, and so does the suite";
            self.draft.differs(told);
            model.insert("api_version".to_owned(), "2024-12-14".into());
        }
    }

    /// A value that only the user knows.
    fn placeholder(
        &mut self,
        node: &Node,
        model: &mut Map<String, Value>,
        key: &str,
        value: &str,
        why: &str,
    ) {
        if !model.contains_key(key) {
            self.draft.lose(node, format!("`{key}` of a provider"), why);
            model.insert(key.to_owned(), value.into());
        }
    }

    fn temperature(&mut self, node: &Node, model: &mut Map<String, Value>) {
        let name = model.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_one = |prefix: &&str| {
            let rest = name.strip_prefix(*prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        };
        if name.contains("-chat") || !WITHOUT_TEMPERATURE.iter().any(is_one) {
            return;
        }
        let Some(params) = model.get_mut("params").and_then(Value::as_object_mut) else { return };
        if params.remove("temperature").is_some() {
            let why = format!("`{name}` takes none, and promptfoo sends none");
            self.draft.lose(node, "`temperature` of a provider", why);
        }
        if params.is_empty() {
            model.remove("params");
        }
    }
}
