//! OpenAI's evals: an entry of the registry, and its samples as JSONL.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use super::{
    checks::literal,
    data_rows,
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::SuiteDraft,
    node::{Files, Node},
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "openai-evals",
    summary: "an entry of OpenAI's evals registry (YAML) with its samples (JSONL)",
    read,
};

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let files = Files::beside(request.file, request.access);
    let root = files.document(request.file)?;
    let (name, spec) = entry(&root, request.name)?;
    let mut draft = SuiteDraft::new(&name);
    draft.description = root.get(&name).and_then(|node| node.text("description"));
    let args = spec.get("args");
    let samples = samples(&spec, args.as_ref(), request)?;
    asked(&spec, &samples, &mut draft)?;
    metric(&spec, args.as_ref(), &mut draft)?;
    for (key, node) in args.map(|node| node.entries()).unwrap_or_default() {
        let why = match key.as_str() {
            "samples_jsonl" | "ignore_case" => continue,
            "few_shot_jsonl" | "num_few_shot" => {
                "`examples: { count, path }` of a prompt shows rows of a file first"
            }
            "max_tokens" => "see `params: { max_tokens }` of a model",
            _ => "the importer does not know it",
        };
        draft.lose(&node, format!("`args.{key}`"), why);
    }
    draft.lose(
        &root,
        "the model",
        "an eval names none; replace OpenAI's gpt-4o-mini, which the suite names",
    );
    let model = json!({ "provider": "openai", "model": "gpt-4o-mini" });
    draft.model("placeholder", model.as_object().cloned().unwrap_or_default());
    Ok(vec![draft.finish()])
}

/// The eval that is meant, and the entry with its class: an alias leads there by `id`.
fn entry(root: &Node, wanted: Option<&str>) -> Result<(String, Node), SuiteImportError> {
    let entries = root.entries();
    let aliases: Vec<_> = entries.iter().filter(|(_, node)| node.get("id").is_some()).collect();
    let chosen = match wanted {
        Some(name) => entries.iter().find(|(key, _)| key == name),
        None if aliases.len() == 1 => Some(aliases[0]),
        None if entries.len() == 1 => entries.first(),
        None => None,
    };
    let Some((name, node)) = chosen else {
        let names: Vec<_> = aliases.iter().map(|(name, _)| name.as_str()).collect();
        let hint = format!("choose one with `--name`: {}", names.join(", "));
        let error = SuiteImportError::new(
            root.place(),
            "the file holds several evals, or none of that name",
        );
        return Err(SuiteImportError { hint: Some(hint), ..error });
    };
    let target = node.text("id").filter(|_| node.get("class").is_none());
    let spec = match target {
        Some(id) => entries.iter().find(|(key, _)| *key == id).map(|(_, node)| node.clone()),
        None => Some(node.clone()),
    };
    let spec = spec.filter(|spec| spec.get("class").is_some());
    let spec = spec.ok_or_else(|| {
        SuiteImportError::new(node.place(), format!("`{name}` leads to no entry with a `class`"))
    })?;
    Ok((name.clone(), spec))
}

fn samples(
    spec: &Node,
    args: Option<&Node>,
    request: &SuiteRequest<'_>,
) -> Result<Vec<Map<String, Value>>, SuiteImportError> {
    if let Some(data) = request.data {
        return data_rows::read(data);
    }
    let name = args.and_then(|args| args.text("samples_jsonl"));
    let name =
        name.ok_or_else(|| SuiteImportError::new(spec.place(), "it names no `samples_jsonl`"))?;
    let folder = request.file.parent().unwrap_or(Path::new(""));
    // As the registry is laid out: `evals/NAME.yaml` beside `data/`.
    let places =
        [folder.join(&name), folder.join("../data").join(&name), folder.join("data").join(&name)];
    let found = places.iter().find(|path: &&PathBuf| request.access.check(path).is_ok());
    if let Some(path) = found {
        return data_rows::read(path);
    }
    let problem = format!(
        "the samples `{name}` are neither beside the file nor in `../data` of the same repository"
    );
    let hint = "name the file with `--data FILE`".to_owned();
    Err(SuiteImportError { hint: Some(hint), ..SuiteImportError::new(spec.place(), problem) })
}

