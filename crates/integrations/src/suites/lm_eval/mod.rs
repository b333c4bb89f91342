//! Tasks of lm-evaluation-harness of the kind `generate_until`: a question as a template, right answers, filters
//! and metrics. The rows are at a hub, which an import does not ask: the user names a file with them.

mod filters;
mod prompt;
mod python_template;

use std::path::PathBuf;

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use self::{filters::metrics, prompt::prompt, python_template::PythonTemplate};
use super::{
    data_rows,
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::SuiteDraft,
    node::{Files, Node},
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "lm-eval",
    summary: "a task of lm-evaluation-harness (generate_until), with its rows in a file (`--data`)",
    read,
};

/// How deep tasks may include tasks.
const DEEPEST: usize = 8;

/// Keys that change nothing of what is asked and scored, or are read.
const READ: [&str; 33] = [
    "task",
    "tag",
    "group",
    "include",
    "dataset_path",
    "dataset_name",
    "dataset_kwargs",
    "output_type",
    "training_split",
    "validation_split",
    "test_split",
    "fewshot_split",
    "doc_to_text",
    "doc_to_target",
    "description",
    "generation_kwargs",
    "filter_list",
    "metric_list",
    "repeats",
    "num_fewshot",
    "metadata",
    "target_delimiter",
    "fewshot_delimiter",
    "should_decontaminate",
    "doc_to_decontamination_query",
    "process_docs",
    "process_results",
    "fewshot_config",
    "task_alias",
    "unsafe_code",
    "doc_to_choice",
    "custom_dataset",
    "gen_prefix",
];

/// A task with what it includes: its own part first.
struct Task {
    parts: Vec<Node>,
}

impl Task {
    fn get(&self, key: &str) -> Option<Node> {
        self.parts.iter().find_map(|part| part.get(key))
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.as_text().map(str::to_owned)
    }
}

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let task = with_included(request)?;
    let root = task.parts[0].clone();
    let output = task.text("output_type").unwrap_or_else(|| "generate_until".to_owned());
    if output != "generate_until" {
        let place = task.get("output_type").map_or(root.place(), |node| node.place());
        let problem = format!(
            "a task of the kind `{output}` compares probabilities; `generate_until` alone is imported"
        );
        return Err(SuiteImportError::new(place, problem));
    }
    let name = task.text("task").unwrap_or_else(|| "task".to_owned());
    let mut draft = SuiteDraft::new(request.name.unwrap_or(&name));
    draft.description = source(&task).map(|source| format!("{name}, of {source}"));
    draft.rows = rows(&task, request)?;
    for part in &task.parts {
        for (key, node) in
            part.entries().into_iter().filter(|(key, _)| !READ.contains(&key.as_str()))
        {
            draft.lose(&node, format!("`{key}`"), "the importer does not know it");
        }
    }
    prompt(&task, &mut draft)?;
    targets(&task, &mut draft)?;
    model(&task, &mut draft);
    not_carried(&task, &mut draft);
    metrics(&task, &mut draft);
    Ok(vec![draft.finish()])
}

fn with_included(request: &SuiteRequest<'_>) -> Result<Task, SuiteImportError> {
    let mut parts = Vec::new();
    let mut path: PathBuf = request.file.to_owned();
    loop {
        let files = Files::beside(&path, request.access);
        let part = files.document(&path)?;
        if !part.value().is_object() {
            return Err(SuiteImportError::new(part.place(), "a task is a mapping"));
        }
        let included = part.text("include").map(|name| files.path(&name));
        parts.push(part);
        match included {
            Some(next) if parts.len() < DEEPEST => path = next,
            Some(next) => {
                let problem = format!("tasks include each other more than {DEEPEST} deep");
                return Err(SuiteImportError::new(next.display().to_string(), problem));
            }
            None => return Ok(Task { parts }),
        }
    }
}

