//! GitHub Models' prompt files (`NAME.prompt.yml`): messages, test data, and evaluators.

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use super::{
    checks::{Check, Form, make_metrics},
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::SuiteDraft,
    node::{Files, Node},
    template_words::Converted,
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "prompt-yml",
    summary: "GitHub Models' prompt file (NAME.prompt.yml)",
    read,
};

/// Evaluators that GitHub has, and what a judge is asked in their place.
const BUILT_IN: [(&str, &str); 5] = [
    ("similarity", "The answer says the same as this: {{ expected }}"),
    ("relevance", "The answer addresses what was asked, and keeps to it."),
    ("coherence", "The answer is coherent: its sentences fit together and can be followed."),
    ("fluency", "The answer is written in fluent, correct language."),
    ("groundedness", "Everything that the answer says is supported by what it was given."),
];

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let files = Files::beside(request.file, request.access);
    let root = files.document(request.file)?;
    if root.get("messages").is_none() {
        let problem = "a prompt file has `messages`";
        return Err(SuiteImportError::new(root.place(), problem));
    }
    let stem = request.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = stem.split(".prompt").next().unwrap_or_default().to_owned();
    let mut draft = SuiteDraft::new(request.name.unwrap_or(&stem));
    draft.description = root.text("description");
    other_keys(&root, &mut draft);
    rows(&root, &mut draft);
    model(&root, &mut draft);
    prompt(&root, &mut draft)?;
    let checks = evaluators(&root, &mut draft);
    make_metrics(&mut draft, checks);
    if draft.metrics.is_empty() {
        draft.lose(
            &root,
            "evaluators",
            "there is none that could be carried over; answers are measured by length",
        );
        draft.metric("length", Map::from_iter([("length".to_owned(), json!({}))]));
    }
    Ok(vec![draft.finish()])
}

fn other_keys(root: &Node, draft: &mut SuiteDraft) {
    const READ: [&str; 9] = [
        "name",
        "description",
        "model",
        "modelParameters",
        "messages",
        "testData",
        "evaluators",
        "responseFormat",
        "jsonSchema",
    ];
    draft.lose_others(root, &READ, "");
}

fn rows(root: &Node, draft: &mut SuiteDraft) {
    let data = root.get("testData").map(|node| node.elements()).unwrap_or_default();
    for row in data {
        match row.value().as_object() {
            Some(map) => draft.rows.push(map.clone()),
            None => draft.lose(&row, "a row of `testData`", "it is no mapping"),
        }
    }
    if draft.rows.is_empty() {
        draft.lose(root, "`testData`", "there is none; the dataset has one row without values");
        draft.rows.push(Map::from_iter([("input".to_owned(), "".into())]));
    }
    let names: Vec<String> = draft.rows.iter().flat_map(|row| row.keys().cloned()).collect();
    for row in &mut draft.rows {
        for name in &names {
            let value = row.entry(name.clone()).or_insert_with(|| "".into());
            if value.is_null() {
                *value = "".into();
            }
        }
    }
}

fn model(root: &Node, draft: &mut SuiteDraft) {
    let name = root.text("model").unwrap_or_else(|| {
        draft.lose(root, "`model`", "there is none; the suite names openai/gpt-4o-mini");
        "openai/gpt-4o-mini".to_owned()
    });
    let mut params = Map::new();
    for (key, node) in root.get("modelParameters").map(|node| node.entries()).unwrap_or_default() {
        let value = node.value().clone();
        let known = match key.as_str() {
            "maxTokens" | "max_tokens" | "maxCompletionTokens" => "max_tokens",
            "topP" | "top_p" => "top_p",
            "temperature" | "seed" | "stop" => key.as_str(),
            "frequencyPenalty" => "frequency_penalty",
            "presencePenalty" => "presence_penalty",
            _ => {
                draft.lose(
                    &node,
                    format!("`modelParameters.{key}`"),
                    "the importer does not know it",
                );
                continue;
            }
        };
        params.insert(known.to_owned(), value);
    }
    match root.text("responseFormat").as_deref() {
        Some("json_object") => {
            params.insert(
                "extra".to_owned(),
                json!({ "response_format": { "type": "json_object" } }),
            );
        }
        Some("json_schema" | "text") | None => {}
        Some(_) => draft.lose(root, "`responseFormat`", "the importer does not know it"),
    }
    let mut model = Map::new();
    model.insert("provider".to_owned(), "github".into());
    model.insert("model".to_owned(), name.as_str().into());
    if !params.is_empty() {
        model.insert("params".to_owned(), params.into());
    }
    let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
    draft.model(&short, model);
}

