//! Prompty files: settings above, a prompt with roles below, and a sample of what fills it.

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use super::{
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::SuiteDraft,
    node::{Files, Node, document_of},
    template_words::Converted,
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "prompty",
    summary: "a Prompty file (NAME.prompty); `--data` names rows beyond its sample",
    read,
};

/// A line that begins what somebody says.
const ROLES: [&str; 4] = ["system", "developer", "user", "assistant"];

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let shown = request.file.display().to_string();
    let files = Files::beside(request.file, request.access);
    let text = files.text(request.file).map_err(|why| SuiteImportError::new(&shown, why))?;
    let parts = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---"));
    let (head, body) = parts.ok_or_else(|| {
        SuiteImportError::new(&shown, "a Prompty file begins with settings between `---`")
    })?;
    // With the line that it stands on in the file.
    let root = document_of(&format!("# ---\n{head}\n"), shown.clone())?;
    let stem = request.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut draft = SuiteDraft::new(request.name.unwrap_or(&stem));
    draft.description = root.text("description");
    other_keys(&root, &mut draft);
    placeholders(&root, "", &mut draft);
    rows(&root, &files, request, &mut draft)?;
    model(&root, &mut draft);
    let body = body.split_once('\n').map_or("", |(_, body)| body);
    let mut messages = Vec::new();
    for (role, content) in spoken(body) {
        let template = Converted::of(content).map_err(|why| SuiteImportError::new(&shown, why))?;
        for name in template.variables {
            for row in &mut draft.rows {
                row.entry(name.clone()).or_insert_with(|| "".into());
            }
        }
        messages.push(json!({ "role": role, "content": template.text }));
    }
    draft.prompt_messages(&root.text("name").unwrap_or_else(|| "prompt".to_owned()), &messages);
    draft.lose(&root, "metrics", "a Prompty file checks nothing; answers are measured by length");
    draft.metric("length", Map::from_iter([("length".to_owned(), json!({}))]));
    Ok(vec![draft.finish()])
}

/// Tells what is not read.
fn other_keys(root: &Node, draft: &mut SuiteDraft) {
    const READ: [&str; 7] =
        ["name", "description", "model", "inputs", "sample", "template", "$schema"];
    const MODEL: [&str; 6] = ["id", "api", "configuration", "connection", "parameters", "options"];
    const CONFIGURATION: [&str; 9] = [
        "type",
        "azure_deployment",
        "name",
        "model",
        "azure_endpoint",
        "endpoint",
        "base_url",
        "api_version",
        "api_key",
    ];
    draft.lose_others(root, &READ, "");
    let Some(model) = root.get("model") else { return };
    draft.lose_others(&model, &MODEL, "model");
    for name in ["configuration", "connection"] {
        if let Some(configuration) = model.get(name) {
            draft.lose_others(&configuration, &CONFIGURATION, &format!("model.{name}"));
        }
    }
    if let Some(api) = model.get("api").filter(|api| api.as_text() != Some("chat")) {
        draft.lose(&api, "`model.api`", "the suite asks for chat answers");
    }
}

/// What a Prompty runtime would fill in from the environment or from a file.
fn is_placeholder(text: &str) -> bool {
    text.contains("${env:") || text.contains("${file:")
}

/// Tells placeholders, which nothing fills in here; a sample's file is read.
fn placeholders(node: &Node, at: &str, draft: &mut SuiteDraft) {
    let is_read = at == "sample" || at.ends_with(".api_key");
    if node.as_text().is_some_and(is_placeholder) && !is_read {
        draft.lose(node, format!("`{at}`"), "it is a placeholder; write the value itself");
    }
    let below: Vec<(String, Node)> = match node.value() {
        Value::Array(_) => {
            node.elements().into_iter().map(|below| (at.to_owned(), below)).collect()
        }
        Value::Object(_) => {
            let dot = if at.is_empty() { "" } else { "." };
            let named = |(key, below)| (format!("{at}{dot}{key}"), below);
            node.entries().into_iter().map(named).collect()
        }
        _ => Vec::new(),
    };
    for (at, node) in &below {
        placeholders(node, at, draft);
    }
}

/// The variable that holds the key: `${env:NAME}`.
fn api_key(configuration: &Node, entry: &mut Map<String, Value>, draft: &mut SuiteDraft) {
    let Some(node) = configuration.get("api_key") else { return };
    let name = node.as_text().and_then(|text| text.strip_prefix("${env:")?.strip_suffix('}'));
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if let Some(name) = name.filter(|name| !name.is_empty()).filter(is_name) {
        entry.insert("api_key_env".to_owned(), name.into());
    } else {
        let why = "a suite names the variable that holds a key (`api_key_env`), never the key";
        draft.lose(&node, "`api_key`", why);
    }
}

