//! Tasks of lm-evaluation-harness of the kind `generate_until`: a question as a template, right answers, filters
//! and metrics. The rows are at a hub, which an import does not ask: the user names a file with them.

use std::path::PathBuf;

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use super::{
    data_rows,
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::SuiteDraft,
    node::{Files, Node},
    template_words::Converted,
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "lm-eval",
    summary: "a task of lm-evaluation-harness (generate_until), with its rows in a file (`--data`)",
    read,
};

/// How deep tasks may include tasks.
const DEEPEST: usize = 8;

/// Keys that change nothing of what is asked and scored, or are read.
const READ: [&str; 32] = [
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
    targets(&task, &mut draft)?;
    prompt(&task, &mut draft)?;
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
fn template(task: &Task, key: &str, draft: &SuiteDraft) -> Result<Converted, SuiteImportError> {
    let root = &task.parts[0];
    let node = task
        .get(key)
        .ok_or_else(|| SuiteImportError::new(root.place(), format!("there is no `{key}`")))?;
    let text = match node.value() {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_code = !text.contains("{{") && text.split('.').count() == 2 && !text.contains(' ');
    let is_column = draft.rows.first().is_some_and(|row| row.contains_key(&text));
    if is_code && !is_column {
        let problem = format!("`{key}` is code (`{text}`), and an import runs none");
        return Err(SuiteImportError::new(node.place(), problem));
    }
    let text = if is_column { format!("{{{{ {text} }}}}") } else { text };
    Converted::of(text)
        .map_err(|why| SuiteImportError::new(node.place(), format!("`{key}`: {why}")))
}

/// The right answers, as a column of their own: what the template gives, read as a list where it is one.
fn targets(task: &Task, draft: &mut SuiteDraft) -> Result<(), SuiteImportError> {
    let target = template(task, "doc_to_target", draft)?;
    let column = draft.free_column("target", &std::collections::HashSet::new());
    let place = task.get("doc_to_target").map_or_else(String::new, |node| node.place());
    for (at, row) in draft.rows.iter_mut().enumerate() {
        let said = target.render(row);
        let said =
            said.map_err(|why| SuiteImportError::new(&place, format!("row {}: {why}", at + 1)))?;
        let list =
            said.trim().starts_with('[').then(|| serde_json::from_str::<Vec<Value>>(&said).ok());
        let value = match list.flatten().filter(|list| !list.is_empty()) {
            Some(list) => Value::from(list),
            None => said.into(),
        };
        row.insert(column.clone(), value);
    }
    draft.target = Some(column);
    Ok(())
}

fn prompt(task: &Task, draft: &mut SuiteDraft) -> Result<(), SuiteImportError> {
    let question = template(task, "doc_to_text", draft)?;
    let description = task.text("description").unwrap_or_default();
    let before = if description.contains("{{") {
        Converted::of(description.clone()).map(|template| template.text).unwrap_or_default()
    } else {
        description
    };
    draft.prompt_text("question", &format!("{before}{}", question.text));
    Ok(())
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
    const WHY: [(&str, &str); 3] = [
        ("process_docs", "it is code, and an import runs none: do the same to the rows"),
        ("process_results", "it is code, and an import runs none"),
        ("fewshot_config", "see `examples` of a prompt"),
    ];
    for (key, why) in WHY {
        if let Some(node) = task.get(key) {
            draft.lose(&node, format!("`{key}`"), why);
        }
    }
    if let Some(node) = task.get("num_fewshot").filter(|node| node.value().as_u64() > Some(0)) {
        let why = "examples come from another split; `examples: { count, path }` of a prompt shows rows of a file first";
        draft.lose(&node, "`num_fewshot`", why);
    }
    if let Some(node) = task.get("repeats") {
        match node.value().as_u64() {
            Some(0 | 1) | None => {}
            Some(n) => draft.epochs = Some(n),
        }
    }
}

/// A filter's name, and the part of an answer that it takes.
type FilterChain = (String, Result<Map<String, Value>, String>);

/// Each metric behind each filter.
fn metrics(task: &Task, draft: &mut SuiteDraft) {
    let kinds = task.get("metric_list").map(|node| node.elements()).unwrap_or_default();
    let filters = task.get("filter_list").map(|node| node.elements()).unwrap_or_default();
    let plain = vec![(String::new(), Ok(Map::new()))];
    let chains: Vec<FilterChain> = if filters.is_empty() {
        plain
    } else {
        filters
            .iter()
            .map(|filter| (filter.text("name").unwrap_or_default(), narrowing(filter)))
            .collect()
    };
    for ((name, narrowing), node) in
        chains.iter().zip(filters.iter().map(Some).chain(std::iter::repeat(None)))
    {
        let narrowing = match narrowing {
            Ok(narrowing) => narrowing,
            Err(why) => {
                draft.lose(
                    node.unwrap_or(&task.parts[0]),
                    format!("the filter `{name}`"),
                    why.clone(),
                );
                continue;
            }
        };
        for kind in &kinds {
            match metric(kind) {
                Ok((what, metric)) => {
                    let mut entry = narrowing.clone();
                    entry.extend(metric);
                    let name = if name.is_empty() || name == "none" {
                        what
                    } else {
                        format!("{what} ({name})")
                    };
                    draft.checks += draft.rows.len();
                    draft.metric(&name, entry);
                }
                Err(why) => {
                    let what = kind.text("metric").unwrap_or_else(|| kind.value().to_string());
                    draft.lose(kind, format!("the metric `{what}`"), why);
                }
            }
        }
    }
    if draft.metrics.is_empty() {
        let root = task.parts[0].clone();
        draft.lose(&root, "metrics", "none could be carried over; answers are measured by length");
        draft.metric("length", Map::from_iter([("length".to_owned(), json!({}))]));
    }
}

/// The part of an answer that a chain of filters takes.
fn narrowing(filter: &Node) -> Result<Map<String, Value>, String> {
    let mut taken = Map::new();
    for step in filter.get("filter").map(|node| node.elements()).unwrap_or_default() {
        let function = step.text("function").unwrap_or_default();
        match function.as_str() {
            "remove_whitespace" if taken.is_empty() => {
                taken.insert("extract".to_owned(), json!({ "regex": "(?s)^\\s*(.*)$" }));
            }
            "remove_whitespace" | "take_first" => {}
            "regex" if taken.is_empty() => {
                taken.insert("extract".to_owned(), extract(&step)?);
            }
            "regex" => return Err("evalmark narrows an answer once".to_owned()),
            other => return Err(format!("evalmark has no counterpart of `{other}`")),
        }
    }
    Ok(taken)
}

fn extract(step: &Node) -> Result<Value, String> {
    let pattern = step.text("regex_pattern").unwrap_or_else(|| r"#### (\-?[0-9\.\,]+)".to_owned());
    let compiled = regex::Regex::new(&pattern).map_err(|error| {
        let text = error.to_string();
        format!(
            "evalmark's patterns take linear time and lack what it has: {}",
            text.lines().last().unwrap_or_default()
        )
    })?;
    let mut extract = json!({ "regex": pattern });
    match step.get("group_select").map(|node| node.value().clone()) {
        None => {}
        Some(value) if value == json!(0) => {}
        Some(value) if value == json!(-1) => extract["which"] = "last".into(),
        Some(value) => {
            return Err(format!(
                "evalmark takes the first or the last match, and not number {value}"
            ));
        }
    }
    match compiled.captures_len() - 1 {
        0 | 1 => {}
        // Of alternatives that are a group each, the one that matches is the whole match.
        _ if is_alternatives(&pattern) => extract["group"] = 0.into(),
        _ => return Err("it takes the first of several groups that matches".to_owned()),
    }
    Ok(extract)
}

/// Whether a pattern is groups with `|` between them and nothing else.
fn is_alternatives(pattern: &str) -> bool {
    let parts: Vec<_> = pattern.split(")|(").collect();
    let is_whole = pattern.starts_with('(') && pattern.ends_with(')') && !pattern.ends_with("\\)");
    is_whole && !parts.iter().any(|part| part.trim_matches(['(', ')']).contains(['(', ')']))
}

/// A metric's name, and what stands for it.
fn metric(kind: &Node) -> Result<(String, Map<String, Value>), String> {
    let name = kind.text("metric").ok_or("it is code, and an import runs none")?;
    let entry = match name.as_str() {
        "exact_match" => {
            let mut preset = json!({ "name": "lm_eval" });
            for flag in ["ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"]
            {
                if let Some(node) = kind.get(flag) {
                    preset[flag] = node.value().clone();
                }
            }
            json!({ "preset": preset })
        }
        "bleu" => json!({ "bleu": {} }),
        "chrf" => json!({ "chrf": {} }),
        "ter" => json!({ "ter": {} }),
        _ if name.contains('.') => return Err("it is code, and an import runs none".to_owned()),
        _ => return Err("evalmark has no counterpart".to_owned()),
    };
    Ok((name, entry.as_object().cloned().unwrap_or_default()))
}