fn prompt(root: &Node, draft: &mut SuiteDraft) -> Result<(), SuiteImportError> {
    let mut messages = Vec::new();
    for node in root.get("messages").map(|node| node.elements()).unwrap_or_default() {
        let role = node.text("role").unwrap_or_else(|| "user".to_owned());
        let content = node.text("content").unwrap_or_default();
        let template =
            mustache(&content).map_err(|why| SuiteImportError::new(node.place(), why))?;
        messages.push(json!({ "role": role, "content": template.text }));
        for name in template.variables {
            for row in &mut draft.rows {
                row.entry(name.clone()).or_insert_with(|| "".into());
            }
        }
    }
    draft.prompt_messages(&root.text("name").unwrap_or_else(|| "prompt".to_owned()), &messages);
    if let (Some(node), Some(prompt)) = (root.get("jsonSchema"), draft.prompts.last_mut()) {
        let schema = match node.as_text() {
            Some(text) => serde_json::from_str(text).ok(),
            None => Some(node.value().clone()),
        };
        // GitHub's has the schema's name around it.
        let schema = schema.map(|schema: Value| schema.get("schema").cloned().unwrap_or(schema));
        match schema.filter(Value::is_object) {
            Some(schema) => prompt["json_schema"] = schema,
            None => draft.lose(&node, "`jsonSchema`", "it is no JSON Schema"),
        }
    }
    Ok(())
}

/// A template with `{{name}}` alone; what else stands in it is text.
fn mustache(text: &str) -> Result<Converted, String> {
    Converted::of(text.to_owned())
}

fn evaluators(root: &Node, draft: &mut SuiteDraft) -> Vec<Vec<Check>> {
    let mut checks: Vec<Vec<Check>> = draft.rows.iter().map(|_| Vec::new()).collect();
    let mut judge = None;
    for node in root.get("evaluators").map(|node| node.elements()).unwrap_or_default() {
        let name = node.text("name").unwrap_or_else(|| "evaluator".to_owned());
        let carried = match (node.get("string"), node.get("llm"), node.text("uses")) {
            (Some(string), _, _) => of_string(&name, &string, draft),
            (None, Some(llm), _) => of_judge(&name, &llm, draft),
            (None, None, Some(uses)) => built_in(&name, &uses, draft, &mut judge),
            _ => Err("it has neither `string`, `llm` nor `uses`".to_owned()),
        };
        match carried {
            Ok(carried) => {
                for (row, check) in checks.iter_mut().zip(carried) {
                    row.extend(check);
                }
            }
            Err(why) => draft.lose(&node, format!("the evaluator `{name}`"), why),
        }
    }
    checks
}

/// The checks of each row.
type Carried = Result<Vec<Vec<Check>>, String>;

fn of_string(name: &str, string: &Node, draft: &mut SuiteDraft) -> Carried {
    const FORMS: [&str; 4] = ["equals", "contains", "startsWith", "endsWith"];
    draft.lose_others(string, &FORMS, &format!("{name}.string"));
    let found: Vec<_> = FORMS.iter().filter_map(|form| Some((*form, string.get(form)?))).collect();
    if found.is_empty() {
        return Err("it has neither `equals`, `contains`, `startsWith` nor `endsWith`".to_owned());
    }
    if found.len() > 1 {
        draft.differs("an evaluator with several texts checks each of them");
    }
    let mut checks: Vec<Vec<Check>> = draft.rows.iter().map(|_| Vec::new()).collect();
    for (form, node) in found {
        match of_form(name, form, &node, draft) {
            Ok(carried) => {
                for (row, check) in checks.iter_mut().zip(carried) {
                    row.extend(check);
                }
            }
            Err(why) => draft.lose(&node, format!("`{form}` of the evaluator `{name}`"), why),
        }
    }
    Ok(checks)
}

