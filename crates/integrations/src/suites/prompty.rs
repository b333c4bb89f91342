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

fn read(request: &SuiteRequest<'_>) -> Result<ImportedSuite, SuiteImportError> {
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
    for (key, node) in root.entries() {
        const READ: [&str; 11] = [
            "name",
            "description",
            "model",
            "inputs",
            "sample",
            "authors",
            "version",
            "tags",
            "template",
            "outputs",
            "$schema",
        ];
        if !READ.contains(&key.as_str()) {
            draft.lose(&node, format!("`{key}`"), "the importer does not know it");
        }
    }
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
    Ok(draft.finish())
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
    let text = |key: &str| configuration.as_ref().and_then(|node| node.text(key));
    let kind = text("type").unwrap_or_else(|| "openai".to_owned());
    let mut entry = Map::new();
    let name = text("azure_deployment").or_else(|| text("name")).or_else(|| text("model"));
    let name = name.or_else(|| model.as_ref().and_then(|model| model.text("id")));
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