/// Where the rows are to be had.
fn source(task: &Task) -> Option<String> {
    let path = task.text("dataset_path")?;
    let split = ["test_split", "validation_split"].iter().find_map(|key| task.text(key));
    let parts =
        [Some(path), task.text("dataset_name"), split.map(|split| format!("split {split}"))];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn rows(
    task: &Task,
    request: &SuiteRequest<'_>,
) -> Result<Vec<Map<String, Value>>, SuiteImportError> {
    if let Some(data) = request.data {
        return data_rows::read(data);
    }
    let root = &task.parts[0];
    let source = source(task).unwrap_or_else(|| "a dataset that it does not name".to_owned());
    let problem = format!("the task's rows are `{source}`, which an import does not fetch");
    let hint = "save them as JSONL, and name the file with `--data FILE`".to_owned();
    Err(SuiteImportError { hint: Some(hint), ..SuiteImportError::new(root.place(), problem) })
}

/// A template in the task, or the column that it names.
fn template(
    task: &Task,
    key: &str,
    rows: &[Map<String, Value>],
) -> Result<PythonTemplate, SuiteImportError> {
    let root = &task.parts[0];
    let node = task
        .get(key)
        .ok_or_else(|| SuiteImportError::new(root.place(), format!("there is no `{key}`")))?;
    template_of(&node, key, rows)
}

/// The template that stands there; an error where it is code.
fn template_of(
    node: &Node,
    key: &str,
    rows: &[Map<String, Value>],
) -> Result<PythonTemplate, SuiteImportError> {
    let text = match node.value() {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_code = !text.contains("{{") && text.split('.').count() == 2 && !text.contains(' ');
    let is_column = rows.first().is_some_and(|row| row.contains_key(&text));
    if is_code && !is_column {
        let problem = format!("`{key}` is code (`{text}`), and an import runs none");
        return Err(SuiteImportError::new(node.place(), problem));
    }
    let text = if is_column { format!("{{{{ {text} }}}}") } else { text };
    PythonTemplate::new(text)
        .map_err(|why| SuiteImportError::new(node.place(), format!("`{key}`: {why}")))
}

/// The right answers, as a column of their own: what the template gives, read as a list where it is one.
fn targets(task: &Task, draft: &mut SuiteDraft) -> Result<(), SuiteImportError> {
    let target = template(task, "doc_to_target", &draft.rows)?;
    let column = draft.free_column("target", &std::collections::HashSet::new());
    let place = task.get("doc_to_target").map_or_else(String::new, |node| node.place());
    let choices = task.get("doc_to_choice");
    for (at, row) in draft.rows.iter_mut().enumerate() {
        let wrong = |why: String| SuiteImportError::new(&place, format!("row {}: {why}", at + 1));
        let value = match target.list(row) {
            Some(list) => Value::from(list),
            None => target.render(row).map_err(wrong)?.into(),
        };
        let value = match &choices {
            Some(node) => chosen(node, &value, row).map_err(wrong)?,
            None => value,
        };
        row.insert(column.clone(), value);
    }
    draft.target = Some(column);
    Ok(())
}

/// The choice that a number means.
fn chosen(choices: &Node, number: &Value, row: &Map<String, Value>) -> Result<Value, String> {
    let listed: Vec<Value> = match choices.value() {
        Value::Array(list) => list.clone(),
        Value::Object(map) => map.values().cloned().collect(),
        Value::String(text) => match row.get(text) {
            Some(Value::Array(list)) => list.clone(),
            Some(_) => return Err(format!("the column `{text}` of `doc_to_choice` is no list")),
            None => PythonTemplate::new(text.clone())?
                .list_or_literal(row)?
                .ok_or("`doc_to_choice` gives no list")?,
        },
        _ => return Err("`doc_to_choice` is neither a list nor a template".to_owned()),
    };
    let shown = number.as_str().map_or_else(|| number.to_string(), str::to_owned);
    let at: Option<usize> = shown.trim().parse().ok();
    let choice = at.and_then(|at| listed.get(at)).ok_or_else(|| {
        let n = listed.len();
        format!("`doc_to_target` gives {shown:?}, which is the number of none of {n} choices")
    })?;
    Ok(choice.as_str().map_or_else(|| choice.to_string(), str::to_owned).into())
}

fn model(task: &Task, draft: &mut SuiteDraft) {
    let mut params = Map::new();
    for (key, node) in task.get("generation_kwargs").map(|node| node.entries()).unwrap_or_default()
    {
        let value = node.value().clone();
        match key.as_str() {
            "until" => {
                let ends: Vec<_> = node.elements().iter().map(|end| end.value().clone()).collect();
                if ends.len() > 4 {
                    draft.lose(
                        &node,
                        "some of `until`",
                        "most servers take four ends of an answer; the first four are kept",
                    );
                }
                params.insert("stop".to_owned(), ends.into_iter().take(4).collect());
            }
            "max_gen_toks" | "max_new_tokens" | "max_tokens" => {
                drop(params.insert("max_tokens".to_owned(), value));
            }
            "temperature" | "top_p" => drop(params.insert(key, value)),
            "do_sample" => {
                if value == Value::Bool(false) {
                    params.entry("temperature").or_insert_with(|| json!(0));
                }
            }
            _ => draft.lose(
                &node,
                format!("`generation_kwargs.{key}`"),
                "the importer does not know it",
            ),
        }
    }
    let mut model = json!({ "provider": "openai", "model": "gpt-4o-mini" });
    if !params.is_empty() {
        model["params"] = params.into();
    }
    let root = task.parts[0].clone();
    draft.lose(
        &root,
        "the model",
        "a task names none; replace OpenAI's gpt-4o-mini, which the suite names",
    );
    draft.model("placeholder", model.as_object().cloned().unwrap_or_default());
}

fn not_carried(task: &Task, draft: &mut SuiteDraft) {
    const WHY: [(&str, &str); 2] = [
        ("process_docs", "it is code, and an import runs none: do the same to the rows"),
        ("process_results", "it is code, and an import runs none"),
    ];
    for (key, why) in WHY {
        if let Some(node) = task.get(key) {
            draft.lose(&node, format!("`{key}`"), why);
        }
    }
    if let Some(node) = task.get("repeats") {
        match node.value().as_u64() {
            Some(0 | 1) | None => {}
            Some(n) => draft.epochs = Some(n),
        }
    }
}
