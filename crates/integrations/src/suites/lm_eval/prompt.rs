//! The prompt of a task: description, examples that the task itself holds, question, and how the answer begins.

use serde_json::{Map, Value, json};

use super::{Task, python_template::PythonTemplate, template, template_of};
use crate::suites::{
    checks::literal, definition::SuiteImportError, draft::SuiteDraft, node::Node,
    template_words::Converted,
};

/// What is read of `fewshot_config`.
const FEWSHOT: [&str; 6] =
    ["sampler", "samples", "doc_to_text", "doc_to_target", "target_delimiter", "fewshot_delimiter"];

pub(super) fn prompt(task: &Task, draft: &mut SuiteDraft) -> Result<(), SuiteImportError> {
    let question = template(task, "doc_to_text", &draft.rows)?;
    let place = task.get("doc_to_text").map_or_else(String::new, |node| node.place());
    let examples = examples(task, draft)?;
    let question = said(&question, "question", &place, draft)?;
    let mut messages = Vec::new();
    for (role, key) in [("system", "description"), ("assistant", "gen_prefix")] {
        let Some(node) = task.get(key).filter(|node| node.as_text() != Some("")) else { continue };
        let text = template_of(&node, key, &draft.rows)?;
        let text = said(&text, key, &node.place(), draft)?;
        messages.push(json!({ "role": role, "content": text }));
    }
    if messages.is_empty() && examples.is_empty() {
        draft.prompt_text("question", &question);
        return Ok(());
    }
    let at = usize::from(messages.first().is_some_and(|first| first["role"] == "system"));
    let mut turns = Vec::new();
    for (asked, answer) in examples {
        turns.push(json!({ "role": "user", "content": kept(&literal(&asked)) }));
        turns.push(json!({ "role": "assistant", "content": kept(&literal(&answer)) }));
    }
    turns.push(json!({ "role": "user", "content": question }));
    messages.splice(at..at, turns);
    draft.prompt_messages("question", &messages);
    Ok(())
}

/// A text of each row: as a template where evalmark's say the same, else as a column with what it says.
fn said(
    template: &PythonTemplate,
    name: &str,
    place: &str,
    draft: &mut SuiteDraft,
) -> Result<String, SuiteImportError> {
    if !template.source.contains(['{', '}']) {
        return Ok(kept(&template.source));
    }
    let mut texts = Vec::new();
    for (at, row) in draft.rows.iter().enumerate() {
        let text = template.render(row);
        texts.push(
            text.map_err(|why| SuiteImportError::new(place, format!("row {}: {why}", at + 1)))?,
        );
    }
    let same = |own: &Converted| {
        draft
            .rows
            .iter()
            .zip(&texts)
            .all(|(row, text)| own.render(row).is_ok_and(|said| said == *text))
    };
    if let Some(own) = Converted::of(template.source.clone()).ok().filter(same) {
        return Ok(own.text);
    }
    let column = draft.free_column(&format!("{name}_text"), &std::collections::HashSet::new());
    for (row, text) in draft.rows.iter_mut().zip(texts) {
        row.insert(column.clone(), text.into());
    }
    draft.differs("templates with methods of Python are filled in at the import: the texts stand in columns of the dataset");
    Ok(format!("{{{{ {column} }}}}"))
}

/// A template whose last line break is a part of its text.
fn kept(text: &str) -> String {
    match text.strip_suffix('\n') {
        Some(text) => format!("{text}{{{{ '\\n' }}}}"),
        None => text.to_owned(),
    }
}

/// An example: what is asked, and the answer.
type Example = (String, String);

/// The examples before the question, where the task itself says which: turns of the conversation.
fn examples(task: &Task, draft: &mut SuiteDraft) -> Result<Vec<Example>, SuiteImportError> {
    let config = task.get("fewshot_config");
    let n = task.get("num_fewshot").and_then(|node| node.value().as_u64()).unwrap_or_default();
    let Some(node) = task.get("num_fewshot").filter(|_| n > 0) else { return Ok(Vec::new()) };
    let samples = config.as_ref().and_then(|config| config.get("samples"));
    let samples = samples.filter(|samples| samples.value().is_array());
    let is_first =
        config.as_ref().and_then(|config| config.text("sampler")).as_deref() == Some("first_n");
    let (Some(config), Some(samples), true) = (config, samples, is_first) else {
        let why = "examples come from another split, or are drawn by chance; `examples: { count, path }` of a prompt shows rows of a file first";
        draft.lose(&node, "`num_fewshot`", why);
        return Ok(Vec::new());
    };
    draft.lose_others(&config, &FEWSHOT, "fewshot_config");
    let samples = samples.elements();
    let rows: Vec<Map<String, Value>> =
        samples.iter().filter_map(|node| node.value().as_object().cloned()).collect();
    let of = |key: &str| match config.get(key) {
        Some(node) => template_of(&node, key, &rows),
        None => template(task, key, &rows),
    };
    let (question, target) = (of("doc_to_text")?, of("doc_to_target")?);
    let turn = |(row, node): (&Map<String, Value>, &Node)| {
        let first = target.list(row).and_then(|list| Some(list.first()?.as_str()?.to_owned()));
        let answer = match first {
            Some(first) => first,
            None => rendered(&target, row, node)?,
        };
        Ok((rendered(&question, row, node)?, answer))
    };
    rows.iter().zip(&samples).take(usize::try_from(n).unwrap_or(usize::MAX)).map(turn).collect()
}

fn rendered(
    template: &PythonTemplate,
    row: &Map<String, Value>,
    node: &Node,
) -> Result<String, SuiteImportError> {
    template.render(row).map_err(|why| SuiteImportError::new(node.place(), why))
}