/// One text of an evaluator: a check of each row for which it is not empty.
fn of_form(
    name: &str,
    form: &str,
    node: &Node,
    draft: &mut SuiteDraft,
) -> Result<Vec<Option<Check>>, String> {
    let template = mustache(node.as_text().ok_or("it is no text")?)?;
    let of_all = (!template.is_constant()).then(|| template.text.clone());
    let rendered: Result<Vec<String>, String> =
        draft.rows.iter().map(|row| template.render(row)).collect();
    let rendered = rendered?;
    let n_empty = rendered.iter().filter(|text| text.is_empty()).count();
    if n_empty > 0 {
        let why = format!("it is empty for {n_empty} of {} rows", rendered.len());
        draft.lose(node, format!("`{form}` of the evaluator `{name}`"), why);
    }
    let one = |text: String| {
        let check = match form {
            "equals" => Check::new(name, "preset", json!("promptfoo_equals")),
            "contains" => Check::new(name, "includes", json!({ "normalize": ["casefold"] })),
            "startsWith" => Check::new(name, "starts_with", json!({ "normalize": ["casefold"] })),
            _ => Check::new(name, "ends_with", json!({ "normalize": ["casefold"] })),
        };
        (!text.is_empty()).then(|| check.with(Form::Target, text.into(), of_all.clone()))
    };
    Ok(rendered.into_iter().map(one).collect())
}

/// An evaluator with a prompt of its own: its choices become the judge's grades.
fn of_judge(name: &str, llm: &Node, draft: &mut SuiteDraft) -> Carried {
    draft.differs("evaluators that a model grades become `judge`: it is asked in evalmark's words, with the evaluator's prompt as the rubric");
    let prompt = llm.text("prompt").ok_or("it has no `prompt`")?;
    let system = llm.text("systemPrompt").unwrap_or_default();
    let rubric = format!("{system}\n{prompt}").trim().to_owned();
    let rubric = rubric
        .replace("{{completion}}", "(the answer)")
        .replace("{{ completion }}", "(the answer)");
    let template = mustache(&rubric)?;
    let model = llm.text("modelId").unwrap_or_else(|| "openai/gpt-4o".to_owned());
    let judge = json!({ "provider": "github", "model": model });
    let judge = draft.judge("judge", judge.as_object().cloned().unwrap_or_default());
    let choices = llm.get("choices").map(|node| node.elements()).unwrap_or_default();
    let grades: Vec<f64> =
        choices.iter().filter_map(|node| node.text("choice")?.parse().ok()).collect();
    let mut params = json!({ "model": judge, "rubric": "" });
    if grades.len() == choices.len() && grades.len() > 1 {
        params["scale"] = json!(grades);
    } else if !choices.is_empty() {
        draft.lose(
            llm,
            "`choices` of an evaluator",
            "they are no numbers; the judge grades from 0 to 1",
        );
    }
    let rows: Vec<_> = draft.rows.iter().map(|row| template.render(row)).collect();
    let one = |rendered: Result<String, String>| {
        let check = Check::new(name, "judge", params.clone());
        Ok(vec![check.with(Form::Rubric, rendered?.into(), Some(template.text.clone()))])
    };
    rows.into_iter().map(one).collect()
}

fn built_in(name: &str, uses: &str, draft: &mut SuiteDraft, judge: &mut Option<String>) -> Carried {
    let short = uses.rsplit('/').next().unwrap_or(uses);
    let known = BUILT_IN.iter().find(|(name, _)| *name == short);
    let (_, rubric) = known.ok_or_else(|| format!("evalmark has no counterpart of `{uses}`"))?;
    draft.differs("GitHub's own evaluators become `judge` with a rubric of one sentence");
    let model = judge.get_or_insert_with(|| {
        let model = json!({ "provider": "github", "model": "openai/gpt-4o" });
        draft.judge("judge", model.as_object().cloned().unwrap_or_default())
    });
    let params = json!({ "model": model, "rubric": "" });
    let template = Converted::of((*rubric).to_owned())?;
    let rows: Vec<_> = draft.rows.iter().map(|row| template.render(row)).collect();
    let has_all =
        |row: &Map<String, Value>| template.variables.iter().all(|name| row.contains_key(name));
    let of_all = draft.rows.iter().all(has_all).then(|| template.text.clone());
    let one = |rendered: Result<String, String>| {
        let check = Check::new(name, "judge", params.clone());
        Ok(vec![check.with(Form::Rubric, rendered?.into(), of_all.clone())])
    };
    rows.into_iter().map(one).collect()
}