/// What each says, in order.
fn spoken(body: &str) -> Vec<(String, String)> {
    let mut spoken: Vec<(String, Vec<&str>)> = Vec::new();
    for line in body.lines() {
        let role = line.trim().trim_start_matches('#').trim().strip_suffix(':');
        match role.map(str::to_ascii_lowercase).filter(|role| ROLES.contains(&role.as_str())) {
            Some(role) => spoken.push((role, Vec::new())),
            None => match spoken.last_mut() {
                Some((_, lines)) => lines.push(line),
                None if line.trim().is_empty() => {}
                None => spoken.push(("user".to_owned(), vec![line])),
            },
        }
    }
    let whole = |(role, lines): (String, Vec<&str>)| (role, lines.join("\n").trim().to_owned());
    spoken.into_iter().map(whole).filter(|(_, text)| !text.is_empty()).collect()
}

fn rows(
    root: &Node,
    files: &Files<'_>,
    request: &SuiteRequest<'_>,
    draft: &mut SuiteDraft,
) -> Result<(), SuiteImportError> {
    if let Some(data) = request.data {
        draft.rows = super::data_rows::read(data)?;
        return Ok(());
    }
    let sample = match root.get("sample") {
        Some(node) => match node.as_text() {
            Some(name) => {
                let path = files.path(name.trim_start_matches("${file:").trim_end_matches('}'));
                Some(files.document(&path)?.value().clone())
            }
            None => Some(node.value().clone()),
        },
        None => None,
    };
    let mut row = sample.and_then(|sample| sample.as_object().cloned()).unwrap_or_default();
    for (name, node) in root.get("inputs").map(|node| node.entries()).unwrap_or_default() {
        let default = node.get("default").map(|node| node.value().clone());
        let sample = node.get("sample").map(|node| node.value().clone());
        row.entry(name).or_insert_with(|| sample.or(default).unwrap_or_else(|| "".into()));
    }
    if row.is_empty() {
        row.insert("input".to_owned(), "".into());
    }
    draft.rows.push(row);
    Ok(())
}

fn model(root: &Node, draft: &mut SuiteDraft) {
    let model = root.get("model");
    let configuration = model
        .as_ref()
        .and_then(|model| model.get("configuration").or_else(|| model.get("connection")));
    let text = |key: &str| {
        let text = configuration.as_ref().and_then(|node| node.text(key));
        text.filter(|text| !is_placeholder(text))
    };
    let kind = text("type").unwrap_or_else(|| "openai".to_owned());
    let mut entry = Map::new();
    let name = text("azure_deployment").or_else(|| text("name")).or_else(|| text("model"));
    let id = || model.as_ref()?.text("id").filter(|text| !is_placeholder(text));
    let name = name.or_else(id);
    let name = name.unwrap_or_else(|| {
        draft.lose(root, "the model's name", "there is none; the suite names gpt-4o-mini");
        "gpt-4o-mini".to_owned()
    });
    let provider = match kind.as_str() {
        "azure_openai" | "azure" => "azure-deployments",
        "anthropic" => "anthropic",
        _ => "openai",
    };
    entry.insert("provider".to_owned(), provider.into());
    entry.insert("model".to_owned(), name.as_str().into());
    let endpoint = text("azure_endpoint").or_else(|| text("endpoint")).or_else(|| text("base_url"));
    match endpoint {
        Some(address) if address.starts_with("http") => {
            entry.insert("base_url".to_owned(), address.trim_end_matches('/').into());
        }
        endpoint => {
            if endpoint.is_some() || provider == "azure-deployments" {
                let why = "a suite's addresses are written out; replace the one that stands there";
                draft.lose(configuration.as_ref().unwrap_or(root), "the address of the model", why);
                entry.insert("base_url".to_owned(), "https://RESOURCE.openai.azure.com".into());
            }
        }
    }
    if provider == "azure-deployments" {
        let version = text("api_version").unwrap_or_else(|| {
            let why = "there is none; the suite names 2024-10-21";
            draft.lose(root, "the version of the protocol", why);
            "2024-10-21".to_owned()
        });
        entry.insert("api_version".to_owned(), version.into());
    }
    if let Some(configuration) = &configuration {
        api_key(configuration, &mut entry, draft);
    }
    let params = model.as_ref().map(params).unwrap_or_default();
    if !params.is_empty() {
        entry.insert("params".to_owned(), params.into());
    }
    draft.model(&name, entry);
}

/// The parameters of a model, those that suites do not name under `extra`.
fn params(model: &Node) -> Map<String, Value> {
    let parameters = model.get("parameters").or_else(|| model.get("options"));
    let (mut params, mut extra) = (Map::new(), Map::new());
    for (key, node) in parameters.map(|node| node.entries()).unwrap_or_default() {
        let value: Value = node.value().clone();
        if value.as_str().is_some_and(is_placeholder) {
            continue;
        }
        match key.as_str() {
            "temperature" | "max_tokens" | "top_p" | "seed" | "stop" | "frequency_penalty"
            | "presence_penalty" => {
                params.insert(key, value);
            }
            _ => drop(extra.insert(key, value)),
        }
    }
    if !extra.is_empty() {
        params.insert("extra".to_owned(), extra.into());
    }
    params
}