/// Rows and prompt: what is said before the question is the prompt's where all rows have it, else a column.
fn asked(
    spec: &Node,
    samples: &[Map<String, Value>],
    draft: &mut SuiteDraft,
) -> Result<(), SuiteImportError> {
    let chats: Vec<Vec<(String, String)>> =
        samples.iter().map(|sample| messages(&sample["input"])).collect();
    let roles =
        |chat: &[(String, String)]| chat.iter().map(|(role, _)| role.clone()).collect::<Vec<_>>();
    let mut shapes: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for chat in &chats {
        *shapes.entry(roles(chat)).or_default() += 1;
    }
    let shape =
        shapes.iter().max_by_key(|(_, n)| **n).map(|(shape, _)| shape.clone()).unwrap_or_default();
    if shape.is_empty() {
        return Err(SuiteImportError::new(spec.place(), "the samples have no `input`"));
    }
    let kept: Vec<_> = chats.iter().zip(samples).filter(|(chat, _)| roles(chat) == shape).collect();
    let lost = samples.len() - kept.len();
    if lost > 0 {
        let why = "their conversations have other turns than most, and a prompt has one form";
        draft.lose(spec, format!("{lost} of {} samples", samples.len()), why);
    }
    let mut prompt = Vec::new();
    let mut columns: Vec<Option<String>> = Vec::new();
    for (turn, role) in shape.iter().enumerate() {
        let said: HashSet<&str> = kept.iter().map(|(chat, _)| chat[turn].1.as_str()).collect();
        let is_last = turn + 1 == shape.len();
        let column = (said.len() > 1 || is_last)
            .then(|| if is_last { "input".to_owned() } else { format!("{role}_{}", turn + 1) });
        let content = match &column {
            Some(column) => format!("{{{{ {column} }}}}"),
            None => literal(said.into_iter().next().unwrap_or_default()),
        };
        prompt.push(json!({ "role": role, "content": content }));
        columns.push(column);
    }
    for (chat, sample) in kept {
        let mut row = Map::new();
        for ((_, text), column) in chat.iter().zip(&columns) {
            row.extend(column.iter().map(|column| (column.clone(), Value::from(text.as_str()))));
        }
        for (key, value) in sample.iter().filter(|(key, _)| *key != "input") {
            row.entry(key.clone()).or_insert_with(|| value.clone());
        }
        draft.rows.push(row);
    }
    draft.prompt_messages("eval", &prompt);
    Ok(())
}

/// The messages of an input: a text is what the user says.
fn messages(input: &Value) -> Vec<(String, String)> {
    match input {
        Value::String(text) => vec![("user".to_owned(), text.clone())],
        Value::Array(list) => {
            let message = |message: &Value| {
                // A message with a name is an example of who says what.
                let role = match (message["role"].as_str()?, message["name"].as_str()) {
                    ("system", Some("example_user")) => "user",
                    ("system", Some("example_assistant")) => "assistant",
                    (role, _) => role,
                };
                Some((role.to_owned(), message["content"].as_str()?.to_owned()))
            };
            list.iter().filter_map(message).collect()
        }
        _ => Vec::new(),
    }
}

fn metric(
    spec: &Node,
    args: Option<&Node>,
    draft: &mut SuiteDraft,
) -> Result<(), SuiteImportError> {
    let class = spec.text("class").unwrap_or_default();
    let ignores_case = args.and_then(|args| args.get("ignore_case"));
    let ignores_case = ignores_case.is_some_and(|node| node.value() == &Value::Bool(true));
    if ignores_case {
        draft.differs("`ignore_case` folds letters: `ß` equals `ss`");
    }
    let normalize = if ignores_case { json!(["casefold"]) } else { json!([]) };
    let metric = match class.rsplit(':').next().unwrap_or_default() {
        "Match" => json!({ "starts_with": { "normalize": [] } }),
        "Includes" => json!({ "includes": { "normalize": normalize } }),
        "FuzzyMatch" => {
            draft.differs("`FuzzyMatch` becomes `includes` on normalised texts; an answer that is a part of the right one is not right here, and neither is one without any words");
            let steps =
                ["casefold", "strip_punctuation", "strip_articles", "collapse_whitespace", "trim"];
            json!({ "includes": { "normalize": steps } })
        }
        "JsonMatch" => {
            draft.differs("`JsonMatch` becomes `json_equal`, for which `true` is not 1, and null is a value like others");
            json!({ "json_equal": {} })
        }
        other => {
            let problem = format!(
                "the class `{other}` has no counterpart; `Match`, `Includes`, `FuzzyMatch` and `JsonMatch` have"
            );
            return Err(SuiteImportError::new(
                spec.get("class").map_or(spec.place(), |node| node.place()),
                problem,
            ));
        }
    };
    draft.target = Some("ideal".to_owned());
    draft.checks = draft.rows.len();
    draft.metric("accuracy", metric.as_object().cloned().unwrap_or_default());
    Ok(())
}
